// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conversions in place against everything that may be at the same page at the
 * same time, each race for RACE_SECONDS (35). The platform has five ASIDs for SNP
 * guests, so the races share four VMMs and five VMs: each has vCPUs and pages of its
 * own, all run at once, and each is one line of TAP. RACES='name...' runs some.
 *
 * What each asserts: what a guest wrote to a page that was private throughout is
 * there; every vCPU gets on, and comes to an end when it is told to (one that
 * does not is named); cached mappings come back with the page. When all VMs are
 * gone: no page private, pinned, held or leaked, and a clean log.
 *
 * No vCPU here uses the library's GHCB: each that wants one has its own, and what
 * it has to say goes to the board, a shared page.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <asm/kvm_in_place.h>
#include <asm/kvm_para.h>
#include <linux/userfaultfd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest.h"
#include "snp_vmsa.h"
#include "vmm_memory.h"

#define PRIVATE		0x5050505000000000ul
#define SHARED		0x6060606000000000ul
#define WORDS		(PAGE_SIZE / 8)
#define REGION(r)	((r) * SNP_PAGES_2M)

/* Pages of the test memory that no race converts but on purpose */
#define GHCB_PAGE(id)		(2000ul + (id))
#define WITNESS_PAGE(id)	(1980ul + (id))

#define EXIT_MSR	0x7c
#define EXIT_AP_HLT	0x80000004
#define EXIT_FEATURES	0x8000fffd

#define MAX_VCPUS	8
#define NR_SEEN		4

/*
 * How long a vCPU may take to its end once told, or to what must happen now and then, on
 * a machine with much to do: one that hangs is not there then either.
 */
#define LIMIT		400

/* ---- where both sides meet --------------------------------------------- */

struct board {
	u64 stop;		/* the VMM: come to an end */
	u64 spare;		/* the guest: write to none of my pages for now */
	struct {
		u64 rounds;
		u64 seen[NR_SEEN];	/* what must happen now and then */
		u64 line, left, right;	/* of a failure */
	} vcpu[MAX_VCPUS];
};

/* In the page of reports, behind them */
#define BOARD_OFFSET	2048

/* ---- guest ------------------------------------------------------------- */

struct me {
	u64 id;
	u64 seed;
	u64 ghcb_gpa;
	volatile u64 *ghcb;
};

static struct me all_of_us[MAX_VCPUS];
static volatile u64 big_lock;

static volatile struct board *board(void)
{
	return (volatile struct board *)(snp_channel.report_gva + BOARD_OFFSET);
}

static bool stopped(void)
{
	return board()->stop;
}

static void wait_a_bit(unsigned int n)
{
	while (n--)
		asm volatile("pause");
}

static void differs(struct me *m, u64 line, u64 left, u64 right)
{
	volatile struct board *b = board();

	b->vcpu[m->id].left = left;
	b->vcpu[m->id].right = right;
	b->vcpu[m->id].line = line;
	snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
}

#define WANT(m, a, b)							\
do {									\
	u64 __a = (a), __b = (b);					\
									\
	if (__a != __b)							\
		differs(m, __LINE__, __a, __b);				\
} while (0)

static void another_round(struct me *m)
{
	board()->vcpu[m->id].rounds++;
}

static void saw(struct me *m, unsigned int what)
{
	board()->vcpu[m->id].seen[what]++;
}

static void quit(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static u64 any(struct me *m, u64 below)
{
	m->seed = m->seed * 6364136223846793005ul + 1442695040888963407ul;
	return (m->seed >> 33) % below;
}

/* Without a GHCB there is the MSR protocol. */
static struct me *start(u64 id, bool ghcb)
{
	struct me *m = &all_of_us[id];
	unsigned int i;

	m->id = id;
	m->seed = id + 1;
	if (!ghcb)
		return m;

	m->ghcb_gpa = snp_test_gpa(GHCB_PAGE(id));
	m->ghcb = (volatile u64 *)snp_shared(GHCB_PAGE(id));
	for (i = 0; i < WORDS; i++)
		m->ghcb[i] = 0;
	WANT(m, snp_msr_request(m->ghcb_gpa | SNP_MSR_REG_GPA_REQ),
	     m->ghcb_gpa | SNP_MSR_REG_GPA_RESP);
	return m;
}

static void ghcb_field(struct me *m, enum snp_ghcb_field field, u64 value)
{
	m->ghcb[field] = value;
	m->ghcb[SNP_GHCB_VALID + field / 64] |= 1ull << (field % 64);
}

/* SW_EXITINFO2, or ~0: the exit as such failed */
static u64 nae(struct me *m, u64 code, u64 info_1, u64 rcx, u64 value)
{
	m->ghcb[SNP_GHCB_VALID] = 0;
	m->ghcb[SNP_GHCB_VALID + 1] = 0;
	ghcb_field(m, SNP_GHCB_RAX, (u32)value);
	ghcb_field(m, SNP_GHCB_RDX, value >> 32);
	ghcb_field(m, SNP_GHCB_RCX, rcx);
	ghcb_field(m, SNP_GHCB_SCRATCH, m->ghcb_gpa + SNP_GHCB_SHARED_OFFSET);
	ghcb_field(m, SNP_GHCB_EXIT_CODE, code);
	ghcb_field(m, SNP_GHCB_EXIT_INFO_1, info_1);
	ghcb_field(m, SNP_GHCB_EXIT_INFO_2, 0);
	m->ghcb[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2;
	snp_msr_request(m->ghcb_gpa);
	return (u32)m->ghcb[SNP_GHCB_EXIT_INFO_1] ? ~0ul : m->ghcb[SNP_GHCB_EXIT_INFO_2];
}

static void entry(struct me *m, unsigned int i, u64 gpa, int op, int size)
{
	m->ghcb[SNP_GHCB_SHARED + 1 + i] = (u64)size << 56 | (u64)op << 52 |
					   gpa / PAGE_SIZE << 12;
}

static u64 psc_once(struct me *m, unsigned int first, unsigned int n)
{
	volatile struct snp_psc *psc = (volatile void *)&m->ghcb[SNP_GHCB_SHARED];

	psc->cur_entry = first;
	psc->end_entry = n - 1;
	psc->reserved = 0;
	return nae(m, SNP_EXIT_PSC, 0, 0, 0);
}

/* As Linux does: again for as long as there is no error. */
static u64 psc(struct me *m, unsigned int n)
{
	volatile struct snp_psc *psc = (volatile void *)&m->ghcb[SNP_GHCB_SHARED];
	u64 ret;

	psc->cur_entry = 0;
	do {
		ret = psc_once(m, psc->cur_entry, n);
	} while (!ret && psc->cur_entry < n);
	return ret;
}

static u64 convert(struct me *m, u64 gpa, int op)
{
	if (!m->ghcb || !any(m, 4))
		return snp_psc_msr(gpa, op);
	entry(m, 0, gpa, op, SNP_4K);
	return psc(m, 1);
}

static void fill(u64 gva, u64 pattern, unsigned int first)
{
	volatile u64 *p = (volatile u64 *)gva;
	unsigned int i;

	for (i = first; i < WORDS; i++)
		p[i] = pattern + i;
}

static void check(struct me *m, u64 line, u64 gva, u64 pattern, unsigned int first)
{
	volatile u64 *p = (volatile u64 *)gva;
	unsigned int i;

	for (i = first; i < WORDS; i++) {
		u64 v = p[i];

		if (v != pattern + i)
			differs(m, line, v, pattern + i);
	}
}

#define CHECK(m, gva, pattern, first)	check(m, __LINE__, gva, pattern, first)

static void validate(struct me *m, u64 gva, bool yes)
{
	WANT(m, snp_pvalidate(gva, SNP_4K, yes), SNP_PVALIDATE_OK);
}

/* A page of our own becomes private, keeps what we write, and is shared again. */
static void there_and_back(struct me *m, u64 gpa, u64 private, u64 shared, unsigned int first)
{
	u64 pattern = PRIVATE + (m->id << 48) + (any(m, 1 << 16) << 16);

	WANT(m, convert(m, gpa, SNP_PSC_PRIVATE), 0);
	validate(m, private, true);
	fill(private, pattern, 0);
	wait_a_bit(any(m, 500));
	CHECK(m, private, pattern, 0);
	validate(m, private, false);
	WANT(m, convert(m, gpa, SNP_PSC_SHARED), 0);
	fill(shared, pattern ^ SHARED, first);
	CHECK(m, shared, pattern ^ SHARED, first);
}

static void page_there_and_back(struct me *m, u64 page, unsigned int first)
{
	there_and_back(m, snp_test_gpa(page), snp_private(page), snp_shared(page), first);
}

static void make_witness(struct me *m)
{
	u64 page = WITNESS_PAGE(m->id);

	WANT(m, snp_psc_msr(snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
	validate(m, snp_private(page), true);
	fill(snp_private(page), PRIVATE + m->id, 0);
}

static void ask_witness(struct me *m)
{
	CHECK(m, snp_private(WITNESS_PAGE(m->id)), PRIVATE + m->id, 0);
}

/* ---- VMM --------------------------------------------------------------- */

enum race {
	OVERLAPPING_2M_AND_4K,
	GHCB_OF_EACH_OTHER,
	GHCB_OF_A_PARKED_VCPU,
	KVM_VCPU_MAP_OF_ANY_GFN,
	SIGNALS_AND_IMMEDIATE_EXIT,
	PVCLOCK,
	XEN_BY_GFN,
	XEN_BY_HVA,
	HOST_WRITES,
	VCPU_RESET,
	USERFAULTFD,
	MEMFD_IN_TWO_SLOTS,
	MEMFD_IN_TWO_VMS,
	MEMSLOT_DELETE_AND_ADD,
	NR_RACES
};

static const char *const race_names[NR_RACES] = {
	"overlapping_2m_and_4k_requests",
	"ghcb_of_each_other",
	"ghcb_of_a_parked_vcpu",
	"kvm_vcpu_map_of_any_gfn",
	"signals_and_immediate_exit_on_the_msr_form",
	"pvclock",
	"xen_pages_by_gfn",
	"xen_pages_by_hva",
	"host_writes",
	"vcpu_reset",
	"userfaultfd",
	"memfd_in_two_slots",
	"memfd_in_two_vms",
	"memslot_delete_and_add",
};

/* Shared by the test and its VMMs */
static struct verdict {
	bool wanted, over;
	char why[200];
	char rounds[120];
} *verdicts;

static int seconds = 35;

__attribute__((format(printf, 2, 3)))
static void lost(enum race which, const char *fmt, ...)
{
	struct verdict *v = &verdicts[which];
	va_list args;

	if (v->why[0])
		return;
	va_start(args, fmt);
	vsnprintf(v->why, sizeof(v->why), fmt, args);
	va_end(args);
}

struct arena;

struct runner {
	struct arena *a;
	struct kvm_vcpu *vcpu;
	enum race race;
	unsigned int id;
	pthread_t thread;
	/* KVM_RUN ended with EINTR; true: do not go on */
	bool (*interrupted)(struct runner *r);
	/* a memory fault is the VMM's doing: the vCPU tries again */
	bool patient;
	/* so many of what it may see, it must have seen */
	unsigned int sees;
	bool running;
	volatile bool ended;
	int error;
};

struct hammer {
	struct arena *a;
	enum race race;
	pthread_t thread;
	/* until a->stop */
	void (*once)(struct hammer *h);
	/* nobody needs it to come to an end */
	bool rests;
	u64 hits;	/* none: there was no race */
	int fd;
	u64 arg[5];
};

struct arena {
	struct snp_guest *g;
	volatile struct board *board;
	struct runner runner[MAX_VCPUS];
	struct hammer hammer[8];
	int nr_hammers;
	volatile bool stop;	/* hammers */
};

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void ignore_signal(int sig)
{
}

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;
	struct kvm_run *run = r->vcpu->run;

	for (;;) {
		run->exit_reason = KVM_EXIT_UNKNOWN;
		r->error = __vcpu_run(r->vcpu) ? errno : 0;
		if (r->error == EINTR) {
			if (r->interrupted && r->interrupted(r))
				break;
		} else if (r->error == EFAULT && r->patient &&
			   run->exit_reason == KVM_EXIT_MEMORY_FAULT) {
			usleep(1000);
		} else if (r->error != EAGAIN) {
			break;
		}
	}
	r->ended = true;
	return NULL;
}

static void *run_hammer(void *arg)
{
	struct hammer *h = arg;

	while (!h->a->stop)
		if (h->rests && h->a->board->stop)
			usleep(10000);
		else
			h->once(h);
	return NULL;
}

static struct hammer *add_hammer(struct arena *a, enum race which, void (*once)(struct hammer *h))
{
	struct hammer *h = &a->hammer[a->nr_hammers];

	TEST_ASSERT(a->nr_hammers < ARRAY_SIZE(a->hammer), "more hammers than there is room for");
	*h = (struct hammer){ .a = a, .race = which, .once = once };
	if (verdicts[which].wanted)
		a->nr_hammers++;
	return h;
}

static struct runner *add_vcpu(struct arena *a, enum race which, unsigned int id,
			       void (*guest)(void))
{
	struct runner *r = &a->runner[id];

	r->a = a;
	r->race = which;
	r->id = id;
	r->vcpu = id ? vm_vcpu_add(a->g->vm, id, guest) : a->g->vcpu;
	r->running = verdicts[which].wanted;
	return r;
}

/* With its first vCPU, which is in that race */
static struct runner *create(struct arena *a, enum race which, void (*guest)(void),
			     enum vm_mem_backing_src_type src)
{
	memset(a, 0, sizeof(*a));
	a->g = snp_create_in_place(guest, src);
	a->board = (void *)a->g->report + BOARD_OFFSET;
	return add_vcpu(a, which, 0, NULL);
}

static void go(struct arena *a)
{
	int i;

	for (i = 0; i < MAX_VCPUS; i++)
		if (a->runner[i].running)
			pthread_create(&a->runner[i].thread, NULL, run_vcpu, &a->runner[i]);
	for (i = 0; i < a->nr_hammers; i++)
		pthread_create(&a->hammer[i].thread, NULL, run_hammer, &a->hammer[i]);
}

static void look_at_end(struct runner *r)
{
	struct kvm_run *run = r->vcpu->run;
	volatile struct board *b = r->a->board;
	u64 msr = run->system_event.data[0];

	if (b->vcpu[r->id].line)
		lost(r->race, "vCPU %u, line %lu: %#lx is not %#lx, in round %lu", r->id,
		     b->vcpu[r->id].line, b->vcpu[r->id].left, b->vcpu[r->id].right,
		     b->vcpu[r->id].rounds);
	else if (r->error == EFAULT && run->exit_reason == KVM_EXIT_MEMORY_FAULT)
		lost(r->race, "vCPU %u: memory fault at %#llx, flags %#llx", r->id,
		     run->memory_fault.gpa, run->memory_fault.flags);
	else if (r->error != EINTR && (r->error || run->exit_reason != KVM_EXIT_SYSTEM_EVENT))
		lost(r->race, "vCPU %u: %s, %s", r->id, strerror(r->error),
		     exit_reason_str(run->exit_reason));
	else if (!r->error && ((msr >> 16) & 0xff) == SNP_TERM_EARLY_EXCEPTION)
		lost(r->race, "vCPU %u: an exception, in round %lu: a page was taken from it",
		     r->id, b->vcpu[r->id].rounds);
	else if (!r->error && ((msr >> 16) & 0xff) != SNP_TERM_DONE)
		lost(r->race, "vCPU %u ended itself: %#lx", r->id, msr);
	else if (!b->vcpu[r->id].rounds)
		lost(r->race, "vCPU %u came to no first round", r->id);
}

/* One that ends before its time has failed; then the others of its VM may end too. */
static bool all_run(struct arena *a)
{
	int i;

	for (i = 0; i < MAX_VCPUS; i++)
		if (a->runner[i].running && a->runner[i].ended)
			return false;
	return true;
}

/* Tell all vCPUs to end, and wait: they need the hammers for that. */
static void stop(struct arena *a)
{
	u64 deadline = now() + LIMIT;
	bool stuck = false;
	int i;

	a->board->stop = 1;
	for (i = 0; i < MAX_VCPUS; i++) {
		struct runner *r = &a->runner[i];

		while (r->running && !r->ended && now() < deadline)
			usleep(20000);
		if (!r->running)
			continue;
		if (!r->ended) {
			/* What went wrong before may be why. */
			if (a->board->vcpu[i].line)
				look_at_end(r);
			lost(r->race, "vCPU %u is stuck after %lu rounds", i,
			     a->board->vcpu[i].rounds);
			stuck = true;
			continue;
		}
		pthread_join(r->thread, NULL);
		look_at_end(r);
	}
	a->stop = true;
	for (i = 0; i < a->nr_hammers && !stuck; i++) {
		pthread_join(a->hammer[i].thread, NULL);
		if (!a->hammer[i].hits)
			lost(a->hammer[i].race, "the VMM's thread %d did nothing", i);
	}
	for (i = 0; i < MAX_VCPUS; i++) {
		struct verdict *v = &verdicts[a->runner[i].race];
		size_t n = strlen(v->rounds);

		if (a->runner[i].running)
			snprintf(v->rounds + n, sizeof(v->rounds) - n, " %lu",
				 a->board->vcpu[i].rounds);
	}
	/* Its thread is in the kernel for good: nothing to be tidied up. */
	if (stuck)
		_exit(1);
}

/* Has all happened that must, of which a slow machine does less in the same time? */
static bool all_seen(struct arena *a)
{
	unsigned int i, n;

	for (i = 0; i < MAX_VCPUS; i++) {
		if (!a->runner[i].running)
			continue;
		if (!a->board->vcpu[i].rounds)
			return false;
		for (n = 0; n < a->runner[i].sees; n++)
			if (!a->board->vcpu[i].seen[n])
				return false;
	}
	for (i = 0; i < a->nr_hammers; i++)
		if (!a->hammer[i].hits)
			return false;
	return true;
}

static void race_until_the_end(struct arena *a, struct arena *b)
{
	u64 end = now() + seconds, limit = end + LIMIT;

	while (all_run(a) && (!b || all_run(b)) &&
	       (now() < end || (now() < limit && !(all_seen(a) && (!b || all_seen(b))))))
		usleep(100000);
	if (b)
		b->board->stop = 1;
	stop(a);
	if (b)
		stop(b);
}

/* A vCPU that nobody runs, for the module's maps */
static void nobody(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

#define MAPS_FILE	"/sys/kernel/debug/snp_map_test/maps"

static void map_some(struct hammer *h)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "%d %lu %lu %lu %lu 200", (int)h->arg[0],
			 h->arg[1], h->arg[2], h->arg[3], h->arg[4]);
	unsigned long maps, refused, private, torn;

	TEST_ASSERT(write(h->fd, text, n) == n || errno == EINTR, "%s: %s", MAPS_FILE,
		    strerror(errno));
	n = pread(h->fd, text, sizeof(text) - 1, 0);
	text[max(n, 0)] = 0;
	TEST_ASSERT(sscanf(text, "maps %lu refused %lu private %lu torn %lu", &maps, &refused,
			   &private, &torn) == 4, "%s: %s", MAPS_FILE, text);
	if (private)
		lost(h->race, "%lu pages were private while KVM had them mapped", private);
	if (torn)
		lost(h->race, "%lu pages changed while KVM had them mapped", torn);
	h->hits = maps;
}

static void add_maps(struct arena *a, enum race which, unsigned int id, u64 page, u64 pages,
		     u64 word, u64 hold)
{
	struct kvm_vcpu *vcpu = vm_vcpu_add(a->g->vm, id, nobody);
	struct hammer *h = add_hammer(a, which, map_some);

	h->rests = true;
	h->fd = open(MAPS_FILE, O_RDWR);
	TEST_ASSERT(h->fd >= 0, "%s: %s (insmod snp_map_test.ko)", MAPS_FILE, strerror(errno));
	h->arg[0] = vcpu->fd;
	h->arg[1] = snp_test_gpa(page) / PAGE_SIZE;
	h->arg[2] = pages;
	h->arg[3] = word;
	h->arg[4] = hold;
}

/* ---- overlapping requests of 2M and 4K --------------------------------- */

static void big_requests(void)
{
	struct me *m = start(0, true);
	unsigned int i;

	while (!stopped()) {
		entry(m, 0, SNP_TEST_GPA, SNP_PSC_PRIVATE, SNP_2M);
		for (i = 1; i <= 16; i++)
			entry(m, i, snp_test_gpa(2 * any(m, 256)), 1 + any(m, 2), SNP_4K);
		WANT(m, psc(m, 17), 0);
		*(volatile u64 *)snp_shared(2 * any(m, 256)) = 1;
		if (any(m, 2) && !__sync_lock_test_and_set(&big_lock, 1)) {
			entry(m, 0, SNP_TEST_GPA, SNP_PSC_SHARED, SNP_2M);
			entry(m, 1, SNP_TEST_GPA, SNP_PSC_PRIVATE, SNP_2M);
			WANT(m, psc(m, 2), 0);
			__sync_lock_release(&big_lock);
		}
		another_round(m);
	}
	quit();
}

/* Odd pages are its own while it has the lock: then nobody asks for them as shared. */
static void small_requests(void)
{
	struct me *m = start(1, false);
	u64 page, pattern;
	unsigned int ret;

	while (!stopped()) {
		page = 2 * any(m, 256) + 1;
		while (__sync_lock_test_and_set(&big_lock, 1))
			wait_a_bit(10);
		WANT(m, convert(m, snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
		ret = snp_pvalidate(snp_private(page), SNP_4K, true);
		WANT(m, ret == SNP_PVALIDATE_OK || ret == SNP_PVALIDATE_UNCHANGED, 1);
		pattern = PRIVATE + (any(m, 1 << 16) << 16);
		fill(snp_private(page), pattern, 0);
		wait_a_bit(any(m, 2000));
		CHECK(m, snp_private(page), pattern, 0);
		__sync_lock_release(&big_lock);

		WANT(m, convert(m, snp_test_gpa(any(m, 512)), 1 + any(m, 2)), 0);
		another_round(m);
	}
	quit();
}

/* ---- GHCBs ------------------------------------------------------------- */

/*
 * An exit with a GHCB that is private is not answered, so nobody looks at what the
 * NAE requests say; those of the MSR protocol always end well.
 */
static void takes_ghcb(unsigned int id, unsigned int other)
{
	struct me *m = start(id, true);
	u64 theirs = snp_test_gpa(GHCB_PAGE(other));

	make_witness(m);
	while (!stopped()) {
		entry(m, 0, theirs, SNP_PSC_PRIVATE, SNP_4K);
		psc_once(m, 0, 1);
		entry(m, 0, theirs, SNP_PSC_SHARED, SNP_4K);
		psc_once(m, 0, 1);
		WANT(m, snp_psc_msr(theirs, SNP_PSC_PRIVATE), 0);
		wait_a_bit(any(m, 300));
		WANT(m, snp_psc_msr(theirs, SNP_PSC_SHARED), 0);
		ask_witness(m);
		another_round(m);
	}
	quit();
}

static void takes_ghcb_of_3(void)
{
	takes_ghcb(2, 3);
}

static void takes_ghcb_of_2(void)
{
	takes_ghcb(3, 2);
}

static void takes_ghcb_of_the_parked(void)
{
	struct me *m = start(4, true);
	u64 theirs = snp_test_gpa(GHCB_PAGE(5));

	make_witness(m);
	while (!stopped()) {
		entry(m, 0, theirs, SNP_PSC_PRIVATE, SNP_4K);
		WANT(m, psc(m, 1), 0);
		wait_a_bit(any(m, 300));
		entry(m, 0, theirs, SNP_PSC_SHARED, SNP_4K);
		WANT(m, psc(m, 1), 0);
		WANT(m, snp_psc_msr(theirs, SNP_PSC_PRIVATE), 0);
		ask_witness(m);
		another_round(m);
	}
	quit();
}

static void parks(void)
{
	struct me *m = start(5, true);

	while (!stopped()) {
		nae(m, EXIT_AP_HLT, 0, 0, 0);
		another_round(m);
	}
	quit();
}

static void wake_up(struct hammer *h)
{
	struct runner *r = (struct runner *)h->arg[0];

	if (!r->ended)
		pthread_kill(r->thread, SIGUSR1);
	h->hits++;
	usleep(10000);
}

static bool startup_ipi(struct runner *r)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_SIPI_RECEIVED };

	vcpu_mp_state_set(r->vcpu, &state);
	return false;
}

/* ---- KVM's maps, and signals ------------------------------------------- */

/* The first words of a shared page are the mappers'. */
#define MAPPERS_WORDS	2

static void batches_under_maps(void)
{
	struct me *m = start(0, true);
	u64 page, pattern;
	unsigned int i;

	while (!stopped()) {
		page = 16 * any(m, 2);
		pattern = PRIVATE + (any(m, 1 << 16) << 16);
		for (i = 0; i < 16; i++)
			entry(m, i, snp_test_gpa(page + i), SNP_PSC_PRIVATE, SNP_4K);
		WANT(m, psc(m, 16), 0);
		for (i = 0; i < 16; i++) {
			validate(m, snp_private(page + i), true);
			fill(snp_private(page + i), pattern + i, 0);
		}
		wait_a_bit(any(m, 500));
		for (i = 0; i < 16; i++) {
			CHECK(m, snp_private(page + i), pattern + i, 0);
			validate(m, snp_private(page + i), false);
			entry(m, i, snp_test_gpa(page + i), SNP_PSC_SHARED, SNP_4K);
		}
		WANT(m, psc(m, 16), 0);
		page_there_and_back(m, any(m, 32), MAPPERS_WORDS);
		another_round(m);
	}
	quit();
}

static void single_pages(unsigned int id, u64 first, unsigned int pages)
{
	struct me *m = start(id, false);

	while (!stopped()) {
		page_there_and_back(m, first + any(m, pages), MAPPERS_WORDS);
		another_round(m);
	}
	quit();
}

static void single_pages_under_maps(void)
{
	single_pages(1, 32, 32);
}

static void single_pages_under_signals(void)
{
	single_pages(4, REGION(3), 4);
}

static void signals(struct hammer *h)
{
	struct runner *r = (struct runner *)h->arg[0];

	h->hits++;
	if (r->ended)
		return;
	r->vcpu->run->immediate_exit = h->hits % 8 == 0;
	pthread_kill(r->thread, SIGUSR1);
	usleep(h->hits % 64 ? 500 : 20000);
}

static bool was_interrupted(struct runner *r)
{
	r->vcpu->run->immediate_exit = 0;
	return false;
}

/* ---- what KVM writes by itself ----------------------------------------- */

static void wait_for_change(struct me *m, volatile u32 *word, u32 from, unsigned int what)
{
	while (*word == from && !stopped())
		wait_a_bit(10);
	if (*word != from)
		saw(m, what);
}

#define CLOCK_PAGE	REGION(1)

static void clock_there_and_back(void)
{
	volatile u32 *version = (volatile u32 *)snp_shared(CLOCK_PAGE);
	struct me *m = start(2, true);

	WANT(m, nae(m, EXIT_MSR, 1, MSR_KVM_SYSTEM_TIME_NEW, snp_test_gpa(CLOCK_PAGE) | 1), 0);
	while (!stopped()) {
		/* KVM's clock is in its first four words. */
		page_there_and_back(m, CLOCK_PAGE, 4);
		wait_for_change(m, version, *version, 0);
		another_round(m);
	}
	/* It lies in a page that the VMM will not have any more. */
	WANT(m, nae(m, EXIT_MSR, 1, MSR_KVM_SYSTEM_TIME_NEW, 0), 0);
	quit();
}

static void set_clock(struct hammer *h)
{
	struct kvm_clock_data data = { 0 };

	vm_ioctl(h->a->g->vm, KVM_GET_CLOCK, &data);
	data.flags = 0;
	vm_ioctl(h->a->g->vm, KVM_SET_CLOCK, &data);
	h->hits++;
	usleep(1000);
}

/* struct shared_info: 32 vcpu_info of 64 bytes, then pending and mask bits */
#define EVTCHN_PENDING	(32 * 64 / 8)
#define EVTCHN_MASK	(EVTCHN_PENDING + 64)
#define RUNSTATE_ENTRY	(8 / 4)
enum { XEN_SHARED_INFO, XEN_TIME, XEN_RUNSTATE, XEN_VCPU_INFO, NR_XEN_PAGES };

static void xen_there_and_back(unsigned int id, u64 first)
{
	static const unsigned int word[NR_XEN_PAGES] = {
		[XEN_SHARED_INFO] = 2 * EVTCHN_PENDING,
		[XEN_RUNSTATE] = RUNSTATE_ENTRY,
	};
	struct me *m = start(id, false);
	unsigned int i = 0, k;
	volatile u64 *p;

	for (; !stopped(); i++) {
		u64 page = first + i % NR_XEN_PAGES;

		/* All of it may be KVM's. */
		page_there_and_back(m, page, WORDS);
		p = (volatile u64 *)snp_shared(page);
		if (i % NR_XEN_PAGES == XEN_SHARED_INFO)
			for (k = 0; k < 64; k++) {
				p[EVTCHN_MASK + k] = ~0ul;
				p[EVTCHN_PENDING + k] = 0;
			}
		if (i % NR_XEN_PAGES != XEN_VCPU_INFO) {
			volatile u32 *w = (volatile u32 *)p + word[i % NR_XEN_PAGES];

			/* All events may be pending by now: then no more will change. */
			wait_for_change(m, w, i % NR_XEN_PAGES == XEN_SHARED_INFO ? 0 : *w,
					i % NR_XEN_PAGES);
		} else {
			saw(m, XEN_VCPU_INFO);
		}
		another_round(m);
	}
	quit();
}

static void xen_by_gfn(void)
{
	xen_there_and_back(3, REGION(2));
}

static void xen_by_hva(void)
{
	xen_there_and_back(0, REGION(0));
}

static void send_events(struct hammer *h)
{
	struct kvm_irq_routing_xen_evtchn e = {
		.port = 1 + h->hits++ % 31,
		.vcpu = h->arg[0],
		.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL,
	};

	/* Refused while the page is private. */
	__vm_ioctl(h->a->g->vm, KVM_XEN_HVM_EVTCHN_SEND, &e);
	usleep(300);
}

static void set_up_xen(struct runner *r, u64 first, bool hva)
{
	static const u16 by_gpa[NR_XEN_PAGES] = {
		[XEN_TIME] = KVM_XEN_VCPU_ATTR_TYPE_VCPU_TIME_INFO,
		[XEN_RUNSTATE] = KVM_XEN_VCPU_ATTR_TYPE_RUNSTATE_ADDR,
		[XEN_VCPU_INFO] = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO,
	};
	struct snp_guest *g = r->a->g;
	u64 gpa = snp_test_gpa(first);
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | KVM_XEN_HVM_CONFIG_EVTCHN_SEND,
		.msr = 0x40000200,
	};
	struct kvm_xen_hvm_attr attr = { .type = KVM_XEN_ATTR_TYPE_LONG_MODE, .u.long_mode = 1 };
	int i;

	vm_ioctl(g->vm, KVM_XEN_HVM_CONFIG, &config);
	vm_ioctl(g->vm, KVM_XEN_HVM_SET_ATTR, &attr);
	attr.type = hva ? KVM_XEN_ATTR_TYPE_SHARED_INFO_HVA : KVM_XEN_ATTR_TYPE_SHARED_INFO;
	attr.u.shared_info.hva = hva ? (u64)snp_hva(g, gpa) : gpa / PAGE_SIZE;
	vm_ioctl(g->vm, KVM_XEN_HVM_SET_ATTR, &attr);
	for (i = XEN_TIME; i < NR_XEN_PAGES; i++) {
		struct kvm_xen_vcpu_attr a = { .type = by_gpa[i] };

		a.u.gpa = gpa + i * PAGE_SIZE;
		if (hva && i == XEN_VCPU_INFO) {
			a.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO_HVA;
			a.u.hva = (u64)snp_hva(g, a.u.gpa);
		}
		vcpu_ioctl(r->vcpu, KVM_XEN_VCPU_SET_ATTR, &a);
	}
}

/* ---- host writes ------------------------------------------------------- */

#define ROBBED_PAGES	8
#define ROBBED_WORD	1

/*
 * True: robbed. Else all words are as they were filled in. @patient: it keeps the page
 * until it is robbed.
 */
static bool fill_and_check(struct me *m, u64 gva, u64 pattern, bool patient)
{
	unsigned int i;
	u64 v;

	for (i = 0; i < WORDS; i++) {
		u64 vc = i == ROBBED_WORD ? 0 : snp_try_write(gva + 8 * i, pattern + i);

		if (vc) {
			WANT(m, vc, SNP_VC_NOT_VALIDATED);
			return true;
		}
	}
	wait_a_bit(any(m, 2000));
	while (patient && !stopped() && !snp_try_read(gva, &v))
		wait_a_bit(100);
	for (i = 0; i < WORDS; i++) {
		u64 vc = snp_try_read(gva + 8 * i, &v);

		if (vc) {
			WANT(m, vc, SNP_VC_NOT_VALIDATED);
			return true;
		}
		if (i != ROBBED_WORD)
			WANT(m, v, pattern + i);
	}
	return false;
}

/* The only vCPU of its VM that may use snp_try_...() */
static void is_robbed(void)
{
	enum { WHENEVER, SPARED, PATIENT, NR_KINDS } kind = WHENEVER;
	struct me *m = start(1, true);
	u64 page, pattern;

	for (; !stopped(); kind = (kind + 1) % NR_KINDS) {
		page = REGION(1) + any(m, ROBBED_PAGES);
		pattern = PRIVATE + (any(m, 1 << 16) << 16);
		/* However slow the guest is, not all rounds end in the same way. */
		board()->spare = kind == SPARED;
		WANT(m, convert(m, snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
		validate(m, snp_private(page), true);
		/* Twice: robbed, it goes on with the page as a new one. */
		if (fill_and_check(m, snp_private(page), pattern, kind == PATIENT)) {
			saw(m, 0);
			snp_pvalidate(snp_private(page), SNP_4K, true);
			fill_and_check(m, snp_private(page), ~pattern, false);
		} else {
			saw(m, 1);
		}
		WANT(m, convert(m, snp_test_gpa(page), SNP_PSC_SHARED), 0);
		fill(snp_shared(page), SHARED, ROBBED_WORD + 1);
		CHECK(m, snp_shared(page), SHARED, ROBBED_WORD + 1);
		another_round(m);
	}
	quit();
}

static void neighbour_of_the_robbed(void)
{
	struct me *m = start(2, false);

	while (!stopped()) {
		page_there_and_back(m, REGION(1) + ROBBED_PAGES + any(m, 8), 0);
		another_round(m);
	}
	quit();
}

static void rob(struct hammer *h)
{
	u64 page = REGION(1) + random() % ROBBED_PAGES;
	u64 hva = (u64)snp_hva(h->a->g, snp_test_gpa(page)), map;

	TEST_ASSERT(pread(h->fd, &map, 8, hva / PAGE_SIZE * 8) == 8, "pagemap: %s",
		    strerror(errno));
	/* Present, and a page frame number */
	if (map >> 63 && map << 9 && !h->a->board->spare) {
		snp_host_write(map & ((1ul << 55) - 1), ROBBED_WORD * 8, 0x5a);
		h->hits++;
	}
	usleep(2000);
}

/* ---- vCPU reset -------------------------------------------------------- */

#define AP_ID		4
#define AP_VMSA(i)	(REGION(2) + 500 + (i))
#define AP_STACK	(REGION(2) + 502)
#define AP_PAGES	4
#define AP_PAGE		REGION(2)

static volatile u64 ap_lives;

/* It may end at any instruction, and begins here again. */
static void ap_code(void)
{
	struct me *m = &all_of_us[AP_ID];
	u64 page, pattern;
	unsigned int ret;

	m->id = AP_ID;
	ap_lives++;
	for (;;) {
		page = AP_PAGE + any(m, AP_PAGES);
		pattern = PRIVATE + (any(m, 1 << 16) << 16);
		WANT(m, convert(m, snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
		ret = snp_pvalidate(snp_private(page), SNP_4K, true);
		WANT(m, ret == SNP_PVALIDATE_OK || ret == SNP_PVALIDATE_UNCHANGED, 1);
		fill(snp_private(page), pattern, 0);
		CHECK(m, snp_private(page), pattern, 0);
		WANT(m, convert(m, snp_test_gpa(page), SNP_PSC_SHARED), 0);
		another_round(m);
	}
}

static u64 ap_request(struct me *m, u64 request, u64 gpa)
{
	/* SW_EXITINFO2 is an input here. */
	m->ghcb[SNP_GHCB_VALID] = 0;
	m->ghcb[SNP_GHCB_VALID + 1] = 0;
	ghcb_field(m, SNP_GHCB_RAX, 1);	/* SNP */
	ghcb_field(m, SNP_GHCB_EXIT_CODE, SNP_EXIT_AP_CREATION);
	ghcb_field(m, SNP_GHCB_EXIT_INFO_1, (u64)AP_ID << 32 | request);
	ghcb_field(m, SNP_GHCB_EXIT_INFO_2, gpa);
	m->ghcb[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2;
	snp_msr_request(m->ghcb_gpa);
	return (u32)m->ghcb[SNP_GHCB_EXIT_INFO_1];
}

/* Each life has the other VMSA page, and ends wherever the vCPU is then. */
static void resets_ap(void)
{
	struct me *m = start(3, true);
	u64 lives, gva;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		WANT(m, convert(m, snp_test_gpa(AP_VMSA(i)), SNP_PSC_PRIVATE), 0);
		validate(m, snp_private(AP_VMSA(i)), true);
	}
	WANT(m, convert(m, snp_test_gpa(AP_STACK), SNP_PSC_PRIVATE), 0);
	validate(m, snp_private(AP_STACK), true);

	for (i = 0; !stopped(); i++) {
		gva = snp_private(AP_VMSA(i % 2));
		/* Until the vCPU has left it */
		while (snp_vmsa_mark(gva, false) == SNP_RMPADJUST_FAIL_INUSE)
			wait_a_bit(100);
		snp_vmsa_build(gva, ap_code, snp_private(AP_STACK + 1));
		WANT(m, snp_vmsa_mark(gva, true), 0);
		lives = ap_lives;
		if (i % 3 == 2)
			WANT(m, ap_request(m, SNP_AP_DESTROY, 0), 0);
		WANT(m, ap_request(m, SNP_AP_CREATE, snp_test_gpa(AP_VMSA(i % 2))), 0);
		while (ap_lives == lives && !stopped())
			wait_a_bit(100);
		wait_a_bit(any(m, 20000));
		another_round(m);
	}
	WANT(m, ap_request(m, SNP_AP_DESTROY, 0), 0);
	quit();
}

/*
 * With no VMSA it is halted for ever: it has its end by a signal. Not before it
 * has heard of that, or its VMSA page would be lost with the memslot.
 */
static bool has_no_vmsa(struct runner *r)
{
	struct kvm_mp_state state;

	vcpu_mp_state_get(r->vcpu, &state);
	return r->a->runner[3].ended && state.mp_state == KVM_MP_STATE_HALTED;
}

/* ---- userfaultfd ------------------------------------------------------- */

#define UFFD_PAGES	64
#define UFFD_PAGE	REGION(3)

static void batches_over_userfaultfd(void)
{
	struct me *m = start(5, true);
	unsigned int i;
	u64 pattern;

	while (!stopped()) {
		pattern = PRIVATE + (any(m, 1 << 16) << 16);
		for (i = 0; i < 16; i++)
			entry(m, i, snp_test_gpa(UFFD_PAGE + 2 * i), SNP_PSC_PRIVATE, SNP_4K);
		WANT(m, psc(m, 16), 0);
		for (i = 0; i < 16; i++) {
			validate(m, snp_private(UFFD_PAGE + 2 * i), true);
			fill(snp_private(UFFD_PAGE + 2 * i), pattern + i, 0);
		}
		wait_a_bit(any(m, 2000));
		for (i = 0; i < 16; i++) {
			CHECK(m, snp_private(UFFD_PAGE + 2 * i), pattern + i, 0);
			validate(m, snp_private(UFFD_PAGE + 2 * i), false);
			entry(m, i, snp_test_gpa(UFFD_PAGE + 2 * i), SNP_PSC_SHARED, SNP_4K);
		}
		WANT(m, psc(m, 16), 0);
		for (i = 0; i < 16; i++)
			fill(snp_shared(UFFD_PAGE + 2 * i), SHARED, 0);
		another_round(m);
	}
	quit();
}

static void single_pages_over_userfaultfd(void)
{
	struct me *m = start(6, false);

	while (!stopped()) {
		/* What is shared the VMM drops. */
		page_there_and_back(m, UFFD_PAGE + 2 * any(m, UFFD_PAGES / 2) + 1, WORDS);
		another_round(m);
	}
	quit();
}

static void *uffd_memory(struct arena *a)
{
	return snp_hva(a->g, snp_test_gpa(UFFD_PAGE));
}

static void drop_memory(struct hammer *h)
{
	madvise(uffd_memory(h->a), UFFD_PAGES * PAGE_SIZE, MADV_DONTNEED);
	usleep(3000);
	h->hits++;
}

static void serve_memory(struct hammer *h)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	struct uffdio_zeropage zero = { .range.len = PAGE_SIZE };
	struct uffd_msg msg;

	if (poll(&p, 1, 50) != 1 || read(h->fd, &msg, sizeof(msg)) != sizeof(msg))
		return;
	TEST_ASSERT(msg.event == UFFD_EVENT_PAGEFAULT, "userfaultfd: event %u", msg.event);
	usleep(200);
	zero.range.start = msg.arg.pagefault.address & ~(PAGE_SIZE - 1);
	/* A change of the mm means again; that somebody else was first, that he waits. */
	while (ioctl(h->fd, UFFDIO_ZEROPAGE, &zero)) {
		if (errno == EAGAIN)
			continue;
		ioctl(h->fd, UFFDIO_WAKE, &zero.range);
		break;
	}
	h->hits++;
}

/* ---- the same memfd twice ---------------------------------------------- */

#define ALIAS_GPA	0x60000000ul
#define ALIAS_GVA(bit)	(0x60000000ul + ((bit) ? 0x10000000ul : 0))
#define ALIAS_SLOT	2
#define ALIAS_PAGES	8

/* Who has the page private has it alone; shared, the other may take it any time. */
static void alias(unsigned int id, bool ghcb, u64 gpa, u64 private, u64 shared)
{
	struct me *m = start(id, ghcb);
	u64 at;

	while (!stopped()) {
		at = any(m, ALIAS_PAGES) * PAGE_SIZE;
		there_and_back(m, gpa + at, private + at, shared + at, WORDS);
		*(volatile u64 *)(shared + at) = 1;
		another_round(m);
	}
	quit();
}

static void first_slot(void)
{
	alias(0, true, SNP_TEST_GPA, SNP_PRIVATE_GVA, SNP_SHARED_GVA);
}

static void second_slot(void)
{
	alias(1, false, ALIAS_GPA, ALIAS_GVA(0), ALIAS_GVA(1));
}

static void first_vm(void)
{
	alias(2, true, snp_test_gpa(REGION(1)), snp_private(REGION(1)), snp_shared(REGION(1)));
}

static void second_vm(void)
{
	alias(0, true, snp_test_gpa(REGION(1)), snp_private(REGION(1)), snp_shared(REGION(1)));
}

static void *map_memfd(struct snp_guest *g, void *at, u64 size, u64 offset)
{
	void *m = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
		       memslot2region(g->vm, SNP_TEST_SLOT)->fd, offset);

	TEST_ASSERT(m != MAP_FAILED, "mmap: %s", strerror(errno));
	return m;
}

/*
 * Guest mappings with the C-bit and without, of memory that the library does not
 * know: it is told another address first.
 */
static void map_twice(struct kvm_vm *vm, u64 gva, u64 shared_gva, u64 gpa, u64 pages)
{
	const u64 flags = ~GENMASK_ULL(51, 12);
	u64 i;

	virt_map(vm, gva, SNP_TEST_GPA, pages);
	virt_map(vm, shared_gva, SNP_TEST_GPA, pages);
	for (i = 0; i < pages; i++) {
		u64 *p = vm_get_page_table_entry(vm, gva + i * PAGE_SIZE);
		u64 *s = vm_get_page_table_entry(vm, shared_gva + i * PAGE_SIZE);

		*s = (*p & flags) | (gpa + i * PAGE_SIZE);
		*p = *s | vm->arch.c_bit;
	}
}

static void add_alias(struct arena *a)
{
	void *m = map_memfd(a->g, NULL, ALIAS_PAGES * PAGE_SIZE, 0);

	vm_set_user_memory_region(a->g->vm, ALIAS_SLOT, 0, ALIAS_GPA, ALIAS_PAGES * PAGE_SIZE, m);
	map_twice(a->g->vm, ALIAS_GVA(0), ALIAS_GVA(1), ALIAS_GPA, ALIAS_PAGES);
}

/* ---- memslots that come and go ----------------------------------------- */

#define SLOT		3
#define SLOT_GPA	0x68000000ul
#define SLOT_GVA(bit)	(0x68000000ul + ((bit) ? 0x10000000ul : 0))
#define SLOT_PAGES	64

/* Nothing it writes need stay, and every access may end in #VC. */
static void uses_the_slot(void)
{
	struct me *m = start(3, true);
	u64 at, ret, v;
	unsigned int i, n;

	while (!stopped()) {
		n = 1 + any(m, 16);
		for (i = 0; i < n; i++)
			entry(m, i, SLOT_GPA + (32 + i) * PAGE_SIZE, 1 + any(m, 2), SNP_4K);
		ret = psc(m, n);
		WANT(m, !ret || ret == SNP_PSC_ERR_GENERIC, 1);
		saw(m, !!ret);
		at = any(m, SLOT_PAGES) * PAGE_SIZE;
		snp_pvalidate(SLOT_GVA(0) + at, SNP_4K, true);
		snp_try_write(SLOT_GVA(0) + at, 1);
		snp_try_read(SLOT_GVA(0) + at, &v);
		another_round(m);
	}
	quit();
}

static void asks_for_the_slot(void)
{
	struct me *m = start(4, false);
	u32 ret;

	while (!stopped()) {
		ret = snp_psc_msr(SLOT_GPA + any(m, SLOT_PAGES) * PAGE_SIZE, 1 + any(m, 2));
		WANT(m, !ret || ret == 1u << 31, 1);
		saw(m, !!ret);
		another_round(m);
	}
	quit();
}

static void delete_and_add(struct hammer *h)
{
	struct kvm_vm *vm = h->a->g->vm;
	void *m = (void *)h->arg[0];

	vm_set_user_memory_region(vm, SLOT, 0, SLOT_GPA, 0, m);
	usleep(1000);
	vm_set_user_memory_region(vm, SLOT, 0, SLOT_GPA, SLOT_PAGES * PAGE_SIZE, m);
	h->hits++;
	/* Some requests are to find it, on slow machines too. */
	usleep(h->hits % 8 ? 5000 : 200000);
}

static void add_slot(struct arena *a, struct hammer *h)
{
	void *m = mmap(NULL, SLOT_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TEST_ASSERT(m != MAP_FAILED, "mmap: %s", strerror(errno));
	vm_set_user_memory_region(a->g->vm, SLOT, 0, SLOT_GPA, SLOT_PAGES * PAGE_SIZE, m);
	map_twice(a->g->vm, SLOT_GVA(0), SLOT_GVA(1), SLOT_GPA, SLOT_PAGES);
	h->arg[0] = (u64)m;
}

/* ---- the VMMs ---------------------------------------------------------- */

static void expect_seen(struct arena *a, unsigned int id, const char *what)
{
	unsigned int i;

	for (i = 0; a->runner[id].running && i < a->runner[id].sees; i++)
		if (!a->board->vcpu[id].seen[i])
			lost(a->runner[id].race, "vCPU %u never saw %s (%u)", id, what, i);
}

static void vmm_of_requests_and_ghcbs(void)
{
	struct arena a;

	create(&a, OVERLAPPING_2M_AND_4K, big_requests, VM_MEM_SRC_ANONYMOUS_THP);
	add_vcpu(&a, OVERLAPPING_2M_AND_4K, 1, small_requests);
	add_vcpu(&a, GHCB_OF_EACH_OTHER, 2, takes_ghcb_of_3);
	add_vcpu(&a, GHCB_OF_EACH_OTHER, 3, takes_ghcb_of_2);
	add_vcpu(&a, GHCB_OF_A_PARKED_VCPU, 4, takes_ghcb_of_the_parked);
	add_vcpu(&a, GHCB_OF_A_PARKED_VCPU, 5, parks)->interrupted = startup_ipi;
	add_hammer(&a, GHCB_OF_A_PARKED_VCPU, wake_up)->arg[0] = (u64)&a.runner[5];
	snp_launch(a.g);
	go(&a);
	race_until_the_end(&a, NULL);
	snp_free(a.g);
}

static void vmm_of_maps_and_clocks(void)
{
	struct hammer *h;
	struct arena a;

	create(&a, KVM_VCPU_MAP_OF_ANY_GFN, batches_under_maps, VM_MEM_SRC_ANONYMOUS);
	add_vcpu(&a, KVM_VCPU_MAP_OF_ANY_GFN, 1, single_pages_under_maps);
	add_vcpu(&a, PVCLOCK, 2, clock_there_and_back)->sees = 1;
	add_vcpu(&a, XEN_BY_GFN, 3, xen_by_gfn)->sees = NR_XEN_PAGES;
	add_vcpu(&a, SIGNALS_AND_IMMEDIATE_EXIT, 4, single_pages_under_signals)->interrupted =
		was_interrupted;
	add_maps(&a, KVM_VCPU_MAP_OF_ANY_GFN, 5, 0, 64, 0, 0);
	add_maps(&a, KVM_VCPU_MAP_OF_ANY_GFN, 6, 0, 64, 1, 2000);
	add_maps(&a, SIGNALS_AND_IMMEDIATE_EXIT, 7, REGION(3), 4, 0, 3000);
	h = add_hammer(&a, SIGNALS_AND_IMMEDIATE_EXIT, signals);
	h->arg[0] = (u64)&a.runner[4];
	h->rests = true;
	add_hammer(&a, PVCLOCK, set_clock);
	/* Xen's time page as well */
	add_hammer(&a, XEN_BY_GFN, set_clock);
	add_hammer(&a, XEN_BY_GFN, send_events)->arg[0] = 3;
	snp_launch(a.g);
	if (verdicts[XEN_BY_GFN].wanted)
		set_up_xen(&a.runner[3], REGION(2), false);
	go(&a);
	race_until_the_end(&a, NULL);
	expect_seen(&a, 2, "the clock come back");
	expect_seen(&a, 3, "a page come back");
	snp_free(a.g);
}

static void vmm_of_host_and_reset(void)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };
	struct hammer *h;
	struct runner *ap;
	struct arena a;

	create(&a, XEN_BY_HVA, xen_by_hva, VM_MEM_SRC_ANONYMOUS)->sees = NR_XEN_PAGES;
	add_vcpu(&a, HOST_WRITES, 1, is_robbed)->sees = 2;
	add_vcpu(&a, HOST_WRITES, 2, neighbour_of_the_robbed);
	add_vcpu(&a, VCPU_RESET, 3, resets_ap);
	ap = add_vcpu(&a, VCPU_RESET, AP_ID, nobody);
	ap->interrupted = has_no_vmsa;
	vcpu_mp_state_set(ap->vcpu, &halted);
	add_vcpu(&a, USERFAULTFD, 5, batches_over_userfaultfd);
	add_vcpu(&a, USERFAULTFD, 6, single_pages_over_userfaultfd);
	add_maps(&a, VCPU_RESET, 7, AP_PAGE, AP_PAGES, 0, 3000);
	add_hammer(&a, VCPU_RESET, wake_up)->arg[0] = (u64)ap;
	add_hammer(&a, XEN_BY_HVA, set_clock);
	add_hammer(&a, XEN_BY_HVA, send_events)->arg[0] = 0;
	h = add_hammer(&a, HOST_WRITES, rob);
	h->fd = open("/proc/self/pagemap", O_RDONLY);
	h->rests = true;
	add_hammer(&a, USERFAULTFD, drop_memory)->rests = true;
	add_hammer(&a, USERFAULTFD, serve_memory)->fd =
		watch_memory(uffd_memory(&a), UFFD_PAGES * PAGE_SIZE);
	snp_launch(a.g);
	if (verdicts[XEN_BY_HVA].wanted)
		set_up_xen(&a.runner[0], REGION(0), true);
	go(&a);
	race_until_the_end(&a, NULL);
	expect_seen(&a, 0, "a page come back");
	expect_seen(&a, 1, "the page taken (0) and left alone (1)");
	snp_free(a.g);
}

static void vmm_of_slots_and_files(void)
{
	struct runner *asks;
	struct arena a, b;

	create(&b, MEMFD_IN_TWO_VMS, second_vm, VM_MEM_SRC_SHMEM)->patient = true;
	create(&a, MEMFD_IN_TWO_SLOTS, first_slot, VM_MEM_SRC_SHMEM)->patient = true;
	map_memfd(a.g, snp_hva(b.g, snp_test_gpa(REGION(1))), SNP_PAGES_2M * PAGE_SIZE,
		  REGION(1) * PAGE_SIZE);
	add_vcpu(&a, MEMFD_IN_TWO_SLOTS, 1, second_slot)->patient = true;
	add_vcpu(&a, MEMFD_IN_TWO_VMS, 2, first_vm)->patient = true;
	add_vcpu(&a, MEMSLOT_DELETE_AND_ADD, 3, uses_the_slot)->patient = true;
	asks = add_vcpu(&a, MEMSLOT_DELETE_AND_ADD, 4, asks_for_the_slot);
	asks->patient = true;
	asks->sees = 2;
	add_alias(&a);
	add_slot(&a, add_hammer(&a, MEMSLOT_DELETE_AND_ADD, delete_and_add));
	snp_launch(a.g);
	snp_launch(b.g);
	go(&a);
	go(&b);
	race_until_the_end(&a, &b);
	expect_seen(&a, 4, "a request done (0) and refused (1)");
	snp_free(a.g);
	snp_free(b.g);
}

static const struct {
	void (*vmm)(void);
	enum race first, last;
} vmms[] = {
	{ vmm_of_requests_and_ghcbs, OVERLAPPING_2M_AND_4K, GHCB_OF_A_PARKED_VCPU },
	{ vmm_of_maps_and_clocks, KVM_VCPU_MAP_OF_ANY_GFN, XEN_BY_GFN },
	{ vmm_of_host_and_reset, XEN_BY_HVA, USERFAULTFD },
	{ vmm_of_slots_and_files, MEMFD_IN_TWO_SLOTS, MEMSLOT_DELETE_AND_ADD },
};

/* ---- the test ---------------------------------------------------------- */

static bool wanted(const char *race)
{
	const char *list = getenv("RACES");

	return !list || !*list || strstr(list, race);
}

static void run_vmm(unsigned int i)
{
	enum race r;

	signal(SIGUSR1, ignore_signal);
	vmms[i].vmm();
	for (r = vmms[i].first; r <= vmms[i].last; r++)
		verdicts[r].over = true;
	_exit(0);
}

/* A VM's end may lag behind its process. */
static const char *left_at_last(u64 leaked)
{
	const char *left;
	int tries = 0;

	while ((left = snp_in_place_leftover(leaked)) && tries++ < 500)
		usleep(20000);
	return left;
}

int main(void)
{
	const char *length = getenv("RACE_SECONDS"), *line, *left;
	unsigned int i, nr = 2, log;
	pid_t pid[ARRAY_SIZE(vmms)] = { 0 };
	enum race r;
	u64 leaked;
	int status;

	ksft_print_header();
	snp_require_in_place();
	if (length)
		seconds = atoi_positive("RACE_SECONDS", length);
	verdicts = mmap(NULL, NR_RACES * sizeof(*verdicts), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(verdicts != MAP_FAILED, "mmap");
	for (r = 0; r < NR_RACES; r++) {
		verdicts[r].wanted = wanted(race_names[r]);
		nr += verdicts[r].wanted;
	}
	ksft_set_plan(nr);
	log = snp_log_mark();
	leaked = snp_in_place_count("leaked");

	for (i = 0; i < ARRAY_SIZE(vmms); i++) {
		bool any_wanted = false;

		for (r = vmms[i].first; r <= vmms[i].last; r++)
			any_wanted |= verdicts[r].wanted;
		if (!any_wanted)
			continue;
		fflush(stdout);
		pid[i] = fork();
		TEST_ASSERT(pid[i] >= 0, "fork");
		if (!pid[i])
			run_vmm(i);
	}
	for (i = 0; i < ARRAY_SIZE(vmms); i++) {
		if (!pid[i])
			continue;
		TEST_ASSERT(waitpid(pid[i], &status, 0) == pid[i], "waitpid");
		for (r = vmms[i].first; r <= vmms[i].last; r++)
			if (!verdicts[r].over)
				lost(r, "its VMM ended early, status %#x", status);
	}

	for (r = 0; r < NR_RACES; r++) {
		struct verdict *v = &verdicts[r];

		if (!v->wanted)
			continue;
		ksft_print_msg("%s: rounds%s\n", race_names[r], v->rounds);
		if (v->why[0])
			ksft_print_msg("%s: %s\n", race_names[r], v->why);
		ksft_test_result(!v->why[0], "%s\n", race_names[r]);
	}
	left = left_at_last(leaked);
	if (left)
		ksft_print_msg("left behind:%s\n", left);
	ksft_test_result(!left, "nothing private, pinned, held or leaked is left\n");
	line = snp_log_complaint(log);
	if (line)
		ksft_print_msg("host log: %s", line);
	ksft_test_result(!line, "the host's log is clean\n");
	ksft_finished();
}
