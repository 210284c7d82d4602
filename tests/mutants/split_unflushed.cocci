// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a split is not flushed before RMPUPDATE
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: dmap_test
// Caught: not ok .*a_range_is_split_with_one_flush
// Limit: 60
// Expect: flush_tlb_all -1

@@ @@
 dmap_split_run(...)
 {
 <...
-flush_tlb_all();
 ...>
 }
