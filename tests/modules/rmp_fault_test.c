// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host writes to private pages, on request. debugfs rmp_fault_test/:
 *
 *	run	write the name of a case: it runs, and write() fails with EIO
 *		(property violated) or with what kept it from running
 *	result	key=value line about the last case
 *	write	"<pfn> <offset> <value>": one byte through the direct map
 *
 * A case makes pages private by upstream's rmp_make_private(), for an ASID that
 * no guest has, writes to them in some context, and looks at memory and RMP.
 * Invariant: what a case made private is shared again, or leaked, before it is
 * freed. Used by tests/kselftest/rmp_fault_test.c; counters and trace are looked
 * at there.
 */
#include <linux/completion.h>
#include <linux/console.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/psp-sev.h>
#include <linux/serial_core.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/apic.h>
#include <asm/asm.h>
#include <asm/nmi.h>
#include <asm/sev.h>

#include <trace/events/rmp.h>

#include "private.h"

#define OFFSET		0x7c3
#define STORM_ROUNDS	500
/* More than the handler's bound on retries without progress. */
#define RETAKE_WRITES	100
#define RETAKE_ROUNDS	60
#define STUCK_ROUNDS	20000
/* Registers of a device, on every PC; not written to. */
#define MMIO_ADDRESS	0xfee00000ULL

static DEFINE_MUTEX(run_lock);
static char result[256];
static u64 case_pfn;

/* What a context is to do: store @value at @va, once. */
struct job {
	u8 *va;
	u8 value;
	bool done;
	union {
		struct irq_work irq_work;
		struct tasklet_struct tasklet;
	};
};

static struct job *nmi_job;

static __printf(1, 2) int fail(const char *fmt, ...)
{
	int n = strlen(result);
	va_list args;

	va_start(args, fmt);
	vsnprintf(result + n, sizeof(result) - n, fmt, args);
	va_end(args);
	return -EIO;
}

/*
 * Nothing but the instruction, for callers in a fault handler: rmp_make_private()
 * may split the direct map, and sleep.
 */
static int rmpupdate_raw(u64 pfn, enum pg_level level, bool assigned)
{
	struct rmp_state state = {
		.gpa = assigned ? TEST_GPA + PFN_PHYS(pfn) : 0,
		.asid = assigned ? asid : 0,
		.assigned = assigned,
		.pagesize = PG_LEVEL_TO_RMP(level),
	};
	int ret;

	/* Binutils version 2.36 supports the RMPUPDATE mnemonic. */
	asm volatile(".byte 0xF2, 0x0F, 0x01, 0xFE"
		     : "=a" (ret) : "a" (PFN_PHYS(pfn)), "c" (&state) : "memory", "cc");
	return ret;
}

static struct page *get_pages(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

	if (page)
		case_pfn = page_to_pfn(page);
	return page;
}

static int put_pages(struct page *page, unsigned int order)
{
	u64 leaked = share_pages(page, 1 << order);

	if (leaked)
		return fail(" leaked=0x%llx", leaked);
	__free_pages(page, order);
	return 0;
}

/* Its store is a place for a kprobe, hence the symbol. */
static noinline __noclone void store(u8 *p, u8 value)
{
	asm volatile(".globl rmp_fault_test_insn\n"
		     "rmp_fault_test_insn:	movb %1, (%0)"
		     : : "r" (p), "q" (value) : "memory");
}

/* As nofault accessors do it: -EFAULT instead of an oops. */
static int store_nofault(u8 *p, u8 value)
{
	int err = -EFAULT;

	asm volatile("1:	movb %2, (%1)\n"
		     "	xorl %0, %0\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+&r" (err) : "r" (p), "q" (value) : "memory", "cc");
	return err;
}

static void do_job(struct job *job)
{
	store(job->va, job->value);
	WRITE_ONCE(job->done, true);
}

static int from_task(struct job *job)
{
	do_job(job);
	return 0;
}

static int from_irqoff(struct job *job)
{
	bool stayed;

	local_irq_disable();
	do_job(job);
	stayed = irqs_disabled();
	local_irq_enable();
	return stayed ? 0 : fail(" irqs came on");
}

static int from_preempt(struct job *job)
{
	preempt_disable();
	do_job(job);
	preempt_enable();
	return 0;
}

static int from_spinlock(struct job *job)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock_irq(&lock);
	do_job(job);
	spin_unlock_irq(&lock);
	return 0;
}

static void job_irq_work(struct irq_work *work)
{
	do_job(container_of(work, struct job, irq_work));
}

static int from_hardirq(struct job *job)
{
	init_irq_work(&job->irq_work, job_irq_work);
	irq_work_queue(&job->irq_work);
	irq_work_sync(&job->irq_work);
	return 0;
}

static void job_tasklet(struct tasklet_struct *t)
{
	do_job(container_of(t, struct job, tasklet));
}

static int from_softirq(struct job *job)
{
	tasklet_setup(&job->tasklet, job_tasklet);
	tasklet_schedule(&job->tasklet);
	while (!READ_ONCE(job->done))
		usleep_range(100, 200);
	tasklet_kill(&job->tasklet);
	return 0;
}

static int job_nmi(unsigned int cmd, struct pt_regs *regs)
{
	struct job *job = xchg(&nmi_job, NULL);

	if (!job)
		return NMI_DONE;
	do_job(job);
	return NMI_HANDLED;
}

static int from_nmi(struct job *job)
{
	int ms;

	if (register_nmi_handler(NMI_LOCAL, job_nmi, 0, "rmp_fault_test"))
		return -EBUSY;
	WRITE_ONCE(nmi_job, job);
	preempt_disable();
	apic->send_IPI(smp_processor_id(), NMI_VECTOR);
	preempt_enable();
	for (ms = 0; ms < 2000 && !READ_ONCE(job->done); ms++)
		mdelay(1);
	WRITE_ONCE(nmi_job, NULL);
	unregister_nmi_handler(NMI_LOCAL, "rmp_fault_test");
	return 0;
}

/* A post handler keeps the copy single-stepped. */
static void probe_post(struct kprobe *p, struct pt_regs *regs, unsigned long flags) { }

static int from_kprobe(struct job *job)
{
	struct kprobe kp = {
		.symbol_name = "rmp_fault_test_insn",
		.post_handler = probe_post,
	};
	int ret = register_kprobe(&kp);

	if (ret)
		return ret;
	do_job(job);
	unregister_kprobe(&kp);
	return kp.nmissed ? fail(" kprobe missed") : 0;
}

/* One private page, one store in the context: stored, and shared. */
static int write_in(int (*context)(struct job *job))
{
	struct job *job __free(kfree) = kzalloc(sizeof(*job), GFP_KERNEL);
	struct page *page = get_pages(0);
	int ret = -ENOMEM;

	if (!job || !page)
		goto out;
	job->va = (u8 *)page_address(page) + OFFSET;
	job->value = 0x5a;

	ret = make_private(case_pfn, PG_LEVEL_4K);
	if (ret)
		goto out;
	if (!is_private(case_pfn)) {
		ret = fail(" not private at first");
		goto out;
	}
	ret = context(job);
	if (ret)
		goto out;
	if (!job->done)
		ret = fail(" the store was not reached");
	else if (READ_ONCE(*job->va) != job->value)
		ret = fail(" stored=%#x", *job->va);
	else if (is_private(case_pfn))
		ret = fail(" still private");
out:
	if (page && put_pages(page, 0))
		ret = -EIO;
	return ret;
}

static int case_plain(const char __user *u) { return write_in(from_task); }
static int case_irqoff(const char __user *u) { return write_in(from_irqoff); }
static int case_preempt(const char __user *u) { return write_in(from_preempt); }
static int case_spinlock(const char __user *u) { return write_in(from_spinlock); }
static int case_hardirq(const char __user *u) { return write_in(from_hardirq); }
static int case_softirq(const char __user *u) { return write_in(from_softirq); }
static int case_nmi(const char __user *u) { return write_in(from_nmi); }
static int case_kprobe(const char __user *u) { return write_in(from_kprobe); }

/* The console's port is locked by the interrupted code: a printk() would wait for it. */
static int from_console(struct job *job)
{
	struct uart_port *port = NULL;
	struct uart_driver *drv;
	struct console *con;
	unsigned long flags;

	console_list_lock();
	for_each_console(con) {
		if (strcmp(con->name, "ttyS") || con->index < 0)
			continue;
		drv = con->data;
		port = drv->state[con->index].uart_port;
	}
	console_list_unlock();
	if (!port)
		return -ENODEV;

	spin_lock_irqsave(&port->lock, flags);
	do_job(job);
	spin_unlock_irqrestore(&port->lock, flags);
	return 0;
}

static struct job *inside_job;

/* In the handler, just after its RMPUPDATE: an NMI, which faults as well. */
static void nmi_inside(void *data, u64 pfn, const struct rmp_state *state, int ret)
{
	struct job *job;
	int us;

	if (pfn != case_pfn || state->assigned)
		return;
	job = xchg(&inside_job, NULL);
	if (!job)
		return;
	WRITE_ONCE(nmi_job, job);
	apic->send_IPI(smp_processor_id(), NMI_VECTOR);
	for (us = 0; us < USEC_PER_SEC && !READ_ONCE(job->done); us++)
		udelay(1);
}

static int from_handler(struct job *job)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct job inner = { .value = 0xc3 };
	u64 pfn;
	int ret;

	if (!page)
		return -ENOMEM;
	pfn = page_to_pfn(page);
	inner.va = (u8 *)page_address(page) + OFFSET;
	ret = make_private(pfn, PG_LEVEL_4K) ?:
	      register_nmi_handler(NMI_LOCAL, job_nmi, 0, "rmp_fault_test");
	if (ret)
		goto out;
	ret = register_trace_rmp_update(nmi_inside, NULL);
	if (!ret) {
		WRITE_ONCE(inside_job, &inner);
		do_job(job);
		WRITE_ONCE(inside_job, NULL);
		unregister_trace_rmp_update(nmi_inside, NULL);
		tracepoint_synchronize_unregister();
	}
	WRITE_ONCE(nmi_job, NULL);
	unregister_nmi_handler(NMI_LOCAL, "rmp_fault_test");
	if (ret)
		goto out;
	if (!inner.done)
		ret = fail(" no NMI came");
	else if (*inner.va != inner.value || is_private(pfn))
		ret = fail(" the NMI's own write");
out:
	return put_pages(page, 0) ?: ret;
}

static int case_console(const char __user *u) { return write_in(from_console); }
static int case_nested(const char __user *u) { return write_in(from_handler); }

static atomic_t case1_ready, case1_inside;

/* In the handler, after it has read the RMP: nobody repairs before both have. */
static void case1_meet(void *data, const struct rmp_fault *f, unsigned long address,
		       u64 pfn, unsigned long ip)
{
	int us;

	if (pfn != case_pfn)
		return;
	atomic_inc(&case1_inside);
	for (us = 0; us < USEC_PER_SEC && atomic_read(&case1_inside) < 2; us++)
		udelay(1);
}

static struct case1_thread {
	struct job job;
	struct completion done;
} case1_threads[2];

static int case1_fn(void *data)
{
	struct case1_thread *t = data;
	int us;

	/*
	 * Nobody waits in the handler, interrupts off, for one who can't run: from
	 * here on both have their CPU.
	 */
	preempt_disable();
	atomic_inc(&case1_ready);
	for (us = 0; us < 10 * USEC_PER_SEC && atomic_read(&case1_ready) < 2; us++)
		udelay(1);
	do_job(&t->job);
	preempt_enable();
	complete(&t->done);
	return 0;
}

/* CASE1: two threads fault on one page before either has repaired it. */
static int case_case1(const char __user *u)
{
	struct task_struct *task[ARRAY_SIZE(case1_threads)];
	struct page *page;
	int cpu, ret, i, n = 0;
	u8 *va;

	if (num_online_cpus() < 2)
		return -ENODEV;
	page = get_pages(0);
	if (!page)
		return -ENOMEM;
	va = (u8 *)page_address(page) + OFFSET;
	atomic_set(&case1_ready, 0);
	atomic_set(&case1_inside, 0);
	ret = make_private(case_pfn, PG_LEVEL_4K) ?:
	      register_trace_rmp_fault(case1_meet, NULL);
	if (ret)
		goto out;

	for_each_online_cpu(cpu) {
		struct case1_thread *t = &case1_threads[n];

		t->job = (struct job) { .va = va + n, .value = 0x31 + n };
		init_completion(&t->done);
		task[n] = kthread_create_on_cpu(case1_fn, t, cpu, "rmp_case1/%u");
		ret = PTR_ERR_OR_ZERO(task[n]);
		if (ret || ++n == ARRAY_SIZE(case1_threads))
			break;
	}
	for (i = 0; i < n; i++)
		if (ret)
			kthread_stop(task[i]);	/* never ran */
		else
			wake_up_process(task[i]);
	if (ret)
		n = 0;
	while (n--)
		if (!wait_for_completion_timeout(&case1_threads[n].done, 20 * HZ))
			ret = fail(" thread %d did not continue", n);
	unregister_trace_rmp_fault(case1_meet, NULL);
	tracepoint_synchronize_unregister();

	if (!ret && atomic_read(&case1_inside) != 2)
		ret = fail(" %d faults", atomic_read(&case1_inside));
	for (n = 0; !ret && n < ARRAY_SIZE(case1_threads); n++)
		if (va[n] != 0x31 + n)
			ret = fail(" thread %d lost its store", n);
	if (!ret && is_private(case_pfn))
		ret = fail(" still private");
out:
	return put_pages(page, 0) ?: ret;
}

static void store_by_cpu(void *va)
{
	unsigned int cpu = smp_processor_id();

	store((u8 *)va + cpu, cpu + 1);
}

/* All CPUs at once on one page: CASE1, all of them continue. */
static int case_allcpus(const char __user *u)
{
	struct page *page = get_pages(0);
	int cpu, round, ret = 0;
	u8 *va;

	if (!page)
		return -ENOMEM;
	va = page_address(page);
	for (round = 0; !ret && round < 50; round++) {
		memset(va, 0, PAGE_SIZE);
		ret = make_private(case_pfn, PG_LEVEL_4K);
		if (ret)
			break;
		on_each_cpu(store_by_cpu, va, 1);
		for_each_online_cpu(cpu)
			if (va[cpu] != cpu + 1)
				ret = fail(" cpu%d lost its store", cpu);
		if (is_private(case_pfn))
			ret = fail(" still private");
	}
	return put_pages(page, 0) ?: ret;
}

static void store_to_own_page(void *va)
{
	unsigned int cpu = smp_processor_id();

	store((u8 *)va + cpu * PAGE_SIZE, cpu + 1);
}

/* Each CPU on its page of one 2M region; the page after the last stays private. */
static int case_neighbours(const char __user *u)
{
	struct page *page = get_pages(HUGE_ORDER);
	unsigned int cpu, round;
	int ret = 0;
	u8 *va;

	if (!page)
		return -ENOMEM;
	va = page_address(page);
	for (round = 0; !ret && round < 20; round++) {
		for (cpu = 0; !ret && cpu <= nr_cpu_ids; cpu++) {
			if (!is_private(case_pfn + cpu)) {
				va[cpu * PAGE_SIZE] = 0;
				ret = make_private(case_pfn + cpu, PG_LEVEL_4K);
			}
		}
		if (ret)
			break;
		on_each_cpu(store_to_own_page, va, 1);
		for_each_online_cpu(cpu)
			if (va[cpu * PAGE_SIZE] != cpu + 1 || is_private(case_pfn + cpu))
				ret = fail(" cpu%u's page", cpu);
		if (!is_private(case_pfn + nr_cpu_ids))
			ret = fail(" a neighbour was flipped too");
	}
	return put_pages(page, HUGE_ORDER) ?: ret;
}

/* A write to a page of a 2M entry; smashed: of 512 entries of 4K, which PSMASH made. */
static int write_in_2m(bool smashed)
{
	struct page *page = alloc_huge_mapped();
	int i, ret;
	u8 *p;

	if (!page)
		return -ENOMEM;
	case_pfn = page_to_pfn(page);
	ret = make_private(case_pfn, PG_LEVEL_2M);
	if (!ret && smashed && psmash(case_pfn))
		ret = -ENXIO;
	if (!ret) {
		p = (u8 *)page_address(page) + 137 * PAGE_SIZE + OFFSET;
		if (smashed && level_of(p) != PG_LEVEL_4K)
			ret = fail(" direct map level %u", level_of(p));
		store(p, 0xa7);
		if (*p != 0xa7)
			ret = fail(" stored=%#x", *p);
		for (i = 0; i < PTRS_PER_PMD; i++) {
			bool want = smashed && i != 137;

			if (is_private(case_pfn + i) != want)
				ret = fail(" page %d", i);
		}
	}
	return put_pages(page, HUGE_ORDER) ?: ret;
}

/* A 2M entry is flipped whole. */
static int case_huge(const char __user *u) { return write_in_2m(false); }
/* PSMASH splits the direct map before, so that one page is flipped alone. */
static int case_psmash(const char __user *u) { return write_in_2m(true); }

/* One private page, and what to do at @p in it. */
static int on_private(int (*act)(u8 *p, const char __user *u), const char __user *u)
{
	struct page *page = get_pages(0);
	int ret;

	if (!page)
		return -ENOMEM;
	ret = make_private(case_pfn, PG_LEVEL_4K) ?: act((u8 *)page_address(page) + OFFSET, u);
	return put_pages(page, 0) ?: ret;
}

static int read_it(u8 *p, const char __user *u)
{
	READ_ONCE(*p);
	if (!is_private(case_pfn))
		return fail(" flipped by a read");
	return 0;
}

static int copy_to_it(u8 *p, const char __user *u)
{
	char want[4];

	if (copy_from_user(p, u, sizeof(want)) || copy_from_user(want, u, sizeof(want)))
		return fail(" short copy");
	if (memcmp(p, want, sizeof(want)))
		return fail(" wrong bytes");
	if (is_private(case_pfn))
		return fail(" still private");
	return 0;
}

static int fail_at_it(u8 *p, const char __user *u)
{
	if (store_nofault(p, 1) != -EFAULT)
		return fail(" no fault");
	if (!is_private(case_pfn))
		return fail(" flipped");
	return 0;
}

/* Reads are never refused, and flip nothing. */
static int case_read(const char __user *u) { return on_private(read_it, u); }
/* copy_from_user() to a private page: the fixup is for the user side. */
static int case_uaccess(const char __user *u) { return on_private(copy_to_it, u); }
/* With rmp_fault=oops nothing is flipped: the fixup answers, here. */
static int case_declined(const char __user *u) { return on_private(fail_at_it, u); }

/* A page of the firmware's is immutable: RMPUPDATE refuses, the fixup answers. */
static int case_refused(const char __user *u)
{
	u8 *va = snp_alloc_firmware_page(GFP_KERNEL);
	int ret = 0;

	if (!va)
		return -ENOMEM;
	case_pfn = __pa(va) >> PAGE_SHIFT;
	if (!is_private(case_pfn))
		ret = -ENXIO;
	else if (store_nofault(va + OFFSET, 1) != -EFAULT)
		ret = fail(" no fault");
	else if (!is_private(case_pfn))
		ret = fail(" flipped");
	snp_free_firmware_page(va);
	return ret;
}

static bool write_waits;
static DECLARE_COMPLETION(reclaimer_runs);

static void see_waiting(void *data, u64 pfn, enum rmp_verdict verdict,
			enum rmp_outcome outcome, int ret)
{
	if (pfn == case_pfn && outcome == RMP_OUTCOME_BUSY)
		WRITE_ONCE(write_waits, true);
}

static int reclaim_thread(void *pfn)
{
	struct sev_data_snp_page_reclaim reclaim = { .paddr = PFN_PHYS((unsigned long)pfn) };
	int error;

	complete(&reclaimer_runs);
	while (!READ_ONCE(write_waits) && !kthread_should_stop())
		cpu_relax();
	return sev_do_cmd(SEV_CMD_SNP_PAGE_RECLAIM, &reclaim, &error);
}

/*
 * A page on its way into a guest's initial image is immutable until firmware has taken
 * it, or it was reclaimed as here: the write waits for that, and completes.
 */
static int case_measured(const char __user *u)
{
	struct page *page = get_pages(0);
	unsigned int cpu;
	struct task_struct *task;
	int ret, reclaimed;
	u8 *p;

	if (!page)
		return -ENOMEM;
	p = (u8 *)page_address(page) + OFFSET;
	/* The two keep a CPU each. */
	migrate_disable();
	cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	ret = -ENODEV;
	if (cpu >= nr_cpu_ids)
		goto out;
	write_waits = false;
	reinit_completion(&reclaimer_runs);
	ret = rmp_make_private(case_pfn, TEST_GPA + PFN_PHYS(case_pfn), PG_LEVEL_4K, asid, true) ?:
	      register_trace_rmp_verdict(see_waiting, NULL);
	if (ret)
		goto out;
	task = kthread_create_on_cpu(reclaim_thread, (void *)(unsigned long)case_pfn, cpu,
				     "rmp_reclaim/%u");
	ret = PTR_ERR_OR_ZERO(task);
	if (ret)
		goto unregister;
	get_task_struct(task);
	wake_up_process(task);
	wait_for_completion(&reclaimer_runs);
	ret = store_nofault(p, 0xa8);
	reclaimed = kthread_stop_put(task);
	if (ret || *p != 0xa8)
		ret = fail(" write %d, stored=%#x, reclaim %d", ret, *p, reclaimed);
	else if (reclaimed)
		ret = fail(" reclaim %d", reclaimed);
	else if (is_private(case_pfn))
		ret = fail(" still private");
unregister:
	unregister_trace_rmp_verdict(see_waiting, NULL);
	tracepoint_synchronize_unregister();
out:
	migrate_enable();
	return put_pages(page, 0) ?: ret;
}

static void flush_one(void *va)
{
	asm volatile("invlpg (%0)" : : "r" (va) : "memory");
}

/*
 * The direct map, broken on purpose at a page that was private until now, so
 * that it is mapped by a 4K entry. Returns the entry, NULL if it is larger.
 */
static pte_t *break_direct_map(struct page *page, pte_t *old)
{
	unsigned long va = (unsigned long)page_address(page);
	unsigned int level;
	pte_t *pte;

	if (make_private(case_pfn, PG_LEVEL_4K) || rmp_make_shared(case_pfn, PG_LEVEL_4K))
		return NULL;
	pte = lookup_address(va, &level);
	if (!pte || level != PG_LEVEL_4K)
		return NULL;
	*old = *pte;
	WRITE_ONCE(*pte, __pte(0));
	on_each_cpu(flush_one, (void *)va, 1);
	return pte;
}

/* A !PRESENT fault is not the RMP's: the fixup answers, nothing is retried. */
static int case_notpresent(const char __user *u)
{
	struct page *page = get_pages(0);
	pte_t *pte, old;
	int ret = 0;

	if (!page)
		return -ENOMEM;
	pte = break_direct_map(page, &old);
	if (!pte)
		ret = -ENXIO;
	else if (store_nofault((u8 *)page_address(page) + OFFSET, 1) != -EFAULT)
		ret = fail(" no fault");
	if (pte)
		WRITE_ONCE(*pte, old);
	return put_pages(page, 0) ?: ret;
}

/* The RMP has nothing to say about a device: write protection is all that is wrong. */
static int case_mmio(const char __user *u)
{
	u8 *va = (u8 __force *)ioremap(MMIO_ADDRESS, PAGE_SIZE);
	unsigned int level;
	pte_t *pte, old;
	int ret = 0;

	if (!va)
		return -ENOMEM;
	pte = lookup_address((unsigned long)va, &level);
	if (!pte || level != PG_LEVEL_4K) {
		ret = -ENXIO;
	} else {
		old = *pte;
		WRITE_ONCE(*pte, pte_wrprotect(old));
		on_each_cpu(flush_one, va, 1);
		if (store_nofault(va, 1) != -EFAULT)
			ret = fail(" no fault");
		WRITE_ONCE(*pte, old);
	}
	iounmap((void __iomem __force *)va);
	return ret;
}

/* Not even a #PF. */
static int case_noncanonical(const char __user *u)
{
	static const unsigned long at[] = { BIT(47), BIT(62), ~0UL << 47 ^ BIT(63) };
	int i, ret = 0;

	for (i = 0; i < ARRAY_SIZE(at); i++)
		if (store_nofault((u8 *)at[i], 1) != -EFAULT)
			ret = fail(" no fault at %#lx", at[i]);
	return ret;
}

static struct page *held;

/* A private page for user mode to poke at, until "release" looks what came of it. */
static int case_hold(const char __user *u)
{
	int ret;

	if (held)
		return -EBUSY;
	held = get_pages(0);
	if (!held)
		return -ENOMEM;
	ret = make_private(case_pfn, PG_LEVEL_4K);
	snprintf(result, sizeof(result), "va=0x%lx", (unsigned long)page_address(held));
	return ret;
}

static int case_release(const char __user *u)
{
	struct page *page = held;
	int ret = 0;

	if (!page)
		return -ENOENT;
	held = NULL;
	case_pfn = page_to_pfn(page);
	if (!is_private(case_pfn))
		ret = fail(" flipped");
	return put_pages(page, 0) ?: ret;
}

/* The same without a fixup: stock oops. The page stays as it is. */
static int case_oops_notpresent(const char __user *u)
{
	struct page *page = get_pages(0);
	pte_t old;

	if (!page)
		return -ENOMEM;
	if (!break_direct_map(page, &old))
		return -ENXIO;
	store((u8 *)page_address(page) + OFFSET, 1);
	return fail(" survived");
}

/* With rmp_fault=oops a write without a fixup: stock oops. */
static int case_oops_declined(const char __user *u)
{
	struct page *page = get_pages(0);

	if (!page)
		return -ENOMEM;
	if (make_private(case_pfn, PG_LEVEL_4K))
		return -ENXIO;
	store((u8 *)page_address(page) + OFFSET, 1);
	return fail(" survived");
}

static unsigned int storm_rounds;

static int storm_thread(void *data)
{
	while (!kthread_should_stop()) {
		if (!is_private(case_pfn)) {
			if (make_private(case_pfn, PG_LEVEL_4K))
				pr_err("RMPUPDATE failed\n");
			WRITE_ONCE(storm_rounds, storm_rounds + 1);
		}
		cond_resched();
	}
	return 0;
}

/* An owner that takes the page back as fast as it can never makes us oops. */
static int case_storm(const char __user *u)
{
	struct page *page = get_pages(0);
	unsigned long end = jiffies + 60 * HZ;
	struct task_struct *t;
	int ret = 0;
	u8 *p, i = 0;

	if (!page)
		return -ENOMEM;
	storm_rounds = 0;
	t = kthread_run(storm_thread, NULL, "rmp_storm");
	if (IS_ERR(t))
		return put_pages(page, 0) ?: PTR_ERR(t);

	p = (u8 *)page_address(page) + OFFSET;
	while (!ret && READ_ONCE(storm_rounds) < STORM_ROUNDS) {
		store(p, ++i);
		if (READ_ONCE(*p) != i)
			ret = fail(" write lost");
		if (time_after(jiffies, end))
			ret = fail(" %u rounds in 60 s", storm_rounds);
		cond_resched();
	}
	kthread_stop(t);
	return put_pages(page, 0) ?: ret;
}

static unsigned int retake_rounds;

/*
 * Flipped, and taken back before the write is retried. In this context it can't be by
 * rmp_make_private(), which would split the direct map if that was merged meanwhile.
 */
static void retake(void *data, u64 pfn, enum rmp_verdict verdict, enum rmp_outcome outcome,
		   int result)
{
	if (pfn != case_pfn || outcome != RMP_OUTCOME_RECOVERED || retake_rounds >= RETAKE_ROUNDS)
		return;
	if (rmpupdate_raw(pfn, PG_LEVEL_4K, true))
		pr_err("RMPUPDATE failed\n");
	retake_rounds++;
}

/* Writes by one instruction that have to win the page over and over: always progress. */
static int case_retaken(const char __user *u)
{
	struct page *page = get_pages(1);
	int i, ret;
	u8 *p;

	if (!page)
		return -ENOMEM;
	p = (u8 *)page_address(page) + OFFSET;
	/* So it is never merged: there is always a private page in the region. */
	ret = make_private(case_pfn + 1, PG_LEVEL_4K) ?:
	      register_trace_rmp_verdict(retake, NULL);
	if (ret)
		goto out;
	for (i = 0; !ret && i < RETAKE_WRITES; i++) {
		/* The write comes through at last, and the first fault is one more. */
		retake_rounds = 1;
		ret = make_private(case_pfn, PG_LEVEL_4K);
		if (ret)
			break;
		store(p, i);
		if (READ_ONCE(*p) != i)
			ret = fail(" write lost");
		else if (is_private(case_pfn))
			ret = fail(" still private");
		cond_resched();
	}
	unregister_trace_rmp_verdict(retake, NULL);
	tracepoint_synchronize_unregister();
out:
	return put_pages(page, 1) ?: ret;
}

static unsigned int stuck_rounds;

/*
 * The handler is made to see a 4K entry where there is a 2M one, as if it had
 * changed its size in between: RMPUPDATE answers FAIL_OVERLAP, for ever but for the
 * bound here.
 */
static void misread_size(void *data, const struct rmp_fault *f, unsigned long address,
			 u64 pfn, unsigned long ip)
{
	struct rmp_fault *seen = (struct rmp_fault *)f;

	if (ALIGN_DOWN(pfn, PTRS_PER_PMD) != case_pfn || ++stuck_rounds > STUCK_ROUNDS)
		return;
	seen->mapping = PG_LEVEL_4K;
	seen->rmp.level = PG_LEVEL_4K;
}

/* A repair that never succeeds ends, and in the fixup. */
static int case_stuck(const char __user *u)
{
	struct page *page = get_pages(HUGE_ORDER);
	int ret;
	u8 *p;

	if (!page)
		return -ENOMEM;
	p = (u8 *)page_address(page) + 137 * PAGE_SIZE + OFFSET;
	ret = make_private(case_pfn, PG_LEVEL_2M) ?:
	      register_trace_rmp_fault(misread_size, NULL);
	if (!ret) {
		stuck_rounds = 0;
		if (store_nofault(p, 1) != -EFAULT)
			ret = fail(" the write went through after %u", stuck_rounds);
		unregister_trace_rmp_fault(misread_size, NULL);
		tracepoint_synchronize_unregister();
	}
	return put_pages(page, HUGE_ORDER) ?: ret;
}

static const struct {
	const char *name;
	int (*run)(const char __user *u);
} cases[] = {
	{ "plain",		case_plain },
	{ "irqoff",		case_irqoff },
	{ "preempt",		case_preempt },
	{ "spinlock",		case_spinlock },
	{ "hardirq",		case_hardirq },
	{ "softirq",		case_softirq },
	{ "nmi",		case_nmi },
	{ "kprobe",		case_kprobe },
	{ "console",		case_console },
	{ "nested",		case_nested },
	{ "case1",		case_case1 },
	{ "allcpus",		case_allcpus },
	{ "neighbours",		case_neighbours },
	{ "huge",		case_huge },
	{ "psmash",		case_psmash },
	{ "read",		case_read },
	{ "uaccess",		case_uaccess },
	{ "declined",		case_declined },
	{ "refused",		case_refused },
	{ "measured",		case_measured },
	{ "notpresent",		case_notpresent },
	{ "mmio",		case_mmio },
	{ "noncanonical",	case_noncanonical },
	{ "hold",		case_hold },
	{ "release",		case_release },
	{ "storm",		case_storm },
	{ "retaken",		case_retaken },
	{ "stuck",		case_stuck },
	{ "oops_notpresent",	case_oops_notpresent },
	{ "oops_declined",	case_oops_declined },
};

static ssize_t run_write(struct file *file, const char __user *u, size_t n, loff_t *pos)
{
	char name[32] = "";
	int i, ret;

	if (n >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, u, n))
		return -EFAULT;
	strim(name);

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		if (strcmp(name, cases[i].name))
			continue;
		mutex_lock(&run_lock);
		result[0] = '\0';
		case_pfn = 0;
		ret = cases[i].run(u);
		i = strlen(result);
		snprintf(result + i, sizeof(result) - i, " pfn=0x%llx\n", case_pfn);
		mutex_unlock(&run_lock);
		return ret ?: n;
	}
	return -EINVAL;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static ssize_t result_read(struct file *file, char __user *u, size_t n, loff_t *pos)
{
	return simple_read_from_buffer(u, n, pos, result, strlen(result));
}

static const struct file_operations result_fops = {
	.owner = THIS_MODULE,
	.read = result_read,
};

static ssize_t poke_write(struct file *file, const char __user *u, size_t n, loff_t *pos)
{
	char line[64] = "", *s = line, *arg;
	unsigned long v[3];
	int i;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, u, n))
		return -EFAULT;
	for (i = 0; i < 3; i++) {
		arg = strsep(&s, "\n ");
		if (!arg || kstrtoul(arg, 0, &v[i]))
			return -EINVAL;
	}
	if (!pfn_valid(v[0]) || !page_is_ram(v[0]) || v[1] >= PAGE_SIZE || v[2] > U8_MAX)
		return -ERANGE;

	store((u8 *)pfn_to_kaddr(v[0]) + v[1], v[2]);
	return n;
}

static const struct file_operations poke_fops = {
	.owner = THIS_MODULE,
	.write = poke_write,
};

static struct dentry *dir;

static int __init rmp_fault_test_init(void)
{
	dir = debugfs_create_dir("rmp_fault_test", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("result", 0400, dir, NULL, &result_fops);
	debugfs_create_file("write", 0200, dir, NULL, &poke_fops);
	return 0;
}
module_init(rmp_fault_test_init);

static void __exit rmp_fault_test_exit(void)
{
	debugfs_remove(dir);
}
module_exit(rmp_fault_test_exit);

MODULE_DESCRIPTION("Host writes to private pages, on request");
MODULE_LICENSE("GPL");
