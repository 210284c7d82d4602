// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP guest whose every conversion, lost page and wrong request is counted,
 * for the tests of what makes them visible (tracing_*_test.sh). When all is done
 * and the guest still stands, COMMAND is run; before and after it nothing else
 * happens to the RMP by this program until the guest is freed.
 *
 * trace_guest COMMAND: prints the facts, a line "NAME VALUE..." each; the status
 * is COMMAND's.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
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

int main(int argc, char *argv[])
{
	u64 pfn, asid = 0;
	struct snp_guest *g;
	int i, status;

	TEST_ASSERT(argc == 2, "usage: trace_guest COMMAND");
	snp_require();
	setvbuf(stdout, NULL, _IOLBF, 0);

	g = snp_create_launched(guest);
	snp_expect_sync(g, STAGE_LOSE);
	for (i = 0; i < NR_LOST; i++) {
		TEST_ASSERT(snp_rmp_find(snp_test_gpa(LOST + i), &pfn, &asid),
			    "page %d is not private", LOST + i);
		TEST_ASSERT_EQ(snp_host_write(pfn, 0, 1), 0);
		printf("lost %#lx %#lx\n", pfn, snp_test_gpa(LOST + i));
	}
	snp_expect_sync(g, STAGE_END);
	TEST_ASSERT_EQ(g->to_shared, NR_MSR + NR_SPREAD + NR_ROW + NR_LARGE * SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->to_private, NR_MSR_BACK + NR_LARGE * SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->requests, NR_MSR + NR_MSR_BACK + NR_SPREAD + 3);

	printf("pid %d\nasid %lu\nfaults %d\nguest_errors %d\n", getpid(), asid, NR_LOST,
	       NR_WRONG);
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
