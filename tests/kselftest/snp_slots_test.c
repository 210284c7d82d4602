// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memslot comes and goes, again and again, while the guest converts pages: each
 * change waits for all readers of kvm->srcu under slots_lock, each conversion is
 * such a reader and holds its range. Neither may wait for the other.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

#define CHANGES		30
#define BELL_PAGE	4ul	/* shared: the VMM says when to end */
#define FIRST_PAGE	16ul
#define OTHER_SLOT	7
#define OTHER_GPA	(1ul << 32)

static void guest_converts(void)
{
	volatile u64 *bell = (volatile u64 *)snp_shared(BELL_PAGE);
	u64 n, page;

	snp_guest_init();
	*bell = 0;
	snp_sync(1, 0, 0, 0);
	for (n = 0; !*bell; n++) {
		page = FIRST_PAGE + n % 8;
		snp_psc_entry(0, snp_test_gpa(page), SNP_PSC_PRIVATE, SNP_4K);
		snp_assert_eq(snp_psc(1), 0);
		/* By use */
		*(volatile u64 *)snp_shared(page) = n;
		snp_assert_eq(*(volatile u64 *)snp_shared(page), n);
	}
	snp_done();
}

static void *run_guest(void *arg)
{
	snp_expect_done(arg);
	return NULL;
}

FIXTURE(slots) {
	struct snp_guest *g;
};

FIXTURE_SETUP(slots)
{
	snp_require_in_place();
	self->g = snp_create_in_place(guest_converts, VM_MEM_SRC_ANONYMOUS);
	snp_launch(self->g);
}

FIXTURE_TEARDOWN(slots)
{
	snp_free(self->g);
}

TEST_F_TIMEOUT(slots, memslots_change_while_pages_are_converted, 120)
{
	struct snp_guest *g = self->g;
	pthread_t thread;
	u64 converted;
	void *p;
	int i;

	snp_expect_sync(g, 1);
	p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);

	ASSERT_EQ(0, pthread_create(&thread, NULL, run_guest, g));
	for (i = 0; i < CHANGES; i++) {
		ASSERT_EQ(0, __vm_set_user_memory_region(g->vm, OTHER_SLOT, 0, OTHER_GPA,
							 PAGE_SIZE, p));
		ASSERT_EQ(0, __vm_set_user_memory_region(g->vm, OTHER_SLOT, 0, 0, 0, NULL));
		/* Some conversion between any two, else nobody meets. */
		converted = snp_in_place_count("to_private");
		while (snp_in_place_count("to_private") == converted)
			;
	}
	*(volatile u64 *)snp_hva(g, snp_test_gpa(BELL_PAGE)) = 1;
	pthread_join(thread, NULL);
}

TEST_HARNESS_MAIN
