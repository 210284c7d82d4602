// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that dies: killed, or its files closed, in the middle of each step of
 * a guest's life. Afterwards every page is back with the host, every ASID can
 * be used again, and the log is clean. 100 deaths, spread over the steps and,
 * by a delay that differs each time, over what the step does.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

#define NR_DEATHS	100
#define NR_SNP_ASIDS	5	/* what the platform offers, see docs/platform.rst */
#define FIRST_PAGES	32

/* For ever: validate, write, rescind, share, write, take back. */
static void guest_converts_for_ever(void)
{
	u64 page;
	int i;

	snp_guest_init();
	for (;;) {
		for (page = 0; page < SNP_TEST_PAGES; page += FIRST_PAGES) {
			snp_validate_pages(page, FIRST_PAGES, true);
			snp_fill(snp_private(page), FIRST_PAGES, page);
			snp_validate_pages(page, FIRST_PAGES, false);
			for (i = 0; i < FIRST_PAGES; i++)
				snp_psc_entry(i, snp_test_gpa(page + i),
					      SNP_PSC_SHARED, SNP_4K);
			snp_assert_eq(snp_psc(FIRST_PAGES), 0);
			snp_fill(snp_shared(page), FIRST_PAGES, page);
			for (i = 0; i < FIRST_PAGES; i++)
				snp_psc_entry(i, snp_test_gpa(page + i),
					      SNP_PSC_PRIVATE, SNP_4K);
			snp_assert_eq(snp_psc(FIRST_PAGES), 0);
		}
	}
}

static void guest_says_done(void)
{
	snp_guest_init();
	snp_done();
}

static int step_pipe;

/* The parent learns each step as it begins. */
static void tell_step(enum snp_step step)
{
	char c = step;

	if (write(step_pipe, &c, 1) != 1)
		_exit(1);
}

static void live(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	step_pipe = fd;
	snp_step_hook = tell_step;
	snp_run(snp_create_launched(guest_converts_for_ever));
}

/* Live up to @step, then lose all files; the process stays. */
static void close_at_step(enum snp_step step, bool vm_first)
{
	struct snp_guest *g = snp_create(guest_says_done);

	if (step >= SNP_STEP_START)
		snp_launch_start(g, SNP_POLICY);
	if (step >= SNP_STEP_UPDATE)
		snp_launch_update_all(g);
	if (step >= SNP_STEP_FINISH)
		snp_launch_finish(g);
	if (step >= SNP_STEP_RUN)
		snp_run(g);
	snp_close_fds(g, vm_first);
}

/* Start a VMM, kill it @delay_us after it began @step. */
static bool kill_at_step(enum snp_step step, unsigned int delay_us)
{
	bool reached = false;
	int fds[2], status;
	pid_t pid;
	char c;

	TEST_ASSERT(!pipe(fds), "pipe");
	pid = fork();
	TEST_ASSERT(pid >= 0, "fork");
	if (!pid) {
		close(fds[0]);
		live(fds[1]);
		_exit(0);
	}
	close(fds[1]);
	while (!reached && read(fds[0], &c, 1) == 1)
		reached = c == step;
	usleep(delay_us);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[0]);
	return reached && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Work queued by the last close may lag behind a little. */
static bool back_to(const struct snp_rmp_counts *before,
		    struct snp_rmp_counts *now)
{
	int i;

	for (i = 0; i < 50; i++) {
		snp_rmp_counts(now);
		if (!memcmp(before, now, sizeof(*now)))
			return true;
		usleep(100000);
	}
	return false;
}

FIXTURE(snp_vmm_death) {
	struct snp_rmp_counts before;
	int log;
};

FIXTURE_SETUP(snp_vmm_death)
{
	snp_require();
	/* One guest first: firmware and KVM allocate some pages for good. */
	snp_free(snp_create_launched(guest_says_done));
	snp_rmp_counts(&self->before);
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_vmm_death)
{
	struct snp_guest *g[NR_SNP_ASIDS];
	struct snp_rmp_counts now;
	int i;

	/* All ASIDs at once, so none has been lost. */
	for (i = 0; i < NR_SNP_ASIDS; i++)
		g[i] = snp_create_launched(guest_says_done);
	for (i = 0; i < NR_SNP_ASIDS; i++) {
		snp_expect_done(g[i]);
		snp_free(g[i]);
	}
	EXPECT_TRUE(back_to(&self->before, &now))
		TH_LOG("assigned %lu -> %lu, guest %lu -> %lu, vmsa %lu -> %lu",
		       self->before.assigned, now.assigned, self->before.guest,
		       now.guest, self->before.vmsa, now.vmsa);
	EXPECT_CLEAN_LOG(self->log);
}

TEST_F_TIMEOUT(snp_vmm_death, killed_in_the_middle_of_each_step, 900)
{
	struct snp_rmp_counts now;
	int i;

	for (i = 0; i < NR_DEATHS; i++) {
		enum snp_step step = i % SNP_NR_STEPS;

		/* 0 to 30 ms, and another one each time round */
		ASSERT_TRUE(kill_at_step(step, i * 7919 % 30000))
			TH_LOG("death %d: step %d not reached", i, step);
		if (i % 20 == 19)
			ASSERT_TRUE(back_to(&self->before, &now))
				TH_LOG("death %d: guest pages %lu -> %lu", i,
				       self->before.guest, now.guest);
	}
}

TEST_F_TIMEOUT(snp_vmm_death, files_closed_after_each_step, 900)
{
	struct snp_rmp_counts now;
	enum snp_step step;

	for (step = SNP_STEP_VCPU; step <= SNP_STEP_RUN; step++) {
		close_at_step(step, false);
		close_at_step(step, true);
		ASSERT_TRUE(back_to(&self->before, &now))
			TH_LOG("step %d: guest pages %lu -> %lu", step,
			       self->before.guest, now.guest);
	}
}

TEST_HARNESS_MAIN
