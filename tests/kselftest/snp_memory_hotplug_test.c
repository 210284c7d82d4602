// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks of memory go offline and come back. One with a private page does not go: it is
 * refused at once, and neither the guest nor its data notice. One without goes with
 * its share of the direct map, however it was split; when it is back, it is split
 * and merged as before, also if it was removed in between, tables and all.
 *
 * The first block has holes, which alone keeps it online (EINVAL), so pages are looked
 * for in others. Those are found, held and removed by tests/modules/dmap_test.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/kernel-page-flags.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "files.h"
#include "snp.h"

#define MODULE		"/sys/kernel/debug/dmap_test/"
#define DMAP		"/sys/kernel/debug/rmp_dmap/"
#define MEMORY		"/sys/devices/system/memory/"
#define RMP_MAP		"/sys/kernel/debug/rmp/map"
/* Of a block, in MiB; the rest of it may be anybody's */
#define PIECE		"64"
#define PIECE_PAGES	(64ul << 8)
#define PAGES		64
#define ROUNDS		3
/*
 * Between "free" and "offline" anybody may take a page of the block, or hold one that
 * would have to move: then once more.
 */
#define ATTEMPTS	8
#define PATTERN		0x7171717000000000ul
/* Whoever is asked for longer than this would have been asked for ever. */
#define PATIENCE	60

static unsigned long block_pages;

static void on_alarm(int sig)
{
}

/* Returns 0 or errno; EINTR: it came to no end by itself. */
static int write_patiently(const char *path, const char *text)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int ret;

	sigaction(SIGALRM, &sa, NULL);
	alarm(PATIENCE);
	ret = write_text(path, text);
	alarm(0);
	return ret;
}

static int set_state(unsigned long block, const char *state)
{
	char path[80];

	snprintf(path, sizeof(path), MEMORY "memory%lu/state", block);
	return write_patiently(path, state);
}

/* Runs a case of the module: 0 or errno. */
static int run_case(const char *name, unsigned long arg)
{
	char line[60];

	snprintf(line, sizeof(line), "%s %lu", name, arg);
	return write_patiently(MODULE "run", line);
}

static long case_value(const char *key)
{
	const char *text = read_text(MODULE "result"), *at = strstr(text, key);

	TEST_ASSERT(at, "%s not in: %s", key, text);
	return strtol(at + strlen(key), NULL, 0);
}

static long direct_map_now(void)
{
	static const char * const sizes[] = { "DirectMap4k:", "DirectMap2M:", "DirectMap1G:" };
	const char *at, *text = read_text("/proc/meminfo");
	long kb = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		at = strstr(text, sizes[i]);
		kb += at ? strtol(at + strlen(sizes[i]), NULL, 0) : 0;
	}
	return kb;
}

/* All of it. A split or a merge takes from one size before it gives to the other. */
static long direct_map(void)
{
	long kb, again = direct_map_now();

	do {
		kb = again;
		again = direct_map_now();
	} while (kb != again);
	return kb;
}

static unsigned long nr_blocks(void)
{
	char path[80];
	unsigned long n;

	for (n = 0; ; n++) {
		snprintf(path, sizeof(path), MEMORY "memory%lu", n);
		if (access(path, F_OK))
			return n;
	}
}

/* The last block below @below that goes offline, and comes back; 0: there is none. */
static unsigned long free_block(unsigned long below)
{
	while (below && --below > 0)
		if (!set_state(below, "offline") && !set_state(below, "online_kernel"))
			return below;
	return 0;
}

/* A piece in one of these; returns the block and where the piece begins. */
static unsigned long free_piece(unsigned long *pfn)
{
	unsigned long block = nr_blocks();

	while ((block = free_block(block))) {
		if (run_case("above", block * block_pages) || run_case("alloc " PIECE, 0))
			continue;
		*pfn = case_value("pfn=");
		if (*pfn + PIECE_PAGES <= (block + 1) * block_pages)
			return block;
		run_case("free", 0);
	}
	return 0;
}

/* Pages of the block that the direct map maps by 4K, or that are a guest's */
static long pages_of(unsigned long block, bool guests)
{
	unsigned long pfn, pages, first = block * block_pages;
	char line[200], directmap[8];
	unsigned int asid;
	long n = 0;
	FILE *f = fopen(RMP_MAP, "r");

	TEST_ASSERT(f, RMP_MAP);
	/* The position is a page frame number. */
	setvbuf(f, NULL, _IONBF, 0);
	TEST_ASSERT(!fseek(f, first, SEEK_SET), RMP_MAP ": seek");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx %lu %*s %*s %u %*s %7s", &pfn, &pages, &asid, directmap) != 4)
			continue;
		if (pfn >= first + block_pages)
			break;
		if (guests ? asid : !strcmp(directmap, "4K"))
			n += pages;
	}
	fclose(f);
	return n;
}

/* Who stands in the way of a block that does not go, if it is not us */
static void note_others(unsigned long block)
{
	const u64 not_in_use = 1ul << KPF_BUDDY | 1ul << KPF_NOPAGE;
	u64 *flags = malloc(block_pages * sizeof(*flags));
	int fd = open("/proc/kpageflags", O_RDONLY);
	unsigned long i, in_use = 0;
	ssize_t got;

	TEST_ASSERT(fd >= 0 && flags, "/proc/kpageflags");
	got = pread(fd, flags, block_pages * sizeof(*flags), block * block_pages * sizeof(*flags));
	for (i = 0; got > 0 && i < got / sizeof(*flags); i++)
		in_use += !(flags[i] & not_in_use);
	fprintf(stderr, "# block %lu stays: %ld pages private, %lu in use\n",
		block, pages_of(block, true), in_use);
	close(fd);
	free(flags);
}

/* The same piece once more? Not if others were quicker. */
static bool piece_again(unsigned long pfn)
{
	if (run_case("alloc " PIECE, 0))
		return false;
	if (case_value("pfn=") == pfn)
		return true;
	run_case("free", 0);
	return false;
}

static void force_merge(void)
{
	write_text(DMAP "merge", "1");
}

/* Returns where the log is to be clean from. */
static int begin(void)
{
	snp_require_dmap_module();
	block_pages = strtoul(read_text(MEMORY "block_size_bytes"), NULL, 16) / PAGE_SIZE;
	return snp_log_mark();
}

static void end(void)
{
	run_case("free", 0);
	run_case("above", 0);
}

FIXTURE(snp_memory_hotplug) {
	int log;
};

FIXTURE_SETUP(snp_memory_hotplug)
{
	self->log = begin();
}

FIXTURE_TEARDOWN(snp_memory_hotplug)
{
	end();
	EXPECT_CLEAN_LOG(self->log);
}

#define HOTPLUG_TEST(name) TEST_F_TIMEOUT(snp_memory_hotplug, name, 300)

/* ---- without a guest ------------------------------------------------------------ */

/* Split, private, shared again, merged: all of the piece. */
#define EXPECT_CONVERTS() do { \
	ASSERT_EQ(0, run_case("convert", 0)) TH_LOG("%s", read_text(MODULE "result")); \
	ASSERT_EQ(0, run_case("large", 0)); \
	EXPECT_EQ(0, case_value("large=")); \
	ASSERT_EQ(0, run_case("share", 0)) TH_LOG("%s", read_text(MODULE "result")); \
	force_merge(); \
	ASSERT_EQ(0, run_case("large", 0)); \
	EXPECT_EQ(case_value("regions="), case_value("large=")); \
} while (0)

HOTPLUG_TEST(a_block_stays_as_long_as_it_has_private_pages_and_takes_no_split_along)
{
	int attempt, err = EBUSY, came_back = 0;
	unsigned long pfn, block;
	long tables, merges;

	for (attempt = 0; attempt < ATTEMPTS && !came_back; attempt++) {
		block = free_piece(&pfn);
		if (!block && attempt)
			break;	/* none that still goes */
		if (!block)
			SKIP(return, "no block could be taken offline (MEM=, movable memory)");
		ASSERT_EQ(0, run_case("convert", 0)) TH_LOG("%s", read_text(MODULE "result"));
		EXPECT_EQ(EBUSY, set_state(block, "offline"));
		EXPECT_TRUE(snp_rmp_assigned(pfn) && snp_rmp_assigned(pfn + PIECE_PAGES - 1));

		/* Nobody merges before the block goes, it does so itself. */
		tables = read_number(DMAP "tables");
		merges = read_number(DMAP "merges");
		ASSERT_EQ(0, run_case("free", 0)) TH_LOG("%s", read_text(MODULE "result"));
		err = set_state(block, "offline");
		if (err == EBUSY || err == EINTR) {
			note_others(block);
			continue;
		}
		ASSERT_EQ(0, err) TH_LOG("block %lu: %s", block, strerror(err));
		EXPECT_LE(32, read_number(DMAP "merges") - merges);

		ASSERT_EQ(0, set_state(block, "online_kernel"));
		came_back = piece_again(pfn);
	}
	ASSERT_EQ(0, err) TH_LOG("%d blocks stayed without private pages", attempt);
	ASSERT_TRUE(came_back) TH_LOG("no piece free after its block was offline");
	EXPECT_CONVERTS();
	EXPECT_EQ(tables, read_number(DMAP "tables")) TH_LOG("page tables lost, or new ones");
}

/* Takes a block offline and a piece in the 512 MiB around it, which a split may take along. */
static unsigned long offline_beside_a_piece(void)
{
	unsigned long area = (512ul << 8), block = nr_blocks(), first;

	while (--block > 0) {
		first = block * block_pages / area * area;
		if (set_state(block, "offline"))
			continue;
		if (!run_case("above", first) && !run_case("alloc " PIECE, 0)) {
			if (case_value("pfn=") + PIECE_PAGES <= first + area)
				return block;
			run_case("free", 0);
		}
		set_state(block, "online_kernel");
	}
	return 0;
}

/* What is offline may go, and its direct map with it: no table of ours is put there. */
HOTPLUG_TEST(a_block_that_is_offline_is_not_split_along)
{
	unsigned long block;
	long small;

	force_merge();
	block = offline_beside_a_piece();
	if (!block)
		SKIP(return, "no block could be taken offline (MEM=, movable memory)");
	small = pages_of(block, false);
	EXPECT_EQ(0, run_case("convert", 0)) TH_LOG("%s", read_text(MODULE "result"));
	EXPECT_EQ(small, pages_of(block, false)) TH_LOG("block %lu", block);
	EXPECT_EQ(0, run_case("share", 0));

	/* It is split along only while it is online. */
	EXPECT_EQ(0, set_state(block, "online_kernel"));
	force_merge();
	EXPECT_EQ(0, run_case("convert", 0)) TH_LOG("%s", read_text(MODULE "result"));
	EXPECT_LT(small, pages_of(block, false)) TH_LOG("this shows nothing: it never is");
	EXPECT_EQ(0, run_case("share", 0));
}

/*
 * Boot memory is one resource, of which stock code can release the middle only if what
 * lies in it, the kernel's image, lies below.
 */
HOTPLUG_TEST(memory_removed_and_added_again_is_split_and_merged_as_before)
{
	long before, kb = block_pages * PAGE_SIZE / 1024;
	int attempt, err = EBUSY, came_back = 0;
	unsigned long pfn, block;

	if (!strstr(read_text("/proc/cmdline"), "nokaslr"))
		SKIP(return, "nokaslr on the command line: the kernel's image at its low address");
	for (attempt = 0; attempt < ATTEMPTS && !came_back; attempt++) {
		before = direct_map();
		block = free_piece(&pfn);
		if (!block && attempt)
			break;	/* none that still goes */
		if (!block)
			SKIP(return, "no block could be taken offline (MEM=, movable memory)");
		ASSERT_EQ(0, run_case("above", block * block_pages));
		ASSERT_EQ(0, run_case("convert", 0)) TH_LOG("%s", read_text(MODULE "result"));
		EXPECT_EQ(EBUSY, run_case("unplug", block_pages));

		ASSERT_EQ(0, run_case("free", 0)) TH_LOG("%s", read_text(MODULE "result"));
		err = run_case("unplug", block_pages);
		if (err == EOPNOTSUPP)
			SKIP(return, "a kernel with CONFIG_MEMORY_HOTREMOVE");
		if (err == EBUSY || err == EINTR) {
			note_others(block);
			continue;
		}
		ASSERT_EQ(0, err) TH_LOG("block %lu: %s", block, strerror(err));
		EXPECT_EQ(before - kb, direct_map());
		force_merge();

		ASSERT_EQ(0, run_case("plug", block_pages))
			TH_LOG("%s", read_text(MODULE "result"));
		EXPECT_EQ(before, direct_map());
		ASSERT_EQ(0, set_state(block, "online_kernel"));
		came_back = piece_again(pfn);
	}
	ASSERT_EQ(0, err) TH_LOG("%d blocks stayed without private pages", attempt);
	ASSERT_TRUE(came_back) TH_LOG("no piece free after its block was added again");
	EXPECT_CONVERTS();
}

/* ---- under a guest ---------------------------------------------------------------- */

/* Converts a page to and fro meanwhile; the others stay what they were. */
static void guest_watches_pages(void)
{
	int i;

	snp_guest_init();
	snp_validate_pages(0, PAGES, true);
	snp_fill(snp_private(0), PAGES, PATTERN);
	for (i = 0; i < ROUNDS; i++) {
		snp_sync(1, i, 0, 0);
		snp_assert_eq(snp_holds(snp_private(0), PAGES, PATTERN), true);
		snp_validate_pages(PAGES, 1, true);
		snp_validate_pages(PAGES, 1, false);
		snp_assert_eq(snp_psc_msr(snp_test_gpa(PAGES), SNP_PSC_SHARED), 0);
		*(volatile u64 *)snp_shared(PAGES) = i;
		snp_assert_eq(snp_psc_msr(snp_test_gpa(PAGES), SNP_PSC_PRIVATE), 0);
	}
	snp_done();
}

FIXTURE(snp_memory_hotplug_guest) {
	struct snp_guest *g;
	pid_t other;
	int log;
};

/*
 * Huge pages come from where memory is in large pieces, small ones from anywhere, so only
 * those of the former have a block for themselves.
 */
FIXTURE_VARIANT(snp_memory_hotplug_guest) {
	bool in_place;
};

FIXTURE_VARIANT_ADD(snp_memory_hotplug_guest, guest_memfd) { .in_place = false };
FIXTURE_VARIANT_ADD(snp_memory_hotplug_guest, anonymous) { .in_place = true };

FIXTURE_SETUP(snp_memory_hotplug_guest)
{
	self->log = begin();
}

static void stop(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

FIXTURE_TEARDOWN(snp_memory_hotplug_guest)
{
	stop(&self->other);
	snp_free(self->g);
	end();
	EXPECT_CLEAN_LOG(self->log);
}

static unsigned long pfn_of(const char *p)
{
	u64 entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pread(fd, &entry, sizeof(entry), (uintptr_t)p / PAGE_SIZE * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry & ((1ul << 55) - 1);
}

static char *huge_page(void)
{
	const size_t size = SNP_PAGES_2M * PAGE_SIZE;
	char *p = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	p = (char *)(((uintptr_t)p + size - 1) & -size);
	madvise(p, size, MADV_HUGEPAGE);
	*p = 0;
	return p;
}

/* Who gets a huge page from elsewhere gives it to one that is never used. */
static bool bring_to(unsigned long block, char *p)
{
	int i;

	for (i = 0; i < 64; i++) {
		*p = 0;
		if (pfn_of(p) / block_pages == block)
			return true;
		madvise(p, SNP_PAGES_2M * PAGE_SIZE, MADV_DONTNEED);
		huge_page();
	}
	return false;
}

/* Until it is killed; but it ends if the answer is ever another one. */
static pid_t ask_again_and_again(unsigned long block, int answer)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (set_state(block, "offline") == answer)
		;
	_exit(1);
}

TEST_F_TIMEOUT(snp_memory_hotplug_guest, its_block_stays_and_it_does_not_notice, 300)
{
	unsigned long block, own = nr_blocks();
	u64 first, again, asid;
	int i, answer;

	do {
		ASSERT_EQ(0, run_case("free", 0));
		own = free_block(own);
		if (!own)
			SKIP(return, "no block could be taken offline (MEM=, movable memory)");
		ASSERT_EQ(0, run_case("above", own * block_pages));
	} while (run_case("all_but " PIECE, 0) || case_value("pfn=") / block_pages != own);
	if (variant->in_place) {
		self->g = snp_create_in_place(guest_watches_pages, VM_MEM_SRC_ANONYMOUS_THP);
		ASSERT_TRUE(bring_to(own, snp_hva(self->g, SNP_TEST_GPA)));
	} else {
		self->g = snp_create(guest_watches_pages);
	}
	snp_launch(self->g);
	snp_expect_sync(self->g, 1);
	run_case("free", 0);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(0), &first, &asid));
	block = first / block_pages;
	if (variant->in_place)
		ASSERT_EQ(own, block) TH_LOG("the guest's memory is elsewhere");

	/* The first block has holes, and so has the last: another reason to stay. */
	answer = block && block != nr_blocks() - 1 ? EBUSY : EINVAL;
	EXPECT_EQ(answer, set_state(block, "offline"));
	self->other = ask_again_and_again(block, answer);
	for (i = 1; i < ROUNDS; i++)
		snp_expect_sync(self->g, 1);
	snp_expect_done(self->g);
	EXPECT_EQ(0, waitpid(self->other, NULL, WNOHANG)) TH_LOG("another answer, once");
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(0), &again, &asid));
	EXPECT_EQ(first, again) TH_LOG("a private page was moved");

	/* And it was the private pages that kept it, nothing else. */
	stop(&self->other);
	snp_free(self->g);
	self->g = NULL;
	if (!variant->in_place)
		return;
	EXPECT_EQ(0, pages_of(block, true));
	answer = set_state(block, "offline");
	if (!answer) {
		EXPECT_EQ(0, set_state(block, "online_kernel"));
	} else {
		/* Memory for kernels: since "free", anybody may have taken a page there. */
		EXPECT_EQ(EBUSY, answer);
	}
}

int main(int argc, char **argv)
{
	if (access(MEMORY "block_size_bytes", F_OK))
		ksft_exit_skip("no " MEMORY ": a kernel with CONFIG_MEMORY_HOTREMOVE\n");
	return test_harness_run(argc, argv);
}
