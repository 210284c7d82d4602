/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has happened to the RMP since boot, in numbers: one per-CPU increment
 * each, always on, read by debugfs rmp/counters (arch/x86/virt/svm/rmp_count.c).
 * A new counter is a value here and a line there.
 */
#ifndef _ASM_X86_RMP_COUNT_H
#define _ASM_X86_RMP_COUNT_H

#include <linux/percpu.h>
#include <linux/types.h>

#include <asm/dmap_rmp.h>

/* How RMPUPDATE or PSMASH ended, as far as it makes a difference to anyone */
enum rmp_result {
	RMP_RESULT_OK,
	RMP_RESULT_INUSE,		/* a vCPU runs on this VMSA */
	RMP_RESULT_OVERLAP,		/* another size, or another CPU in the region */
	RMP_RESULT_REFUSED,		/* anything else */
	NR_RMP_RESULTS,
};

/* What a guest's page-state change asks for: bits of an index */
#define RMP_PSC_TO_PRIVATE	1	/* else to shared */
#define RMP_PSC_2M		2	/* entries of 2M, else of 4K */
#define RMP_PSC_NAE		4	/* GHCB, else MSR protocol */
#define NR_RMP_PSC_KINDS	8

/* The RMP has ten bits for an ASID (PPR Family 19h). */
#define RMP_NR_ASIDS		1024

/* How a migration ended, as far as it makes a difference to anyone */
enum rmp_migration {
	RMP_MIGRATION_OK,
	RMP_MIGRATION_BUSY,		/* another one, an exit to complete: try again */
	RMP_MIGRATION_REFUSED,		/* asked for what can't be */
	RMP_MIGRATION_FAILED,		/* anything else */
	NR_RMP_MIGRATIONS,
};

enum rmp_count {
	/* [to private][2M][enum rmp_result] */
	RMP_COUNT_UPDATE,
	/* [enum rmp_result] */
	RMP_COUNT_PSMASH = RMP_COUNT_UPDATE + 4 * NR_RMP_RESULTS,
	/* [RMP_PSC_*]: requests by range, and the 4K pages in them */
	RMP_COUNT_PSC = RMP_COUNT_PSMASH + NR_RMP_RESULTS,
	RMP_COUNT_PSC_PAGES = RMP_COUNT_PSC + NR_RMP_PSC_KINDS,
	RMP_COUNT_GUEST_ERROR = RMP_COUNT_PSC_PAGES + NR_RMP_PSC_KINDS,
	RMP_COUNT_LEAKED,		/* pages */
	/* Pages that became shared and private in place, asked for or not; by 2M */
	RMP_COUNT_IN_PLACE_SHARED,
	RMP_COUNT_IN_PLACE_PRIVATE,
	RMP_COUNT_IN_PLACE_2M,
	RMP_COUNT_REFAULT,		/* pages the host had taken, given back */
	RMP_COUNT_CONTENDED,		/* conversions that met a map */
	RMP_COUNT_REVOKED,		/* cached mappings */
	RMP_COUNT_DMAP_SPLIT,		/* 2M regions */
	/* [enum rmp_dmap_result] */
	RMP_COUNT_DMAP_MERGE,
	/* [enum rmp_migration] */
	RMP_COUNT_MIGRATION = RMP_COUNT_DMAP_MERGE + NR_RMP_DMAP_RESULTS,
	NR_RMP_COUNTS = RMP_COUNT_MIGRATION + NR_RMP_MIGRATIONS,
};

struct rmp_state;

#ifdef CONFIG_SNP_PAGE_STATE

DECLARE_PER_CPU(unsigned long, rmp_counts[NR_RMP_COUNTS]);

/**
 * rmp_count_add() - count
 * @count: which
 * @n: how many
 *
 * Context: any, NMI included.
 */
static __always_inline void rmp_count_add(unsigned int count, unsigned long n)
{
	this_cpu_add(rmp_counts[count], n);
}

/* arch/x86/virt/svm/rmp_count.c */
void rmp_count_update(const struct rmp_state *state, int ret);
void rmp_count_psmash(int ret);
void rmp_leaked(u64 pfn, unsigned int pages);
pid_t rmp_owner(u32 asid);
void rmp_owner_moved(u32 asid);

#else

static inline void rmp_count_add(unsigned int count, unsigned long n) { }
static inline void rmp_leaked(u64 pfn, unsigned int pages) { }

#endif
#endif /* _ASM_X86_RMP_COUNT_H */
