// Hook: kvm_vcpu_map() and kvm_vcpu_unmap() in kvm_main.c: may KVM map this page, and
//       is nobody converting it? Asked by who calls these (kvm_in_place.h), as a question
//       in here would cost machines that have no such VM.
// Expect: __kvm_vcpu_map 2
// Expect: kvm_vcpu_map -2
// Expect: __kvm_vcpu_unmap 2
// Expect: kvm_vcpu_unmap -2
// Hook: kvm_read_guest() and its kin: is the page private? Then neither read
//       ciphertext nor write. (four by page, one atomic, two cached)
// Expect: kvm_in_place_refuses_gpa 7
// Hook: kvm_supported_mem_attributes(): do attributes say what is private?
// Hook: __kvm_set_memory_region(): may a slot move? Asked before the old one goes.
// Expect: kvm_in_place 2

@map_hook@
typedef gfn_t;
identifier vcpu, gfn, map;
@@
-kvm_vcpu_map
+__kvm_vcpu_map
 (struct kvm_vcpu *vcpu, gfn_t gfn, struct kvm_host_map *map)
 { ... }

@unmap_hook@
identifier vcpu, map, dirty;
@@
-kvm_vcpu_unmap
+__kvm_vcpu_unmap
 (struct kvm_vcpu *vcpu, struct kvm_host_map *map, bool dirty)
 { ... }

@map_export@
declarer name EXPORT_SYMBOL_GPL;
@@
-EXPORT_SYMBOL_GPL(kvm_vcpu_map);
+EXPORT_SYMBOL_GPL(__kvm_vcpu_map);

@unmap_export@
declarer name EXPORT_SYMBOL_GPL;
@@
-EXPORT_SYMBOL_GPL(kvm_vcpu_unmap);
+EXPORT_SYMBOL_GPL(__kvm_vcpu_unmap);

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

@move_hook@
expression was;
statement S;
@@
 if (base_gfn != was)
-	change = KVM_MR_MOVE;
+{
+	if (kvm_in_place(kvm))
+		return -EINVAL;
+	change = KVM_MR_MOVE;
+}
 else S
