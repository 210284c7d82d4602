// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of the RMP for machines: debugfs rmp/counters, cumulative since boot.
 *
 * Format, version 1: a line "version 1", then a line for each counter: its name,
 * labels as key=value, its value, one blank between them. Unknown names and
 * labels are to be ignored: lines are added without a new version, and neither
 * change nor go without one. All counts are of events, or of 4K pages where the
 * name ends in _pages; they only grow. docs/tracing.rst has what each means.
 *
 * Invariant: counting costs one per-CPU addition, takes no lock, and is right
 * in NMI. CPUs that went offline keep counting.
 *
 * Who an ASID belongs to is known from RMPUPDATE as well: the process that gave
 * it a page. A store per owner, no hook, and legible in NMI.
 */
#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include <asm/rmp_count.h>
#include <asm/rmp_fault.h>
#include <asm/rmp_map.h>
#include <asm/sev.h>
#include <trace/events/rmp.h>

DEFINE_PER_CPU(unsigned long, rmp_counts[NR_RMP_COUNTS]);
EXPORT_PER_CPU_SYMBOL_GPL(rmp_counts);

#define TO_PRIVATE	(2 * NR_RMP_RESULTS)
#define OF_2M		NR_RMP_RESULTS

static const char * const rmp_result_names[NR_RMP_RESULTS] = {
	[RMP_RESULT_OK]		= "ok",
	[RMP_RESULT_INUSE]	= "in-use",
	[RMP_RESULT_OVERLAP]	= "overlap",
	[RMP_RESULT_REFUSED]	= "refused",
};

static enum rmp_result __kprobes rmp_result(int ret)
{
	switch (ret) {
	case 0:
		return RMP_RESULT_OK;
	case RMPUPDATE_FAIL_INUSE:
		return RMP_RESULT_INUSE;
	case RMPUPDATE_FAIL_OVERLAP:
		return RMP_RESULT_OVERLAP;
	default:
		return RMP_RESULT_REFUSED;
	}
}

static pid_t rmp_owners[RMP_NR_ASIDS];

/**
 * rmp_owner() - whose is a guest's page?
 * @asid: owner's ASID, as in its RMP entry
 *
 * Context: any, NMI included.
 * Return: the process (in the first PID namespace) that last gave this ASID a
 * page, its VMM or, when the guest is gone, the last one's; 0: nobody did.
 */
pid_t __kprobes rmp_owner(u32 asid)
{
	return asid && asid < RMP_NR_ASIDS ? READ_ONCE(rmp_owners[asid]) : 0;
}
EXPORT_SYMBOL_GPL(rmp_owner);

/**
 * rmp_owner_moved() - a guest is this process's from now on
 * @asid: its ASID
 *
 * Context: process context of the new VMM.
 */
void __kprobes rmp_owner_moved(u32 asid)
{
	pid_t pid = current->tgid;

	if (asid && asid < RMP_NR_ASIDS && READ_ONCE(rmp_owners[asid]) != pid)
		WRITE_ONCE(rmp_owners[asid], pid);
}
EXPORT_SYMBOL_GPL(rmp_owner_moved);

/**
 * rmp_count_update() - RMPUPDATE was executed
 * @state: what it asked for; assigned pages count as private, the firmware's too
 * @ret: what the instruction said
 *
 * Context: any, NMI included.
 */
void __kprobes rmp_count_update(const struct rmp_state *state, int ret)
{
	rmp_count_add(RMP_COUNT_UPDATE + (state->assigned ? TO_PRIVATE : 0) +
		      (state->pagesize == RMP_PG_SIZE_2M ? OF_2M : 0) +
		      rmp_result(ret), 1);
	/* A guest's pages are assigned by its VMM, unless a kthread does it for it. */
	if (state->assigned && !(current->flags & PF_KTHREAD))
		rmp_owner_moved(state->asid);
}

/**
 * rmp_count_psmash() - PSMASH was executed
 * @ret: what the instruction said
 *
 * Context: any.
 */
void rmp_count_psmash(int ret)
{
	rmp_count_add(RMP_COUNT_PSMASH + rmp_result(ret), 1);
}

/**
 * rmp_leaked() - pages can't be returned to the host, and are lost
 * @pfn: first page frame
 * @pages: how many
 *
 * Context: any.
 */
void rmp_leaked(u64 pfn, unsigned int pages)
{
	rmp_count_add(RMP_COUNT_LEAKED, pages);
	trace_rmp_leak(pfn, pages);
}
EXPORT_SYMBOL_GPL(rmp_leaked);

static unsigned long rmp_count_sum(unsigned int count)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(rmp_counts[count], cpu);
	return sum;
}

static void rmp_show_psc(struct seq_file *m, const char *name, unsigned int first)
{
	int i;

	for (i = 0; i < NR_RMP_PSC_KINDS; i++) {
		/* The MSR protocol knows no 2M. */
		if ((i & RMP_PSC_2M) && !(i & RMP_PSC_NAE))
			continue;
		seq_printf(m, "%s form=%s to=%s size=%s %lu\n", name,
			   i & RMP_PSC_NAE ? "nae" : "msr",
			   i & RMP_PSC_TO_PRIVATE ? "private" : "shared",
			   i & RMP_PSC_2M ? "2M" : "4K", rmp_count_sum(first + i));
	}
}

static const char * const rmp_dmap_result_names[NR_RMP_DMAP_RESULTS] = {
	[RMP_DMAP_MERGED]	= "merged",
	[RMP_DMAP_PRIVATE]	= "private",
	[RMP_DMAP_BUSY]		= "busy",
	[RMP_DMAP_ATTRS]	= "attributes",
};

static const char * const rmp_migration_names[NR_RMP_MIGRATIONS] = {
	[RMP_MIGRATION_OK]	= "ok",
	[RMP_MIGRATION_BUSY]	= "busy",
	[RMP_MIGRATION_REFUSED]	= "refused",
	[RMP_MIGRATION_FAILED]	= "failed",
};

static void rmp_show_one(struct seq_file *m, const char *name, unsigned int count)
{
	seq_printf(m, "%s %lu\n", name, rmp_count_sum(count));
}

static void rmp_show_by_result(struct seq_file *m, const char *name,
			       const char * const *results, unsigned int nr,
			       unsigned int first)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		seq_printf(m, "%s result=%s %lu\n", name, results[i],
			   rmp_count_sum(first + i));
}

static void rmp_show_results(struct seq_file *m, const char *name, unsigned int first)
{
	rmp_show_by_result(m, name, rmp_result_names, NR_RMP_RESULTS, first);
}

static int counters_show(struct seq_file *m, void *v)
{
	int i;

	seq_puts(m, "version 1\n");
	for (i = 0; i < NR_RMP_VERDICTS; i++)
		seq_printf(m, "fault_verdict verdict=%s %llu\n", rmp_verdict_name(i),
			   rmp_faults_decided(i));
	for (i = 0; i < NR_RMP_OUTCOMES; i++)
		seq_printf(m, "fault outcome=%s %llu\n", rmp_outcome_name(i),
			   rmp_faults_ended(i));
	seq_printf(m, "flipped_pages %llu\n", rmp_fault_flipped_pages());
	rmp_show_one(m, "leaked_pages", RMP_COUNT_LEAKED);
	rmp_show_results(m, "rmpupdate to=shared size=4K", RMP_COUNT_UPDATE);
	rmp_show_results(m, "rmpupdate to=shared size=2M", RMP_COUNT_UPDATE + OF_2M);
	rmp_show_results(m, "rmpupdate to=private size=4K", RMP_COUNT_UPDATE + TO_PRIVATE);
	rmp_show_results(m, "rmpupdate to=private size=2M",
			 RMP_COUNT_UPDATE + TO_PRIVATE + OF_2M);
	rmp_show_results(m, "psmash", RMP_COUNT_PSMASH);
	rmp_show_psc(m, "psc", RMP_COUNT_PSC);
	rmp_show_psc(m, "psc_pages", RMP_COUNT_PSC_PAGES);
	rmp_show_one(m, "guest_error", RMP_COUNT_GUEST_ERROR);
	rmp_show_one(m, "in_place_pages to=shared", RMP_COUNT_IN_PLACE_SHARED);
	rmp_show_one(m, "in_place_pages to=private", RMP_COUNT_IN_PLACE_PRIVATE);
	rmp_show_one(m, "in_place_large", RMP_COUNT_IN_PLACE_2M);
	rmp_show_one(m, "refault_pages", RMP_COUNT_REFAULT);
	rmp_show_one(m, "contended", RMP_COUNT_CONTENDED);
	rmp_show_one(m, "revoked", RMP_COUNT_REVOKED);
	rmp_show_one(m, "directmap_split", RMP_COUNT_DMAP_SPLIT);
	rmp_show_by_result(m, "directmap_merge", rmp_dmap_result_names,
			   NR_RMP_DMAP_RESULTS, RMP_COUNT_DMAP_MERGE);
	rmp_show_by_result(m, "migration", rmp_migration_names, NR_RMP_MIGRATIONS,
			   RMP_COUNT_MIGRATION);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

/* debugfs rmp/: this file and those of rmp_map.c */
static int __init rmp_debugfs_init(void)
{
	struct dentry *dir;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return 0;

	dir = debugfs_create_dir("rmp", NULL);
	debugfs_create_file("counters", 0400, dir, NULL, &counters_fops);
	rmp_map_files(dir);
	return 0;
}
late_initcall(rmp_debugfs_init);
