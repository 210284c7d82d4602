// SPDX-License-Identifier: GPL-2.0-only
/*
 * A page becomes private, and shared again, in place. To private: pin, take the
 * range, see that the memslot still means these pages, publish them, revoke
 * cached mappings, split the direct map, RMPUPDATE. To shared: take the range,
 * drop and flush guest mappings, RMPUPDATE, flush caches, let go of the range,
 * unpin. The work comes in units of at most one 2M region, so that nobody who
 * waits for one waits long.
 *
 * Invariants. A guest mapping is never larger than the RMP entries below it: a
 * region's first private page drops the guest mappings of the whole region
 * after the table says so, and from then on new ones are 4K
 * (snp_in_place.c:max_level()). A page that is unpinned is shared in the RMP, and
 * no guest mapping leads to it but by the memslot. What fails is undone; a page
 * that hardware does not give back stays private, in the table and pinned, and
 * is lost only with its slot or VM: counted, never freed.
 *
 * Two frames may have one page (aliases: two slots, two VMs). The range lock is
 * about frames, so RMP entries of a 2M region of host memory change under a
 * mutex of that region: whoever finds the page assigned does not take it.
 *
 * Lock order: kvm->srcu or slots_lock, range, page mutex or mmu_lock (neither
 * in the other), gpc->lock, region lock. Pins come before the range: they may
 * wait for user space.
 */
#include <linux/cacheflush.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/psp-sev.h>
#include <asm/rmp_count.h>
#include <asm/rmp_fault.h>
#include <trace/events/snp_guest.h>

#include "mmu.h"
#include "svm.h"
#include "snp_in_place.h"

#define RMP_LOCK_BITS	6
/* Each round means that another CPU was in the middle of something. */
#define TRIES		16
/* How long a page that nobody else wants back may take, in jiffies */
#define RETURN_PATIENCE	(5 * HZ)

static struct mutex rmp_locks[1 << RMP_LOCK_BITS];

/**
 * snp_convert_init() - before the first VM
 *
 * Context: module load.
 */
void __init snp_convert_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rmp_locks); i++)
		mutex_init(&rmp_locks[i]);
}

static struct mutex *rmp_lock(unsigned long pfn)
{
	return &rmp_locks[hash_long(pfn / PTRS_PER_PMD, RMP_LOCK_BITS)];
}

static u32 asid_of(struct snp_vm *vm)
{
	return to_kvm_sev_info(vm->kvm)->asid;
}

static bool is_ours(struct snp_vm *vm, const struct rmp_view *v, gfn_t gfn)
{
	return v->assigned && v->asid == asid_of(vm) && v->gpa == gfn_to_gpa(gfn);
}

static int rmp_error(int ret)
{
	switch (ret) {
	case 0:
		return 0;
	case RMPUPDATE_FAIL_OVERLAP:
		return -EAGAIN;
	case RMPUPDATE_FAIL_INUSE:
		return -EPERM;
	default:
		return -EIO;
	}
}

/* ---- one RMP entry ----------------------------------------------------- */

/* PSMASH of the 2M entry that holds @pfn; the caller has the page mutex. */
static int smash(unsigned long pfn)
{
	struct rmp_view v;
	int i, ret;

	pfn = ALIGN_DOWN(pfn, PTRS_PER_PMD);
	for (i = 0; i < TRIES; i++) {
		ret = psmash(pfn);
		if (ret != PSMASH_FAIL_INUSE)
			break;
		cpu_relax();
	}

	/* Somebody else was faster? */
	if (ret && rmp_view_page(pfn, &v) && v.level == PG_LEVEL_4K)
		return 0;
	if (ret < 0)
		return ret;
	return ret == PSMASH_FAIL_INUSE ? -EAGAIN : ret ? -EIO : 0;
}

/* 0: @pfn is now, or was, the VM's at @gfn */
static int assign_4k(struct snp_vm *vm, gfn_t gfn, unsigned long pfn, bool immutable)
{
	struct rmp_view v;

	guard(mutex)(rmp_lock(pfn));

	if (!rmp_view_page(pfn, &v))
		return -EOPNOTSUPP;
	if (is_ours(vm, &v, gfn))
		return 0;
	if (v.assigned)
		return -EEXIST;
	if (rmp_split_direct_map(pfn, PG_LEVEL_4K))
		return -ENOMEM;

	return rmp_error(rmp_assign_guest(pfn, gfn_to_gpa(gfn), PG_LEVEL_4K, asid_of(vm),
					  immutable));
}

static int assign_2m(struct snp_vm *vm, gfn_t gfn, unsigned long pfn)
{
	guard(mutex)(rmp_lock(pfn));

	if (rmp_region_assigned(pfn))
		return -EEXIST;
	if (rmp_split_direct_map(pfn, PG_LEVEL_2M))
		return -ENOMEM;

	return rmp_error(rmp_assign_guest(pfn, gfn_to_gpa(gfn), PG_LEVEL_2M, asid_of(vm),
					  false));
}

/*
 * The page goes back to the host, unless it is there already, or was taken by the
 * fault handler and has another owner since. A 2M entry is returned whole, if
 * @level says that all of it goes.
 */
static int return_page(struct snp_vm *vm, gfn_t gfn, unsigned long pfn, int level)
{
	struct rmp_view v;
	int ret;

	guard(mutex)(rmp_lock(pfn));

	if (!rmp_view_page(pfn, &v) || !is_ours(vm, &v, gfn))
		return 0;
	if (v.level > level) {
		ret = smash(pfn);
		if (ret)
			return ret;
	}
	/* Smashed since the caller looked: then page by page. */
	if (v.level < level)
		return -EAGAIN;

	return rmp_error(rmp_flip_shared(pfn, min_t(int, v.level, level)));
}

/* ---- to private -------------------------------------------------------- */

static int pin_error(long ret)
{
	switch (ret) {
	case -EINTR:
	case -ERESTARTSYS:
		return -EINTR;
	case -EAGAIN:
		return -EAGAIN;
	case -ENOMEM:
		return -ENOMEM;
	default:
		return -EOPNOTSUPP;
	}
}

static void unpin(struct snp_scratch *s, unsigned int first, unsigned int n)
{
	unsigned int i;

	for (i = first; i < n; i++)
		if (test_and_clear_bit(i, s->todo))
			unpin_user_page(s->page[i]);
}

/*
 * Pin the frames of @u that are not private yet, and leave them in @s. Returns
 * how many there are from @u->gfn on that can go on, private ones included; or
 * -errno if not even the first.
 */
static int pin(struct snp_unit *u, struct snp_region *r, unsigned long hva,
	       struct snp_scratch *s)
{
	unsigned int first = u->gfn % SNP_REGION_PAGES, i = 0, end;
	long got;

	bitmap_zero(s->todo, SNP_REGION_PAGES);
	while (i < u->n) {
		if (test_bit(first + i, r->private)) {
			i++;
			continue;
		}
		end = find_next_bit(r->private, first + u->n, first + i) - first;
		got = pin_user_pages_fast(hva + i * PAGE_SIZE, end - i,
					  FOLL_WRITE | FOLL_LONGTERM, &s->page[i]);
		if (got > 0) {
			bitmap_set(s->todo, i, got);
			i += got;
		}
		if (i < end)
			return i ? i : pin_error(got);
	}
	return i;
}

static bool fits_2m(struct snp_unit *u, struct snp_scratch *s)
{
	unsigned long pfn;
	unsigned int i;

	if (!u->large || u->n != SNP_REGION_PAGES || !bitmap_full(s->todo, SNP_REGION_PAGES))
		return false;

	pfn = page_to_pfn(s->page[0]);
	if (!IS_ALIGNED(pfn, SNP_REGION_PAGES))
		return false;
	for (i = 1; i < SNP_REGION_PAGES; i++)
		if (page_to_pfn(s->page[i]) != pfn + i)
			return false;
	return true;
}

/* A 4K state below a hugetlb page would fault the VMM's mapping for ever. */
static bool hugetlb_in_the_way(struct snp_unit *u, struct snp_scratch *s)
{
	unsigned int i;

	if (fits_2m(u, s))
		return false;
	for_each_set_bit(i, s->todo, u->n)
		if (PageHuge(s->page[i]))
			return true;
	return false;
}

/*
 * Do the memslot's addresses still lead to the pages pinned? mmap_lock is not
 * to be taken here, and a page that left the page table is not missed: the VMM
 * is changing its memory just now, and the guest will ask again.
 */
static bool still_mapped(struct snp_unit *u, unsigned long hva, unsigned long seq,
			 struct snp_scratch *s)
{
	struct kvm *kvm = u->vm->kvm;
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, u->gfn);
	struct page *now;
	unsigned int i;
	bool retry;

	if (!slot || (slot->flags & KVM_MEMSLOT_INVALID) ||
	    __gfn_to_hva_memslot(slot, u->gfn) != hva ||
	    u->gfn + u->n > slot->base_gfn + slot->npages)
		return false;

	read_lock(&kvm->mmu_lock);
	retry = mmu_invalidate_retry_gfn(kvm, seq, u->gfn);
	read_unlock(&kvm->mmu_lock);
	if (!retry)
		return true;

	for_each_set_bit(i, s->todo, u->n) {
		if (get_user_pages_fast_only(hva + i * PAGE_SIZE, 1, FOLL_WRITE, &now) != 1)
			return false;
		put_page(now);
		if (now != s->page[i])
			return false;
	}
	return true;
}

/*
 * Cached mappings (pvclock, Xen) of the published pages end; none begins before
 * the range is unlocked, and then the RMP says that they are private. By page:
 * some caches know no frame.
 */
static void revoke_caches(struct snp_vm *vm)
{
	struct gfn_to_pfn_cache *gpc;

	spin_lock(&vm->kvm->gpc_lock);
	list_for_each_entry(gpc, &vm->kvm->gpc_list, list) {
		write_lock_irq(&gpc->lock);
		if (gpc->valid && !is_error_noslot_pfn(gpc->pfn) &&
		    snp_range_pfn_busy(&vm->range, gpc->pfn)) {
			gpc->valid = false;
			atomic64_inc(&snp_counts.revoked);
			rmp_count_add(RMP_COUNT_REVOKED, 1);
			trace_snp_revoke(gpc->pfn, gpc->gpa);
		}
		write_unlock_irq(&gpc->lock);
	}
	spin_unlock(&vm->kvm->gpc_lock);
}

/*
 * The host had taken this private page, @pfn: no vCPU keeps a translation from before, and
 * a cache may have mapped it.
 */
static bool was_taken(struct snp_region *r, unsigned int i, unsigned long *pfn)
{
	struct rmp_view v;

	return snp_table_pfn(r, i, pfn) && rmp_view_page(*pfn, &v) && !v.assigned;
}

static void zap_region(struct snp_vm *vm, struct snp_region *r)
{
	kvm_zap_gfn_range(vm->kvm, r->gfn, r->gfn + SNP_REGION_PAGES);
}

/* Range held, pages published, in the table. Frames before @u->done succeeded. */
static int assign_unit(struct snp_unit *u, struct snp_region *r, struct snp_scratch *s)
{
	unsigned int first = u->gfn % SNP_REGION_PAGES, i;
	unsigned long pfn;
	int ret = 0;

	if (fits_2m(u, s)) {
		ret = assign_2m(u->vm, u->gfn, page_to_pfn(s->page[0]));
		if (!ret) {
			atomic64_inc(&snp_counts.large);
			rmp_count_add(RMP_COUNT_IN_PLACE_2M, 1);
			u->done = u->n;
			return 0;
		}
		if (PageHuge(s->page[0]))
			return ret;
	}

	for (i = 0; i < u->n; i++) {
		if (!snp_table_pfn(r, first + i, &pfn))
			return -EIO;
		ret = assign_4k(u->vm, u->gfn + i, pfn, false);
		if (ret)
			return ret;
		u->done = i + 1;
	}
	return 0;
}

/* The exclusive section: the range is held, and the pages are pinned. */
static int convert_unit(struct snp_unit *u, struct snp_region *r, struct snp_scratch *s,
			struct snp_excl *e)
{
	unsigned int first = u->gfn % SNP_REGION_PAGES, i, nr = 0, undone = 0;
	bool zap = u->large;
	int ret;

	for (i = 0; i < u->n; i++) {
		/* Another conversion may have been here while we pinned. */
		if (test_bit(i, s->todo) == test_bit(first + i, r->private))
			return -EAGAIN;
		if (test_bit(i, s->todo)) {
			s->pfn[nr++] = page_to_pfn(s->page[i]);
		} else if (was_taken(r, first + i, &s->pfn[nr])) {
			nr++;
			atomic64_inc(&snp_counts.refaulted);
			rmp_count_add(RMP_COUNT_REFAULT, 1);
			zap = true;
		}
	}

	if (nr) {
		snp_range_publish(&u->vm->range, e, s->pfn, nr);
		revoke_caches(u->vm);
	}
	if (!snp_table_add(r, first, s, u->n, &zap))
		return -EAGAIN;
	if (zap)
		zap_region(u->vm, r);

	ret = assign_unit(u, r, s);
	if (!ret)
		return 0;

	/* The rest is as if it had not been asked for. */
	for (i = u->done; i < u->n; i++) {
		if (test_bit(i, s->todo)) {
			snp_table_hide(r, first + i);
			undone++;
		}
	}
	if (undone)
		zap_region(u->vm, r);
	snp_table_forget(r, undone);
	return ret;
}

static int lock_unit(struct snp_unit *u, struct snp_excl *e, gfn_t gfn, unsigned int n)
{
	int ret = u->lock ? u->lock(u, e, gfn, n) : snp_range_lock(&u->vm->range, e, gfn, n);

	if (ret == -EBUSY)
		atomic64_inc(&snp_counts.busy);
	rmp_count_add(RMP_COUNT_CONTENDED, ret == -EBUSY);
	return ret;
}

/**
 * snp_make_private() - frames become private, or stay so
 * @u: the unit; @u->done tells how far it went
 * @s: scratch
 *
 * A private page that the host has taken meanwhile is given back to the guest,
 * not validated.
 *
 * Context: the VMM's task, in kvm->srcu, no range held; may sleep, also in user
 * space's page faults.
 * Return: 0: @u->done frames are private; less than @u->n: go on with the rest. Else
 * nothing from @u->done on has changed:
 * * -EBUSY: KVM has one of the frames mapped
 * * -EPERM: a vCPU runs on one
 * * -EAGAIN: the VMM is changing its memory, or another CPU was in the way
 * * -EINTR: a signal
 * * -EFAULT: no memory there
 * * -EDQUOT: RLIMIT_MEMLOCK
 * * -EOPNOTSUPP: memory that can't be pinned
 * * -EEXIST: the page is private elsewhere
 * * -EINVAL: 4K of a hugetlb page
 * * -ENOMEM, -EIO: no memory; hardware refused
 */
int snp_make_private(struct snp_unit *u, struct snp_scratch *s)
{
	struct kvm *kvm = u->vm->kvm;
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, u->gfn);
	unsigned long seq, hva;
	struct snp_region *r;
	struct snp_excl e;
	int ret;

	u->done = 0;
	if (!slot || (slot->flags & (KVM_MEMSLOT_INVALID | KVM_MEM_READONLY)) ||
	    slot->id >= KVM_USER_MEM_SLOTS)
		return -EFAULT;
	u->n = min_t(gfn_t, u->n, slot->base_gfn + slot->npages - u->gfn);
	u->large = u->large && u->n == SNP_REGION_PAGES;
	hva = __gfn_to_hva_memslot(slot, u->gfn);

	r = snp_region_get(u->vm, u->gfn);
	if (!r)
		return -ENOMEM;

	seq = READ_ONCE(kvm->mmu_invalidate_seq);
	/* Read before the page tables are; see mmu_invalidate_retry_gfn(). */
	smp_rmb();

	ret = pin(u, r, hva, s);
	if (ret < 0)
		return ret;
	u->n = ret;

	ret = -EINVAL;
	if (hugetlb_in_the_way(u, s))
		goto unpin;
	ret = snp_charge(kvm, bitmap_weight(s->todo, u->n));
	if (ret)
		goto unpin;
	ret = snp_table_reserve(r, u->gfn % SNP_REGION_PAGES, s, u->n);
	if (ret)
		goto uncharge;
	ret = lock_unit(u, &e, u->gfn, u->n);
	if (ret)
		goto uncharge;

	ret = still_mapped(u, hva, seq, s) ? convert_unit(u, r, s, &e) : -EAGAIN;
	snp_range_unlock(&u->vm->range, &e);
	/* What is done is the table's. */
	atomic64_add(bitmap_weight(s->todo, u->done), &snp_counts.to_private);
	rmp_count_add(RMP_COUNT_IN_PLACE_PRIVATE, bitmap_weight(s->todo, u->done));
	bitmap_clear(s->todo, 0, u->done);
uncharge:
	snp_uncharge(kvm, bitmap_weight(s->todo, u->n));
unpin:
	unpin(s, 0, u->n);
	return ret;
}

/* ---- to shared --------------------------------------------------------- */

/* Frames [@first, @end) of the region, pages in @s: caches, pins, charge */
static void let_go(struct snp_vm *vm, struct snp_scratch *s, unsigned int first,
		   unsigned int end)
{
	unsigned int i, n = 0;

	for (i = first; i < end; i++) {
		struct page *page;

		if (!test_bit(i, s->todo))
			continue;
		page = pfn_to_page(s->pfn[i]);
		unpin_user_pages_dirty_lock(&page, 1, true);
		n++;
	}
	snp_uncharge(vm->kvm, n);
}

/*
 * Hidden frames [@first, @end) of a region go back to the host: bits in @s->todo
 * on entry, those that went on return; what did not is left for the caller. Returns
 * an error of one of those, -EAGAIN if that is true of any.
 */
static int return_run(struct snp_vm *vm, struct snp_region *r, struct snp_scratch *s,
		      unsigned int first, unsigned int end)
{
	unsigned int i = first, n;
	struct rmp_view v;
	int ret, error = 0;

	while (i < end) {
		n = 1;
		if (!test_bit(i, s->todo))
			goto next;

		ret = -EAGAIN;
		if (!i && end == SNP_REGION_PAGES && rmp_view_page(s->pfn[0], &v) &&
		    v.level == PG_LEVEL_2M && bitmap_full(s->todo, SNP_REGION_PAGES))
			ret = return_page(vm, r->gfn, s->pfn[0], PG_LEVEL_2M);
		if (!ret)
			n = SNP_REGION_PAGES;
		else
			ret = return_page(vm, r->gfn + i, s->pfn[i], PG_LEVEL_4K);

		if (ret) {
			error = error == -EAGAIN ? error : ret;
			clear_bit(i, s->todo);
		} else {
			clflush_cache_range(pfn_to_kaddr(s->pfn[i]), n * PAGE_SIZE);
		}
next:
		i += n;
	}
	return error;
}

/* A run of private frames, exclusively held */
static int share_run(struct snp_vm *vm, struct snp_region *r, struct snp_scratch *s,
		     unsigned int first, unsigned int end)
{
	bool whole = !first && end == SNP_REGION_PAGES, large = false;
	DECLARE_BITMAP(hidden, SNP_REGION_PAGES);
	unsigned int i;
	struct rmp_view v;
	int ret;

	for (i = first; i < end; i++) {
		if (!snp_table_pfn(r, i, &s->pfn[i]))
			continue;
		if (!whole && PageHuge(pfn_to_page(s->pfn[i]))) {
			bitmap_zero(s->todo, SNP_REGION_PAGES);
			return -EINVAL;
		}
		large |= rmp_view_page(s->pfn[i], &v) && v.level == PG_LEVEL_2M;
		set_bit(i, s->todo);
	}
	bitmap_copy(hidden, s->todo, SNP_REGION_PAGES);
	for_each_set_bit(i, hidden, SNP_REGION_PAGES)
		snp_table_hide(r, i);

	/* A 2M entry that breaks takes the mapping of its other pages with it. */
	if (large)
		zap_region(vm, r);
	else
		kvm_zap_gfn_range(vm->kvm, r->gfn + first, r->gfn + end);

	ret = return_run(vm, r, s, first, end);
	for_each_set_bit(i, hidden, SNP_REGION_PAGES)
		if (!test_bit(i, s->todo))
			snp_table_show(r, i);
	i = bitmap_weight(s->todo, SNP_REGION_PAGES);
	snp_table_forget(r, i);
	atomic64_add(i, &snp_counts.to_shared);
	rmp_count_add(RMP_COUNT_IN_PLACE_SHARED, i);
	return ret;
}

/**
 * snp_make_shared() - frames become shared, or stay so
 * @u: the unit; @u->done tells how far it went
 * @s: scratch
 *
 * Context: process context, in kvm->srcu, no range held; may sleep.
 * Return: 0: @u->done == @u->n. Else the frames before @u->done are shared:
 * * -EBUSY: KVM has one of the frames mapped
 * * -EPERM: a vCPU runs on one
 * * -EAGAIN: another CPU was in the way
 * * -EINTR: a signal
 * * -EFAULT: no memory there
 * * -EINVAL: 4K of a hugetlb page
 * * -ENOMEM, -EIO: no memory; hardware refused
 */
int snp_make_shared(struct snp_unit *u, struct snp_scratch *s)
{
	struct snp_region *r = snp_region_find(u->vm, u->gfn);
	unsigned int first = u->gfn % SNP_REGION_PAGES;
	unsigned int end = first + u->n, i = first, run;
	struct snp_excl e;
	int ret;

	u->done = 0;
	if (!kvm_is_visible_gfn(u->vm->kvm, u->gfn))
		return -EFAULT;
	if (!r)
		i = end;

	while (i < end) {
		i = find_next_bit(r->private, end, i);
		u->done = i - first;
		if (i == end)
			break;
		run = find_next_zero_bit(r->private, end, i);
		/* Shared by another CPU between the two looks: an empty range is none. */
		if (run == i)
			continue;
		ret = lock_unit(u, &e, r->gfn + i, run - i);
		if (ret)
			return ret;
		/* Unless the slot went while we waited: its pages are not ours then. */
		ret = -EFAULT;
		bitmap_zero(s->todo, SNP_REGION_PAGES);
		if (kvm_is_visible_gfn(u->vm->kvm, r->gfn + i))
			ret = share_run(u->vm, r, s, i, run);
		snp_range_unlock(&u->vm->range, &e);
		let_go(u->vm, s, i, run);
		if (ret)
			return ret;
		i = run;
	}
	u->done = u->n;
	return 0;
}

/**
 * snp_smash() - a guest needs 4K entries where it has a 2M entry
 * @vm: the VM
 * @gfn: any frame of it
 *
 * Context: process context, in kvm->srcu; may sleep.
 * Return: 0: the guest may try again; -errno as above.
 */
int snp_smash(struct snp_vm *vm, gfn_t gfn)
{
	struct snp_region *r = snp_region_find(vm, gfn);
	struct snp_excl e;
	struct rmp_view v;
	unsigned long pfn;
	int ret;

	if (!r)
		return 0;

	/* One frame is enough: PSMASH changes no state, and the page mutex is held. */
	ret = snp_range_lock(&vm->range, &e, gfn, 1);
	if (ret)
		return ret;
	if (snp_table_pfn(r, gfn % SNP_REGION_PAGES, &pfn) && rmp_view_page(pfn, &v) &&
	    v.level == PG_LEVEL_2M) {
		guard(mutex)(rmp_lock(pfn));
		ret = smash(pfn);
	}
	zap_region(vm, r);
	snp_range_unlock(&vm->range, &e);
	return ret;
}

/*
 * As return_run(), of a whole region, for the last time: another CPU that is busy in
 * the same 2M of host memory is no reason to lose a page.
 */
static void return_all(struct snp_vm *vm, struct snp_region *r, struct snp_scratch *s)
{
	unsigned long end = jiffies + RETURN_PATIENCE;
	DECLARE_BITMAP(left, SNP_REGION_PAGES);
	DECLARE_BITMAP(all, SNP_REGION_PAGES);

	bitmap_copy(all, s->todo, SNP_REGION_PAGES);
	bitmap_copy(left, s->todo, SNP_REGION_PAGES);
	while (return_run(vm, r, s, 0, SNP_REGION_PAGES) == -EAGAIN &&
	       time_before(jiffies, end)) {
		bitmap_andnot(left, left, s->todo, SNP_REGION_PAGES);
		bitmap_copy(s->todo, left, SNP_REGION_PAGES);
		usleep_range(1000, 2000);
	}
	bitmap_andnot(left, left, s->todo, SNP_REGION_PAGES);
	bitmap_andnot(s->todo, all, left, SNP_REGION_PAGES);
}

/**
 * snp_return_region() - private pages go back to the host for good
 * @vm: the VM
 * @r: a region
 * @first: number of the first frame
 * @last: number of the last frame
 *
 * What does not go back is leaked. Guest mappings are gone already. Without
 * the range: nobody can be there but a vCPU that runs on such a page as its VMSA,
 * which returns this one when it leaves.
 *
 * Context: process context; slots_lock after the slot was deleted, or the VM is
 * being destroyed; perhaps another mm, or none.
 */
void snp_return_region(struct snp_vm *vm, struct snp_region *r, unsigned int first,
		       unsigned int last)
{
	struct snp_scratch *s;
	unsigned int i, n = 0;

	/* No memory: in pieces of what is at hand, never not at all. */
	s = kvmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	bitmap_zero(s->todo, SNP_REGION_PAGES);
	for (i = first; i <= last; i++) {
		if (!snp_table_pfn(r, i, &s->pfn[i]))
			continue;
		snp_table_hide(r, i);
		n++;
		if (!snp_vmsa_keep(vm, r->gfn + i, s->pfn[i]))
			set_bit(i, s->todo);
	}
	if (n) {
		DECLARE_BITMAP(hidden, SNP_REGION_PAGES);

		bitmap_copy(hidden, s->todo, SNP_REGION_PAGES);
		return_all(vm, r, s);
		for_each_set_bit(i, hidden, SNP_REGION_PAGES)
			if (!test_bit(i, s->todo))
				snp_leak(vm->kvm, s->pfn[i], 1);
		let_go(vm, s, 0, SNP_REGION_PAGES);
		snp_table_forget(r, n);
	}
	kvfree(s);
}

/* Another CPU that is busy in the same 2M is no reason to lose the page. */
static int return_patiently(struct snp_vm *vm, gfn_t gfn, unsigned long pfn)
{
	unsigned long end = jiffies + RETURN_PATIENCE;
	int ret;

	while ((ret = return_page(vm, gfn, pfn, PG_LEVEL_4K)) == -EAGAIN &&
	       time_before(jiffies, end))
		usleep_range(1000, 2000);
	return ret;
}

/**
 * snp_return_page() - a private page that is in no table goes back to the host for good
 * @vm: the VM
 * @gfn: the frame it was
 * @pfn: the page, pinned and charged
 *
 * Or is leaked.
 *
 * Context: process context; may sleep.
 */
void snp_return_page(struct snp_vm *vm, gfn_t gfn, unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	if (return_patiently(vm, gfn, pfn)) {
		snp_leak(vm->kvm, pfn, 1);
		return;
	}
	clflush_cache_range(page_address(page), PAGE_SIZE);
	unpin_user_pages_dirty_lock(&page, 1, true);
	snp_uncharge(vm->kvm, 1);
}

/* ---- launch ------------------------------------------------------------ */

struct launch {
	struct snp_unit u;
	struct snp_region *r;
	struct snp_scratch *s;
	unsigned long pfn;
	int (*measure)(sev_command_t command, unsigned long pfn, void *data);
	void *data;
	struct snp_excl e;
	bool locked, added, first;
};

/*
 * In the driver's mutex, without waiting for anybody: while firmware may take the page,
 * hardware refuses to give it back, and a host write that must not fail waits.
 */
static int launch_locked(sev_command_t command, void *data)
{
	struct launch *l = data;
	struct snp_vm *vm = l->u.vm;
	unsigned int i = l->u.gfn % SNP_REGION_PAGES;
	int ret;

	ret = snp_range_try_lock(&vm->range, &l->e, l->u.gfn, 1);
	if (ret)
		return ret;
	l->locked = true;
	if (test_bit(i, l->r->private))
		return -EEXIST;

	snp_range_publish(&vm->range, &l->e, &l->pfn, 1);
	revoke_caches(vm);
	l->added = snp_table_add(l->r, i, l->s, 1, &l->first);
	if (!l->added)
		return -EAGAIN;
	zap_region(vm, l->r);

	ret = assign_4k(vm, l->u.gfn, l->pfn, true);
	return ret ?: l->measure(command, l->pfn, l->data);
}

/**
 * snp_launch_page() - a page of the initial image becomes private and measured
 * @vm: the VM, its launch not finished
 * @s: scratch
 * @gfn: its frame
 * @src: contents, NULL: what is there
 * @sev: /dev/sev, open
 * @measure: has firmware take the page, by @command. Returns 0; SNP_MEASURE_REFUSED:
 *	the page is the VM's, but not measured; SNP_MEASURE_LOST: it is firmware's
 * @data: for @measure
 *
 * Context: the VMM's task, kvm->lock and slots_lock held; may sleep.
 * Return: 0; -EEXIST: private already, here or elsewhere; -EFAULT: no memory, no
 * such source; -EIO: refused; -EBADF: @sev is something else; -EBUSY: a map of KVM's is
 * there; -EPERM: a VMSA; -EDQUOT, -EOPNOTSUPP, -EINVAL, -ENOMEM, -EAGAIN, -EINTR as
 * above.
 */
int snp_launch_page(struct snp_vm *vm, struct snp_scratch *s, gfn_t gfn,
		    const void __user *src, struct file *sev,
		    int (*measure)(sev_command_t command, unsigned long pfn, void *data),
		    void *data)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(vm->kvm, gfn);
	struct launch l = {
		.u = { .vm = vm, .gfn = gfn, .n = 1 },
		.s = s,
		.measure = measure,
		.data = data,
	};
	unsigned int i = gfn % SNP_REGION_PAGES;
	struct rmp_view v;
	int ret;

	if (!slot || slot->id >= KVM_USER_MEM_SLOTS)
		return -EFAULT;
	l.r = snp_region_get(vm, gfn);
	if (!l.r)
		return -ENOMEM;

	ret = pin(&l.u, l.r, __gfn_to_hva_memslot(slot, gfn), s);
	if (ret < 0)
		return ret;
	/* Private already: nothing was pinned, and there is no page in the scratch. */
	if (!test_bit(0, s->todo))
		return -EEXIST;
	l.pfn = page_to_pfn(s->page[0]);

	ret = -EINVAL;
	if (hugetlb_in_the_way(&l.u, s))
		goto unpin;
	ret = snp_charge(vm->kvm, 1);
	if (ret)
		goto unpin;
	/* Nor write to what is private elsewhere: that would take it from there. */
	ret = -EEXIST;
	if (rmp_view_page(l.pfn, &v) && v.assigned)
		goto uncharge;
	ret = -EFAULT;
	if (src && copy_from_user(page_address(s->page[0]), src, PAGE_SIZE))
		goto uncharge;
	ret = snp_table_reserve(l.r, i, s, 1);
	if (ret)
		goto uncharge;

	ret = sev_work(sev, launch_locked, &l);
	if (ret > 0) {
		if (ret == SNP_MEASURE_LOST || return_patiently(vm, gfn, l.pfn)) {
			/* Nobody can use it, neither may anybody. */
			snp_leak(vm->kvm, l.pfn, 1);
			clear_bit(0, s->todo);
		}
		ret = -EIO;
	}
	if (ret && l.added) {
		snp_table_hide(l.r, i);
		snp_table_forget(l.r, 1);
	}
	if (l.locked)
		snp_range_unlock(&vm->range, &l.e);
	if (!ret)
		return 0;
uncharge:
	snp_uncharge(vm->kvm, test_bit(0, s->todo));
unpin:
	unpin(s, 0, 1);
	return ret;
}
