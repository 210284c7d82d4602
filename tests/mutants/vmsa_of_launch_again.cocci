// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a vCPU that does not get its new VMSA goes on with its first
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_cpu_test
// Caught: not ok .*one_vmsa_for_two_vcpus_is_the_first_ones_alone
// Limit: 60
// Expect: snp_has_guest_vmsa -1

@@ @@
 snp_vmsa_release(...)
 {
 ...
-to_svm(vcpu)->sev_es.snp_has_guest_vmsa = true;
 ...
 }
