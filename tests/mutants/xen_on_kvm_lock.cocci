// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the Xen code on kvm->lock
// File: arch/x86/kvm/xen.c
// Test: xen_lock_test
// Caught: WARNING: possible circular locking dependency detected
// Limit: 120
// Config: debug
// Expect: mutex_lock 0
//
// What 6.2 was before the leaf lock: a vCPU takes kvm->lock inside vcpu->mutex and
// kvm->srcu. lockdep reports the first such use.

@@
expression vm;
identifier op = { mutex_lock, mutex_unlock };
@@
-op(&vm->arch.xen.xen_lock);
+op(&vm->lock);
