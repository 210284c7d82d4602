/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host RMP faults: what the #PF handler, the RMP code in arch/x86/virt/svm and
 * the tests share. Stock files see it through hooks (*.cocci) only: one bit
 * test on the fault path, one static branch per RMP instruction.
 */
#ifndef _ASM_X86_RMP_FAULT_H
#define _ASM_X86_RMP_FAULT_H

#include <linux/types.h>
#include <asm/pgtable_types.h>
#include <asm/trap_pf.h>

struct pt_regs;
struct rmp_state;

/**
 * struct rmp_view - what the RMP says about one 4K page (PPR Family 19h)
 * @lo: the entry's first word as hardware holds it, the large one if @level is 2M
 * @hi: its second word, opaque
 * @gpa: guest-physical address of this very page, in bytes
 * @asid: owner; 0 with @assigned: the firmware
 * @level: PG_LEVEL_4K or PG_LEVEL_2M, size of the entry that decides
 * @assigned: host writes fault
 * @immutable: RMPUPDATE refuses to change it
 * @vmsa: the guest or the firmware made it a VMSA page
 * @validated: the guest accepted it by PVALIDATE
 */
struct rmp_view {
	u64 lo;
	u64 hi;
	u64 gpa;
	u32 asid;
	enum pg_level level;
	bool assigned;
	bool immutable;
	bool vmsa;
	bool validated;
};

/**
 * enum rmp_verdict - what is to be done about a fault
 * @RMP_VERDICT_STOCK: not the RMP's, or not ours to repair: the stock path
 * @RMP_VERDICT_RETRY: nothing is wrong any more, another CPU was faster
 * @RMP_VERDICT_FLIP_4K: return the page to the host
 * @RMP_VERDICT_FLIP_2M: return the whole 2M entry to the host
 * @RMP_VERDICT_FLIP_REGION: the mapping is larger than the entries: return
 *	every assigned page below it, in one 2M region, to the host
 */
enum rmp_verdict {
	RMP_VERDICT_STOCK,
	RMP_VERDICT_RETRY,
	RMP_VERDICT_FLIP_4K,
	RMP_VERDICT_FLIP_2M,
	RMP_VERDICT_FLIP_REGION,
};

/**
 * enum rmp_outcome - how a fault ended; one counter in debugfs for each
 * @RMP_OUTCOME_STOCK: left to the stock path by verdict
 * @RMP_OUTCOME_RECOVERED: flipped, the access is retried
 * @RMP_OUTCOME_SPURIOUS: retried without a change
 * @RMP_OUTCOME_BUSY: hardware said "not now"; retried, which decides anew
 * @RMP_OUTCOME_REFUSED: hardware refused RMPUPDATE: fixup or oops
 * @RMP_OUTCOME_STUCK: too many retries without progress: fixup or oops
 * @RMP_OUTCOME_DECLINED: policy is rmp_fault=oops: fixup or oops
 * @NR_RMP_OUTCOMES: their number
 */
enum rmp_outcome {
	RMP_OUTCOME_STOCK,
	RMP_OUTCOME_RECOVERED,
	RMP_OUTCOME_SPURIOUS,
	RMP_OUTCOME_BUSY,
	RMP_OUTCOME_REFUSED,
	RMP_OUTCOME_STUCK,
	RMP_OUTCOME_DECLINED,
	NR_RMP_OUTCOMES,
};

/**
 * struct rmp_fault - all that the verdict depends on
 * @error_code: of the #PF, X86_PF_*
 * @user: the CPU was in user mode
 * @mapping: size of the leaf that maps the address, PG_LEVEL_NONE: none
 * @covered: the page has an RMP entry, @rmp is valid
 * @mixed: @mapping is above 4K and its 2M region has an assigned page
 * @rmp: the page's RMP entry
 */
struct rmp_fault {
	unsigned long error_code;
	bool user;
	enum pg_level mapping;
	bool covered;
	bool mixed;
	struct rmp_view rmp;
};

/* RMPUPDATE results, APM vol. 3; RMPUPDATE_FAIL_OVERLAP (4) is in asm/sev.h */
#define RMPUPDATE_FAIL_INUSE	3

#ifdef CONFIG_SNP_PAGE_STATE

/* arch/x86/mm/rmp_fault.c */
bool __rmp_fault_kernel(struct pt_regs *regs, unsigned long error_code,
			unsigned long address);
enum rmp_verdict rmp_fault_verdict(const struct rmp_fault *f);

/* arch/x86/virt/svm/rmp_repair.c */
bool rmp_view_page(u64 pfn, struct rmp_view *v);
bool rmp_region_assigned(u64 pfn);
int rmp_flip_shared(u64 pfn, enum pg_level level);
void rmp_updated(u64 pfn, const struct rmp_state *state, int ret);
int rmp_psmash_split(u64 pfn);
void rmp_psmashed(u64 pfn, int ret);

/**
 * rmp_fault_kernel() - is this kernel-address fault the RMP's, and mended?
 * @regs: interrupted context
 * @error_code: of the #PF
 * @address: CR2
 *
 * Hook in do_kern_addr_fault(). IRQs off, any context, NMI included.
 *
 * Return: true if the access is to be retried, false for the stock path.
 */
static __always_inline bool rmp_fault_kernel(struct pt_regs *regs,
					     unsigned long error_code,
					     unsigned long address)
{
	if (likely(!(error_code & X86_PF_RMP)))
		return false;
	return __rmp_fault_kernel(regs, error_code, address);
}

#else /* !CONFIG_SNP_PAGE_STATE */

static __always_inline bool rmp_fault_kernel(struct pt_regs *regs,
					     unsigned long error_code,
					     unsigned long address)
{
	return false;
}

static inline void rmp_updated(u64 pfn, const struct rmp_state *state, int ret) { }
static inline int rmp_psmash_split(u64 pfn) { return 0; }
static inline void rmp_psmashed(u64 pfn, int ret) { }

#endif /* CONFIG_SNP_PAGE_STATE */
#endif /* _ASM_X86_RMP_FAULT_H */
