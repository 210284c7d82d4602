// SPDX-License-Identifier: GPL-2.0-only
// Mutant: retries without progress have no bound
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: not ok .*stuck: a repair that never succeeds
// Limit: 60
// Expect: RMP_FAULT_MAX_TRIES -1
//
// The test's obstacle gives up in the end, so that the VM lives to tell.

@@
@@
 rmp_fault_stuck(...)
 {
 ...
-if (++t->count < RMP_FAULT_MAX_TRIES)
+if (++t->count)
	return false;
 ...
 }
