// SPDX-License-Identifier: GPL-2.0-only
// Mutant: pages are pinned with the range held
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_vcpus_test
// Args: TEST=request_that_waits_for_user_space_locks_nothing
// Caught: no end after|not ok .*request_that_waits_for_user_space_locks_nothing
// Limit: 60
// Expect: lock_unit 1
//
// Pinning may wait for user space as long as that likes, and everybody who wants to
// map a page of the range waits with it.

@@
identifier u, r, hva, s, e, ret;
@@
 snp_make_private(struct snp_unit *u, struct snp_scratch *s)
 {
 ...
 struct snp_excl e;
 ...
+ret = lock_unit(u, &e, u->gfn, u->n);
+if (ret)
+	return ret;
 ret = pin(u, r, hva, s);
+snp_range_unlock(&u->vm->range, &e);
 ...
 }
