// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the bound on retries counts those that made progress
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: #PF: error_code\(0x80000003\) - RMP violation
// Limit: 60
// Expect: RMP_OUTCOME_RECOVERED 1
//
// A guest that takes its page back again and again makes the host oops.

@@
expression E;
@@
 rmp_fault_stuck(...)
 {
 ...
-long epoch = E;
+long epoch = 0;
 ...
 }

@@
expression outcome;
@@
 rmp_fault_decide(...)
 {
 <...
-(outcome == RMP_OUTCOME_SPURIOUS || outcome == RMP_OUTCOME_BUSY)
+(outcome == RMP_OUTCOME_SPURIOUS || outcome == RMP_OUTCOME_BUSY || outcome == RMP_OUTCOME_RECOVERED)
 ...>
 }
