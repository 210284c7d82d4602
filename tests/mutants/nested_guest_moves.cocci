// SPDX-License-Identifier: GPL-2.0-only
// Mutant: vCPUs that run a nested guest are moved like others
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_test
// Caught: not ok .*einval_while_a_vcpu_runs_a_nested_guest
// Limit: 60
// Expect: is_guest_mode -2
//
// The VMSA's address is then in the VMCB that is not the vCPU's own.

@@
expression e;
identifier vcpu;
@@
 snp_check_vcpus(...)
 {
 <...
(
-if (is_guest_mode(vcpu))
-	return -EINVAL;
|
-e || is_guest_mode(vcpu)
+e
)
 ...>
 }
