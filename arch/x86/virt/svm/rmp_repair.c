// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMP for those who can't wait: raw entries, and an RMPUPDATE that is
 * bounded and silent. sev.c:rmpupdate() splits the direct map, repeats without
 * bound and prints, so it must not run in a fault handler; snp_lookup_rmpentry()
 * warns beyond the end of the table and hides owner and kind of an entry.
 *
 * Invariant: nothing here sleeps, allocates, prints or takes a lock, except
 * rmp_update_begin() and rmp_psmash_split(), which say so. Those two keep the rule
 * the fault handler lives by: a 2M region with any 4K-sized assigned entry is
 * 4K-mapped in the direct map (arch/x86/mm/pat/dmap_rmp.c).
 *
 * Callers: the host #PF handler (arch/x86/mm/rmp_fault.c), KVM's conversions in
 * place (arch/x86/kvm/svm/snp_convert.c), and hooks in sev.c.
 * This file is included by sev.c, whose table is static to it.
 */
#ifdef CONFIG_SNP_PAGE_STATE

#include <linux/kprobes.h>
#include <asm/dmap_rmp.h>
#include <asm/rmp_count.h>
#include <trace/events/rmp.h>

/*
 * RMPUPDATE fails with FAIL_OVERLAP while another CPU changes the same 2M
 * region, which takes one instruction; the fault handler comes back anyway.
 */
#define RMP_OVERLAP_TRIES	32
/*
 * FAIL_INUSE lasts until the vCPU that runs on the page exits, and a guest chooses
 * where its VMSAs are. With the tries of the fault handler this is some seconds:
 * hundreds of timer ticks, each of which ends in an exit.
 */
#define RMP_INUSE_TRIES		512

DEFINE_STATIC_CALL_NULL(rmp_assigned, rmp_assigned_fn);

static int rmp_level_pages(enum pg_level level)
{
	return page_level_size(level) / PAGE_SIZE;
}

static bool __kprobes rmp_read_raw(u64 pfn, struct rmpentry *e)
{
	if (!rmptable || pfn > rmptable_max_pfn)
		return false;

	e->lo = READ_ONCE(rmptable[pfn].lo);
	e->hi = READ_ONCE(rmptable[pfn].hi);
	return true;
}

/**
 * rmp_view_page() - read the RMP entry that decides about a page
 * @pfn: page frame, need not be RAM
 * @v: filled in
 *
 * Inside an assigned 2M entry that entry decides (APM vol. 2, 15.36.3). The
 * answer may be old when it arrives: RMPUPDATE is the arbiter.
 *
 * Context: any, NMI included.
 * Return: false if the RMP does not cover @pfn or is not in use.
 */
bool __kprobes rmp_view_page(u64 pfn, struct rmp_view *v)
{
	u64 base = pfn & PFN_PMD_MASK;
	struct rmpentry e, large;

	if (!rmp_read_raw(pfn, &e) || !rmp_read_raw(base, &large))
		return false;

	v->level = PG_LEVEL_4K;
	v->gpa = (u64)e.gpa << PAGE_SHIFT;
	if (large.assigned && large.pagesize == RMP_PG_SIZE_2M) {
		e = large;
		v->level = PG_LEVEL_2M;
		v->gpa = ((u64)e.gpa << PAGE_SHIFT) + PFN_PHYS(pfn - base);
	}

	v->lo = e.lo;
	v->hi = e.hi;
	v->asid = e.asid;
	v->assigned = e.assigned;
	v->immutable = e.immutable;
	v->vmsa = e.vmsa;
	v->validated = e.validated;
	return true;
}
EXPORT_SYMBOL_GPL(rmp_view_page);

/**
 * rmp_region_assigned() - is any page of a 2M region assigned?
 * @pfn: any page frame in the region
 *
 * A host write through a mapping above 4K is checked against the whole 2M
 * region, also if the mapping is 1G (APM vol. 2, 15.36.10).
 *
 * Context: any, NMI included.
 * Return: true if at least one entry of the region is assigned.
 */
bool __kprobes rmp_region_assigned(u64 pfn)
{
	u64 base = pfn & PFN_PMD_MASK;
	struct rmpentry e;
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++)
		if (rmp_read_raw(base + i, &e) && e.assigned)
			return true;

	return false;
}
EXPORT_SYMBOL_GPL(rmp_region_assigned);

static bool __kprobes rmp_try_again(int ret, int tries)
{
	switch (ret) {
	case RMPUPDATE_FAIL_OVERLAP:
		return tries < RMP_OVERLAP_TRIES;
	case RMPUPDATE_FAIL_INUSE:
		return tries < RMP_INUSE_TRIES;
	default:
		return false;
	}
}

/* RMPUPDATE, bounded and silent. */
static int __kprobes rmp_update_raw(u64 pfn, struct rmp_state *state)
{
	int ret, tries = 0;

	do {
		/* Binutils version 2.36 supports the RMPUPDATE mnemonic. */
		asm volatile(".byte 0xF2, 0x0F, 0x01, 0xFE"
			     : "=a" (ret)
			     : "a" (PFN_PHYS(pfn)), "c" (state)
			     : "memory", "cc");
		cpu_relax();
	} while (rmp_try_again(ret, ++tries));

	return ret;
}

/**
 * rmp_flip_shared() - return a page to the host, from any context
 * @pfn: first page frame, aligned to @level
 * @level: PG_LEVEL_4K or PG_LEVEL_2M, the size of the entry
 *
 * The owner finds Validated cleared (APM vol. 3, RMPUPDATE). The direct map is
 * left as it is: to shared, no mapping is ever too large.
 *
 * Context: any, NMI included; bounded.
 * Return: 0, or the code with which RMPUPDATE failed.
 */
int __kprobes rmp_flip_shared(u64 pfn, enum pg_level level)
{
	struct rmp_state state = { .pagesize = PG_LEVEL_TO_RMP(level) };
	struct rmpentry e;
	bool assigned;
	int ret;

	assigned = rmp_read_raw(pfn, &e) && e.assigned;
	ret = rmp_update_raw(pfn, &state);
	if (!ret && assigned) {
		rmp_dmap_count(pfn, -rmp_level_pages(level));
		rmp_dmap_shared(pfn);
	}
	rmp_count_update(&state, ret);
	trace_rmp_update(pfn, &state, ret);
	return ret;
}
EXPORT_SYMBOL_GPL(rmp_flip_shared);

/* Count what RMPUPDATE is going to change, or did not change after all. */
static void rmp_count_change(u64 pfn, const struct rmp_state *state, bool done)
{
	int pages = rmp_level_pages(RMP_TO_PG_LEVEL(state->pagesize));
	struct rmpentry e;

	if (!rmp_read_raw(pfn, &e) || e.assigned == state->assigned)
		return;

	rmp_dmap_count(pfn, !!state->assigned == done ? pages : -pages);
}

/**
 * rmp_update_begin() - upstream's rmpupdate() is about to execute RMPUPDATE
 * @pfn: page frame
 * @state: what it asks for
 *
 * In the place of adjust_direct_map(), which still checks the arguments, and serves
 * where there is no splitter. A page that becomes shared needs no split.
 *
 * Context: process context, may sleep.
 * Return: 0, to be followed by rmp_updated(); -EINVAL: no such page; or -ENOMEM.
 */
static int rmp_update_begin(u64 pfn, const struct rmp_state *state)
{
	enum pg_level level = RMP_TO_PG_LEVEL(state->pagesize);
	int ret;

	if (!rmp_dmap_tracks(pfn))
		return adjust_direct_map(pfn, level);

	if (!state->assigned && level == PG_LEVEL_4K) {
		if (!pfn_valid(pfn))
			return -EINVAL;
	} else {
		ret = state->assigned ? rmp_dmap_begin(pfn, level) : 0;
		if (ret)
			return ret;
		ret = adjust_direct_map(pfn, level);
		if (ret) {
			if (state->assigned)
				rmp_dmap_end(pfn);
			return ret;
		}
	}

	rmp_count_change(pfn, state, true);
	return 0;
}

/**
 * rmp_updated() - upstream's rmpupdate() executed RMPUPDATE
 * @pfn: page frame
 * @state: what it asked for
 * @ret: what the instruction said
 *
 * Context: any.
 */
void rmp_updated(u64 pfn, const struct rmp_state *state, int ret)
{
	if (rmp_dmap_tracks(pfn)) {
		if (ret)
			rmp_count_change(pfn, state, false);
		if (state->assigned)
			rmp_dmap_end(pfn);
		else
			rmp_dmap_shared(pfn);
	}
	rmp_count_update(state, ret);
	trace_rmp_update(pfn, state, ret);
	if (!ret)
		rmp_fault_converted(pfn);
}

/**
 * rmp_split_direct_map() - make the direct map fit for an entry of this size
 * @pfn: first page frame, aligned to @level
 * @level: PG_LEVEL_4K or PG_LEVEL_2M
 *
 * Before rmp_assign_guest() of the same page and level. For PSMASH there is
 * rmp_psmash_split().
 *
 * Context: process context, may sleep.
 * Return: 0, to be followed by rmp_assign_guest(); -EINVAL: no such page; or -ENOMEM.
 */
int rmp_split_direct_map(u64 pfn, enum pg_level level)
{
	struct rmp_state state = { .assigned = 1, .pagesize = PG_LEVEL_TO_RMP(level) };

	return rmp_update_begin(pfn, &state);
}
EXPORT_SYMBOL_GPL(rmp_split_direct_map);

/**
 * rmp_assign_guest() - give a page to a guest, not validated
 * @pfn: first page frame, aligned to @level
 * @gpa: guest physical address, aligned alike
 * @level: PG_LEVEL_4K or PG_LEVEL_2M
 * @asid: the guest's
 * @immutable: for the firmware to measure (Pre-Guest, SEV-SNP firmware ABI)
 *
 * The caller has split the direct map, rmp_split_direct_map(), which this ends, and
 * excludes other owners of the page: hardware lets the last one win.
 *
 * Context: process context, may sleep; no folio lock held. Bounded.
 * Return: 0, or the code with which RMPUPDATE failed.
 */
int rmp_assign_guest(u64 pfn, u64 gpa, enum pg_level level, u32 asid, bool immutable)
{
	struct rmp_state state = {
		.gpa = gpa,
		.assigned = 1,
		.pagesize = PG_LEVEL_TO_RMP(level),
		.immutable = immutable,
		.asid = asid,
	};
	int ret = rmp_update_raw(pfn, &state);

	rmp_updated(pfn, &state, ret);
	if (!ret)
		static_call_cond(rmp_assigned)(pfn, &state);
	return ret;
}
EXPORT_SYMBOL_GPL(rmp_assign_guest);

/**
 * rmp_psmash_split() - PSMASH is about to make 4K entries of a 2M entry
 * @pfn: first page frame of the 2M entry
 *
 * From now on a 4K page of the region can change its state alone, and a host
 * write through a 2M mapping would fault where no repair of one page helps. So
 * the direct map is split first, here, where sleeping is allowed.
 *
 * Context: process context, may sleep.
 * Return: 0, to be followed by rmp_psmashed(); or -ENOMEM: the mapping is still
 * large, do not PSMASH.
 */
int rmp_psmash_split(u64 pfn)
{
	bool tracked = rmp_dmap_tracks(pfn);

	if (tracked && rmp_dmap_begin(pfn, PG_LEVEL_4K))
		return -ENOMEM;

	if (!adjust_direct_map(pfn, PG_LEVEL_4K))
		return 0;

	if (tracked)
		rmp_dmap_end(pfn);
	return -ENOMEM;
}

/**
 * rmp_psmashed() - upstream's psmash() executed PSMASH
 * @pfn: first page frame of the 2M entry
 * @ret: what the instruction said
 *
 * Context: any.
 */
void rmp_psmashed(u64 pfn, int ret)
{
	if (rmp_dmap_tracks(pfn))
		rmp_dmap_end(pfn);
	rmp_count_psmash(ret);
	trace_rmp_psmash(pfn, ret);
}

#else /* !CONFIG_SNP_PAGE_STATE */

static int rmp_update_begin(u64 pfn, const struct rmp_state *state)
{
	return adjust_direct_map(pfn, RMP_TO_PG_LEVEL(state->pagesize));
}

#endif /* CONFIG_SNP_PAGE_STATE */
