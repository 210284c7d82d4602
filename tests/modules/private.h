/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private pages for an ASID that no guest has, in test modules: by upstream's
 * rmp_make_private(), and back. What a module makes private it shares again, or
 * leaks, before it frees it.
 */
#ifndef TESTS_PRIVATE_H
#define TESTS_PRIVATE_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>

#include <asm/sev.h>

#define TEST_GPA	0x4000000000ULL
#define HUGE_ORDER	(PMD_SHIFT - PAGE_SHIFT)
#define HUGE_TRIES	64

static unsigned int asid = 15;
module_param(asid, uint, 0444);
MODULE_PARM_DESC(asid, "ASID that owns the private pages; no SNP guest may use it (15)");

static inline bool is_private(u64 pfn)
{
	bool assigned;
	int level;

	return !snp_lookup_rmpentry(pfn, &assigned, &level) && assigned;
}

static inline int make_private(u64 pfn, enum pg_level level)
{
	return rmp_make_private(pfn, TEST_GPA + PFN_PHYS(pfn), level, asid, false) ? -ENXIO : 0;
}

/* Returns the first page that could not be shared; 0: all are. */
static inline u64 share_pages(struct page *page, unsigned long n)
{
	u64 pfn = page_to_pfn(page), end = pfn + n;
	bool assigned;
	int level;

	for (; pfn < end; pfn++) {
		if (snp_lookup_rmpentry(pfn, &assigned, &level) || !assigned)
			continue;
		if (rmp_make_shared(pfn, level))
			return pfn;
	}
	return 0;
}

/* How the direct map maps it */
static inline unsigned int level_of(const void *va)
{
	unsigned int level = PG_LEVEL_NONE;

	lookup_address((unsigned long)va, &level);
	return level;
}

/*
 * 2M that the direct map maps by one entry: what was split before comes first from
 * the allocator. With debug_pagealloc there is none, all is 4K.
 */
static inline struct page *alloc_huge_mapped(void)
{
	struct page *page, *next, *got = NULL;
	LIST_HEAD(split);
	int i;

	for (i = 0; !got && i < HUGE_TRIES; i++) {
		page = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN, HUGE_ORDER);
		if (!page)
			break;
		if (level_of(page_address(page)) == PG_LEVEL_2M || debug_pagealloc_enabled())
			got = page;
		else
			list_add(&page->lru, &split);
	}
	list_for_each_entry_safe(page, next, &split, lru)
		__free_pages(page, HUGE_ORDER);
	return got;
}

#endif /* TESTS_PRIVATE_H */
