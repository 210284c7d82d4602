// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad requests of SEV guests, where upstream answers otherwise than the GHCB
 * specification (version 2), ends KVM_RUN, or writes to the host's log; and VMSA
 * pages of a guest's own making, which must not change state while a vCPU runs
 * on them.
 *
 * Invariants:
 * - The guest gets the specified error and runs on. Nothing it sends is logged:
 *   what was wrong is in the tracepoint snp_guest_error.
 * - A page in snp_vmsas is the VMSA of exactly that vCPU. It leaves the table
 *   before the vCPU gets another one, and before the vCPU is freed.
 * - When snp_vmsa_retire() returns, no vCPU is in the guest on that page, and none
 *   will be.
 *
 * Callers: sev.c, by hooks. All with kvm->srcu held for reading unless it says
 * otherwise.
 */
#include <linux/kvm_host.h>
#include <linux/xarray.h>

#include <asm/rmp_count.h>
#include <asm/svm.h>

#include "svm.h"
#include "snp_ghcb.h"
#include "snp_in_place.h"

#include <trace/events/snp_guest.h>

/* pfn of a guest-made VMSA -> the vCPU that runs on it; all VMs */
static DEFINE_XARRAY(snp_vmsas);

/**
 * snp_guest_error() - a guest's request was refused
 * @vcpu: whose
 * @fmt: what was wrong with it, printf-like, may end in a newline
 *
 * In place of vcpu_unimpl() and pr_err(), which a guest can call at will.
 *
 * Context: any.
 */
void snp_guest_error(struct kvm_vcpu *vcpu, const char *fmt, ...)
{
	struct va_format why = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	why.va = &args;
	rmp_count_add(RMP_COUNT_GUEST_ERROR, 1);
	trace_snp_guest_error(vcpu->vcpu_id, &why);
	va_end(args);
}

/**
 * snp_ghcb_refuse() - answer a VMGEXIT with an error
 * @svm: the vCPU, its GHCB is mapped
 * @error: GHCB_ERR_*, for SW_EXITINFO2
 *
 * GHCB specification, "Hypervisor error": SW_EXITINFO1[31:0] = 2.
 *
 * Context: vCPU.
 * Return: 1, resume the guest.
 */
int snp_ghcb_refuse(struct vcpu_svm *svm, u64 error)
{
	ghcb_set_sw_exit_info_1(svm->sev_es.ghcb, 2);
	ghcb_set_sw_exit_info_2(svm->sev_es.ghcb, error);
	return 1;
}

/* Can KVM read and write there at all? */
static bool snp_guest_ram(struct kvm *kvm, gpa_t gpa)
{
	struct kvm_memory_slot *slot = gfn_to_memslot(kvm, gpa_to_gfn(gpa));

	return kvm_is_visible_memslot(slot) && !(slot->flags & KVM_MEM_READONLY);
}

/**
 * snp_ghcb_register() - may this page become the vCPU's GHCB?
 * @vcpu: the vCPU that asks
 * @gfn: frame it names
 *
 * GHCB specification, "GHCB GPA Registration": the response carries the GPA, or
 * all ones if the hypervisor can't use it.
 *
 * Context: vCPU.
 * Return: @gfn, or the frame of the refusal.
 */
u64 snp_ghcb_register(struct kvm_vcpu *vcpu, u64 gfn)
{
	if (snp_guest_ram(vcpu->kvm, gfn_to_gpa(gfn)))
		return gfn;

	snp_guest_error(vcpu, "GHCB registration outside memory, GFN 0x%llx", gfn);
	return GHCB_MSR_GPA_VALUE_MASK;
}

/* Nor in an in-place VM to and from a page that is the guest's own. */
static bool snp_guest_shared(struct kvm *kvm, gpa_t gpa)
{
	return snp_guest_ram(kvm, gpa) &&
	       !(kvm_in_place(kvm) && snp_table_private(to_snp_vm(kvm), gpa_to_gfn(gpa)));
}

/**
 * snp_guest_req_answer() - did a guest request fail for what the guest named?
 * @svm: the vCPU, its GHCB is mapped
 * @ret: what snp_handle_guest_req() or snp_handle_ext_guest_req() returned
 *
 * They end KVM_RUN with -EIO if a page can't be copied. If the guest named one
 * where no writable memory is, or in an in-place VM a private one, that is the
 * guest's error (GHCB specification, "SNP Guest Request"); else it is the VMM's or the
 * firmware's.
 *
 * Context: vCPU.
 * Return: 1 if the guest got its error, else @ret.
 */
int snp_guest_req_answer(struct vcpu_svm *svm, int ret)
{
	struct vmcb_control_area *control = &svm->vmcb->control;
	struct kvm_vcpu *vcpu = &svm->vcpu;
	unsigned long *regs = vcpu->arch.regs;

	if (ret != -EIO)
		return ret;

	if (snp_guest_shared(vcpu->kvm, control->exit_info_1) &&
	    snp_guest_shared(vcpu->kvm, control->exit_info_2) &&
	    (control->exit_code != lower_32_bits(SVM_VMGEXIT_EXT_GUEST_REQUEST) ||
	     !regs[VCPU_REGS_RBX] || snp_guest_shared(vcpu->kvm, regs[VCPU_REGS_RAX])))
		return ret;

	snp_guest_error(vcpu, "guest request outside memory, 0x%llx and 0x%llx",
			control->exit_info_1, control->exit_info_2);
	return snp_ghcb_refuse(svm, GHCB_ERR_INVALID_INPUT);
}

/**
 * snp_psc_hdr_bad() - is the header of a page-state change none that is defined?
 * @reserved: its reserved field, "must be zero"
 *
 * Context: any.
 * Return: true if so.
 */
bool snp_psc_hdr_bad(u32 reserved)
{
	return reserved;
}

/**
 * snp_psc_entry_bad() - is an entry of a page-state change none that is defined?
 * @entry: the copy that will be acted upon
 *
 * GHCB specification, "Page State Change": operations 1 (private), 2 (shared), and
 * the hints 3 (PSMASH) and 4 (UNSMASH); bits 63:57 must be zero.
 *
 * Context: any.
 * Return: true if so.
 */
bool snp_psc_entry_bad(struct psc_entry entry)
{
	return entry.reserved || entry.operation < VMGEXIT_PSC_OP_PRIVATE ||
	       entry.operation > 4;
}

/**
 * snp_vmsa_gpa_bad() - can this page not be the VMSA of a new vCPU?
 * @vcpu: the vCPU that asks for the creation
 * @gpa: page-aligned address it names
 *
 * GHCB specification, "SNP AP Creation": the VMSA is private memory. KVM would
 * find out when the new vCPU starts, when nobody is left to be told.
 *
 * Context: vCPU.
 * Return: true if so.
 */
bool snp_vmsa_gpa_bad(struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return !snp_guest_ram(vcpu->kvm, gpa) ||
	       !kvm_mem_is_private(vcpu->kvm, gpa_to_gfn(gpa));
}

/**
 * snp_psc_count() - count and trace a range of a page-state change
 * @vcpu: the vCPU that asked
 * @nae: by NAE event, else by the MSR protocol
 * @to_private: direction
 * @large: in one entry of 2M
 * @gfn: first frame
 * @npages: number of frames; 0: nothing happened
 *
 * For VMs whose pages change in place the range is done; for others it is
 * checked, and about to go to the VMM.
 *
 * Context: any.
 */
void snp_psc_count(struct kvm_vcpu *vcpu, bool nae, bool to_private, bool large,
		   gfn_t gfn, u64 npages)
{
	unsigned int kind = (to_private ? RMP_PSC_TO_PRIVATE : 0) |
			    (nae ? RMP_PSC_NAE : 0) | (large ? RMP_PSC_2M : 0);

	if (!npages)
		return;

	rmp_count_add(RMP_COUNT_PSC + kind, 1);
	rmp_count_add(RMP_COUNT_PSC_PAGES + kind, npages);
	trace_snp_psc(vcpu->vcpu_id, nae, to_private, large, gfn, npages);
}

static void snp_psc_seen(struct kvm_vcpu *vcpu, u8 op, gfn_t gfn, u64 npages)
{
	struct vcpu_sev_es_state *sev_es = &to_svm(vcpu)->sev_es;
	/* In the MSR form, nothing is in flight in the GHCB. */
	bool nae = sev_es->psc.batch_size;
	bool large = nae && sev_es->psc.is_2m;

	/* The hints (PSMASH, UNSMASH) change no state. */
	if (op != VMGEXIT_PSC_OP_PRIVATE && op != VMGEXIT_PSC_OP_SHARED)
		return;

	snp_psc_count(vcpu, nae, op == VMGEXIT_PSC_OP_PRIVATE, large, gfn, npages);
}

/**
 * snp_psc_hits_vmsa() - is a page to be shared that a vCPU runs on?
 * @vcpu: the vCPU that asks
 * @op: VMGEXIT_PSC_OP_*, the same in both forms of the request
 * @gfn: first frame
 * @npages: number of frames
 *
 * RMPUPDATE would refuse it (APM vol. 3: FAIL_INUSE), so the guest gets an error.
 * A vCPU that is to leave its VMSA (AP destroy or create) does not count: the
 * guest has been told that this is done. What changes after the answer is dealt
 * with by snp_vmsa_retire().
 *
 * Context: vCPU.
 * Return: true if so.
 */
bool snp_psc_hits_vmsa(struct kvm_vcpu *vcpu, u8 op, gfn_t gfn, u64 npages)
{
	struct vcpu_sev_es_state *sev_es;
	struct kvm_vcpu *v;
	unsigned long i;
	gpa_t gpa;

	if (op != VMGEXIT_PSC_OP_SHARED) {
		snp_psc_seen(vcpu, op, gfn, npages);
		return false;
	}

	kvm_for_each_vcpu(i, v, vcpu->kvm) {
		sev_es = &to_svm(v)->sev_es;
		gpa = READ_ONCE(sev_es->snp_guest_vmsa_gpa);
		if (!READ_ONCE(sev_es->snp_has_guest_vmsa) || !VALID_PAGE(gpa) ||
		    gpa_to_gfn(gpa) - gfn >= npages ||
		    READ_ONCE(sev_es->snp_ap_waiting_for_reset))
			continue;
		snp_guest_error(vcpu, "page-state change of the VMSA of vCPU %u, GPA 0x%llx",
				v->vcpu_id, gpa);
		return true;
	}

	snp_psc_seen(vcpu, op, gfn, npages);
	return false;
}

/**
 * snp_vmsa_claim() - a vCPU is about to run on a VMSA of the guest's making
 * @vcpu: the vCPU
 * @pfn: page that backs it, with a reference
 *
 * Context: vCPU; snp_vmsa_mutex held; may sleep.
 * Return: false if another vCPU runs on it (VMRUN would fail, APM vol. 2, 15.36.12),
 * or for want of memory: then the reference is dropped, and what an in-place VM
 * holds of the page for this vCPU.
 */
bool snp_vmsa_claim(struct kvm_vcpu *vcpu, kvm_pfn_t pfn)
{
	if (!xa_insert(&snp_vmsas, pfn, vcpu, GFP_KERNEL_ACCOUNT))
		return true;

	kvm_release_pfn_clean(pfn);
	snp_vcpu_reload(vcpu);
	return false;
}

/**
 * snp_vmsa_release() - a vCPU leaves its VMSA
 * @vcpu: the vCPU, not in the guest, or being freed
 *
 * For good, also if it is that of the launch: init_vmcb(), which comes next, would
 * put the vCPU back there if it does not get the one that the guest wants for it.
 * Without any, KVM_RUN ends with KVM_EXIT_FAIL_ENTRY.
 *
 * Context: the vCPU's thread, or its last user; srcu need not be held.
 */
void snp_vmsa_release(struct kvm_vcpu *vcpu)
{
	hpa_t vmsa = to_svm(vcpu)->vmcb->control.vmsa_pa;

	to_svm(vcpu)->sev_es.snp_has_guest_vmsa = true;
	if (VALID_PAGE(vmsa))
		xa_cmpxchg(&snp_vmsas, PHYS_PFN(vmsa), vcpu, NULL, 0);
}

/**
 * snp_vmsa_move() - a vCPU's guest, and the VMSA with it, goes to another VM's vCPU
 * @dst: the vCPU that runs on it from now on
 * @src: the vCPU that did, its VMCB still says so
 *
 * Context: vcpu->mutex of both held.
 */
void snp_vmsa_move(struct kvm_vcpu *dst, struct kvm_vcpu *src)
{
	hpa_t vmsa = to_svm(src)->vmcb->control.vmsa_pa;

	/* In place of an entry: needs no memory. */
	if (VALID_PAGE(vmsa))
		xa_cmpxchg(&snp_vmsas, PHYS_PFN(vmsa), src, dst, 0);
}

/**
 * snp_vmsa_retire() - private pages are taken from a guest: is a vCPU on them?
 * @pfn: first page
 * @npages: number of pages
 *
 * RMPUPDATE refuses a VMSA in use (APM vol. 3, RMPUPDATE: FAIL_INUSE), so the vCPU
 * has to leave the guest first, and for good. If it is on its way to another
 * VMSA, it is hurried there; else the VMM has taken the ground from under a
 * running vCPU, which no guest survives: its VM is dead (-EIO from KVM_RUN), as
 * after an error of KVM's own, and the host has its page.
 *
 * Context: process context, IRQs on; srcu need not be held.
 */
void snp_vmsa_retire(kvm_pfn_t pfn, u64 npages)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	if (xa_empty(&snp_vmsas))
		return;

	/* Holds off snp_vmsa_release(), hence the end of the vCPU and its VM. */
	xa_lock(&snp_vmsas);
	xa_for_each_range(&snp_vmsas, i, vcpu, pfn, pfn + npages - 1) {
		if (READ_ONCE(to_svm(vcpu)->sev_es.snp_ap_waiting_for_reset)) {
			kvm_make_request(KVM_REQ_UPDATE_PROTECTED_GUEST_STATE, vcpu);
			kvm_make_all_cpus_request(vcpu->kvm, KVM_REQ_OUTSIDE_GUEST_MODE);
			continue;
		}
		snp_guest_error(vcpu, "VMSA taken away while in use, PFN 0x%lx", i);
		kvm_vm_dead(vcpu->kvm);
	}
	xa_unlock(&snp_vmsas);
}
