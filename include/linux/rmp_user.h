/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What mm/ asks the RMP of SEV-SNP hosts about user mappings: hooks in stock
 * files, which cost a static branch on machines without.
 */
#ifndef _LINUX_RMP_USER_H
#define _LINUX_RMP_USER_H

#include <linux/mm.h>

#ifdef CONFIG_SNP_PAGE_STATE

#include <linux/cpufeature.h>

#include <asm/rmp_fault.h>

/**
 * rmp_fault_fixup() - is a user page that was just faulted in for writing private?
 * @vma: its VMA
 * @address: user address
 * @flags: FAULT_FLAG_*
 *
 * Hook in fixup_user_fault(), whose callers repeat an access until it succeeds or
 * this fails. A mapping that is only too large is split. mmap_lock held for
 * reading; may sleep.
 *
 * Return: true if the page can't be written to, and faulting it in won't help.
 */
static inline bool rmp_fault_fixup(struct vm_area_struct *vma, unsigned long address,
				   unsigned int flags)
{
	return cpu_feature_enabled(X86_FEATURE_SEV_SNP) && (flags & FAULT_FLAG_WRITE) &&
	       __rmp_fault_fixup(vma, address);
}

/**
 * rmp_keep_split() - would a PMD that maps this folio fault on writes?
 * @folio: of PMD order
 *
 * Hook in do_set_pmd(): what was split for its private pages stays so, whatever
 * khugepaged does. Any context.
 *
 * Return: true if a page of the folio is private.
 */
static inline bool rmp_keep_split(struct folio *folio)
{
	return cpu_feature_enabled(X86_FEATURE_SEV_SNP) && __rmp_keep_split(folio_pfn(folio));
}

#else

static inline bool rmp_fault_fixup(struct vm_area_struct *vma, unsigned long address,
				   unsigned int flags)
{
	return false;
}

static inline bool rmp_keep_split(struct folio *folio)
{
	return false;
}

#endif
#endif /* _LINUX_RMP_USER_H */
