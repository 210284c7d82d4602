// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMP for those who can't wait: raw entries, and an RMPUPDATE that is
 * bounded and silent. sev.c:rmpupdate() splits the direct map, repeats without
 * bound and prints, so it must not run in a fault handler; snp_lookup_rmpentry()
 * warns beyond the end of the table and hides owner and kind of an entry.
 *
 * Invariant: nothing here sleeps, allocates, prints or takes a lock, except
 * rmp_psmash_split(), which says so. That one keeps the rule the fault handler
 * lives by: a 2M region with any 4K-sized assigned entry is 4K-mapped in the
 * direct map.
 *
 * Callers: the host #PF handler (arch/x86/mm/rmp_fault.c), and hooks in sev.c.
 * This file is included by sev.c, whose table is static to it.
 */
#ifdef CONFIG_SNP_PAGE_STATE

#include <linux/kprobes.h>
#include <trace/events/rmp.h>

/*
 * RMPUPDATE fails with FAIL_OVERLAP while another CPU changes the same 2M
 * region, which takes one instruction; the fault handler comes back anyway.
 */
#define RMP_OVERLAP_TRIES	32

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
	int tries = RMP_OVERLAP_TRIES;
	int ret;

	do {
		/* Binutils version 2.36 supports the RMPUPDATE mnemonic. */
		asm volatile(".byte 0xF2, 0x0F, 0x01, 0xFE"
			     : "=a" (ret)
			     : "a" (PFN_PHYS(pfn)), "c" (&state)
			     : "memory", "cc");
		if (ret != RMPUPDATE_FAIL_OVERLAP)
			break;
		cpu_relax();
	} while (--tries);

	trace_rmp_update(pfn, &state, ret);
	return ret;
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
	trace_rmp_update(pfn, state, ret);
}

/**
 * rmp_psmash_split() - PSMASH is about to make 4K entries of a 2M entry
 * @pfn: first page frame of the 2M entry
 *
 * From now on a 4K page of the region can change its state alone, and a host
 * write through a 2M mapping would fault where no repair of one page helps. So
 * the direct map is split first, here, where sleeping is allowed.
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOMEM: the mapping is still large, do not PSMASH.
 */
int rmp_psmash_split(u64 pfn)
{
	return adjust_direct_map(pfn, PG_LEVEL_4K) ? -ENOMEM : 0;
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
	trace_rmp_psmash(pfn, ret);
}

#endif /* CONFIG_SNP_PAGE_STATE */
