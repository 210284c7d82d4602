// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a merge does not look whether a page is becoming private
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*no_merge_between_the_split_and_the_assignment
// Limit: 60
// Expect: users -1

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

@@
expression r;
@@
 dmap_candidate(...)
 {
 <...
-atomic_read(&r.users)
+0
 ...>
 }
