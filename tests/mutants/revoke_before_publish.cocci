// SPDX-License-Identifier: GPL-2.0-only
// Mutant: cached mappings are revoked before the conversion is published
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_race_test
// Args: RACE_SECONDS=10 RACES=pvclock,xen_pages_by_gfn,xen_pages_by_hva
// Caught: vCPU [0-9]+: an exception, in round
// Limit: 60
// Expect: usleep_range 1
//
// One that comes back in between is valid when the page becomes private. The sleep
// only makes the window so wide that it is met in seconds.

@@ @@
 #include <linux/cacheflush.h>
+#include <linux/delay.h>

@@
iterator name list_for_each_entry;
@@
 #include "snp_in_place.h"
+static void revoke_first(struct snp_vm *vm, const unsigned long *pfn, unsigned int nr)
+{
+	struct gfn_to_pfn_cache *gpc;
+	unsigned int i;
+
+	spin_lock(&vm->kvm->gpc_lock);
+	list_for_each_entry(gpc, &vm->kvm->gpc_list, list) {
+		write_lock_irq(&gpc->lock);
+		for (i = 0; i < nr; i++)
+			if (gpc->valid && gpc->pfn == pfn[i])
+				gpc->valid = false;
+		write_unlock_irq(&gpc->lock);
+	}
+	spin_unlock(&vm->kvm->gpc_lock);
+	usleep_range(500, 1000);
+}

@@
identifier u, e, s, nr;
@@
 convert_unit(struct snp_unit *u, ...)
 {
 <...
-snp_range_publish(&u->vm->range, e, s->pfn, nr);
-revoke_caches(u->vm);
+revoke_first(u->vm, s->pfn, nr);
+snp_range_publish(&u->vm->range, e, s->pfn, nr);
 ...>
 }
