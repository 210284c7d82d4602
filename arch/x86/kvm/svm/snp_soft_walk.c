// SPDX-License-Identifier: GPL-2.0-only
/*
 * Microcode's way to guest memory: instruction bytes, exception frames and the
 * operands of the instructions executed in software. It walks the guest's own
 * page tables in whatever paging mode the guest is, and every access on the
 * way, page-table reads included, goes through KVM's nested table and the RMP
 * check like one of the guest's.
 *
 * Invariant: nothing is read or written that the guest itself could not have
 * read or written at that moment. The guest's tables change under us; each
 * entry is read once. Called by the run loop and by snp_soft_guest_insn.c. A
 * and D bits of the guest's own entries are left to the CPU below, which sets
 * them when the guest itself gets there.
 */
#include "x86.h"
#include "mmu.h"
#include "snp_soft.h"

/* The shape of a guest's page tables in one paging mode (APM vol. 2, 5.2, 5.3) */
struct snp_soft_pgmode {
	int levels;
	int bits;		/* index bits per level */
	int entry_size;
	int max_leaf;		/* largest level at which PS makes a leaf */
	bool pae_root;		/* the top level is four PDPTEs without permissions */
};

static struct snp_soft_pgmode snp_soft_pgmode(const struct snp_soft_gctx *ctx)
{
	if (!(ctx->cr4 & X86_CR4_PAE))
		return (struct snp_soft_pgmode) {
			.levels = 2, .bits = 10, .entry_size = 4,
			.max_leaf = ctx->cr4 & X86_CR4_PSE ? PG_LEVEL_2M : PG_LEVEL_4K,
		};

	if (!(ctx->efer & EFER_LMA))
		return (struct snp_soft_pgmode) {
			.levels = 3, .bits = 9, .entry_size = 8,
			.max_leaf = PG_LEVEL_2M, .pae_root = true,
		};

	return (struct snp_soft_pgmode) {
		.levels = ctx->cr4 & X86_CR4_LA57 ? 5 : 4, .bits = 9, .entry_size = 8,
		.max_leaf = PG_LEVEL_1G,
	};
}

static u64 snp_soft_root(const struct snp_soft_gctx *ctx, const struct snp_soft_pgmode *mode)
{
	u64 mask = GENMASK_ULL(51, PAGE_SHIFT);

	if (mode->pae_root)
		mask = GENMASK_ULL(31, 5);
	else if (mode->entry_size == 4)
		mask = GENMASK_ULL(31, PAGE_SHIFT);

	return ctx->cr3 & mask & (ctx->sev ? ~SNP_SOFT_C_MASK : ~0ULL);
}

/* Access checked by the nested table and the RMP; errors as the callers' below. */
static int snp_soft_guest_hpa(const struct snp_soft_gctx *ctx, u64 nested_cr3, u64 gpa,
			      bool private, u64 access, struct snp_soft_npf *npf, hpa_t *hpa)
{
	struct snp_soft_map map;

	npf->gpa = gpa;
	npf->error_code = access;
	switch (snp_soft_nested_access(NULL, ctx, nested_cr3, private, npf, &map)) {
	case SNP_SOFT_FILL_NPF:
		return -EAGAIN;
	case SNP_SOFT_FILL_VC:
		return -EACCES;
	case SNP_SOFT_FILL_RETRY:
		break;
	}

	/* KVM is busy with this entry: let it finish, the guest tries again */
	if (!map.hpa)
		return -EAGAIN;
	if (!pfn_valid(map.hpa >> PAGE_SHIFT))
		return -ENXIO;

	*hpa = map.hpa;
	return 0;
}

static int snp_soft_read_pte(const struct snp_soft_gctx *ctx, u64 nested_cr3, u64 gpa,
			     int size, u64 *pte, struct snp_soft_npf *npf)
{
	hpa_t hpa;
	int ret;

	/* Page-table walks are private, and writes to the nested table */
	ret = snp_soft_guest_hpa(ctx, nested_cr3, gpa, ctx->sev,
				 PFERR_WRITE_MASK | PFERR_GUEST_PAGE_MASK, npf, &hpa);
	if (ret)
		return ret;

	*pte = 0;
	snp_soft_phys_read(hpa, pte, size);
	return 0;
}

static bool snp_soft_pte_reserved(const struct snp_soft_gctx *ctx,
				  const struct snp_soft_pgmode *mode, u64 pte, int level)
{
	if (mode->entry_size == 4)
		return false;
	if (pte & rsvd_bits(kvm_host.maxphyaddr, 51))
		return true;
	if ((pte & PT64_NX_MASK) && (!(ctx->efer & EFER_NX) || (mode->pae_root && level == 3)))
		return true;

	return level > mode->max_leaf && (pte & PT_PAGE_SIZE_MASK);
}

/* Protection check of APM vol. 2, 5.6, on the permissions of all levels. */
static bool snp_soft_perms_allow(const struct snp_soft_gctx *ctx, u64 perms, bool nx, u64 access)
{
	bool user = access & PFERR_USER_MASK, fetch = access & PFERR_FETCH_MASK;
	bool user_page = perms & PT_USER_MASK;

	if (user && !user_page)
		return false;
	if ((access & PFERR_WRITE_MASK) && !(perms & PT_WRITABLE_MASK) &&
	    (user || (ctx->cr0 & X86_CR0_WP)))
		return false;
	if (fetch && nx)
		return false;
	if (user || !user_page)
		return true;
	if (fetch)
		return !(ctx->cr4 & X86_CR4_SMEP);

	return !(ctx->cr4 & X86_CR4_SMAP) ||
	       (!(access & PFERR_IMPLICIT_ACCESS) && (ctx->rflags & X86_EFLAGS_AC));
}

static int snp_soft_guest_fault(const struct snp_soft_gctx *ctx, u64 gva, u64 access, u32 why,
				struct snp_soft_npf *npf)
{
	npf->gva = gva;
	npf->pf_error = why | (access & (PFERR_WRITE_MASK | PFERR_USER_MASK));
	if ((access & PFERR_FETCH_MASK) &&
	    ((ctx->efer & EFER_NX) || (ctx->cr4 & X86_CR4_SMEP)))
		npf->pf_error |= PFERR_FETCH_MASK;
	return -EFAULT;
}

/**
 * snp_soft_gva_to_gpa - walk the guest's page tables
 * @vcpu:	the vCPU, out of the guest
 * @ctx:	the guest CPU
 * @nested_cr3:	root of KVM's nested table
 * @gva:	linear address, canonical
 * @access:	PFERR_WRITE_MASK, PFERR_USER_MASK, PFERR_FETCH_MASK of the access, and
 *		PFERR_IMPLICIT_ACCESS if microcode makes it (SMAP whatever EFLAGS.AC)
 * @gpa:	receives the guest-physical address, without C-bit
 * @c_bit:	receives the effective C-bit of a data access; may be NULL
 * @level:	receives the level of the guest's leaf; may be NULL
 * @npf:	filled on errors
 *
 * The page at @gpa itself is not accessed. Protection keys are not checked.
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: 0;
 * -EFAULT: #PF in the guest, @npf->pf_error and @npf->gva say which;
 * -EAGAIN: #VMEXIT(NPF) on a page-table page, @npf is what KVM is to see;
 * -EACCES: #VC PAGE_NOT_VALIDATED on a page-table page, at @npf->gpa;
 * -ENXIO: a page-table page is no memory.
 */
int snp_soft_gva_to_gpa(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			u64 nested_cr3, u64 gva, u64 access, u64 *gpa, bool *c_bit,
			unsigned int *level, struct snp_soft_npf *npf)
{
	struct snp_soft_pgmode mode = snp_soft_pgmode(ctx);
	u64 perms = PT_WRITABLE_MASK | PT_USER_MASK;
	u64 table, pte = 0, offset = 0;
	bool nx = false;
	int at, ret;

	npf->gva = gva;
	if (!(ctx->cr0 & X86_CR0_PG)) {
		*gpa = (u32)gva;
		if (c_bit)
			*c_bit = ctx->sev;
		if (level)
			*level = PG_LEVEL_1G;
		return 0;
	}

	table = snp_soft_root(ctx, &mode);
	for (at = mode.levels; at >= PG_LEVEL_4K; at--) {
		int shift = PAGE_SHIFT + (at - 1) * mode.bits;
		u64 index = (gva >> shift) & ((1 << mode.bits) - 1);

		if (mode.pae_root && at == mode.levels)
			index &= 3;

		ret = snp_soft_read_pte(ctx, nested_cr3, table + index * mode.entry_size,
					mode.entry_size, &pte, npf);
		if (ret)
			return ret;
		if (!(pte & PT_PRESENT_MASK))
			return snp_soft_guest_fault(ctx, gva, access, 0, npf);
		if (snp_soft_pte_reserved(ctx, &mode, pte, at))
			return snp_soft_guest_fault(ctx, gva, access,
						    PFERR_PRESENT_MASK | PFERR_RSVD_MASK, npf);

		if (!(mode.pae_root && at == mode.levels))
			perms &= pte;
		nx |= mode.entry_size == 8 && (pte & PT64_NX_MASK);

		offset = (1ULL << shift) - 1;
		table = pte & GENMASK_ULL(51, PAGE_SHIFT);
		if (ctx->sev && mode.entry_size == 8)
			table &= ~SNP_SOFT_C_MASK;
		if (at == PG_LEVEL_4K || (at <= mode.max_leaf && (pte & PT_PAGE_SIZE_MASK)))
			break;
	}

	if (!snp_soft_perms_allow(ctx, perms, nx, access))
		return snp_soft_guest_fault(ctx, gva, access, PFERR_PRESENT_MASK, npf);

	/* PSE-36: bits 20:13 of a 4M entry are address bits 39:32 */
	if (mode.entry_size == 4 && at > PG_LEVEL_4K)
		table |= (pte & GENMASK_ULL(20, 13)) << 19;

	*gpa = (table & ~offset) | (gva & offset);
	if (c_bit)
		*c_bit = ctx->sev && (mode.entry_size == 4 || (pte & SNP_SOFT_C_MASK));
	if (level)
		*level = at;
	return 0;
}

/* One page's worth of a guest access. */
static int snp_soft_guest_page(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			       u64 nested_cr3, u64 gva, u64 access, struct snp_soft_npf *npf,
			       hpa_t *hpa)
{
	bool private;
	u64 gpa;
	int ret;

	ret = snp_soft_gva_to_gpa(vcpu, ctx, nested_cr3, gva, access, &gpa, &private, NULL, npf);
	if (ret)
		return ret;

	if (access & PFERR_FETCH_MASK)
		private = ctx->sev;

	access &= PFERR_WRITE_MASK | PFERR_FETCH_MASK;
	return snp_soft_guest_hpa(ctx, nested_cr3, gpa, private, access | PFERR_GUEST_FINAL_MASK,
				  npf, hpa);
}

/**
 * snp_soft_guest_read - read guest memory as microcode does
 * @vcpu:	the vCPU, out of the guest
 * @ctx:	the guest CPU
 * @nested_cr3:	root of KVM's nested table
 * @gva:	linear address, canonical
 * @fetch:	instruction bytes at the current CPL; else implicit supervisor data
 * @buf:	receives the bytes
 * @len:	how many; may cross pages
 * @npf:	filled on errors
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: 0 or, with @buf partly written, what snp_soft_gva_to_gpa() returns, for
 * the page itself as well as for page tables.
 */
int snp_soft_guest_read(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			u64 nested_cr3, u64 gva, bool fetch, void *buf, size_t len,
			struct snp_soft_npf *npf)
{
	u64 access = PFERR_IMPLICIT_ACCESS;
	size_t part;
	hpa_t hpa;
	int ret;

	if (fetch)
		access = PFERR_FETCH_MASK | (ctx->cpl == 3 ? PFERR_USER_MASK : 0);

	for (; len; len -= part, gva += part, buf += part) {
		part = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
		ret = snp_soft_guest_page(vcpu, ctx, nested_cr3, gva, access, npf, &hpa);
		if (ret)
			return ret;
		snp_soft_phys_read(hpa, buf, part);
	}
	return 0;
}

/**
 * snp_soft_guest_write - write guest memory as microcode does
 * @vcpu:	the vCPU, out of the guest
 * @ctx:	the guest CPU
 * @nested_cr3:	root of KVM's nested table
 * @gva:	linear address, canonical
 * @buf:	the bytes
 * @len:	how many, at most a page; may cross into a second page
 * @npf:	filled on errors
 *
 * An implicit supervisor access. All or nothing: both pages are translated and
 * checked before the first byte is written, so that the guest can repeat what
 * failed.
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: as snp_soft_guest_read(); -EINVAL: @len is more than a page.
 */
int snp_soft_guest_write(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			 u64 nested_cr3, u64 gva, const void *buf, size_t len,
			 struct snp_soft_npf *npf)
{
	u64 access = PFERR_WRITE_MASK | PFERR_IMPLICIT_ACCESS;
	size_t part = min_t(size_t, len, PAGE_SIZE - offset_in_page(gva));
	hpa_t first, second = 0;
	int ret;

	if (len > PAGE_SIZE)
		return -EINVAL;

	ret = snp_soft_guest_page(vcpu, ctx, nested_cr3, gva, access, npf, &first);
	if (!ret && part < len)
		ret = snp_soft_guest_page(vcpu, ctx, nested_cr3, gva + part, access, npf,
					  &second);
	if (ret)
		return ret;

	snp_soft_phys_write(first, buf, part);
	if (part < len)
		snp_soft_phys_write(second, buf + part, len - part);
	return 0;
}
