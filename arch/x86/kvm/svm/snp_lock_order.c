// SPDX-License-Identifier: GPL-2.0-only
/*
 * The documented lock order (docs/locking.rst), told to lockdep before anybody
 * can get it wrong: every lock of it is "taken" once, outermost first, by its
 * annotation alone. From then on a single reversed use, on whatever path, is
 * reported at once; without this lockdep has to see both orders first.
 *
 * That holds xen_lock to what makes it safe, too: kvm->lock, vcpu->mutex and
 * slots_lock are outside of it, and kvm->srcu is read outside of it, so that none
 * of the three, and no synchronize_srcu(), may happen inside.
 *
 * A lock's class is known by a lock only, so this needs a VM with a vCPU: the
 * first one of the machine. Nothing is really locked, and nothing can block.
 *
 * Caller: svm_vcpu_create(), by a hook, which holds no lock.
 */
#include <linux/kvm_host.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/srcu.h>

#include "svm.h"
#include "snp_lock_order.h"
#include "snp_range.h"

#ifdef CONFIG_KVM_XEN
static struct lockdep_map *snp_xen_map(struct kvm *kvm)
{
	return &kvm->arch.xen.xen_lock.dep_map;
}
#else
/* Some class of its own, that nobody uses */
static struct lockdep_map *snp_xen_map(struct kvm *kvm)
{
	static struct lockdep_map none = STATIC_LOCKDEP_MAP_INIT("no xen_lock", &none);

	return &none;
}
#endif

/* synchronize_srcu() is legal under each of these, and they are illegal in a reader. */
static void snp_prime_outside_srcu(struct kvm *kvm, struct lockdep_map *map)
{
	mutex_acquire(map, 0, 0, _THIS_IP_);
	srcu_lock_sync(&kvm->srcu.dep_map);
	mutex_release(map, _THIS_IP_);
}

/*
 * Under a reader of kvm->srcu, or slots_lock: what remains. The range's class is
 * its own, whose ever it is; few VMs have one.
 */
static void snp_prime_inner(struct kvm *kvm, struct mm_struct *mm)
{
	struct snp_range range;
	unsigned long flags;

	snp_range_init(&range);

	mutex_acquire(snp_xen_map(kvm), 0, 0, _THIS_IP_);
	rwsem_acquire_read(&mm->mmap_lock.dep_map, 0, 0, _THIS_IP_);
	lock_map_acquire(&range.dep_map);
	rwlock_acquire(&kvm->mmu_lock.dep_map, 0, 0, _THIS_IP_);
	/* Also taken in interrupts. */
	local_irq_save(flags);
	spin_acquire(&range.lock.dep_map, 0, 0, _THIS_IP_);
	spin_release(&range.lock.dep_map, _THIS_IP_);
	local_irq_restore(flags);
	rwlock_release(&kvm->mmu_lock.dep_map, _THIS_IP_);
	lock_map_release(&range.dep_map);
	rwsem_release(&mm->mmap_lock.dep_map, _THIS_IP_);
	mutex_release(snp_xen_map(kvm), _THIS_IP_);
}

static void snp_prime(struct kvm_vcpu *vcpu, struct mm_struct *mm)
{
	struct kvm *kvm = vcpu->kvm;

	snp_prime_outside_srcu(kvm, &kvm->lock.dep_map);
	snp_prime_outside_srcu(kvm, &vcpu->mutex.dep_map);
	snp_prime_outside_srcu(kvm, &kvm->slots_lock.dep_map);

	/* Two VMs, as snp_migrate.c takes them */
	mutex_acquire(&kvm->lock.dep_map, 0, 0, _THIS_IP_);
	mutex_acquire(&kvm->lock.dep_map, SINGLE_DEPTH_NESTING, 0, _THIS_IP_);
	mutex_acquire(&vcpu->mutex.dep_map, 0, 0, _THIS_IP_);
	mutex_acquire(&vcpu->mutex.dep_map, SINGLE_DEPTH_NESTING, 0, _THIS_IP_);
	mutex_acquire(&kvm->slots_lock.dep_map, 0, 0, _THIS_IP_);
	mutex_acquire(&kvm->slots_lock.dep_map, SINGLE_DEPTH_NESTING, 0, _THIS_IP_);
	srcu_lock_acquire(&kvm->srcu.dep_map);

	snp_prime_inner(kvm, mm);

	srcu_lock_release(&kvm->srcu.dep_map);
	mutex_release(&kvm->slots_lock.dep_map, _THIS_IP_);
	mutex_release(&kvm->slots_lock.dep_map, _THIS_IP_);
	mutex_release(&vcpu->mutex.dep_map, _THIS_IP_);
	mutex_release(&vcpu->mutex.dep_map, _THIS_IP_);
	mutex_release(&kvm->lock.dep_map, _THIS_IP_);
	mutex_release(&kvm->lock.dep_map, _THIS_IP_);
}

/**
 * snp_prime_lock_order() - tell lockdep the lock order, once
 * @vcpu: a vCPU under creation, its mutex initialised
 *
 * Context: process context of the VM's owner; no lock of the order is held.
 */
void snp_prime_lock_order(struct kvm_vcpu *vcpu)
{
	static atomic_t primed;

	if (!atomic_xchg(&primed, 1))
		snp_prime(vcpu, current->mm);
}
