// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest validates memory and changes its state, by the MSR protocol and by
 * the NAE event; what it wrote is where it should be, before and after, and
 * the host sees what is shared and nothing else.
 *
 * guest_memfd of 6.12 hands out 4K pages only, so all RMP entries here are 4K
 * ones: a 2M request is answered, a 2M PVALIDATE is a size mismatch.
 */
#include <stdlib.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp_convert.h"

FIXTURE(snp_psc) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_psc)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_psc)
{
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

#define SNP_TEST(name) TEST_F_TIMEOUT(snp_psc, name, 120)

/* ---- PVALIDATE --------------------------------------------------------- */

static void guest_validates_and_writes(void)
{
	snp_guest_init();
	snp_validate_pages(0, 4, true);
	snp_fill(snp_private(0), 4, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(0), 4, PRIVATE), true);
	snp_done();
}

SNP_TEST(validated_pages_hold_what_the_guest_wrote)
{
	int i;

	self->g = snp_create_launched(guest_validates_and_writes);
	snp_expect_done(self->g);
	for (i = 0; i < PAGE_SIZE / 8; i++)
		ASSERT_EQ(0, snp_host_page(self->g, 0)[i]) TH_LOG("private, yet seen");
}

static void guest_validates_twice(void)
{
	snp_guest_init();
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_4K, true), SNP_PVALIDATE_OK);
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_4K, true),
		      SNP_PVALIDATE_UNCHANGED);
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_4K, false), SNP_PVALIDATE_OK);
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_4K, false),
		      SNP_PVALIDATE_UNCHANGED);
	snp_done();
}

SNP_TEST(second_pvalidate_sets_carry)
{
	self->g = snp_create_launched(guest_validates_twice);
	snp_expect_done(self->g);
}

static void guest_validates_2m(void)
{
	snp_guest_init();
	snp_validate_pages(0, 1, true);
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_2M, true),
		      SNP_PVALIDATE_SIZEMISMATCH);
	/* The 4K entry is as it was. */
	snp_assert_eq(snp_pvalidate(snp_private(0), SNP_4K, true),
		      SNP_PVALIDATE_UNCHANGED);
	snp_done();
}

SNP_TEST(pvalidate_2m_over_4k_entry_is_a_size_mismatch)
{
	self->g = snp_create_launched(guest_validates_2m);
	snp_expect_done(self->g);
}

static void guest_validates_illegally(void)
{
	snp_guest_init();
	snp_validate_pages(1, 1, true);
	snp_assert_eq(snp_pvalidate(snp_private(1), SNP_2M, true),
		      SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_pvalidate(snp_private(1), 2, true),
		      SNP_PVALIDATE_FAIL_INPUT);
	snp_done();
}

/* APM vol. 3, PVALIDATE: FAIL_INPUT, illegal input parameters */
SNP_TEST(pvalidate_with_illegal_parameters_fails)
{
	self->g = snp_create_launched(guest_validates_illegally);
	snp_expect_done(self->g);
}

static void guest_touches_unvalidated(void)
{
	u64 v;

	snp_guest_init();
	snp_assert_eq(snp_try_read(snp_private(0), &v), SNP_VC_NOT_VALIDATED);
	snp_assert_eq(snp_try_write(snp_private(1), 1), SNP_VC_NOT_VALIDATED);
	snp_validate_pages(0, 1, true);
	snp_assert_eq(snp_try_write(snp_private(0), 1), 0);
	snp_assert_eq(snp_try_read(snp_private(0), &v), 0);
	snp_assert_eq(v, 1);
	snp_validate_pages(0, 1, false);
	snp_assert_eq(snp_try_read(snp_private(0), &v), SNP_VC_NOT_VALIDATED);
	snp_done();
}

SNP_TEST(access_to_unvalidated_page_raises_vc_404)
{
	self->g = snp_create_launched(guest_touches_unvalidated);
	snp_expect_done(self->g);
}

static void guest_touches_private_as_shared(void)
{
	snp_guest_init();
	snp_validate_pages(0, 1, true);
	*(volatile u64 *)snp_shared(0) = 1;
	snp_done();
}

SNP_TEST(access_without_c_bit_to_private_page_exits_to_the_vmm)
{
	struct kvm_run *run;

	self->g = snp_create_launched(guest_touches_private_as_shared);
	run = self->g->vcpu->run;
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(self->g));
	EXPECT_EQ(SNP_TEST_GPA, run->memory_fault.gpa);
	EXPECT_EQ(0, run->memory_fault.flags);
}

/* ---- conversions --------------------------------------------------------- */

static void guest_converts_by_msr(void)
{
	snp_guest_init();
	snp_there_and_back(3);
	snp_assert_eq(snp_holds(snp_private(3), 1, PRIVATE), true);
	snp_done();
}

SNP_TEST(msr_protocol_converts_a_page_to_shared_and_back)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_converts_by_msr);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 3);
	snp_expect_done(g);
	EXPECT_EQ(1, g->to_shared);
	EXPECT_EQ(1, g->to_private);
	EXPECT_EQ(HOST, snp_host_page(g, 3)[0]);
}

SNP_TEST(nae_converts_several_scattered_pages_in_one_request)
{
	struct snp_guest *g = self->g = snp_create_launched(snp_guest_scattered);
	int i;

	snp_expect_sync(g, 1);
	for (i = 0; i < SNP_SCATTERED; i++)
		snp_host_answers(g, SNP_SCATTERED_PAGE(i));
	snp_expect_done(g);
	EXPECT_EQ(SNP_SCATTERED, g->to_shared);
	EXPECT_EQ(SNP_SCATTERED, g->to_private);
}

static void guest_converts_full_request(void)
{
	int i;

	snp_guest_init();
	for (i = 0; i < SNP_PSC_MAX; i++)
		snp_psc_entry(i, snp_test_gpa(i), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(SNP_PSC_MAX), 0);
	snp_fill(snp_shared(SNP_PSC_MAX - 1), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

SNP_TEST(nae_takes_253_entries)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_converts_full_request);

	snp_expect_sync(g, 1);
	snp_host_answers(g, SNP_PSC_MAX - 1);
	snp_expect_done(g);
	EXPECT_EQ(SNP_PSC_MAX, g->to_shared);
}

static void guest_converts_2m(void)
{
	u64 page = SNP_PAGES_2M;

	snp_guest_init();
	snp_validate_pages(page, SNP_PAGES_2M, true);
	snp_fill(snp_private(page), SNP_PAGES_2M, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(page), SNP_PAGES_2M, PRIVATE), true);

	snp_validate_pages(page, SNP_PAGES_2M, false);
	snp_psc_entry(0, snp_test_gpa(page), SNP_PSC_SHARED, SNP_2M);
	snp_assert_eq(snp_psc(1), 0);
	snp_assert_eq(snp_psc_buffer()->entry[0].cur_page, SNP_PAGES_2M);
	snp_fill(snp_shared(page + SNP_PAGES_2M - 1), 1, GUEST);
	snp_sync(1, 0, 0, 0);

	snp_psc_entry(0, snp_test_gpa(page), SNP_PSC_PRIVATE, SNP_2M);
	snp_assert_eq(snp_psc(1), 0);
	/* As Linux does it: 2M, and page by page when the entries are 4K. */
	if (snp_pvalidate(snp_private(page), SNP_2M, true) ==
	    SNP_PVALIDATE_SIZEMISMATCH)
		snp_validate_pages(page, SNP_PAGES_2M, true);
	snp_fill(snp_private(page), SNP_PAGES_2M, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(page), SNP_PAGES_2M, PRIVATE), true);
	snp_done();
}

SNP_TEST(nae_converts_2m_to_shared_and_back)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_converts_2m);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 2 * SNP_PAGES_2M - 1);
	snp_expect_done(g);
	EXPECT_EQ(SNP_PAGES_2M, g->to_shared);
	EXPECT_EQ(SNP_PAGES_2M, g->to_private);
}

static void guest_mixes_sizes_and_operations(void)
{
	snp_guest_init();
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(1, snp_test_gpa(SNP_PAGES_2M), SNP_PSC_SHARED, SNP_2M);
	snp_psc_entry(2, snp_test_gpa(0), SNP_PSC_PRIVATE, SNP_4K);
	snp_psc_entry(3, snp_test_gpa(1), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(4), 0);

	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, PRIVATE);
	snp_fill(snp_shared(1), 1, GUEST);
	snp_fill(snp_shared(SNP_PAGES_2M), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(0), 1, PRIVATE), true);
	snp_done();
}

SNP_TEST(nae_mixes_sizes_and_operations_in_order)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_mixes_sizes_and_operations);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 1);
	snp_host_answers(g, SNP_PAGES_2M);
	snp_expect_done(g);
	EXPECT_EQ(2 + SNP_PAGES_2M, g->to_shared);
	EXPECT_EQ(1, g->to_private);
}

/* ---- resumption ----------------------------------------------------------- */

static void guest_resumes_at_cur_entry(void)
{
	struct snp_exit e;

	snp_guest_init();
	snp_validate_pages(0, 1, true);
	snp_validate_pages(2, 1, true);
	snp_validate_pages(6, 1, true);
	snp_validate_pages(6, 1, false);
	snp_scattered_entries(SNP_PSC_SHARED);
	e = snp_psc_exit(2, 3);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 4);
	/* Entry 0 is untouched: its page is still private and validated. */
	snp_assert_eq(snp_try_write(snp_private(0), 1), 0);
	snp_fill(snp_shared(6), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

SNP_TEST(request_starts_at_cur_entry)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_resumes_at_cur_entry);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 6);
	snp_expect_done(g);
	EXPECT_EQ(2, g->to_shared);
}

static void guest_resumes_at_cur_page(void)
{
	snp_guest_init();
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_2M);
	*(volatile u64 *)&snp_psc_buffer()->entry[0] |= SNP_PAGES_2M - 8;
	snp_assert_eq(snp_psc(1), 0);
	snp_assert_eq(snp_psc_buffer()->entry[0].cur_page, SNP_PAGES_2M);
	/* The first pages of the 2M were not converted. */
	snp_validate_pages(0, 1, true);
	snp_assert_eq(snp_try_write(snp_private(0), 1), 0);
	snp_fill(snp_shared(SNP_PAGES_2M - 8), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

SNP_TEST(entry_starts_at_cur_page)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_resumes_at_cur_page);

	snp_expect_sync(g, 1);
	snp_host_answers(g, SNP_PAGES_2M - 8);
	snp_expect_done(g);
	EXPECT_EQ(8, g->to_shared);
}

static void guest_meets_refusal(void)
{
	snp_guest_init();
	snp_scattered_entries(SNP_PSC_SHARED);
	snp_assert_eq(snp_psc(SNP_SCATTERED), SNP_PSC_ERR_GENERIC);
	/* The refused entry is the current one, so the guest knows. */
	snp_assert_eq(snp_psc_buffer()->cur_entry, 5);
	snp_sync(1, 0, 0, 0);
	/* No lasting harm: the rest succeeds once the VMM agrees. */
	snp_assert_eq(snp_psc_exit(5, SNP_SCATTERED - 1).info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, SNP_SCATTERED);
	snp_done();
}

SNP_TEST(refused_entry_is_named_and_can_be_retried)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_meets_refusal);

	g->refuse_gpa = snp_test_gpa(SNP_SCATTERED_PAGE(5));
	snp_expect_sync(g, 1);
	EXPECT_EQ(5, g->to_shared);
	g->refuse_gpa = ~0ull;
	snp_expect_done(g);
	EXPECT_EQ(SNP_SCATTERED, g->to_shared);
}

TEST_HARNESS_MAIN
