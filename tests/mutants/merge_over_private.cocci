// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a merge does not scan the RMP
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*one_private_page_forbids_the_merge
// Limit: 60
// Expect: rmp_region_assigned -2

@@ @@
 dmap_merge_idle(...)
 {
 <...
-rmp_region_assigned(...)
+false
 ...>
 }

@@ @@
 dmap_candidate(...)
 {
 <...
-rmp_region_assigned(...)
+false
 ...>
 }
