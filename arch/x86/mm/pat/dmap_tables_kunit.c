// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split a large entry on paper, and merge it: the round trip gives it back, and
 * each way in which one of the 512 entries can differ forbids it.
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/pgtable.h>
#include <asm/dmap_rmp.h>

#define PFN	0x40000ul	/* 1G, so that it serves as the start of either */

static pte_t *new_table(struct kunit *test)
{
	pte_t *table = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, table);
	return table;
}

static pmd_t plain_2m(void)
{
	return pmd_mkhuge(pfn_pmd(PFN, PAGE_KERNEL_LARGE));
}

static void split_and_merge(struct kunit *test)
{
	pte_t *table = new_table(test);
	pmd_t leaf = plain_2m(), merged;
	int i;

	rmp_dmap_fill_ptes(table, leaf);
	for (i = 0; i < PTRS_PER_PTE; i++)
		KUNIT_ASSERT_EQ_MSG(test, pte_val(table[i]),
				    pte_val(pfn_pte(PFN + i, PAGE_KERNEL)), "entry %d", i);

	KUNIT_ASSERT_TRUE(test, rmp_dmap_collapse(table, PFN, &merged));
	KUNIT_EXPECT_EQ(test, pmd_val(merged), pmd_val(leaf));
}

/* What a large entry says about caching moves from bit 12 to bit 7. */
static void split_moves_pat(struct kunit *test)
{
	pmd_t leaf = __pmd(pmd_val(plain_2m()) | _PAGE_PAT_LARGE);
	pte_t *table = new_table(test);

	rmp_dmap_fill_ptes(table, leaf);
	KUNIT_EXPECT_EQ(test, pte_val(table[0]), pte_val(pfn_pte(PFN, PAGE_KERNEL)) | _PAGE_PAT);
	KUNIT_EXPECT_EQ(test, pte_pfn(table[PTRS_PER_PTE - 1]), PFN + PTRS_PER_PTE - 1);
}

static void split_1g(struct kunit *test)
{
	pud_t leaf = pud_mkhuge(pfn_pud(PFN, PAGE_KERNEL_LARGE));
	pmd_t *table = (pmd_t *)new_table(test);
	int i;

	rmp_dmap_fill_pmds(table, leaf);
	for (i = 0; i < PTRS_PER_PMD; i++) {
		KUNIT_ASSERT_EQ_MSG(test, pmd_pfn(table[i]), PFN + i * PTRS_PER_PTE, "entry %d", i);
		KUNIT_ASSERT_TRUE_MSG(test, rmp_dmap_plain(table[i]), "entry %d", i);
	}
}

/* A table that was filled before the entry changed must not be installed. */
static void filled_notices_a_change(struct kunit *test)
{
	pmd_t leaf = plain_2m();
	pte_t *table = new_table(test);

	rmp_dmap_fill_ptes(table, leaf);
	KUNIT_EXPECT_TRUE(test, rmp_dmap_filled(table, leaf));
	KUNIT_EXPECT_TRUE(test, rmp_dmap_filled(table, __pmd(pmd_val(leaf) & ~_PAGE_ACCESSED)));
	KUNIT_EXPECT_FALSE(test, rmp_dmap_filled(table, __pmd(pmd_val(leaf) &
							      ~(_PAGE_RW | _PAGE_DIRTY))));
	KUNIT_EXPECT_FALSE(test, rmp_dmap_filled(table, __pmd(pmd_val(leaf) | _PAGE_SOFTW2)));
}

static const struct change {
	const char *name;
	pteval_t clear;
	pteval_t set;
	bool merges;
} changes[] = {
	{ "accessed",		_PAGE_ACCESSED, 0, true },
	{ "dirty",		_PAGE_DIRTY, 0, true },
	{ "not global",		_PAGE_GLOBAL, 0, true },
	{ "read-only",		_PAGE_RW | _PAGE_DIRTY, 0 },
	{ "not present",	_PAGE_PRESENT | _PAGE_GLOBAL, 0 },
	{ "executable",		_PAGE_NX, 0 },
	{ "user",		0, _PAGE_USER },
	{ "uncached",		0, _PAGE_PCD },
	{ "write-combining",	0, _PAGE_PAT },
	{ "software bit 1",	0, _PAGE_SOFTW1 },
	{ "software bit 2",	0, _PAGE_SOFTW2 },
	{ "software bit 3",	0, _PAGE_SOFTW3 },
	{ "another page",	0, 1ul << 40 },
};

/* In the first entry, in the last, in all: one is enough. */
static void merge_needs_512_plain_entries(struct kunit *test)
{
	static const int from[] = { 0, PTRS_PER_PTE - 1, 0 };
	static const int to[] = { 1, PTRS_PER_PTE, PTRS_PER_PTE };
	pte_t *table = new_table(test);
	pmd_t merged;
	bool merges;
	int c, w, i;

	for (c = 0; c < ARRAY_SIZE(changes); c++) {
		for (w = 0; w < ARRAY_SIZE(from); w++) {
			rmp_dmap_fill_ptes(table, plain_2m());
			for (i = from[w]; i < to[w]; i++)
				table[i] = __pte((pte_val(table[i]) & ~changes[c].clear) |
						 changes[c].set);
			merges = rmp_dmap_collapse(table, PFN, &merged);
			KUNIT_EXPECT_EQ_MSG(test, merges, changes[c].merges,
					    "%s, entries %d to %d", changes[c].name,
					    from[w], to[w] - 1);
			if (merges)
				KUNIT_EXPECT_EQ(test, pmd_val(merged), pmd_val(plain_2m()));
		}
	}
}

static void merge_needs_order_and_place(struct kunit *test)
{
	pte_t *table = new_table(test);
	pmd_t merged;

	rmp_dmap_fill_ptes(table, plain_2m());
	KUNIT_EXPECT_FALSE(test, rmp_dmap_collapse(table, PFN + PTRS_PER_PTE, &merged));
	swap(table[5], table[6]);
	KUNIT_EXPECT_FALSE(test, rmp_dmap_collapse(table, PFN, &merged));
}

static struct kunit_case dmap_tables_cases[] = {
	KUNIT_CASE(split_and_merge),
	KUNIT_CASE(split_moves_pat),
	KUNIT_CASE(split_1g),
	KUNIT_CASE(filled_notices_a_change),
	KUNIT_CASE(merge_needs_512_plain_entries),
	KUNIT_CASE(merge_needs_order_and_place),
	{ }
};

static struct kunit_suite dmap_tables_suite = {
	.name = "dmap_tables",
	.test_cases = dmap_tables_cases,
};

kunit_test_suites(&dmap_tables_suite);
