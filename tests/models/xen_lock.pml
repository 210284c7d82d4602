/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Xen leaf lock: taken by vCPUs inside vcpu->mutex and kvm->srcu (the guest
 * writes the hypercall page's MSR), by VM ioctls, and by KVM_XEN_EVTCHN_RESET,
 * which must also wait for a grace period of kvm->srcu.
 *
 * Variant: -             good        xen_lock, dropped before synchronize_srcu()
 * Variant: KVM_LOCK      deadlock    Xen on kvm->lock: KVM takes vcpu->mutex inside it
 * Variant: RESET_SYNC    deadlock    the work-around reverted: synchronize_srcu() under xen_lock
 */
#include "steps.pml"

bool kvm_lock, vcpu_mutex, xen_lock;
byte readers[2], epoch;
byte done;

#ifdef KVM_LOCK
#define XEN_LOCK kvm_lock
#else
#define XEN_LOCK xen_lock
#endif

proctype vcpu()
{
	byte mine;

	LOCK(vCPU, vcpu_mutex);
	SRCU_LOCK(vCPU);
	SAY(vCPU writes the hypercall page MSR);
	LOCK(vCPU, XEN_LOCK);
	UNLOCK(vCPU, XEN_LOCK);
	SRCU_UNLOCK(vCPU);
	UNLOCK(vCPU, vcpu_mutex);
	done++
}

proctype reset()
{
	LOCK(EVTCHN_RESET, XEN_LOCK);
#ifdef RESET_SYNC
	SYNCHRONIZE_SRCU(EVTCHN_RESET);
	UNLOCK(EVTCHN_RESET, XEN_LOCK);
#else
	UNLOCK(EVTCHN_RESET, XEN_LOCK);
	SYNCHRONIZE_SRCU(EVTCHN_RESET);
#endif
	done++
}

proctype vm_ioctl()
{
	LOCK(VM ioctl, kvm_lock);
	LOCK(VM ioctl, vcpu_mutex);
	UNLOCK(VM ioctl, vcpu_mutex);
	UNLOCK(VM ioctl, kvm_lock);
	done++
}

init {
	atomic { run vcpu(); run reset(); run vm_ioctl() }
	done == 3
}

#ifdef LIVE
ltl ends { <> (done == 3) }
#endif
