// SPDX-License-Identifier: GPL-2.0-only
// Mutant: FAIL_INUSE is a refusal
// File: arch/x86/mm/rmp_fault.c
// Test: snp_hostile_host_test
// Caught: #PF: error_code\(0x80000003\) - RMP violation
// Limit: 60
// Expect: RMPUPDATE_FAIL_INUSE 1
//
// A guest that runs a vCPU on its page makes the host oops.

@@
identifier verdict, result;
@@
 rmp_fault_outcome(enum rmp_verdict verdict, int result)
 {
 ...
 if (verdict == RMP_VERDICT_RETRY)
	return RMP_OUTCOME_SPURIOUS;
+if (result == RMPUPDATE_FAIL_INUSE)
+	return RMP_OUTCOME_REFUSED;
 ...
 }
