/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Software SNP platform: user page-table entries that map what the RMP refuses.
 *
 * To the memory management such an entry is writable, as it is on silicon; to
 * the processor below it is not, and a software bit says so. Hence every user
 * leaf is filtered where it is stored, and pte_write() and pte_wrprotect()
 * speak of both bits. snp_soft_user.c has the other half.
 *
 * Included by pgtable.h, so it must stay small.
 */
#ifndef _ASM_X86_SNP_SOFT_PTE_H
#define _ASM_X86_SNP_SOFT_PTE_H

#include <linux/jump_label.h>
#include <asm/pgtable_types.h>

/*
 * The boot stub sets page-table entries with the same functions, but has no key; the
 * 32-bit vDSO is built as if for another kernel.
 */
#if defined(CONFIG_SNP_SOFT) && defined(CONFIG_X86_64) && !defined(__DISABLE_EXPORTS)

/* Processors ignore bits 52 to 58; Linux uses 57 and 58. */
#define _PAGE_SNP_SOFT	(_AT(pteval_t, 1) << 56)

DECLARE_STATIC_KEY_FALSE(snp_soft_key);

void snp_soft_set_pte(pte_t *ptep, pte_t pte);
void snp_soft_set_pmd(pmd_t *pmdp, pmd_t pmd);

/* hooks in pte_write(), pte_wrprotect() and those for pmds: what says "writable"? */
static __always_inline pteval_t snp_soft_write_bits(void)
{
	return static_branch_unlikely(&snp_soft_key) ? _PAGE_RW | _PAGE_SNP_SOFT : _PAGE_RW;
}

/* hook in native_set_pte(): true: the entry needed the RMP's word, and is stored */
static __always_inline bool snp_soft_user_pte(pte_t *ptep, pte_t pte)
{
	const pteval_t user = _PAGE_PRESENT | _PAGE_USER;

	if (!static_branch_unlikely(&snp_soft_key) || (pte.pte & user) != user ||
	    !(pte.pte & (_PAGE_RW | _PAGE_SNP_SOFT)))
		return false;
	snp_soft_set_pte(ptep, pte);
	return true;
}

/* hook in native_set_pmd(): likewise */
static __always_inline bool snp_soft_user_pmd(pmd_t *pmdp, pmd_t pmd)
{
	const pmdval_t leaf = _PAGE_PRESENT | _PAGE_USER | _PAGE_PSE;

	if (!static_branch_unlikely(&snp_soft_key) || (pmd.pmd & leaf) != leaf ||
	    !(pmd.pmd & (_PAGE_RW | _PAGE_SNP_SOFT)))
		return false;
	snp_soft_set_pmd(pmdp, pmd);
	return true;
}

#else

static __always_inline pteval_t snp_soft_write_bits(void) { return _PAGE_RW; }
static __always_inline bool snp_soft_user_pte(pte_t *ptep, pte_t pte) { return false; }
static __always_inline bool snp_soft_user_pmd(pmd_t *pmdp, pmd_t pmd) { return false; }

#endif
#endif /* _ASM_X86_SNP_SOFT_PTE_H */
