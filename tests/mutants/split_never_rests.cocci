// SPDX-License-Identifier: GPL-2.0-only
// Mutant: what is split again and again is merged again at once
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*region_that_is_split_again_and_again_rests
// Limit: 60
// Expect: dmap_rest 0
//
// Each time a flush of all TLBs, and the guest says when.

@@ @@
 dmap_rest(...)
 {
 ...
-return splits <= DMAP_RESTLESS ? 0 : HZ << (splits - 1);
+return 0;
 }
