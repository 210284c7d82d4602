// SPDX-License-Identifier: GPL-2.0-only
/*
 * The name of each page state, against the table of the SEV-SNP firmware ABI: all
 * combinations of the five bits an entry's state depends on.
 */
#include <kunit/test.h>
#include <asm/rmp_map.h>

static const struct row {
	bool assigned, asid, immutable, validated, vmsa;
	enum rmp_page_state state;
} rows[] = {
	{ 0, 0, 0, 0, 0, RMP_PAGE_SHARED },
	{ 0, 0, 1, 0, 0, RMP_PAGE_HV_FIXED },
	{ 1, 0, 0, 0, 0, RMP_PAGE_RECLAIM },
	{ 1, 0, 1, 0, 0, RMP_PAGE_FIRMWARE },
	{ 1, 0, 1, 0, 1, RMP_PAGE_FIRMWARE },	/* Context */
	{ 1, 1, 1, 0, 0, RMP_PAGE_PRE_GUEST },
	{ 1, 1, 1, 0, 1, RMP_PAGE_PRE_GUEST },
	{ 1, 1, 1, 1, 0, RMP_PAGE_PRE_SWAP },
	{ 1, 1, 1, 1, 1, RMP_PAGE_PRE_SWAP },
	{ 1, 1, 0, 0, 0, RMP_PAGE_INVALID },
	{ 1, 1, 0, 1, 0, RMP_PAGE_VALID },
	{ 1, 1, 0, 0, 1, RMP_PAGE_VMSA },
	{ 1, 1, 0, 1, 1, RMP_PAGE_VMSA },
};

static void page_state_is_the_abis(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rmp_view v = {
			.level = PG_LEVEL_4K,
			.assigned = rows[i].assigned,
			.asid = rows[i].asid ? 3 : 0,
			.immutable = rows[i].immutable,
			.validated = rows[i].validated,
			.vmsa = rows[i].vmsa,
		};

		KUNIT_EXPECT_EQ_MSG(test, rows[i].state, rmp_page_state(&v), "row %d", i);
		v.level = PG_LEVEL_2M;
		KUNIT_EXPECT_EQ_MSG(test, rows[i].state, rmp_page_state(&v), "row %d, 2M", i);
	}
}

static struct kunit_case rmp_map_cases[] = {
	KUNIT_CASE(page_state_is_the_abis),
	{}
};

static struct kunit_suite rmp_map_suite = {
	.name = "rmp_map",
	.test_cases = rmp_map_cases,
};

kunit_test_suite(rmp_map_suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit test of the names of RMP page states");
