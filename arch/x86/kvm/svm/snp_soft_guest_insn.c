// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instructions of an SNP guest that the CPU below does not know: PVALIDATE
 * and RMPADJUST raise #UD there, the run loop intercepts it and asks here.
 *
 * Order of checks as in APM vol. 3: what raises #UD, privilege, operands, then
 * the translation, then the RMP; the entry itself changes under its lock in
 * snp_soft_rmp_pvalidate() and snp_soft_rmp_adjust(). An instruction either
 * completes or changes nothing. The caller drops the TLB by the RMP's
 * generation, ends the interrupt shadow of a completed instruction, and has
 * every fault that is not ours delivered.
 */
#include <linux/bitops.h>

#include "x86.h"
#include "mmu.h"
#include "snp_soft.h"

#include <trace/events/snp_soft.h>

#define INSN_LEN	4

static const u8 insn_pvalidate[INSN_LEN] = { 0xf2, 0x0f, 0x01, 0xff };
static const u8 insn_rmpadjust[INSN_LEN] = { 0xf3, 0x0f, 0x01, 0xfe };

/* One PVALIDATE or RMPADJUST on its way. */
struct snp_soft_op {
	struct kvm_vcpu *vcpu;
	const struct snp_soft_gctx *ctx;
	u64 nested_cr3;
	struct snp_soft_gregs *regs;
	struct snp_soft_npf *npf;
	bool adjust;
	bool large;
	u64 gva;
	u64 gpa;
	u64 pfn;
};

static enum snp_soft_insn snp_soft_insn_error(int err)
{
	switch (err) {
	case -EFAULT:
		return SNP_SOFT_INSN_PF;
	case -EACCES:
		return SNP_SOFT_INSN_VC;
	case -EAGAIN:
		return SNP_SOFT_INSN_NPF;
	default:
		return SNP_SOFT_INSN_UD;
	}
}

/*
 * Byte by byte: an undefined instruction may be shorter than ours and end at
 * the last mapped byte.
 */
static enum snp_soft_insn snp_soft_decode(struct snp_soft_op *op)
{
	const u8 *want = insn_pvalidate;
	u64 rip = op->regs->rip;
	u8 byte;
	int i, ret;

	for (i = 0; i < INSN_LEN; i++, rip++) {
		u64 linear = snp_soft_gctx_64bit(op->ctx) ? rip : (u32)(op->ctx->cs_base + rip);

		ret = snp_soft_guest_read(op->vcpu, op->ctx, op->nested_cr3, linear, true,
					  &byte, 1, op->npf);
		if (ret)
			return snp_soft_insn_error(ret);

		if (!i && byte == insn_rmpadjust[0]) {
			op->adjust = true;
			want = insn_rmpadjust;
		}
		if (byte != want[i])
			return SNP_SOFT_INSN_UD;
	}
	return SNP_SOFT_INSN_DONE;
}

static enum snp_soft_insn snp_soft_insn_npf(struct snp_soft_op *op, u64 bits)
{
	op->npf->gpa = op->gpa;
	op->npf->error_code = PFERR_PRESENT_MASK | PFERR_USER_MASK | PFERR_GUEST_RMP_MASK |
			      PFERR_GUEST_FINAL_MASK | PFERR_GUEST_ENC_MASK | bits;
	return SNP_SOFT_INSN_NPF;
}

/* Result in EAX; OF, SF, ZF, AF and PF as an arithmetic instruction sets them. */
static enum snp_soft_insn snp_soft_complete(struct snp_soft_op *op, u32 status, bool carry)
{
	struct snp_soft_gregs *regs = op->regs;
	u64 next = regs->rip + INSN_LEN;

	trace_snp_soft_insn(op->vcpu->vcpu_id, op->adjust, op->gva, op->gpa, op->large,
			    regs->rdx, status, carry);

	regs->rflags &= ~(u64)(X86_EFLAGS_OF | X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF |
			       X86_EFLAGS_PF);
	if (!status)
		regs->rflags |= X86_EFLAGS_ZF;
	if (!(hweight8(status) & 1))
		regs->rflags |= X86_EFLAGS_PF;
	if (!op->adjust)
		regs->rflags &= ~(u64)X86_EFLAGS_CF;
	if (carry)
		regs->rflags |= X86_EFLAGS_CF;

	regs->rax = status;
	regs->rip = snp_soft_gctx_64bit(op->ctx) ? next : (u32)next;
	return SNP_SOFT_INSN_DONE;
}

/* Find the page: guest tables and nested table as for a one-byte private read. */
static enum snp_soft_insn snp_soft_translate(struct snp_soft_op *op)
{
	struct snp_soft_map map;
	int ret;

	ret = snp_soft_gva_to_gpa(op->vcpu, op->ctx, op->nested_cr3, op->gva, 0, &op->gpa, NULL,
				  NULL, op->npf);
	if (ret)
		return snp_soft_insn_error(ret);

	op->npf->gpa = op->gpa;
	op->npf->error_code = PFERR_GUEST_FINAL_MASK;
	if (!snp_soft_nested_walk(op->ctx, op->nested_cr3, true, op->npf, &map))
		return SNP_SOFT_INSN_NPF;

	op->pfn = map.hpa >> PAGE_SHIFT;
	return SNP_SOFT_INSN_DONE;
}

static enum snp_soft_insn snp_soft_execute(struct snp_soft_op *op)
{
	struct snp_soft_gregs *regs = op->regs;
	const struct snp_soft_gctx *ctx = op->ctx;
	bool changed = true;
	int status;

	/* A large request must name the 2M page that a 2M entry would describe */
	if (op->large && (op->gpa | op->pfn << PAGE_SHIFT) & ~PMD_MASK)
		return snp_soft_complete(op, SNP_SOFT_FAIL_SIZEMISMATCH, false);

	if (op->adjust)
		status = snp_soft_rmp_adjust(op->pfn, op->gpa, ctx->asid, op->large, ctx->vmpl,
					     regs->rdx);
	else
		status = snp_soft_rmp_pvalidate(op->pfn, op->gpa, ctx->asid, op->large,
						regs->rdx & 1, &changed);

	switch (status) {
	case -EFAULT:
		return snp_soft_insn_npf(op, 0);
	case -E2BIG:
		return snp_soft_insn_npf(op, PFERR_GUEST_SIZEM_MASK);
	case -EACCES:
		op->npf->gva = op->gva;
		return SNP_SOFT_INSN_VC;
	default:
		return snp_soft_complete(op, status, !status && !changed);
	}
}

/**
 * snp_soft_guest_ud - execute what raised #UD in the guest, if it is ours
 * @vcpu:	the vCPU, out of the guest after an intercepted #UD
 * @ctx:	the guest CPU
 * @nested_cr3:	root of KVM's nested table
 * @regs:	its registers; written only for SNP_SOFT_INSN_DONE
 * @npf:	filled for SNP_SOFT_INSN_NPF
 * @pf_error:	filled for SNP_SOFT_INSN_PF
 * @fault_gva:	filled for SNP_SOFT_INSN_PF and SNP_SOFT_INSN_VC: CR2
 *
 * PVALIDATE (F2 0F 01 FF): rAX = address, ECX = 0 for 4K, 1 for 2M, EDX[0] = new
 * Validated. RMPADJUST (F3 0F 01 FE), 64-bit mode only: RAX = address, RCX =
 * page size, RDX = target VMPL, permissions, VMSA. Both: APM vol. 3; #UD unless
 * the guest is SNP-active, #GP(0) unless CPL 0. Results in EAX are FAIL_INPUT
 * (page size unknown, or 2M at an address that is not), FAIL_PERMISSION (RMPADJUST)
 * and FAIL_SIZEMISMATCH (2M over 4K entries). A page that is not assigned to the
 * guest at this address, or a 4K request inside a 2M entry (SIZEM), is
 * #VMEXIT(NPF): KVM repairs it and the guest executes the instruction again.
 * PVALIDATE sets CF when it changed nothing. Forms with more prefixes than the
 * mandatory one are not recognised. PVALIDATE outside VMPL0 is #GP(0).
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: see enum snp_soft_insn.
 */
enum snp_soft_insn snp_soft_guest_ud(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
				     u64 nested_cr3, struct snp_soft_gregs *regs,
				     struct snp_soft_npf *npf, u32 *pf_error, u64 *fault_gva)
{
	struct snp_soft_op op = {
		.vcpu = vcpu,
		.ctx = ctx,
		.nested_cr3 = nested_cr3,
		.regs = regs,
		.npf = npf,
	};
	bool long64 = snp_soft_gctx_64bit(ctx);
	enum snp_soft_insn ret;
	u64 size;

	if (!ctx->snp)
		return SNP_SOFT_INSN_UD;

	ret = snp_soft_decode(&op);
	if (ret != SNP_SOFT_INSN_DONE)
		goto out;
	if (op.adjust && !long64)
		return SNP_SOFT_INSN_UD;
	if (ctx->cpl || (!op.adjust && ctx->vmpl))
		return SNP_SOFT_INSN_GP;

	size = op.adjust ? regs->rcx : (u32)regs->rcx;
	op.large = size;
	op.gva = long64 ? regs->rax : (u32)regs->rax;
	if (long64 && !__is_canonical_address(op.gva, ctx->cr4 & X86_CR4_LA57 ? 57 : 48))
		return SNP_SOFT_INSN_GP;
	op.gva &= PAGE_MASK;
	if (size > 1 || (op.large && (op.gva & ~PMD_MASK)))
		return snp_soft_complete(&op, SNP_SOFT_FAIL_INPUT, false);

	ret = snp_soft_translate(&op);
	if (ret == SNP_SOFT_INSN_DONE)
		ret = snp_soft_execute(&op);
out:
	*pf_error = npf->pf_error;
	*fault_gva = npf->gva;
	return ret;
}
