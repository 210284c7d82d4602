// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMRUN as an SEV CPU does it, on a CPU that only knows plain SVM.
 *
 * KVM's VMCB is never run for an SEV guest. Each vCPU owns a second one, the
 * hardware VMCB: control fields from KVM's, the nested table of
 * snp_soft_tlb.c in place of KVM's, and the guest's registers from where
 * silicon would take them - KVM's save area for plain SEV, the VMSA page for
 * SEV-ES and SEV-SNP. __svm_vcpu_run() is pointed at it for the duration of
 * the call, so world switch, VMLOAD/VMSAVE and host state come for free.
 *
 * The invariant: between two calls of svm_vcpu_run() all guest state of an
 * SEV-ES or SEV-SNP vCPU is in its VMSA page and nowhere else, so whatever
 * moves the page moves the vCPU.
 *
 * svm_vcpu_run() calls begin, VMRUN, end; as long as end says that silicon
 * would not have left the guest (TLB fill, PVALIDATE, #VC delivery, an MSR
 * the guest may touch), it goes round again. GIF=0 and IRQs off throughout:
 * nothing here sleeps or allocates, and the round trips are bounded.
 */
#include <linux/kvm_host.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <asm/fpu/xcr.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xstate.h>
#include <asm/insn.h>
#include <asm/insn-eval.h>
#include <asm/sev.h>
#include <asm/special_insns.h>
#include <asm/svm.h>
#include <asm/snp_soft.h>

#include "x86.h"
#include "svm.h"
#include "snp_soft.h"
#include "snp_soft_run.h"

#include <trace/events/ipi.h>

#define CREATE_TRACE_POINTS
#include <trace/events/snp_soft_run.h>

/*
 * Rounds within one svm_vcpu_run(). Any pending interrupt ends the rounds
 * earlier; this only bounds the time without one.
 */
#define SNP_SOFT_MAX_ROUNDS	512

#define SNP_SOFT_MAX_INSN	15

/* #VC is pushed as vector 17, the nearest one for which TCG has an error code. */
#define SNP_SOFT_VC_STAND_IN	X86_TRAP_AC
#define SNP_SOFT_VC_SHIFT	(X86_TRAP_VC - SNP_SOFT_VC_STAND_IN)

/* Up to here VMSA and VMCB save area have one layout (APM vol. 2, B-2, B-4). */
#define SNP_SOFT_SAVE_COMMON	offsetof(struct vmcb_save_area, reserved_0x298)

enum snp_soft_stage {
	SNP_SOFT_STAGE_RUN,	/* the guest runs */
	SNP_SOFT_STAGE_VC,	/* this VMRUN only delivers #VC */
	SNP_SOFT_STAGE_DF,	/* this VMRUN only delivers #DF */
};

/**
 * struct snp_soft_vcpu - the microcode's own state for one SEV vCPU
 * @hw: the hardware VMCB
 * @hw_pa: its physical address
 * @kvm_pa: what KVM's vmcb01.pa holds outside of begin..end
 * @msrpm: the permission map in force: KVM's, plus what is emulated here
 * @xsave: scratch for XSAVE and XRSTOR, one page
 * @tlb: nested table in force
 * @nested_cr3: KVM's nested table that @tlb was filled from
 * @active: between the first begin and the last end of svm_vcpu_run()
 * @skip: this round does not execute VMRUN, the exit is already in @hw
 * @stage: what this round is for
 * @rounds: rounds so far
 * @vmsa_pa: VMSA page loaded into @vmsa
 * @last_vmsa_pa: VMSA page that @cr0, @cr4 and @efer belong to
 * @vmsa: its image
 * @vmsa_held: @vmsa_pa is marked as in use in the RMP
 * @kvm_regs: KVM's view of the GPRs, to be given back to it
 * @host_xcr0: host's XCR0
 * @host_pkru: host's PKRU
 * @cr0: value last reported by a CR0 write trap
 * @cr4: value last reported by a CR4 write trap
 * @efer: value last reported by an EFER write trap
 * @idtr: the guest's own IDTR while a #VC is being delivered
 * @entered: the save area that the current VMRUN was given
 */
struct snp_soft_vcpu {
	struct vmcb *hw;
	u64 hw_pa;
	u64 kvm_pa;
	u32 *msrpm;
	struct xregs_state *xsave;
	struct snp_soft_tlb tlb;
	u64 nested_cr3;
	bool active;
	bool skip;
	enum snp_soft_stage stage;
	unsigned int rounds;
	u64 vmsa_pa;
	u64 last_vmsa_pa;
	struct sev_es_save_area vmsa;
	bool vmsa_held;
	unsigned long kvm_regs[NR_VCPU_REGS];
	u64 host_xcr0;
	u32 host_pkru;
	u64 cr0;
	u64 cr4;
	u64 efer;
	struct vmcb_seg idtr;
	u8 entered[SNP_SOFT_SAVE_COMMON];
};

/* ASID of the SNP guest this CPU is inside of, 0 = none. */
static DEFINE_PER_CPU(u32, snp_soft_running_asid);

/* A changed RMP entry may be cached by a CPU in a guest: get it out. */
static void snp_soft_kick(u32 asid)
{
	int cpu;

	/* Pairs with the barrier in __snp_soft_vmrun_begin(). */
	smp_mb();
	for_each_online_cpu(cpu) {
		u32 running = READ_ONCE(per_cpu(snp_soft_running_asid, cpu));

		if (running && (!asid || running == asid))
			smp_send_reschedule(cpu);
	}
}

static void snp_soft_vcpu_release(struct snp_soft_vcpu *s)
{
	snp_soft_tlb_free(&s->tlb);
	free_pages((unsigned long)s->msrpm, get_order(MSRPM_SIZE));
	free_page((unsigned long)s->xsave);
	free_page((unsigned long)s->hw);
	kfree(s);
}

/**
 * __snp_soft_vcpu_prepare() - give an SEV vCPU its hardware VMCB
 * @vcpu: about to enter KVM_RUN's inner loop
 *
 * Context: process, may sleep; vcpu->mutex held.
 * Return: 1 to go on, -ENOMEM.
 */
int __snp_soft_vcpu_prepare(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct snp_soft_vcpu *s;

	if (svm->snp_soft || !sev_guest(vcpu->kvm))
		return 1;

	s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;

	if (snp_soft_tlb_init(&s->tlb)) {
		kfree(s);
		return -ENOMEM;
	}

	s->hw = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	s->xsave = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	s->msrpm = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT, get_order(MSRPM_SIZE));
	if (!s->hw || !s->xsave || !s->msrpm) {
		snp_soft_vcpu_release(s);
		return -ENOMEM;
	}

	s->hw_pa = __pa(s->hw);
	s->vmsa_pa = INVALID_PAGE;
	s->last_vmsa_pa = INVALID_PAGE;
	s->nested_cr3 = INVALID_PAGE;
	svm->snp_soft = s;
	WRITE_ONCE(snp_soft_rmp_changed, snp_soft_kick);
	return 1;
}

/**
 * snp_soft_vcpu_free() - undo __snp_soft_vcpu_prepare()
 * @vcpu: being destroyed; its VMSA page, if any, is no longer in use
 *
 * Context: process, may sleep.
 */
void snp_soft_vcpu_free(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);

	if (!svm->snp_soft)
		return;

	snp_soft_vcpu_release(svm->snp_soft);
	svm->snp_soft = NULL;
}

/* ---- MSR permission map -------------------------------------------------- */

/* Two bits an MSR; three ranges of 0x2000 MSRs (APM vol. 2, 15.11). */
static void snp_soft_intercept_msr(u32 *msrpm, u32 msr)
{
	unsigned long bit = 2 * (msr & 0x1fff);

	if (msr >= 0xc0010000)
		bit += 0x1000 * BITS_PER_BYTE;
	else if (msr >= 0xc0000000)
		bit += 0x800 * BITS_PER_BYTE;

	__set_bit(bit, (unsigned long *)msrpm);
	__set_bit(bit + 1, (unsigned long *)msrpm);
}

static void snp_soft_load_msrpm(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	memcpy(s->msrpm, svm->msrpm, MSRPM_SIZE);
	snp_soft_intercept_msr(s->msrpm, MSR_AMD64_SEV);
	if (!sev_es_guest(svm->vcpu.kvm))
		return;

	/* TCG shares PAT between host and guest. */
	snp_soft_intercept_msr(s->msrpm, MSR_IA32_CR_PAT);
	snp_soft_intercept_msr(s->msrpm, MSR_AMD64_SEV_ES_GHCB);
}

/* ---- FPU, XCR0 and PKRU --------------------------------------------------- */

/*
 * The x87 registers of a VMSA: eight times the low 8 bytes, then eight times
 * the high 2 (APM vol. 2, table B-4).
 */
static void snp_soft_load_fpu(struct snp_soft_vcpu *s)
{
	struct sev_es_save_area *vmsa = &s->vmsa;
	struct xregs_state *x = s->xsave;
	int i;

	memset(x, 0, XSAVE_HDR_OFFSET + XSAVE_HDR_SIZE);
	x->i387.cwd = vmsa->x87_fcw;
	x->i387.swd = vmsa->x87_fsw;
	x->i387.twd = vmsa->x87_ftw;
	x->i387.fop = vmsa->x87_fop;
	x->i387.rip = vmsa->x87_rip;
	x->i387.rdp = vmsa->x87_dp;
	x->i387.mxcsr = vmsa->mxcsr & 0xffff;
	for (i = 0; i < 8; i++) {
		u8 *st = (u8 *)x->i387.st_space + i * 16;

		memcpy(st, vmsa->fpreg_x87 + i * 8, 8);
		memcpy(st + 8, vmsa->fpreg_x87 + 64 + i * 2, 2);
	}
	memcpy(x->i387.xmm_space, vmsa->fpreg_xmm, sizeof(vmsa->fpreg_xmm));
	/* In the standard format YMM follows the header (APM vol. 2, 11.5). */
	memcpy(x->extended_state_area, vmsa->fpreg_ymm, sizeof(vmsa->fpreg_ymm));

	/*
	 * Under the host's XCR0: the guest's says what its XSAVE may touch, not
	 * what it has. With XCR0 = 1, as after reset, SSE works all the same.
	 */
	s->host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	x->header.xfeatures = s->host_xcr0 & (XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM);
	asm volatile("xrstor64 %0" : : "m" (*x), "a" (lower_32_bits(x->header.xfeatures)),
		     "d" (0) : "memory");
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		s->host_pkru = rdpkru();
		wrpkru(vmsa->pkru);
	}
	xsetbv(XCR_XFEATURE_ENABLED_MASK, vmsa->xcr0);
}

/* VMEXIT leaves the host with its own XCR0 and PKRU and an initial FPU state. */
static void snp_soft_store_fpu(struct snp_soft_vcpu *s)
{
	struct sev_es_save_area *vmsa = &s->vmsa;
	struct xregs_state *x = s->xsave;
	int i;

	vmsa->xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	xsetbv(XCR_XFEATURE_ENABLED_MASK, s->host_xcr0);
	memset(&x->header, 0, sizeof(x->header));
	asm volatile("xsave64 %0" : "+m" (*x) : "a" (lower_32_bits(s->host_xcr0) &
						     (XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM)),
		     "d" (0) : "memory");

	vmsa->x87_fcw = x->i387.cwd;
	vmsa->x87_fsw = x->i387.swd;
	vmsa->x87_ftw = x->i387.twd;
	vmsa->x87_fop = x->i387.fop;
	vmsa->x87_rip = x->i387.rip;
	vmsa->x87_dp = x->i387.rdp;
	for (i = 0; i < 8; i++) {
		u8 *st = (u8 *)x->i387.st_space + i * 16;

		memcpy(vmsa->fpreg_x87 + i * 8, st, 8);
		memcpy(vmsa->fpreg_x87 + 64 + i * 2, st + 8, 2);
	}
	vmsa->mxcsr = x->i387.mxcsr;
	memcpy(vmsa->fpreg_xmm, x->i387.xmm_space, sizeof(vmsa->fpreg_xmm));
	if (s->host_xcr0 & XFEATURE_MASK_YMM)
		memcpy(vmsa->fpreg_ymm, x->extended_state_area, sizeof(vmsa->fpreg_ymm));

	memset(x, 0, XSAVE_HDR_OFFSET + XSAVE_HDR_SIZE);
	x->i387.mxcsr = MXCSR_DEFAULT;
	asm volatile("xrstor64 %0" : : "m" (*x), "a" (lower_32_bits(s->host_xcr0)), "d" (0)
		     : "memory");
	if (cpu_feature_enabled(X86_FEATURE_OSPKE)) {
		vmsa->pkru = rdpkru();
		wrpkru(s->host_pkru);
	}
}

/* ---- VMSA ------------------------------------------------------------------ */

/* GPRs that VMRUN does not take from the VMCB: KVM's index, place in the VMSA. */
static const struct {
	u8 reg;
	u16 offset;
} snp_soft_gprs[] = {
	{ VCPU_REGS_RCX, offsetof(struct sev_es_save_area, rcx) },
	{ VCPU_REGS_RDX, offsetof(struct sev_es_save_area, rdx) },
	{ VCPU_REGS_RBX, offsetof(struct sev_es_save_area, rbx) },
	{ VCPU_REGS_RBP, offsetof(struct sev_es_save_area, rbp) },
	{ VCPU_REGS_RSI, offsetof(struct sev_es_save_area, rsi) },
	{ VCPU_REGS_RDI, offsetof(struct sev_es_save_area, rdi) },
	{ VCPU_REGS_R8, offsetof(struct sev_es_save_area, r8) },
	{ VCPU_REGS_R9, offsetof(struct sev_es_save_area, r9) },
	{ VCPU_REGS_R10, offsetof(struct sev_es_save_area, r10) },
	{ VCPU_REGS_R11, offsetof(struct sev_es_save_area, r11) },
	{ VCPU_REGS_R12, offsetof(struct sev_es_save_area, r12) },
	{ VCPU_REGS_R13, offsetof(struct sev_es_save_area, r13) },
	{ VCPU_REGS_R14, offsetof(struct sev_es_save_area, r14) },
	{ VCPU_REGS_R15, offsetof(struct sev_es_save_area, r15) },
};

/*
 * What VMRUN would refuse (APM vol. 2, 15.5.1, 15.35.8, 15.36.12), as far as
 * TCG's own VMRUN does not check it. The page may be a guest's own creation.
 */
static bool snp_soft_vmsa_ok(struct vcpu_svm *svm, const struct sev_es_save_area *vmsa)
{
	bool snp = sev_snp_guest(svm->vcpu.kvm);
	u64 host_xcr0 = kvm_host.xcr0;

	BUILD_BUG_ON(offsetof(struct sev_es_save_area, reserved_0x298) != SNP_SOFT_SAVE_COMMON);

	/* No optional feature is offered by the platform. */
	if (vmsa->sev_features != (snp ? SVM_SEV_FEAT_SNP_ACTIVE : 0))
		return false;
	if (!(vmsa->xcr0 & XFEATURE_MASK_FP) || (vmsa->xcr0 & ~host_xcr0))
		return false;
	if ((vmsa->xcr0 & XFEATURE_MASK_YMM) && !(vmsa->xcr0 & XFEATURE_MASK_SSE))
		return false;

	return vmsa->vmpl < 4;
}

static bool snp_soft_load_vmsa(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct sev_es_save_area *vmsa = &s->vmsa;
	u32 asid = to_kvm_sev_info(vcpu->kvm)->asid;
	bool snp = sev_snp_guest(vcpu->kvm);
	u64 pa = svm->vmcb->control.vmsa_pa;
	int i;

	if (!PAGE_ALIGNED(pa) || !pfn_valid(PHYS_PFN(pa)))
		return false;

	/* The firmware installs the key of a guest that it launched, no other. */
	if (!snp_soft_fw_asid_active(asid, snp))
		return false;
	if (snp && !snp_soft_rmp_vmsa_get(PHYS_PFN(pa), asid))
		return false;
	s->vmsa_held = snp;
	s->vmsa_pa = pa;

	snp_soft_phys_read(pa, vmsa, sizeof(*vmsa));
	if (!snp_soft_vmsa_ok(svm, vmsa)) {
		if (s->vmsa_held)
			snp_soft_rmp_vmsa_put(PHYS_PFN(pa));
		s->vmsa_pa = INVALID_PAGE;
		return false;
	}

	memcpy(&s->hw->save, vmsa, SNP_SOFT_SAVE_COMMON);
	s->hw->save.efer |= EFER_SVME;

	memcpy(s->kvm_regs, vcpu->arch.regs, sizeof(s->kvm_regs));
	for (i = 0; i < ARRAY_SIZE(snp_soft_gprs); i++)
		vcpu->arch.regs[snp_soft_gprs[i].reg] =
			*(u64 *)((void *)vmsa + snp_soft_gprs[i].offset);

	if (s->last_vmsa_pa != pa) {
		s->last_vmsa_pa = pa;
		s->cr0 = vmsa->cr0;
		s->cr4 = vmsa->cr4;
		s->efer = vmsa->efer;
	}

	snp_soft_load_fpu(s);
	return true;
}

static void snp_soft_store_vmsa(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct sev_es_save_area *vmsa = &s->vmsa;
	u8 vmpl = vmsa->vmpl;
	int i;

	if (s->vmsa_pa == INVALID_PAGE)
		return;

	snp_soft_store_fpu(s);

	memcpy(vmsa, &s->hw->save, SNP_SOFT_SAVE_COMMON);
	vmsa->vmpl = vmpl;
	for (i = 0; i < ARRAY_SIZE(snp_soft_gprs); i++)
		*(u64 *)((void *)vmsa + snp_soft_gprs[i].offset) =
			vcpu->arch.regs[snp_soft_gprs[i].reg];
	memcpy(vcpu->arch.regs, s->kvm_regs, sizeof(s->kvm_regs));

	snp_soft_phys_write(s->vmsa_pa, vmsa, sizeof(*vmsa));
	if (s->vmsa_held)
		snp_soft_rmp_vmsa_put(PHYS_PFN(s->vmsa_pa));
	s->vmsa_held = false;
	s->vmsa_pa = INVALID_PAGE;
}

/* ---- the hardware VMCB ------------------------------------------------------ */

static void snp_soft_report(struct snp_soft_vcpu *s, u64 code, u64 info1, u64 info2)
{
	struct vmcb_control_area *c = &s->hw->control;

	c->exit_code = lower_32_bits(code);
	c->exit_code_hi = upper_32_bits(code);
	c->exit_info_1 = info1;
	c->exit_info_2 = info2;
	c->next_rip = 0;
	c->insn_len = 0;
}

/*
 * CR0, CR4 and EFER write traps (APM vol. 2, 15.35.8): TCG has none, so a
 * register that differs from what KVM was told last is reported before
 * anything else. The instruction that exited has not completed and is simply
 * executed again.
 */
static bool snp_soft_cr_trap(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_save_area *save = &s->hw->save;

	if (!sev_es_guest(svm->vcpu.kvm))
		return false;

	/* CR0.ET is always one, whatever was loaded. */
	if ((save->cr0 ^ s->cr0) & ~X86_CR0_ET) {
		s->cr0 = save->cr0;
		snp_soft_report(s, SVM_EXIT_CR0_WRITE_TRAP, save->cr0, 0);
	} else if (save->cr4 != s->cr4) {
		s->cr4 = save->cr4;
		snp_soft_report(s, SVM_EXIT_CR4_WRITE_TRAP, save->cr4, 0);
	} else if ((save->efer ^ s->efer) & ~(EFER_LMA | EFER_SVME)) {
		s->efer = save->efer;
		snp_soft_report(s, SVM_EXIT_EFER_WRITE_TRAP, save->efer, 0);
	} else {
		return false;
	}

	return true;
}

/* First round: build the hardware VMCB. False: the exit is in it already. */
static bool snp_soft_enter(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_control_area *c = &s->hw->control;
	struct vmcb *vmcb = svm->vmcb;

	s->active = true;
	s->rounds = 0;
	s->stage = SNP_SOFT_STAGE_RUN;

	memcpy(c, &vmcb->control, sizeof(*c));
	c->clean = 0;
	c->nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	c->virt_ext = 0;
	c->msrpm_base_pa = __pa(s->msrpm);
	snp_soft_load_msrpm(svm, s);
	vmcb_set_intercept(c, INTERCEPT_VMMCALL);
	vmcb_set_intercept(c, INTERCEPT_VMRUN);
	vmcb_set_intercept(c, INTERCEPT_MSR_PROT);
	vmcb_set_intercept(c, INTERCEPT_SHUTDOWN);
	if (sev_snp_guest(svm->vcpu.kvm))
		vmcb_set_intercept(c, INTERCEPT_EXCEPTION_OFFSET + UD_VECTOR);

	if (vmcb->control.tlb_ctl != TLB_CONTROL_DO_NOTHING ||
	    vmcb->control.nested_cr3 != s->nested_cr3)
		snp_soft_tlb_drop(&s->tlb);
	s->nested_cr3 = vmcb->control.nested_cr3;
	c->tlb_ctl = TLB_CONTROL_DO_NOTHING;

	if (!sev_es_guest(svm->vcpu.kvm)) {
		memcpy(&s->hw->save, &vmcb->save, sizeof(vmcb->save));
		return true;
	}

	if (!snp_soft_load_vmsa(svm, s)) {
		snp_soft_report(s, (u64)(s64)SVM_EXIT_ERR, 0, 0);
		return false;
	}

	return !snp_soft_cr_trap(svm, s);
}

/* Last round: give KVM what silicon would write into its VMCB. */
static void snp_soft_leave(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_control_area *from = &s->hw->control;
	struct vmcb_control_area *to = &svm->vmcb->control;

	to->exit_code = from->exit_code;
	to->exit_code_hi = from->exit_code_hi;
	to->exit_info_1 = from->exit_info_1;
	to->exit_info_2 = from->exit_info_2;
	to->exit_int_info = from->exit_int_info;
	to->exit_int_info_err = from->exit_int_info_err;
	to->int_ctl = from->int_ctl;
	to->event_inj = from->event_inj;
	to->event_inj_err = from->event_inj_err;
	to->next_rip = from->next_rip;
	to->insn_len = from->insn_len;
	memcpy(to->insn_bytes, from->insn_bytes, sizeof(to->insn_bytes));
	/* Guest RFLAGS.IF, which KVM can't see otherwise (APM vol. 2, 15.21.5). */
	to->int_state = from->int_state & ~SVM_GUEST_INTERRUPT_MASK;
	if (s->hw->save.rflags & X86_EFLAGS_IF)
		to->int_state |= SVM_GUEST_INTERRUPT_MASK;

	if (sev_es_guest(svm->vcpu.kvm))
		snp_soft_store_vmsa(svm, s);
	else
		memcpy(&svm->vmcb->save, &s->hw->save, sizeof(svm->vmcb->save));

	s->active = false;
}

/* ---- what the guest sees ---------------------------------------------------- */

static void snp_soft_plain_gctx(const struct vmcb_save_area *save, struct snp_soft_gctx *g)
{
	*g = (struct snp_soft_gctx) {
		.cr0 = save->cr0,
		.cr3 = save->cr3,
		.cr4 = save->cr4,
		.efer = save->efer,
		.rflags = save->rflags,
		.cs_base = save->cs.base,
		.cs_l = save->cs.attrib & SVM_SELECTOR_L_MASK,
		.cpl = save->cpl,
	};
}

static void snp_soft_gctx(struct vcpu_svm *svm, struct snp_soft_vcpu *s,
			  struct snp_soft_gctx *g)
{
	struct kvm *kvm = svm->vcpu.kvm;

	snp_soft_plain_gctx(&s->hw->save, g);
	g->asid = to_kvm_sev_info(kvm)->asid;
	g->sev = true;
	g->es = sev_es_guest(kvm);
	g->snp = sev_snp_guest(kvm);
	if (g->es)
		g->vmpl = s->vmsa.vmpl;
}

enum snp_soft_decode {
	SNP_SOFT_DECODED,
	SNP_SOFT_DECODE_RETRY,	/* the guest's mapping changed: run it again */
	SNP_SOFT_DECODE_NPF,	/* KVM has to map the page first */
};

static enum snp_soft_decode snp_soft_decode(struct kvm_vcpu *vcpu,
					    const struct snp_soft_gctx *g,
					    const struct vmcb_save_area *save, u64 nested_cr3,
					    struct insn *insn, struct snp_soft_npf *npf)
{
	bool is_64bit = snp_soft_gctx_64bit(g);
	u64 rip = is_64bit ? save->rip : (u32)(save->cs.base + save->rip);
	size_t len = SNP_SOFT_MAX_INSN, page = PAGE_SIZE - offset_in_page(rip);
	u8 buf[SNP_SOFT_MAX_INSN];
	int ret;

	/* The next page need not be there unless the instruction reaches it. */
	if (page < len) {
		ret = snp_soft_guest_read(vcpu, g, nested_cr3, rip, true, buf, page, npf);
		if (!ret && !snp_soft_guest_read(vcpu, g, nested_cr3, rip + page, true,
						 buf + page, len - page, npf))
			page = len;
		len = page;
	} else {
		ret = snp_soft_guest_read(vcpu, g, nested_cr3, rip, true, buf, len, npf);
	}
	if (ret == -EAGAIN)
		return SNP_SOFT_DECODE_NPF;
	if (ret)
		return SNP_SOFT_DECODE_RETRY;

	insn_init(insn, buf, len, is_64bit);
	if (!is_64bit && !(save->cs.attrib & SVM_SELECTOR_DB_MASK)) {
		insn->opnd_bytes = 2;
		insn->addr_bytes = 2;
	}
	if (insn_get_length(insn))
		return SNP_SOFT_DECODE_RETRY;

	return SNP_SOFT_DECODED;
}

/* Decode for an SEV vCPU; on SNP_SOFT_DECODE_NPF the exit is in the VMCB. */
static enum snp_soft_decode snp_soft_insn(struct vcpu_svm *svm, struct snp_soft_vcpu *s,
					  struct insn *insn)
{
	enum snp_soft_decode ret;
	struct snp_soft_npf npf = {};
	struct snp_soft_gctx g;

	snp_soft_gctx(svm, s, &g);
	ret = snp_soft_decode(&svm->vcpu, &g, &s->hw->save, s->nested_cr3, insn, &npf);
	if (ret == SNP_SOFT_DECODE_NPF)
		snp_soft_report(s, SVM_EXIT_NPF, npf.error_code, npf.gpa);

	return ret;
}

/* ---- event delivery ----------------------------------------------------------- */

static void snp_soft_inject(struct snp_soft_vcpu *s, u8 vector, bool has_error, u32 error)
{
	struct vmcb_control_area *c = &s->hw->control;

	c->event_inj = vector | SVM_EVTINJ_TYPE_EXEPT | SVM_EVTINJ_VALID;
	if (has_error)
		c->event_inj |= SVM_EVTINJ_VALID_ERR;
	c->event_inj_err = error;
	c->exit_int_info = 0;
}

/* A round that delivers an event and leaves before the first instruction. */
static void snp_soft_deliver_only(struct snp_soft_vcpu *s, enum snp_soft_stage stage)
{
	s->hw->control.intercepts[INTERCEPT_EXCEPTION] = ~0u;
	s->stage = stage;
	smp_send_reschedule(raw_smp_processor_id());
}

static void snp_soft_inject_df(struct snp_soft_vcpu *s)
{
	snp_soft_inject(s, X86_TRAP_DF, true, 0);
	snp_soft_deliver_only(s, SNP_SOFT_STAGE_DF);
}

/*
 * #VC with @code as error code (APM vol. 2, 15.35.5). TCG pushes no error code
 * for vector 29, but it does for 17: with IDTR moved by the difference it reads
 * gate 29 and builds the frame, stack switch included. The limit moves along,
 * so that a gate outside the table faults as it should.
 */
static void snp_soft_inject_vc(struct vcpu_svm *svm, struct snp_soft_vcpu *s, u64 code,
			       u64 info1, u64 info2)
{
	struct vmcb_save_area *save = &s->hw->save;
	u32 gate = save->efer & EFER_LMA ? 16 : 8;

	trace_snp_soft_vc(svm->vcpu.vcpu_id, save->rip, code, info1, info2);

	s->vmsa.guest_exit_code = code;
	s->vmsa.guest_exit_info_1 = info1;
	s->vmsa.guest_exit_info_2 = info2;

	if (save->idtr.limit < (X86_TRAP_VC + 1) * gate - 1) {
		snp_soft_inject_df(s);
		return;
	}

	s->idtr = save->idtr;
	save->idtr.base += SNP_SOFT_VC_SHIFT * gate;
	save->idtr.limit -= SNP_SOFT_VC_SHIFT * gate;
	snp_soft_inject(s, SNP_SOFT_VC_STAND_IN, true, lower_32_bits(code));
	snp_soft_deliver_only(s, SNP_SOFT_STAGE_VC);
}

/*
 * The round was for a delivery only. True: go round again; false: the exit in
 * the hardware VMCB is to be looked at as any other.
 */
static bool snp_soft_delivered(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_control_area *c = &s->hw->control;
	enum snp_soft_stage stage = s->stage;

	s->stage = SNP_SOFT_STAGE_RUN;
	c->intercepts[INTERCEPT_EXCEPTION] = svm->vmcb->control.intercepts[INTERCEPT_EXCEPTION];
	if (sev_snp_guest(svm->vcpu.kvm))
		vmcb_set_intercept(c, INTERCEPT_EXCEPTION_OFFSET + UD_VECTOR);
	if (stage == SNP_SOFT_STAGE_VC) {
		s->hw->save.idtr.base = s->idtr.base;
		s->hw->save.idtr.limit = s->idtr.limit;
	}

	/*
	 * Interrupted by a nested fault: forget the event, the guest executes
	 * the instruction again and gets it again.
	 */
	c->exit_int_info = 0;

	if (c->exit_code < SVM_EXIT_EXCP_BASE || c->exit_code > SVM_EXIT_LAST_EXCP)
		return false;

	/* A fault while delivering #VC is a double fault, another one shutdown. */
	if (stage == SNP_SOFT_STAGE_VC) {
		snp_soft_inject_df(s);
		return true;
	}

	snp_soft_report(s, SVM_EXIT_SHUTDOWN, 0, 0);
	return false;
}

/*
 * Silicon goes on in the guest although an event's delivery was cut short by
 * something KVM never learns of: deliver it again. Software interrupts are
 * excluded: their instruction is executed again.
 */
static void snp_soft_requeue_event(struct snp_soft_vcpu *s)
{
	struct vmcb_control_area *c = &s->hw->control;
	u32 type = c->exit_int_info & SVM_EXITINTINFO_TYPE_MASK;
	u8 vector = c->exit_int_info & SVM_EXITINTINFO_VEC_MASK;

	c->event_inj = 0;
	if (!(c->exit_int_info & SVM_EXITINTINFO_VALID))
		return;
	if (type == SVM_EXITINTINFO_TYPE_SOFT ||
	    (type == SVM_EXITINTINFO_TYPE_EXEPT && (vector == BP_VECTOR || vector == OF_VECTOR)))
		return;

	c->event_inj = c->exit_int_info;
	c->event_inj_err = c->exit_int_info_err;
	c->exit_int_info = 0;
}

/* ---- exits --------------------------------------------------------------------- */

/*
 * Exits that SEV-ES hardware takes without telling the guest (APM vol. 2,
 * table 15-31); all others become #VC.
 */
static bool snp_soft_automatic(u64 code)
{
	switch (code) {
	case SVM_EXIT_EXCP_BASE + MC_VECTOR:
	case SVM_EXIT_INTR:
	case SVM_EXIT_NMI:
	case SVM_EXIT_SMI:
	case SVM_EXIT_INIT:
	case SVM_EXIT_VINTR:
	case SVM_EXIT_PAUSE:
	case SVM_EXIT_HLT:
	case SVM_EXIT_SHUTDOWN:
	case SVM_EXIT_NPF:
	case (u64)(s64)SVM_EXIT_ERR:
	case (u32)SVM_EXIT_ERR:
		return true;
	default:
		return false;
	}
}

/*
 * #VC, or what becomes of it in the delivery of another event: #DF, then
 * shutdown. So the rounds end whatever the guest's IDT and stack lie in.
 * False: the exit in the hardware VMCB is KVM's.
 */
static bool snp_soft_nested_vc(struct vcpu_svm *svm, struct snp_soft_vcpu *s,
			       enum snp_soft_stage stage, u64 code, u64 info1, u64 info2)
{
	switch (stage) {
	case SNP_SOFT_STAGE_RUN:
		snp_soft_inject_vc(svm, s, code, info1, info2);
		return true;
	case SNP_SOFT_STAGE_VC:
		snp_soft_inject_df(s);
		return true;
	case SNP_SOFT_STAGE_DF:
		break;
	}

	snp_soft_report(s, SVM_EXIT_SHUTDOWN, 0, 0);
	return false;
}

/* @stage: what the round was for in which it happened */
static bool snp_soft_npf_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s,
			      enum snp_soft_stage stage)
{
	struct vmcb_control_area *c = &s->hw->control;
	struct snp_soft_npf npf = { .gpa = c->exit_info_2, .error_code = c->exit_info_1 };
	struct snp_soft_gctx g;

	snp_soft_gctx(svm, s, &g);
	switch (snp_soft_tlb_fill(&svm->vcpu, &s->tlb, &g, s->nested_cr3, &npf)) {
	case SNP_SOFT_FILL_RETRY:
		return true;
	case SNP_SOFT_FILL_VC:
		return snp_soft_nested_vc(svm, s, stage, SNP_SOFT_VC_NOT_VALIDATED,
					  npf.error_code, npf.gpa);
	case SNP_SOFT_FILL_NPF:
		break;
	}

	/* MMIO is the guest's own business from SEV-ES on (APM vol. 2, 15.35.5). */
	if (g.es && (npf.error_code & PFERR_RSVD_MASK))
		return snp_soft_nested_vc(svm, s, stage, SVM_EXIT_NPF, npf.error_code, npf.gpa);

	snp_soft_report(s, SVM_EXIT_NPF, npf.error_code, npf.gpa);
	return false;
}

/* #UD of an SNP guest: PVALIDATE and RMPADJUST, which TCG does not know. */
static bool snp_soft_ud_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_save_area *save = &s->hw->save;
	struct kvm_vcpu *vcpu = &svm->vcpu;
	struct snp_soft_gregs regs = {
		.rax = save->rax,
		.rcx = vcpu->arch.regs[VCPU_REGS_RCX],
		.rdx = vcpu->arch.regs[VCPU_REGS_RDX],
		.rip = save->rip,
		.rflags = save->rflags,
	};
	struct snp_soft_npf npf = {};
	struct snp_soft_gctx g;
	u64 fault_gva = 0;
	u32 pf_error = 0;

	snp_soft_gctx(svm, s, &g);
	switch (snp_soft_guest_ud(vcpu, &g, s->nested_cr3, &regs, &npf, &pf_error, &fault_gva)) {
	case SNP_SOFT_INSN_DONE:
		save->rax = regs.rax;
		save->rflags = regs.rflags;
		save->rip = regs.rip;
		return true;
	case SNP_SOFT_INSN_NPF:
		snp_soft_report(s, SVM_EXIT_NPF, npf.error_code, npf.gpa);
		return false;
	case SNP_SOFT_INSN_VC:
		save->cr2 = fault_gva;
		snp_soft_inject_vc(svm, s, SNP_SOFT_VC_NOT_VALIDATED, npf.error_code,
				   npf.gpa);
		return true;
	case SNP_SOFT_INSN_PF:
		save->cr2 = fault_gva;
		snp_soft_inject(s, PF_VECTOR, true, pf_error);
		return true;
	case SNP_SOFT_INSN_GP:
		snp_soft_inject(s, GP_VECTOR, true, 0);
		return true;
	case SNP_SOFT_INSN_UD:
		break;
	}

	snp_soft_inject(s, UD_VECTOR, false, 0);
	return true;
}

/* Each of the eight fields must be a defined memory type (APM vol. 2, 7.8.1). */
static bool snp_soft_pat_ok(u64 pat)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = pat >> i;

		if (type > 7 || type == 2 || type == 3)
			return false;
	}

	return true;
}

/* MSRs that an SEV guest reaches without anybody's help. False: not one. */
static bool snp_soft_msr_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_save_area *save = &s->hw->save;
	unsigned long *regs = svm->vcpu.arch.regs;
	bool write = s->hw->control.exit_info_1 & 1, es = sev_es_guest(svm->vcpu.kvm);
	u64 data = (save->rax & 0xffffffff) | regs[VCPU_REGS_RDX] << 32;
	enum snp_soft_decode ret;
	struct insn insn;
	u64 *reg, status;

	switch ((u32)regs[VCPU_REGS_RCX]) {
	case MSR_AMD64_SEV:
		/* SEV, ES, SNP, then SEV_FEATURES from bit 1 (APM vol. 2, 15.34.10). */
		status = MSR_AMD64_SEV_ENABLED;
		if (es)
			status |= MSR_AMD64_SEV_ES_ENABLED | s->vmsa.sev_features << 2;
		reg = &status;
		break;
	case MSR_AMD64_SEV_ES_GHCB:
		if (!es)
			return false;
		reg = &svm->vmcb->control.ghcb_gpa;
		break;
	case MSR_IA32_CR_PAT:
		if (!es)
			return false;
		reg = &save->g_pat;
		break;
	default:
		return false;
	}

	ret = snp_soft_insn(svm, s, &insn);
	if (ret == SNP_SOFT_DECODE_RETRY)
		return true;
	if (ret == SNP_SOFT_DECODE_NPF)
		return false;

	if (write && (reg == &status || (reg == &save->g_pat && !snp_soft_pat_ok(data)))) {
		snp_soft_inject(s, GP_VECTOR, true, 0);
		return true;
	}

	if (write) {
		*reg = data;
	} else {
		save->rax = lower_32_bits(*reg);
		regs[VCPU_REGS_RDX] = upper_32_bits(*reg);
	}
	save->rip += insn.length;
	return true;
}

/* SEV-ES and SEV-SNP: automatic exit, VMGEXIT or #VC. True: go round again. */
static bool snp_soft_es_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s, u64 code)
{
	struct vmcb_control_area *c = &s->hw->control;
	enum snp_soft_decode ret;
	struct insn insn;

	if (code == SVM_EXIT_HLT || code == SVM_EXIT_PAUSE || code == SVM_EXIT_VMMCALL) {
		ret = snp_soft_insn(svm, s, &insn);
		if (ret != SNP_SOFT_DECODED)
			return ret == SNP_SOFT_DECODE_RETRY;

		/* VMGEXIT is VMMCALL with an F3 or F2 prefix (APM vol. 3). */
		if (code == SVM_EXIT_VMMCALL && insn_has_rep_prefix(&insn)) {
			code = SVM_EXIT_VMGEXIT;
			snp_soft_report(s, code, 0, 0);
		}
		/* KVM can't skip instructions of a guest it can't see. */
		if (code != SVM_EXIT_VMMCALL) {
			s->hw->save.rip += insn.length;
			c->int_state &= ~SVM_INTERRUPT_SHADOW_MASK;
			return false;
		}
	}

	/* TCG has one code for both: INVD is 0F 08, WBINVD 0F 09. */
	if (code == SVM_EXIT_WBINVD) {
		ret = snp_soft_insn(svm, s, &insn);
		if (ret != SNP_SOFT_DECODED)
			return ret == SNP_SOFT_DECODE_RETRY;
		if (insn.opcode.bytes[1] == 0x08)
			code = SVM_EXIT_INVD;
	}

	if (snp_soft_automatic(code))
		return false;

	snp_soft_inject_vc(svm, s, code, c->exit_info_1, c->exit_info_2);
	return true;
}

/*
 * Plain SEV: KVM can't read the guest's instructions, silicon tells it their
 * length (nRIP) and, for MMIO, the bytes (APM vol. 2, 15.8.4).
 */
static bool snp_soft_sev_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s, u64 code)
{
	struct vmcb_control_area *c = &s->hw->control;
	enum snp_soft_decode ret;
	struct insn insn;

	switch (code) {
	case SVM_EXIT_READ_CR0 ... SVM_EXIT_WRITE_DR7:
	case SVM_EXIT_CR0_SEL_WRITE ... SVM_EXIT_HLT:
	case SVM_EXIT_INVLPGA:
	case SVM_EXIT_MSR:
	case SVM_EXIT_VMRUN ... SVM_EXIT_MWAIT_COND:
	case SVM_EXIT_XSETBV:
	case SVM_EXIT_RDPRU:
		break;
	case SVM_EXIT_NPF:
		break;
	default:
		return false;
	}

	ret = snp_soft_insn(svm, s, &insn);
	if (code == SVM_EXIT_NPF) {
		/* The bytes help with MMIO only; a miss in KVM's table comes first. */
		if (ret == SNP_SOFT_DECODED && (c->exit_info_1 & PFERR_RSVD_MASK)) {
			c->insn_len = insn.length;
			memcpy(c->insn_bytes, insn.kaddr, insn.length);
		}
		return false;
	}
	if (ret != SNP_SOFT_DECODED)
		return ret == SNP_SOFT_DECODE_RETRY;

	c->next_rip = s->hw->save.rip + insn.length;
	return false;
}

/* True: silicon would still be in the guest. */
static bool snp_soft_exit(struct vcpu_svm *svm, struct snp_soft_vcpu *s)
{
	struct vmcb_control_area *c = &s->hw->control;
	enum snp_soft_stage stage = s->stage;
	u64 code;

	if (s->skip)
		return false;

	c->next_rip = 0;
	c->insn_len = 0;
	if (!(c->exit_int_info & SVM_EXITINTINFO_VALID))
		c->exit_int_info = 0;

	/*
	 * VMRUN refused the state (APM vol. 2, 15.5.1) and the guest's is as it
	 * was. TCG has stored the host's by then.
	 */
	if (c->exit_code == (u32)SVM_EXIT_ERR) {
		memcpy(&s->hw->save, s->entered, sizeof(s->entered));
		return false;
	}

	if (stage != SNP_SOFT_STAGE_RUN && snp_soft_delivered(svm, s))
		return true;

	code = c->exit_code;
	if (snp_soft_cr_trap(svm, s))
		return false;

	if (code == SVM_EXIT_NPF) {
		if (snp_soft_npf_exit(svm, s, stage)) {
			if (s->stage == SNP_SOFT_STAGE_RUN)
				snp_soft_requeue_event(s);
			return true;
		}
	} else if (code == SVM_EXIT_EXCP_BASE + UD_VECTOR && sev_snp_guest(svm->vcpu.kvm)) {
		return snp_soft_ud_exit(svm, s);
	} else if (code == SVM_EXIT_MSR && snp_soft_msr_exit(svm, s)) {
		return true;
	}

	/* The MSR's instruction could not be fetched: an #NPF took its place. */
	code = c->exit_code;
	if (sev_es_guest(svm->vcpu.kvm))
		return snp_soft_es_exit(svm, s, code);

	return snp_soft_sev_exit(svm, s, code);
}

/* ---- ordinary VMs ------------------------------------------------------------- */

/*
 * The platform claims NRIPS and decode assists, so ordinary VMs must find
 * them: a soft event pushes nRIP as its return address, and an intercepted
 * MOV DRn names its register (APM vol. 2, 15.20, 15.8.1).
 */
static bool snp_soft_is_soft_event(u32 info)
{
	u32 type = info & SVM_EVTINJ_TYPE_MASK;
	u8 vector = info & SVM_EVTINJ_VEC_MASK;

	if (!(info & SVM_EVTINJ_VALID))
		return false;

	return type == SVM_EVTINJ_TYPE_SOFT ||
	       (type == SVM_EVTINJ_TYPE_EXEPT && (vector == BP_VECTOR || vector == OF_VECTOR));
}

static void snp_soft_plain_begin(struct vcpu_svm *svm)
{
	struct vmcb *vmcb = svm->vmcb;

	svm->snp_soft_event = 0;
	if (!snp_soft_is_soft_event(vmcb->control.event_inj) || !vmcb->control.next_rip)
		return;

	svm->snp_soft_event = vmcb->control.event_inj;
	svm->snp_soft_rip = vmcb->save.rip;
	vmcb->save.rip = vmcb->control.next_rip;
}

static void snp_soft_plain_end(struct vcpu_svm *svm)
{
	struct vmcb_control_area *c = &svm->vmcb->control;
	struct vmcb_save_area *save = &svm->vmcb->save;
	struct snp_soft_npf npf;
	struct snp_soft_gctx g;
	struct insn insn;

	if (svm->snp_soft_event && (c->exit_int_info & SVM_EXITINTINFO_VALID) &&
	    !((c->exit_int_info ^ svm->snp_soft_event) &
	      (SVM_EVTINJ_TYPE_MASK | SVM_EVTINJ_VEC_MASK)))
		save->rip = svm->snp_soft_rip;

	/* As silicon: undefined unless an instruction was intercepted. */
	c->next_rip = 0;

	if (c->exit_code < SVM_EXIT_READ_DR0 || c->exit_code > SVM_EXIT_WRITE_DR7 ||
	    is_guest_mode(&svm->vcpu))
		return;

	snp_soft_plain_gctx(save, &g);
	c->exit_info_1 = 0;
	if (snp_soft_decode(&svm->vcpu, &g, save, c->nested_cr3, &insn, &npf) ==
	    SNP_SOFT_DECODED)
		c->exit_info_1 = X86_MODRM_RM(insn.modrm.value) |
				 X86_REX_B(insn.rex_prefix.value) << 3;
}

/* ---- svm_vcpu_run() ------------------------------------------------------------ */

/**
 * __snp_soft_vmrun_begin() - make the coming VMRUN one of an SEV CPU
 * @vcpu: about to be run
 *
 * Context: GIF=0, IRQs off, preemption off; called from svm_vcpu_run().
 * Return: false if VMRUN would not get as far as the guest.
 */
bool __snp_soft_vmrun_begin(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct snp_soft_vcpu *s = svm->snp_soft;
	struct snp_soft_gctx g;

	if (!sev_guest(vcpu->kvm)) {
		snp_soft_plain_begin(svm);
		return true;
	}

	s->skip = !s->active && !snp_soft_enter(svm, s);
	if (s->skip) {
		/* What KVM wanted to inject was not: give it back. */
		s->hw->control.exit_int_info = s->hw->control.event_inj;
		s->hw->control.exit_int_info_err = s->hw->control.event_inj_err;
		s->hw->control.event_inj = 0;
		return false;
	}

	this_cpu_write(snp_soft_running_asid, to_kvm_sev_info(vcpu->kvm)->asid);
	/* Pairs with the barrier in snp_soft_kick(): either it sees us, or we it. */
	smp_mb();
	snp_soft_tlb_sync(&s->tlb);

	memcpy(s->entered, &s->hw->save, sizeof(s->entered));
	snp_soft_gctx(svm, s, &g);
	s->hw->control.nested_cr3 = snp_soft_tlb_root(&s->tlb, snp_soft_gctx_unpaged(&g));
	s->kvm_pa = svm->vmcb01.pa;
	svm->vmcb01.pa = s->hw_pa;
	return true;
}

/**
 * __snp_soft_vmrun_end() - look at the exit as an SEV CPU would
 * @vcpu: has just left the guest, or would not have entered it
 *
 * Context: as __snp_soft_vmrun_begin().
 * Return: true if silicon would still be in the guest: begin again.
 */
bool __snp_soft_vmrun_end(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct snp_soft_vcpu *s = svm->snp_soft;
	struct vmcb_control_area *c;
	bool again;

	if (!sev_guest(vcpu->kvm)) {
		snp_soft_plain_end(svm);
		return false;
	}

	if (!s->skip) {
		svm->vmcb01.pa = s->kvm_pa;
		this_cpu_write(snp_soft_running_asid, 0);
	}

	c = &s->hw->control;
	again = snp_soft_exit(svm, s);
	trace_snp_soft_exit(vcpu->vcpu_id, s->hw->save.rip, c->exit_code, c->exit_info_1,
			    c->exit_info_2, c->exit_int_info, again);
	if (again) {
		/* A #VC or #DF round must not be given up half way. */
		if (++s->rounds < SNP_SOFT_MAX_ROUNDS || s->stage != SNP_SOFT_STAGE_RUN)
			return true;

		/* An interrupt may arrive at any time, so may its exit. */
		snp_soft_report(s, SVM_EXIT_INTR, 0, 0);
		c->exit_int_info = c->event_inj;
		c->exit_int_info_err = c->event_inj_err;
		c->event_inj = 0;
	}

	snp_soft_leave(svm, s);
	return false;
}
