// SPDX-License-Identifier: GPL-2.0-only
// Mutant: nobody decides about user addresses, as in stock Linux
// File: arch/x86/mm/rmp_fault_user.c
// Test: rmp_user_test
// Caught: no end after
// Limit: 60
// Expect: trace_rmp_fault -1

@@ @@
 __rmp_fault_user(...)
 {
 ...
-trace_rmp_fault(...);
+return false;
 ...
 }
