// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of an in-place SNP guest, when its context moves to another VM
 * (snp_migrate.c): the table of private pages with its pins and their charge, and
 * everything of the old VM that could still reach a page. The RMP is not touched:
 * same pages, same frames, same ASID.
 *
 * The destination must have the same memory. What is compared is where memslots
 * lead to, as mappings: the same address of the same process, or the same place
 * of the same shared file. Not page by page: a private page may have left all
 * page tables by munmap(), madvise() or hole punching, which is allowed, and a
 * shared one need not exist yet. The answer protects an honest VMM from its
 * mistakes. The host needs none: a private page is the RMP's and is pinned
 * whatever an address leads to, and every shared one is looked up anew.
 *
 * Invariant: a page is in the table of one VM. The old one has no mapping of any
 * page left, by guest page tables or caches, and gets none.
 *
 * Callers: snp_migrate.c; no vCPU of either VM runs, kvm->lock and slots_lock of
 * both are held. So nobody converts, launches, or changes memslots.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "mmu.h"
#include "svm.h"
#include "snp_in_place.h"

/* ---- the same memory --------------------------------------------------- */

/**
 * struct snp_backing - what an address leads to
 * @file: a shared mapping's, with a reference
 * @offset: in @file
 * @len: to the end of the mapping
 */
struct snp_backing {
	struct file *file;
	u64 offset;
	unsigned long len;
};

/* Private mappings lead elsewhere in every process and at every address. */
static int snp_backing(struct mm_struct *mm, unsigned long addr, struct snp_backing *b)
{
	struct vm_area_struct *vma;
	int ret = -EINVAL;

	if (fatal_signal_pending(current) || mmap_read_lock_killable(mm))
		return -EINTR;

	vma = vma_lookup(mm, addr);
	if (vma && vma->vm_file && (vma->vm_flags & VM_MAYSHARE)) {
		b->file = get_file(vma->vm_file);
		b->offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + addr - vma->vm_start;
		b->len = vma->vm_end - addr;
		ret = 0;
	}
	mmap_read_unlock(mm);
	return ret;
}

/* One mmap_lock at a time: two have no order. */
static int snp_same_memory(struct kvm *dst, unsigned long to, struct kvm *src,
			   unsigned long from, unsigned long len)
{
	struct snp_backing a, b;
	unsigned long step;
	bool same;
	int ret;

	if (dst->mm == src->mm && to == from)
		return 0;

	for (; len; len -= step, to += step, from += step) {
		ret = snp_backing(src->mm, from, &a);
		if (ret)
			return ret;
		ret = snp_backing(dst->mm, to, &b);
		if (!ret) {
			same = a.file->f_mapping == b.file->f_mapping && a.offset == b.offset;
			fput(b.file);
		}
		fput(a.file);
		if (ret || !same)
			return ret ?: -EINVAL;
		step = min3(len, a.len, b.len);
		cond_resched();
	}
	return 0;
}

static int snp_slots(struct kvm *kvm)
{
	struct kvm_memory_slot *slot;
	int bkt, n = 0;

	kvm_for_each_memslot(slot, bkt, kvm_memslots(kvm))
		n += slot->id < KVM_USER_MEM_SLOTS;
	return n;
}

static int snp_same_layout(struct kvm *dst, struct kvm *src)
{
	struct kvm_memory_slot *from, *to;
	int bkt, ret;

	if (snp_slots(dst) != snp_slots(src))
		return -EINVAL;

	kvm_for_each_memslot(from, bkt, kvm_memslots(src)) {
		if (from->id >= KVM_USER_MEM_SLOTS)
			continue;
		to = gfn_to_memslot(dst, from->base_gfn);
		if (!to || to->id >= KVM_USER_MEM_SLOTS || to->base_gfn != from->base_gfn ||
		    to->npages != from->npages)
			return -EINVAL;
		ret = snp_same_memory(dst, to->userspace_addr, src, from->userspace_addr,
				      from->npages << PAGE_SHIFT);
		if (ret)
			return ret;
	}
	return 0;
}

static int snp_check_layout(struct kvm *dst, struct kvm *src)
{
	int ret;

	/* Its process is gone, and its mappings: nobody can tell any more. */
	if (!mmget_not_zero(src->mm))
		return -EINVAL;
	ret = snp_same_layout(dst, src);
	/* The last one out would take the VMM's memory down under our locks. */
	mmput_async(src->mm);
	return ret;
}

/* ---- the table --------------------------------------------------------- */

static unsigned int snp_pages(struct snp_vm *vm)
{
	struct snp_region *r;
	unsigned int n = 0;
	unsigned long i;

	xa_for_each(&vm->regions, i, r)
		n += r->nr;
	return n;
}

static void snp_unreserve(struct snp_vm *to, struct snp_vm *from)
{
	struct snp_region *r;
	unsigned long i;

	xa_for_each(&from->regions, i, r)
		xa_release(&to->regions, i);
}

/* A place in @to for each region of @from, so that none is wanted later. */
static int snp_reserve(struct snp_vm *to, struct snp_vm *from)
{
	struct snp_region *r;
	unsigned long i;

	xa_for_each(&from->regions, i, r) {
		if (xa_reserve(&to->regions, i, GFP_KERNEL_ACCOUNT)) {
			snp_unreserve(to, from);
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

/* No cache of @kvm stays valid; whether it becomes so again is refuses_pfn()'s. */
static void snp_revoke_all(struct kvm *kvm)
{
	struct gfn_to_pfn_cache *gpc;

	spin_lock(&kvm->gpc_lock);
	list_for_each_entry(gpc, &kvm->gpc_list, list) {
		write_lock_irq(&gpc->lock);
		gpc->valid = false;
		write_unlock_irq(&gpc->lock);
	}
	spin_unlock(&kvm->gpc_lock);
}

/* A stale entry of it would outlive the page, whose pin is the new VM's. */
static void snp_zap_all(struct kvm *kvm)
{
	struct kvm_memory_slot *slot;
	int bkt;

	kvm_for_each_memslot(slot, bkt, kvm_memslots(kvm))
		kvm_zap_gfn_range(kvm, slot->base_gfn, slot->base_gfn + slot->npages);
}

/**
 * snp_pages_prepare() - can the pages of a guest move to another VM?
 * @dst: the destination, an in-place VM without a guest
 * @src: the source, an in-place VM
 *
 * Afterwards the pages are charged to both, and snp_pages_move() can't fail. On an
 * error nothing has changed.
 *
 * Context: process context of the destination's owner; kvm->lock, all
 * vcpu->mutex and slots_lock of both held; takes mmap_lock of both, killably.
 * Return: 0; -EINVAL: memslots differ in number, place, size or in what they lead
 * to, or the source's process is gone; -ENOMEM: RLIMIT_MEMLOCK of the caller, no
 * memory; -EINTR: killed.
 */
int snp_pages_prepare(struct kvm *dst, struct kvm *src)
{
	int ret;

	lockdep_assert_held(&dst->slots_lock);
	lockdep_assert_held(&src->slots_lock);

	ret = snp_check_layout(dst, src);
	if (ret)
		return ret;
	if (dst->mm != src->mm && snp_charge(dst, snp_pages(to_snp_vm(src))))
		return -ENOMEM;
	ret = snp_reserve(to_snp_vm(dst), to_snp_vm(src));
	if (ret && dst->mm != src->mm)
		snp_uncharge(dst, snp_pages(to_snp_vm(src)));
	return ret;
}

/**
 * snp_pages_move() - the pages of a guest are another VM's
 * @dst: the destination
 * @src: the source, whose vCPUs never enter the guest again
 *
 * Context: after snp_pages_prepare(), the same locks are still held; sleeps.
 */
void snp_pages_move(struct kvm *dst, struct kvm *src)
{
	struct snp_vm *to = to_snp_vm(dst), *from = to_snp_vm(src);
	struct snp_region *r;
	unsigned long i;

	/* The destination's caches may be older than a page's conversion. */
	WRITE_ONCE(from->moved, true);
	snp_revoke_all(src);
	snp_revoke_all(dst);
	snp_zap_all(src);

	if (dst->mm != src->mm)
		snp_uncharge(src, snp_pages(from));
	xa_for_each(&from->regions, i, r) {
		xa_erase(&from->regions, i);
		WARN_ON_ONCE(xa_is_err(xa_store(&to->regions, i, r, 0)));
	}

	/* A region lives as long as its VM: nobody of the old one looks at it now. */
	synchronize_srcu_expedited(&src->srcu);
}
