// SPDX-License-Identifier: GPL-2.0-only
// Mutant: PSMASH without splitting the direct map before
// File: arch/x86/virt/svm/rmp_repair.c
// Test: rmp_fault_test
// Caught: not ok .*psmash: after PSMASH one page is flipped alone
// Limit: 60
// Expect: PG_LEVEL_2M 2

@@ @@
 rmp_psmash_split(...)
 {
 <...
-PG_LEVEL_4K
+PG_LEVEL_2M
 ...>
 }
