// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a page-state change costs, for tests/bench/tracing: a guest whose pages change
 * in place converts a batch of 4K pages, all in one request, to private and back.
 *
 * trace_bench ROUNDS: the time of a conversion, in ns of the monotonic clock per
 * page, of the cheapest round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "test_util.h"
#include "kvm_util.h"
#include "snp.h"

#define PAGES	253ul

static void convert(int operation)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		snp_psc_entry(i, snp_test_gpa(i), operation, SNP_4K);
	snp_assert_eq(snp_psc(PAGES), 0);
}

static void guest(void)
{
	snp_guest_init();
	for (;;) {
		snp_sync(1, 0, 0, 0);
		convert(SNP_PSC_PRIVATE);
		convert(SNP_PSC_SHARED);
	}
}

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(int argc, char *argv[])
{
	int rounds = argc == 2 ? atoi(argv[1]) : 0;
	u64 start, t, best = ~0ull;
	struct snp_guest *g;

	TEST_ASSERT(rounds > 0, "usage: trace_bench ROUNDS");
	snp_require_in_place();
	g = snp_create_in_place(guest, VM_MEM_SRC_ANONYMOUS);
	snp_launch(g);
	snp_expect_sync(g, 1);
	while (rounds--) {
		start = now();
		snp_expect_sync(g, 1);
		t = now() - start;
		best = t < best ? t : best;
	}
	printf("%llu\n", (unsigned long long)best / (2 * PAGES));
	snp_free(g);
	return 0;
}
