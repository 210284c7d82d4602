// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the handler takes a lock around the repair
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: no end after|soft lockup|hard LOCKUP|rcu: INFO
// Limit: 45
// Expect: repair_lock 4
//
// An NMI in the middle of the repair faults as well, and waits for itself.

@@ @@
 #include <asm/rmp_fault.h>
+static raw_spinlock_t repair_lock = __RAW_SPIN_LOCK_UNLOCKED(repair_lock);

@@
expression verdict, pfn, result;
@@
 rmp_fault_decide(...)
 {
 <+...
+raw_spin_lock(&repair_lock);
 result = rmp_fault_repair(verdict, pfn);
+raw_spin_unlock(&repair_lock);
 ...+>
 }
