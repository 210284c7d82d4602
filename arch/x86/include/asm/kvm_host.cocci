// Hook: struct kvm_xen: where is the lock of the Xen state? Empty where there is one.
// Expect: kvm_xen 0

@has_xen_lock@
@@
 struct kvm_xen {
 ...
 struct mutex xen_lock;
 ...
 };

@xen_lock_field_hook depends on !has_xen_lock@
@@
 struct kvm_xen {
+struct mutex xen_lock;
 ...
 };
// Hook: struct kvm_arch in kvm_host.h: is this a VM whose pages change in place?
// Expect: in_place 2
// Hook: struct kvm_x86_ops: who guards kvm_vcpu_map(), and who knows such a VM?
// Expect: post_map_gfn 1
// Expect: post_unmap_gfn 1

@in_place_arch@
@@
 struct kvm_arch {
 ...
 bool has_private_mem;
+void *in_place;
 ...
 };

@in_place_ops@
typedef kvm_pfn_t;
@@
 struct kvm_x86_ops {
 ...
 int (*private_max_mapping_level)(struct kvm *kvm, kvm_pfn_t pfn);
+int (*post_map_gfn)(struct kvm_vcpu *vcpu, struct kvm_host_map *map);
+void (*post_unmap_gfn)(struct kvm_vcpu *vcpu, struct kvm_host_map *map);
+const struct kvm_in_place_ops *in_place;
 };

@@
@@
 #include <asm/reboot.h>
+
+struct kvm_host_map;
+struct kvm_in_place_ops;
