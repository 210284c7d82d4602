// SPDX-License-Identifier: GPL-2.0-only
/*
 * The direct map under the RMP: split before pages become private, merged in the
 * background when none is.
 *
 * A host write through a mapping above 4K faults if any 4K page of the 2M region
 * is assigned (APM vol. 2, 15.36.10). So the invariant: a 2M region with any
 * 4K-sized assigned entry is 4K-mapped. RMPUPDATE and PSMASH are bracketed by
 * rmp_dmap_begin() and rmp_dmap_end(), which count the region's users. A merge
 * takes the region only while it has none, and those who come then wait for it:
 * a reader-writer lock per region whose writer never waits. Under it the RMP is
 * scanned. So a merge never finds a region shared that is about to become
 * private, and takes nothing back.
 *
 * A table that was allocated for a region stays with it for good: installed, or
 * deposited for the next split. Walkers without a lock (lookup_address(), perf,
 * the IOMMU with SVA) never meet freed memory, and a region's second split needs
 * no allocation. Only a region whose entry points to this very table is merged:
 * what CPA split, perhaps for good reason (KFENCE, the IOMMU's logs), it keeps.
 * 1G mappings are split, not restored.
 *
 * Locks: dmap_mutex (all splits and merges; the deposits) -> cpa_lock (so that
 * CPA neither splits nor changes attributes meanwhile; held until the TLBs are
 * flushed, as CPA does) -> pgd_lock. Becoming shared takes none, in any context.
 *
 * The counts of private pages are hints: firmware changes entries too, and two
 * flips of one page can count twice. They say when it is worth to look; the RMP
 * decides.
 *
 * Off where CPA runs without its lock (debug_pagealloc, where nothing is mapped
 * large anyhow), and with SNP: upstream's set_memory_4k() serves then.
 *
 * Whose pages become private and shared again and again, a guest for one, would have
 * the TLBs of all CPUs flushed for it each time. So a region that is split again and
 * again rests before it is merged again, each time twice as long.
 *
 * Callers: rmp_repair.c (RMPUPDATE, PSMASH, the flip in the fault handler). This
 * file is included by set_memory.c, since cpa_lock is static there.
 */
#ifdef CONFIG_SNP_PAGE_STATE

#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kfence.h>
#include <linux/kprobes.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/workqueue.h>

#include <asm/dmap_rmp.h>
#include <asm/rmp_count.h>
#include <asm/rmp_fault.h>
#include <trace/events/rmp.h>

/* Bounds the time under cpa_lock, and the tables taken at once. */
#define DMAP_RUN_MAX	512
#define DMAP_BATCH	32
/* How far a split goes ahead, see dmap_window(). */
#define DMAP_AHEAD_NEAR	16
#define DMAP_AHEAD_FAR	256
#define DMAP_DENSE	(PTRS_PER_PUD * PTRS_PER_PMD / 8)
#define DMAP_DELAY	HZ
#define DMAP_DELAY_MAX	(64 * HZ)
/* What was split ahead is left alone while its 1G area is being converted. */
#define DMAP_QUIET	(5 * HZ)
/*
 * A region that is split for the fourth time of late stays so for 8 s, for the fifth time
 * twice as long, and so on. What was not split for DMAP_REST_MAX is forgotten.
 */
#define DMAP_RESTLESS	3
#define DMAP_RESTS	9
#define DMAP_REST_MAX	(HZ << DMAP_RESTS)
/* In dmap_region.users: a merge is at work, nobody else may begin. */
#define DMAP_MERGING	(INT_MIN / 2)

struct dmap_region {
	pte_t *table;		/* ours, installed or deposited; under dmap_mutex */
	atomic_t users;		/* between begin and end */
	atomic_t private;	/* 4K pages, a hint */
	u32 when;		/* jiffies: last split; this and the next under dmap_mutex */
	u32 splits;		/* so many of late */
};

struct dmap_gig {
	atomic_t private;
	unsigned long when;	/* jiffies: last conversion to private */
	pmd_t *table;		/* on its way into the page tables */
};

static struct dmap_region *dmap_regions __ro_after_init;
static struct dmap_gig *dmap_gigs __ro_after_init;
static unsigned long dmap_nr __ro_after_init;

/* Known to be 4K-mapped, and flushed since: conversion need not look. */
static unsigned long *dmap_small __ro_after_init;
/* Split ahead, and not converted since. */
static unsigned long *dmap_ahead __ro_after_init;
/* Not online: its direct map may go at any time, and with it what was installed there. */
static unsigned long *dmap_gone __ro_after_init;

static DEFINE_MUTEX(dmap_mutex);

/* Counters, under dmap_mutex */
static unsigned long dmap_splits, dmap_splits_1g, dmap_merges, dmap_flushes;
static unsigned long dmap_tables, dmap_deposited;
static unsigned long dmap_results[RMP_DMAP_ATTRS + 1];

static unsigned long dmap_index(u64 pfn)
{
	return pfn / PTRS_PER_PTE;
}

static u64 dmap_pfn(unsigned long i)
{
	return (u64)i * PTRS_PER_PTE;
}

static unsigned long dmap_va(unsigned long i)
{
	return (unsigned long)__va(PFN_PHYS(dmap_pfn(i)));
}

static struct dmap_gig *dmap_gig(unsigned long i)
{
	return &dmap_gigs[i / PTRS_PER_PMD];
}

static pud_t *dmap_pud(unsigned long va)
{
	pgd_t *pgd = pgd_offset_k(va);
	p4d_t *p4d;

	if (pgd_none(*pgd))
		return NULL;

	p4d = p4d_offset(pgd, va);
	if (!p4d_present(*p4d) || p4d_leaf(*p4d))
		return NULL;

	return pud_offset(p4d, va);
}

/* The region's entry if our table is in it. */
static pmd_t *dmap_installed(unsigned long i)
{
	pte_t *table = READ_ONCE(dmap_regions[i].table);
	pmd_t *pmdp = lookup_pmd_address(dmap_va(i));
	pmd_t pmd;

	if (!table || !pmdp)
		return NULL;

	pmd = READ_ONCE(*pmdp);
	if (!pmd_present(pmd) || pmd_leaf(pmd) || pmd_page_vaddr(pmd) != (unsigned long)table)
		return NULL;

	return pmdp;
}

/* ---- split ----------------------------------------------------------------- */

/*
 * How the direct map maps region @i: the present 2M entry, or what a 1G entry
 * means for it, in @leaf. Returns PG_LEVEL_NONE if nothing present is there.
 */
static enum pg_level dmap_look(unsigned long i, pmd_t *leaf)
{
	unsigned long va = dmap_va(i);
	pud_t *pudp = dmap_pud(va), pud;

	if (!pudp)
		return PG_LEVEL_NONE;

	pud = READ_ONCE(*pudp);
	if (!pud_present(pud))
		return PG_LEVEL_NONE;

	if (pud_leaf(pud)) {
		*leaf = pfn_pmd(pud_pfn(pud) + pmd_index(va) * PTRS_PER_PTE, pud_pgprot(pud));
		return PG_LEVEL_1G;
	}

	*leaf = READ_ONCE(*pmd_offset(&pud, va));
	if (!pmd_present(*leaf))
		return PG_LEVEL_NONE;

	return pmd_leaf(*leaf) ? PG_LEVEL_2M : PG_LEVEL_4K;
}

/* Pages as CPA takes them for the same purpose. */
static void *dmap_new_table(gfp_t gfp)
{
	void *table = (void *)__get_free_page(gfp);

	if (table)
		dmap_tables++;
	return table;
}

/*
 * Have a filled table ready for region @i. With @ahead only if it can be merged
 * again, is no 2M private page, and is online. Returns 1 if it is to be installed (or the
 * region is 4K-mapped already), 0 if not, or -ENOMEM.
 */
static int dmap_prepare(unsigned long i, bool ahead, gfp_t gfp)
{
	struct dmap_region *r = &dmap_regions[i];
	struct dmap_gig *gig = dmap_gig(i);
	enum pg_level level;
	pmd_t leaf;

	level = dmap_look(i, &leaf);
	if (level == PG_LEVEL_NONE)
		return 0;
	if (level == PG_LEVEL_4K)
		return 1;
	if (ahead && (!rmp_dmap_plain(leaf) || atomic_read(&r->private) || test_bit(i, dmap_gone)))
		return 0;

	if (level == PG_LEVEL_1G && !gig->table)
		gig->table = dmap_new_table(gfp);
	if (level == PG_LEVEL_1G && !gig->table)
		return -ENOMEM;

	if (!r->table) {
		r->table = dmap_new_table(gfp);
		if (!r->table)
			return -ENOMEM;
		dmap_deposited++;
	}

	rmp_dmap_fill_ptes(r->table, leaf);
	return 1;
}

/*
 * Other writers of a live entry remain even under cpa_lock, the processor's A and
 * D bits for one, hence cmpxchg: what is installed is what was there.
 */
static void dmap_install_pmds(unsigned long i, pud_t *pudp)
{
	struct dmap_gig *gig = dmap_gig(i);
	pudval_t new = __pa(gig->table) | _KERNPG_TABLE;
	pud_t pud;

	do {
		pud = READ_ONCE(*pudp);
		rmp_dmap_fill_pmds(gig->table, pud);
	} while (cmpxchg(&pudp->pud, pud_val(pud), new) != pud_val(pud));

	gig->table = NULL;
	split_page_count(PG_LEVEL_1G);
	dmap_splits_1g++;
}

/* How long after its last split the region is left alone, in jiffies */
static u32 dmap_rest(struct dmap_region *r)
{
	u32 splits = READ_ONCE(r->splits);

	return splits <= DMAP_RESTLESS ? 0 : HZ << (splits - 1);
}

static void dmap_count_split(struct dmap_region *r)
{
	u32 now = jiffies, n = now - r->when < DMAP_REST_MAX ? r->splits : 0;

	WRITE_ONCE(r->splits, min(n + 1, DMAP_RESTS + 1));
	WRITE_ONCE(r->when, now);
}

/* Returns true if the table of region @i went into the page tables. */
static bool dmap_install(unsigned long i)
{
	struct dmap_region *r = &dmap_regions[i];
	unsigned long va = dmap_va(i);
	pud_t *pudp = dmap_pud(va);
	pmdval_t new;
	pmd_t *pmdp;
	pmd_t pmd;

	lockdep_assert_held(&dmap_mutex);
	lockdep_assert_held(&cpa_lock);
	lockdep_assert_held(&pgd_lock);

	if (!pudp || !pud_present(*pudp))
		return false;
	if (pud_leaf(*pudp)) {
		if (!dmap_gig(i)->table)
			return false;
		dmap_install_pmds(i, pudp);
	}

	pmdp = pmd_offset(pudp, va);
	new = __pa(r->table) | _KERNPG_TABLE;
	do {
		pmd = READ_ONCE(*pmdp);
		if (!pmd_present(pmd) || !pmd_leaf(pmd) || !r->table)
			return false;
		if (!rmp_dmap_filled(r->table, pmd))
			rmp_dmap_fill_ptes(r->table, pmd);
	} while (cmpxchg(&pmdp->pmd, pmd_val(pmd), new) != pmd_val(pmd));

	split_page_count(PG_LEVEL_2M);
	dmap_count_split(r);
	dmap_splits++;
	dmap_deposited--;
	return true;
}

/*
 * Split regions [@first, @first + @n), of which @must is needed now and the others
 * are taken along; all are needed if @must is none of them. All tables are filled
 * first, then installed, then there is one flush.
 */
static int dmap_split_run(unsigned long first, unsigned long n, unsigned long must)
{
	bool all = must - first >= n;
	DECLARE_BITMAP(todo, DMAP_RUN_MAX);
	unsigned long k, done = 0;
	int ret;

	lockdep_assert_held(&dmap_mutex);

	bitmap_zero(todo, DMAP_RUN_MAX);
	if (!all) {
		ret = dmap_prepare(must, false, GFP_KERNEL);
		if (ret < 0)
			return ret;
		__assign_bit(must - first, todo, ret);
	}

	for (k = 0; k < n; k++) {
		if (first + k == must || test_bit(first + k, dmap_small))
			continue;

		ret = dmap_prepare(first + k, !all, all ? GFP_KERNEL :
				   GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
		if (ret < 0 && all)
			return ret;
		if (ret < 0)
			break;
		__assign_bit(k, todo, ret);
		cond_resched();
	}

	spin_lock(&cpa_lock);
	spin_lock(&pgd_lock);
	for_each_set_bit(k, todo, n) {
		if (dmap_install(first + k)) {
			done++;
			if (first + k != must)
				set_bit(first + k, dmap_ahead);
		}
	}
	spin_unlock(&pgd_lock);
	if (done) {
		flush_tlb_all();
		dmap_flushes++;
	}
	spin_unlock(&cpa_lock);

	/* Pairs with test_bit_acquire() in rmp_dmap_begin(): split, flushed, then seen. */
	smp_mb__before_atomic();
	for_each_set_bit(k, todo, n) {
		enum pg_level level;
		pmd_t leaf;

		level = dmap_look(first + k, &leaf);
		if (level == PG_LEVEL_4K)
			set_bit(first + k, dmap_small);
	}

	rmp_count_add(RMP_COUNT_DMAP_SPLIT, done);
	trace_rmp_dmap_split(dmap_pfn(all ? first : must), dmap_pfn(first), n, done);
	return 0;
}

/*
 * How far to go ahead of the split of region @i. One region alone, if it stands
 * alone; 32M around it, if a neighbour holds private pages; half a gigabyte, if
 * sixteen in a row do or the gigabyte is an eighth private. So converting 1 GiB
 * page by page takes at most seven flushes however it is aligned, and a stray
 * page costs one split.
 */
static unsigned long dmap_window(unsigned long i)
{
	unsigned long up, down;

	if (atomic_read(&dmap_gig(i)->private) >= DMAP_DENSE)
		return DMAP_AHEAD_FAR;

	for (up = 0; up < DMAP_AHEAD_NEAR && i + up + 1 < dmap_nr; up++)
		if (!atomic_read(&dmap_regions[i + up + 1].private))
			break;
	for (down = 0; down < DMAP_AHEAD_NEAR && down < i; down++)
		if (!atomic_read(&dmap_regions[i - down - 1].private))
			break;

	if (up == DMAP_AHEAD_NEAR || down == DMAP_AHEAD_NEAR)
		return DMAP_AHEAD_FAR;
	return up || down ? DMAP_AHEAD_NEAR : 1;
}

static void dmap_kick(void);

static int dmap_split_for(unsigned long i)
{
	unsigned long n = dmap_window(i);
	unsigned long first = round_down(i, n);
	int ret;

	ret = dmap_split_run(first, min(n, dmap_nr - first), i);
	/* What is not needed after all is merged when the conversion has passed. */
	if (!ret && n > 1)
		dmap_kick();
	return ret;
}

/**
 * rmp_dmap_tracks() - does this page's 2M region have a splitter?
 * @pfn: page frame, need not be RAM
 *
 * Context: any, NMI included.
 * Return: false with SNP off, under debug_pagealloc, and for memory that was
 * added after boot: set_memory_4k() is to be used there, as upstream does.
 */
bool __kprobes rmp_dmap_tracks(u64 pfn)
{
	return dmap_regions && dmap_index(pfn) < dmap_nr;
}

/**
 * rmp_dmap_begin() - an RMP entry of this size is about to be assigned
 * @pfn: page frame for which rmp_dmap_tracks() holds
 * @level: size of the entry to be, PG_LEVEL_4K or PG_LEVEL_2M
 *
 * For 4K the region is 4K-mapped from now until rmp_dmap_end(), and from there on
 * as long as an entry of it is assigned. For 2M nothing is split; the region is kept
 * from being merged meanwhile. A region which the direct map does not map is
 * left so.
 *
 * Context: process context, may sleep; takes dmap_mutex unless the region is
 * 4K-mapped already.
 * Return: 0, to be followed by rmp_dmap_end(), or -ENOMEM.
 */
int rmp_dmap_begin(u64 pfn, enum pg_level level)
{
	unsigned long i = dmap_index(pfn);
	struct dmap_region *r = &dmap_regions[i];
	unsigned long now = jiffies;
	bool merging;
	int ret = 0;

	if (READ_ONCE(dmap_gig(i)->when) != now)
		WRITE_ONCE(dmap_gig(i)->when, now);
	if (test_bit(i, dmap_ahead))
		clear_bit(i, dmap_ahead);

	/*
	 * Against the cmpxchg in dmap_merge_one(): one of the two comes first.
	 * If this does, there is no merge; else its result is waited for.
	 */
	merging = atomic_inc_return(&r->users) < 0;
	if (!merging && (level == PG_LEVEL_2M || test_bit_acquire(i, dmap_small)))
		return 0;

	mutex_lock(&dmap_mutex);
	if (level == PG_LEVEL_4K && !test_bit(i, dmap_small))
		ret = dmap_split_for(i);
	mutex_unlock(&dmap_mutex);

	if (ret)
		atomic_dec(&r->users);
	return ret;
}

/**
 * rmp_dmap_end() - the RMP entry is what it is going to be
 * @pfn: page frame of rmp_dmap_begin()
 *
 * Context: any.
 */
void rmp_dmap_end(u64 pfn)
{
	/* The RMP entry is written before a merge may look at it. */
	smp_mb__before_atomic();
	atomic_dec(&dmap_regions[dmap_index(pfn)].users);
}

/**
 * rmp_dmap_split() - split a range ahead of its conversion
 * @pfn: first page frame
 * @npages: number of pages, each of which will get a 4K entry
 *
 * One flush of all TLBs per GiB. It saves flushes and is no promise: a region that
 * stays without private pages is merged again, and the conversion of a page
 * splits by itself where that is needed.
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOMEM: a part of it may have been split.
 */
int rmp_dmap_split(u64 pfn, u64 npages)
{
	unsigned long i, end;
	int ret = 0;

	if (!npages || !rmp_dmap_tracks(pfn) || !rmp_dmap_tracks(pfn + npages - 1))
		return 0;

	end = dmap_index(pfn + npages - 1) + 1;
	for (i = dmap_index(pfn); !ret && i < end; i += DMAP_RUN_MAX) {
		mutex_lock(&dmap_mutex);
		WRITE_ONCE(dmap_gig(i)->when, jiffies);
		WRITE_ONCE(dmap_gig(min(i + DMAP_RUN_MAX, end) - 1)->when, jiffies);
		ret = dmap_split_run(i, min(end - i, DMAP_RUN_MAX), ULONG_MAX);
		mutex_unlock(&dmap_mutex);
	}

	dmap_kick();
	return ret;
}
EXPORT_SYMBOL_GPL(rmp_dmap_split);

/* ---- merge ----------------------------------------------------------------- */

/* Pages of the pool may be 4K-mapped without CPA's help, if it was made late. */
static bool dmap_has_kfence(unsigned long i)
{
	unsigned long va = dmap_va(i), end = va + PMD_SIZE;

	for (; va < end; va += PAGE_SIZE)
		if (is_kfence_address((void *)va))
			return true;
	return false;
}

/* The region has no user, and gets none. */
static enum rmp_dmap_result dmap_merge_idle(unsigned long i)
{
	struct dmap_region *r = &dmap_regions[i];
	pmd_t *pmdp = dmap_installed(i);
	pmd_t leaf;
	int hint;

	if (rmp_region_assigned(dmap_pfn(i)))
		return RMP_DMAP_PRIVATE;
	if (!pmdp || dmap_has_kfence(i) || !rmp_dmap_collapse(r->table, dmap_pfn(i), &leaf))
		return RMP_DMAP_ATTRS;

	spin_lock(&pgd_lock);
	set_pmd(pmdp, leaf);
	spin_unlock(&pgd_lock);
	clear_bit(i, dmap_small);
	clear_bit(i, dmap_ahead);
	update_page_count(PG_LEVEL_2M, 1);
	update_page_count(PG_LEVEL_4K, -PTRS_PER_PTE);

	hint = atomic_xchg(&r->private, 0);
	atomic_sub(hint, &dmap_gig(i)->private);

	dmap_merges++;
	dmap_deposited++;
	return RMP_DMAP_MERGED;
}

static enum rmp_dmap_result dmap_merge_one(unsigned long i)
{
	struct dmap_region *r = &dmap_regions[i];
	enum rmp_dmap_result result = RMP_DMAP_BUSY;

	lockdep_assert_held(&dmap_mutex);
	lockdep_assert_held(&cpa_lock);

	if (!atomic_cmpxchg(&r->users, 0, DMAP_MERGING)) {
		result = dmap_merge_idle(i);
		/* Who came meanwhile waits for dmap_mutex. */
		atomic_sub_return(DMAP_MERGING, &r->users);
	}

	dmap_results[result]++;
	rmp_count_add(RMP_COUNT_DMAP_MERGE + result, 1);
	trace_rmp_dmap_merge(dmap_pfn(i), result);
	return result;
}

/*
 * The deposited tables may still be walked until the flush, so nobody may take
 * them before: dmap_mutex. Returns true if a later attempt may do better.
 */
static bool dmap_merge_batch(const unsigned long *batch, unsigned int n)
{
	bool later = false, merged = false;
	enum rmp_dmap_result result;
	unsigned int k;

	if (!n)
		return false;

	mutex_lock(&dmap_mutex);
	spin_lock(&cpa_lock);
	for (k = 0; k < n; k++) {
		result = dmap_merge_one(batch[k]);
		merged |= result == RMP_DMAP_MERGED;
		later |= result == RMP_DMAP_BUSY || result == RMP_DMAP_ATTRS;
	}
	if (merged) {
		flush_tlb_all();
		dmap_flushes++;
	}
	spin_unlock(&cpa_lock);
	mutex_unlock(&dmap_mutex);
	return later;
}

/* Is it worth to take the locks? Without any, so the answer may be old. */
static bool dmap_candidate(unsigned long i, bool force, bool *later)
{
	struct dmap_region *r = &dmap_regions[i];
	pmd_t leaf;

	if (!dmap_installed(i) || rmp_region_assigned(dmap_pfn(i)))
		return false;

	if ((!force && test_bit(i, dmap_ahead) &&
	     time_before(jiffies, READ_ONCE(dmap_gig(i)->when) + DMAP_QUIET)) ||
	    (!force && (u32)jiffies - READ_ONCE(r->when) < dmap_rest(r)) ||
	    atomic_read(&r->users) ||
	    !rmp_dmap_collapse(READ_ONCE(r->table), dmap_pfn(i), &leaf)) {
		*later = true;
		return false;
	}
	return true;
}

/*
 * All that we split. A private region costs a few loads, as its first entry is
 * mostly assigned. With @force also what was split ahead a moment ago, or rests. Returns
 * true if a later sweep may merge more without anybody becoming shared.
 */
static bool dmap_sweep(bool force)
{
	unsigned long i, batch[DMAP_BATCH];
	unsigned int n = 0;
	bool later = false;

	get_online_mems();
	for_each_set_bit(i, dmap_small, dmap_nr) {
		if (dmap_candidate(i, force, &later))
			batch[n++] = i;
		if (n == DMAP_BATCH) {
			later |= dmap_merge_batch(batch, n);
			n = 0;
		}
		cond_resched();
	}
	later |= dmap_merge_batch(batch, n);
	put_online_mems();
	return later;
}

static void dmap_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(dmap_work, dmap_work_fn);
static unsigned long dmap_delay = DMAP_DELAY;
static int dmap_kicked;

/* Attributes that someone took away may stay away for long: ever more rarely. */
static void dmap_work_fn(struct work_struct *work)
{
	unsigned long delay;

	/* Before looking, so that what becomes shared now is looked at again. */
	xchg(&dmap_kicked, 0);
	if (!dmap_sweep(false))
		return;

	delay = READ_ONCE(dmap_delay);
	WRITE_ONCE(dmap_delay, min(2 * delay, DMAP_DELAY_MAX));
	queue_delayed_work(system_freezable_wq, &dmap_work, delay);
}

static void dmap_kick_irq(struct irq_work *work)
{
	if (xchg(&dmap_kicked, 1))
		return;

	WRITE_ONCE(dmap_delay, DMAP_DELAY);
	mod_delayed_work(system_freezable_wq, &dmap_work, DMAP_DELAY);
}

static DEFINE_IRQ_WORK(dmap_irq_work, dmap_kick_irq);

/* Any context; the work queue would not do in NMI. */
static void __kprobes dmap_kick(void)
{
	if (!READ_ONCE(dmap_kicked))
		irq_work_queue(&dmap_irq_work);
}

/**
 * rmp_dmap_count() - count pages of one region that become private or shared
 * @pfn: page frame, the region's first for 2M
 * @pages: 1 or 512 become private; negative: shared
 *
 * A hint, see above.
 *
 * Context: any, NMI included.
 */
void __kprobes rmp_dmap_count(u64 pfn, int pages)
{
	unsigned long i = dmap_index(pfn);
	int old, new;

	if (!rmp_dmap_tracks(pfn))
		return;

	/* Two flips of one page are both counted; at least it can't get below none. */
	old = atomic_read(&dmap_regions[i].private);
	do {
		new = max(old + pages, 0);
	} while (!atomic_try_cmpxchg(&dmap_regions[i].private, &old, new));
	atomic_add(new - old, &dmap_gig(i)->private);
}

/**
 * rmp_dmap_shared() - the RMP has given a page back to the host
 * @pfn: page frame, already counted
 *
 * If that was the region's last one, it will be merged in the background.
 *
 * Context: any, NMI included.
 */
void __kprobes rmp_dmap_shared(u64 pfn)
{
	unsigned long i = dmap_index(pfn);

	if (rmp_dmap_tracks(pfn) && !atomic_read(&dmap_regions[i].private) &&
	    test_bit(i, dmap_small))
		dmap_kick();
}

/* ---- memory hotplug ---------------------------------------------------------- */

/*
 * Private pages can't be moved, but some look as if they could: those of a process are
 * on the LRU lists, and pinned. Stock code would try to migrate them until a signal
 * comes. What becomes private after this look is like any other pinned page.
 */
static int dmap_going_offline(const struct memory_notify *mem)
{
	unsigned long pfn, end = mem->start_pfn + mem->nr_pages;

	for (pfn = mem->start_pfn; pfn < end; pfn += PTRS_PER_PTE)
		if (rmp_region_assigned(pfn))
			return -EBUSY;
	return 0;
}

/*
 * Nothing is private, nobody uses these pages any more. Removal frees the direct map's
 * tables: ours come out of it by merging; what can't be merged is given away.
 */
static void dmap_offline(const struct memory_notify *mem)
{
	unsigned long i, first = dmap_index(mem->start_pfn), batch[DMAP_BATCH];
	unsigned long end = min(dmap_nr, dmap_index(mem->start_pfn + mem->nr_pages - 1) + 1);
	unsigned int n = 0;

	for (i = first; i < end; i++) {
		if (dmap_installed(i))
			batch[n++] = i;
		if (n == DMAP_BATCH) {
			dmap_merge_batch(batch, n);
			n = 0;
		}
	}
	dmap_merge_batch(batch, n);

	mutex_lock(&dmap_mutex);
	for (i = first; i < end; i++) {
		if (dmap_installed(i)) {
			dmap_regions[i].table = NULL;
			dmap_tables--;
		}
		clear_bit(i, dmap_small);
		clear_bit(i, dmap_ahead);
		set_bit(i, dmap_gone);
	}
	mutex_unlock(&dmap_mutex);
}

static void dmap_online(const struct memory_notify *mem)
{
	unsigned long first = dmap_index(mem->start_pfn);
	unsigned long end = min(dmap_nr, dmap_index(mem->start_pfn + mem->nr_pages - 1) + 1);

	mutex_lock(&dmap_mutex);
	if (first < end)
		bitmap_clear(dmap_gone, first, end - first);
	mutex_unlock(&dmap_mutex);
}

static int dmap_memory_event(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case MEM_GOING_OFFLINE:
		return notifier_from_errno(dmap_going_offline(data));
	case MEM_OFFLINE:
		if (dmap_regions)
			dmap_offline(data);
		return NOTIFY_OK;
	case MEM_ONLINE:
		if (dmap_regions)
			dmap_online(data);
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

/* ---- debugfs rmp_dmap/ ------------------------------------------------------- */

static const char *dmap_state __ro_after_init;

static int dmap_state_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%s\n", dmap_state);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dmap_state);

/* Lines "<first pfn> <private 4K pages>" of those that have any. */
static int dmap_private_2m_show(struct seq_file *m, void *unused)
{
	unsigned long i;
	int n;

	for (i = 0; i < dmap_nr; i++) {
		n = atomic_read(&dmap_regions[i].private);
		if (n > 0)
			seq_printf(m, "0x%llx %d\n", dmap_pfn(i), n);
		cond_resched();
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dmap_private_2m);

static int dmap_private_1g_show(struct seq_file *m, void *unused)
{
	unsigned long i;
	int n;

	for (i = 0; i < dmap_nr; i += PTRS_PER_PMD) {
		n = atomic_read(&dmap_gig(i)->private);
		if (n > 0)
			seq_printf(m, "0x%llx %d\n", dmap_pfn(i), n);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dmap_private_1g);

/* Any write: merge now what can be, returns when done; past splits are forgotten. */
static ssize_t dmap_merge_write(struct file *file, const char __user *buf, size_t len,
				loff_t *ppos)
{
	unsigned long i;

	mutex_lock(&dmap_mutex);
	for (i = 0; i < dmap_nr; i++)
		WRITE_ONCE(dmap_regions[i].splits, 0);
	mutex_unlock(&dmap_mutex);
	dmap_sweep(true);
	return len;
}

static const struct file_operations dmap_merge_fops = {
	.open = simple_open,
	.write = dmap_merge_write,
};

static void __init dmap_debugfs(void)
{
	struct dentry *dir = debugfs_create_dir("rmp_dmap", NULL);

	debugfs_create_file("state", 0444, dir, NULL, &dmap_state_fops);
	if (!dmap_regions)
		return;

	debugfs_create_file("private_2m", 0444, dir, NULL, &dmap_private_2m_fops);
	debugfs_create_file("private_1g", 0444, dir, NULL, &dmap_private_1g_fops);
	debugfs_create_file("merge", 0200, dir, NULL, &dmap_merge_fops);
	debugfs_create_ulong("splits", 0444, dir, &dmap_splits);
	debugfs_create_ulong("splits_1g", 0444, dir, &dmap_splits_1g);
	debugfs_create_ulong("merges", 0444, dir, &dmap_merges);
	debugfs_create_ulong("merge_private", 0444, dir, &dmap_results[RMP_DMAP_PRIVATE]);
	debugfs_create_ulong("merge_busy", 0444, dir, &dmap_results[RMP_DMAP_BUSY]);
	debugfs_create_ulong("merge_attrs", 0444, dir, &dmap_results[RMP_DMAP_ATTRS]);
	debugfs_create_ulong("flushes", 0444, dir, &dmap_flushes);
	debugfs_create_ulong("tables", 0444, dir, &dmap_tables);
	debugfs_create_ulong("tables_deposited", 0444, dir, &dmap_deposited);
}

static int __init dmap_alloc(unsigned long nr)
{
	struct dmap_region *regions = kvcalloc(nr, sizeof(*regions), GFP_KERNEL);
	unsigned long i;

	dmap_small = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	dmap_ahead = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	dmap_gone = kvcalloc(BITS_TO_LONGS(nr), sizeof(long), GFP_KERNEL);
	dmap_gigs = kvcalloc(DIV_ROUND_UP(nr, PTRS_PER_PMD), sizeof(*dmap_gigs), GFP_KERNEL);
	if (!regions || !dmap_small || !dmap_ahead || !dmap_gone || !dmap_gigs) {
		kvfree(regions);
		kvfree(dmap_small);
		kvfree(dmap_ahead);
		kvfree(dmap_gone);
		kvfree(dmap_gigs);
		return -ENOMEM;
	}

	for (i = 0; i < nr; i++)
		if (!pfn_to_online_page(dmap_pfn(i)))
			set_bit(i, dmap_gone);

	dmap_nr = nr;
	dmap_regions = regions;
	return 0;
}

/* Before the drivers, ccp and KVM, convert their first page. */
static int __init dmap_init(void)
{
	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return 0;

	if (debug_pagealloc_enabled()) {
		dmap_state = "off: debug_pagealloc";
	} else if (dmap_alloc(dmap_index(max_pfn - 1) + 1)) {
		dmap_state = "off: no memory";
		pr_warn("direct map: no memory for the RMP's splitter, private pages leave it split\n");
	} else {
		dmap_state = "on";
	}

	hotplug_memory_notifier(dmap_memory_event, DEFAULT_CALLBACK_PRI);
	dmap_debugfs();
	return 0;
}
device_initcall(dmap_init);

#endif /* CONFIG_SNP_PAGE_STATE */
