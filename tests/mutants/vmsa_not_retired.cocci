// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a page is taken from a guest whose vCPU runs on it
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_cpu_test
// Caught: not ok .*vmsa_taken_by_the_vmm_ends_the_vm
// Limit: 60
// Expect: kvm_vm_dead -1

@@
expression e;
@@
 snp_vmsa_retire(...)
 {
 <...
-kvm_vm_dead(e);
 ...>
 }
