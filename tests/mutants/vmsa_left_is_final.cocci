// SPDX-License-Identifier: GPL-2.0-only
// Mutant: PSC of a VMSA that its vCPU is to leave: an error for good
// File: arch/x86/kvm/svm/snp_psc.c
// Test: snp_in_place_vcpus_test
// Caught: not ok .*page_on_which_a_vcpu_runs_is_not_converted
// Limit: 60
// Expect: vcpu_leaves -1
//
// Linux ends itself over it.

@@
identifier ret;
@@
 convert(...)
 {
 <...
-if (ret == -EPERM && vcpu_leaves(...))
-	ret = -EAGAIN;
 ...>
 }
