// Hook: hva_to_pfn_retry() in pfncache.c: may a cache become valid on this page?
//       Not while it is private or on its way there; a conversion says so before
//       it revokes the caches, so this must be asked with the lock held.
// Expect: kvm_in_place_refuses_pfn 1

@gpc_hook@
@@
 hva_to_pfn_retry(...)
 {
 ...
+if (kvm_in_place_refuses_pfn(gpc->kvm, new_pfn)) {
+	write_unlock_irq(&gpc->lock);
+	if (new_khva != old_khva)
+		gpc_unmap(new_pfn, new_khva);
+	kvm_release_pfn_clean(new_pfn);
+	goto out_error;
+}
 gpc->valid = true;
 gpc->pfn = new_pfn;
 ...
 }
