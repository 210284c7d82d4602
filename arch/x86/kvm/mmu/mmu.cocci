// Hook: __kvm_faultin_pfn() in mmu.c: which page is a private gfn's, and how
//       large may it be mapped?
// Expect: kvm_in_place_get_page 1
// Hook: kvm_faultin_pfn(): the state changed since the fault; is that for the
//       VMM? Not where the kernel changes it.
// Expect: prefetch 2
// Hook: __kvm_mmu_max_mapping_level(): which size may a mapping have that meets
//       private pages?
// Expect: kvm_in_place_max_level 1
// Hook: kvm_arch_flush_shadow_memslot(): a memslot is gone, and its private pages?
// Expect: kvm_in_place_slot_gone 1

@faultin_hook@
@@
 __kvm_faultin_pfn(...)
 {
 ...
+if (fault->is_private && kvm_in_place(vcpu->kvm)) {
+	fault->map_writable = true;
+	if (kvm_in_place_get_page(vcpu->kvm, fault->gfn, &fault->pfn,
+				  &fault->max_level))
+		return fault->prefetch ? -EAGAIN : RET_PF_RETRY;
+	return RET_PF_CONTINUE;
+}
 if (fault->is_private)
	return kvm_faultin_pfn_private(vcpu, fault);
 ...
 }

@mismatch_hook@
@@
 kvm_faultin_pfn(...)
 {
 ...
 if (fault->is_private != kvm_mem_is_private(vcpu->kvm, fault->gfn)) {
+	if (slot && kvm_in_place(vcpu->kvm))
+		return fault->prefetch ? -EAGAIN : RET_PF_RETRY;
	kvm_mmu_prepare_memory_fault_exit(vcpu, fault);
	return -EFAULT;
 }
 ...
 }

@level_hook@
@@
 __kvm_mmu_max_mapping_level(...)
 {
 ...
 max_level = min(max_level, max_huge_page_level);
+max_level = kvm_in_place_max_level(kvm, gfn, max_level);
 ...
 }

@slot_hook@
@@
 kvm_arch_flush_shadow_memslot(...)
 {
 ...
 if (zap_all)
	__kvm_mmu_zap_all_fast_back_half(kvm);
+kvm_in_place_slot_gone(kvm, slot);
 }
