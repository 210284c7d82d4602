// SPDX-License-Identifier: GPL-2.0-only
// Mutant: nobody says that a slot of an in-place VM may not move
// File: virt/kvm/kvm_main.c
// Test: snp_in_place_test
// Caught: not ok .*a_move_that_is_refused_takes_nothing
// Limit: 60
// Expect: kvm_in_place -1
//
// The old slot goes before anything of the new one is looked at.

@@ @@
 {
-if (kvm_in_place(kvm))
-	return -EINVAL;
 change = KVM_MR_MOVE;
 }
