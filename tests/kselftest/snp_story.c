// SPDX-License-Identifier: GPL-2.0-only
/*
 * What this project is about, in one run, told as it happens: an SNP guest
 * starts, proves who it is, converts memory; the host's kernel writes to one of
 * its private pages and lives; the guest finds out and ends itself. Each line
 * is printed after its fact was checked; any other course of events ends the
 * story with status 1. tools/story-in-vm runs it, under trace.
 *
 * snp_story FILE [COMMAND]: FILE gets the number of the page the host wrote to.
 * COMMAND is run just before the guest ends, with its ASID in $ASID.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "snp.h"

#define NR_ENTRIES	16
#define PATTERN		0x5050505000000000ul
#define LOST_PAGE	7
#define OFFSET		0x123
#define VALUE		0xa5

enum stage {
	STAGE_ATTESTED = 1,
	STAGE_MSR,
	STAGE_ENTRIES,
	STAGE_LARGE,
	STAGE_BACK,
	STAGE_VICTIM,
	STAGE_VC,
};

/* ---- the guest ----------------------------------------------------------- */

static void share_by_msr(void)
{
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, PATTERN);
	snp_assert_eq(snp_holds(snp_private(0), 1, PATTERN), true);
	snp_validate_pages(0, 1, false);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(0), 1, PATTERN);
	snp_sync(STAGE_MSR, 0, 0, 0);
}

/* Every other page from 2 on, so that no two entries merge. */
static void convert_entries(int operation)
{
	int i;

	for (i = 0; i < NR_ENTRIES; i++)
		snp_psc_entry(i, snp_test_gpa(2 + 2 * i), operation, SNP_4K);
	snp_assert_eq(snp_psc(NR_ENTRIES), 0);
}

static void share_entries(void)
{
	int i;

	convert_entries(SNP_PSC_SHARED);
	for (i = 0; i < NR_ENTRIES; i++)
		snp_fill(snp_shared(2 + 2 * i), 1, PATTERN);
	snp_sync(STAGE_ENTRIES, 0, 0, 0);
}

static void convert_large(int operation)
{
	snp_psc_entry(0, snp_test_gpa(SNP_PAGES_2M), operation, SNP_2M);
	snp_assert_eq(snp_psc(1), 0);
}

static void share_large(void)
{
	convert_large(SNP_PSC_SHARED);
	snp_fill(snp_shared(SNP_PAGES_2M), SNP_PAGES_2M, PATTERN);
	snp_sync(STAGE_LARGE, 0, 0, 0);
}

/* All of it private again, validated, written and read. */
static void take_back(void)
{
	int i;

	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	convert_entries(SNP_PSC_PRIVATE);
	convert_large(SNP_PSC_PRIVATE);

	snp_validate_pages(0, 1, true);
	for (i = 0; i < NR_ENTRIES; i++)
		snp_validate_pages(2 + 2 * i, 1, true);
	if (snp_pvalidate(snp_private(SNP_PAGES_2M), SNP_2M, true) ==
	    SNP_PVALIDATE_SIZEMISMATCH)
		snp_validate_pages(SNP_PAGES_2M, SNP_PAGES_2M, true);

	snp_fill(snp_private(0), 1, ~PATTERN);
	snp_assert_eq(snp_holds(snp_private(0), 1, ~PATTERN), true);
	for (i = 0; i < NR_ENTRIES; i++) {
		snp_fill(snp_private(2 + 2 * i), 1, ~PATTERN);
		snp_assert_eq(snp_holds(snp_private(2 + 2 * i), 1, ~PATTERN), true);
	}
	snp_fill(snp_private(SNP_PAGES_2M), SNP_PAGES_2M, ~PATTERN);
	snp_assert_eq(snp_holds(snp_private(SNP_PAGES_2M), SNP_PAGES_2M, ~PATTERN),
		      true);
	snp_sync(STAGE_BACK, 0, 0, 0);
}

static void guest_lives(void)
{
	u8 measurement[SNP_MEASUREMENT_SIZE];
	u64 v, vc;

	snp_guest_init();
	snp_attested_measurement(measurement);
	snp_sync_data(STAGE_ATTESTED, measurement, sizeof(measurement));

	share_by_msr();
	share_entries();
	share_large();
	take_back();

	snp_validate_pages(LOST_PAGE, 1, true);
	snp_fill(snp_private(LOST_PAGE), 1, PATTERN);
	snp_sync(STAGE_VICTIM, 0, 0, 0);

	vc = snp_try_read(snp_private(LOST_PAGE), &v);
	/* For the record: memory is not encrypted here, the host's byte shows. */
	snp_validate_pages(LOST_PAGE, 1, true);
	v = *(u64 *)(snp_private(LOST_PAGE) + OFFSET);
	snp_sync(STAGE_VC, vc, snp_test_gpa(LOST_PAGE), v & 0xff);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

/* ---- the host -------------------------------------------------------------- */

static void __printf(2, 3)
tell(const char *who, const char *fmt, ...)
{
	va_list ap;

	printf("%-9s ", who);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

/* The kernel's own words at boot */
static void tell_platform(void)
{
	char line[1024], *text, *end;
	int fd = open_path_or_exit("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	bool platform = false, table = false;
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = 0;
		text = strchr(line, ';');
		end = strchr(line, '\n');
		if (!text || !end)
			continue;
		*end = 0;
		if (!platform && strstr(text, "software SEV-SNP platform on")) {
			tell("kernel", "%s", text + 1);
			platform = true;
		} else if (!table && strstr(text, "RMP table physical range")) {
			tell("kernel", "%s", text + 1);
			table = true;
		}
	}
	close(fd);
	TEST_ASSERT(platform, "the software SNP platform is not on");
	TEST_ASSERT(table, "no RMP table");
}

static void launch(struct snp_guest *g)
{
	struct snp_rmp_counts before, now;
	u64 pfn, asid;

	snp_rmp_counts(&before);
	TEST_ASSERT_EQ(snp_launch_start(g, SNP_POLICY), 0);
	TEST_ASSERT_EQ(snp_launch_update_all(g), 0);
	TEST_ASSERT_EQ(snp_launch_secrets(g), 0);
	TEST_ASSERT_EQ(snp_launch_finish(g), 0);
	snp_rmp_counts(&now);
	TEST_ASSERT_EQ(now.vmsa, before.vmsa + 1);
	TEST_ASSERT(snp_rmp_find(g->vm->pgd, &pfn, &asid), "no private page tables");
	tell("vmm", "SNP guest launched: ASID %lu, %lu pages measured and private, C-bit %lu",
	     asid, now.guest - before.guest, snp_channel.c_bit);
}

static void tell_measurement(struct snp_guest *g)
{
	char hex[2 * SNP_MEASUREMENT_SIZE + 1];
	int i;

	snp_expect_sync(g, STAGE_ATTESTED);
	for (i = 0; i < SNP_MEASUREMENT_SIZE; i++)
		sprintf(hex + 2 * i, "%02x", (u8)g->report->text[i]);
	tell("guest", "GHCB registered, protocol 2; firmware attests my measurement:");
	tell("", "%.48s", hex);
	tell("", "%s", hex + 48);
}

/* The host reads what the guest wrote to pages it shares. */
static void check_shared(struct snp_guest *g, u64 page, u64 pages)
{
	u64 *p = snp_hva(g, snp_test_gpa(page)), i;

	for (i = 0; i < pages * PAGE_SIZE / 8; i++)
		TEST_ASSERT(p[i] == PATTERN + i, "page %lu, word %lu: %#lx",
			    page, i, p[i]);
}

static void convert(struct snp_guest *g)
{
	u64 i;

	snp_expect_sync(g, STAGE_MSR);
	check_shared(g, 0, 1);
	TEST_ASSERT_EQ(g->to_shared, 1);
	tell("guest", "MSR protocol: 1 page private -> shared; the host reads what I write");

	snp_expect_sync(g, STAGE_ENTRIES);
	for (i = 0; i < NR_ENTRIES; i++)
		check_shared(g, 2 + 2 * i, 1);
	TEST_ASSERT_EQ(g->to_shared, 1 + NR_ENTRIES);
	tell("guest", "NAE, %d entries of 4K: private -> shared in one request", NR_ENTRIES);

	snp_expect_sync(g, STAGE_LARGE);
	check_shared(g, SNP_PAGES_2M, SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->to_shared, 1 + NR_ENTRIES + SNP_PAGES_2M);
	tell("guest", "NAE, 1 entry of 2M: %lu pages private -> shared", SNP_PAGES_2M);

	snp_expect_sync(g, STAGE_BACK);
	check_shared(g, SNP_PAGES_2M, SNP_PAGES_2M);
	TEST_ASSERT_EQ(g->to_private, g->to_shared);
	tell("guest", "all %lu back to private, validated, written, read; the host sees none of it",
	     g->to_private);
}

static u64 host_writes(struct snp_guest *g)
{
	char text[16];
	u64 pfn, asid;

	snp_expect_sync(g, STAGE_VICTIM);
	TEST_ASSERT(snp_rmp_find(snp_test_gpa(LOST_PAGE), &pfn, &asid),
		    "the page is not private");
	tell("guest", "GPA %#lx is private and holds my data", snp_test_gpa(LOST_PAGE));
	tell("host", "the kernel writes %#x to it: pfn %#lx, assigned to ASID %lu",
	     VALUE, pfn, asid);
	TEST_ASSERT_EQ(snp_host_write(pfn, OFFSET, VALUE), 0);
	TEST_ASSERT(!snp_rmp_assigned(pfn), "still private after the write");
	snprintf(text, sizeof(text), "%lu", asid);
	setenv("ASID", text, 1);
	tell("host", "RMP fault; page flipped to shared; write retried: still alive");
	return pfn;
}

static void guest_ends(struct snp_guest *g, const char *command)
{
	snp_expect_sync(g, STAGE_VC);
	TEST_ASSERT_EQ(g->report->arg[1], SNP_VC_NOT_VALIDATED);
	tell("guest", "#VC(%#lx) at GPA %#lx: not the page I validated. I end myself.",
	     g->report->arg[1], g->report->arg[2]);
	TEST_ASSERT_EQ(g->report->arg[3], VALUE);
	tell("host", "the write completed: %#lx is in the page", g->report->arg[3]);
	if (command)
		TEST_ASSERT_EQ(system(command), 0);
	TEST_ASSERT_EQ(snp_run(g), SNP_EVENT_TERM);
	TEST_ASSERT_EQ(g->term, SNP_MSR_TERM_REQ | SNP_TERM_SET << 12);
	tell("vmm", "guest requested termination, set %d reason %d", SNP_TERM_SET,
	     SNP_TERM_DONE);
}

int main(int argc, char *argv[])
{
	struct snp_rmp_counts before, after;
	struct snp_guest *g;
	u64 pfn, pages, requests;
	const char *line;
	FILE *f;
	int log;

	TEST_ASSERT(argc == 2 || argc == 3, "usage: snp_story FILE [COMMAND]");
	snp_require();
	log = snp_log_mark();
	tell_platform();

	/* Firmware keeps pages from the first guest on: not a leak. */
	snp_free(snp_create(guest_lives));
	snp_rmp_counts(&before);

	g = snp_create(guest_lives);
	launch(g);
	tell_measurement(g);
	convert(g);
	pfn = host_writes(g);
	guest_ends(g, argv[2]);
	pages = g->to_private + g->to_shared;
	requests = g->requests;
	snp_free(g);

	snp_rmp_counts(&after);
	TEST_ASSERT_EQ(after.guest, before.guest);
	line = snp_log_complaint(log);
	TEST_ASSERT(!line, "host log: %s", line);
	tell("total", "%lu pages converted in %lu requests, 1 RMP fault recovered, 0 pages leaked",
	     pages, requests);

	f = fopen(argv[1], "w");
	TEST_ASSERT(f, "%s", argv[1]);
	fprintf(f, "%lx\n", pfn);
	fclose(f);
	return 0;
}
