// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest asks for what it must not have. It gets the error that the GHCB
 * specification (version 2) names, runs on, and leaves nothing in the host's
 * log.
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
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

/* The guest function does it all; the host only sees that it comes through. */
#define GUEST_RUNS_ON(name, guest_code)					\
TEST_F_TIMEOUT(snp_hostile, name, 120)					\
{									\
	self->g = snp_create_launched(guest_code);			\
	snp_expect_done(self->g);					\
}

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

	/* All ones: the hypervisor can't use this page. */
	snp_assert_eq(snp_msr_request(NOWHERE | SNP_MSR_REG_GPA_REQ),
		      ~0xfffull | SNP_MSR_REG_GPA_RESP);
	snp_assert_eq(snp_msr_request(HIGHEST_GPA | SNP_MSR_REG_GPA_REQ),
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
	volatile u64 *ghcb = snp_ghcb();
	u64 elsewhere = snp_test_gpa(8);

	snp_guest_init();
	snp_msr_request(elsewhere | SNP_MSR_REG_GPA_REQ);
	/* The GHCB that we know how to read is now the wrong one. */
	ghcb[SNP_GHCB_EXIT_INFO_1] = ~0ull;
	ghcb[SNP_GHCB_EXIT_INFO_2] = ~0ull;
	snp_msr_request(snp_ghcb_gpa());
	snp_assert_eq((u32)ghcb[SNP_GHCB_EXIT_INFO_1], 2);
	snp_assert_eq(ghcb[SNP_GHCB_EXIT_INFO_2], SNP_ERR_NOT_REGISTERED);

	snp_msr_request(snp_ghcb_gpa() | SNP_MSR_REG_GPA_REQ);
	snp_done();
}

GUEST_RUNS_ON(unregistered_ghcb_is_told_so, guest_ghcb_not_registered)

/* ---- what is in it --------------------------------------------------------- */

static void guest_bad_exits(void)
{
	volatile u64 *ghcb = snp_ghcb();

	snp_guest_init();
	snp_assert_error(snp_vmgexit(0x8000dead, 0, 0), SNP_ERR_INVALID_EVENT);
	snp_assert_error(snp_vmgexit(0x1234, 0, 0), SNP_ERR_INVALID_EVENT);
	snp_assert_error(snp_vmgexit(~0ull, 0, 0), SNP_ERR_INVALID_EVENT);

	/* Fields without their bit in the bitmap: snp_vmgexit_raw() cleared it */
	ghcb[SNP_GHCB_EXIT_CODE] = SNP_EXIT_PSC;
	snp_assert_error(snp_vmgexit_raw(), SNP_ERR_MISSING_INPUT);
	/* A PSC without scratch address */
	snp_assert_error(snp_vmgexit(SNP_EXIT_PSC, 0, 0), SNP_ERR_MISSING_INPUT);
	/* An OUT without RAX */
	snp_assert_error(snp_vmgexit(SNP_EXIT_IOIO, SNP_REPORT_PORT << 16 | 1 << 4, 0),
			 SNP_ERR_MISSING_INPUT);

	ghcb[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2 | SNP_GHCB_USAGE(7);
	snp_assert_error(snp_vmgexit_raw(), SNP_ERR_INVALID_USAGE);
	snp_done();
}

GUEST_RUNS_ON(bad_exit_gets_its_specified_error, guest_bad_exits)

static void expect_bad_scratch(u64 gpa)
{
	snp_ghcb_set(SNP_GHCB_SCRATCH, gpa);
	snp_assert_error(snp_vmgexit(SNP_EXIT_PSC, 0, 0), SNP_ERR_SCRATCH);
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
		snp_assert_eq(snp_ghcb()[SNP_GHCB_EXIT_INFO_2],
			      op == 3 || op == 4 ? 0 : SNP_PSC_ERR_ENTRY);
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
	int bit;

	snp_guest_init();
	for (bit = 57; bit < 64; bit++) {
		one_entry(SNP_PSC_SHARED, 1ull << bit);
		snp_assert_eq(snp_ghcb()[SNP_GHCB_EXIT_INFO_2], SNP_PSC_ERR_ENTRY);
		expect_bad_entry(snp_test_gpa(5), SNP_PSC_SHARED, SNP_4K,
				 1ull << bit, SNP_PSC_ERR_ENTRY);
	}

	for (bit = 0; bit < 32; bit++) {
		snp_psc_entry(0, snp_test_gpa(1), SNP_PSC_SHARED, SNP_4K);
		snp_psc_buffer()->cur_entry = 0;
		snp_psc_buffer()->end_entry = 0;
		snp_psc_buffer()->reserved = 1u << bit;
		snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
		snp_assert_eq(snp_vmgexit(SNP_EXIT_PSC, 0, 0).info, SNP_PSC_ERR_HEADER);
	}
	snp_done();
}

GUEST_RUNS_ON(reserved_psc_bits_are_refused, guest_reserved_bits)

static void guest_joins_half_done_entry(void)
{
	snp_guest_init();
	/* 12 pages are left of it; they do not end where the neighbour begins. */
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_2M);
	*(volatile u64 *)&snp_psc_buffer()->entry[0] |= SNP_PAGES_2M - 12;
	snp_psc_entry(1, snp_test_gpa(12), SNP_PSC_SHARED, SNP_4K);
	expect_psc(0, 1, 0);
	snp_sync(1, 0, 0, 0);
	/* The page behind the 2M entry was named by nobody. */
	snp_validate_pages(SNP_PAGES_2M, 1, true);
	snp_fill(snp_private(SNP_PAGES_2M), 1, 5);
	snp_done();
}

TEST_F_TIMEOUT(snp_hostile, half_done_2m_entry_takes_no_neighbour, 120)
{
	self->g = snp_create_launched(guest_joins_half_done_entry);
	snp_expect_sync(self->g, 1);
	EXPECT_EQ(13, self->g->to_shared);
	EXPECT_EQ(2, self->g->requests);
	snp_expect_done(self->g);
}

/* ---- guest requests, string I/O ---------------------------------------------- */

#define MSG_REPORT_REQ		5

static void guest_requests_nowhere(void)
{
	u64 page = snp_channel.request_gpa;

	snp_guest_init();
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, NOWHERE, page),
			 SNP_ERR_INVALID_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, page, NOWHERE),
			 SNP_ERR_INVALID_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, page, ~0xfffull),
			 SNP_ERR_INVALID_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_EXT_REQUEST, NOWHERE, page),
			 SNP_ERR_INVALID_INPUT);
	/* Misaligned, or the same page twice: an input that is missing */
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, page + 8, page + PAGE_SIZE),
			 SNP_ERR_MISSING_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, page, page),
			 SNP_ERR_MISSING_INPUT);

	/* Certificates to a place where none is: byte 0x34 is the message's type */
	*(volatile u8 *)(snp_channel.request_gva + 0x34) = MSG_REPORT_REQ;
	snp_ghcb_set(SNP_GHCB_RAX, NOWHERE);
	snp_ghcb_set(SNP_GHCB_RBX, 1);
	snp_assert_error(snp_vmgexit(SNP_EXIT_EXT_REQUEST, page, page + PAGE_SIZE),
			 SNP_ERR_INVALID_INPUT);
	snp_done();
}

GUEST_RUNS_ON(guest_request_outside_memory_is_refused, guest_requests_nowhere)

static void guest_outs_too_much(void)
{
	/* OUTS, 32-bit, REP */
	u64 info = SNP_REPORT_PORT << 16 | 1 << 6 | 1 << 2 | 1 << 3;

	snp_guest_init();
	snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
	snp_assert_error(snp_vmgexit(SNP_EXIT_IOIO, info, 1ull << 31),
			 SNP_ERR_INVALID_INPUT);
	snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
	snp_assert_error(snp_vmgexit(SNP_EXIT_IOIO, info, (1ull << 31) - 1),
			 SNP_ERR_INVALID_INPUT);
	snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
	snp_assert_error(snp_vmgexit(SNP_EXIT_IOIO, info, PAGE_SIZE), SNP_ERR_SCRATCH);
	snp_done();
}

GUEST_RUNS_ON(string_output_beyond_all_bounds_is_refused, guest_outs_too_much)

/* ---- more conversions ------------------------------------------------------ */

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
