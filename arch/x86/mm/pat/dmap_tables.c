// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of splitting and merging: a large entry written out as a table
 * of smaller ones, and a table read back as one large entry. Nothing here looks
 * at the live page tables or takes a lock, so a test can hold it to account.
 *
 * Invariant: a merged entry is what the boot made: ordinary kernel memory, with
 * all 512 pages in order. Anything else is no merge.
 *
 * Caller: dmap_rmp.c, which knows which table is whose.
 */
#include <linux/pgtable.h>

#include <asm/dmap_rmp.h>

/* The processor sets these whenever it likes. */
#define BY_CPU	(_PAGE_ACCESSED | _PAGE_DIRTY)

/* The entry for the first 4K page below @leaf; each next one maps the next page. */
static pteval_t first_pte(pmd_t leaf)
{
	return pte_val(pfn_pte(pmd_pfn(leaf), pgprot_large_2_4k(pmd_pgprot(leaf))));
}

/**
 * rmp_dmap_fill_ptes() - write a 2M entry out as 512 entries of 4K
 * @table: page table, not in use by any processor
 * @leaf: the present 2M entry
 *
 * Context: any.
 */
void rmp_dmap_fill_ptes(pte_t *table, pmd_t leaf)
{
	pteval_t val = first_pte(leaf);
	int i;

	for (i = 0; i < PTRS_PER_PTE; i++, val += PAGE_SIZE)
		table[i] = __pte(val);
}

/**
 * rmp_dmap_filled() - does a table still say what the 2M entry says?
 * @table: filled by rmp_dmap_fill_ptes(), and not in use since
 * @leaf: the 2M entry as it is now
 *
 * Context: any.
 * Return: true if so, whatever the processor did to Accessed and Dirty.
 */
bool rmp_dmap_filled(const pte_t *table, pmd_t leaf)
{
	return !((pte_val(table[0]) ^ first_pte(leaf)) & ~BY_CPU);
}

/**
 * rmp_dmap_fill_pmds() - write a 1G entry out as 512 entries of 2M
 * @table: page table, not in use by any processor
 * @leaf: the present 1G entry; its attribute bits have the places of a 2M entry's
 *
 * Context: any.
 */
void rmp_dmap_fill_pmds(pmd_t *table, pud_t leaf)
{
	unsigned long pfn = pud_pfn(leaf);
	pgprot_t prot = pud_pgprot(leaf);
	int i;

	for (i = 0; i < PTRS_PER_PMD; i++, pfn += PTRS_PER_PTE)
		table[i] = pfn_pmd(pfn, prot);
}

/*
 * Global is no permission, and CPA loses it when a page leaves the direct map and
 * returns to it (secretmem).
 */
#define NO_MATTER	(BY_CPU | _PAGE_GLOBAL)

/**
 * rmp_dmap_plain() - is this 2M entry ordinary kernel memory?
 * @leaf: the entry
 *
 * Present, writable, not executable, write-back, and no bit beyond. Only such
 * regions can be merged again, see rmp_dmap_collapse().
 *
 * Context: any.
 * Return: true if so.
 */
bool rmp_dmap_plain(pmd_t leaf)
{
	pteval_t want = pte_val(pfn_pte(pmd_pfn(leaf), PAGE_KERNEL));

	return pmd_leaf(leaf) && !((first_pte(leaf) ^ want) & ~NO_MATTER);
}

/**
 * rmp_dmap_collapse() - read 512 entries of 4K as one of 2M
 * @table: the page table; it may be in use
 * @pfn: page frame that the first entry must map
 * @leaf: the 2M entry, if there is one
 *
 * All must be present, plain kernel memory, and map 2M in order. What anyone has
 * taken away from one page (write permission, presence, caching) thus forbids
 * the merge.
 *
 * Context: any.
 * Return: true if one entry can stand for all.
 */
bool rmp_dmap_collapse(const pte_t *table, u64 pfn, pmd_t *leaf)
{
	pteval_t want = pte_val(pfn_pte(pfn, PAGE_KERNEL));
	int i;

	if (!IS_ALIGNED(pfn, PTRS_PER_PTE))
		return false;

	for (i = 0; i < PTRS_PER_PTE; i++, want += PAGE_SIZE)
		if ((pte_val(READ_ONCE(table[i])) ^ want) & ~NO_MATTER)
			return false;

	*leaf = pmd_mkhuge(pfn_pmd(pfn, PAGE_KERNEL_LARGE));
	return true;
}
