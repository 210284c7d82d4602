// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a map does not wait for the conversion of its page
// File: arch/x86/kvm/svm/snp_range.c
// Test: kunit
// Caught: not ok .*snp_range.conflicts_are_as_in_the_table
// Limit: 60
// Expect: SNP_HOLD_EXCL -1
//
// The race is a matter of some instructions: from the lock of the range until its
// pages are in the table, which a map asks as well.

@@
identifier r, gfn;
@@
 try_hold(struct snp_range *r, ...)
 {
 <...
-find(r, gfn, gfn, BIT(SNP_HOLD_EXCL), NULL)
+false
 ...>
 }
