/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest side of the software SNP platform: what a CPU that runs an SEV,
 * SEV-ES or SNP guest does between VMRUN and #VMEXIT.
 *
 * Three ideas, three files. snp_soft_tlb.c is the CPU's TLB: own nested tables
 * that hold a translation only after KVM's nested table allowed it and the RMP
 * check passed. snp_soft_walk.c is microcode's way to guest memory: it walks
 * the guest's tables and reads or writes through the same checks.
 * snp_soft_guest_insn.c executes the instructions the CPU below does not know.
 *
 * The run loop calls all of it (but for init and free) while its vCPU is out
 * of the guest on this CPU: IRQs off, vcpu->mode IN_GUEST_MODE. Nothing sleeps
 * or allocates, and nothing takes a lock but that of an RMP region.
 */
#ifndef __KVM_SVM_SNP_SOFT_H
#define __KVM_SVM_SNP_SOFT_H

#include <linux/kvm_host.h>
#include <asm/processor-flags.h>
#include <asm/snp_soft.h>

/**
 * struct snp_soft_gctx - the guest CPU, as address translation sees it
 * @cr0:	CR0
 * @cr3:	CR3, C-bit included
 * @cr4:	CR4
 * @efer:	EFER
 * @rflags:	RFLAGS; only AC and IF matter
 * @cs_base:	CS base, used outside 64-bit mode only
 * @cs_l:	CS.L: with EFER.LMA the CPU is in 64-bit mode
 * @cpl:	current privilege level
 * @vmpl:	VM privilege level of the VMSA, 0 is the highest
 * @asid:	ASID of the VM
 * @sev:	an SEV VM of any type: the C-bit is no address bit
 * @es:		its register state is encrypted
 * @snp:	the RMP checks of an SNP-active guest apply
 */
struct snp_soft_gctx {
	u64 cr0;
	u64 cr3;
	u64 cr4;
	u64 efer;
	u64 rflags;
	u64 cs_base;
	bool cs_l;
	u8 cpl;
	u8 vmpl;
	u32 asid;
	bool sev;
	bool es;
	bool snp;
};

/* No place for a C-bit in its page tables: every access is private. */
static inline bool snp_soft_gctx_unpaged(const struct snp_soft_gctx *ctx)
{
	return !(ctx->cr0 & X86_CR0_PG) || !(ctx->cr4 & X86_CR4_PAE);
}

static inline bool snp_soft_gctx_64bit(const struct snp_soft_gctx *ctx)
{
	return (ctx->efer & EFER_LMA) && ctx->cs_l;
}

/**
 * struct snp_soft_npf - a fault on the way to guest memory
 * @gpa:	 guest-physical address. From TCG: EXITINFO2, C-bit included; to KVM: without
 * @error_code:	 EXITINFO1, PFERR_* bits
 * @gva:	 after -EFAULT from the walker: CR2
 * @pf_error:	 after -EFAULT from the walker: error code of the guest's #PF
 */
struct snp_soft_npf {
	u64 gpa;
	u64 error_code;
	u64 gva;
	u32 pf_error;
};

/* ---- the TLB: snp_soft_tlb.c ------------------------------------------ */

#define SNP_SOFT_TLB_PAGES	64

/**
 * struct snp_soft_tlb - nested tables of one vCPU
 * @pages:	the pool; the first two are the roots (paged, unpaged)
 * @used:	how many of them hold tables now
 * @generation:	snp_soft_rmp_generation() that the entries were checked against
 * @shared_2m:	first pfn of the 2M region last found to hold no assigned page, or ~0
 * @fills:	entries installed since init
 * @drops:	flushes since init
 */
struct snp_soft_tlb {
	u64 *pages[SNP_SOFT_TLB_PAGES];
	unsigned int used;
	u64 generation;
	u64 shared_2m;
	u64 fills;
	u64 drops;
};

/**
 * enum snp_soft_fill - what a nested miss turned out to be
 * @SNP_SOFT_FILL_RETRY: an entry was installed, or the tables moved: re-enter
 * @SNP_SOFT_FILL_NPF:	 #VMEXIT(NPF); npf is what silicon reports
 * @SNP_SOFT_FILL_VC:	 #VC, error code PAGE_NOT_VALIDATED (0x404)
 */
enum snp_soft_fill {
	SNP_SOFT_FILL_RETRY,
	SNP_SOFT_FILL_NPF,
	SNP_SOFT_FILL_VC,
};

#define SNP_SOFT_VC_NOT_VALIDATED	0x404

int snp_soft_tlb_init(struct snp_soft_tlb *tlb);
void snp_soft_tlb_free(struct snp_soft_tlb *tlb);
void snp_soft_tlb_drop(struct snp_soft_tlb *tlb);
void snp_soft_tlb_sync(struct snp_soft_tlb *tlb);
hpa_t snp_soft_tlb_root(struct snp_soft_tlb *tlb, bool unpaged);
enum snp_soft_fill snp_soft_tlb_fill(struct kvm_vcpu *vcpu, struct snp_soft_tlb *tlb,
				     const struct snp_soft_gctx *ctx, u64 nested_cr3,
				     struct snp_soft_npf *npf);

/* ---- the check itself: snp_soft_check.c -------------------------------- */

/**
 * struct snp_soft_access - one access to guest memory, ready to be judged
 * @gpa:	guest-physical address without C-bit
 * @asid:	of the VM
 * @level:	of the nested mapping (PG_LEVEL_4K..1G)
 * @vmpl:	of the vCPU
 * @user:	CPL 3, decides between user and supervisor execution
 * @snp:	the guest is SNP-active
 * @private:	effective C-bit
 * @write:	data write, or a page-table walk
 * @fetch:	instruction fetch
 * @neighbour:	another page of a large nested mapping is assigned
 */
struct snp_soft_access {
	u64 gpa;
	u32 asid;
	u8 level;
	u8 vmpl;
	bool user;
	bool snp;
	bool private;
	bool write;
	bool fetch;
	bool neighbour;
};

enum snp_soft_fill snp_soft_rmp_verdict(const struct snp_soft_rmpe *e,
					const struct snp_soft_access *a, u64 *error_bits);

/* ---- nested walk, shared by the TLB and the walker: snp_soft_tlb.c ----- */

/**
 * struct snp_soft_map - a leaf of KVM's nested table
 * @sptep:	where it is
 * @spte:	what it was
 * @hpa:	host-physical address of the byte that was asked for
 * @level:	PG_LEVEL_4K..1G
 * @exec:	NX is clear on all levels
 */
struct snp_soft_map {
	u64 *sptep;
	u64 spte;
	hpa_t hpa;
	int level;
	bool exec;
};

bool snp_soft_nested_walk(const struct snp_soft_gctx *ctx, u64 nested_cr3, bool private,
			  struct snp_soft_npf *npf, struct snp_soft_map *map);
enum snp_soft_fill snp_soft_nested_access(struct snp_soft_tlb *tlb,
					  const struct snp_soft_gctx *ctx, u64 nested_cr3,
					  bool private, struct snp_soft_npf *npf,
					  struct snp_soft_map *map);

/* ---- guest memory: snp_soft_walk.c ------------------------------------- */

int snp_soft_gva_to_gpa(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			u64 nested_cr3, u64 gva, u64 access, u64 *gpa, bool *c_bit,
			unsigned int *level, struct snp_soft_npf *npf);
int snp_soft_guest_read(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			u64 nested_cr3, u64 gva, bool fetch, void *buf, size_t len,
			struct snp_soft_npf *npf);
int snp_soft_guest_write(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
			 u64 nested_cr3, u64 gva, const void *buf, size_t len,
			 struct snp_soft_npf *npf);

/* ---- guest instructions: snp_soft_guest_insn.c ------------------------- */

/**
 * struct snp_soft_gregs - the registers PVALIDATE and RMPADJUST touch
 * @rax:	address in, result out
 * @rcx:	page size
 * @rdx:	operation
 * @rip:	moved past the instruction when it is done
 * @rflags:	status flags of the result
 */
struct snp_soft_gregs {
	u64 rax;
	u64 rcx;
	u64 rdx;
	u64 rip;
	u64 rflags;
};

/**
 * enum snp_soft_insn - how an instruction that raised #UD ended
 * @SNP_SOFT_INSN_DONE:	completed; registers, flags and RIP are updated
 * @SNP_SOFT_INSN_NPF:	#VMEXIT(NPF) as in npf, the guest executes it again
 * @SNP_SOFT_INSN_PF:	#PF in the guest with *pf_error at *fault_gva
 * @SNP_SOFT_INSN_GP:	#GP(0) in the guest
 * @SNP_SOFT_INSN_UD:	not ours: #UD in the guest
 * @SNP_SOFT_INSN_VC:	#VC PAGE_NOT_VALIDATED in the guest, CR2 = *fault_gva
 */
enum snp_soft_insn {
	SNP_SOFT_INSN_DONE,
	SNP_SOFT_INSN_NPF,
	SNP_SOFT_INSN_PF,
	SNP_SOFT_INSN_GP,
	SNP_SOFT_INSN_UD,
	SNP_SOFT_INSN_VC,
};

enum snp_soft_insn snp_soft_guest_ud(struct kvm_vcpu *vcpu, const struct snp_soft_gctx *ctx,
				     u64 nested_cr3, struct snp_soft_gregs *regs,
				     struct snp_soft_npf *npf, u32 *pf_error, u64 *fault_gva);

#endif /* __KVM_SVM_SNP_SOFT_H */
