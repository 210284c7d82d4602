// SPDX-License-Identifier: GPL-2.0-only
/*
 * SNP guests whose every conversion, lost page and wrong request is counted, for
 * the tests of what makes them visible (tracing_*_test.sh). First, one whose pages
 * change in place, and whose conversions meet maps, and a map a conversion; pages of
 * it that can't be returned, until the host writes to them; a migration, and one that is
 * refused. Then one with guest_memfd that also loses pages. When all is done and
 * this guest still stands, COMMAND is run; before and after it nothing else
 * happens to the RMP by this program until the guest is freed.
 *
 * trace_guest COMMAND: prints the facts, a line "NAME VALUE..." each; the status
 * is COMMAND's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/kvm_para.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "snp.h"

#define PATTERN		0x5050505000000000ul
#define NR_MSR		3		/* pages 0 to 2 */
#define NR_MSR_BACK	2
#define SPREAD		10		/* every other page from here on */
#define NR_SPREAD	10
#define ROW		40		/* pages in a row */
#define NR_ROW		8
#define LOST		60
#define NR_LOST		2
#define LARGE		SNP_PAGES_2M
#define NR_LARGE	2
#define NR_WRONG	2
#define WRONG_EXIT	0x8000deadu

/* tests/modules/snp_fail_test.c; without it no page leaks and no map waits */
#define FAIL_FILE	"/sys/kernel/debug/snp_fail_test/fail"

enum stage { STAGE_LOSE = 1, STAGE_END };

static void convert_large(int operation)
{
	int i;

	for (i = 0; i < NR_LARGE; i++)
		snp_psc_entry(i, snp_test_gpa(LARGE + i * SNP_PAGES_2M), operation, SNP_2M);
	snp_assert_eq(snp_psc(NR_LARGE), 0);
}

static void guest(void)
{
	u64 v;
	int i;

	snp_guest_init();
	for (i = 0; i < NR_MSR; i++)
		snp_assert_eq(snp_psc_msr(snp_test_gpa(i), SNP_PSC_SHARED), 0);
	for (i = 0; i < NR_MSR_BACK; i++)
		snp_assert_eq(snp_psc_msr(snp_test_gpa(i), SNP_PSC_PRIVATE), 0);

	for (i = 0; i < NR_SPREAD; i++)
		snp_psc_entry(i, snp_test_gpa(SPREAD + 2 * i), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(NR_SPREAD), 0);
	for (i = 0; i < NR_ROW; i++)
		snp_psc_entry(i, snp_test_gpa(ROW + i), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(NR_ROW), 0);

	convert_large(SNP_PSC_SHARED);
	convert_large(SNP_PSC_PRIVATE);

	for (i = 0; i < NR_WRONG; i++)
		snp_assert_eq(snp_vmgexit(WRONG_EXIT, 0, 0).info, SNP_ERR_INVALID_EVENT);

	snp_validate_pages(LOST, NR_LOST, true);
	snp_fill(snp_private(LOST), NR_LOST, PATTERN);
	snp_sync(STAGE_LOSE, 0, 0, 0);
	for (i = 0; i < NR_LOST; i++)
		snp_assert_eq(snp_try_read(snp_private(LOST + i), &v), SNP_VC_NOT_VALIDATED);
	snp_sync(STAGE_END, 0, 0, 0);
	snp_done();
}

/* ---- pages that change in place, and who meets them ------------------------ */

#define CLOCK		3		/* KVM writes the time there */
#define MAPPED		5		/* the second vCPU's GHCB */
#define ALONE		7
#define WAITED		9		/* the third one's */
#define NR_KEPT		3		/* private at the end: CLOCK, MAPPED, ALONE */
#define SECOND_ID	1
#define THIRD_ID	2
#define SECOND_PORT	0x5351
#define EXIT_MSR	0x7c

/* To the VMM, with the GHCB mapped; then to the end, without. */
static void exits_and_ends(u64 page)
{
	snp_second_init(page);
	snp_second_exit(page, SNP_EXIT_IOIO, (u64)SECOND_PORT << 16 | 1 << 4, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static void second(void)
{
	exits_and_ends(MAPPED);
}

static void third(void)
{
	exits_and_ends(WAITED);
}

static void first(void)
{
	snp_guest_init();

	snp_ghcb_set(SNP_GHCB_RCX, MSR_KVM_SYSTEM_TIME_NEW);
	snp_ghcb_set(SNP_GHCB_RAX, (u32)snp_test_gpa(CLOCK) | 1);
	snp_ghcb_set(SNP_GHCB_RDX, 0);
	snp_assert_eq(snp_vmgexit(EXIT_MSR, 1, 0).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(CLOCK), SNP_PSC_PRIVATE), 0);

	snp_sync(2, 0, 0, 0);
	snp_psc_entry(0, snp_test_gpa(ALONE), SNP_PSC_PRIVATE, SNP_4K);
	snp_psc_entry(1, snp_test_gpa(MAPPED), SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc_exit(0, 1).info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
	snp_sync(3, 0, 0, 0);
	snp_assert_eq(snp_psc_exit(1, 1).info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 2);

	snp_assert_eq(snp_psc_msr(snp_test_gpa(WAITED), SNP_PSC_PRIVATE), 0);
	snp_sync(4, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(WAITED), SNP_PSC_SHARED), 0);
	snp_sync(5, 0, 0, 0);

	/* A private page as GHCB: KVM must not map it. */
	snp_msr_request(snp_test_gpa(ALONE));
	snp_done();
}

static void vcpu_to(struct kvm_vcpu *vcpu, u32 reason)
{
	TEST_ASSERT(!__vcpu_run(vcpu), "vCPU %d: %s", vcpu->id, strerror(errno));
	TEST_ASSERT(vcpu->run->exit_reason == reason, "vCPU %d: %s", vcpu->id,
		    exit_reason_str(vcpu->run->exit_reason));
}

static int fail(const char *what)
{
	int fd = open(FAIL_FILE, O_RDWR);

	TEST_ASSERT(fd >= 0 && write(fd, what, strlen(what)) == strlen(what), "%s: %s: %s",
		    FAIL_FILE, what, strerror(errno));
	return fd;
}

static int failures(int fd)
{
	char text[60] = "";
	int calls, n;

	TEST_ASSERT(pread(fd, text, sizeof(text) - 1, 0) > 0 &&
		    sscanf(text, "calls %d failed %d", &calls, &n) == 2, "%s: %s", FAIL_FILE, text);
	return n;
}

static void *converts(void *g)
{
	snp_expect_sync(g, 5);
	return NULL;
}

static pid_t waiter;

static void *waits(void *vcpu)
{
	__atomic_store_n(&waiter, syscall(SYS_gettid), __ATOMIC_RELEASE);
	vcpu_to(vcpu, KVM_EXIT_IO);
	return NULL;
}

static bool waits_for_conversion(void)
{
	char path[60], where[60] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/wchan",
		 __atomic_load_n(&waiter, __ATOMIC_ACQUIRE));
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	TEST_ASSERT(read(fd, where, sizeof(where) - 1) >= 0, "%s: %s", path, strerror(errno));
	close(fd);
	return !strcmp(where, "snp_range_hold");
}

/*
 * The first vCPU's conversion of WAITED to shared stands still where the page is to
 * be flushed from the caches (no matter here), and the third vCPU's GHCB is there.
 */
static void map_waits(struct snp_guest *g, struct kvm_vcpu *vcpu)
{
	int fd = fail("clflush_cache_range 1 0 hold");
	pthread_t first_thread, third_thread;

	TEST_ASSERT(!pthread_create(&first_thread, NULL, converts, g), "no thread");
	WAIT_FOR(failures(fd));
	TEST_ASSERT(!pthread_create(&third_thread, NULL, waits, vcpu), "no thread");
	WAIT_FOR(waits_for_conversion());
	close(fd);
	pthread_join(first_thread, NULL);
	pthread_join(third_thread, NULL);
}

/*
 * The memslot goes while RMPUPDATE refuses everything: its private pages are lost. The
 * host's writes to them take their RMP entries back.
 */
static void leak(struct snp_guest *g)
{
	static const u64 pages[NR_KEPT] = { CLOCK, MAPPED, ALONE };
	u64 pfn[NR_KEPT], asid;
	int fd, i;

	for (i = 0; i < NR_KEPT; i++)
		TEST_ASSERT(snp_rmp_find(snp_test_gpa(pages[i]), &pfn[i], &asid),
			    "page %lu is not private", pages[i]);
	fd = fail("snp_soft_rmpupdate 0 1");
	vm_mem_region_delete(g->vm, SNP_TEST_SLOT);
	printf("rmpupdate_refused %d\n", failures(fd));
	close(fd);
	for (i = 0; i < NR_KEPT; i++) {
		TEST_ASSERT_EQ(snp_host_write(pfn[i], 0, 1), 0);
		printf("leaked %#lx\n", pfn[i]);
		printf("lost %#lx %#lx %lu\n", pfn[i], snp_test_gpa(pages[i]), asid);
	}
}

static void in_place(void)
{
	bool fails = !access(FAIL_FILE, W_OK);
	struct kvm_vcpu *vcpu, *vcpu3;
	struct kvm_clock_data data = { 0 };
	struct snp_guest *g;

	g = snp_create_in_place(first, VM_MEM_SRC_ANONYMOUS);
	vcpu = vm_vcpu_add(g->vm, SECOND_ID, second);
	vcpu3 = vm_vcpu_add(g->vm, THIRD_ID, third);
	snp_launch(g);
	snp_expect_sync(g, 1);
	/* So that KVM writes it, and keeps the mapping. */
	vm_ioctl(g->vm, KVM_GET_CLOCK, &data);
	data.flags = 0;
	vm_ioctl(g->vm, KVM_SET_CLOCK, &data);
	snp_expect_sync(g, 2);
	vcpu_to(vcpu, KVM_EXIT_IO);
	snp_expect_sync(g, 3);
	vcpu_to(vcpu, KVM_EXIT_SYSTEM_EVENT);
	snp_expect_sync(g, 4);
	if (fails)
		map_waits(g, vcpu3);
	else
		snp_expect_sync(g, 5);
	snp_expect_done(g);
	if (fails)
		leak(g);
	snp_free(g);

	/* Each of the four became private, and one of them not at once. */
	printf("psc msr private 4K 2 2 2\npsc nae private 4K 2 2 2\npsc msr shared 4K 1 1 1\n");
	printf("in_place_private %d\nin_place_shared 1\nrevoked 1\n", NR_KEPT + 1);
	printf("contended %#llx\nrefused %#llx\nwaited %#llx\n", snp_test_gpa(MAPPED) / PAGE_SIZE,
	       snp_test_gpa(ALONE) / PAGE_SIZE, snp_test_gpa(WAITED) / PAGE_SIZE);
}

static void migrate(void)
{
	struct kvm_vm *src = vm_create_barebones(), *dst = vm_create_barebones();

	sev_vm_init(src);
	sev_vm_launch(src, 0);
	TEST_ASSERT(!__vm_enable_cap(dst, KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM, src->fd),
		    "no migration: %s", strerror(errno));
	TEST_ASSERT(__vm_enable_cap(dst, KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM, dst->fd) &&
		    errno == EINVAL, "migrated from itself");
	kvm_vm_free(src);
	kvm_vm_free(dst);
	printf("migrated 1\nmigration_refused 1\n");
}

int main(int argc, char *argv[])
{
	u64 pfn, asid = 0;
	struct snp_guest *g;
	int i, status;

	TEST_ASSERT(argc == 2, "usage: trace_guest COMMAND");
	snp_require();
	snp_require_in_place();
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_place();
	migrate();

	g = snp_create_launched(guest);
	snp_expect_sync(g, STAGE_LOSE);
	for (i = 0; i < NR_LOST; i++) {
		TEST_ASSERT(snp_rmp_find(snp_test_gpa(LOST + i), &pfn, &asid),
			    "page %d is not private", LOST + i);
		TEST_ASSERT_EQ(snp_host_write(pfn, 0, 1), 0);
		printf("lost %#lx %#lx %lu\n", pfn, snp_test_gpa(LOST + i), asid);
	}
	snp_expect_sync(g, STAGE_END);
	TEST_ASSERT_EQ(g->to_shared, NR_MSR + NR_SPREAD + NR_ROW + NR_LARGE * SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->to_private, NR_MSR_BACK + NR_LARGE * SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->requests, NR_MSR + NR_MSR_BACK + NR_SPREAD + 3);

	/* The GHCB that was refused is a wrong request, too. */
	printf("pid %d\nasid %lu\nguest_errors %d\n", getpid(), asid, NR_WRONG + 1);
	/* form, direction, size: requests, ranges, pages */
	printf("psc msr shared 4K %d %d %d\n", NR_MSR, NR_MSR, NR_MSR);
	printf("psc msr private 4K %d %d %d\n", NR_MSR_BACK, NR_MSR_BACK, NR_MSR_BACK);
	printf("psc nae shared 4K %d %d %d\n", 2, NR_SPREAD + 1, NR_SPREAD + NR_ROW);
	printf("psc nae shared 2M %d %d %lu\n", 1, 1, NR_LARGE * SNP_PAGES_2M);
	printf("psc nae private 2M %d %d %lu\n", 1, 1, NR_LARGE * SNP_PAGES_2M);
	status = system(argv[1]);

	snp_expect_done(g);
	snp_free(g);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
