// Hook: kvm_vcpu_map() in kvm_main.c: may KVM map this page, and is nobody
//       converting it?
// Expect: kvm_post_map_gfn 1
// Hook: kvm_vcpu_unmap(): the kernel mapping is gone, who waits for that?
// Expect: kvm_post_unmap_gfn 1
// Hook: kvm_read_guest() and its kin: is the page private? Then neither read
//       ciphertext nor write. (four by page, one atomic, two cached)
// Expect: kvm_in_place_refuses_gpa 7
// Hook: kvm_supported_mem_attributes(): do attributes say what is private?
// Expect: kvm_in_place 1

@map_hook@
@@
 kvm_vcpu_map(...)
 {
 ...
 map->gfn = gfn;

-return 0;
+return kvm_post_map_gfn(vcpu, map);
 }

@unmap_hook@
@@
 kvm_vcpu_unmap(...)
 {
 ...
+kvm_post_unmap_gfn(vcpu, map);
 kvm_release_pfn(map->pfn, dirty);
 ...
 }

@page_hook@
identifier fn = {kvm_read_guest_page, kvm_write_guest_page};
expression E;
@@
 fn(struct kvm *kvm, ...)
 {
 ...
+if (kvm_in_place_refuses_gpa(kvm, gfn_to_gpa(gfn)))
+	return -EFAULT;
 return E;
 }

@vcpu_page@
identifier fn = {kvm_vcpu_read_guest_page, kvm_vcpu_write_guest_page,
		 kvm_vcpu_read_guest_atomic};
expression E;
@@
 fn(struct kvm_vcpu *vcpu, ...)
 {
 ...
+if (kvm_in_place_refuses_gpa(vcpu->kvm, gfn_to_gpa(gfn)))
+	return -EFAULT;
 return E;
 }

@cached_hook@
identifier fn = {kvm_write_guest_offset_cached, kvm_read_guest_offset_cached};
@@
 fn(struct kvm *kvm, ...)
 {
 ...
 if (kvm_is_error_hva(ghc->hva))
	return -EFAULT;
+if (kvm_in_place_refuses_gpa(kvm, gpa))
+	return -EFAULT;
 ...
 }

@attributes_hook@
identifier kvm;
@@
 kvm_supported_mem_attributes(struct kvm *kvm)
 {
+if (kvm && kvm_in_place(kvm))
+	return 0;
 ...
 }
