// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs whose memory changes between shared and private in place: KVM's common
 * half. It says which VM is one, what such a VM may not be asked for, and hands
 * the questions of KVM's stock files to the vendor module. Nothing here knows
 * how a page becomes private.
 *
 * Invariant: kvm->arch.in_place is set before the first memslot and the first
 * vCPU, and never changes until the VM is destroyed; nobody needs a lock to
 * read it.
 *
 * Callers: hooks in virt/kvm and arch/x86/kvm (*.cocci).
 */
#include <linux/kvm_host.h>
#include <uapi/asm/kvm_in_place.h>

#include "x86.h"

struct static_key_false kvm_in_place_key = STATIC_KEY_FALSE_INIT;
EXPORT_SYMBOL_GPL(kvm_in_place_key);

DEFINE_STATIC_CALL(kvm_vcpu_map, __kvm_vcpu_map);
EXPORT_STATIC_CALL_GPL(kvm_vcpu_map);
DEFINE_STATIC_CALL(kvm_vcpu_unmap, __kvm_vcpu_unmap);
EXPORT_STATIC_CALL_GPL(kvm_vcpu_unmap);

/**
 * kvm_in_place_is_cap() - is this capability KVM_CAP_SNP_IN_PLACE?
 * @cap: number of a capability
 *
 * Context: any.
 * Return: true if so.
 */
bool kvm_in_place_is_cap(u32 cap)
{
	return cap == KVM_CAP_SNP_IN_PLACE;
}

/**
 * kvm_in_place_supported() - KVM_CHECK_EXTENSION of KVM_CAP_SNP_IN_PLACE
 * @kvm: the VM asked, NULL if /dev/kvm is
 *
 * Context: any.
 * Return: 1 if the VM (or, for /dev/kvm, some VM) may enable it, 0 if not.
 */
int kvm_in_place_supported(struct kvm *kvm)
{
	if (!kvm_x86_ops.in_place ||
	    !(kvm_caps.supported_vm_types & BIT(KVM_X86_SNP_VM)))
		return 0;

	return !kvm || kvm->arch.vm_type == KVM_X86_SNP_VM;
}

/* kvm_vcpu_map() has a mapping: may it keep it? If not, there is no hold to release. */
static int kvm_in_place_map(struct kvm_vcpu *vcpu, gfn_t gfn, struct kvm_host_map *map)
{
	int ret = __kvm_vcpu_map(vcpu, gfn, map);

	if (ret || !kvm_in_place(vcpu->kvm))
		return ret;

	ret = kvm_x86_ops.post_map_gfn(vcpu, map);
	if (ret)
		__kvm_vcpu_unmap(vcpu, map, false);
	return ret;
}

/* Who waits for the frame finds it neither mapped nor referenced. */
static void kvm_in_place_unmap(struct kvm_vcpu *vcpu, struct kvm_host_map *map, bool dirty)
{
	bool held = map && map->hva && kvm_in_place(vcpu->kvm);

	__kvm_vcpu_unmap(vcpu, map, dirty);
	if (held)
		kvm_x86_ops.post_unmap_gfn(vcpu, map);
}

static void kvm_in_place_guard_maps(void)
{
	static_call_update(kvm_vcpu_map, kvm_in_place_map);
	static_call_update(kvm_vcpu_unmap, kvm_in_place_unmap);
}

/**
 * kvm_in_place_enable() - KVM_ENABLE_CAP of KVM_CAP_SNP_IN_PLACE
 * @kvm: the VM
 * @cap: with flags zero
 *
 * Context: process context; takes kvm->lock and kvm->slots_lock.
 * Return: 0; -EINVAL: arguments, no SNP VM, a vCPU or memory exists, or enabled
 * already; -ENOMEM.
 */
int kvm_in_place_enable(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	int ret = -EINVAL;

	if (memchr_inv(cap->args, 0, sizeof(cap->args)) || !kvm_in_place_supported(kvm))
		return -EINVAL;

	kvm_in_place_guard_maps();
	static_branch_inc(&kvm_in_place_key);
	mutex_lock(&kvm->lock);
	mutex_lock(&kvm->slots_lock);
	if (!kvm->created_vcpus && !kvm->nr_memslot_pages && !kvm->arch.in_place)
		ret = kvm_x86_ops.in_place->enable(kvm);
	mutex_unlock(&kvm->slots_lock);
	mutex_unlock(&kvm->lock);
	if (ret)
		static_branch_dec(&kvm_in_place_key);

	return ret;
}

/**
 * kvm_in_place_is_private() - is this frame private?
 * @kvm: an in-place VM
 * @gfn: guest frame, need not be memory
 *
 * The answer may be old when it arrives; whoever acts on it holds the frame's
 * place in the range lock, or looks at mmu_invalidate_seq under mmu_lock.
 *
 * Context: any but NMI; lockless.
 * Return: true if so.
 */
bool kvm_in_place_is_private(struct kvm *kvm, gfn_t gfn)
{
	return kvm_x86_ops.in_place->is_private(kvm, gfn);
}
EXPORT_SYMBOL_GPL(kvm_in_place_is_private);

/**
 * kvm_in_place_get_page() - the page behind a private frame, for a guest mapping
 * @kvm: an in-place VM
 * @gfn: guest frame
 * @pfn: receives the page, with a reference for the caller
 * @level: in: largest level wanted; out: the level that the RMP demands
 *
 * Context: process context, in kvm->srcu, mmu_invalidate_seq read before.
 * Return: 0; -ENOENT: not private; -EAGAIN: its state is just being changed.
 */
int kvm_in_place_get_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t *pfn, u8 *level)
{
	return kvm_x86_ops.in_place->get_page(kvm, gfn, pfn, level);
}

/**
 * kvm_in_place_max_level() - how large may a guest mapping be?
 * @kvm: any VM
 * @gfn: guest frame
 * @level: largest level that other rules allow
 *
 * Context: under mmu_lock.
 * Return: @level, or less where the mapping would meet private pages.
 */
int kvm_in_place_max_level(struct kvm *kvm, gfn_t gfn, int level)
{
	if (!kvm_in_place(kvm) || level == PG_LEVEL_4K)
		return level;

	return kvm_x86_ops.in_place->max_level(kvm, gfn, level);
}

/**
 * kvm_in_place_refuses_pfn() - may no kernel mapping of this page come to life?
 * @kvm: any VM
 * @pfn: page frame
 *
 * Context: any; the caller's lock orders it against the revocation of caches.
 * Return: true if the page is private or being converted.
 */
bool kvm_in_place_refuses_pfn(struct kvm *kvm, kvm_pfn_t pfn)
{
	return kvm_in_place(kvm) && kvm_x86_ops.in_place->refuses_pfn(kvm, pfn);
}

/**
 * kvm_in_place_refuses_gpa() - may KVM not copy from or to this address?
 * @kvm: any VM
 * @gpa: guest physical address
 *
 * A copy that loses a race against a conversion afterwards meets a user mapping
 * of a private page, which is -EFAULT, not a flip.
 *
 * Context: any.
 * Return: true if the page is private.
 */
bool kvm_in_place_refuses_gpa(struct kvm *kvm, gpa_t gpa)
{
	return kvm_in_place(kvm) && kvm_in_place_is_private(kvm, gpa_to_gfn(gpa));
}

/* Two frames with one page would both claim its RMP entry. */
static bool hva_taken(struct kvm *kvm, const struct kvm_memory_slot *new)
{
	unsigned long start = new->userspace_addr;
	unsigned long end = start + (new->npages << PAGE_SHIFT);
	struct kvm_memory_slot *slot;
	int bkt;

	kvm_for_each_memslot(slot, bkt, __kvm_memslots(kvm, new->as_id)) {
		unsigned long s = slot->userspace_addr;

		if (slot->id != new->id && start < s + (slot->npages << PAGE_SHIFT) &&
		    s < end)
			return true;
	}
	return false;
}

/**
 * kvm_in_place_check_slot() - is this memory that can change in place?
 * @kvm: any VM
 * @new: the memslot to be, NULL: it is being deleted
 *
 * Context: slots_lock held.
 * Return: 0, or -EINVAL: guest_memfd, read-only, dirty-logged, or memory of another
 * slot. A slot that moves is refused before: here it would have lost its pages.
 */
int kvm_in_place_check_slot(struct kvm *kvm, const struct kvm_memory_slot *new)
{
	if (!kvm_in_place(kvm) || !new)
		return 0;

	if (hva_taken(kvm, new) ||
	    (new->flags & (KVM_MEM_GUEST_MEMFD | KVM_MEM_READONLY |
			   KVM_MEM_LOG_DIRTY_PAGES)))
		return -EINVAL;

	return 0;
}

/**
 * kvm_in_place_slot_gone() - a memslot was deleted
 * @kvm: any VM
 * @slot: it
 *
 * Context: slots_lock held, grace period over; may sleep.
 */
void kvm_in_place_slot_gone(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	if (kvm_in_place(kvm))
		kvm_x86_ops.in_place->slot_gone(kvm, slot);
}
