// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which page is behind a private frame of an in-place VM. The RMP says in which
 * state a page is; but after munmap(), madvise() or hole punching no page table
 * leads to a private page any more, and the RMP is indexed by page: so there is
 * a table from frame to page, and a page in it is pinned, once. Both may
 * disagree: the host's #PF handler takes a page from the RMP and can tell nobody.
 *
 * Invariant: a frame's bit is set exactly while the table has a pin on its page
 * and the page is charged to the VM's mm.
 *
 * Writers hold the frames' range exclusively (snp_range.c), or nobody else can
 * be there: the slot is gone, or the VM. Readers need nothing.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <asm/rmp_count.h>

#include "svm.h"
#include "snp_in_place.h"

struct snp_counts snp_counts;

/**
 * snp_region_find() - the region of a frame
 * @vm: the VM
 * @gfn: any frame of it
 *
 * Context: any but NMI. Regions live as long as the VM.
 * Return: NULL if no frame of it has ever been private.
 */
struct snp_region *snp_region_find(struct snp_vm *vm, gfn_t gfn)
{
	return xa_load(&vm->regions, gfn / SNP_REGION_PAGES);
}

/**
 * snp_region_get() - the region of a frame, made if need be
 * @vm: the VM
 * @gfn: any frame of it; in a memslot, so that memory is bounded
 *
 * Context: process context, may sleep.
 * Return: NULL without memory.
 */
struct snp_region *snp_region_get(struct snp_vm *vm, gfn_t gfn)
{
	unsigned long index = gfn / SNP_REGION_PAGES;
	struct snp_region *r = snp_region_find(vm, gfn), *other;

	if (r)
		return r;

	r = kzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return NULL;

	spin_lock_init(&r->lock);
	r->gfn = ALIGN_DOWN(gfn, SNP_REGION_PAGES);
	other = xa_cmpxchg(&vm->regions, index, NULL, r, GFP_KERNEL_ACCOUNT);
	if (other) {
		kfree(r);
		return xa_is_err(other) ? NULL : other;
	}
	return r;
}

/**
 * snp_table_private() - is a frame private?
 * @vm: the VM
 * @gfn: any frame
 *
 * Context: any but NMI; lockless.
 * Return: true if so, at some moment during the call.
 */
bool snp_table_private(struct snp_vm *vm, gfn_t gfn)
{
	struct snp_region *r = snp_region_find(vm, gfn);

	return r && test_bit(gfn % SNP_REGION_PAGES, r->private);
}

static unsigned long pfn_of(const struct snp_region *r, unsigned int i)
{
	return r->pfn ? r->pfn[i] : r->base + i;
}

/**
 * snp_table_pfn() - the page of a frame
 * @r: its region
 * @i: its number there
 * @pfn: receives the page frame
 *
 * Context: process context; @pfn lasts as long as the caller keeps the frame's
 * state from changing.
 * Return: false if the frame is not private.
 */
bool snp_table_pfn(struct snp_region *r, unsigned int i, unsigned long *pfn)
{
	bool private;

	spin_lock(&r->lock);
	private = test_bit(i, r->private);
	if (private)
		*pfn = pfn_of(r, i);
	spin_unlock(&r->lock);
	return private;
}

/**
 * snp_table_get_page() - the page of a frame, with a reference
 * @vm: the VM
 * @gfn: any frame
 *
 * The table's own pin keeps the page while its lock is held, so the reference
 * is never one on a page that was given to somebody else.
 *
 * Context: process context.
 * Return: NULL if the frame is not private.
 */
struct page *snp_table_get_page(struct snp_vm *vm, gfn_t gfn)
{
	struct snp_region *r = snp_region_find(vm, gfn);
	unsigned int i = gfn % SNP_REGION_PAGES;
	struct page *page = NULL;

	if (!r)
		return NULL;

	spin_lock(&r->lock);
	if (test_bit(i, r->private)) {
		page = pfn_to_page(pfn_of(r, i));
		get_page(page);
	}
	spin_unlock(&r->lock);
	return page;
}

static bool contiguous(const struct snp_region *r, unsigned int i,
		       const struct snp_scratch *s, unsigned int n)
{
	unsigned int k, first = find_first_bit(s->todo, n);
	unsigned long base;

	if (r->pfn || first == n)
		return true;

	base = r->nr ? r->base : page_to_pfn(s->page[first]) - (i + first);
	for_each_set_bit(k, s->todo, n)
		if (page_to_pfn(s->page[k]) != base + i + k)
			return false;
	return true;
}

/**
 * snp_table_reserve() - make sure that snp_table_add() needs no memory
 * @r: the region
 * @i: number of the first frame in it
 * @s: pages, and which of them are to be added, by offset from @i
 * @n: number of frames
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int snp_table_reserve(struct snp_region *r, unsigned int i, const struct snp_scratch *s,
		      unsigned int n)
{
	unsigned long *pfn;
	unsigned int k;

	/* Only whether it is worth it: snp_table_add() looks again. */
	scoped_guard(spinlock, &r->lock) {
		if (contiguous(r, i, s, n))
			return 0;
	}

	pfn = kmalloc_array(SNP_REGION_PAGES, sizeof(*pfn), GFP_KERNEL_ACCOUNT);
	if (!pfn)
		return -ENOMEM;

	scoped_guard(spinlock, &r->lock) {
		for (k = 0; !r->pfn && k < SNP_REGION_PAGES; k++)
			pfn[k] = r->base + k;
		if (!r->pfn)
			swap(r->pfn, pfn);
	}
	kfree(pfn);
	return 0;
}

/**
 * snp_table_add() - frames become private
 * @r: the region
 * @i: number of the first frame in it
 * @s: pages, and which of them are to be added, by offset from @i
 * @n: number of frames
 * @first: set to true if nothing of the region was private before: its guest mappings
 *	may be large, and are to be zapped
 *
 * Context: range held exclusively, pages pinned and charged; does not sleep.
 * Return: false if others of the region changed meanwhile, so that it takes
 * another snp_table_reserve().
 */
bool snp_table_add(struct snp_region *r, unsigned int i, const struct snp_scratch *s,
		   unsigned int n, bool *first)
{
	unsigned int k, added = 0;
	bool fits;

	spin_lock(&r->lock);
	fits = contiguous(r, i, s, n);
	if (!fits)
		goto unlock;

	for_each_set_bit(k, s->todo, n) {
		if (r->pfn)
			r->pfn[i + k] = page_to_pfn(s->page[k]);
		else if (!added && !r->nr)
			r->base = page_to_pfn(s->page[k]) - (i + k);
		added++;
		set_bit(i + k, r->private);
	}
	if (!r->nr)
		*first = true;
	WRITE_ONCE(r->nr, r->nr + added);
	atomic64_add(added, &snp_counts.private);
unlock:
	spin_unlock(&r->lock);
	return fits;
}

/**
 * snp_table_hide() - a frame is no longer private for readers
 * @r: the region
 * @i: number of the frame in it; private
 *
 * The page keeps its place until snp_table_show() or snp_table_forget().
 *
 * Context: range held exclusively, or nobody else is left; does not sleep.
 */
void snp_table_hide(struct snp_region *r, unsigned int i)
{
	clear_bit(i, r->private);
}

/**
 * snp_table_show() - undo snp_table_hide()
 * @r: the region
 * @i: number of the frame in it
 *
 * Context: the same exclusive section.
 */
void snp_table_show(struct snp_region *r, unsigned int i)
{
	set_bit(i, r->private);
}

/**
 * snp_table_forget() - hidden frames are shared, or their pages lost
 * @r: the region
 * @n: how many
 *
 * Pins and charge are the caller's now.
 *
 * Context: the same exclusive section; does not sleep.
 */
void snp_table_forget(struct snp_region *r, unsigned int n)
{
	spin_lock(&r->lock);
	WRITE_ONCE(r->nr, r->nr - n);
	atomic64_sub(n, &snp_counts.private);
	spin_unlock(&r->lock);
}

/**
 * snp_charge() - account pins to the VM's owner
 * @kvm: the VM
 * @pages: how many
 *
 * account_locked_vm() would take mmap_lock for writing; mm->pinned_vm is for
 * pins, atomic, and held against the same limit by its other users.
 *
 * Context: the VMM's task.
 * Return: 0; -EDQUOT: RLIMIT_MEMLOCK.
 */
int snp_charge(struct kvm *kvm, unsigned int pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	/* However much there is already, nothing more is no offence. */
	if (!pages)
		return 0;
	if (atomic64_add_return(pages, &kvm->mm->pinned_vm) > limit &&
	    !capable(CAP_IPC_LOCK)) {
		atomic64_sub(pages, &kvm->mm->pinned_vm);
		return -EDQUOT;
	}
	atomic64_add(pages, &snp_counts.pinned);
	return 0;
}

/**
 * snp_uncharge() - undo snp_charge()
 * @kvm: the VM; its mm may have no user any more
 * @pages: how many
 *
 * Context: any.
 */
void snp_uncharge(struct kvm *kvm, unsigned int pages)
{
	atomic64_sub(pages, &kvm->mm->pinned_vm);
	atomic64_sub(pages, &snp_counts.pinned);
}

/**
 * snp_leak() - pages that can't be returned to the host are never freed
 * @kvm: the VM
 * @pfn: first page frame
 * @pages: how many
 *
 * The pins stay, the charge goes with the VM that caused it. Upstream's
 * snp_leak_pages() is not for them: it chains pages by their lru field, and
 * these are on the LRU lists still.
 *
 * Context: process context.
 */
void snp_leak(struct kvm *kvm, unsigned long pfn, unsigned int pages)
{
	snp_uncharge(kvm, pages);
	atomic64_add(pages, &snp_counts.leaked);
	rmp_leaked(pfn, pages);
	pr_warn_ratelimited("SEV: %u private pages at PFN 0x%lx can't be returned, leaked\n",
			    pages, pfn);
}
