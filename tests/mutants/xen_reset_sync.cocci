// SPDX-License-Identifier: GPL-2.0-only
// Mutant: KVM_XEN_EVTCHN_RESET waits for kvm->srcu under xen_lock
// File: arch/x86/kvm/xen.c
// Test: xen_lock_test
// Caught: WARNING: possible circular locking dependency detected
// Limit: 120
// Config: debug
// Expect: synchronize_srcu 0
//
// The revert that docs/locking.rst answers with no. lockdep reports
// it at the first reset after a write to the hypercall page's MSR.

@@
expression vm;
@@
 kvm_xen_eventfd_reset(...)
 {
 <...
-mutex_unlock(&vm->arch.xen.xen_lock);
-synchronize_srcu(&vm->srcu);
+synchronize_srcu(&vm->srcu);
+mutex_unlock(&vm->arch.xen.xen_lock);
 ...>
 }
