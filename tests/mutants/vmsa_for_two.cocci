// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a second vCPU gets the VMSA on which another one runs
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_cpu_test
// Caught: not ok .*one_vmsa_for_two_vcpus_is_the_first_ones_alone
// Limit: 60
// Expect: xa_store 1

@@
expression x, pfn, vcpu, gfp;
@@
 snp_vmsa_claim(...)
 {
-if (!xa_insert(x, pfn, vcpu, gfp))
+if (!xa_is_err(xa_store(x, pfn, vcpu, gfp)))
	return true;
 ...
 }
