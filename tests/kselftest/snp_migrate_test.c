// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP guest whose pages change in place moves to other VMs, of this VMM and of
 * another one that has the same memory by memfds. Two vCPUs count in private
 * memory and convert pages meanwhile; they are stopped wherever they are. The
 * guest itself checks that it loses nothing, the old VMM tries to write, and each
 * refusal must leave both VMs as they were, which is proved by the guest that
 * runs on and by a move that then succeeds.
 *
 * $MIGRATE_MOVES: how often it moves within a VMM
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/kvm_para.h>
#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "kselftest_harness.h"
#include "sev_move.h"
#include "snp.h"
#include "vmm_memory.h"

#define MOVES		2
#define KILLS		2
#define NR_VCPUS	2

/* Pages of the test memory */
#define COUNT_PAGE	0ul	/* and the next: each vCPU's count, private */
#define KEPT_PAGE	2ul	/* and the next: private, never touched again */
#define BELL_PAGE	4ul	/* shared: the VMM says when to end */
#define FIRST_PAGE	16ul	/* converted by the first vCPU, NAE */
#define SECOND_PAGE	32ul	/* by the second one, MSR protocol and use */
#define CONVERTED	8

#define KEPT		0x4b45505400000000ul
#define PRIVATE		0x5050505000000000ul
#define SHARED		0x5353535300000000ul

enum { STAGE_COUNT = 1, STAGE_READY };

/* ---- the guest --------------------------------------------------------- */

static volatile u64 *count_of(int who)
{
	return (volatile u64 *)snp_private(COUNT_PAGE + who);
}

static bool bell_rings(void)
{
	return *(volatile u64 *)snp_shared(BELL_PAGE);
}

/* One more, if the last one is still there. */
static void guest_counts(int who, u64 n)
{
	snp_assert_eq(*count_of(who), n);
	*count_of(who) = n + 1;
	snp_assert_eq(snp_holds(snp_private(KEPT_PAGE), 2, KEPT), true);
}

static void guest_fills_page(u64 page, u64 n)
{
	snp_validate_pages(page, 1, true);
	snp_fill(snp_private(page), 1, PRIVATE | n);
	snp_assert_eq(snp_holds(snp_private(page), 1, PRIVATE | n), true);
}

static void first_counts(void)
{
	u64 n, page;

	snp_guest_init();
	snp_fill(snp_shared(BELL_PAGE), 1, 0);
	snp_validate_pages(COUNT_PAGE, 4, true);
	snp_fill(snp_private(COUNT_PAGE), 2, 0);
	*count_of(0) = 0;
	*count_of(1) = 0;
	snp_fill(snp_private(KEPT_PAGE), 2, KEPT);
	for (page = FIRST_PAGE; page < FIRST_PAGE + CONVERTED; page++)
		guest_fills_page(page, 0);
	snp_sync(STAGE_READY, 0, 0, 0);

	for (n = 0; !bell_rings(); n++) {
		guest_counts(0, n);
		page = FIRST_PAGE + n % CONVERTED;
		snp_assert_eq(snp_holds(snp_private(page), 1,
					PRIVATE | (n < CONVERTED ? 0 : n - CONVERTED)), true);
		snp_validate_pages(page, 1, false);
		snp_psc_entry(0, snp_test_gpa(page), SNP_PSC_SHARED, SNP_4K);
		snp_assert_eq(snp_psc(1), 0);
		snp_fill(snp_shared(page), 1, SHARED | n);
		snp_assert_eq(snp_holds(snp_shared(page), 1, SHARED | n), true);
		snp_psc_entry(0, snp_test_gpa(page), SNP_PSC_PRIVATE, SNP_4K);
		snp_assert_eq(snp_psc(1), 0);
		guest_fills_page(page, n);
		if (n % 4 == 3)
			snp_sync(STAGE_COUNT, n, *count_of(1), 0);
	}
	snp_done();
}

/* No library: it has no GHCB. Its reports are termination requests. */
static void second_counts(void)
{
	u64 n, page;

	for (n = 0; !bell_rings(); n++) {
		guest_counts(1, n);
		page = SECOND_PAGE + n % CONVERTED;
		if (snp_psc_msr(snp_test_gpa(page), SNP_PSC_PRIVATE))
			snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
		guest_fills_page(page, n);
		/* By use, without being asked */
		snp_fill(snp_shared(page), 1, SHARED | n);
		snp_assert_eq(snp_holds(snp_shared(page), 1, SHARED | n), true);
	}
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

/* ---- its VMM ----------------------------------------------------------- */

static struct kvm_vcpu *vcpu_of(struct snp_guest *g, int id)
{
	struct kvm_vcpu *vcpu;

	list_for_each_entry(vcpu, &g->vm->vcpus, list) {
		if (vcpu->id == id)
			return vcpu;
	}
	TEST_FAIL("no vCPU %d", id);
}

static void complete(struct kvm_vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	__vcpu_run(vcpu);
	vcpu->run->immediate_exit = 0;
}

struct runner {
	struct snp_guest *g;
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	volatile bool stop;
	volatile bool ended;
	bool done;		/* the guest has come to its end */
	volatile u64 seen;	/* the last count reported */
};

static void nothing(int sig)
{
}

/* False: stop */
static bool look_at_exit(struct runner *r)
{
	struct kvm_run *run = r->vcpu->run;
	struct snp_report *report = r->g->report;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (report->kind == SNP_REPORT_DONE) {
			r->done = true;
			return false;
		}
		TEST_ASSERT(report->kind == SNP_REPORT_SYNC && report->arg[0] == STAGE_COUNT,
			    "vCPU %d: report %lu(%#lx, %#lx, %#lx) %s", r->vcpu->id, report->kind,
			    report->arg[0], report->arg[1], report->arg[2], report->text);
		TEST_ASSERT(report->arg[1] > r->seen || !r->seen, "a count was lost: %lu after %lu",
			    report->arg[1], r->seen);
		r->seen = report->arg[1];
		return true;
	case KVM_EXIT_SYSTEM_EVENT:
		TEST_ASSERT((run->system_event.data[0] >> 16 & 0xff) == SNP_TERM_DONE,
			    "vCPU %d ended itself: %#llx", r->vcpu->id,
			    run->system_event.data[0]);
		r->done = true;
		return false;
	default:
		TEST_FAIL("vCPU %d: %s", r->vcpu->id, exit_reason_str(run->exit_reason));
	}
}

static void *run_vcpu(void *arg)
{
	struct runner *r = arg;
	int ret;

	do {
		r->vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
		ret = __vcpu_run(r->vcpu);
		TEST_ASSERT(!ret || errno == EINTR || errno == EAGAIN, "vCPU %d: %s",
			    r->vcpu->id, strerror(errno));
	} while ((ret || look_at_exit(r)) && !r->stop);
	r->ended = true;
	return NULL;
}

static void start(struct runner *r, struct snp_guest *g)
{
	int i;

	signal(SIGUSR1, nothing);
	for (i = 0; i < NR_VCPUS; i++) {
		r[i].g = g;
		r[i].vcpu = vcpu_of(g, i);
		r[i].stop = false;
		r[i].ended = r[i].done;
		if (!r[i].done)
			TEST_ASSERT(!pthread_create(&r[i].thread, NULL, run_vcpu, &r[i]), "thread");
	}
}

/* Out of the guest, wherever it is, and what the last exit wants is answered. */
static void stop(struct runner *r)
{
	int i;

	for (i = 0; i < NR_VCPUS; i++) {
		if (r[i].done && !r[i].thread)
			continue;
		r[i].stop = true;
		while (!r[i].ended) {
			pthread_kill(r[i].thread, SIGUSR1);
			usleep(1000);
		}
		pthread_join(r[i].thread, NULL);
		r[i].thread = 0;
		if (r[i].done)
			continue;
		complete(r[i].vcpu);
	}
}

/* Until both vCPUs have counted on */
static void count_on(struct runner *r, struct snp_guest *g)
{
	u64 was = r[0].seen, second = g->report->arg[2];
	int i;

	start(r, g);
	for (i = 0; r[0].seen == was || g->report->arg[2] == second; i++) {
		TEST_ASSERT(i < 60000, "the guest does not count any more: %lu, %lu",
			    r[0].seen, g->report->arg[2]);
		usleep(1000);
	}
}

static void to_the_end(struct runner *r, struct snp_guest *g)
{
	int i;

	*(volatile u64 *)snp_hva(g, snp_test_gpa(BELL_PAGE)) = 1;
	start(r, g);
	for (i = 0; i < NR_VCPUS; i++) {
		pthread_join(r[i].thread, NULL);
		TEST_ASSERT(r[i].done, "vCPU %d did not come to its end", i);
	}
}

static struct snp_guest *launch_counting(void)
{
	struct snp_guest *g = snp_create_in_place_shared(first_counts);

	vm_vcpu_add(g->vm, 1, second_counts);
	snp_launch(g);
	snp_expect_sync(g, STAGE_READY);
	g->report->arg[2] = 0;
	return g;
}

static int move(struct snp_guest *dst, struct snp_guest *src)
{
	return sev_move(dst->vm->fd, src->vm->fd);
}

/* ---- what must not change, or not be left ------------------------------ */

static long vm_pin(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmPin: %ld", &kb);
	fclose(f);
	return kb * 1024 / PAGE_SIZE;
}

FIXTURE(move) {
	char top[64], full[80];
	struct runner r[NR_VCPUS];
	u64 refaulted, leaked;
	int log;
};

FIXTURE_SETUP(move)
{
	snp_require_in_place();
	self->log = snp_log_mark();
	self->refaulted = snp_in_place_count("refaulted");
	self->leaked = snp_in_place_count("leaked");
	cgroup_write(CGROUPS, "cgroup.subtree_control", "+misc");
	snprintf(self->top, sizeof(self->top), CGROUPS "/snp_move.%d", getpid());
	snprintf(self->full, sizeof(self->full), CGROUPS "/snp_full.%d", getpid());
	ASSERT_EQ(0, mkdir(self->top, 0755));
	ASSERT_EQ(0, mkdir(self->full, 0755));
	cgroup_write(self->full, "misc.max", "sev_es 0");
	cgroup_enter(self->top);
}

FIXTURE_TEARDOWN(move)
{
	struct snp_rmp_counts rmp;

	EXPECT_NO_LEFTOVER(self->leaked);
	EXPECT_EQ(0, vm_pin()) TH_LOG("pages are charged to a VMM without a guest");
	EXPECT_EQ(0, cgroup_charged(self->top, "sev_es")) TH_LOG("a charge was left behind");
	snp_rmp_counts(&rmp);
	EXPECT_EQ(0, rmp.guest) TH_LOG("pages in the RMP are still a guest's");
	EXPECT_CLEAN_LOG(self->log);
	cgroup_enter(CGROUPS);
	cgroup_remove(self->top);
	cgroup_remove(self->full);
}

#define MOVE_TEST(name) TEST_F_TIMEOUT(move, name, 240)

/* ---- the old VMM ------------------------------------------------------- */

static sigjmp_buf caught;

static void on_sigbus(int sig)
{
	siglongjmp(caught, 1);
}

static bool can_write(void *p)
{
	if (sigsetjmp(caught, 1))
		return false;
	*(volatile u8 *)p = 0xff;
	return true;
}

/* By its mappings, by the kernel on its behalf, by the VM that it still has */
static void old_vmm_writes(struct snp_guest *old)
{
	u64 private[] = { COUNT_PAGE, COUNT_PAGE + 1, KEPT_PAGE, KEPT_PAGE + 1 };
	int zero = open("/dev/zero", O_RDONLY), i;
	struct kvm_regs regs;

	signal(SIGBUS, on_sigbus);
	for (i = 0; i < ARRAY_SIZE(private); i++) {
		void *p = snp_hva(old, snp_test_gpa(private[i]));

		TEST_ASSERT(!can_write(p), "wrote to private page %lu", private[i]);
		TEST_ASSERT(read(zero, p, 64) == -1 && errno == EFAULT,
			    "the kernel wrote to private page %lu", private[i]);
	}
	TEST_ASSERT(can_write(snp_hva(old, snp_test_gpa(BELL_PAGE + 1))), "not even a shared page");
	close(zero);
	signal(SIGBUS, SIG_DFL);

	for (i = 0; i < NR_VCPUS; i++) {
		TEST_ASSERT(__vcpu_run(vcpu_of(old, i)) == -1 && errno == EIO, "vCPU %d runs", i);
		TEST_ASSERT(ioctl(vcpu_of(old, i)->fd, KVM_GET_REGS, &regs) == -1 &&
			    errno == EIO, "vCPU %d answers", i);
	}
}

/* Whatever the child says goes to our output; its status is 0 or it failed. */
static int status_of(pid_t pid)
{
	int status;

	TEST_ASSERT(waitpid(pid, &status, 0) == pid, "waitpid: %s", strerror(errno));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static long moves_wanted(void)
{
	const char *s = getenv("MIGRATE_MOVES");

	return s ? atol(s) : MOVES;
}

/*
 * The guest is moved while it converts, within this VMM and then to another one,
 * which has the memory by the same memfds, and a limit of its own for what it may
 * pin. There it comes to its end.
 */
MOVE_TEST(guest_counts_on_in_every_vm)
{
	struct snp_guest *g = launch_counting(), *next;
	long i, moves = moves_wanted(), pinned;
	int go[2], told[2];
	pid_t pid;
	char c;

	for (i = 0; i < moves; i++) {
		count_on(self->r, g);
		stop(self->r);
		next = snp_create_twin(g);
		pinned = vm_pin();
		ASSERT_EQ(0, move(next, g)) TH_LOG("move %ld", i);
		EXPECT_EQ(pinned, vm_pin());
		old_vmm_writes(g);
		snp_free_moved(g);
		g = next;
	}
	count_on(self->r, g);
	stop(self->r);
	pinned = vm_pin();

	ASSERT_EQ(0, pipe(go));
	ASSERT_EQ(0, pipe(told));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		next = snp_create_twin(g);
		drop_ipc_lock();
		limit_memlock(pinned - 1);
		TEST_ASSERT_EQ(-ENOMEM, move(next, g));
		TEST_ASSERT_EQ(0, vm_pin());
		limit_memlock(pinned + 2 * CONVERTED);
		TEST_ASSERT_EQ(0, move(next, g));
		TEST_ASSERT_EQ(pinned, vm_pin());
		count_on(self->r, next);
		stop(self->r);
		TEST_ASSERT_EQ(1, write(told[1], "m", 1));
		TEST_ASSERT_EQ(1, read(go[0], &c, 1));
		to_the_end(self->r, next);
		snp_free(next);
		_exit(0);
	}
	close(told[1]);
	ASSERT_EQ(1, read(told[0], &c, 1)) TH_LOG("the other VMM failed");
	EXPECT_EQ(0, vm_pin()) TH_LOG("the old VMM is still charged");
	old_vmm_writes(g);
	ASSERT_EQ(1, write(go[1], "g", 1));
	EXPECT_EQ(0, status_of(pid));
	snp_free_moved(g);
}

/* ---- refused: both as they were ---------------------------------------- */

struct state {
	long private, pinned, holds;
	long vm_pin, charged;
};

static void take_state(struct _test_data_move *self, struct state *s)
{
	s->private = snp_in_place_count("private");
	s->pinned = snp_in_place_count("pinned");
	s->holds = snp_in_place_count("holds");
	s->vm_pin = vm_pin();
	s->charged = cgroup_charged(self->top, "sev_es");
}

static void expect_state(struct __test_metadata *_metadata, struct _test_data_move *self,
			 const struct state *was, const char *why)
{
	struct state is;

	take_state(self, &is);
	EXPECT_EQ(was->private, is.private) TH_LOG("%s: private pages", why);
	EXPECT_EQ(was->pinned, is.pinned) TH_LOG("%s: pins", why);
	EXPECT_EQ(was->holds, is.holds) TH_LOG("%s: holds", why);
	EXPECT_EQ(was->vm_pin, is.vm_pin) TH_LOG("%s: charged pages", why);
	EXPECT_EQ(was->charged, is.charged) TH_LOG("%s: charged ASIDs", why);
}

static void slot(struct snp_guest *g, u32 id, u64 gpa, u64 size, void *hva)
{
	TEST_ASSERT(!__vm_set_user_memory_region(g->vm, id, 0, gpa, size, hva), "memslot %u: %s",
		    id, strerror(errno));
}

#define REFUSED(error, why) do {						\
	EXPECT_EQ(-(error), move(dst, g)) TH_LOG(why);				\
	expect_state(_metadata, self, s, why);					\
} while (0)

/* A destination that gets there in the end, by another address and in two mappings */
static struct snp_guest *other_memory(struct __test_metadata *_metadata,
				      struct _test_data_move *self, struct snp_guest *g,
				      const struct state *s)
{
	struct userspace_mem_region *region = memslot2region(g->memory, SNP_TEST_SLOT);
	u64 gpa = region->region.guest_phys_addr, size = region->region.memory_size;
	int rw = PROT_READ | PROT_WRITE, fd = region->fd;
	u8 *hva = (u8 *)region->region.userspace_addr;
	struct snp_guest *dst = snp_create_twin(g);
	size_t half = size / 2;
	u8 *p;

	p = mmap(NULL, size, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(p != MAP_FAILED, "mmap");

#define AT(gpa, size, hva) do {							\
	__vm_set_user_memory_region(dst->vm, SNP_TEST_SLOT, 0, 0, 0, NULL);	\
	slot(dst, SNP_TEST_SLOT, gpa, size, hva);				\
} while (0)
#define MAP(at, flags, offset)							\
	TEST_ASSERT(mmap(at, half, rw, MAP_FIXED | (flags), fd, offset) == (at), "mmap")

	slot(dst, 7, 1ul << 32, PAGE_SIZE, p);
	REFUSED(EINVAL, "one slot more");
	slot(dst, 7, 0, 0, NULL);
	slot(dst, SNP_TEST_SLOT, 0, 0, NULL);
	REFUSED(EINVAL, "one slot less");
	AT(gpa + size, size, hva);
	REFUSED(EINVAL, "at another address");
	AT(gpa, half, hva);
	REFUSED(EINVAL, "smaller");
	AT(gpa, size, p);
	REFUSED(EINVAL, "other memory");
	MAP(p, MAP_SHARED, 0);
	MAP(p + half, MAP_SHARED, 0);
	REFUSED(EINVAL, "another place of the file");
	MAP(p + half, MAP_PRIVATE, half);
	REFUSED(EINVAL, "a private mapping");
	munmap(p + half, half);
	REFUSED(EINVAL, "a hole");
	MAP(p + half, MAP_SHARED, half);
	return dst;
}

static void other_vcpus_and_vms(struct __test_metadata *_metadata, struct _test_data_move *self,
				struct snp_guest *g, const struct state *s)
{
	struct snp_guest *dst = snp_create_twin(g), *other;
	struct kvm_sev_init init = { 0 };

	__vm_vcpu_add(dst->vm, NR_VCPUS);
	REFUSED(EINVAL, "one vCPU more");
	snp_free(dst);

	dst = snp_create_empty();
	__vm_vcpu_add(dst->vm, 0);
	REFUSED(EINVAL, "one vCPU less");
	__vm_vcpu_add(dst->vm, 2);
	REFUSED(EINVAL, "another number");
	kvm_vm_free(dst->vm);

	/* Not in-place, as guests with guest_memfd are */
	dst->vm = vm_create_barebones_type(KVM_X86_SNP_VM);
	dst->vm->arch.sev_fd = -1;
	REFUSED(EINVAL, "onto a VM that is not in-place");
	kvm_vm_free(dst->vm);
	dst->vm = vm_create_barebones();
	dst->vm->arch.sev_fd = -1;
	REFUSED(EINVAL, "onto a VM of another type");
	snp_free(dst);

	dst = snp_create_empty();
	other = snp_create_empty();
	EXPECT_EQ(-EINVAL, move(dst, other)) TH_LOG("from no guest");
	kvm_vm_free(other->vm);
	other->vm = vm_create_barebones_type(KVM_X86_SNP_VM);
	other->vm->arch.sev_fd = open_sev_dev_path_or_exit();
	vm_sev_ioctl(other->vm, KVM_SEV_INIT2, &init);
	EXPECT_EQ(-EINVAL, move(dst, other)) TH_LOG("from a guest that is not in-place");
	EXPECT_EQ(-EINVAL, move(other, g)) TH_LOG("onto another SNP guest");
	EXPECT_EQ(-EINVAL, move(g, g)) TH_LOG("onto itself");
	snp_free(other);
	other = snp_create_in_place_shared(first_counts);
	EXPECT_EQ(-EINVAL, move(dst, other)) TH_LOG("before its launch");
	TEST_ASSERT_EQ(0, snp_launch_start(other, SNP_POLICY));
	EXPECT_EQ(-EINVAL, move(dst, other)) TH_LOG("in the middle of its launch");
	snp_free(other);
	snp_free(dst);
	expect_state(_metadata, self, s, "other VMs");
}

MOVE_TEST(refused_moves_leave_both_as_they_were)
{
	struct snp_guest *g = launch_counting(), *dst = snp_create_twin(g), *third;
	struct state now, *s = &now;

	/* Its last exit was the report STAGE_READY. */
	take_state(self, s);
	REFUSED(EBUSY, "an exit is not completed");

	count_on(self->r, g);
	stop(self->r);
	take_state(self, s);
	cgroup_enter(self->full);
	EXPECT_EQ(-EBUSY, move(dst, g)) TH_LOG("the cgroup has no room");
	cgroup_enter(self->top);
	EXPECT_EQ(0, cgroup_charged(self->full, "sev_es"));
	expect_state(_metadata, self, s, "the cgroup has no room");
	third = other_memory(_metadata, self, g, s);
	other_vcpus_and_vms(_metadata, self, g, s);

	/* The guest runs on where it is, and can move. */
	count_on(self->r, g);
	stop(self->r);
	take_state(self, s);
	ASSERT_EQ(0, move(dst, g));
	EXPECT_EQ(-EIO, move(third, g)) TH_LOG("from a dead VM");
	EXPECT_EQ(-EIO, move(g, dst)) TH_LOG("onto a dead VM");
	expect_state(_metadata, self, s, "dead");
	ASSERT_EQ(0, move(third, dst));
	count_on(self->r, third);
	stop(self->r);
	to_the_end(self->r, third);
	snp_free(third);
	snp_free_moved(dst);
	snp_free_moved(g);
}

/* Refused under all locks, if the VM's second slot leads elsewhere. */
static struct snp_guest *misfit(struct snp_guest *g)
{
	struct snp_guest *dst = snp_create_twin(g);
	u64 size = SNP_TEST_PAGES * PAGE_SIZE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	slot(dst, SNP_TEST_SLOT, 0, 0, NULL);
	slot(dst, SNP_TEST_SLOT, SNP_TEST_GPA, size, p);
	return dst;
}

/* Killed while it waits for a vCPU that runs, and wherever it is just then */
MOVE_TEST(killed_at_any_step_it_leaves_both_as_they_were)
{
	struct snp_guest *g = launch_counting(), *dst;
	atomic_long *tries;
	pid_t pid;
	int i;

	tries = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, tries);
	for (i = 0; i < 2 * KILLS; i++) {
		count_on(self->r, g);
		if (i % 2)
			stop(self->r);
		atomic_store(tries, 0);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			dst = misfit(g);
			for (;;) {
				atomic_fetch_add(tries, 1);
				move(dst, g);
			}
		}
		/* It comes back from the first one only if no vCPU runs. */
		while (atomic_load(tries) < (i % 2 ? 1 + i : 1))
			usleep(100);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, status_of(pid));
		if (!(i % 2))
			stop(self->r);
	}
	dst = snp_create_twin(g);
	ASSERT_EQ(0, move(dst, g));
	count_on(self->r, dst);
	stop(self->r);
	to_the_end(self->r, dst);
	snp_free(dst);
	snp_free_moved(g);
}

/* ---- what goes along --------------------------------------------------- */

#define IN_PORT		0x5352
#define IN_VALUE	0x5a
#define SECOND_ID	1
#define SECOND_PORT	0x5351
#define GHCB_PAGE	1500ul
#define GHCB_GPA	snp_test_gpa(GHCB_PAGE)
#define VMSA_PAGE	700ul
#define VMSA_GPA	snp_test_gpa(VMSA_PAGE)
#define CLOCK_PAGE	9ul
#define EXIT_MSR	0x7c

/* To the next VM, the old one is dead. */
static struct snp_guest *next_vm(struct snp_guest *g)
{
	struct snp_guest *next = snp_create_twin(g);
	int ret = move(next, g);

	TEST_ASSERT(!ret, "move: %s", strerror(-ret));
	snp_free_moved(g);
	return next;
}

static void guest_reads_a_port(void)
{
	struct snp_exit e;

	snp_guest_init();
	snp_ghcb_set(SNP_GHCB_RAX, 0);
	e = snp_vmgexit(SNP_EXIT_IOIO, (u64)IN_PORT << 16 | 1 << 4 | 1, 0);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(snp_ghcb()[SNP_GHCB_RAX] & 0xff, IN_VALUE);
	snp_done();
}

MOVE_TEST(answer_of_the_last_exit_goes_along)
{
	struct snp_guest *g = snp_create_in_place_shared(guest_reads_a_port);
	struct kvm_run *run;

	snp_launch(g);
	run = g->vcpu->run;
	ASSERT_EQ(0, __vcpu_run(g->vcpu));
	ASSERT_EQ(KVM_EXIT_IO, run->exit_reason);
	ASSERT_EQ(IN_PORT, run->io.port);
	*((u8 *)run + run->io.data_offset) = IN_VALUE;
	complete(g->vcpu);
	g = next_vm(g);
	snp_expect_done(g);
	snp_free(g);
}

static void guest_attests(void)
{
	u8 measurement[SNP_MEASUREMENT_SIZE];

	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_attested_measurement(measurement);
	snp_done();
}

/* The number of the old VMM's descriptor means nothing in the new one. */
MOVE_TEST(guest_asks_firmware_without_the_old_descriptor)
{
	struct snp_guest *g = snp_create_in_place_shared(guest_attests), *next;
	pid_t pid;

	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	ASSERT_EQ(0, snp_launch_update_all(g));
	ASSERT_EQ(0, snp_launch_secrets(g));
	ASSERT_EQ(0, snp_launch_finish(g));
	snp_expect_sync(g, 1);
	complete(g->vcpu);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(g->vm->arch.sev_fd);
		next = snp_create_twin(g);
		TEST_ASSERT_EQ(0, move(next, g));
		snp_expect_done(next);
		snp_free(next);
		_exit(0);
	}
	EXPECT_EQ(0, status_of(pid));
	snp_free_moved(g);
}

static void guest_makes_a_vmsa(void)
{
	snp_guest_init();
	snp_validate_pages(VMSA_PAGE, 1, true);
	snp_assert_eq(snp_rmpadjust(snp_private(VMSA_PAGE), SNP_4K, 1 | SNP_RMPADJUST_VMSA), 0);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_CREATE, VMSA_GPA).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(VMSA_GPA, SNP_PSC_SHARED), 1u << 31);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_DESTROY, VMSA_GPA).failed, 0);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(VMSA_GPA, SNP_PSC_SHARED), 0);
	snp_done();
}

static void not_run(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

static void *run_second(void *arg)
{
	struct runner *r = arg;

	do {
		__vcpu_run(r->vcpu);
	} while (!r->stop && (errno == EINTR || errno == EAGAIN));
	r->ended = true;
	return NULL;
}

static void start_second(struct runner *r, struct snp_guest *g, int id)
{
	signal(SIGUSR1, nothing);
	memset(r, 0, sizeof(*r));
	r->vcpu = vcpu_of(g, id);
	TEST_ASSERT(!pthread_create(&r->thread, NULL, run_second, r), "thread");
}

static void stop_second(struct runner *r)
{
	r->stop = true;
	while (!r->ended) {
		pthread_kill(r->thread, SIGUSR1);
		usleep(1000);
	}
	pthread_join(r->thread, NULL);
}

/* The VMSA is all zeroes, so the vCPU can't run; it has the page all the same. */
static void second_loads_its_state(struct snp_guest *g, long holds)
{
	struct runner r;

	start_second(&r, g, SECOND_ID);
	WAIT_FOR(snp_in_place_count("holds") == holds);
	stop_second(&r);
}

MOVE_TEST(new_vmsa_of_a_vcpu_goes_along_asked_for_and_taken)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };
	struct snp_guest *g = snp_create_in_place_shared(guest_makes_a_vmsa);

	vcpu_mp_state_set(vm_vcpu_add(g->vm, SECOND_ID, not_run), &halted);
	snp_launch(g);
	snp_expect_sync(g, 1);
	/* The second vCPU has not run yet: the request is still one. */
	complete(g->vcpu);
	EXPECT_EQ(1, snp_in_place_count("holds"));
	g = next_vm(g);
	second_loads_its_state(g, 2);
	g = next_vm(g);
	EXPECT_EQ(2, snp_in_place_count("holds")) TH_LOG("the page is no longer held");
	snp_expect_sync(g, 2);
	second_loads_its_state(g, 1);
	snp_expect_done(g);
	snp_free(g);
}

static void second_tells(void)
{
	snp_second_init(GHCB_PAGE);
	snp_second_exit(GHCB_PAGE, SNP_EXIT_IOIO, (u64)SECOND_PORT << 16 | 1 << 4, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static void guest_wants_the_mapped_page(void)
{
	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(GHCB_GPA, SNP_PSC_PRIVATE), 0);
	guest_fills_page(GHCB_PAGE, 0);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

/* A request of the MSR protocol waits for the other vCPU's GHCB: both move. */
MOVE_TEST(waiting_request_and_mapped_ghcb_go_along)
{
	struct snp_guest *g = snp_create_in_place_shared(guest_wants_the_mapped_page);
	struct kvm_vcpu *second = vm_vcpu_add(g->vm, SECOND_ID, second_tells);
	struct runner r;
	int i;

	snp_launch(g);
	snp_expect_sync(g, 1);
	ASSERT_EQ(0, __vcpu_run(second));
	ASSERT_EQ(KVM_EXIT_IO, second->run->exit_reason);
	complete(second);

	for (i = 0; i < 2; i++) {
		start_second(&r, g, 0);
		WAIT_FOR(snp_in_place_count("waiting") == 1);
		stop_second(&r);
		EXPECT_EQ(1, snp_in_place_count("holds"));
		g = next_vm(g);
		EXPECT_EQ(1, snp_in_place_count("holds")) TH_LOG("the GHCB is no longer held");
	}
	start_second(&r, g, 0);
	WAIT_FOR(snp_in_place_count("waiting") == 1);
	second = vcpu_of(g, SECOND_ID);
	ASSERT_EQ(0, __vcpu_run(second));
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, second->run->exit_reason);
	pthread_join(r.thread, NULL);
	EXPECT_EQ(SNP_REPORT_SYNC, g->report->kind) TH_LOG("%s", g->report->text);
	EXPECT_EQ(2, g->report->arg[0]);
	snp_expect_done(g);
	snp_free(g);
}

static void guest_has_a_clock(void)
{
	snp_guest_init();
	snp_fill(snp_shared(CLOCK_PAGE), 1, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(CLOCK_PAGE), SNP_PSC_PRIVATE), 0);
	guest_fills_page(CLOCK_PAGE, 0);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(CLOCK_PAGE), 1, PRIVATE), true);
	snp_done();
}

/*
 * The destination has a cached mapping of a page from before it became private,
 * which the source's conversion could not revoke.
 */
MOVE_TEST(destinations_own_caches_are_revoked)
{
	struct snp_guest *g = snp_create_in_place_shared(guest_has_a_clock), *dst;
	struct kvm_clock_data data = { 0 };

	snp_launch(g);
	snp_expect_sync(g, 1);
	dst = snp_create_twin(g);
	vcpu_set_msr(dst->vcpu, MSR_KVM_SYSTEM_TIME_NEW, snp_test_gpa(CLOCK_PAGE) | 1);
	snp_expect_sync(g, 2);
	complete(g->vcpu);
	ASSERT_EQ(0, move(dst, g));
	vm_ioctl(dst->vm, KVM_GET_CLOCK, &data);
	data.flags = 0;
	vm_ioctl(dst->vm, KVM_SET_CLOCK, &data);
	snp_expect_done(dst);
	EXPECT_EQ(self->refaulted, snp_in_place_count("refaulted"))
		TH_LOG("written, and given back");
	snp_free(dst);
	snp_free_moved(g);
}

TEST_HARNESS_MAIN
