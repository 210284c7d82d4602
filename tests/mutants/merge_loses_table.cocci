// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a merge does not keep the page table for the next split
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*second_split_of_a_region_takes_its_old_table
// Limit: 60
// Expect: NULL 1

@@
identifier r;
@@
 dmap_merge_idle(...)
 {
 ...
 struct dmap_region *r = ...;
 ...
+r->table = NULL;
 dmap_merges++;
 ...
 }
