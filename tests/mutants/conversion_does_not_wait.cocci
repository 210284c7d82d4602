// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a conversion does not wait for a merge of its region
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*region_that_becomes_private_during_a_merge
// Limit: 60
// Expect: atomic_inc_return -1

@@
expression r, merging;
@@
 rmp_dmap_begin(...)
 {
 ...
-merging = atomic_inc_return(&r->users) < 0;
+atomic_inc(&r->users);
+merging = false;
 ...
 }
