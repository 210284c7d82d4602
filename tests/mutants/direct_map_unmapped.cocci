// SPDX-License-Identifier: GPL-2.0-only
// Mutant: conversion unmaps the direct map instead of splitting it
// File: arch/x86/virt/svm/rmp_repair.c
// Test: rmp_fault_test
// Caught: BUG: unable to handle page fault
// Limit: 60
// Expect: set_memory_np 1
//
// What a write then raises is !PRESENT: CASE1 (retry, two threads on one page)
// and CASE2 (a broken direct map, which must oops) cannot be told apart. Pages of
// guests only, or the firmware's own pages end the boot.

@@
typedef u64;
identifier pfn, state, ret;
@@
 void rmp_updated(u64 pfn, const struct rmp_state *state, int ret)
 {
+	int n = state->pagesize == RMP_PG_SIZE_2M ? PTRS_PER_PMD : 1;
+
+	if (!ret && state->assigned && state->asid)
+		set_memory_np((unsigned long)pfn_to_kaddr(pfn), n);
+	if (!ret && !state->assigned)
+		set_memory_p((unsigned long)pfn_to_kaddr(pfn), n);
 	...
 }
