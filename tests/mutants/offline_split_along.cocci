// SPDX-License-Identifier: GPL-2.0-only
// Mutant: memory that is offline is split along with its neighbours
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: snp_memory_hotplug_test
// Caught: not ok .*a_block_that_is_offline_is_not_split_along
// Config: debug
// Limit: 120
// Expect: dmap_gone -1
//
// Its removal frees the tables there, and nobody tells the splitter.

@@ @@
-test_bit(i, dmap_gone)
+0
