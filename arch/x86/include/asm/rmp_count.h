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

enum rmp_count {
	/* [to private][2M][enum rmp_result] */
	RMP_COUNT_UPDATE,
	/* [enum rmp_result] */
	RMP_COUNT_PSMASH = RMP_COUNT_UPDATE + 4 * NR_RMP_RESULTS,
	/* [RMP_PSC_*]: requests by range, and the 4K pages in them */
	RMP_COUNT_PSC = RMP_COUNT_PSMASH + NR_RMP_RESULTS,
	RMP_COUNT_PSC_PAGES = RMP_COUNT_PSC + NR_RMP_PSC_KINDS,
	RMP_COUNT_GUEST_ERROR = RMP_COUNT_PSC_PAGES + NR_RMP_PSC_KINDS,
	NR_RMP_COUNTS,
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

/* arch/x86/virt/svm/rmp_repair.c */
unsigned long rmp_leaked_pages(void);

#else

static inline void rmp_count_add(unsigned int count, unsigned long n) { }

#endif
#endif /* _ASM_X86_RMP_COUNT_H */
