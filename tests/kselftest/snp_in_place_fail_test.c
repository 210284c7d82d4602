// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each step of a conversion in place fails once, at its first call, its second,
 * and so on: RMPUPDATE and PSMASH refused by hardware, a pin, the split of the
 * direct map, an allocation. The guest is told, or the VMM is, as docs/in-place.rst
 * says; whoever tries again succeeds, and no page of the guest's has lost what is
 * in it. After every test: no page private, pinned or held; leaked only where
 * hardware refuses to give a page back for good, and counted then.
 *
 * It is the module snp_fail_test that makes them fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/kvm_in_place.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

#define FAIL_FILE	"/sys/kernel/debug/snp_fail_test/fail"
#define PRIVATE		0x5050505000000000ul

/* RMPUPDATE's and PSMASH's answers, APM vol. 3 */
#define FAIL_INPUT	1
#define FAIL_PERMISSION	2
#define FAIL_INUSE	3
#define FAIL_OVERLAP	4

FIXTURE(fails) {
	struct snp_guest *g;
	struct snp_rmp_counts before;
	u64 leaked, leaks;
	int fd, log;
};

FIXTURE_SETUP(fails)
{
	snp_require_in_place();
	__TEST_REQUIRE(!access(FAIL_FILE, W_OK), "%s (insmod snp_fail_test.ko)", FAIL_FILE);
	self->fd = -1;
	self->log = snp_log_mark();
	self->leaked = snp_in_place_count("leaked");
	snp_rmp_counts(&self->before);
}

FIXTURE_TEARDOWN(fails)
{
	struct snp_rmp_counts after;

	snp_free(self->g);
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_NO_LEFTOVER(self->leaked + self->leaks);
	snp_rmp_counts(&after);
	EXPECT_EQ(self->before.guest + self->leaks, after.guest) TH_LOG("RMP entries left");
	EXPECT_CLEAN_LOG(self->log);
}

#define FAILS_TEST(name) TEST_F_TIMEOUT(fails, name, 300)

static void fail(struct _test_data_fails *self, const char *function, int n, long value)
{
	char text[80];
	int len = snprintf(text, sizeof(text), "%s %d %ld", function, n, value);

	if (self->fd >= 0)
		close(self->fd);
	self->fd = open(FAIL_FILE, O_RDWR);
	TEST_ASSERT(self->fd >= 0 && write(self->fd, text, len) == len, "%s: %s: %s", FAIL_FILE,
		    text, strerror(errno));
}

/* Nothing fails any more. Returns how often it did. */
static int no_more_failures(struct _test_data_fails *self)
{
	char text[60] = "";
	int calls, n;

	TEST_ASSERT(read(self->fd, text, sizeof(text) - 1) > 0 &&
		    sscanf(text, "calls %d failed %d", &calls, &n) == 2, "%s: %s", FAIL_FILE, text);
	close(self->fd);
	self->fd = -1;
	return n;
}

/* ---- a guest that tries again ------------------------------------------ */

#define BIG		SNP_PAGES_2M		/* its second 2M */
#define HOLE		(BIG + 77)
#define SCATTERED	8
#define ALONE		100ul
#define TRIES		4

static u64 tries;

/* A refusal of hardware is an error, and leaves everything as it was. */
static void request(unsigned int n)
{
	u64 ret;

	while ((ret = snp_psc(n)) != 0) {
		snp_assert_eq(ret, SNP_PSC_ERR_GENERIC);
		snp_assert_eq(++tries < TRIES, true);
	}
}

static void request_msr(u64 page, int op)
{
	u32 ret;

	while ((ret = snp_psc_msr(snp_test_gpa(page), op)) != 0) {
		snp_assert_eq(ret, 1u << 31);
		snp_assert_eq(++tries < TRIES, true);
	}
}

static void scattered(int op)
{
	unsigned int i;

	for (i = 0; i < SCATTERED; i++)
		snp_psc_entry(i, snp_test_gpa(3 * i), op, SNP_4K);
	request(SCATTERED);
}

static void big(int op)
{
	snp_psc_entry(0, snp_test_gpa(BIG), op, SNP_2M);
	request(1);
}

static void check(u64 page, u64 pattern)
{
	snp_assert_eq(snp_holds(snp_private(page), 1, PRIVATE + pattern), true);
}

/* All steps there are, and what was written is there after each. */
static void guest_goes_on(void)
{
	unsigned int i;
	u64 stage;

	snp_guest_init();
	for (stage = 1;; stage++) {
		snp_sync(stage, 0, 0, 0);
		tries = 0;
		scattered(SNP_PSC_PRIVATE);
		for (i = 0; i < SCATTERED; i++) {
			snp_validate_pages(3 * i, 1, true);
			snp_fill(snp_private(3 * i), 1, PRIVATE + i);
		}
		big(SNP_PSC_PRIVATE);
		if (snp_pvalidate(snp_private(BIG), SNP_2M, true))
			snp_validate_pages(BIG, SNP_PAGES_2M, true);
		snp_fill(snp_private(HOLE - 1), 1, PRIVATE + BIG);
		snp_fill(snp_private(HOLE), 1, PRIVATE + HOLE);
		request_msr(ALONE, SNP_PSC_PRIVATE);
		snp_validate_pages(ALONE, 1, true);
		/* Out of the 2M entry; if that fails, the page is as it was. */
		while (snp_psc_msr(snp_test_gpa(HOLE), SNP_PSC_SHARED)) {
			snp_assert_eq(++tries < TRIES, true);
			check(HOLE, HOLE);
		}
		check(HOLE - 1, BIG);
		for (i = 0; i < SCATTERED; i++)
			check(3 * i, i);
		request_msr(ALONE, SNP_PSC_SHARED);
		big(SNP_PSC_SHARED);
		scattered(SNP_PSC_SHARED);
	}
}

/* The VMM is asked to help, and has nothing to do. */
static void run_stage(struct snp_guest *g, u64 stage, u64 why, int *asked)
{
	struct kvm_run *run = g->vcpu->run;
	enum snp_event e;

	*asked = 0;
	for (;;) {
		e = snp_run(g);
		if (e == SNP_EVENT_REPORT)
			break;
		TEST_ASSERT(e == SNP_EVENT_MEMORY_FAULT && why &&
			    run->memory_fault.flags >> KVM_IN_PLACE_WHY_SHIFT == why,
			    "stage %lu: event %d, %s, flags %#llx", stage, e,
			    exit_reason_str(run->exit_reason), run->memory_fault.flags);
		TEST_ASSERT(++*asked < TRIES, "stage %lu: the VMM is asked again and again", stage);
	}
	TEST_ASSERT(g->report->kind == SNP_REPORT_SYNC && g->report->arg[0] == stage,
		    "stage %lu: report %lu: line %lu, %s: %#lx, %#lx", stage, g->report->kind,
		    g->report->arg[0], g->report->text, g->report->arg[1], g->report->arg[2]);
}

/*
 * Call after call of @function fails with @value, until there are no more; the
 * guest's retries make some. @why: what the VMM is told, 0: nothing.
 */
static void each_call_fails(struct _test_data_fails *self, const char *function, long value,
			    u64 why)
{
	u64 private, pinned, stage = 1;
	int asked, n, next = 1, step = 1;
	bool happened = false, told = false;

	if (!self->g) {
		self->g = snp_create_in_place(guest_goes_on, VM_MEM_SRC_ANONYMOUS_THP);
		snp_launch(self->g);
	} else {
		stage = self->g->report->arg[0] + 1;
	}
	run_stage(self->g, stage++, 0, &asked);
	private = snp_in_place_count("private");
	pinned = snp_in_place_count("pinned");
	/* 1, 2, 3, 5, 8, ...: all of the first, some of hundreds. */
	for (n = 1; n < 2000; n = next + step, step = next, next = n) {
		int hit;

		fail(self, function, n, value);
		run_stage(self->g, stage++, why, &asked);
		hit = no_more_failures(self);
		TEST_ASSERT(private == snp_in_place_count("private") &&
			    pinned == snp_in_place_count("pinned"),
			    "%s, call %d: %lu of %lu pages private, %lu of %lu pinned", function, n,
			    snp_in_place_count("private"), private,
			    snp_in_place_count("pinned"), pinned);
		if (!hit)
			break;
		happened = true;
		told |= asked;
	}
	TEST_ASSERT(happened, "%s was never called", function);
	TEST_ASSERT(!why || told, "%s failed, and nobody told the VMM", function);
}

FAILS_TEST(rmpupdate_is_refused)
{
	each_call_fails(self, "snp_soft_rmpupdate", FAIL_INPUT, 0);
	each_call_fails(self, "snp_soft_rmpupdate", FAIL_INUSE, 0);
}

FAILS_TEST(psmash_is_refused)
{
	each_call_fails(self, "psmash", FAIL_PERMISSION, 0);
}

FAILS_TEST(pin_fails)
{
	each_call_fails(self, "pin_user_pages_fast", -EFAULT, KVM_IN_PLACE_WHY_NO_PIN);
	each_call_fails(self, "pin_user_pages_fast", -ENOMEM, KVM_IN_PLACE_WHY_NO_MEMORY);
	each_call_fails(self, "pin_user_pages_fast", -EAGAIN, 0);
}

FAILS_TEST(split_of_the_direct_map_fails)
{
	each_call_fails(self, "rmp_split_direct_map", -ENOMEM, KVM_IN_PLACE_WHY_NO_MEMORY);
}

FAILS_TEST(allocation_fails)
{
	each_call_fails(self, "snp_region_get", 0, KVM_IN_PLACE_WHY_NO_MEMORY);
	each_call_fails(self, "snp_table_reserve", -ENOMEM, KVM_IN_PLACE_WHY_NO_MEMORY);
}

FAILS_TEST(charge_fails)
{
	each_call_fails(self, "snp_charge", -EDQUOT, KVM_IN_PLACE_WHY_LIMIT);
}

/* ---- launch ------------------------------------------------------------ */

FAILS_TEST(launch_fails_at_any_step)
{
	static const struct {
		const char *function;
		long value;
	} steps[] = {
		{ "pin_user_pages_fast", -EFAULT },
		{ "snp_region_get", 0 },
		{ "snp_charge", -EDQUOT },
		{ "snp_table_reserve", -ENOMEM },
		{ "rmp_split_direct_map", -ENOMEM },
		{ "snp_soft_rmpupdate", FAIL_INPUT },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		self->g = snp_create_in_place(guest_goes_on, VM_MEM_SRC_ANONYMOUS);
		ASSERT_EQ(0, snp_launch_start(self->g, SNP_POLICY));
		fail(self, steps[i].function, 7, steps[i].value);
		EXPECT_NE(0, snp_launch_update_all(self->g)) TH_LOG("%s", steps[i].function);
		EXPECT_EQ(1, no_more_failures(self)) TH_LOG("%s", steps[i].function);
		snp_free(self->g);
		self->g = NULL;
		EXPECT_EQ(0, snp_in_place_count("private")) TH_LOG("%s", steps[i].function);
		EXPECT_EQ(0, snp_in_place_count("pinned")) TH_LOG("%s", steps[i].function);
	}
}

/* ---- pages that do not come back --------------------------------------- */

/* Where no other test looks for its pages */
#define LOST_PAGE	1777ul

static void guest_has_a_page(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(LOST_PAGE), SNP_PSC_PRIVATE), 0);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

FAILS_TEST(page_that_hardware_keeps_is_leaked_and_counted)
{
	u64 pfn, asid, pinned;

	self->g = snp_create_in_place(guest_has_a_page, VM_MEM_SRC_ANONYMOUS);
	snp_launch(self->g);
	snp_expect_sync(self->g, 1);
	pinned = snp_in_place_count("pinned");
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(LOST_PAGE), &pfn, &asid));
	fail(self, "snp_soft_rmpupdate", 0, FAIL_INPUT);
	vm_mem_region_delete(self->g->vm, SNP_TEST_SLOT);
	EXPECT_LT(0, no_more_failures(self));
	EXPECT_EQ(self->leaked + 1, snp_in_place_count("leaked"));
	EXPECT_EQ(pinned - 1, snp_in_place_count("pinned"));
	EXPECT_TRUE(snp_rmp_assigned(pfn)) TH_LOG("leaked, but shared");
	/* Not the page, but its RMP entry: other tests count those. */
	ASSERT_EQ(0, snp_host_write(pfn, 0, 0));
	EXPECT_FALSE(snp_rmp_assigned(pfn));
	self->leaked++;
}

/* Another CPU changes an entry beside it: a moment, which may be long in a VM. */
FAILS_TEST(page_that_hardware_keeps_for_a_moment_is_not_leaked)
{
	self->g = snp_create_in_place(guest_has_a_page, VM_MEM_SRC_ANONYMOUS);
	snp_launch(self->g);
	snp_expect_sync(self->g, 1);
	fail(self, "snp_soft_rmpupdate", -200, FAIL_OVERLAP);
	vm_mem_region_delete(self->g->vm, SNP_TEST_SLOT);
	EXPECT_EQ(200, no_more_failures(self));
	EXPECT_EQ(self->leaked, snp_in_place_count("leaked"));
}

TEST_HARNESS_MAIN
