// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the MMU notifier takes the range
// File: arch/x86/kvm/mmu/mmu.c
// Test: snp_in_place_race_test
// Args: RACE_SECONDS=10 RACES=userfaultfd watchdog_thresh=5 softlockup_panic=1
// Caught: no end after|soft lockup|rcu: INFO|not ok .*userfaultfd
// Limit: 60
// Expect: snp_range_lock 1
//
// It has mmu_lock, which a conversion takes inside the range.

@@ @@
 #include "mmu.h"
+#include "svm/snp_in_place.h"

@@
identifier kvm, range;
@@
 kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)
 {
+if (kvm_in_place(kvm)) {
+	struct snp_range *r = &to_snp_vm(kvm)->range;
+	struct snp_excl e;
+
+	if (!snp_range_lock(r, &e, range->start, range->end - range->start))
+		snp_range_unlock(r, &e);
+}
 ...
 }
