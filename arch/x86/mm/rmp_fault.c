// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host RMP faults. The kernel writes to a page that the RMP assigns to a guest:
 * on stock Linux a fatal oops, though the guest may have made the page private
 * behind the kernel's back. Here the page is returned to the host by RMPUPDATE
 * and the write is retried. The guest finds Validated cleared, and its next
 * private access ends in #VC. Writes to user addresses are decided here, too, and
 * treated in rmp_fault_user.c.
 *
 * Three steps: look (what do the page tables and the RMP say), decide
 * (rmp_fault_verdict(), a pure function), repair (rmp_flip_shared()).
 *
 * Invariants:
 * - Only faults with X86_PF_RMP are ours. A !PRESENT fault never is: conversion
 *   splits the direct map and never unmaps it, so a broken direct map still
 *   oopses, and a fault that finds nothing wrong any more is safely retried.
 * - The RMP entry's kind decides nothing. A guest can mark its own page as VMSA
 *   by RMPADJUST; if that meant "oops", it could kill the host. What can't be
 *   repaired is what hardware refuses to change.
 * - An exception table entry at the faulting instruction says nothing about
 *   which operand faulted: copy_from_user() has one for its user source, and
 *   with the fixup first, writing to a memfd whose page is private would short-
 *   copy for ever. So the flip comes first, the fixup after a refusal.
 * - Any context, NMI included: no lock, no sleep, no allocation, no printk, no
 *   change of page attributes. The log line leaves through irq_work.
 * - Retries without progress are bounded, retries with progress are not: a
 *   guest that re-privatises the page again and again must not reach the bound.
 *
 * Caller: do_kern_addr_fault(), by a hook.
 */
#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kprobes.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/smp.h>
#include <linux/sysfs.h>

#include <asm/rmp_fault.h>

#define CREATE_TRACE_POINTS
#include <trace/events/rmp.h>

#include "rmp_fault_parts.h"

EXPORT_TRACEPOINT_SYMBOL_GPL(rmp_fault);
EXPORT_TRACEPOINT_SYMBOL_GPL(rmp_verdict);
EXPORT_TRACEPOINT_SYMBOL_GPL(rmp_update);
EXPORT_TRACEPOINT_SYMBOL_GPL(rmp_psmash);

#undef pr_fmt
#define pr_fmt(fmt) "RMP fault: " fmt

/* Tries of one access on one CPU without progress, each of some RMPUPDATEs */
#define RMP_FAULT_MAX_TRIES	4096
/* Tries further apart than this are not one loop. */
#define RMP_FAULT_LOOP_GAP	HZ
/* Task, softirq, hardirq, NMI, and one for luck; more is a fault of our own. */
#define RMP_FAULT_MAX_DEPTH	5
#define RMP_TRY_SLOTS_SHIFT	2
#define RMP_EPOCH_SHIFT		6

struct rmp_try {
	unsigned long ip;
	unsigned long address;
	unsigned long when;		/* jiffies */
	long epoch;
	unsigned int count;
};

/* One line for the log, on its way from any context to irq_work. */
struct rmp_line {
	struct irq_work work;
	int busy;
	u64 pfn;
	unsigned long ip;
	struct rmp_view rmp;
	enum rmp_outcome outcome;
	int result;
};

static void rmp_fault_print(struct irq_work *work);

static DEFINE_PER_CPU(struct rmp_try, rmp_tries[1 << RMP_TRY_SLOTS_SHIFT]);
static DEFINE_PER_CPU(unsigned long, rmp_verdicts[NR_RMP_VERDICTS]);
static DEFINE_PER_CPU(unsigned long, rmp_outcomes[NR_RMP_OUTCOMES]);
static DEFINE_PER_CPU(unsigned long, rmp_flipped_pages);
static DEFINE_PER_CPU(int, rmp_fault_depth);
static DEFINE_PER_CPU(struct rmp_line, rmp_line) = {
	.work = IRQ_WORK_INIT(rmp_fault_print),
};

/* Moves when a page of a 2M region that hashes here is flipped, by any CPU. */
static atomic_long_t rmp_epochs[1 << RMP_EPOCH_SHIFT];
/* And this one when a page is converted. */
static atomic_long_t rmp_conversions[1 << RMP_EPOCH_SHIFT];

/* Policy: rmp_fault=oops leaves every fault to the stock path. */
static bool rmp_fault_oops;

/* What a write that the RMP refuses can carry, beside P, W and RMP */
#define USER_WRITE_BITS		(X86_PF_USER | X86_PF_SHSTK)

/**
 * rmp_fault_address() - what kind of address is this?
 * @address: any
 *
 * Context: any.
 * Return: its kind.
 */
enum rmp_address __kprobes rmp_fault_address(unsigned long address)
{
	if (address < TASK_SIZE_MAX)
		return RMP_ADDRESS_USER;
	if (address >= PAGE_OFFSET && address < PAGE_OFFSET + PFN_PHYS(max_pfn_mapped))
		return RMP_ADDRESS_DIRECT;
	return RMP_ADDRESS_VMAP;
}

static enum rmp_verdict __kprobes rmp_refusal(enum rmp_mode mode)
{
	switch (mode) {
	case RMP_MODE_USER:
		return RMP_VERDICT_SIGBUS;
	case RMP_MODE_FIXUP:
		return RMP_VERDICT_FIXUP;
	default:
		return RMP_VERDICT_OOPS;
	}
}

/* A user address: no page is ever taken from a guest for it. */
static enum rmp_verdict __kprobes rmp_user_verdict(const struct rmp_fault *f)
{
	if ((f->error_code & ~USER_WRITE_BITS) != (X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP))
		return RMP_VERDICT_STOCK;
	if (f->mapping == PG_LEVEL_NONE)
		return RMP_VERDICT_RETRY;
	if (!f->covered || f->rmp.assigned)
		return rmp_refusal(f->mode);
	if (f->mapping > PG_LEVEL_4K && (f->mixed || f->stuck))
		return f->mode == RMP_MODE_KERNEL ? RMP_VERDICT_OOPS : RMP_VERDICT_SPLIT;
	if (f->stuck)
		return rmp_refusal(f->mode);
	return RMP_VERDICT_RETRY;
}

/**
 * rmp_fault_verdict() - decide about a fault
 * @f: all that is known of it
 *
 * Pure. The rules for kernel addresses, first match counts:
 *
 * ================================================  ===========
 * not exactly a present, supervisor, data write     stock
 * CPU in user mode (exception push, descriptor)     stock
 * no leaf maps the address any more                 retry
 * the RMP has no entry for the page                 stock
 * assigned, 2M entry                                flip-2M
 * assigned, 4K entry, mapping above 4K              flip-region
 * assigned, 4K entry, 4K mapping                    flip-4K
 * not assigned, mapping above 4K, region mixed      flip-region
 * not assigned                                      retry
 * ================================================  ===========
 *
 * and for user addresses, "refused" being SIGBUS, fixup or oops by mode:
 *
 * ================================================  ===========
 * not a present data write (or shadow stack's)      stock
 * no leaf maps the address any more                 retry
 * the RMP has no entry for the page                 refused
 * assigned                                          refused
 * mapping above 4K, region mixed, or stuck          split
 * stuck                                             refused
 * not assigned                                      retry
 * ================================================  ===========
 *
 * The host's reads and fetches are never refused (APM vol. 2, 15.36.10), so if
 * hardware reports one, it reports something this code does not know. U/S is
 * checked before the RMP; user mode can name any kernel address, hence never
 * flips a page. If no leaf maps the address, the retry ends in an ordinary
 * !PRESENT fault.
 *
 * A fault that stays though nothing is wrong is the erratum worked around in
 * snp_safe_alloc_page(): a mapping above 4K that covers a 2M-aligned VMCB or
 * VMSA page in use. A split cures it.
 *
 * Context: any.
 * Return: the verdict.
 */
enum rmp_verdict __kprobes rmp_fault_verdict(const struct rmp_fault *f)
{
	if (f->address == RMP_ADDRESS_USER)
		return rmp_user_verdict(f);
	if (f->error_code != (X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP))
		return RMP_VERDICT_STOCK;
	if (f->mode == RMP_MODE_USER)
		return RMP_VERDICT_STOCK;
	if (f->mapping == PG_LEVEL_NONE)
		return RMP_VERDICT_RETRY;
	if (!f->covered)
		return RMP_VERDICT_STOCK;
	if (f->rmp.assigned && f->rmp.level == PG_LEVEL_2M)
		return RMP_VERDICT_FLIP_2M;
	if (f->mapping > PG_LEVEL_4K && (f->rmp.assigned || f->mixed))
		return RMP_VERDICT_FLIP_REGION;
	if (f->rmp.assigned)
		return RMP_VERDICT_FLIP_4K;
	return RMP_VERDICT_RETRY;
}

/*
 * Leaf that maps an address, as the walker sees it now. With IRQs off no page table
 * is freed below us: that waits for a TLB flush on all CPUs, or for RCU.
 */
static enum pg_level __kprobes rmp_fault_walk(pgd_t *table, unsigned long address, u64 *pfn)
{
	pgd_t pgd = READ_ONCE(*pgd_offset_pgd(table, address));
	p4d_t p4d;
	pud_t pud;
	pmd_t pmd;
	pte_t pte;

	*pfn = 0;
	if (!pgd_present(pgd))
		return PG_LEVEL_NONE;

	p4d = READ_ONCE(*p4d_offset(&pgd, address));
	if (!p4d_present(p4d))
		return PG_LEVEL_NONE;

	pud = READ_ONCE(*pud_offset(&p4d, address));
	if (!pud_present(pud))
		return PG_LEVEL_NONE;
	if (pud_leaf(pud)) {
		*pfn = pud_pfn(pud) + ((address & ~PUD_MASK) >> PAGE_SHIFT);
		return PG_LEVEL_1G;
	}

	pmd = READ_ONCE(*pmd_offset(&pud, address));
	if (!pmd_present(pmd))
		return PG_LEVEL_NONE;
	if (pmd_leaf(pmd)) {
		*pfn = pmd_pfn(pmd) + ((address & ~PMD_MASK) >> PAGE_SHIFT);
		return PG_LEVEL_2M;
	}

	pte = READ_ONCE(*pte_offset_kernel(&pmd, address));
	if (!pte_present(pte))
		return PG_LEVEL_NONE;

	*pfn = pte_pfn(pte);
	return PG_LEVEL_4K;
}

/**
 * rmp_fault_look() - what do page tables and RMP say about an address?
 * @f: its mapping, covered, mixed and rmp are filled in
 * @table: top-level page table
 * @address: below it
 * @pfn: page frame at the address, 0 if there is none
 *
 * Context: any, IRQs off.
 */
void __kprobes rmp_fault_look(struct rmp_fault *f, pgd_t *table, unsigned long address,
			      u64 *pfn)
{
	f->mapping = rmp_fault_walk(table, address, pfn);
	if (f->mapping != PG_LEVEL_NONE)
		f->covered = rmp_view_page(*pfn, &f->rmp);
	if (f->mapping > PG_LEVEL_4K)
		f->mixed = rmp_region_assigned(*pfn);
}

static atomic_long_t * __kprobes rmp_epoch(atomic_long_t *epochs, u64 pfn)
{
	return &epochs[hash_64(pfn >> (PMD_SHIFT - PAGE_SHIFT), RMP_EPOCH_SHIFT)];
}

/**
 * rmp_fault_stuck() - count one more try without progress of the same access
 * @ip: instruction
 * @address: what it writes to
 * @pfn: page frame there
 *
 * Progress is a flip in the same 2M region, by any CPU: it explains why there was
 * nothing left to do here, and why there may be something again. No flip comes of
 * user addresses, so for them a conversion explains as much. An NMI may come
 * between; it costs an exact count, not the bound.
 *
 * Context: any, preemption off.
 * Return: true if that was one too many.
 */
bool __kprobes rmp_fault_stuck(unsigned long ip, unsigned long address, u64 pfn)
{
	struct rmp_try *t = this_cpu_ptr(&rmp_tries[hash_long(address ^ ip, RMP_TRY_SLOTS_SHIFT)]);
	long epoch = atomic_long_read(rmp_epoch(rmp_epochs, pfn));

	if (rmp_fault_address(address) == RMP_ADDRESS_USER)
		epoch += atomic_long_read(rmp_epoch(rmp_conversions, pfn));
	if (t->ip != ip || t->address != address || t->epoch != epoch ||
	    time_after(jiffies, t->when + RMP_FAULT_LOOP_GAP)) {
		t->ip = ip;
		t->address = address;
		t->epoch = epoch;
		t->count = 0;
	}
	t->when = jiffies;

	if (++t->count < RMP_FAULT_MAX_TRIES)
		return false;

	t->count = 0;
	return true;
}

/**
 * rmp_fault_converted() - somebody but this handler has changed the RMP
 * @pfn: page frame, any of its 2M region
 *
 * Context: any.
 */
void __kprobes rmp_fault_converted(u64 pfn)
{
	atomic_long_inc(rmp_epoch(rmp_conversions, pfn));
}

/*
 * A vCPU that runs on the page leaves it at its next exit. It need not come to one
 * by itself where there is no tick (nohz_full), but any interrupt is one. An NMI may
 * have come between the two writes by which the APIC is told to send one.
 */
static void __kprobes rmp_fault_interrupt_others(void)
{
	unsigned int cpu;

	if (in_nmi())
		return;

	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			arch_smp_send_reschedule(cpu);
}

/*
 * Hardware keeps immutable pages. Firmware's own stay so; one that has an ASID is just
 * being measured into a guest (Pre-Guest, SEV-SNP firmware ABI), for one command.
 */
static bool __kprobes rmp_fault_measured(u64 pfn)
{
	struct rmp_view v;

	return rmp_view_page(pfn, &v) && !(v.assigned && v.immutable && !v.asid);
}

static int __kprobes rmp_fault_flip(u64 pfn, enum pg_level level)
{
	int ret;

	if (level == PG_LEVEL_2M)
		pfn = ALIGN_DOWN(pfn, PTRS_PER_PMD);

	ret = rmp_flip_shared(pfn, level);
	if (!ret) {
		this_cpu_add(rmp_flipped_pages, page_level_size(level) >> PAGE_SHIFT);
		atomic_long_inc(rmp_epoch(rmp_epochs, pfn));
	} else if (ret == RMPUPDATE_FAIL_INUSE) {
		rmp_fault_interrupt_others();
	} else if (ret == RMPUPDATE_FAIL_PERMISSION && rmp_fault_measured(pfn)) {
		/* All tries together are to outlast a command: milliseconds. */
		cpu_relax();
		udelay(8);
		ret = -EAGAIN;
	}
	return ret;
}

/* Every assigned page of the region; the first failure is the answer. */
static int __kprobes rmp_fault_flip_region(u64 pfn)
{
	u64 base = ALIGN_DOWN(pfn, PTRS_PER_PMD);
	struct rmp_view v;
	int i, ret;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		if (!rmp_view_page(base + i, &v) || !v.assigned)
			continue;
		ret = rmp_fault_flip(base + i, v.level);
		if (ret)
			return ret;
	}
	return 0;
}

static int __kprobes rmp_fault_repair(enum rmp_verdict verdict, u64 pfn)
{
	switch (verdict) {
	case RMP_VERDICT_FLIP_4K:
		return rmp_fault_flip(pfn, PG_LEVEL_4K);
	case RMP_VERDICT_FLIP_2M:
		return rmp_fault_flip(pfn, PG_LEVEL_2M);
	case RMP_VERDICT_FLIP_REGION:
		return rmp_fault_flip_region(pfn);
	default:
		return 0;
	}
}

static enum rmp_outcome __kprobes rmp_fault_outcome(enum rmp_verdict verdict, int result)
{
	if (verdict == RMP_VERDICT_STOCK)
		return RMP_OUTCOME_STOCK;
	if (verdict == RMP_VERDICT_RETRY)
		return RMP_OUTCOME_SPURIOUS;

	switch (result) {
	case 0:
		return RMP_OUTCOME_RECOVERED;
	case RMPUPDATE_FAIL_INUSE:	/* a vCPU runs on this VMSA just now */
	case RMPUPDATE_FAIL_OVERLAP:	/* another size, or another CPU: look again */
	case -EAGAIN:			/* firmware has it for a moment */
		return RMP_OUTCOME_BUSY;
	default:
		return RMP_OUTCOME_REFUSED;
	}
}

static const char * const rmp_verdict_names[NR_RMP_VERDICTS] = {
	[RMP_VERDICT_STOCK]		= "stock",
	[RMP_VERDICT_RETRY]		= "retry",
	[RMP_VERDICT_FLIP_4K]		= "flip-4K",
	[RMP_VERDICT_FLIP_2M]		= "flip-2M",
	[RMP_VERDICT_FLIP_REGION]	= "flip-region",
	[RMP_VERDICT_SPLIT]		= "split",
	[RMP_VERDICT_SIGBUS]		= "sigbus",
	[RMP_VERDICT_FIXUP]		= "fixup",
	[RMP_VERDICT_OOPS]		= "oops",
};

static const char * const rmp_outcome_names[NR_RMP_OUTCOMES] = {
	[RMP_OUTCOME_STOCK]	= "stock",
	[RMP_OUTCOME_RECOVERED]	= "recovered",
	[RMP_OUTCOME_SPURIOUS]	= "spurious",
	[RMP_OUTCOME_BUSY]	= "busy",
	[RMP_OUTCOME_REFUSED]	= "refused",
	[RMP_OUTCOME_STUCK]	= "stuck",
	[RMP_OUTCOME_DECLINED]	= "declined",
	[RMP_OUTCOME_SPLIT]	= "split",
	[RMP_OUTCOME_DENIED]	= "denied",
};

/**
 * rmp_fault_count() - a fault has ended
 * @pfn: page frame
 * @verdict: what was decided
 * @outcome: how it ended
 * @result: of the repair
 *
 * Context: any.
 */
void __kprobes rmp_fault_count(u64 pfn, enum rmp_verdict verdict, enum rmp_outcome outcome,
			       int result)
{
	this_cpu_inc(rmp_verdicts[verdict]);
	this_cpu_inc(rmp_outcomes[outcome]);
	trace_rmp_verdict(pfn, verdict, outcome, result);
}

static void rmp_fault_print(struct irq_work *work)
{
	struct rmp_line *l = container_of(work, struct rmp_line, work);

	pr_warn_ratelimited("pfn 0x%llx, %s entry 0x%016llx (ASID %u, GPA 0x%llx), written by %pS: %s, RMPUPDATE %d\n",
			    l->pfn, l->rmp.level == PG_LEVEL_2M ? "2M" : "4K",
			    l->rmp.lo, l->rmp.asid, l->rmp.gpa, (void *)l->ip,
			    rmp_outcome_names[l->outcome], l->result);

	/* Pairs with the cmpxchg in rmp_fault_log(): read out before it is refilled. */
	smp_store_release(&l->busy, 0);
}

/* The first of several faults on a CPU is told, until irq_work ran; all are counted. */
static void __kprobes rmp_fault_log(const struct rmp_fault *f, u64 pfn, unsigned long ip,
				    enum rmp_outcome outcome, int result)
{
	struct rmp_line *l = this_cpu_ptr(&rmp_line);

	if (cmpxchg(&l->busy, 0, 1))
		return;

	l->pfn = pfn;
	l->ip = ip;
	l->rmp = f->rmp;
	l->outcome = outcome;
	l->result = result;
	irq_work_queue(&l->work);
}

static bool __kprobes rmp_fault_decide(struct pt_regs *regs, unsigned long error_code,
				       unsigned long address)
{
	/* With or without a fixup is the same here, and costs a search to know. */
	struct rmp_fault f = {
		.error_code = error_code,
		.address = rmp_fault_address(address),
		.mode = user_mode(regs) ? RMP_MODE_USER : RMP_MODE_KERNEL,
	};
	enum rmp_outcome outcome;
	enum rmp_verdict verdict;
	int result = 0;
	u64 pfn;

	rmp_fault_look(&f, init_mm.pgd, address, &pfn);
	trace_rmp_fault(&f, address, pfn, regs->ip);

	verdict = rmp_fault_verdict(&f);
	if (verdict != RMP_VERDICT_STOCK && READ_ONCE(rmp_fault_oops)) {
		outcome = RMP_OUTCOME_DECLINED;
	} else {
		result = rmp_fault_repair(verdict, pfn);
		outcome = rmp_fault_outcome(verdict, result);
	}
	if ((outcome == RMP_OUTCOME_SPURIOUS || outcome == RMP_OUTCOME_BUSY) &&
	    rmp_fault_stuck(regs->ip, address, pfn))
		outcome = RMP_OUTCOME_STUCK;

	rmp_fault_count(pfn, verdict, outcome, result);

	switch (outcome) {
	case RMP_OUTCOME_SPURIOUS:
	case RMP_OUTCOME_BUSY:
		return true;
	case RMP_OUTCOME_RECOVERED:
		rmp_fault_log(&f, pfn, regs->ip, outcome, result);
		return true;
	case RMP_OUTCOME_REFUSED:
	case RMP_OUTCOME_STUCK:
		rmp_fault_log(&f, pfn, regs->ip, outcome, result);
		return false;
	default:
		return false;
	}
}

/**
 * __rmp_fault_kernel() - mend an RMP fault on a kernel address
 * @regs: interrupted context
 * @error_code: of the #PF, X86_PF_RMP is set
 * @address: CR2
 *
 * The out-of-line half of rmp_fault_kernel().
 *
 * Context: #PF with IRQs off, in any interrupted context, NMI included.
 * Return: true if the access is to be retried, false for the stock path, which
 * is exception fixup, then oops.
 */
bool __kprobes __rmp_fault_kernel(struct pt_regs *regs, unsigned long error_code,
				  unsigned long address)
{
	bool retry = false;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return false;

	/* A fault on what this handler itself writes must end in the oops. */
	if (this_cpu_inc_return(rmp_fault_depth) <= RMP_FAULT_MAX_DEPTH)
		retry = rmp_fault_decide(regs, error_code, address);
	this_cpu_dec(rmp_fault_depth);

	return retry;
}

/**
 * rmp_outcome_name() - an outcome in a word
 * @outcome: which
 *
 * Context: any.
 * Return: as in debugfs and in the log.
 */
const char *rmp_outcome_name(enum rmp_outcome outcome)
{
	return rmp_outcome_names[outcome];
}

static u64 rmp_sum(unsigned long __percpu *count)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(count, cpu);
	return sum;
}

/**
 * rmp_verdict_name() - a verdict in a word
 * @verdict: the verdict
 *
 * Context: any.
 * Return: the word that files and trace events use.
 */
const char *rmp_verdict_name(enum rmp_verdict verdict)
{
	return rmp_verdict_names[verdict];
}

/**
 * rmp_faults_decided() - faults since boot
 * @verdict: what was decided about them
 *
 * Context: any.
 * Return: their number.
 */
u64 rmp_faults_decided(enum rmp_verdict verdict)
{
	return rmp_sum(&rmp_verdicts[verdict]);
}

/**
 * rmp_faults_ended() - faults since boot
 * @outcome: how they ended
 *
 * Context: any.
 * Return: their number.
 */
u64 rmp_faults_ended(enum rmp_outcome outcome)
{
	return rmp_sum(&rmp_outcomes[outcome]);
}

/**
 * rmp_fault_flipped_pages() - 4K pages returned to the host by faults since boot
 *
 * Context: any.
 * Return: their number.
 */
u64 rmp_fault_flipped_pages(void)
{
	return rmp_sum(&rmp_flipped_pages);
}

/* rmp_fault=recover|oops on the command line, /sys/module/kernel/parameters */
static int rmp_policy_set(const char *val, const struct kernel_param *kp)
{
	if (sysfs_streq(val, "recover"))
		WRITE_ONCE(rmp_fault_oops, false);
	else if (sysfs_streq(val, "oops"))
		WRITE_ONCE(rmp_fault_oops, true);
	else
		return -EINVAL;

	return 0;
}

static int rmp_policy_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", READ_ONCE(rmp_fault_oops) ? "oops" : "recover");
}

static const struct kernel_param_ops rmp_policy_ops = {
	.set = rmp_policy_set,
	.get = rmp_policy_get,
};

__module_param_call("", rmp_fault, &rmp_policy_ops, NULL, 0644, -1, 0);

static int rmp_count_get(void *data, u64 *val)
{
	*val = rmp_sum((unsigned long __percpu __force *)data);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(rmp_count_fops, rmp_count_get, NULL, "%llu\n");

static void __init rmp_count_file(const char *name, struct dentry *dir,
				  unsigned long __percpu *count)
{
	debugfs_create_file_unsafe(name, 0444, dir, (void __force *)count, &rmp_count_fops);
}

/* debugfs rmp_fault/: faults by outcome, and 4K pages flipped, since boot */
static int __init rmp_fault_init(void)
{
	struct dentry *dir;
	int i;

	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return 0;

	dir = debugfs_create_dir("rmp_fault", NULL);
	for (i = 0; i < NR_RMP_OUTCOMES; i++)
		rmp_count_file(rmp_outcome_names[i], dir, &rmp_outcomes[i]);
	rmp_count_file("flipped_pages", dir, &rmp_flipped_pages);
	return 0;
}
late_initcall(rmp_fault_init);
