// SPDX-License-Identifier: GPL-2.0-only
// Mutant: retries of a user address without cause have no bound
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: no end after
// Limit: 60
// Expect: rmp_fault_stuck -1

@@
expression stuck;
@@
 rmp_user_stuck(...)
 {
 ...
-stuck = rmp_fault_stuck(...);
+stuck = false;
 ...
 }
