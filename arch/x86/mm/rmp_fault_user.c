// SPDX-License-Identifier: GPL-2.0-only
/*
 * RMP faults on user addresses. A VMM writes to memory that its guest has made
 * private, or the kernel does so on the VMM's behalf by copy_to_user(), futex and
 * the like. No page is taken from a guest for that: the writer named the page
 * and is told no, by SIGBUS or -EFAULT.
 *
 * Stock Linux tells nobody. It maps pages on faults, finds this one mapped and
 * writable, and retries for ever; in the kernel where no signal ends it. So the
 * hooks sit where such a loop would begin:
 *
 *	do_user_addr_fault()	the fault itself
 *	fixup_user_fault()	a futex operation failed without a fault that could
 *				sleep; repeated until this says no
 *	do_set_pmd()		whether a file's huge page may be mapped as one
 *
 * The page may be the process's own, and only a neighbour private, below a
 * mapping of 2M: that is split, and the stock path maps what the split left out.
 * It stays split, since do_set_pmd() declines as long as a page below is private.
 * hugetlb can't be split, so there the neighbour's state is the page's.
 *
 * Verdicts come from rmp_fault_verdict(). The policy rmp_fault=oops is about
 * kernel addresses; what it would restore here is the endless loop.
 */
#include <linux/cc_platform.h>
#include <linux/extable.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <linux/rmp_user.h>
#include <trace/events/rmp.h>

#include "rmp_fault_parts.h"

#undef pr_fmt
#define pr_fmt(fmt) "RMP fault: " fmt

/* Page tables of a user process may be freed, but not while IRQs are off. */
static u64 rmp_user_look(struct rmp_fault *f, struct mm_struct *mm, unsigned long address)
{
	unsigned long flags;
	u64 pfn;

	local_irq_save(flags);
	rmp_fault_look(f, mm->pgd, address, &pfn);
	local_irq_restore(flags);
	return pfn;
}

static bool rmp_user_stuck(unsigned long ip, unsigned long address, u64 pfn)
{
	bool stuck;

	preempt_disable();
	stuck = rmp_fault_stuck(ip, address, pfn);
	preempt_enable();
	return stuck;
}

/*
 * The split of a file's huge page leaves nothing behind, and the next fault would map
 * it huge again. An empty page table prevents that, also where do_set_pmd() knows
 * of no private page (the erratum).
 */
static int rmp_user_split(struct vm_area_struct *vma, unsigned long address)
{
	struct mm_struct *mm = vma->vm_mm;
	p4d_t *p4d;
	pgd_t *pgd;
	pud_t *pud;
	pmd_t *pmd;

	mmap_assert_locked(mm);
	if (is_vm_hugetlb_page(vma))
		return -EINVAL;

	pgd = pgd_offset(mm, address);
	if (pgd_none_or_clear_bad(pgd))
		return 0;
	p4d = p4d_offset(pgd, address);
	if (p4d_none_or_clear_bad(p4d))
		return 0;
	pud = pud_offset(p4d, address);
	if (pud_leaf(READ_ONCE(*pud)))
		return -EINVAL;
	if (pud_none_or_clear_bad(pud))
		return 0;
	pmd = pmd_offset(pud, address);

	split_huge_pmd(vma, pmd, address);
	return pte_alloc(mm, pmd) ? -ENOMEM : 0;
}

/* Without a VMA, without memory or with SIGKILL the stock path knows what to do. */
static int rmp_user_lock_and_split(struct pt_regs *regs, unsigned long address)
{
	struct vm_area_struct *vma = lock_mm_and_find_vma(current->mm, address, regs);
	int ret;

	if (!vma)
		return 0;

	ret = rmp_user_split(vma, address);
	mmap_read_unlock(current->mm);
	return ret == -EINVAL ? ret : 0;
}

static enum rmp_mode rmp_user_mode(struct pt_regs *regs)
{
	if (user_mode(regs))
		return RMP_MODE_USER;
	return search_exception_tables(regs->ip) ? RMP_MODE_FIXUP : RMP_MODE_KERNEL;
}

static enum rmp_outcome rmp_user_outcome(enum rmp_verdict verdict, bool stuck)
{
	switch (verdict) {
	case RMP_VERDICT_RETRY:
		return RMP_OUTCOME_SPURIOUS;
	case RMP_VERDICT_SPLIT:
		return RMP_OUTCOME_SPLIT;
	case RMP_VERDICT_SIGBUS:
	case RMP_VERDICT_FIXUP:
	case RMP_VERDICT_OOPS:
		return stuck ? RMP_OUTCOME_STUCK : RMP_OUTCOME_DENIED;
	default:
		return RMP_OUTCOME_STOCK;
	}
}

static void rmp_user_log(const struct rmp_fault *f, unsigned long address, u64 pfn,
			 unsigned long ip)
{
	pr_warn_ratelimited("pfn 0x%llx, %s entry 0x%016llx (ASID %u, GPA 0x%llx), user address 0x%lx of %s[%d] written by %pS: denied\n",
			    pfn, f->rmp.level == PG_LEVEL_2M ? "2M" : "4K", f->rmp.lo,
			    f->rmp.asid, f->rmp.gpa, address, current->comm,
			    task_pid_nr(current), (void *)ip);
}

/**
 * __rmp_fault_user() - decide about an RMP fault on a user address
 * @regs: interrupted context
 * @error_code: of the #PF, X86_PF_RMP is set
 * @address: CR2
 *
 * The out-of-line half of rmp_fault_user(). User mode's retries are bounded by the
 * process's patience, but for those that nothing explains; the kernel's end with
 * SIGKILL besides.
 *
 * Context: #PF in process context, IRQs on, neither mmap_lock nor a VMA lock held.
 * Return: true if the access is refused, false for the stock path.
 */
bool __rmp_fault_user(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	struct rmp_fault f = {
		.error_code = error_code,
		.address = RMP_ADDRESS_USER,
		.mode = rmp_user_mode(regs),
	};
	enum rmp_outcome outcome;
	enum rmp_verdict verdict;
	int result = 0;
	u64 pfn;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return false;

	pfn = rmp_user_look(&f, current->mm, address);
	trace_rmp_fault(&f, address, pfn, regs->ip);

	verdict = rmp_fault_verdict(&f);
	if (verdict == RMP_VERDICT_RETRY) {
		f.stuck = rmp_user_stuck(regs->ip, address, pfn);
		verdict = rmp_fault_verdict(&f);
	}

	outcome = rmp_user_outcome(verdict, f.stuck);
	if (outcome == RMP_OUTCOME_SPLIT) {
		result = rmp_user_lock_and_split(regs, address);
		if (result)
			outcome = RMP_OUTCOME_DENIED;
	}
	rmp_fault_count(pfn, verdict, outcome, result);

	if (outcome == RMP_OUTCOME_DENIED || outcome == RMP_OUTCOME_STUCK) {
		rmp_user_log(&f, address, pfn, regs->ip);
		return true;
	}
	return f.mode == RMP_MODE_FIXUP && fatal_signal_pending(current);
}

/**
 * __rmp_fault_fixup() - can a page that is mapped for writing be written to?
 * @vma: its VMA
 * @address: user address
 *
 * The out-of-line half of rmp_fault_fixup(). The access itself was made with page
 * faults disabled, so its fault, with all that it knew, is gone.
 *
 * Context: process context, may sleep, mmap_lock held for reading.
 * Return: false if so, or if a mapping was split and it is to be tried again.
 */
bool __rmp_fault_fixup(struct vm_area_struct *vma, unsigned long address)
{
	struct rmp_fault f = {
		.error_code = X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP,
		.address = RMP_ADDRESS_USER,
		.mode = RMP_MODE_FIXUP,
	};
	enum rmp_verdict verdict;
	enum rmp_outcome outcome;
	int result = 0;
	u64 pfn;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return false;

	pfn = rmp_user_look(&f, vma->vm_mm, address);
	/* A page beyond the RMP faults here for its own reasons. */
	if (f.mapping == PG_LEVEL_NONE || !f.covered)
		return false;
	if (f.mapping > PG_LEVEL_4K && !f.mixed)
		f.stuck = rmp_user_stuck(0, address, pfn);

	verdict = rmp_fault_verdict(&f);
	outcome = rmp_user_outcome(verdict, f.stuck);
	if (outcome == RMP_OUTCOME_SPURIOUS)
		return false;

	if (outcome == RMP_OUTCOME_SPLIT && rmp_user_split(vma, address) == -EINVAL) {
		outcome = RMP_OUTCOME_DENIED;
		result = -EINVAL;
	}
	trace_rmp_fault(&f, address, pfn, 0);
	rmp_fault_count(pfn, verdict, outcome, result);
	return outcome == RMP_OUTCOME_DENIED;
}

/**
 * __rmp_keep_split() - is a page of this 2M region private?
 * @pfn: its first page frame
 *
 * The out-of-line half of rmp_keep_split().
 *
 * Context: any.
 * Return: true if so.
 */
bool __rmp_keep_split(u64 pfn)
{
	return cc_platform_has(CC_ATTR_HOST_SEV_SNP) && rmp_region_assigned(pfn);
}
