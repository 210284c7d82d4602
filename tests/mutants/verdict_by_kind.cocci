// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the entry's kind decides: a VMSA page is not repaired
// File: arch/x86/mm/rmp_fault.c
// Test: snp_hostile_host_test
// Caught: #PF: error_code\(0x80000003\) - RMP violation
// Limit: 60
// Expect: vmsa 1
//
// A guest marks its own page as VMSA by RMPADJUST, and the host dies of it.

@@
identifier f;
@@
 rmp_fault_verdict(const struct rmp_fault *f)
 {
 ...
 if (!f->covered)
	return RMP_VERDICT_STOCK;
+if (f->rmp.vmsa)
+	return RMP_VERDICT_STOCK;
 ...
 }
