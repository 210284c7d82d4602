// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software SNP platform: what the RMP does to the host's own accesses.
 *
 * Silicon checks each host write against the RMP, at the granularity of the
 * mapping (APM vol. 2, 15.36.10). Here the direct map loses its write
 * permission where the RMP would refuse, and a software bit in the entry says
 * that the permission was ours to take: it alone is given back, so read-only
 * kernel memory stays so. The invariant: after a change of the RMP,
 * whoever made it syncs the region, and each sync looks at the RMP again after
 * its last change of the page table; so the last one leaves both in agreement,
 * without a lock, and in any context.
 *
 * A fault on such an entry, with nothing else wrong, gets X86_PF_RMP. An entry
 * that carries the bit without need (CPA split a protected 2M mapping, or
 * another CPU has just made the page shared) is healed there instead and the
 * fault is left to the stock code as the spurious one that it now is.
 *
 * Not checked: user mappings of assigned pages, vmap and kernel-image aliases, DMA,
 * the page walker's own writes; a concurrent CPA store to the very same entry can
 * undo a protection. Fetches and reads are never refused, as on silicon.
 *
 * Called from the RMP's writers, and from the first statement of
 * handle_page_fault().
 */
#include <linux/export.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include <asm/special_insns.h>
#include <asm/tlbflush.h>
#include <asm/trap_pf.h>

#include "snp_soft_parts.h"

/* In the direct map nobody else uses it; CPA and its splits carry it along. */
#define PAGE_OURS	_PAGE_SOFTW2

/*
 * Microcode and firmware are not bound by page tables. CR0.WP is pinned by
 * native_write_cr0(), hence the bare instruction; IRQs are off until wp_on(). An
 * NMI in between can write read-only memory, which it does not.
 */
static unsigned long wp_off(void)
{
	unsigned long cr0 = native_read_cr0();

	asm volatile("mov %0, %%cr0" : : "r" (cr0 & ~X86_CR0_WP) : "memory");
	return cr0;
}

static void wp_on(unsigned long cr0)
{
	asm volatile("mov %0, %%cr0" : : "r" (cr0) : "memory");
}

/**
 * snp_soft_phys_write() - write memory as firmware and microcode do
 * @pa: physical address, RAM
 * @src: from
 * @len: bytes
 *
 * Whatever the page tables and the RMP say. The page must be present in
 * the direct map.
 *
 * Context: any; IRQs are off inside.
 */
void snp_soft_phys_write(u64 pa, const void *src, size_t len)
{
	unsigned long flags, cr0;

	local_irq_save(flags);
	cr0 = wp_off();
	memcpy(__va(pa), src, len);
	wp_on(cr0);
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(snp_soft_phys_write);

/**
 * snp_soft_phys_read() - read memory as firmware and microcode do
 * @pa: physical address, RAM
 * @dst: to
 * @len: bytes
 *
 * Context: any.
 */
void snp_soft_phys_read(u64 pa, void *dst, size_t len)
{
	memcpy(dst, __va(pa), len);
}
EXPORT_SYMBOL_GPL(snp_soft_phys_read);

static bool direct_mapped(unsigned long address)
{
	return address >= PAGE_OFFSET && address < PAGE_OFFSET + PFN_PHYS(max_pfn_mapped);
}

#define TAKEN	BIT(0)
#define GIVEN	BIT(1)

/*
 * Caller: IRQs off, WP off. Says what happened to the permission. Ends, since
 * each further round means that somebody else changed the entry or the RMP.
 */
static unsigned int sync_entry(pte_t *ptep, u64 pfn, bool large)
{
	unsigned int done = 0;
	pteval_t old, new;

	for (;;) {
		old = READ_ONCE(ptep->pte);
		new = old;

		if (!(old & _PAGE_PRESENT) || large != !!(old & _PAGE_PSE))
			return done;

		if (snp_soft_rmp_refuses(pfn, large)) {
			if (old & _PAGE_RW)
				new = (old & ~(_PAGE_RW | _PAGE_DIRTY)) | PAGE_OURS;
		} else if (old & PAGE_OURS) {
			new = (old & ~PAGE_OURS) | _PAGE_RW | _PAGE_DIRTY;
		}

		if (new == old)
			return done;

		if (cmpxchg(&ptep->pte, old, new) == old)
			done |= new & _PAGE_RW ? GIVEN : TAKEN;
	}
}

static unsigned int sync_range(u64 pfn, u64 end)
{
	unsigned int level, done = 0;
	pte_t *ptep;

	while (pfn < end) {
		ptep = lookup_address((unsigned long)__va(PFN_PHYS(pfn)), &level);
		if (ptep && level == PG_LEVEL_2M) {
			done |= sync_entry(ptep, ALIGN_DOWN(pfn, PTRS_PER_PMD), true);
			/* Split under our hands? Then once more, page by page. */
			if (pmd_present(READ_ONCE(*(pmd_t *)ptep)) &&
			    !pmd_leaf(READ_ONCE(*(pmd_t *)ptep)))
				continue;
			pfn |= PTRS_PER_PMD - 1;
		} else if (ptep && level == PG_LEVEL_4K) {
			done |= sync_entry(ptep, pfn, false);
		}
		pfn++;
	}

	return done;
}

/**
 * snp_soft_host_sync() - bring the direct map's write permission in line
 * @pfn: host page frame whose RMP entry changed
 * @large: the whole 2M region of which it is the first page
 * @flush_all: IRQs are on: other CPUs' TLBs too, if permission was taken away
 *
 * With IRQs off, other CPUs keep a stale permission until their next flush.
 * In the other direction none is needed: a stale refusal ends as a spurious
 * fault.
 *
 * Context: any.
 */
void __kprobes snp_soft_host_sync(u64 pfn, bool large, bool flush_all)
{
	u64 end = pfn + (large ? PTRS_PER_PMD : 1);
	unsigned long start = (unsigned long)__va(PFN_PHYS(pfn));
	unsigned long flags, cr0;
	unsigned int done;

	if (!direct_mapped(start))
		return;

	local_irq_save(flags);
	cr0 = wp_off();
	done = sync_range(pfn, end);
	wp_on(cr0);
	if (done && large)
		__flush_tlb_all();
	else if (done)
		flush_tlb_one_kernel(start);
	local_irq_restore(flags);

	if ((done & TAKEN) && flush_all)
		flush_tlb_kernel_range(start, start + ((end - pfn) << PAGE_SHIFT));
}

/**
 * snp_soft_host_fault() - the error code that SNP hardware would have given
 * @error_code: what this processor gave
 * @address: CR2
 *
 * Only supervisor write faults on a present direct map entry qualify, and only if
 * our bit is in it: then the missing permission is the one thing wrong, as
 * SMAP, protection keys and U/S do not apply there.
 *
 * Context: #PF, any context below it including NMI; IRQs off.
 * Return: @error_code, with X86_PF_RMP if the RMP refuses the write.
 */
unsigned long __kprobes snp_soft_host_fault(unsigned long error_code, unsigned long address)
{
	unsigned int level;
	bool large;
	pte_t *pte;
	u64 pfn;

	if (error_code != (X86_PF_PROT | X86_PF_WRITE) || !direct_mapped(address))
		return error_code;

	pte = lookup_address(address, &level);
	if (!pte || level > PG_LEVEL_2M || !(READ_ONCE(pte->pte) & PAGE_OURS))
		return error_code;

	large = level == PG_LEVEL_2M;
	pfn = PHYS_PFN(__pa(address));
	if (large)
		pfn = ALIGN_DOWN(pfn, PTRS_PER_PMD);

	if (snp_soft_rmp_refuses(pfn, large))
		return error_code | X86_PF_RMP;

	snp_soft_host_sync(pfn, large, false);
	return error_code;
}
