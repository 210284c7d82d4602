// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software SNP platform: what the RMP does to writes through user mappings.
 *
 * On silicon the page table knows nothing of the RMP: pte_write() stays true
 * for a page that belongs to a guest, get_user_pages() for writing succeeds, and
 * only the access itself is refused. Here the processor below refuses, for want of
 * _PAGE_RW, and _PAGE_SNP_SOFT in its place says that the permission is
 * only taken, not missing. pte_write() counts both bits and pte_wrprotect()
 * clears both, so no code of the memory management can tell the two apart, and
 * none needs an exception: GUP, fork, mprotect, NUMA, migration, THP.
 * (Write protection that pte_write() shows would send GUP and the fault
 * handler into loops, each trying to mend an entry that we break again. A
 * protection key would leave _PAGE_RW alone, but belongs to the process.)
 *
 * Which of the bits an entry has is decided where it is stored (set_pte(),
 * set_pmd()), and decided anew when the RMP changes:
 *
 *	set_pte()			RMPUPDATE
 *	  store the entry		  change the RMP
 *	  smp_mb()			  smp_mb()
 *	  look at the RMP		  find the entry by rmap, look at the RMP
 *
 * so one of the two sees the other, whichever comes last. Permission is given
 * back where it is missed, in the fault, so returning a page to the host needs
 * no walk, and may happen in any context. Giving is done without the page-table
 * lock, as by a processor that sets A and D: by cmpxchg, and the entry means the
 * same to Linux before and after.
 *
 * Not checked: user mappings that have no rmap (remap_pfn_range()) and were there
 * before the page became private; hugetlb mappings of 1G beyond their first 2M; and
 * a 4K mapping with the PAT bit at a 2M-aligned page counts as 2M.
 *
 * Called from set_pte() and set_pmd(), from the first statement of
 * handle_page_fault(), and from rmpupdate().
 */
#include <linux/cpufeature.h>
#include <linux/export.h>
#include <linux/hugetlb.h>
#include <linux/kprobes.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/ptrace.h>
#include <linux/rmap.h>

#include <asm/sev.h>
#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trap_pf.h>

#include "snp_soft_parts.h"

/* @v as it is stored: a user leaf that Linux calls writable */
static pteval_t __kprobes as_refused(pteval_t v, bool large)
{
	u64 pfn = (v & (large ? PHYSICAL_PMD_PAGE_MASK : PTE_PFN_MASK)) >> PAGE_SHIFT;

	v &= ~_PAGE_SNP_SOFT;
	if (snp_soft_rmp_refuses(pfn, large))
		return (v & ~_PAGE_RW) | _PAGE_SNP_SOFT;
	return v | _PAGE_RW;
}

static bool __kprobes writable_leaf(pteval_t v, bool large)
{
	pteval_t user = _PAGE_PRESENT | _PAGE_USER | (large ? _PAGE_PSE : 0);

	return (v & user) == user && (v & (_PAGE_RW | _PAGE_SNP_SOFT));
}

/*
 * Bring an entry in line with the RMP, and look again after each change. Ends, since
 * each further round means that somebody else changed the one or the other.
 */
static void __kprobes sync_leaf(pteval_t *p, bool large)
{
	pteval_t old, new;

	for (;;) {
		old = READ_ONCE(*p);
		if (!writable_leaf(old, large))
			return;
		new = as_refused(old, large);
		if (new == old)
			return;
		cmpxchg(p, old, new);
	}
}

static void set_leaf(pteval_t *p, pteval_t v, bool large)
{
	WRITE_ONCE(*p, as_refused(v, large));
	/* Pairs with the one in snp_soft_user_protect(), see above. */
	smp_mb();
	sync_leaf(p, large);
}

/* hugetlb stores PMDs by set_pte(). At 4K the bit is PAT, which RAM does not have. */
static bool pte_large(pteval_t v)
{
	return (v & _PAGE_PSE) &&
	       IS_ALIGNED((v & PTE_PFN_MASK & ~_PAGE_PAT_LARGE) >> PAGE_SHIFT, PTRS_PER_PMD);
}

/**
 * snp_soft_set_pte() - store a user PTE
 * @ptep: where
 * @pte: a present user entry that pte_write() says is writable
 *
 * Context: any; what set_pte() asks for.
 */
void snp_soft_set_pte(pte_t *ptep, pte_t pte)
{
	set_leaf(&ptep->pte, pte.pte, pte_large(pte.pte));
}
EXPORT_SYMBOL_GPL(snp_soft_set_pte);

/**
 * snp_soft_set_pmd() - store a user PMD
 * @pmdp: where
 * @pmd: a present user leaf that pmd_write() says is writable
 *
 * Context: any; what set_pmd() asks for.
 */
void snp_soft_set_pmd(pmd_t *pmdp, pmd_t pmd)
{
	set_leaf(&pmdp->pmd, pmd.pmd, true);
}
EXPORT_SYMBOL_GPL(snp_soft_set_pmd);

/*
 * The entry that maps a user address, as the processor's walk finds it. With
 * IRQs off no page table is freed below us, which gup_fast() relies on too.
 */
static pteval_t * __kprobes find_leaf(unsigned long address, bool *large)
{
	pgd_t pgd = READ_ONCE(*((pgd_t *)__va(read_cr3_pa()) + pgd_index(address)));
	pmd_t pmd, *pmdp;
	p4d_t p4d;
	pud_t pud;

	if (!pgd_present(pgd))
		return NULL;
	p4d = READ_ONCE(*p4d_offset(&pgd, address));
	if (!p4d_present(p4d))
		return NULL;
	pud = READ_ONCE(*pud_offset(&p4d, address));
	if (!pud_present(pud) || pud_leaf(pud))
		return NULL;

	pmdp = pmd_offset(&pud, address);
	pmd = READ_ONCE(*pmdp);
	*large = pmd_leaf(pmd);
	if (*large)
		return &pmdp->pmd;
	if (!pmd_present(pmd))
		return NULL;
	return &pte_offset_kernel(&pmd, address)->pte;
}

/**
 * snp_soft_user_fault() - the error code that SNP hardware would have given
 * @regs: interrupted context
 * @error_code: what this processor gave
 * @address: CR2, a user address
 *
 * Only write faults on a present entry whose missing permission is ours qualify, and
 * only if nothing that hardware checks earlier is wrong: U/S, SMAP, and
 * protection keys, which have their own bit. Where the RMP does not refuse any
 * more, the entry is healed and the fault is left to the stock code, as the
 * spurious one that it now is.
 *
 * Context: #PF, any context below it including NMI; IRQs off.
 * Return: @error_code, with X86_PF_RMP if the RMP refuses the write.
 */
unsigned long __kprobes snp_soft_user_fault(struct pt_regs *regs, unsigned long error_code,
					    unsigned long address)
{
	pteval_t *leaf;
	bool large;

	if ((error_code & ~X86_PF_USER) != (X86_PF_PROT | X86_PF_WRITE))
		return error_code;
	if (!(error_code & X86_PF_USER) && cpu_feature_enabled(X86_FEATURE_SMAP) &&
	    !(regs->flags & X86_EFLAGS_AC))
		return error_code;

	leaf = find_leaf(address, &large);
	if (!leaf || !writable_leaf(READ_ONCE(*leaf), large) ||
	    !(READ_ONCE(*leaf) & _PAGE_SNP_SOFT))
		return error_code;

	sync_leaf(leaf, large);
	if (READ_ONCE(*leaf) & _PAGE_SNP_SOFT)
		return error_code | X86_PF_RMP;

	flush_tlb_one_user(address);
	return error_code;
}

static bool protect_in_vma(struct folio *folio, struct vm_area_struct *vma,
			   unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool mapped = false;

	while (page_vma_mapped_walk(&pvmw)) {
		if (pvmw.pte)
			sync_leaf(&pvmw.pte->pte, folio_test_hugetlb(folio));
		else
			sync_leaf(&pvmw.pmd->pmd, true);
		mapped = true;
	}
	/* Also if no entry changed here: a racing set_pte() does not flush. */
	if (mapped)
		flush_tlb_range(vma, address,
				min(address + folio_size(folio), vma->vm_end));
	return true;
}

/**
 * snp_soft_user_protect() - take user mappings' write permission to these pages
 * @pfn: host page frame, the first one, on which RMPUPDATE was executed
 * @state: what it asked for, and got
 *
 * Context: process context, may sleep, if the pages were assigned; takes folio
 * locks and what rmap needs. When it returns, no user mapping with an rmap can
 * write to them.
 */
void snp_soft_user_protect(u64 pfn, const struct rmp_state *state)
{
	struct rmap_walk_control rwc = { .rmap_one = protect_in_vma };
	u64 end = pfn + (state->pagesize == RMP_PG_SIZE_2M ? PTRS_PER_PMD : 1);
	struct folio *folio;
	struct page *page;

	if (!state->assigned)
		return;

	/* Pairs with the one in set_leaf(), see above. */
	smp_mb();

	while (pfn < end) {
		page = pfn_to_online_page(pfn);
		folio = page ? page_folio(page) : NULL;
		if (!folio || !folio_mapped(folio) || !folio_try_get(folio)) {
			pfn++;
			continue;
		}
		folio_lock(folio);
		/* Else split, or freed meanwhile: look again. */
		if (page_folio(page) == folio) {
			rmap_walk(folio, &rwc);
			pfn = folio_pfn(folio) + folio_nr_pages(folio);
		}
		folio_unlock(folio);
		folio_put(folio);
	}
}
