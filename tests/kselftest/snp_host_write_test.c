// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's kernel writes to a guest's private page. Stock Linux dies of it;
 * here the page goes back to the host, the write completes, and the guest
 * learns by #VC that its page is no longer what it validated.
 */
#include <stdlib.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

#define PAGE		5
#define PATTERN		0x5050505000000000ul
#define OFFSET		0x123
#define VALUE		0xa5

FIXTURE(snp_host_write) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_host_write)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_host_write)
{
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

#define HOST_WRITE_TEST(name) TEST_F_TIMEOUT(snp_host_write, name, 120)

static void guest_loses_page(void)
{
	u64 v;

	snp_guest_init();
	snp_validate_pages(PAGE - 1, 3, true);
	snp_fill(snp_private(PAGE - 1), 3, PATTERN);
	snp_sync(1, 0, 0, 0);

	snp_assert_eq(snp_try_read(snp_private(PAGE), &v), SNP_VC_NOT_VALIDATED);
	/* It stays so until the guest validates, and the neighbours are well. */
	snp_assert_eq(snp_try_write(snp_private(PAGE), 1), SNP_VC_NOT_VALIDATED);
	snp_assert_eq(snp_holds(snp_private(PAGE - 1), 1, PATTERN), true);
	snp_assert_eq(snp_holds(snp_private(PAGE + 1), 1,
				PATTERN + 2 * PAGE_SIZE / 8), true);

	/* Memory is not encrypted here, so the guest can see what was written. */
	snp_validate_pages(PAGE, 1, true);
	snp_assert_eq(snp_try_read(snp_private(PAGE) + OFFSET, &v), 0);
	snp_assert_eq(v & 0xff, VALUE);
	snp_done();
}

HOST_WRITE_TEST(page_is_flipped_write_completes_and_the_guest_gets_vc)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_loses_page);
	u64 pfn, asid, next, next_asid;

	snp_expect_sync(g, 1);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE + 1), &next, &next_asid));

	ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
	EXPECT_FALSE(snp_rmp_assigned(pfn)) TH_LOG("page still private");
	EXPECT_TRUE(snp_rmp_assigned(next)) TH_LOG("another page flipped too");
	snp_expect_done(g);
}

static void guest_takes_page_back(void)
{
	u64 v;
	int i;

	snp_guest_init();
	for (i = 0; i < 8; i++) {
		snp_validate_pages(PAGE, 1, true);
		snp_fill(snp_private(PAGE), 1, PATTERN + i);
		snp_assert_eq(snp_holds(snp_private(PAGE), 1, PATTERN + i), true);
		snp_sync(1, i, 0, 0);
		snp_assert_eq(snp_try_read(snp_private(PAGE), &v),
			      SNP_VC_NOT_VALIDATED);
	}
	snp_done();
}

/* Each round makes progress, so the host must not lose patience and oops. */
HOST_WRITE_TEST(guest_that_validates_again_loses_the_page_again)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_takes_page_back);
	u64 pfn, asid;
	int i;

	for (i = 0; i < 8; i++) {
		snp_expect_sync(g, 1);
		ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
		ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
		ASSERT_FALSE(snp_rmp_assigned(pfn));
	}
	snp_expect_done(g);
}

static void guest_has_no_handler_for_it(void)
{
	snp_guest_init();
	snp_validate_pages(PAGE, 1, true);
	snp_fill(snp_private(PAGE), 1, PATTERN);
	snp_sync(1, 0, 0, 0);
	/* Not expected by us: the library's #VC handler reports and ends. */
	snp_fill(snp_private(PAGE), 1, PATTERN);
	snp_done();
}

HOST_WRITE_TEST(guest_reports_the_vc_and_ends)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_has_no_handler_for_it);
	u64 pfn, asid;

	snp_expect_sync(g, 1);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
	ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
	ASSERT_EQ(SNP_EVENT_REPORT, snp_run(g));
	EXPECT_EQ(SNP_REPORT_VC, g->report->kind);
	EXPECT_EQ(SNP_VC_NOT_VALIDATED, g->report->arg[0]);
	ASSERT_EQ(SNP_EVENT_TERM, snp_run(g));
	EXPECT_EQ(SNP_MSR_TERM_REQ | SNP_TERM_SET << 12 |
		  SNP_TERM_RESUMED << 16, g->term);
}

static void guest_keeps_shared_page(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(PAGE), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(PAGE), 1, PATTERN);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_shared(PAGE), 1, PATTERN), true);
	snp_done();
}

HOST_WRITE_TEST(shared_page_has_no_rmp_entry_to_fault_on)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_keeps_shared_page);
	u64 pfn, asid;

	snp_expect_sync(g, 1);
	EXPECT_FALSE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
	snp_expect_done(g);
}

TEST_HARNESS_MAIN
