// SPDX-License-Identifier: GPL-2.0-only
/*
 * The direct map under conversions: split where a page becomes private, and back
 * when none is. What is private stays so, whoever merges meanwhile; what others
 * took from a page (write permission, presence) stays taken.
 *
 * Conversions of guests are real ones; those that a guest cannot order (2M
 * entries, PSMASH, races) come from tests/modules/dmap_test.c, from $MODULES.
 *
 *	ROUNDS=n	how often in each race, for long runs (200)
 *	GUESTS=n	how many guests come and go under load (1)
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "files.h"
#include "snp.h"

#define MODULE		"/sys/kernel/debug/dmap_test/"
#define DMAP		"/sys/kernel/debug/rmp_dmap/"
#define FAULT		"/sys/kernel/debug/rmp_fault/"
#define KFENCE		"/sys/module/kfence/parameters/sample_interval"
#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define TRACE		"/sys/kernel/tracing/instances/dmap_test/"
#define REGION_KB	2048l
#define NR_LOAD		3
/* So much of its test memory a guest takes. */
#define TAKEN_PAGES	SNP_PAGES_2M

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

/* ---- files -------------------------------------------------------------------- */

/* "<key> <number>" in a file of such lines */
static long field(const char *path, const char *key)
{
	const char *at = strstr(read_text(path), key);

	TEST_ASSERT(at, "%s: no %s", path, key);
	return strtol(at + strlen(key), NULL, 0);
}

static long direct_map_2m_kb(void)
{
	return field("/proc/meminfo", "DirectMap2M:");
}

/* 2M entries that somebody else has split: CPA has no way back. */
static long split_by_others(void)
{
	return field("/proc/vmstat", "direct_map_level2_splits ") - read_number(DMAP "splits");
}

static int force_merge(void)
{
	return write_text(DMAP "merge", "1");
}

/* ---- the module ------------------------------------------------------------- */

static char *case_result(void)
{
	return read_text(MODULE "result");
}

/* Runs a case of the module: 0 or errno. */
static int run_case(const char *line)
{
	return write_text(MODULE "run", line);
}

static long case_value(const char *key)
{
	const char *at = strstr(case_result(), key);

	TEST_ASSERT(at, "%s not in: %s", key, case_result());
	return strtol(at + strlen(key), NULL, 0);
}

/* ---- in the background -------------------------------------------------------- */

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	TEST_ASSERT(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		fn();
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void merge_all_the_time(void)
{
	force_merge();
	usleep(100);
}

static void merge_now_and_then(void)
{
	force_merge();
	usleep(10000);
}

/* Page tables, page cache and anonymous memory come and go. */
static void churn(void)
{
	const size_t len = 4 << 20;
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = memfd_create("churn", 0);
	pid_t pid;

	if (p != MAP_FAILED) {
		memset(p, 1, len);
		if (fd >= 0 && write(fd, p, len / 2) < 0)
			_exit(1);
		munmap(p, len);
	}
	close(fd);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

/* Pages that leave the direct map, and return to it. */
static void secrets(void)
{
	const size_t len = 32 * PAGE_SIZE;
	int fd = syscall(SYS_memfd_secret, 0);
	char *p;

	if (fd < 0 || ftruncate(fd, len))
		_exit(1);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		_exit(1);
	memset(p, 2, len);
	usleep(3000);
	munmap(p, len);
	close(fd);
}

static void set_memory_users(void)
{
	run_case("attributes 1");
}

/* ---- fixture ---------------------------------------------------------------- */

FIXTURE(dmap) {
	struct snp_guest *g;
	pid_t load[NR_LOAD + 1];
	int log;
};

FIXTURE_SETUP(dmap)
{
	snp_require_dmap_module();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(dmap)
{
	int i;

	for (i = 0; i <= NR_LOAD; i++)
		stop(self->load[i]);
	write_text(KFENCE, "0");
	run_case("release");
	run_case("free");
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

#define DMAP_TEST(name) TEST_F_TIMEOUT(dmap, name, 300)

/* ---- after a guest ------------------------------------------------------------ */

/* Pages private, validated, written; then some of them back. */
static void guest_takes_and_gives(void)
{
	unsigned int i = 0;
	u64 page;

	snp_guest_init();
	snp_validate_pages(0, TAKEN_PAGES, true);
	snp_fill(snp_private(0), TAKEN_PAGES, 1);
	for (page = 0; page < TAKEN_PAGES; page += 64) {
		snp_validate_pages(page, 1, false);
		snp_psc_entry(i++, snp_test_gpa(page), SNP_PSC_SHARED, SNP_4K);
	}
	snp_assert_eq(snp_psc(i), 0);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

struct before {
	long kb;
	long others;
};

static void guest_says_done(void)
{
	snp_guest_init();
	snp_done();
}

/* Others may be at it. */
static struct before now(void)
{
	struct before now;

	do {
		now.others = split_by_others();
		now.kb = direct_map_2m_kb();
	} while (now.others != split_by_others());
	return now;
}

/* After a first guest: firmware and KVM take some pages for good. */
static struct before remember(void)
{
	snp_free(snp_create_launched(guest_says_done));
	force_merge();
	return now();
}

/* How much is missing that nobody but us has split, in kB; negative: more than before */
static long missing(const struct before *before)
{
	struct before n = now();

	return before->kb - (n.others - before->others) * REGION_KB - n.kb;
}

/* None: also if what was split before is merged now */
static long missing_soon(const struct before *before)
{
	long kb = 0;
	int i;

	for (i = 0; i < 600; i++) {
		kb = missing(before);
		if (kb <= 0)
			return 0;
		usleep(100000);
	}
	return kb;
}

/*
 * Free memory that others have split, for modules, is used up first: such a guest stays,
 * and another one is tried.
 */
DMAP_TEST(is_back_by_itself_after_a_guest)
{
	struct before before = remember();
	long splits = read_number(DMAP "splits");
	struct snp_guest *none[4];	/* with the one that counts: five ASIDs */
	int n = 0;

	for (;;) {
		self->g = snp_create_launched(guest_takes_and_gives);
		snp_expect_sync(self->g, 1);
		if (splits < read_number(DMAP "splits"))
			break;
		ASSERT_LT(n, ARRAY_SIZE(none)) TH_LOG("no guest splits anything");
		none[n++] = self->g;
	}
	ASSERT_LT(0, missing(&before)) TH_LOG("DirectMap2M is not less while the guest lives");
	snp_expect_done(self->g);
	snp_free(self->g);
	self->g = NULL;
	while (n)
		snp_free(none[--n]);

	EXPECT_EQ(0, missing_soon(&before))
		TH_LOG("DirectMap2M: %ld kB before, %ld kB less now", before.kb, missing(&before));
}

/* Is all of the module's memory mapped by 2M, within @tenths of a second? */
static bool large_within(int tenths)
{
	do {
		run_case("large");
		if (case_value("large=") == case_value("regions="))
			return true;
		usleep(100000);
	} while (tenths--);
	return false;
}

/* Or its guest could have all TLBs flushed for each change. The worker comes after 1 s. */
DMAP_TEST(region_that_is_split_again_and_again_rests_before_it_is_merged)
{
	int i;

	ASSERT_EQ(0, run_case("alloc 4")) TH_LOG("%s", case_result());
	ASSERT_LT(0, case_value("regions="));
	force_merge();
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(0, run_case("convert")) TH_LOG("%s", case_result());
		ASSERT_EQ(0, run_case("share")) TH_LOG("%s", case_result());
		if (i == 4)
			EXPECT_FALSE(large_within(25)) TH_LOG("merged at once after split %d", i);
		if (i == 5)
			force_merge();
		EXPECT_TRUE(large_within(i < 5 ? 600 : 0)) TH_LOG("not merged after split %d", i);
	}
}

/* ---- splits -------------------------------------------------------------------- */

DMAP_TEST(whole_2m_conversion_splits_nothing)
{
	long splits = field("/proc/vmstat", "direct_map_level2_splits ");

	ASSERT_EQ(0, run_case("huge")) TH_LOG("%s", case_result());
	EXPECT_EQ(splits, field("/proc/vmstat", "direct_map_level2_splits "));
}

DMAP_TEST(psmash_of_a_2m_entry_finds_the_mapping_split)
{
	ASSERT_EQ(0, run_case("psmash")) TH_LOG("%s", case_result());
}

DMAP_TEST(splits_and_merges_are_traced)
{
	unsigned long pfn, first, regions, split;
	const char *at;
	char want[128];
	int fields;

	mkdir(TRACE, 0700);
	ASSERT_EQ(0, write_text(TRACE "events/rmp/rmp_dmap_split/enable", "1"));
	ASSERT_EQ(0, write_text(TRACE "events/rmp/rmp_dmap_merge/enable", "1"));
	ASSERT_EQ(0, run_case("hold 2")) TH_LOG("%s", case_result());
	pfn = case_value("pfn=");
	snprintf(want, sizeof(want), "rmp_dmap_split: pfn=0x%lx first=", pfn);
	at = strstr(read_text(TRACE "trace"), want);
	ASSERT_NE(NULL, at) TH_LOG("no %s", want);
	fields = sscanf(at + strlen(want), "0x%lx regions=%lu split=%lu\n",
			&first, &regions, &split);
	ASSERT_EQ(3, fields) TH_LOG("%s", at);
	/* Others with it, where a neighbour has private pages, firmware's for example */
	EXPECT_TRUE(first <= pfn && pfn < first + regions * SNP_PAGES_2M) TH_LOG("%s", at);
	EXPECT_TRUE(split > 0 && split <= regions) TH_LOG("%s", at);

	snprintf(want, sizeof(want), "rmp_dmap_merge: pfn=0x%lx result=merged\n",
		 case_value("pfn="));
	force_merge();
	EXPECT_EQ(NULL, strstr(read_text(TRACE "trace"), want)) TH_LOG("too early: %s", want);
	ASSERT_EQ(0, run_case("release"));
	force_merge();
	EXPECT_NE(NULL, strstr(read_text(TRACE "trace"), want)) TH_LOG("no %s", want);
	write_text(TRACE "events/rmp/enable", "0");
	rmdir(TRACE);
}

DMAP_TEST(converting_64_mib_page_by_page_flushes_8_times_at_most)
{
	long splits = read_number(DMAP "splits");

	ASSERT_EQ(0, run_case("alloc 64")) TH_LOG("%s", case_result());
	ASSERT_EQ(0, run_case("convert")) TH_LOG("%s", case_result());
	EXPECT_LE(case_value("flushes="), 8);
	EXPECT_GE(read_number(DMAP "splits") - splits, 32);
	ASSERT_EQ(0, run_case("large"));
	EXPECT_EQ(0, case_value("large="));

	ASSERT_EQ(0, run_case("share")) TH_LOG("%s", case_result());
	force_merge();
	ASSERT_EQ(0, run_case("large"));
	EXPECT_EQ(case_value("regions="), case_value("large="));
}

DMAP_TEST(a_range_is_split_with_one_flush_and_merged_when_it_was_not_needed)
{
	ASSERT_EQ(0, run_case("alloc 64")) TH_LOG("%s", case_result());
	ASSERT_EQ(0, run_case("range")) TH_LOG("%s", case_result());
	EXPECT_EQ(1, case_value("flushes="));
	ASSERT_EQ(0, run_case("large"));
	EXPECT_EQ(0, case_value("large="));

	force_merge();
	ASSERT_EQ(0, run_case("large"));
	EXPECT_EQ(case_value("regions="), case_value("large="));
}

DMAP_TEST(second_split_of_a_region_takes_its_old_table)
{
	long tables, merges;
	int i;

	ASSERT_EQ(0, run_case("alloc 64")) TH_LOG("%s", case_result());
	ASSERT_EQ(0, run_case("range"));
	force_merge();
	tables = read_number(DMAP "tables");
	merges = read_number(DMAP "merges");
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, run_case("range"));
		force_merge();
	}
	EXPECT_EQ(10 * 32, read_number(DMAP "merges") - merges);
	EXPECT_EQ(tables, read_number(DMAP "tables"));
}

/* ---- under load -------------------------------------------------------------- */

/* After those who want 64 MiB in one piece: what CPA splits meanwhile stays split. */
DMAP_TEST(is_back_after_guests_under_load_with_set_memory_secretmem_and_kfence)
{
	struct before before;
	int i;

	/* What CPA is going to split, it splits now; KFENCE makes its pool. */
	ASSERT_EQ(0, run_case("attributes 1")) TH_LOG("%s", case_result());
	if (!access(KFENCE, F_OK))
		ASSERT_EQ(0, write_text(KFENCE, "10"));
	before = remember();
	self->load[0] = start(churn);
	self->load[1] = start(secrets);
	self->load[2] = start(set_memory_users);
	self->load[3] = start(merge_now_and_then);

	for (i = 0; i < env_number("GUESTS", 1); i++) {
		self->g = snp_create_launched(guest_takes_and_gives);
		snp_expect_sync(self->g, 1);
		snp_expect_done(self->g);
		snp_free(self->g);
		self->g = NULL;
	}
	for (i = 0; i <= NR_LOAD; i++) {
		ASSERT_EQ(0, waitpid(self->load[i], NULL, WNOHANG))
			TH_LOG("load %d has ended by itself", i);
		stop(self->load[i]);
		self->load[i] = 0;
	}

	EXPECT_EQ(0, missing_soon(&before))
		TH_LOG("DirectMap2M: %ld kB before, %ld kB less now than others explain",
		       before.kb, missing(&before));
}

/* ---- counts ----------------------------------------------------------------- */

/* Private pages in the line of that pfn; 0: no line */
static long private_pages(const char *file, long pfn)
{
	char line[32];
	const char *at;

	snprintf(line, sizeof(line), "0x%lx ", pfn);
	at = strstr(read_text(file), line);
	return at ? strtol(at + strlen(line), NULL, 0) : 0;
}

DMAP_TEST(private_pages_are_counted_per_2m_and_per_1g_also_when_a_fault_flips_one)
{
	long pfn, gig, before;

	ASSERT_EQ(0, run_case("hold 1")) TH_LOG("%s", case_result());
	pfn = case_value("pfn=");
	gig = pfn & ~((1l << 18) - 1);
	EXPECT_EQ(0, private_pages(DMAP "private_2m", pfn));
	ASSERT_EQ(0, run_case("release"));

	ASSERT_EQ(0, run_case("hold 37")) TH_LOG("%s", case_result());
	pfn = case_value("pfn=");
	gig = pfn & ~((1l << 18) - 1);
	EXPECT_EQ(36, private_pages(DMAP "private_2m", pfn));
	before = private_pages(DMAP "private_1g", gig);
	ASSERT_EQ(0, run_case("release"));
	EXPECT_EQ(0, private_pages(DMAP "private_2m", pfn));
	EXPECT_EQ(before - 36, private_pages(DMAP "private_1g", gig));
}

/* ---- races ---------------------------------------------------------------------- */

struct faults {
	long recovered;
	long flipped;
};

static struct faults faults(void)
{
	return (struct faults){
		read_number(FAULT "recovered"), read_number(FAULT "flipped_pages"),
	};
}

static int run_race(long rounds)
{
	char line[32];

	snprintf(line, sizeof(line), "race %ld", rounds);
	return run_case(line);
}

DMAP_TEST(region_that_becomes_private_during_a_merge_is_never_lost)
{
	struct faults before = faults(), now;
	long merges = read_number(DMAP "merges");

	self->load[0] = start(merge_all_the_time);
	ASSERT_EQ(0, run_race(env_number("ROUNDS", 200))) TH_LOG("%s", case_result());
	EXPECT_GE(read_number(DMAP "merges") - merges, case_value("merges="));
	EXPECT_LT(0, case_value("merges="));

	/* And the neighbours, which were never private, met no wrong mapping. */
	now = faults();
	EXPECT_EQ(case_value("flips="), now.recovered - before.recovered)
		TH_LOG("a write to a shared page flipped another");
	EXPECT_EQ(case_value("flips="), now.flipped - before.flipped);
}

DMAP_TEST(no_merge_between_the_split_and_the_assignment)
{
	ASSERT_EQ(0, run_case("begin")) TH_LOG("%s", case_result());
	force_merge();
	ASSERT_EQ(0, run_case("level"));
	EXPECT_EQ(1, case_value("level=")) TH_LOG("merged under a conversion");
	ASSERT_EQ(0, run_case("assign")) TH_LOG("%s", case_result());
	ASSERT_EQ(0, run_case("level"));
	EXPECT_EQ(1, case_value("level=")) TH_LOG("a private page below a 2M mapping");
	ASSERT_EQ(0, run_case("release")) TH_LOG("%s", case_result());
}

DMAP_TEST(one_private_page_forbids_the_merge_where_the_mapping_shows_nothing_of_it)
{
	ASSERT_EQ(0, run_case("hold 2")) TH_LOG("%s", case_result());
	ASSERT_EQ(0, run_case("bare")) TH_LOG("%s", case_result());
	force_merge();
	ASSERT_EQ(0, run_case("level"));
	EXPECT_EQ(1, case_value("level=")) TH_LOG("merged over a private page");
	ASSERT_EQ(0, run_case("release")) TH_LOG("%s", case_result());
}

DMAP_TEST(read_only_and_hidden_pages_survive_merges)
{
	self->load[0] = start(merge_all_the_time);
	ASSERT_EQ(0, run_case("attributes 2")) TH_LOG("%s", case_result());
}

static void unplug_and_plug(void)
{
	write_text(CPU1, "0");
	usleep(100000);
	write_text(CPU1, "1");
	usleep(100000);
}

DMAP_TEST(cpus_come_and_go_meanwhile)
{
	if (access(CPU1, W_OK))
		SKIP(return, CPU1 ": CPU hotplug, two CPUs");

	self->load[0] = start(merge_now_and_then);
	self->load[1] = start(unplug_and_plug);
	self->g = snp_create_launched(guest_takes_and_gives);
	snp_expect_sync(self->g, 1);
	EXPECT_EQ(0, run_race(env_number("ROUNDS", 200) / 4)) TH_LOG("%s", case_result());
	snp_expect_done(self->g);
	stop(self->load[1]);
	self->load[1] = 0;
	write_text(CPU1, "1");
}

TEST_HARNESS_MAIN
