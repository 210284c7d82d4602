// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a guest request that names a private page ends the VM's run
// File: arch/x86/kvm/svm/snp_ghcb.c
// Test: snp_in_place_test
// Caught: not ok .*guest_request_with_a_private_page_is_refused
// Limit: 60
// Expect: snp_table_private -1
//
// KVM cannot copy it, and -EIO for that is the VMM's error, not the guest's.

@@
expression e;
@@
 snp_guest_shared(...)
 {
-	return e && !(...);
+	return e;
 }
