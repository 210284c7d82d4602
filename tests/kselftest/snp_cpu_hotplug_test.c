// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU goes and comes back while a guest has private pages. SNP is a state of the
 * whole machine: a CPU that comes back must refuse the same writes, repair the same
 * faults and run the same guest.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

#define ONLINE		"/sys/devices/system/cpu/cpu1/online"
#define PAGE		5
#define PAGES		2
#define PATTERN		0x6060606000000000ul
#define OFFSET		0x345
#define VALUE		0x66

static int set_online(bool online)
{
	int fd = open(ONLINE, O_WRONLY);
	int ret;

	__TEST_REQUIRE(fd >= 0, "%s (two CPUs, CONFIG_HOTPLUG_CPU)", ONLINE);
	ret = write(fd, online ? "1" : "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

FIXTURE(snp_cpu_hotplug) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_cpu_hotplug)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_cpu_hotplug)
{
	set_online(true);
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

/* Each round the host takes the first page; the others stay what they were. */
static void guest_watches_pages(void)
{
	u64 v;
	int i;

	snp_guest_init();
	snp_validate_pages(PAGE, PAGES, true);
	snp_fill(snp_private(PAGE), PAGES, PATTERN);
	for (i = 0; i < 3; i++) {
		snp_sync(1, i, 0, 0);
		snp_assert_eq(snp_try_read(snp_private(PAGE), &v), SNP_VC_NOT_VALIDATED);
		snp_validate_pages(PAGE, 1, true);
		snp_assert_eq(snp_holds(snp_private(PAGE + 1), PAGES - 1,
					PATTERN + PAGE_SIZE / 8), true);
	}
	snp_done();
}

TEST_F_TIMEOUT(snp_cpu_hotplug, private_pages_stay_private_and_faults_are_mended, 300)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_watches_pages);
	/* Before, without CPU 1, and on CPU 1 when it is back */
	static const int cpus[] = { 1, 0, 1 };
	u64 pfn, next, asid;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		if (i)
			ASSERT_EQ(0, set_online(cpus[i])) TH_LOG("round %u", i);
		ASSERT_EQ(0, run_on(cpus[i]));
		snp_expect_sync(g, 1);
		ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE), &pfn, &asid));
		ASSERT_TRUE(snp_rmp_find(snp_test_gpa(PAGE + 1), &next, &asid));
		ASSERT_EQ(0, snp_host_write(pfn, OFFSET, VALUE));
		EXPECT_FALSE(snp_rmp_assigned(pfn)) TH_LOG("round %u", i);
		EXPECT_TRUE(snp_rmp_assigned(next)) TH_LOG("round %u", i);
	}
	snp_expect_done(g);
}

TEST_HARNESS_MAIN
