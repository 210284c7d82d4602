// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest asks for what it must not have. It gets the error that the GHCB
 * specification (version 2) names, runs on, and leaves no warning in the
 * host's log. Where upstream KVM of 6.12 answers differently from the
 * specification, the test expects what upstream does and says what is
 * specified: a DEVIATES line that stops holding is news.
 */
#include <errno.h>
#include <stdlib.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

/* Far outside any memory slot, below the C-bit. */
#define NOWHERE		(1ull << 40)
#define HIGHEST_GPA	(((1ull << 40) - 1) << 12)

FIXTURE(snp_hostile) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_hostile)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_hostile)
{
	const char *line;

	snp_free(self->g);
	line = snp_log_complaint(self->log);
	EXPECT_EQ(NULL, line) TH_LOG("host log: %s", line);
}

/* The guest function does it all; the host only sees that it comes through. */
#define GUEST_RUNS_ON(name, guest_code)					\
TEST_F_TIMEOUT(snp_hostile, name, 120)					\
{									\
	self->g = snp_create_launched(guest_code);			\
	snp_expect_done(self->g);					\
}

/* #DEVIATES: @observed is what upstream answers, @specified what it should. */
#define snp_assert_deviates(value, observed, specified)			\
do {									\
	_Static_assert((observed) != (specified), "no deviation");	\
	snp_assert_eq(value, observed);					\
} while (0)

/* ---- MSR protocol --------------------------------------------------------- */

static void guest_psc_msr_operations(void)
{
	int op;

	snp_guest_init();
	for (op = 0; op < 16; op++) {
		if (op == SNP_PSC_PRIVATE || op == SNP_PSC_SHARED)
			continue;
		/* Specified: any error code but 0 */
		snp_assert_eq(!!snp_psc_msr(snp_test_gpa(0), op), true);
	}
	snp_done();
}

GUEST_RUNS_ON(msr_psc_with_unknown_operation_fails, guest_psc_msr_operations)

static void guest_psc_msr_nowhere(void)
{
	u32 error;

	snp_guest_init();
	error = snp_psc_msr(NOWHERE, SNP_PSC_SHARED);
	snp_assert_eq(error && error != ~0u, true);
	error = snp_psc_msr(HIGHEST_GPA, SNP_PSC_PRIVATE);
	snp_assert_eq(error && error != ~0u, true);
	snp_done();
}

GUEST_RUNS_ON(msr_psc_outside_memory_fails, guest_psc_msr_nowhere)

static void guest_unknown_msr_requests(void)
{
	static const u64 requests[] = { 0x008, 0x0ff, 0x0fe, 0xfff };
	unsigned int i;

	snp_guest_init();
	/* No answer is specified for a reserved value; KVM leaves it there. */
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		snp_assert_eq(snp_msr_request(requests[i]), requests[i]);
	snp_done();
}

GUEST_RUNS_ON(unknown_msr_request_is_not_answered, guest_unknown_msr_requests)

/* ---- where the GHCB is ------------------------------------------------------ */

static void guest_ghcb_nowhere(void)
{
	snp_guest_init();
	/* No GHCB at all: nothing can be answered. */
	snp_assert_eq(snp_msr_request(0), 0);

	/* Registration is specified to fail (all ones) if the page will not do. */
	snp_assert_deviates(snp_msr_request(NOWHERE | SNP_MSR_REG_GPA_REQ),
			    NOWHERE | SNP_MSR_REG_GPA_RESP,
			    ~0xfffull | SNP_MSR_REG_GPA_RESP);
	snp_assert_eq(snp_msr_request(NOWHERE), NOWHERE);

	snp_assert_eq(snp_msr_request(snp_ghcb_gpa() | SNP_MSR_REG_GPA_REQ),
		      snp_ghcb_gpa() | SNP_MSR_REG_GPA_RESP);
	snp_done();
}

GUEST_RUNS_ON(ghcb_outside_memory_is_ignored, guest_ghcb_nowhere)

static void guest_ghcb_misaligned(void)
{
	snp_guest_init();
	/* The low bits make it an MSR request, and an unknown one. */
	snp_assert_eq(snp_msr_request(snp_ghcb_gpa() + 0x800),
		      snp_ghcb_gpa() + 0x800);
	snp_done();
}

GUEST_RUNS_ON(ghcb_misaligned_is_an_unknown_msr_request, guest_ghcb_misaligned)

static void guest_ghcb_private(void)
{
	u64 v;

	snp_guest_init();
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, 0x1111);
	snp_msr_request(SNP_TEST_GPA | SNP_MSR_REG_GPA_REQ);
	snp_msr_request(SNP_TEST_GPA);
	/* Whatever the host made of it: our page is as we left it. */
	snp_assert_eq(snp_try_read(snp_private(0), &v), 0);
	snp_assert_eq(snp_holds(snp_private(0), 1, 0x1111), true);

	snp_msr_request(snp_ghcb_gpa() | SNP_MSR_REG_GPA_REQ);
	snp_done();
}

GUEST_RUNS_ON(private_ghcb_stays_private_and_unwritten, guest_ghcb_private)

static void guest_ghcb_not_registered(void)
{
	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_msr_request(snp_ghcb_gpa() + PAGE_SIZE);
	snp_done();
}

/*
 * DEVIATES: specified is SW_EXITINFO1 = 2, SW_EXITINFO2 = 1 (not registered)
 * in the GHCB; KVM leaves KVM_RUN with EINVAL. A VMM that tries again finds
 * the guest behind the exit, without an answer.
 */
TEST_F_TIMEOUT(snp_hostile, unregistered_ghcb_ends_kvm_run_once, 120)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_ghcb_not_registered);

	snp_expect_sync(g, 1);
	ASSERT_EQ(SNP_EVENT_RUN_ERROR, snp_run(g));
	EXPECT_EQ(EINVAL, g->error);
	snp_expect_done(g);
}

/* ---- what is in it --------------------------------------------------------- */

static void expect_error(struct snp_exit e, u64 error)
{
	snp_assert_eq(e.failed, 2);
	snp_assert_eq(e.info, error);
}

static void guest_bad_exits(void)
{
	volatile u64 *ghcb = snp_ghcb();

	snp_guest_init();
	expect_error(snp_vmgexit(0x8000dead, 0, 0), SNP_ERR_INVALID_EVENT);
	expect_error(snp_vmgexit(0x1234, 0, 0), SNP_ERR_INVALID_EVENT);
	expect_error(snp_vmgexit(~0ull, 0, 0), SNP_ERR_INVALID_EVENT);

	/* Fields without their bit in the bitmap: snp_vmgexit_raw() cleared it */
	ghcb[SNP_GHCB_EXIT_CODE] = SNP_EXIT_PSC;
	expect_error(snp_vmgexit_raw(), SNP_ERR_MISSING_INPUT);
	/* A PSC without scratch address */
	expect_error(snp_vmgexit(SNP_EXIT_PSC, 0, 0), SNP_ERR_MISSING_INPUT);
	/* An OUT without RAX */
	expect_error(snp_vmgexit(SNP_EXIT_IOIO, SNP_REPORT_PORT << 16 | 1 << 4, 0),
		     SNP_ERR_MISSING_INPUT);

	ghcb[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2 | SNP_GHCB_USAGE(7);
	expect_error(snp_vmgexit_raw(), SNP_ERR_INVALID_USAGE);
	snp_done();
}

GUEST_RUNS_ON(bad_exit_gets_its_specified_error, guest_bad_exits)

static void expect_bad_scratch(u64 gpa)
{
	snp_ghcb_set(SNP_GHCB_SCRATCH, gpa);
	expect_error(snp_vmgexit(SNP_EXIT_PSC, 0, 0), SNP_ERR_SCRATCH);
}

static void guest_bad_scratch(void)
{
	snp_guest_init();
	expect_bad_scratch(0);
	expect_bad_scratch(NOWHERE);
	expect_bad_scratch(SNP_TEST_GPA);
	/* In the GHCB, but before and behind its shared buffer */
	expect_bad_scratch(snp_ghcb_gpa());
	expect_bad_scratch(snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET - 8);
	expect_bad_scratch(snp_ghcb_gpa() + 0xff0);
	expect_bad_scratch(snp_ghcb_gpa() + 0xfec);
	expect_bad_scratch(~0ull);
	snp_done();
}

GUEST_RUNS_ON(psc_scratch_outside_the_shared_buffer_is_refused, guest_bad_scratch)

/* ---- page-state change requests --------------------------------------------- */

static void expect_psc(unsigned int first, unsigned int last, u64 error)
{
	struct snp_exit e = snp_psc_exit(first, last);

	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, error);
}

static void guest_bad_headers(void)
{
	snp_guest_init();
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_4K);
	expect_psc(0, SNP_PSC_MAX, SNP_PSC_ERR_HEADER);
	expect_psc(0, 0xffff, SNP_PSC_ERR_HEADER);
	expect_psc(0xffff, 0xffff, SNP_PSC_ERR_HEADER);
	/* Nothing left to do is what a finished request looks like. */
	expect_psc(1, 0, 0);
	expect_psc(0xffff, 0, 0);
	expect_psc(SNP_PSC_MAX, SNP_PSC_MAX - 1, 0);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

TEST_F_TIMEOUT(snp_hostile, psc_header_beyond_the_buffer_is_refused, 120)
{
	self->g = snp_create_launched(guest_bad_headers);
	snp_expect_sync(self->g, 1);
	EXPECT_EQ(0, self->g->requests);
	snp_expect_done(self->g);
}

/* Entry 0 is good, entry 1 is not: the error names entry 1. */
static void expect_bad_entry(u64 gpa, int op, int size, u64 extra,
			     u64 error)
{
	snp_psc_entry(0, snp_test_gpa(4), SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(1, gpa, op, size);
	*(volatile u64 *)&snp_psc_buffer()->entry[1] |= extra;
	expect_psc(0, 1, error);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
}

static void guest_bad_entries(void)
{
	snp_guest_init();
	/* 2M, misaligned */
	expect_bad_entry(snp_test_gpa(1), SNP_PSC_SHARED, SNP_2M, 0,
			 SNP_PSC_ERR_ENTRY);
	/* cur_page beyond the entry's size */
	expect_bad_entry(snp_test_gpa(0), SNP_PSC_SHARED, SNP_2M,
			 SNP_PAGES_2M + 1, SNP_PSC_ERR_ENTRY);
	expect_bad_entry(snp_test_gpa(0), SNP_PSC_SHARED, SNP_4K, 2,
			 SNP_PSC_ERR_ENTRY);
	/* Outside memory, just so and by far */
	expect_bad_entry(snp_test_gpa(SNP_TEST_PAGES), SNP_PSC_SHARED, SNP_4K,
			 0, SNP_PSC_ERR_GENERIC);
	expect_bad_entry(NOWHERE, SNP_PSC_PRIVATE, SNP_2M, 0,
			 SNP_PSC_ERR_GENERIC);
	expect_bad_entry(HIGHEST_GPA, SNP_PSC_SHARED, SNP_4K, 0,
			 SNP_PSC_ERR_GENERIC);
	snp_done();
}

GUEST_RUNS_ON(bad_psc_entry_is_refused_and_named, guest_bad_entries)

/* A request of one entry; nothing may come of it at the VMM. */
static void one_entry(int op, u64 extra)
{
	snp_psc_entry(0, snp_test_gpa(0), op, SNP_4K);
	*(volatile u64 *)&snp_psc_buffer()->entry[0] |= extra;
	snp_psc_exit(0, 0);
}

static void guest_unknown_operations(void)
{
	int op;

	snp_guest_init();
	for (op = 0; op < 16; op++) {
		if (op == SNP_PSC_PRIVATE || op == SNP_PSC_SHARED)
			continue;
		one_entry(op, 0);
		/* 3 and 4, PSMASH and UNSMASH, are hints: ignored is right. */
		if (op == 3 || op == 4)
			snp_assert_eq(snp_ghcb()[SNP_GHCB_EXIT_INFO_2], 0);
		else
			snp_assert_deviates(snp_ghcb()[SNP_GHCB_EXIT_INFO_2], 0ull,
					    SNP_PSC_ERR_ENTRY);
	}
	snp_sync(1, 0, 0, 0);
	snp_done();
}

TEST_F_TIMEOUT(snp_hostile, unknown_psc_operation_changes_nothing, 120)
{
	self->g = snp_create_launched(guest_unknown_operations);
	snp_expect_sync(self->g, 1);
	EXPECT_EQ(0, self->g->requests);
	snp_expect_done(self->g);
}

static void guest_reserved_bits(void)
{
	snp_guest_init();
	/* Reserved, must be zero: */
	one_entry(SNP_PSC_SHARED, 1ull << 57 | 1ull << 63);
	snp_assert_deviates(snp_ghcb()[SNP_GHCB_EXIT_INFO_2], 0ull,
			    SNP_PSC_ERR_ENTRY);

	snp_psc_entry(0, snp_test_gpa(1), SNP_PSC_SHARED, SNP_4K);
	snp_psc_buffer()->cur_entry = 0;
	snp_psc_buffer()->end_entry = 0;
	snp_psc_buffer()->reserved = ~0;
	snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
	snp_assert_deviates(snp_vmgexit(SNP_EXIT_PSC, 0, 0).info, 0ull,
			    SNP_PSC_ERR_HEADER);
	snp_done();
}

GUEST_RUNS_ON(reserved_psc_bits_do_no_harm, guest_reserved_bits)

/* Private twice, shared twice: no state is lost and nobody warns. */
static void guest_repeats_conversions(void)
{
	int i;

	snp_guest_init();
	for (i = 0; i < 3; i++) {
		snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
		snp_assert_eq(snp_psc_msr(snp_test_gpa(1), SNP_PSC_SHARED), 0);
	}
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, 7);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	snp_assert_eq(snp_holds(snp_private(0), 1, 7), true);
	snp_done();
}

GUEST_RUNS_ON(repeated_conversions_change_nothing, guest_repeats_conversions)

/* Shared without rescinding first: the host may take the page at any time. */
static void guest_shares_validated_page(void)
{
	u64 v;

	snp_guest_init();
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, 7);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_SHARED), 0);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	/* Another page now, which the guest never validated: #VC tells. */
	snp_assert_eq(snp_try_read(snp_private(0), &v), SNP_VC_NOT_VALIDATED);
	snp_done();
}

GUEST_RUNS_ON(page_taken_while_validated_raises_vc, guest_shares_validated_page)

TEST_HARNESS_MAIN
