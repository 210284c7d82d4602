/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs whose memory changes between shared and private in place: what KVM's
 * common code asks about them. All questions begin with kvm_in_place(), false
 * without a load on machines that have no such VM.
 */
#ifndef __LINUX_KVM_IN_PLACE_H
#define __LINUX_KVM_IN_PLACE_H

#include <linux/interval_tree.h>
#include <linux/jump_label.h>
#include <linux/kvm_types.h>
#include <linux/static_call.h>

struct kvm;
struct kvm_vcpu;
struct kvm_host_map;
struct kvm_memory_slot;
struct kvm_enable_cap;

/**
 * struct kvm_gfn_hold - somebody's place in a VM's range lock
 * @gfns: which frames
 * @kind: enum snp_hold_kind, arch/x86/kvm/svm/snp_range.h
 *
 * Embedded in what it protects, so that letting go needs no memory.
 */
struct kvm_gfn_hold {
	struct interval_tree_node gfns;
	unsigned int kind;
};

/**
 * struct kvm_in_place_ops - the vendor module's half
 * @enable: make @kvm such a VM; kvm->lock held, no vCPU, no memory. -errno
 * @is_private: is @gfn private? Lockless, legal under mmu_lock
 * @get_page: the page behind a private @gfn, with a reference, and the level
 *	at which to map it; -ENOENT: not private, -EAGAIN: in conversion
 * @max_level: largest guest mapping that may cover @gfn, at most @level
 * @refuses_pfn: may KVM not keep a kernel mapping of @pfn? Any context
 * @slot_gone: a memslot was deleted; no reader of it is left, slots_lock held
 */
struct kvm_in_place_ops {
	int (*enable)(struct kvm *kvm);
	bool (*is_private)(struct kvm *kvm, gfn_t gfn);
	int (*get_page)(struct kvm *kvm, gfn_t gfn, kvm_pfn_t *pfn, u8 *level);
	int (*max_level)(struct kvm *kvm, gfn_t gfn, int level);
	bool (*refuses_pfn)(struct kvm *kvm, kvm_pfn_t pfn);
	void (*slot_gone)(struct kvm *kvm, const struct kvm_memory_slot *slot);
};

int __kvm_vcpu_map(struct kvm_vcpu *vcpu, gfn_t gfn, struct kvm_host_map *map);
void __kvm_vcpu_unmap(struct kvm_vcpu *vcpu, struct kvm_host_map *map, bool dirty);

#ifdef CONFIG_SNP_PAGE_STATE

/* As upstream has them, until there is a VM whose pages change in place */
DECLARE_STATIC_CALL(kvm_vcpu_map, __kvm_vcpu_map);
DECLARE_STATIC_CALL(kvm_vcpu_unmap, __kvm_vcpu_unmap);

/**
 * kvm_vcpu_map() - a kernel mapping of a guest's page
 * @vcpu: the vCPU
 * @gfn: guest frame
 * @map: receives it
 *
 * Context: process context, in kvm->srcu; may wait for a conversion.
 * Return: 0; as upstream; -EFAULT: the page is private.
 */
static inline int kvm_vcpu_map(struct kvm_vcpu *vcpu, gfn_t gfn, struct kvm_host_map *map)
{
	return static_call(kvm_vcpu_map)(vcpu, gfn, map);
}

/**
 * kvm_vcpu_unmap() - done with a kernel mapping of a guest's page
 * @vcpu: the vCPU
 * @map: from kvm_vcpu_map(), or empty
 * @dirty: it was written to
 *
 * Context: as upstream; preemption may be off.
 */
static inline void kvm_vcpu_unmap(struct kvm_vcpu *vcpu, struct kvm_host_map *map, bool dirty)
{
	static_call(kvm_vcpu_unmap)(vcpu, map, dirty);
}

DECLARE_STATIC_KEY_FALSE(kvm_in_place_key);

#define kvm_in_place(kvm)						\
	(static_branch_unlikely(&kvm_in_place_key) && (kvm)->arch.in_place)

/* arch/x86/kvm/in_place.c */
bool kvm_in_place_is_private(struct kvm *kvm, gfn_t gfn);
int kvm_in_place_get_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t *pfn, u8 *level);
int kvm_in_place_max_level(struct kvm *kvm, gfn_t gfn, int level);
bool kvm_in_place_refuses_pfn(struct kvm *kvm, kvm_pfn_t pfn);
bool kvm_in_place_refuses_gpa(struct kvm *kvm, gpa_t gpa);
int kvm_in_place_check_slot(struct kvm *kvm, const struct kvm_memory_slot *new);
void kvm_in_place_slot_gone(struct kvm *kvm, const struct kvm_memory_slot *slot);
int kvm_in_place_enable(struct kvm *kvm, const struct kvm_enable_cap *cap);
bool kvm_in_place_is_cap(u32 cap);
int kvm_in_place_supported(struct kvm *kvm);

#else /* !CONFIG_SNP_PAGE_STATE */

#define kvm_in_place(kvm)		((void)(kvm), false)

static inline bool kvm_in_place_is_private(struct kvm *kvm, gfn_t gfn)
{
	return false;
}

static inline int kvm_in_place_get_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t *pfn,
					u8 *level)
{
	return -ENOENT;
}

static inline int kvm_in_place_max_level(struct kvm *kvm, gfn_t gfn, int level)
{
	return level;
}

static inline bool kvm_in_place_refuses_pfn(struct kvm *kvm, kvm_pfn_t pfn)
{
	return false;
}

static inline bool kvm_in_place_refuses_gpa(struct kvm *kvm, gpa_t gpa)
{
	return false;
}

static inline int kvm_in_place_check_slot(struct kvm *kvm,
					  const struct kvm_memory_slot *new)
{
	return 0;
}

static inline void kvm_in_place_slot_gone(struct kvm *kvm,
					  const struct kvm_memory_slot *slot)
{
}

static inline int kvm_in_place_enable(struct kvm *kvm, const struct kvm_enable_cap *cap)
{
	return -EINVAL;
}

static inline bool kvm_in_place_is_cap(u32 cap)
{
	return false;
}

static inline int kvm_in_place_supported(struct kvm *kvm)
{
	return 0;
}

static inline int kvm_vcpu_map(struct kvm_vcpu *vcpu, gfn_t gfn, struct kvm_host_map *map)
{
	return __kvm_vcpu_map(vcpu, gfn, map);
}

static inline void kvm_vcpu_unmap(struct kvm_vcpu *vcpu, struct kvm_host_map *map, bool dirty)
{
	__kvm_vcpu_unmap(vcpu, map, dirty);
}

#endif /* CONFIG_SNP_PAGE_STATE */
#endif /* __LINUX_KVM_IN_PLACE_H */
