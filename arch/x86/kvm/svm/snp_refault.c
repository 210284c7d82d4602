// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest comes back to a page that the host took by writing to it. The #PF
 * handler (arch/x86/mm/rmp_fault.c) returned the page to the shared state and
 * could tell nobody, so KVM still maps it as private, and the guest's access
 * raises #NPF(RMP): the entry is not the guest's. guest_memfd won't help, as a
 * folio is prepared once in its life. Here the page is assigned anew, with
 * Validated clear, and the guest gets its #VC(PAGE_NOT_VALIDATED): only the
 * guest can decide whether it goes on without what the page held.
 *
 * Invariant: a page is assigned only while it belongs to the guest_memfd, which
 * truncation ends under the folio's lock before it returns the page to shared.
 *
 * Caller: sev_handle_rmp_fault(), by a hook.
 */
#include <linux/pagemap.h>
#include <asm/sev.h>

#include "svm.h"
#include "snp_refault.h"

/**
 * snp_refault_page() - give a private page back to the guest it was taken from
 * @kvm: an SNP VM
 * @gfn: private guest frame that raised #NPF(RMP)
 * @pfn: page that backs it, from kvm_gmem_get_pfn(); the caller holds it
 * @order: largest order, as kvm_gmem_get_pfn() said
 *
 * vCPUs that fault on one page are serialised by the folio's lock: the second
 * one finds it assigned and must not clear what the guest has validated since.
 *
 * Context: process context, may sleep; kvm->srcu held for reading, no mmu_lock.
 * Return: true: the vCPU re-enters the guest; false: the page was assigned all
 * along, or RMPUPDATE failed: the case is upstream's.
 */
bool snp_refault_page(struct kvm *kvm, gfn_t gfn, kvm_pfn_t pfn, int order)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));
	bool assigned, done = true;
	int level;

	if (snp_lookup_rmpentry(pfn, &assigned, &level) || assigned)
		return false;

	/* No vCPU keeps a translation from before the flip, of any size. */
	kvm_zap_gfn_range(kvm, gfn, gfn + 1);

	folio_lock(folio);
	/* Truncated: the next fault finds what the gfn is now. */
	if (folio->mapping)
		done = !sev_gmem_prepare(kvm, pfn, gfn, order);
	folio_unlock(folio);

	return done;
}
