// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that do their worst to pages which the host's kernel writes to. Whatever
 * they do, the host lives, each write completes, nothing but the page written to is
 * taken from the guest, and the log stays readable. The kernel writes through
 * tests/modules/rmp_fault_test.c.
 *
 *	ROUNDS=n	how often, for long runs (20)
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"
#include "files.h"

#define COUNTERS	"/sys/kernel/debug/rmp_fault/"
#define PAGE		5
#define FLAG_PAGE	100
#define NEIGHBOURS	8
#define CANDIDATES	32
#define PATTERN		0x4848484800000000ul
#define OFFSET		0x234
#define VALUE		0x5a

/* DEFAULT_RATELIMIT_BURST lines in DEFAULT_RATELIMIT_INTERVAL, once more across a border */
#define LOG_INTERVAL_US	5000000ul
#define LOG_LINES	20

/* In FLAG_PAGE, shared: the host's word to the guest and the guest's progress */
enum { FLAG_STOP, FLAG_ROUNDS, FLAG_NEAR, FLAG_NEIGHBOUR };

FIXTURE(snp_hostile_host) {
	struct snp_guest *g;
	int log;
	int lines;
};

FIXTURE_SETUP(snp_hostile_host)
{
	snp_require();
	__TEST_REQUIRE(!access(COUNTERS "recovered", F_OK), COUNTERS " (CONFIG_SNP_PAGE_STATE)");
	self->log = snp_log_mark();
	self->lines = snp_log_mark();
}

/* Does the kernel's rate limit hold for the handler's lines since @mark? */
static bool log_limited(int mark, u64 *lines)
{
	u64 at[LOG_LINES] = { 0 }, us;
	static char record[8192];
	bool good = true;
	ssize_t n;

	*lines = 0;
	for (;;) {
		n = read(mark, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return good;
		record[n] = 0;
		if (!strstr(record, "RMP fault: pfn") ||
		    sscanf(record, "%*u,%*u,%lu,", &us) != 1)
			continue;
		if (*lines >= LOG_LINES && us - at[*lines % LOG_LINES] < LOG_INTERVAL_US)
			good = false;
		at[(*lines)++ % LOG_LINES] = us;
	}
}

FIXTURE_TEARDOWN(snp_hostile_host)
{
	u64 lines;

	snp_free(self->g);
	EXPECT_TRUE(log_limited(self->lines, &lines)) TH_LOG("%lu lines in the log", lines);
	EXPECT_CLEAN_LOG(self->log);
}

#define HOSTILE_TEST(name) TEST_F_TIMEOUT(snp_hostile_host, name, 300)

static u64 counter(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), COUNTERS "%s", name);
	return read_number(path);
}

/* The vCPU in a thread of its own, until it has something to say */
struct runner {
	struct snp_guest *g;
	pthread_t thread;
	enum snp_event event;
	volatile bool ended;
};

static void *run_guest(void *arg)
{
	struct runner *r = arg;

	r->event = snp_run(r->g);
	r->ended = true;
	return NULL;
}

static void start(struct runner *r, struct snp_guest *g)
{
	*r = (struct runner) { .g = g };
	pthread_create(&r->thread, NULL, run_guest, r);
}

static volatile u64 *flags(struct snp_guest *g)
{
	return snp_hva(g, snp_test_gpa(FLAG_PAGE));
}

static volatile u64 *guest_flags(void)
{
	snp_assert_eq(snp_psc_msr(snp_test_gpa(FLAG_PAGE), SNP_PSC_SHARED), 0);
	return (volatile u64 *)snp_shared(FLAG_PAGE);
}

/* ---- VMSA pages of the guest's making ------------------------------------------ */

static void guest_marks_its_page_vmsa(void)
{
	u64 v;
	int i;

	snp_guest_init();
	for (i = 0; i < 8; i++) {
		snp_validate_pages(PAGE, 1, true);
		snp_assert_eq(snp_rmpadjust(snp_private(PAGE), SNP_4K, 1 | SNP_RMPADJUST_VMSA), 0);
		snp_sync(1, i, 0, 0);
		snp_assert_eq(snp_try_read(snp_private(PAGE), &v), SNP_VC_NOT_VALIDATED);
	}
	snp_done();
}

HOSTILE_TEST(page_that_the_guest_made_a_vmsa_is_flipped_like_any_other)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_marks_its_page_vmsa);
	struct snp_rmp_counts marked, after;
	u64 pfn, asid, before;
	int i;

	for (i = 0; i < 8; i++) {
		snp_expect_sync(g, 1);
		ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
		snp_rmp_counts(&marked);
		before = counter("recovered");
		ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
		EXPECT_EQ(before + 1, counter("recovered"));
		EXPECT_FALSE(snp_rmp_assigned(pfn));
		snp_rmp_counts(&after);
		EXPECT_EQ(marked.vmsa - 1, after.vmsa) TH_LOG("it was no VMSA page");
	}
	snp_expect_done(g);
}

static void guest_counts(void)
{
	volatile u64 *flag;

	snp_guest_init();
	flag = guest_flags();
	snp_validate_pages(PAGE, 1, true);
	snp_sync(1, 0, 0, 0);
	while (!flag[FLAG_STOP])
		flag[FLAG_ROUNDS]++;
	snp_done();
}

/* The VMSA of a vCPU that runs: RMPUPDATE fails until the next exit. */
HOSTILE_TEST(vmsa_of_a_running_vcpu_is_flipped_and_that_vcpu_ends)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_counts);
	u64 gpa, pfn = 0, at, asid, own;
	char rest[128];
	struct runner r;
	FILE *f;

	snp_expect_sync(g, 1);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &at, &own));
	f = fopen("/sys/kernel/debug/snp_soft/rmp", "r");
	ASSERT_NE(NULL, f);
	while (fscanf(f, "pfn %lx gpa %lx asid %lu %127[^\n] ", &at, &gpa, &asid, rest) == 4)
		if (asid == own && strstr(rest, "vmsa"))
			pfn = at;
	fclose(f);
	ASSERT_NE(0, pfn);

	start(&r, g);
	while (!flags(g)[FLAG_ROUNDS] && !r.ended)
		;
	ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
	EXPECT_FALSE(snp_rmp_assigned(pfn));
	pthread_join(r.thread, NULL);
	EXPECT_NE(SNP_EVENT_REPORT, r.event);
}

/* ---- A page that is taken back ------------------------------------------------- */

static void guest_retakes_page(void)
{
	volatile u64 *flag;

	snp_guest_init();
	flag = guest_flags();
	snp_validate_pages(PAGE - 1, 3, true);
	snp_fill(snp_private(PAGE - 1), 3, PATTERN);
	snp_sync(1, 0, 0, 0);
	while (!flag[FLAG_STOP]) {
		if (!snp_try_write(snp_private(PAGE), PATTERN))
			continue;
		snp_validate_pages(PAGE, 1, true);
		flag[FLAG_ROUNDS]++;
	}
	snp_assert_eq(snp_holds(snp_private(PAGE - 1), 1, PATTERN), true);
	snp_assert_eq(snp_holds(snp_private(PAGE + 1), 1, PATTERN + 2 * PAGE_SIZE / 8), true);
	snp_done();
}

HOSTILE_TEST(guest_that_takes_its_page_back_as_fast_as_it_can)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_retakes_page);
	u64 pfn, asid, before, writes = 0, stuck = counter("stuck");
	struct runner r;

	snp_expect_sync(g, 1);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
	before = counter("recovered");
	start(&r, g);
	/*
	 * The host's writes always come through; the guest, which needs longer to take
	 * the page back than the host to write, when the host has enough.
	 */
	while (!r.ended && counter("recovered") - before < env_number("ROUNDS", 20))
		ASSERT_EQ(0, snp_host_write(pfn, OFFSET, writes++));
	while (!r.ended && !flags(g)[FLAG_ROUNDS])
		usleep(1000);
	flags(g)[FLAG_STOP] = 1;
	pthread_join(r.thread, NULL);
	ASSERT_EQ(SNP_EVENT_REPORT, r.event);
	EXPECT_EQ(SNP_REPORT_DONE, g->report->kind)
		TH_LOG("line %lu: %s", g->report->arg[0], g->report->text);
	EXPECT_EQ(stuck, counter("stuck"));
	TH_LOG("%lu writes, %lu pages flipped, %lu times taken back", writes,
	       counter("recovered") - before, flags(g)[FLAG_ROUNDS]);
}

/* ---- Neighbours of a page that the kernel writes to all the time ---------------- */

static u64 pattern_of(u64 page)
{
	return PATTERN + page * PAGE_SIZE / 8;
}

static void guest_converts_neighbours(void)
{
	volatile u64 *flag;
	u64 page, i, round = 0;

	snp_guest_init();
	flag = guest_flags();
	snp_validate_pages(PAGE, CANDIDATES, true);
	snp_fill(snp_private(PAGE), CANDIDATES, pattern_of(PAGE));
	snp_sync(1, 0, 0, 0);
	while (!flag[FLAG_STOP]) {
		/* One goes and comes back, the others keep what they hold. */
		page = flag[FLAG_NEIGHBOUR + round++ % flag[FLAG_NEAR]];
		snp_assert_eq(snp_psc_msr(snp_test_gpa(page), SNP_PSC_SHARED), 0);
		snp_fill(snp_shared(page), 1, round);
		snp_assert_eq(snp_psc_msr(snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
		snp_validate_pages(page, 1, true);
		snp_fill(snp_private(page), 1, pattern_of(page));
		for (i = 0; i < flag[FLAG_NEAR]; i++) {
			page = flag[FLAG_NEIGHBOUR + i];
			snp_assert_eq(snp_holds(snp_private(page), 1, pattern_of(page)), true);
		}
		flag[FLAG_ROUNDS] = round;
	}
	snp_done();
}

/* Of the guest's pages, one that has others in its 2M region; they go to the flags. */
static u64 find_neighbours(struct snp_guest *g)
{
	u64 pfn[CANDIDATES], asid, near, best = 0;
	volatile u64 *flag = flags(g);
	unsigned int i, j, chosen = 0;

	for (i = 0; i < CANDIDATES; i++)
		TEST_ASSERT(snp_rmp_find(snp_test_gpa(PAGE + i), &pfn[i], &asid),
			    "page %u is not private", PAGE + i);
	for (i = 0; i < CANDIDATES; i++) {
		for (j = 0, near = 0; j < CANDIDATES; j++)
			near += pfn[j] / SNP_PAGES_2M == pfn[i] / SNP_PAGES_2M;
		if (near > best) {
			best = near;
			chosen = i;
		}
	}
	for (j = 0, near = 0; j < CANDIDATES && near < NEIGHBOURS; j++)
		if (j != chosen && pfn[j] / SNP_PAGES_2M == pfn[chosen] / SNP_PAGES_2M)
			flag[FLAG_NEIGHBOUR + near++] = PAGE + j;
	flag[FLAG_NEAR] = near;
	return pfn[chosen];
}

struct writer {
	u64 pfn;
	u64 writes;
	int error;
	volatile bool stop;
};

static void *write_all_the_time(void *arg)
{
	struct writer *w = arg;

	while (!w->stop && !w->error) {
		w->error = snp_host_write(w->pfn, OFFSET, w->writes);
		w->writes++;
	}
	return NULL;
}

HOSTILE_TEST(guest_that_converts_the_neighbours_under_continuous_writes)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_converts_neighbours);
	struct writer w = { 0 };
	pthread_t thread;
	struct runner r;
	u64 flipped;

	snp_expect_sync(g, 1);
	w.pfn = find_neighbours(g);
	ASSERT_NE(0, flags(g)[FLAG_NEAR]) TH_LOG("no two of its pages in one 2M region");

	flipped = counter("flipped_pages");
	pthread_create(&thread, NULL, write_all_the_time, &w);
	start(&r, g);
	while (!r.ended && flags(g)[FLAG_ROUNDS] < env_number("ROUNDS", 20))
		usleep(1000);
	flags(g)[FLAG_STOP] = 1;
	pthread_join(r.thread, NULL);
	w.stop = true;
	pthread_join(thread, NULL);

	ASSERT_EQ(SNP_EVENT_REPORT, r.event);
	EXPECT_EQ(SNP_REPORT_DONE, g->report->kind)
		TH_LOG("line %lu: %s", g->report->arg[0], g->report->text);
	EXPECT_EQ(0, w.error);
	EXPECT_NE(0, w.writes);
	EXPECT_EQ(flipped + 1, counter("flipped_pages")) TH_LOG("a neighbour was flipped");
	TH_LOG("%lu conversions, %lu writes, %lu neighbours near", flags(g)[FLAG_ROUNDS],
	       w.writes, flags(g)[FLAG_NEAR]);
}

TEST_HARNESS_MAIN
