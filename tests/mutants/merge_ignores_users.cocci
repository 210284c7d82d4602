// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a merge does not look whether a page is becoming private
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*region_that_becomes_private_during_a_merge
// Limit: 60
// Expect: atomic_cmpxchg -1

@@
expression r;
@@
 dmap_merge_one(...)
 {
 <...
-!atomic_cmpxchg(&r->users, 0, DMAP_MERGING)
+atomic_add_return(DMAP_MERGING, &r->users)
 ...>
 }
