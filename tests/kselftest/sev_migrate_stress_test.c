// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM against userspace that does all at once what
 * it must not: VMs from each other in rings, a VM from itself, descriptors that
 * are no VM or are closed and reused meanwhile, vCPUs created meanwhile, SIGKILL
 * in the middle. Only specified errors may come back, everybody must get an
 * answer, each guest is in exactly one VM, and nothing stays charged.
 *
 *	sev_migrate_stress_test [ATTEMPTS]	also by $MIGRATE_ATTEMPTS; 10000 for long
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "kselftest_harness.h"
#include "sev_move.h"

#define DEFAULT_ATTEMPTS 200
#define ATTEMPTS_A_ROUND 40
#define WORKERS		3
#define MAX_RING	4
#define HANG_SECONDS	30
#define KILLS		4

static long attempts_wanted(void)
{
	const char *s = getenv("MIGRATE_ATTEMPTS");

	return s ? atol(s) : DEFAULT_ATTEMPTS;
}

static int migrate(int dst_fd, int src_fd)
{
	return -sev_move(dst_fd, src_fd);
}

static int sev_cmd(int vm_fd, int sev_fd, u32 id, void *data)
{
	struct kvm_sev_cmd cmd = { .id = id, .data = (u64)data, .sev_fd = sev_fd };

	return ioctl(vm_fd, KVM_MEMORY_ENCRYPT_OP, &cmd) ? errno : 0;
}

static u32 init_cmd(bool es)
{
	return es ? KVM_SEV_ES_INIT : KVM_SEV_INIT;
}

static int free_asids(int kvm, bool es)
{
	int fds[20], n, i;

	for (n = 0; n < ARRAY_SIZE(fds); n++) {
		fds[n] = ioctl(kvm, KVM_CREATE_VM, 0);
		TEST_ASSERT(fds[n] >= 0, "KVM_CREATE_VM: %s", strerror(errno));
		if (sev_cmd(fds[n], -1, init_cmd(es), NULL)) {
			close(fds[n]);
			break;
		}
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	return n;
}

/* ---- watchdog ------------------------------------------------------------ */

/* Shared with children: whoever works counts. */
struct beat {
	_Atomic long count;
	_Atomic int tid;
	_Atomic bool works;
};

static struct beat *beats;
#define BEATS (WORKERS + 2)

static void beat(int i)
{
	atomic_fetch_add(&beats[i].count, 1);
}

static void beat_start(int i)
{
	atomic_store(&beats[i].tid, syscall(SYS_gettid));
	atomic_store(&beats[i].works, true);
}

/* Not a measure of speed: no ioctl here takes a minute unless it never ends. */
static void *watchdog(void *arg)
{
	long last[BEATS] = { }, now;
	int still[BEATS] = { }, i, n;
	char path[64], stack[2048];
	FILE *f;

	for (;;) {
		sleep(1);
		for (i = 0; i < BEATS; i++) {
			now = atomic_load(&beats[i].count);
			if (atomic_load(&beats[i].works) && now == last[i])
				still[i]++;
			else
				still[i] = 0;
			last[i] = now;
			if (still[i] < HANG_SECONDS)
				continue;
			snprintf(path, sizeof(path), "/proc/%d/stack", beats[i].tid);
			f = fopen(path, "r");
			n = f ? fread(stack, 1, sizeof(stack) - 1, f) : 0;
			stack[n] = 0;
			printf("# worker %d hangs after %ld calls, in\n%s", i, now, stack);
			fflush(stdout);
			_exit(1);
		}
	}
	return NULL;
}

/* ---- rings --------------------------------------------------------------- */

struct ring {
	int kvm, sev_fd;
	int vm[MAX_RING];
	int n;
	int null;
	_Atomic int reused;	/* a number that is now a VM, now closed */
	_Atomic bool stop;
	_Atomic long left;
	_Atomic long got[256];	/* answers by errno */
	_Atomic int wrong;	/* the first one that is not specified */
};

struct worker {
	struct ring *ring;
	unsigned int seed;
	int i;
};

static const int specified[] = { 0, EBADF, EINVAL, EBUSY, EIO };

static bool is_specified(int err)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(specified); i++) {
		if (err == specified[i])
			return true;
	}
	return false;
}

static void *migrate_at_random(void *arg)
{
	struct worker *w = arg;
	struct ring *r = w->ring;
	int dst, src, err;

	beat_start(w->i);
	while (atomic_fetch_sub(&r->left, 1) > 0) {
		dst = rand_r(&w->seed) % r->n;
		switch (rand_r(&w->seed) % 8) {
		case 0:
			src = r->vm[dst];
			break;
		case 1:
			src = r->null;
			break;
		case 2:
			src = -1;
			break;
		case 3:
			src = atomic_load(&r->reused);
			break;
		case 4:
			src = r->vm[rand_r(&w->seed) % r->n];
			break;
		default:
			/* its neighbour in the ring */
			src = r->vm[(dst + 1) % r->n];
		}
		err = migrate(r->vm[dst], src);
		if (!is_specified(err))
			atomic_store(&r->wrong, err);
		atomic_fetch_add(&r->got[err & 255], 1);
		beat(w->i);
	}
	atomic_store(&beats[w->i].works, false);
	return NULL;
}

/* Creates vCPUs wherever it can, and opens and closes one number. */
static void *disturb(void *arg)
{
	struct worker *w = arg;
	struct ring *r = w->ring;
	int vcpu, vm;

	beat_start(w->i);
	while (!atomic_load(&r->stop)) {
		vcpu = ioctl(r->vm[rand_r(&w->seed) % r->n], KVM_CREATE_VCPU, rand_r(&w->seed) % 8);
		if (vcpu >= 0)
			close(vcpu);
		else if (errno != EEXIST && errno != EIO)
			atomic_store(&r->wrong, errno);
		vm = ioctl(r->kvm, KVM_CREATE_VM, 0);
		atomic_store(&r->reused, vm);
		close(vm);
		beat(w->i);
	}
	atomic_store(&beats[w->i].works, false);
	return NULL;
}

static void ring_create(struct ring *r, int n, bool es)
{
	struct kvm_sev_launch_start start = { .policy = es ? SEV_POLICY_ES : 0 };
	int i;

	r->n = n;
	r->reused = -1;
	for (i = 0; i < n; i++) {
		r->vm[i] = ioctl(r->kvm, KVM_CREATE_VM, 0);
		TEST_ASSERT(r->vm[i] >= 0, "KVM_CREATE_VM: %s", strerror(errno));
	}
	TEST_ASSERT_EQ(sev_cmd(r->vm[0], r->sev_fd, init_cmd(es), NULL), 0);
	TEST_ASSERT_EQ(sev_cmd(r->vm[0], r->sev_fd, KVM_SEV_LAUNCH_START, &start), 0);
}

static void ring_free(struct ring *r)
{
	int i;

	for (i = 0; i < r->n; i++)
		close(r->vm[i]);
}

FIXTURE(stress)
{
	char top[64], home[80], full[80];
	int kvm, sev_fd;
	int sev_asids, es_asids;
};

FIXTURE_SETUP(stress)
{
	pthread_t dog;

	TEST_REQUIRE(kvm_has_cap(KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM));
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SEV));
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SEV_ES));

	self->kvm = open_kvm_dev_path_or_exit();
	self->sev_fd = open_sev_dev_path_or_exit();
	beats = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, beats);
	ASSERT_EQ(0, pthread_create(&dog, NULL, watchdog, NULL));

	cgroup_write(CGROUPS, "cgroup.subtree_control", "+misc");
	snprintf(self->top, sizeof(self->top), CGROUPS "/stress.%d", getpid());
	snprintf(self->home, sizeof(self->home), "%s/home", self->top);
	ASSERT_EQ(0, mkdir(self->top, 0755));
	cgroup_write(self->top, "cgroup.subtree_control", "+misc");
	ASSERT_EQ(0, mkdir(self->home, 0755));
	snprintf(self->full, sizeof(self->full), "%s/full", self->top);
	ASSERT_EQ(0, mkdir(self->full, 0755));
	cgroup_write(self->full, "misc.max", "sev 0");
	self->sev_asids = free_asids(self->kvm, false);
	self->es_asids = free_asids(self->kvm, true);
	cgroup_enter(self->home);
}

FIXTURE_TEARDOWN(stress)
{
	EXPECT_EQ(0, cgroup_charged(self->top, "sev")) TH_LOG("a charge was left behind");
	EXPECT_EQ(0, cgroup_charged(self->top, "sev_es")) TH_LOG("a charge was left behind");
	cgroup_enter(CGROUPS);
	EXPECT_EQ(self->sev_asids, free_asids(self->kvm, false))
		TH_LOG("SEV guests that can be started");
	EXPECT_EQ(self->es_asids, free_asids(self->kvm, true))
		TH_LOG("SEV-ES guests that can be started");
	/* The last one killed in there may still be dying. */
	cgroup_remove(self->full);
	cgroup_remove(self->home);
	cgroup_remove(self->top);
}

FIXTURE_VARIANT(stress)
{
	bool es;
};

FIXTURE_VARIANT_ADD(stress, sev)
{
	.es = false,
};

FIXTURE_VARIANT_ADD(stress, sev_es)
{
	.es = true,
};

TEST_F_TIMEOUT(stress, rings_of_vms_end_with_one_guest_in_one_vm, 1200)
{
	long attempts = attempts_wanted() / 2, done = 0, got[256] = { };
	const char *type = variant->es ? "sev_es" : "sev";
	struct ring *r = calloc(1, sizeof(*r));
	struct worker w[WORKERS + 1];
	pthread_t t[WORKERS + 1];
	int i;

	r->kvm = self->kvm;
	r->sev_fd = self->sev_fd;
	r->null = open("/dev/null", O_RDWR);
	for (i = 0; i <= WORKERS; i++)
		w[i] = (struct worker){ .ring = r, .seed = i + 1, .i = i };

	for (; done < attempts; done += ATTEMPTS_A_ROUND) {
		ring_create(r, 2 + done / ATTEMPTS_A_ROUND % (MAX_RING - 1), variant->es);
		atomic_store(&r->left, ATTEMPTS_A_ROUND);
		atomic_store(&r->stop, false);
		for (i = 0; i < WORKERS; i++)
			ASSERT_EQ(0, pthread_create(&t[i], NULL, migrate_at_random, &w[i]));
		ASSERT_EQ(0, pthread_create(&t[i], NULL, disturb, &w[i]));
		for (i = 0; i < WORKERS; i++)
			pthread_join(t[i], NULL);
		atomic_store(&r->stop, true);
		pthread_join(t[i], NULL);

		ASSERT_EQ(0, r->wrong) TH_LOG("not a specified error: %s", strerror(r->wrong));
		ASSERT_EQ(1, cgroup_charged(self->top, type))
			TH_LOG("charges of one guest, whatever was moved");
		ring_free(r);
		ASSERT_EQ(0, cgroup_charged(self->top, type)) TH_LOG("charges of no guest");
	}
	for (i = 0; i < 256; i++)
		got[i] = r->got[i];
	ksft_print_msg("%ld attempts: %ld moved, %ld EBUSY, %ld EINVAL, %ld EIO, %ld EBADF\n",
		       done, got[0], got[EBUSY], got[EINVAL], got[EIO], got[EBADF]);
	/* Else it was no stress. */
	EXPECT_LT(0, got[0]);
	EXPECT_LT(0, got[EINVAL]);
	EXPECT_LT(0, got[EBADF]);
	EXPECT_LT(0, got[EIO]);
	free(r);
}

/* A from B and B from A at once: one wins. No disturbance, so no excuse. */
static void *migrate_until_answered(void *arg)
{
	int *fd = arg, err;

	beat_start(fd[3]);
	do {
		err = migrate(fd[0], fd[1]);
	} while (err == EBUSY);
	beat(fd[3]);
	atomic_store(&beats[fd[3]].works, false);
	fd[2] = err;
	return NULL;
}

TEST_F_TIMEOUT(stress, of_two_that_want_each_other_one_wins, 600)
{
	long rounds = attempts_wanted() / 40;
	int a[4] = { [3] = 0 }, b[4] = { [3] = 1 };
	pthread_t t[2];

	while (rounds--) {
		a[0] = ioctl(self->kvm, KVM_CREATE_VM, 0);
		a[1] = ioctl(self->kvm, KVM_CREATE_VM, 0);
		b[0] = a[1];
		b[1] = a[0];
		ASSERT_EQ(0, sev_cmd(a[1], self->sev_fd, init_cmd(variant->es), NULL));
		ASSERT_EQ(0, pthread_create(&t[0], NULL, migrate_until_answered, a));
		ASSERT_EQ(0, pthread_create(&t[1], NULL, migrate_until_answered, b));
		pthread_join(t[0], NULL);
		pthread_join(t[1], NULL);
		ASSERT_EQ(0, a[2]) TH_LOG("the one that can be moved was not: %s", strerror(a[2]));
		ASSERT_TRUE(b[2] == EINVAL || b[2] == EIO || b[2] == 0)
			TH_LOG("the other got %s", strerror(b[2]));
		close(a[0]);
		close(a[1]);
	}
}

/*
 * Two that can't be moved at all ask for it from both sides, while somebody else
 * holds each kvm->lock for long: whoever waits for one with the other in hand
 * waits for ever.
 */
struct opponent {
	int dst, src, beat;
	long attempts;
	void *region;
	_Atomic bool *stop;
	_Atomic int *wrong;
};

static void *ask(void *arg)
{
	struct opponent *o = arg;
	unsigned int seed = o->beat;
	volatile int pause;
	long i;
	int err;

	beat_start(o->beat);
	for (i = 0; i < o->attempts; i++) {
		err = migrate(o->dst, o->src);
		if (err != EINVAL && err != EBUSY)
			atomic_store(o->wrong, err ?: -1);
		/* Else all four fall in step, and nobody meets. */
		for (pause = rand_r(&seed) % 10000; pause; pause--)
			;
		beat(o->beat);
	}
	atomic_store(&beats[o->beat].works, false);
	return NULL;
}

#define REGION (256 << 10)

static void *hog(void *arg)
{
	struct opponent *o = arg;
	struct kvm_enc_region enc = { .addr = (u64)o->region };
	unsigned int seed = 10 + o->beat;

	while (!atomic_load(o->stop)) {
		enc.size = (1 + rand_r(&seed) % (REGION / PAGE_SIZE)) * PAGE_SIZE;
		ioctl(o->dst, KVM_MEMORY_ENCRYPT_REG_REGION, &enc);
		ioctl(o->dst, KVM_MEMORY_ENCRYPT_UNREG_REGION, &enc);
	}
	return NULL;
}

TEST_F_TIMEOUT(stress, two_that_refuse_each_other_never_wait_for_ever, 600)
{
	_Atomic bool stop = false;
	_Atomic int wrong = 0;
	struct opponent o[2];
	pthread_t t[4];
	int vm[2], i;

	for (i = 0; i < 2; i++) {
		vm[i] = ioctl(self->kvm, KVM_CREATE_VM, 0);
		ASSERT_EQ(0, sev_cmd(vm[i], self->sev_fd, init_cmd(variant->es), NULL));
	}
	for (i = 0; i < 2; i++) {
		o[i] = (struct opponent){
			.dst = vm[i],
			.src = vm[!i],
			.beat = i,
			.attempts = 5 * attempts_wanted(),
			.stop = &stop,
			.wrong = &wrong,
		};
		o[i].region = mmap(NULL, REGION, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		ASSERT_NE(MAP_FAILED, o[i].region);
		ASSERT_EQ(0, pthread_create(&t[i], NULL, ask, &o[i]));
		ASSERT_EQ(0, pthread_create(&t[2 + i], NULL, hog, &o[i]));
	}
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	atomic_store(&stop, true);
	for (i = 2; i < 4; i++)
		pthread_join(t[i], NULL);
	EXPECT_EQ(0, wrong) TH_LOG("not a specified error");
	for (i = 0; i < 2; i++)
		close(vm[i]);
}

/*
 * The victim takes locks of both VMs and is refused under them, again and again,
 * until it is killed: for SEV-ES under all of them, as its vCPUs have other numbers
 * than the source's; for SEV while its cgroup is charged, which has no room.
 */
static void victim(int kvm, int src)
{
	int dst, i;

	/* Several, to meet each other too: a VM is its process's own. */
	for (i = 1; i < WORKERS && fork(); i++)
		;
	dst = ioctl(kvm, KVM_CREATE_VM, 0);
	for (i = 0; i < 2; i++)
		ioctl(dst, KVM_CREATE_VCPU, 5 + i);
	for (;;) {
		migrate(dst, src);
		beat(WORKERS + 1);
	}
}

TEST_F_TIMEOUT(stress, killed_in_the_middle_it_leaves_no_lock_and_no_flag, 600)
{
	struct kvm_vm *src, *dst;
	long start;
	pid_t pid;
	int i, err;

	for (i = 0; i < KILLS; i++) {
		src = vm_create_barebones();
		if (variant->es)
			sev_es_vm_init(src);
		else
			sev_vm_init(src);
		__vm_vcpu_add(src, 0);
		__vm_vcpu_add(src, 1);
		sev_vm_launch(src, variant->es ? SEV_POLICY_ES : 0);

		start = atomic_load(&beats[WORKERS + 1].count);
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			setpgid(0, 0);
			if (!variant->es)
				cgroup_enter(self->full);
			victim(self->kvm, src->fd);
		}
		setpgid(pid, pid);
		beat_start(WORKERS + 1);
		/* It is at it; each round is killed somewhere else. */
		while (atomic_load(&beats[WORKERS + 1].count) < start + 10 + 7 * i)
			sched_yield();
		atomic_store(&beats[WORKERS + 1].works, false);
		kill(-pid, SIGKILL);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));

		dst = vm_create_barebones();
		__vm_vcpu_add(dst, 0);
		__vm_vcpu_add(dst, 1);
		/* The victim's children may take a moment to die: until then it may be busy. */
		beat_start(WORKERS);
		while ((err = migrate(dst->fd, src->fd)) == EBUSY)
			sched_yield();
		beat(WORKERS);
		atomic_store(&beats[WORKERS].works, false);
		ASSERT_EQ(0, err) TH_LOG("after kill %d: %s", i, strerror(err));
		kvm_vm_free(src);
		kvm_vm_free(dst);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && argv[1][0] != '-') {
		setenv("MIGRATE_ATTEMPTS", argv[1], 1);
		argc = 1;
	}
	return test_harness_run(argc, argv);
}
