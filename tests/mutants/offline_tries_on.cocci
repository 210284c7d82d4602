// SPDX-License-Identifier: GPL-2.0-only
// Mutant: memory with private pages is tried to be emptied, not refused
// File: arch/x86/mm/pat/dmap_rmp.c
// Test: snp_memory_hotplug_test
// Caught: not ok .*anonymous.its_block_stays_and_it_does_not_notice
// Limit: 240
// Config: debug
// Expect: EBUSY -1
//
// A page of a process looks movable, and is pinned: stock code tries until a signal
// ends it.

@@
identifier pfn;
@@
 dmap_going_offline(...)
 {
 <...
-if (rmp_region_assigned(pfn))
-	return -EBUSY;
 ...>
 }
