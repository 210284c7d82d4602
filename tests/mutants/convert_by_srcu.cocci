// SPDX-License-Identifier: GPL-2.0-only
// Mutant: conversions wait for maps by synchronize_srcu()
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_test
// Args: TEST=msr_protocol_converts_a_page_and_back
// Caught: no end after|not ok .*msr_protocol_converts
// Limit: 60
// Expect: synchronize_srcu 1
//
// A request is served inside kvm->srcu, so the vCPU waits for itself.

@@
identifier u;
@@
 lock_unit(struct snp_unit *u, ...)
 {
+synchronize_srcu(&u->vm->kvm->srcu);
 ...
 }
