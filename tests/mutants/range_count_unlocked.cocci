// SPDX-License-Identifier: GPL-2.0-only
// Mutant: maps are counted outside of the lock
// File: arch/x86/kvm/svm/snp_range.c
// Test: snp_in_place_race_test
// Args: RACE_SECONDS=5 RACES=kvm_vcpu_map_of_any_gfn
// Caught: WARNING: .*snp_vm_destroy
// Limit: 60
// Expect: udelay 1
//
// The host_write_track counter of the first proposal. The delay only makes the
// window so wide that it is met in seconds.

@@ @@
 #include <linux/interval_tree.h>
+#include <linux/delay.h>

@@
identifier r;
@@
 wake(struct snp_range *r)
 {
+unsigned int n = READ_ONCE(r->nr[SNP_HOLD_MAP]);
+
+udelay(20);
+WRITE_ONCE(r->nr[SNP_HOLD_MAP], n);
 ...
 }
