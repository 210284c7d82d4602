// Hook: xen.c: which lock keeps the Xen state? A leaf of its own, which a vCPU may take;
//       kvm->lock is outside of vcpu->mutex. Empty where it is so already, as in 6.12.
//       (The field is in arch/x86/include/asm/kvm_host.cocci.)
// Expect: mutex_lock 0
// Expect: mutex_unlock 0

@xen_lock_hook@
expression vm;
identifier op = { mutex_lock, mutex_unlock };
@@
-op(&vm->lock);
+op(&vm->arch.xen.xen_lock);

@has_init@
expression vm;
@@
 mutex_init(&vm->arch.xen.xen_lock);

@xen_lock_init_hook depends on !has_init@
identifier kvm;
@@
 kvm_xen_init_vm(struct kvm *kvm)
 {
+mutex_init(&kvm->arch.xen.xen_lock);
 ...
 }
