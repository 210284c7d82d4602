/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The direct map and the RMP: what RMPUPDATE and PSMASH must tell the splitter
 * before and after, and the page table arithmetic that it shares with its test.
 */
#ifndef _ASM_X86_DMAP_RMP_H
#define _ASM_X86_DMAP_RMP_H

#include <linux/types.h>
#include <asm/pgtable_types.h>

/**
 * enum rmp_dmap_result - what became of the attempt to merge a 2M region
 * @RMP_DMAP_MERGED: mapped by a 2M entry again
 * @RMP_DMAP_PRIVATE: a page of it is assigned
 * @RMP_DMAP_BUSY: a page of it is becoming private just now
 * @RMP_DMAP_ATTRS: not all 512 entries are plain kernel memory
 * @NR_RMP_DMAP_RESULTS: how many there are
 */
enum rmp_dmap_result {
	RMP_DMAP_MERGED,
	RMP_DMAP_PRIVATE,
	RMP_DMAP_BUSY,
	RMP_DMAP_ATTRS,
	NR_RMP_DMAP_RESULTS,
};

#ifdef CONFIG_SNP_PAGE_STATE

/* arch/x86/mm/pat/dmap_rmp.c */
bool rmp_dmap_tracks(u64 pfn);
int rmp_dmap_begin(u64 pfn, enum pg_level level);
void rmp_dmap_end(u64 pfn);
void rmp_dmap_count(u64 pfn, int pages);
void rmp_dmap_shared(u64 pfn);
int rmp_dmap_split(u64 pfn, u64 npages);

/* arch/x86/mm/pat/dmap_tables.c */
void rmp_dmap_fill_ptes(pte_t *table, pmd_t leaf);
bool rmp_dmap_filled(const pte_t *table, pmd_t leaf);
void rmp_dmap_fill_pmds(pmd_t *table, pud_t leaf);
bool rmp_dmap_plain(pmd_t leaf);
bool rmp_dmap_collapse(const pte_t *table, u64 pfn, pmd_t *leaf);

#endif /* CONFIG_SNP_PAGE_STATE */
#endif /* _ASM_X86_DMAP_RMP_H */
