// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a 2M entry is flipped by one 4K RMPUPDATE
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: #PF: error_code\(0x80000003\) - RMP violation|not ok .*huge: a 2M entry is flipped whole
// Limit: 60
// Expect: RMP_VERDICT_FLIP_2M -1
//
// Hardware answers FAIL_OVERLAP, for ever.

@@
identifier f;
@@
 rmp_fault_verdict(const struct rmp_fault *f)
 {
 ...
 if (f->rmp.assigned && f->rmp.level == PG_LEVEL_2M)
-	return RMP_VERDICT_FLIP_2M;
+	return RMP_VERDICT_FLIP_4K;
 ...
 }
