// SPDX-License-Identifier: GPL-2.0-only
/*
 * RMPUPDATE, PSMASH, PVALIDATE and RMPADJUST: each input, its architected result
 *
 * RMPUPDATE and PSMASH are the real opcodes, executed here. PVALIDATE and
 * RMPADJUST are guest instructions: their RMP half is called with what a nested
 * walk would have found. Each case starts from one 2M region, all shared, puts
 * one entry into it, acts, and compares the result, one entry and the direct
 * map's write permission; once with IRQs on and once off. Reading
 * /sys/kernel/debug/snp_insn_test/results runs them all and prints TAP; the
 * region is all shared again afterwards.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include <asm/sev.h>
#include <asm/snp_soft.h>

#include "results.h"

#define GPA	0x40000000ULL

enum op { NOTHING, RMPUPDATE, PSMASH, PVALIDATE, RMPADJUST };

/* What to find or to leave in the region; no @asid and no @fw: shared. */
struct entry {
	unsigned int page;
	bool large, immutable, validated, vmsa, busy, fw, fixed;
	u8 asid;
};

struct insn_case {
	const char *name, *source;
	struct entry before;
	enum op op;
	/* Operands: RMPUPDATE takes them all */
	unsigned int page;
	bool large, assigned, immutable, validate, beyond, reserved;
	u32 asid;
	s64 gpa_off;
	unsigned int vmpl;
	u64 rdx;
	/* Results */
	int want;
	bool no_change;		/* PVALIDATE's carry flag */
	struct entry after;
	bool write_ok;		/* at .after's page, by the direct map */
};

#define V3	"APM3 "
#define V2	"APM2 15.36."
#define ASID	3

static const struct insn_case cases[] = {
	/* RMPUPDATE: assigning */
	{ "rmpupdate_4k_private", V2 "5",
	  { }, RMPUPDATE, 5, .assigned = 1, .asid = ASID, .after = { 5, .asid = ASID } },
	{ "rmpupdate_2m_private", V2 "5",
	  { }, RMPUPDATE, 0, .large = 1, .assigned = 1, .asid = ASID,
	  .after = { 0, .large = 1, .asid = ASID } },
	{ "rmpupdate_2m_covers_its_last_page", V2 "3",
	  { }, RMPUPDATE, 0, .large = 1, .assigned = 1, .asid = ASID,
	  .after = { 511, .large = 1, .asid = ASID } },
	{ "rmpupdate_to_firmware", V2 "5",
	  { }, RMPUPDATE, 5, .assigned = 1, .immutable = 1,
	  .after = { 5, .fw = 1, .immutable = 1 } },
	{ "rmpupdate_clears_validated", V3 "RMPUPDATE",
	  { 5, .asid = ASID, .validated = 1 }, RMPUPDATE, 5, .assigned = 1, .asid = ASID,
	  .after = { 5, .asid = ASID } },
	{ "rmpupdate_clears_vmsa", V3 "RMPUPDATE",
	  { 5, .asid = ASID, .vmsa = 1 }, RMPUPDATE, 5, .assigned = 1, .asid = ASID,
	  .after = { 5, .asid = ASID } },
	/* and giving back */
	{ "rmpupdate_4k_shared", V2 "5",
	  { 5, .asid = ASID, .validated = 1 }, RMPUPDATE, 5, .after = { 5 }, .write_ok = 1 },
	{ "rmpupdate_2m_shared", V2 "5",
	  { 0, .large = 1, .asid = ASID, .validated = 1 }, RMPUPDATE, 0, .large = 1,
	  .after = { 511 }, .write_ok = 1 },
	{ "rmpupdate_shared_twice", V2 "5",
	  { }, RMPUPDATE, 5, .after = { 5 }, .write_ok = 1 },
	{ "rmpupdate_4k_after_2m_shared", V2 "5",
	  { }, RMPUPDATE, 511, .assigned = 1, .asid = ASID, .after = { 511, .asid = ASID } },
	/* FAIL_INPUT */
	{ "rmpupdate_2m_misaligned", V3 "RMPUPDATE",
	  { }, RMPUPDATE, 5, .large = 1, .assigned = 1, .asid = ASID, .want = SNP_SOFT_FAIL_INPUT,
	  .after = { 5 }, .write_ok = 1 },
	{ "rmpupdate_2m_gpa_misaligned", V3 "RMPUPDATE",
	  { }, RMPUPDATE, 0, .large = 1, .assigned = 1, .asid = ASID, .gpa_off = PAGE_SIZE,
	  .want = SNP_SOFT_FAIL_INPUT, .after = { 0 }, .write_ok = 1 },
	{ "rmpupdate_no_such_asid", V3 "RMPUPDATE",
	  { }, RMPUPDATE, 5, .assigned = 1, .asid = SNP_SOFT_NR_ASIDS + 1,
	  .want = SNP_SOFT_FAIL_INPUT, .after = { 5 }, .write_ok = 1 },
	{ "rmpupdate_beyond_rmp", V2 "4",
	  { }, RMPUPDATE, 5, .beyond = 1, .assigned = 1, .asid = ASID,
	  .want = SNP_SOFT_FAIL_INPUT, .after = { 5 }, .write_ok = 1 },
	{ "rmpupdate_shared_with_asid", V3 "RMPUPDATE",
	  { }, RMPUPDATE, 5, .asid = ASID, .want = SNP_SOFT_FAIL_INPUT, .after = { 5 },
	  .write_ok = 1 },
	{ "rmpupdate_reserved_page_size", V3 "RMPUPDATE",
	  { }, RMPUPDATE, 5, .reserved = 1, .assigned = 1, .asid = ASID,
	  .want = SNP_SOFT_FAIL_INPUT, .after = { 5 }, .write_ok = 1 },
	/* FAIL_PERMISSION */
	{ "rmpupdate_immutable", V2 "5",
	  { 5, .fw = 1, .immutable = 1 }, RMPUPDATE, 5, .want = SNP_SOFT_FAIL_PERMISSION,
	  .after = { 5, .fw = 1, .immutable = 1 } },
	{ "rmpupdate_immutable_2m", V2 "5",
	  { 0, .large = 1, .asid = ASID, .immutable = 1 }, RMPUPDATE, 0, .large = 1,
	  .want = SNP_SOFT_FAIL_PERMISSION,
	  .after = { 0, .large = 1, .asid = ASID, .immutable = 1 } },
	{ "rmpupdate_hypervisor_fixed", "FW ABI page states",
	  { 5, .fixed = 1, .immutable = 1 }, RMPUPDATE, 5, .assigned = 1, .asid = ASID,
	  .want = SNP_SOFT_FAIL_PERMISSION, .after = { 5, .immutable = 1 }, .write_ok = 1 },
	{ "rmpupdate_2m_over_hypervisor_fixed", "FW ABI page states",
	  { 5, .fixed = 1, .immutable = 1 }, RMPUPDATE, 0, .large = 1, .assigned = 1,
	  .asid = ASID, .want = SNP_SOFT_FAIL_PERMISSION, .after = { 0 }, .write_ok = 1 },
	/* FAIL_INUSE */
	{ "rmpupdate_vmsa_in_use", V2 "12",
	  { 5, .asid = ASID, .validated = 1, .vmsa = 1, .busy = 1 }, RMPUPDATE, 5,
	  .want = SNP_SOFT_FAIL_INUSE, .after = { 5, .asid = ASID, .validated = 1, .vmsa = 1 } },
	{ "rmpupdate_vmsa_not_in_use", V2 "12",
	  { 5, .asid = ASID, .validated = 1, .vmsa = 1 }, RMPUPDATE, 5, .after = { 5 },
	  .write_ok = 1 },
	/* FAIL_OVERLAP */
	{ "rmpupdate_4k_shared_in_2m", V3 "RMPUPDATE",
	  { 0, .large = 1, .asid = ASID }, RMPUPDATE, 5, .want = SNP_SOFT_FAIL_OVERLAP,
	  .after = { 5, .large = 1, .asid = ASID } },
	{ "rmpupdate_4k_shared_at_start_of_2m", V3 "RMPUPDATE",
	  { 0, .large = 1, .asid = ASID }, RMPUPDATE, 0, .want = SNP_SOFT_FAIL_OVERLAP,
	  .after = { 0, .large = 1, .asid = ASID } },
	{ "rmpupdate_4k_private_in_2m", V3 "RMPUPDATE",
	  { 0, .large = 1, .asid = ASID }, RMPUPDATE, 511, .assigned = 1, .asid = ASID,
	  .want = SNP_SOFT_FAIL_OVERLAP, .after = { 511, .large = 1, .asid = ASID } },
	{ "rmpupdate_2m_private_over_4k", V3 "RMPUPDATE",
	  { 5, .asid = ASID }, RMPUPDATE, 0, .large = 1, .assigned = 1, .asid = ASID,
	  .want = SNP_SOFT_FAIL_OVERLAP, .after = { 5, .asid = ASID } },
	{ "rmpupdate_2m_shared_over_4k", V3 "RMPUPDATE",
	  { 511, .asid = ASID }, RMPUPDATE, 0, .large = 1, .want = SNP_SOFT_FAIL_OVERLAP,
	  .after = { 511, .asid = ASID } },

	/* PSMASH */
	{ "psmash", V2 "11",
	  { 0, .large = 1, .asid = ASID, .validated = 1 }, PSMASH, 0,
	  .after = { 0, .asid = ASID, .validated = 1 } },
	{ "psmash_last_page", V2 "11",
	  { 0, .large = 1, .asid = ASID, .validated = 1 }, PSMASH, 0,
	  .after = { 511, .asid = ASID, .validated = 1 } },
	{ "psmash_misaligned", V3 "PSMASH",
	  { 0, .large = 1, .asid = ASID }, PSMASH, 5, .want = SNP_SOFT_FAIL_INPUT,
	  .after = { 5, .large = 1, .asid = ASID } },
	{ "psmash_beyond_rmp", V3 "PSMASH",
	  { }, PSMASH, 0, .beyond = 1, .want = SNP_SOFT_FAIL_INPUT, .after = { 0 },
	  .write_ok = 1 },
	{ "psmash_4k", V3 "PSMASH",
	  { 0, .asid = ASID }, PSMASH, 0, .want = SNP_SOFT_FAIL_BADADDR,
	  .after = { 0, .asid = ASID } },
	{ "psmash_shared", V3 "PSMASH",
	  { }, PSMASH, 0, .want = SNP_SOFT_FAIL_BADADDR, .after = { 0 }, .write_ok = 1 },
	{ "psmash_immutable", V3 "PSMASH",
	  { 0, .large = 1, .asid = ASID, .immutable = 1 }, PSMASH, 0,
	  .want = SNP_SOFT_FAIL_BADADDR,
	  .after = { 0, .large = 1, .asid = ASID, .immutable = 1 } },

	/* PVALIDATE */
	{ "pvalidate_4k", V2 "6",
	  { 5, .asid = ASID }, PVALIDATE, 5, .asid = ASID, .validate = 1,
	  .after = { 5, .asid = ASID, .validated = 1 } },
	{ "pvalidate_4k_again_sets_carry", V3 "PVALIDATE",
	  { 5, .asid = ASID, .validated = 1 }, PVALIDATE, 5, .asid = ASID, .validate = 1,
	  .no_change = 1, .after = { 5, .asid = ASID, .validated = 1 } },
	{ "pvalidate_rescind", V2 "6",
	  { 5, .asid = ASID, .validated = 1 }, PVALIDATE, 5, .asid = ASID,
	  .after = { 5, .asid = ASID } },
	{ "pvalidate_rescind_again_sets_carry", V3 "PVALIDATE",
	  { 5, .asid = ASID }, PVALIDATE, 5, .asid = ASID, .no_change = 1,
	  .after = { 5, .asid = ASID } },
	{ "pvalidate_2m", V2 "6",
	  { 0, .large = 1, .asid = ASID }, PVALIDATE, 0, .large = 1, .asid = ASID, .validate = 1,
	  .after = { 511, .large = 1, .asid = ASID, .validated = 1 } },
	{ "pvalidate_2m_on_4k", V3 "PVALIDATE",
	  { 0, .asid = ASID }, PVALIDATE, 0, .large = 1, .asid = ASID, .validate = 1,
	  .want = SNP_SOFT_FAIL_SIZEMISMATCH, .no_change = 1, .after = { 0, .asid = ASID } },
	{ "pvalidate_4k_on_2m_npf_sizem", V2 "10",
	  { 0, .large = 1, .asid = ASID }, PVALIDATE, 5, .asid = ASID, .validate = 1,
	  .want = -E2BIG, .no_change = 1, .after = { 5, .large = 1, .asid = ASID } },
	{ "pvalidate_shared_npf", V2 "10",
	  { }, PVALIDATE, 5, .asid = ASID, .validate = 1, .want = -EFAULT, .no_change = 1,
	  .after = { 5 }, .write_ok = 1 },
	{ "pvalidate_other_asid_npf", V2 "10",
	  { 5, .asid = ASID }, PVALIDATE, 5, .asid = ASID + 1, .validate = 1, .want = -EFAULT,
	  .no_change = 1, .after = { 5, .asid = ASID } },
	{ "pvalidate_other_gpa_npf", V2 "10",
	  { 5, .asid = ASID }, PVALIDATE, 5, .asid = ASID, .gpa_off = PAGE_SIZE, .validate = 1,
	  .want = -EFAULT, .no_change = 1, .after = { 5, .asid = ASID } },
	{ "pvalidate_immutable_npf", V2 "10",
	  { 5, .asid = ASID, .immutable = 1 }, PVALIDATE, 5, .asid = ASID, .validate = 1,
	  .want = -EFAULT, .no_change = 1, .after = { 5, .asid = ASID, .immutable = 1 } },

	/* RMPADJUST */
	{ "rmpadjust_vmpl1", V2 "7",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .rdx = 0x0301,
	  .after = { 5, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_makes_vmsa", V3 "RMPADJUST",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .rdx = 0x10001,
	  .after = { 5, .asid = ASID, .validated = 1, .vmsa = 1 } },
	{ "rmpadjust_vmsa_only_by_vmpl0", V3 "RMPADJUST",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .vmpl = 1,
	  .rdx = 0x10002, .after = { 5, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_own_vmpl", V3 "RMPADJUST",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .rdx = 0x0300,
	  .want = SNP_SOFT_FAIL_PERMISSION, .after = { 5, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_more_than_own", V3 "RMPADJUST",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .vmpl = 1,
	  .rdx = 0x0302, .want = SNP_SOFT_FAIL_PERMISSION,
	  .after = { 5, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_no_such_vmpl", V3 "RMPADJUST",
	  { 5, .asid = ASID, .validated = 1 }, RMPADJUST, 5, .asid = ASID, .rdx = 0x0304,
	  .want = SNP_SOFT_FAIL_INPUT, .after = { 5, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_vmsa_in_use", V2 "12",
	  { 5, .asid = ASID, .validated = 1, .vmsa = 1, .busy = 1 }, RMPADJUST, 5, .asid = ASID,
	  .rdx = 0x0001, .want = SNP_SOFT_FAIL_INUSE,
	  .after = { 5, .asid = ASID, .validated = 1, .vmsa = 1 } },
	{ "rmpadjust_2m_on_4k", V3 "RMPADJUST",
	  { 0, .asid = ASID, .validated = 1 }, RMPADJUST, 0, .large = 1, .asid = ASID,
	  .rdx = 0x0301, .want = SNP_SOFT_FAIL_SIZEMISMATCH,
	  .after = { 0, .asid = ASID, .validated = 1 } },
	{ "rmpadjust_not_validated_vc", V2 "10",
	  { 5, .asid = ASID }, RMPADJUST, 5, .asid = ASID, .rdx = 0x0301, .want = -EACCES,
	  .after = { 5, .asid = ASID } },

	/* Host writes: the check is as coarse as the mapping */
	{ "host_write_shared", V2 "10",
	  { }, NOTHING, .after = { 5 }, .write_ok = 1 },
	{ "host_write_4k_private", V2 "10",
	  { 5, .asid = ASID }, NOTHING, .after = { 5, .asid = ASID } },
	{ "host_write_2m_private", V2 "10",
	  { 0, .large = 1, .asid = ASID }, NOTHING, .after = { 511, .large = 1, .asid = ASID } },
};

static u64 pfn_of(unsigned int page)
{
	return page_to_pfn(region) + page;
}

static int rmpupdate(u64 pa, const struct rmp_state *state)
{
	int ret;

	asm volatile(".byte 0xf2, 0x0f, 0x01, 0xfe"
		     : "=a" (ret) : "a" (pa), "c" (state) : "memory", "cc");
	return ret;
}

/* The zero flag must say what EAX says. */
static int psmash_insn(u64 pa)
{
	bool zero;
	int ret;

	asm volatile(".byte 0xf3, 0x0f, 0x01, 0xff"
		     : "=a" (ret), "=@ccz" (zero) : "a" (pa) : "memory");
	return zero == !ret ? ret : -EILSEQ;
}

static void put(const struct entry *w)
{
	struct snp_soft_rmpe e = {
		.assigned = w->asid || w->fw,
		.pagesize = w->large,
		.immutable = w->immutable,
		.gpa = w->asid ? PHYS_PFN(GPA) + w->page : 0,
		.asid = w->asid,
		.vmsa = w->vmsa,
		.validated = w->validated,
		.perms = { 0xf },
	};

	snp_soft_rmp_set(pfn_of(w->page), &e);
	if (w->busy)
		snp_soft_rmp_vmsa_get(pfn_of(w->page), w->asid);
}

/* The firmware's way, since nothing else gets rid of an immutable entry. */
static void reset(void)
{
	const struct snp_soft_rmpe shared_2m = { .pagesize = RMP_PG_SIZE_2M };

	snp_soft_rmp_set(pfn_of(0), &shared_2m);
}

static int act(const struct insn_case *c, bool *changed)
{
	u64 pfn = pfn_of(c->page), gpa = GPA + c->page * PAGE_SIZE + c->gpa_off;
	struct rmp_state state = {
		.gpa = c->assigned ? gpa : 0,
		.assigned = c->assigned,
		.pagesize = c->reserved ? 2 : c->large,
		.immutable = c->immutable,
		.asid = c->asid,
	};

	if (c->beyond)
		pfn = PHYS_PFN(BIT_ULL(46));

	switch (c->op) {
	case RMPUPDATE:
		return rmpupdate(PFN_PHYS(pfn), &state);
	case PSMASH:
		return psmash_insn(PFN_PHYS(pfn));
	case PVALIDATE:
		return snp_soft_rmp_pvalidate(pfn, gpa, c->asid, c->large, c->validate, changed);
	case RMPADJUST:
		return snp_soft_rmp_adjust(pfn, gpa, c->asid, c->large, c->vmpl, c->rdx);
	default:
		return 0;
	}
}

static bool write_ok(unsigned int page)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)page_address(region + page), &level);

	return pte && (pte_val(*pte) & _PAGE_RW);
}

static bool check(struct seq_file *m, const struct insn_case *c, bool irqs_off)
{
	const struct entry *w = &c->after;
	struct snp_soft_rmpe e = { };
	bool changed = false, ok;
	unsigned long flags;
	int ret;

	if (c->before.asid || c->before.fw || c->before.fixed)
		put(&c->before);
	if (irqs_off)
		local_irq_save(flags);
	ret = act(c, &changed);
	if (irqs_off)
		local_irq_restore(flags);
	snp_soft_rmp_read(pfn_of(w->page), &e);

	ok = ret == c->want && (c->op != PVALIDATE || changed == !c->no_change) &&
	     e.assigned == (w->asid || w->fw) && e.pagesize == w->large && e.asid == w->asid &&
	     e.immutable == w->immutable && e.validated == w->validated && e.vmsa == w->vmsa &&
	     (!e.asid || e.gpa == PHYS_PFN(GPA) + w->page) && write_ok(w->page) == c->write_ok;
	if (!ok)
		seq_printf(m, "# result %d (want %d) changed %d entry %016llx %016llx write_ok %d\n",
			   ret, c->want, changed, e.lo, e.hi, write_ok(w->page));

	if (c->before.busy)
		snp_soft_rmp_vmsa_put(pfn_of(c->before.page));
	reset();
	return ok;
}

/* A plain store that may fail. */
static int touch(unsigned int page)
{
	u8 *p = page_address(region + page);

	__put_kernel_nofault(p, &(u8){ 1 }, u8, fault);
	return 0;

fault:
	return -EFAULT;
}

/*
 * One private page write-protects the 2M mapping. When CPA splits it, all 512
 * entries inherit that; those that need it not must become writable when written.
 */
static bool check_heal(struct seq_file *m)
{
	const struct entry private = { 5, .asid = ASID };
	bool protected, ok;
	int split, write;
	char c;

	put(&private);
	protected = !write_ok(5);
	split = rmp_make_private(pfn_of(6), GPA + 6 * PAGE_SIZE, PG_LEVEL_4K, ASID, false);
	write = touch(7);
	ok = protected && !split && !write && write_ok(7) && !write_ok(5) && !write_ok(6) &&
	     !copy_from_kernel_nofault(&c, page_address(region + 5), 1);
	if (!ok)
		seq_printf(m, "# protected %d split %d write %d\n", protected, split, write);

	rmp_make_shared(pfn_of(5), PG_LEVEL_4K);
	rmp_make_shared(pfn_of(6), PG_LEVEL_4K);
	return ok && !touch(5) && !touch(6);
}

static int results_show(struct seq_file *m, void *unused)
{
	unsigned int i, n = ARRAY_SIZE(cases);
	bool ok;

	seq_printf(m, "TAP version 13\n1..%u\n", 2 * n + 1);
	for (i = 0; i < 2 * n; i++) {
		const struct insn_case *c = &cases[i % n];

		ok = check(m, c, i >= n);
		seq_printf(m, "%sok %u %s%s (%s)\n", ok ? "" : "not ", i + 1, c->name,
			   i >= n ? "_irqs_off" : "", c->source);
	}
	ok = check_heal(m);
	seq_printf(m, "%sok %u host_write_heals_what_cpa_split (APM2 15.36.10)\n",
		   ok ? "" : "not ", 2 * n + 1);
	return 0;
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Architected results of the RMP instructions, case by case");
