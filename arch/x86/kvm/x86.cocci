// Hook: kvm_vm_ioctl_enable_cap() and kvm_vm_ioctl_check_extension() in x86.c: a
//       capability that is ours?
// Expect: kvm_in_place_is_cap 2
// Hook: kvm_arch_prepare_memory_region(): is this memory that can change in place?
// Expect: kvm_in_place_check_slot 1
// Hook: KVM_HC_MAP_GPA_RANGE: may the VMM be asked for a conversion?
// Expect: kvm_in_place 1

@enable_hook@
@@
 kvm_vm_ioctl_enable_cap(...)
 {
 ...
 if (cap->flags)
	return -EINVAL;
+if (kvm_in_place_is_cap(cap->cap))
+	return kvm_in_place_enable(kvm, cap);
 ...
 }

@check_hook@
@@
 kvm_vm_ioctl_check_extension(...)
 {
 int r = 0;
+if (kvm_in_place_is_cap(ext))
+	return kvm_in_place_supported(kvm);
 ...
 }

@slot_hook@
@@
 kvm_arch_prepare_memory_region(...)
 {
 if (change == KVM_MR_MOVE && kvm_page_track_has_external_user(kvm))
	return -EINVAL;

+if (kvm_in_place_check_slot(kvm, new))
+	return -EINVAL;
 ...
 }

@hypercall_hook@
@@
 if (
-!(vcpu->kvm->arch.hypercall_exit_enabled & (1 << KVM_HC_MAP_GPA_RANGE))
+!(vcpu->kvm->arch.hypercall_exit_enabled & (1 << KVM_HC_MAP_GPA_RANGE)) ||
+kvm_in_place(vcpu->kvm)
 ) break;
