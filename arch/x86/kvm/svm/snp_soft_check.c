// SPDX-License-Identifier: GPL-2.0-only
/*
 * May this access have this page? The RMP and VMPL checks of APM vol. 2,
 * 15.36.10, as a pure function of the RMP entry and the access, so that the
 * table in the manual can be tested as a table (snp_soft_check_kunit.c). The
 * nested walk (snp_soft_tlb.c) is its only other caller.
 */
#include <linux/kvm_host.h>

#include <asm/sev.h>

#include "snp_soft.h"

static bool snp_soft_vmpl_allows(const struct snp_soft_rmpe *e, const struct snp_soft_access *a)
{
	u8 need = SNP_SOFT_PERM_R;

	/* RMPADJUST can't take anything from VMPL0: its permissions are full */
	if (!a->vmpl)
		return true;

	if (a->fetch)
		need = a->user ? SNP_SOFT_PERM_UX : SNP_SOFT_PERM_SX;
	else if (a->write)
		need |= SNP_SOFT_PERM_W;

	return a->vmpl < ARRAY_SIZE(e->perms) && (e->perms[a->vmpl] & need) == need;
}

/**
 * snp_soft_rmp_verdict - judge one guest access by the RMP
 * @e:	effective 4K view of the page's entry, NULL if the RMP does not cover it
 * @a:	the access, already allowed by the nested tables
 * @error_bits: receives the PFERR_* bits that the RMP adds to the #NPF
 *
 * Shared accesses, and all accesses of guests that are not SNP-active, may
 * read anything (silicon returns ciphertext) but write only pages that belong
 * to the hypervisor; of a large mapping, every page must. Private accesses of
 * an SNP guest need a page that is assigned to this ASID at this GPA, in the
 * size in which the nested table maps it, mutable if it is written, validated,
 * and open to the VMPL. Page-size mismatches of accesses do not set SIZEM,
 * which PVALIDATE and RMPADJUST have for themselves (15.36.10, 15.36.11).
 *
 * Context: any; pure.
 * Return: SNP_SOFT_FILL_RETRY if allowed, SNP_SOFT_FILL_NPF or SNP_SOFT_FILL_VC.
 */
enum snp_soft_fill snp_soft_rmp_verdict(const struct snp_soft_rmpe *e,
					const struct snp_soft_access *a, u64 *error_bits)
{
	*error_bits = PFERR_GUEST_RMP_MASK;

	if (!a->snp || !a->private) {
		if (a->write && ((e && e->assigned) || a->neighbour))
			return SNP_SOFT_FILL_NPF;
		return SNP_SOFT_FILL_RETRY;
	}

	if (!e || !e->assigned || e->asid != a->asid || e->gpa != a->gpa >> PAGE_SHIFT)
		return SNP_SOFT_FILL_NPF;

	if (a->write && e->immutable)
		return SNP_SOFT_FILL_NPF;

	if (e->pagesize != PG_LEVEL_TO_RMP(a->level))
		return SNP_SOFT_FILL_NPF;

	if (!e->validated)
		return SNP_SOFT_FILL_VC;

	if (!snp_soft_vmpl_allows(e, a)) {
		*error_bits |= PFERR_GUEST_VMPL_MASK;
		return SNP_SOFT_FILL_NPF;
	}

	return SNP_SOFT_FILL_RETRY;
}
