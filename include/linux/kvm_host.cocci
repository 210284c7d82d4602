// Hook: struct kvm_host_map in kvm_host.h: where does a map keep its place in
//       the range lock?
// Expect: kvm_gfn_hold 1
// Hook: kvm_vcpu_map(), kvm_vcpu_unmap(): who maps? (kvm_in_place.h declares both)
// Expect: kvm_vcpu_map -1
// Expect: kvm_vcpu_unmap -1
// Hook: kvm_mem_is_private(): who knows the state of a page that changes it in place?
// Expect: kvm_in_place_is_private 1

@in_place_header@
@@
 #include <asm/kvm_host.h>
+#include <linux/kvm_in_place.h>

@in_place_hold@
typedef kvm_pfn_t;
@@
 struct kvm_host_map {
 ...
 kvm_pfn_t gfn;
+struct kvm_gfn_hold hold;
 };

@in_place_is_private@
typedef gfn_t;
identifier kvm, gfn;
expression E;
@@
 kvm_mem_is_private(struct kvm *kvm, gfn_t gfn)
 {
+if (kvm_in_place(kvm))
+	return kvm_in_place_is_private(kvm, gfn);
 return IS_ENABLED(CONFIG_KVM_PRIVATE_MEM) && E;
 }

@in_place_map@
type T;
@@
-T kvm_vcpu_map(...);

@in_place_unmap@
type T;
@@
-T kvm_vcpu_unmap(...);
