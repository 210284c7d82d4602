// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a page-state change may share the VMSA of a running vCPU
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_cpu_test
// Caught: not ok .*vmsa_of_a_running_vcpu_cannot_be_shared
// Limit: 60
// Expect: kvm_for_each_vcpu -1

@@
iterator name kvm_for_each_vcpu;
statement S;
@@
 snp_psc_hits_vmsa(...)
 {
 ...
-kvm_for_each_vcpu(...) S
 ...
 }
