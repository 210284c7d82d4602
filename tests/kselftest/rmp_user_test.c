// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process, or the kernel on its behalf, writes to memory that a guest of the
 * process has made private. Nothing is taken from the guest for a user address:
 * SIGBUS in user mode, EFAULT in the kernel, never a loop. What goes by the direct
 * map instead (GUP) does take the page. The pages are made private by the module
 * tests/modules/rmp_user_test.c:
 *
 *	rmp_user_test, with $MODULES the folder of rmp_user_test.ko
 *
 * A loop, in user mode or in the kernel, ends in the harness's time limit, or, where
 * no signal ends it, in that of the VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "files.h"

#define MODULE		"/sys/kernel/debug/rmp_user_test"
#define COUNTERS	"/sys/kernel/debug/rmp_fault/"
#define TRACE		"/sys/kernel/tracing/instances/rmp_user_test/"
#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define PAGE		4096ul
#define HUGE		(512 * PAGE)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#define OFFSET		0x7c3

/* ---- what the kernel says --------------------------------------------- */

/* Settings of the system, set for a test and put back after it */
static struct setting {
	const char *path;
	char before[64];
} settings[] = {
	{ .path = THP "enabled" },
	{ .path = THP "shmem_enabled" },
	{ .path = THP "khugepaged/scan_sleep_millisecs" },
	{ .path = THP "khugepaged/pages_to_scan" },
	{ .path = "/proc/sys/vm/nr_hugepages" },
};

enum { THP_ENABLED, SHMEM_ENABLED, SCAN_SLEEP, SCAN_PAGES, NR_HUGEPAGES, NR_SETTINGS };

static void save_settings(void)
{
	const char *text, *word;
	int i;

	for (i = 0; i < NR_SETTINGS; i++) {
		text = read_text(settings[i].path);
		word = strchr(text, '[');
		snprintf(settings[i].before, sizeof(settings[i].before), "%s",
			 word ? word + 1 : text);
		settings[i].before[strcspn(settings[i].before, "]\n")] = '\0';
	}
}

static void restore_settings(void)
{
	int i;

	for (i = 0; i < NR_SETTINGS; i++)
		write_text(settings[i].path, settings[i].before);
}

static long counter(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), COUNTERS "%s", name);
	return read_number(path);
}

/* KiB of the VMA at @address, by the name of its line in smaps; -1: no such VMA */
static long smaps_kib(void *address, const char *name)
{
	unsigned long start, end, want = (unsigned long)address;
	bool inside = false;
	char *line;

	for (line = strtok(read_text("/proc/self/smaps"), "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start <= want && want < end;
		else if (inside && !strncmp(line, name, strlen(name)))
			return strtol(line + strlen(name) + 1, NULL, 10);
	}
	return -1;
}

static long thp(void *address)
{
	return smaps_kib(address, "AnonHugePages") + smaps_kib(address, "ShmemPmdMapped");
}

/* ---- the module --------------------------------------------------------- */

static int session;
static char said[64];

/* 0 or errno */
static int tell(const char *word, void *address, unsigned long n)
{
	char line[64];
	ssize_t got;
	int ret = 0;

	snprintf(line, sizeof(line), "%s %lx %lu", word, (unsigned long)address, n);
	if (write(session, line, strlen(line)) < 0)
		ret = errno;
	got = read(session, said, sizeof(said) - 1);
	said[got > 0 ? got : 0] = '\0';
	return ret;
}

static bool is_private(void *address)
{
	return !tell("look", address, 0) && !strcmp(said, "assigned=1\n");
}

/* ---- accesses, and what comes of them ---------------------------------- */

static __thread sigjmp_buf fault_jump;
static __thread volatile siginfo_t fault_info;
static __thread volatile bool fault_expected;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	if (!fault_expected)
		_exit(99);
	*(siginfo_t *)&fault_info = *info;
	siglongjmp(fault_jump, 1);
}

/* 0: done; else the signal, with its details in fault_info */
static int try_write(volatile char *p, char value)
{
	if (sigsetjmp(fault_jump, 1)) {
		fault_expected = false;
		return fault_info.si_signo;
	}
	fault_expected = true;
	*p = value;
	fault_expected = false;
	return 0;
}

static int try_fill(char *p, int value, size_t n)
{
	if (sigsetjmp(fault_jump, 1)) {
		fault_expected = false;
		return fault_info.si_signo;
	}
	fault_expected = true;
	asm volatile("rep stosb" : "+D" (p), "+c" (n) : "a" (value) : "memory");
	fault_expected = false;
	return 0;
}

static int try_read(volatile char *p, char *value)
{
	if (sigsetjmp(fault_jump, 1)) {
		fault_expected = false;
		return fault_info.si_signo;
	}
	fault_expected = true;
	*value = *p;
	fault_expected = false;
	return 0;
}

static bool sigbus_at(void *address)
{
	return fault_info.si_signo == SIGBUS && fault_info.si_code == BUS_ADRERR &&
	       fault_info.si_addr == address;
}

/* ---- fixture: three pages, the middle one private ----------------------- */

FIXTURE(rmp_user) {
	char *pages;	/* three */
	char *p;	/* the middle one */
	long denied;
};

FIXTURE_VARIANT(rmp_user) {
	int flags;
};

FIXTURE_VARIANT_ADD(rmp_user, anon) { .flags = MAP_PRIVATE | MAP_ANONYMOUS };
FIXTURE_VARIANT_ADD(rmp_user, shmem) { .flags = MAP_SHARED | MAP_ANONYMOUS };

static void begin(struct __test_metadata *_metadata)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	session = open(MODULE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, session);
}

static char *map_three(struct __test_metadata *_metadata, int flags)
{
	char *pages;

	begin(_metadata);
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	madvise(pages, 3 * PAGE, MADV_NOHUGEPAGE);
	memset(pages, 1, 3 * PAGE);
	ASSERT_EQ(0, tell("private", pages + PAGE, 0));
	ASSERT_TRUE(is_private(pages + PAGE));
	return pages;
}

FIXTURE_SETUP(rmp_user)
{
	self->pages = map_three(_metadata, variant->flags);
	self->p = self->pages + PAGE;
	self->denied = counter("denied");
}

FIXTURE_TEARDOWN(rmp_user)
{
	close(session);
	munmap(self->pages, 3 * PAGE);
}

/* Where a child is to have the same pages, not a copy */
FIXTURE(rmp_child) {
	char *pages;
	char *p;
	long denied;
};

FIXTURE_SETUP(rmp_child)
{
	self->pages = map_three(_metadata, MAP_SHARED | MAP_ANONYMOUS);
	self->p = self->pages + PAGE;
	self->denied = counter("denied");
}

FIXTURE_TEARDOWN(rmp_child)
{
	close(session);
	munmap(self->pages, 3 * PAGE);
}

#define USER_TEST(name) TEST_F_TIMEOUT(rmp_user, name, 60)
#define CHILD_TEST(name) TEST_F_TIMEOUT(rmp_child, name, 60)

/* Whatever was tried: the page is the guest's still, and the neighbours are ours. */
#define EXPECT_UNTOUCHED() do { \
	EXPECT_TRUE(is_private(self->p)) TH_LOG("the page was flipped"); \
	EXPECT_EQ(0, try_write(self->p - 1, 2)); \
	EXPECT_EQ(0, try_write(self->p + PAGE, 2)); \
} while (0)

USER_TEST(user_mode_write_gets_sigbus_with_its_address)
{
	char value;

	ASSERT_EQ(SIGBUS, try_write(self->p + OFFSET, 7));
	EXPECT_TRUE(sigbus_at(self->p + OFFSET))
		TH_LOG("code %d, address %p", fault_info.si_code, fault_info.si_addr);
	EXPECT_EQ(self->denied + 1, counter("denied"));
	EXPECT_EQ(0, try_read(self->p + OFFSET, &value));
	EXPECT_UNTOUCHED();

	/* From the last page that is ours into the first that is not */
	EXPECT_EQ(SIGBUS, try_fill(self->pages, 3, 2 * PAGE));
	EXPECT_TRUE(sigbus_at(self->p));
	EXPECT_EQ(3, self->pages[PAGE - 1]);
	EXPECT_UNTOUCHED();
}

USER_TEST(page_made_shared_again_can_be_written_to)
{
	int i;

	for (i = 0; i < 300; i++) {
		ASSERT_EQ(SIGBUS, try_write(self->p, i)) TH_LOG("round %d", i);
		ASSERT_EQ(0, tell("shared", self->p, 0));
		ASSERT_EQ(0, try_write(self->p, i)) TH_LOG("round %d", i);
		ASSERT_EQ((char)i, *self->p);
		ASSERT_EQ(0, tell("private", self->p, 0));
	}
}

static bool trace_has(const char *what, char *address)
{
	char want[64], *line;

	snprintf(want, sizeof(want), "address=0x%lx ", (unsigned long)address);
	for (line = strtok(read_text(TRACE "trace"), "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, " rmp_fault: ") && strstr(line, want) && strstr(line, what))
			return true;
	return false;
}

USER_TEST(error_code_is_that_of_silicon)
{
	ASSERT_TRUE(!mkdir(TRACE, 0700) || errno == EEXIST);
	ASSERT_EQ(0, write_text(TRACE "events/rmp/rmp_fault/enable", "1"));
	EXPECT_EQ(SIGBUS, try_write(self->p + OFFSET, 7));
	EXPECT_EQ(EFAULT, tell("put", self->p + OFFSET + 1, 0));
	EXPECT_TRUE(trace_has("error_code=0x80000007 ", self->p + OFFSET))
		TH_LOG("no RMP, P, W and U in user mode:\n%s", read_text(TRACE "trace"));
	EXPECT_TRUE(trace_has("kind=user mode=user", self->p + OFFSET));
	EXPECT_TRUE(trace_has("error_code=0x80000003 ", self->p + OFFSET + 1))
		TH_LOG("no RMP, P and W in the kernel:\n%s", read_text(TRACE "trace"));
	EXPECT_TRUE(trace_has("kind=user mode=fixup", self->p + OFFSET + 1));
	write_text(TRACE "events/rmp/rmp_fault/enable", "0");
	rmdir(TRACE);
}

USER_TEST(protection_is_checked_before_the_rmp)
{
	char *moved;

	ASSERT_EQ(0, mprotect(self->p, PAGE, PROT_READ));
	EXPECT_EQ(SIGSEGV, try_write(self->p, 1));
	ASSERT_EQ(0, mprotect(self->p, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(SIGBUS, try_write(self->p, 1));

	/* and a mapping elsewhere is no way around it */
	moved = mremap(self->p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		       mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	ASSERT_NE(MAP_FAILED, moved);
	EXPECT_EQ(SIGBUS, try_write(moved + OFFSET, 1));
	EXPECT_TRUE(sigbus_at(moved + OFFSET));
	EXPECT_TRUE(is_private(moved));
	munmap(moved, PAGE);
}

/* A fault for which nothing gives cause ends, in user mode and in the kernel. */
USER_TEST(retries_without_progress_are_bounded)
{
	long stuck = counter("stuck");

	ASSERT_EQ(0, tell("erratum", self->p, 1));
	EXPECT_EQ(SIGBUS, try_write(self->p + OFFSET, 7));
	EXPECT_TRUE(sigbus_at(self->p + OFFSET));
	EXPECT_EQ(stuck + 1, counter("stuck"));
	EXPECT_EQ(EFAULT, tell("copy", self->p + OFFSET, 8));
	EXPECT_LT(stuck + 1, counter("stuck"));
	EXPECT_EQ(self->denied, counter("denied"));
	ASSERT_EQ(0, tell("erratum", self->p, 0));
	EXPECT_UNTOUCHED();
}

/* ---- the kernel on our behalf ------------------------------------------- */

USER_TEST(copy_to_user_fails_with_efault)
{
	EXPECT_EQ(EFAULT, tell("copy", self->p + OFFSET, 100));
	EXPECT_STREQ("left=100\n", said);
	EXPECT_EQ(EFAULT, tell("copy", self->p - 40, 100));
	EXPECT_STREQ("left=60\n", said);
	EXPECT_EQ(EFAULT, tell("put", self->p + OFFSET, 0));
	EXPECT_EQ(EFAULT, tell("nofault", self->p + OFFSET, 0));
	EXPECT_EQ(EFAULT, tell("kthread", self->p + OFFSET, 100));
	EXPECT_STREQ("left=100\n", said);
	/* Reads are never refused. */
	EXPECT_EQ(0, tell("get", self->p + OFFSET, 0));
	EXPECT_STREQ("value=1\n", said);
	EXPECT_UNTOUCHED();
}

USER_TEST(system_calls_that_write_fail_with_efault)
{
	char path[] = "/tmp/rmp_user_XXXXXX", buf[100] = "";
	socklen_t len = 16;
	int fd[2], file, zero;

	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(100, write(fd[1], buf, 100));
	EXPECT_EQ(-1, read(fd[0], self->p + OFFSET, 100));
	EXPECT_EQ(EFAULT, errno);
	close(fd[0]);
	close(fd[1]);

	file = mkstemp(path);
	ASSERT_LE(0, file);
	unlink(path);
	ASSERT_EQ(100, write(file, buf, 100));
	EXPECT_EQ(-1, pread(file, self->p + OFFSET, 100, 0));
	EXPECT_EQ(EFAULT, errno);
	/* As far as it is ours */
	EXPECT_EQ(40, pread(file, self->p - 40, 100, 0));
	close(file);

	zero = open("/dev/zero", O_RDONLY);
	EXPECT_EQ(-1, read(zero, self->p + OFFSET, 100));
	EXPECT_EQ(EFAULT, errno);
	close(zero);

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
	ASSERT_EQ(100, write(fd[1], buf, 100));
	EXPECT_EQ(-1, recv(fd[0], self->p + OFFSET, 100, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, getsockname(fd[0], (void *)self->p, &len));
	EXPECT_EQ(EFAULT, errno);
	close(fd[0]);
	close(fd[1]);
	EXPECT_UNTOUCHED();

	/* Writing from it is reading it. */
	file = memfd_create("rmp_user_test", 0);
	EXPECT_EQ(100, write(file, self->p, 100));
	close(file);
}

static long futex(void *uaddr, int op, unsigned int val, unsigned long val2, void *uaddr2,
		  unsigned int val3)
{
	return syscall(SYS_futex, uaddr, op, val, val2, uaddr2, val3);
}

static void *wait_for_requeue(void *word)
{
	futex(word, FUTEX_WAIT_REQUEUE_PI, 0, 0, (char *)word + PAGE, 0);
	return NULL;
}

/* waitwake.c, pi.c, requeue.c: each repeats until the page can be written to */
USER_TEST(futex_operations_fail_with_efault)
{
	unsigned int *mine = (unsigned int *)self->pages;
	unsigned int *word = (unsigned int *)self->p;
	pthread_t thread;
	int left;

	EXPECT_EQ(-1, futex(mine, FUTEX_WAKE_OP, 1, 1, word,
			    FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, futex(word, FUTEX_WAIT, 0, 0, NULL, 0));
	EXPECT_EQ(EAGAIN, errno);	/* it only reads */

	ASSERT_EQ(0, tell("shared", word, 0));
	*word = 0;
	ASSERT_EQ(0, tell("private", word, 0));
	EXPECT_EQ(-1, futex(word, FUTEX_LOCK_PI, 0, 0, NULL, 0));
	EXPECT_EQ(EFAULT, errno);

	mine[0] = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_requeue, mine));
	do {	/* Until it waits; then EFAULT, and it waits on. */
		left = futex(mine, FUTEX_CMP_REQUEUE_PI, 1, 0, word, 0);
		sched_yield();
	} while (!left);
	EXPECT_EQ(-1, left);
	EXPECT_EQ(EFAULT, errno);

	ASSERT_EQ(0, tell("shared", word, 0));
	*word = syscall(SYS_gettid);
	ASSERT_EQ(0, tell("private", word, 0));
	EXPECT_EQ(-1, futex(word, FUTEX_UNLOCK_PI, 0, 0, NULL, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_UNTOUCHED();
}

/* core.c: the robust list of a process that ends */
CHILD_TEST(robust_futex_does_not_hold_up_exit)
{
	struct { struct robust_list_head head; struct robust_list entry; } *list;
	unsigned int *word = (unsigned int *)(self->p + 256);
	int status;
	pid_t pid;

	list = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, list);
	ASSERT_EQ(0, tell("shared", self->p, 0));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		list->head.list.next = &list->entry;
		list->entry.next = &list->head.list;
		list->head.futex_offset = (char *)word - (char *)&list->entry;
		list->head.list_op_pending = NULL;
		*word = syscall(SYS_gettid);
		if (tell("private", self->p, 0) ||
		    syscall(SYS_set_robust_list, &list->head, sizeof(list->head)))
			_exit(1);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(is_private(self->p));
	EXPECT_EQ((unsigned int)pid, *word) TH_LOG("the kernel wrote FUTEX_OWNER_DIED");
	EXPECT_LT(self->denied, counter("denied"));
	ASSERT_EQ(0, tell("shared", self->p, 0));
	munmap(list, PAGE);
}

CHILD_TEST(signal_frame_on_a_private_stack_is_fatal)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		stack_t stack = { .ss_sp = self->p, .ss_size = PAGE };
		struct sigaction sa = { .sa_handler = (void *)_exit, .sa_flags = SA_ONSTACK };

		signal(SIGSEGV, SIG_DFL);
		sigaltstack(&stack, NULL);
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV)
		TH_LOG("status %#x", status);
	EXPECT_TRUE(is_private(self->p));
}

/* ---- io_uring ------------------------------------------------------------ */

struct ring {
	int fd;
	struct io_uring_params params;
	char *rings;
	struct io_uring_sqe *sqes;
};

static bool ring_open(struct ring *r)
{
	size_t size;

	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, 4, &r->params);
	if (r->fd < 0)
		return false;
	size = r->params.cq_off.cqes + r->params.cq_entries * sizeof(struct io_uring_cqe);
	r->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
			IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->params.sq_entries * sizeof(struct io_uring_sqe),
		       PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->rings != MAP_FAILED && r->sqes != MAP_FAILED;
}

/* Result of one request, as the kernel gives it */
static int ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = (unsigned int *)(r->rings + r->params.sq_off.tail);
	unsigned int *array = (unsigned int *)(r->rings + r->params.sq_off.array);
	unsigned int *head = (unsigned int *)(r->rings + r->params.cq_off.head);
	struct io_uring_cqe *cqes = (struct io_uring_cqe *)(r->rings + r->params.cq_off.cqes);
	unsigned int slot = *tail & (r->params.sq_entries - 1);
	int res;

	r->sqes[slot] = *sqe;
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	res = cqes[*head & (r->params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

USER_TEST(io_uring_read_fails_with_efault_but_registered_buffers_flip)
{
	struct iovec iov = { .iov_base = self->p, .iov_len = PAGE };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ, .len = 100 };
	char buf[100];
	struct ring r;
	int fd[2];

	if (!ring_open(&r))
		SKIP(return, "no io_uring: %s", strerror(errno));
	memset(buf, 0x6b, sizeof(buf));
	ASSERT_EQ(0, pipe(fd));
	ASSERT_EQ(100, write(fd[1], buf, 100));

	sqe.fd = fd[0];
	sqe.addr = (uintptr_t)self->p + OFFSET;
	EXPECT_EQ(-EFAULT, ring_do(&r, &sqe));
	EXPECT_UNTOUCHED();

	/* Pinned, then written to by the direct map */
	ASSERT_EQ(0, syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_BUFFERS, &iov, 1));
	EXPECT_UNTOUCHED();
	sqe.opcode = IORING_OP_READ_FIXED;
	EXPECT_EQ(100, ring_do(&r, &sqe));
	EXPECT_FALSE(is_private(self->p));
	EXPECT_EQ(0x6b, self->p[OFFSET]);
	EXPECT_EQ(0, try_write(self->p, 1));
	close(r.fd);
}

/* A worker is a thread of the process without user mode, as is vhost's in 6.12. */
USER_TEST(io_uring_worker_fails_with_efault)
{
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ, .len = 100, .flags = IOSQE_ASYNC };
	char buf[100] = "";
	struct ring r;

	if (!ring_open(&r))
		SKIP(return, "no io_uring: %s", strerror(errno));
	sqe.fd = memfd_create("rmp_user_test", 0);
	ASSERT_EQ(100, write(sqe.fd, buf, 100));
	sqe.addr = (uintptr_t)self->p + OFFSET;
	EXPECT_EQ(-EFAULT, ring_do(&r, &sqe));
	EXPECT_UNTOUCHED();
	close(sqe.fd);
	close(r.fd);
}

/* ---- GUP: these go by the direct map, and flip --------------------------- */

#define EXPECT_FLIPPED(value) do { \
	EXPECT_FALSE(is_private(self->p)) TH_LOG("still private"); \
	EXPECT_EQ(value, self->p[OFFSET]); \
	EXPECT_EQ(0, try_write(self->p + OFFSET, 9)); \
} while (0)

USER_TEST(process_vm_writev_flips)
{
	char value = 0x21;
	struct iovec from = { &value, 1 }, to = { self->p + OFFSET, 1 };
	ssize_t n = process_vm_writev(getpid(), &from, 1, &to, 1, 0);

	EXPECT_EQ(1, n) TH_LOG("%s (CONFIG_CROSS_MEMORY_ATTACH?)", strerror(errno));
	EXPECT_FLIPPED(0x21);
}

USER_TEST(proc_pid_mem_flips)
{
	int fd = open("/proc/self/mem", O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "\x22", 1, (off_t)(uintptr_t)self->p + OFFSET));
	EXPECT_FLIPPED(0x22);
	close(fd);
}

CHILD_TEST(ptrace_poke_flips)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, self->p + OFFSET, 0x2323232323232323));
	EXPECT_FLIPPED(0x23);
	ptrace(PTRACE_CONT, pid, 0, 0);
	waitpid(pid, &status, 0);
}

/* tmpfs takes the flag and copies as ever. */
USER_TEST(o_direct_on_tmpfs_fails_with_efault)
{
	char path[] = "/tmp/rmp_user_XXXXXX", buf[100] = "";
	struct statfs fs;
	int fd = mkostemp(path, O_DIRECT);

	ASSERT_LE(0, fd);
	unlink(path);
	ASSERT_EQ(0, fstatfs(fd, &fs));
	if (fs.f_type != TMPFS_MAGIC)
		SKIP(return, "/tmp is no tmpfs");
	ASSERT_EQ(100, write(fd, buf, 100));
	EXPECT_EQ(-1, pread(fd, self->p + OFFSET, 100, 0));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_UNTOUCHED();
	close(fd);
}

/*
 * 9p pins the buffer. An answer of up to 1 KiB comes with the message and is copied
 * by the CPU; larger ones the device writes by DMA, which no page table stops.
 */
USER_TEST(o_direct_on_9p_flips_when_the_cpu_copies_and_not_by_dma)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_DIRECT);

	/* statfs() says what the server's file system is. */
	if (!strstr(read_text("/proc/self/mountinfo"), " - 9p "))
		SKIP(return, "nothing is on 9p");
	ASSERT_LE(0, fd);
	EXPECT_EQ(4096, pread(fd, self->p, 4096, 0));
	EXPECT_UNTOUCHED();
	EXPECT_EQ(512, pread(fd, self->p + OFFSET, 512, 0));
	EXPECT_FLIPPED(0x7f);
	close(fd);
}

/* ---- fork, COW ------------------------------------------------------------ */

USER_TEST(fork_shares_or_copies_as_ever)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		/* An anonymous page is pinned, so the child got its copy at once. */
		if (variant->flags & MAP_PRIVATE)
			_exit(try_write(self->p, 5) || self->p[0] != 5 || is_private(self->p));
		_exit(try_write(self->p, 5) != SIGBUS || !sigbus_at(self->p));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(SIGBUS, try_write(self->p, 6));
	EXPECT_UNTOUCHED();
}

/* ---- races ----------------------------------------------------------------- */

static _Atomic bool stop;

static void *write_for_ever(void *p)
{
	unsigned long *count = p;

	while (!stop) {
		if (sigsetjmp(fault_jump, 1))
			continue;
		fault_expected = true;
		while (!stop)
			++*(volatile unsigned long *)count;
	}
	return NULL;
}

USER_TEST(no_write_gets_through_once_the_page_is_private)
{
	volatile unsigned long *count = (unsigned long *)self->p;
	unsigned long before;
	pthread_t thread;
	int i, j, moved = 0;

	stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_for_ever, (void *)count));
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, tell("shared", self->p, 0));
		before = *count;
		for (j = 0; j < 1000 && *count == before; j++)
			usleep(100);
		moved += *count != before;
		ASSERT_EQ(0, tell("private", self->p, 0));
		before = *count;
		usleep(200);
		ASSERT_EQ(before, *count) TH_LOG("round %d", i);
	}
	stop = true;
	pthread_join(thread, NULL);
	EXPECT_LT(100, moved) TH_LOG("the other thread wrote in %d rounds only", moved);
}

/* ---- 2M mappings over private pages ------------------------------------------- */

FIXTURE(rmp_huge) {
	char *area;	/* 2M-aligned, 2M */
	char *p;	/* a page of it, private */
	int fd;
	long split;
};

FIXTURE_VARIANT(rmp_huge) {
	bool memfd;
};

FIXTURE_VARIANT_ADD(rmp_huge, anon) { .memfd = false };
FIXTURE_VARIANT_ADD(rmp_huge, memfd) { .memfd = true };

static char *map_huge(int fd)
{
	char *at = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	at = (char *)(((uintptr_t)at + HUGE - 1) & -HUGE);
	at = mmap(at, HUGE, PROT_READ | PROT_WRITE,
		  MAP_FIXED | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), fd, 0);
	madvise(at, HUGE, MADV_HUGEPAGE);
	return at;
}

FIXTURE_SETUP(rmp_huge)
{
	begin(_metadata);
	save_settings();
	write_text(settings[THP_ENABLED].path, "madvise");
	write_text(settings[SHMEM_ENABLED].path, "advise");
	self->fd = -1;
	if (variant->memfd) {
		self->fd = memfd_create("rmp_user_test", 0);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, ftruncate(self->fd, HUGE));
	}
	self->area = map_huge(self->fd);
	memset(self->area, 1, HUGE);
	ASSERT_EQ(2048, thp(self->area)) TH_LOG("no huge page at first");
	self->p = self->area + 137 * PAGE;
	ASSERT_EQ(0, tell("private", self->p, 0));
	ASSERT_EQ(2048, thp(self->area)) TH_LOG("making a page private split the mapping");
	self->split = counter("split");
}

FIXTURE_TEARDOWN(rmp_huge)
{
	close(session);
	munmap(self->area, HUGE);
	if (self->fd >= 0)
		close(self->fd);
	restore_settings();
}

#define HUGE_TEST(name) TEST_F_TIMEOUT(rmp_huge, name, 120)

#define EXPECT_SPLIT_ONCE() do { \
	EXPECT_EQ(0, thp(self->area)) TH_LOG("still mapped by 2M"); \
	EXPECT_EQ(self->split + 1, counter("split")); \
	EXPECT_TRUE(is_private(self->p)); \
} while (0)

HUGE_TEST(neighbours_are_written_to_and_the_mapping_is_split)
{
	int i;

	EXPECT_EQ(0, try_write(self->p + PAGE, 2));
	EXPECT_SPLIT_ONCE();
	for (i = 0; i < 512; i++) {
		if (i == 137)
			continue;
		ASSERT_EQ(0, try_write(self->area + i * PAGE, 3)) TH_LOG("page %d", i);
	}
	EXPECT_EQ(SIGBUS, try_write(self->p + OFFSET, 2));
	EXPECT_TRUE(sigbus_at(self->p + OFFSET));
	EXPECT_SPLIT_ONCE();
}

HUGE_TEST(private_page_itself_is_refused_without_a_split)
{
	EXPECT_EQ(SIGBUS, try_write(self->p + OFFSET, 2));
	EXPECT_TRUE(sigbus_at(self->p + OFFSET));
	EXPECT_EQ(EFAULT, tell("copy", self->p, 8));
	EXPECT_EQ(self->split, counter("split"));
}

HUGE_TEST(the_kernel_writes_to_neighbours_on_our_behalf)
{
	EXPECT_EQ(0, tell("copy", self->p + PAGE, PAGE));
	EXPECT_SPLIT_ONCE();
	EXPECT_EQ(EFAULT, tell("copy", self->p - 8, 16));
	EXPECT_STREQ("left=8\n", said);
}

HUGE_TEST(a_kernel_thread_writes_to_neighbours)
{
	EXPECT_EQ(0, tell("kthread", self->p + PAGE, PAGE));
	EXPECT_SPLIT_ONCE();
}

HUGE_TEST(a_futex_beside_a_private_page_works)
{
	unsigned int *word = (unsigned int *)(self->p + PAGE);

	EXPECT_EQ(0, futex(self->area, FUTEX_WAKE_OP, 1, 1, word,
			   FUTEX_OP(FUTEX_OP_SET, 77, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(77, *word);
	EXPECT_SPLIT_ONCE();
}

HUGE_TEST(collapse_does_not_undo_the_split_while_a_page_is_private)
{
	int i, err;

	EXPECT_EQ(0, try_write(self->p + PAGE, 2));
	EXPECT_SPLIT_ONCE();
	for (i = 0; i < 20; i++) {
		madvise(self->area, HUGE, MADV_COLLAPSE);
		ASSERT_EQ(0, thp(self->area)) TH_LOG("mapped by 2M again, round %d", i);
		ASSERT_EQ(0, try_write(self->p + PAGE, i));
		ASSERT_EQ(SIGBUS, try_write(self->p, i));
	}
	EXPECT_SPLIT_ONCE();

	ASSERT_EQ(0, tell("shared", self->p, 0));
	/* Somebody looks at one of its pages just then: EAGAIN */
	i = 0;
	do {
		err = madvise(self->area, HUGE, MADV_COLLAPSE) ? errno : 0;
	} while (err == EAGAIN && ++i < 20 && !usleep(100000));
	EXPECT_EQ(0, err) TH_LOG("%s", strerror(err));
	EXPECT_EQ(2048, thp(self->area)) TH_LOG("a shared page keeps it from 2M");
	EXPECT_EQ(0, try_write(self->p, 4));
}

HUGE_TEST(khugepaged_does_not_undo_the_split_while_a_page_is_private)
{
	long scans;

	EXPECT_EQ(0, try_write(self->p + PAGE, 2));
	EXPECT_SPLIT_ONCE();
	write_text(settings[SCAN_PAGES].path, "65536");
	write_text(settings[SCAN_SLEEP].path, "10");
	scans = read_number(THP "khugepaged/full_scans");
	while (read_number(THP "khugepaged/full_scans") < scans + 4) {
		ASSERT_EQ(0, try_write(self->p + PAGE, 3));
		ASSERT_EQ(SIGBUS, try_write(self->p, 3));
		usleep(1000);
	}
	EXPECT_SPLIT_ONCE();
}

HUGE_TEST(new_mappings_are_small_from_the_start)
{
	int fd = self->fd;
	char *other;

	if (fd < 0) {
		/* Only a file can be mapped again; so move what there is. */
		EXPECT_EQ(0, try_write(self->p + PAGE, 2));
		other = mremap(self->area, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       map_huge(-1));
		ASSERT_NE(MAP_FAILED, other);
		self->area = other;
		self->split++;
	} else {
		other = map_huge(fd);
	}
	EXPECT_EQ(0, try_write(other, 2));
	EXPECT_EQ(0, thp(other));
	EXPECT_EQ(SIGBUS, try_write(other + 137 * PAGE, 2));
	EXPECT_EQ(self->split, counter("split"));
}

/* That of a VMCB or VMSA page in use: small pages do not have it. */
HUGE_TEST(erratum_of_large_mappings_is_cured_by_a_split)
{
	ASSERT_EQ(0, tell("erratum", self->p, 1));
	EXPECT_EQ(0, try_write(self->p + PAGE, 7));
	EXPECT_SPLIT_ONCE();
	EXPECT_EQ(0, tell("copy", self->p + 2 * PAGE, 8));
	EXPECT_SPLIT_ONCE();
	ASSERT_EQ(0, tell("erratum", self->p, 0));
}

static void *collapse_for_ever(void *area)
{
	while (!stop)
		madvise(area, HUGE, MADV_COLLAPSE);
	return NULL;
}

HUGE_TEST(neighbours_are_written_to_against_a_collapsing_thread)
{
	pthread_t thread;
	int i;

	stop = false;
	ASSERT_EQ(0, pthread_create(&thread, NULL, collapse_for_ever, self->area));
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(0, try_write(self->p + PAGE, i));
		ASSERT_EQ(0, tell("copy", self->p + 2 * PAGE, 64));
		ASSERT_EQ(SIGBUS, try_write(self->p, i));
		if (i % 50 == 49) {
			ASSERT_EQ(0, tell("shared", self->p, 0));
			ASSERT_EQ(0, try_write(self->p, i));
			ASSERT_EQ(0, tell("private", self->p, 0));
		}
	}
	stop = true;
	pthread_join(thread, NULL);
}

TEST(hugetlb_cannot_be_split_so_neighbours_get_sigbus)
{
	char *area;

	begin(_metadata);
	save_settings();
	write_text(settings[NR_HUGEPAGES].path, "2");
	area = mmap(NULL, HUGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (area == MAP_FAILED)
		SKIP(return restore_settings(), "no hugetlb page: %s", strerror(errno));
	memset(area, 1, HUGE);
	ASSERT_EQ(0, tell("private", area + 137 * PAGE, 0));
	EXPECT_EQ(SIGBUS, try_write(area + 137 * PAGE, 2));
	EXPECT_EQ(SIGBUS, try_write(area + OFFSET, 2));
	EXPECT_TRUE(sigbus_at(area + OFFSET));
	EXPECT_EQ(EFAULT, tell("copy", area, 8));
	EXPECT_EQ(-1, futex(area, FUTEX_WAKE_OP, 1, 1, area + PAGE,
			    FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 0)));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(0, tell("shared", area + 137 * PAGE, 0));
	EXPECT_EQ(0, try_write(area + OFFSET, 2));
	EXPECT_EQ(0, try_write(area + 137 * PAGE, 2));
	munmap(area, HUGE);
	close(session);
	restore_settings();
}

int main(int argc, char **argv)
{
	int err;

	if (access(COUNTERS "denied", F_OK))
		ksft_exit_skip("no SEV-SNP host, or CONFIG_SNP_PAGE_STATE off: no "
			       COUNTERS "denied\n");
	err = load_module("rmp_user_test");
	if (err == ENOENT)
		ksft_exit_skip("no rmp_user_test.ko in $MODULES (make modules)\n");
	if (err)
		ksft_exit_fail_msg("rmp_user_test.ko: %s\n", strerror(err));
	return test_harness_run(argc, argv);
}
