/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host RMP faults: what the #PF handler, the RMP code in arch/x86/virt/svm and
 * the tests share. Stock files see it through hooks (*.cocci) only: one bit
 * test on the fault path, one static branch per RMP instruction and elsewhere.
 */
#ifndef _ASM_X86_RMP_FAULT_H
#define _ASM_X86_RMP_FAULT_H

#include <linux/static_call.h>
#include <linux/types.h>
#include <asm/pgtable_types.h>
#include <asm/trap_pf.h>

struct folio;
struct pt_regs;
struct rmp_state;
struct vm_area_struct;

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
 * enum rmp_verdict - what is to be done about a fault; one counter for each
 * @RMP_VERDICT_STOCK: not the RMP's, or not ours to repair: the stock path
 * @RMP_VERDICT_RETRY: nothing is wrong any more, another CPU was faster
 * @RMP_VERDICT_FLIP_4K: return the page to the host
 * @RMP_VERDICT_FLIP_2M: return the whole 2M entry to the host
 * @RMP_VERDICT_FLIP_REGION: the mapping is larger than the entries: return
 *	every assigned page below it, in one 2M region, to the host
 * @RMP_VERDICT_SPLIT: the user mapping is larger than the entries: split it
 * @RMP_VERDICT_SIGBUS: the page is not the process's to write: SIGBUS
 * @RMP_VERDICT_FIXUP: likewise for the kernel on its behalf: -EFAULT
 * @RMP_VERDICT_OOPS: and for a kernel that does not expect a fault there
 * @NR_RMP_VERDICTS: their number
 */
enum rmp_verdict {
	RMP_VERDICT_STOCK,
	RMP_VERDICT_RETRY,
	RMP_VERDICT_FLIP_4K,
	RMP_VERDICT_FLIP_2M,
	RMP_VERDICT_FLIP_REGION,
	RMP_VERDICT_SPLIT,
	RMP_VERDICT_SIGBUS,
	RMP_VERDICT_FIXUP,
	RMP_VERDICT_OOPS,
	NR_RMP_VERDICTS,
};

/**
 * enum rmp_outcome - how a fault ended; one counter in debugfs for each
 * @RMP_OUTCOME_STOCK: left to the stock path by verdict
 * @RMP_OUTCOME_RECOVERED: flipped, the access is retried
 * @RMP_OUTCOME_SPURIOUS: retried without a change
 * @RMP_OUTCOME_BUSY: hardware said "not now"; retried, which decides anew
 * @RMP_OUTCOME_REFUSED: hardware refused RMPUPDATE: fixup or oops
 * @RMP_OUTCOME_STUCK: too many retries without progress: SIGBUS, fixup or oops
 * @RMP_OUTCOME_DECLINED: policy is rmp_fault=oops: fixup or oops
 * @RMP_OUTCOME_SPLIT: the user mapping was split, the access is retried
 * @RMP_OUTCOME_DENIED: user address: SIGBUS, -EFAULT, or oops
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
	RMP_OUTCOME_SPLIT,
	RMP_OUTCOME_DENIED,
	NR_RMP_OUTCOMES,
};

/**
 * enum rmp_address - what kind of address was written to
 * @RMP_ADDRESS_DIRECT: direct map; kmap() of any page is the same on 64 bit
 * @RMP_ADDRESS_VMAP: vmalloc and vmap range, and any other kernel address
 * @RMP_ADDRESS_USER: below TASK_SIZE_MAX
 */
enum rmp_address {
	RMP_ADDRESS_DIRECT,
	RMP_ADDRESS_VMAP,
	RMP_ADDRESS_USER,
};

/**
 * enum rmp_mode - who wrote
 * @RMP_MODE_USER: the CPU was in user mode
 * @RMP_MODE_FIXUP: the kernel, by an instruction with an exception table entry
 * @RMP_MODE_KERNEL: the kernel, by any other
 */
enum rmp_mode {
	RMP_MODE_USER,
	RMP_MODE_FIXUP,
	RMP_MODE_KERNEL,
};

/**
 * struct rmp_fault - all that the verdict depends on
 * @error_code: of the #PF, X86_PF_*
 * @address: kind of address
 * @mode: who wrote; for kernel addresses FIXUP is the same as KERNEL
 * @stuck: the same access was retried too often without progress
 * @mapping: size of the leaf that maps the address, PG_LEVEL_NONE: none
 * @covered: the page has an RMP entry, @rmp is valid
 * @mixed: @mapping is above 4K and its 2M region has an assigned page
 * @rmp: the page's RMP entry
 */
struct rmp_fault {
	unsigned long error_code;
	enum rmp_address address;
	enum rmp_mode mode;
	bool stuck;
	enum pg_level mapping;
	bool covered;
	bool mixed;
	struct rmp_view rmp;
};

/* RMPUPDATE results, APM vol. 3; RMPUPDATE_FAIL_OVERLAP (4) is in asm/sev.h */
#define RMPUPDATE_FAIL_PERMISSION	2
#define RMPUPDATE_FAIL_INUSE	3

#ifdef CONFIG_SNP_PAGE_STATE

/* arch/x86/mm/rmp_fault.c */
bool __rmp_fault_kernel(struct pt_regs *regs, unsigned long error_code,
			unsigned long address);
enum rmp_verdict rmp_fault_verdict(const struct rmp_fault *f);
enum rmp_address rmp_fault_address(unsigned long address);
void rmp_fault_converted(u64 pfn);

/* arch/x86/mm/rmp_fault_user.c */
bool __rmp_fault_user(struct pt_regs *regs, unsigned long error_code,
		      unsigned long address);
bool __rmp_fault_fixup(struct vm_area_struct *vma, unsigned long address);
bool __rmp_keep_split(u64 pfn);
const char *rmp_verdict_name(enum rmp_verdict verdict);
u64 rmp_faults_decided(enum rmp_verdict verdict);
const char *rmp_outcome_name(enum rmp_outcome outcome);
u64 rmp_faults_ended(enum rmp_outcome outcome);
u64 rmp_fault_flipped_pages(void);

/* arch/x86/virt/svm/rmp_repair.c */
bool rmp_view_page(u64 pfn, struct rmp_view *v);
bool rmp_region_assigned(u64 pfn);
int rmp_flip_shared(u64 pfn, enum pg_level level);
int rmp_assign_guest(u64 pfn, u64 gpa, enum pg_level level, u32 asid, bool immutable);
int rmp_split_direct_map(u64 pfn, enum pg_level level);
void rmp_updated(u64 pfn, const struct rmp_state *state, int ret);
int rmp_psmash_split(u64 pfn);
void rmp_psmashed(u64 pfn, int ret);

/* After rmp_assign_guest(), in its context; nothing on hardware */
typedef void rmp_assigned_fn(u64 pfn, const struct rmp_state *state);
DECLARE_STATIC_CALL(rmp_assigned, rmp_assigned_fn);

/**
 * rmp_set_assigned() - be told of each page that is given to a guest
 * @fn: may sleep
 *
 * For what imitates the hardware below: it can't do all of it while it emulates
 * the instruction.
 *
 * Context: process context, at boot.
 */
static inline void rmp_set_assigned(rmp_assigned_fn *fn)
{
	static_call_update(rmp_assigned, fn);
}

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

/**
 * rmp_fault_user() - is this user-address fault the RMP's, and final?
 * @regs: interrupted context
 * @error_code: of the #PF
 * @address: CR2
 *
 * Hook in do_user_addr_fault(). Process context, no lock held.
 *
 * Return: true if the access is refused: SIGBUS, fixup or oops; false for the stock
 * path, which maps what is missing, and retries.
 */
static __always_inline bool rmp_fault_user(struct pt_regs *regs,
					   unsigned long error_code,
					   unsigned long address)
{
	if (likely(!(error_code & X86_PF_RMP)))
		return false;
	return __rmp_fault_user(regs, error_code, address);
}

#else /* !CONFIG_SNP_PAGE_STATE */

static __always_inline bool rmp_fault_kernel(struct pt_regs *regs,
					     unsigned long error_code,
					     unsigned long address)
{
	return false;
}

static __always_inline bool rmp_fault_user(struct pt_regs *regs,
					   unsigned long error_code,
					   unsigned long address)
{
	return false;
}

static inline void rmp_updated(u64 pfn, const struct rmp_state *state, int ret) { }
static inline void rmp_set_assigned(void (*fn)(u64 pfn, const struct rmp_state *state)) { }
static inline int rmp_psmash_split(u64 pfn) { return 0; }
static inline void rmp_psmashed(u64 pfn, int ret) { }

#endif /* CONFIG_SNP_PAGE_STATE */
#endif /* _ASM_X86_RMP_FAULT_H */
