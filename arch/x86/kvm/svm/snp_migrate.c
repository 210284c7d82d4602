// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intra-host migration: KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM moves the context of a
 * SEV, SEV-ES or in-place SNP guest (ASID, firmware handle or context page, VMSAs)
 * from one VM to another, so that a VMM can be replaced under a guest. The RMP and
 * memory are not touched; what belongs to an SNP guest's private pages is moved by
 * snp_migrate_pages.c.
 *
 * Userspace names both VMs and can do so from both sides at once. So there is
 * no order in which two kvm->lock could simply be taken: each VM has a flag that
 * is tried, never waited for, and only who has both waits for the locks. The
 * flags are tried in order of address: of several callers in a circle one
 * always wins (tests/models/two_vms.pml). sev_vm_copy_enc_context_from() tries
 * the same flags.
 *
 * Invariant: who owns an ASID holds exactly one charge of it, in misc_cg; no
 * ASID, no misc_cg. A mirror VM borrows its owner's ASID and is charged nothing.
 *
 * Caller: KVM_ENABLE_CAP, by a hook in svm_x86_ops. docs/migration.rst has the
 * errors, docs/locking.rst the order.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/lockdep.h>
#include <linux/misc_cgroup.h>
#include <linux/mutex.h>
#include <linux/psp-sev.h>
#include <asm/fpu/api.h>

#include "cpuid.h"
#include "lapic.h"
#include "mmu.h"
#include "x86.h"
#include "svm.h"
#include "snp_ghcb.h"
#include "snp_in_place.h"
#include "snp_migrate.h"
#include "snp_trace.h"

/* kvm_sev_info.fd of an SNP guest that has moved: none of the new process's */
#define SNP_FD_MOVED		-1

/* Subclasses of vcpu->mutex: one vCPU stands for all of its VM, see below. */
enum snp_vcpu_class {
	SNP_VCPU_DST,
	SNP_VCPU_SRC,
	SNP_VCPU_MORE,
};

static bool snp_try_flag(struct kvm *kvm)
{
	/* Pairs with the release in snp_clear_flag(): we see what the last one left. */
	return !atomic_cmpxchg_acquire(&to_kvm_sev_info(kvm)->migration_in_progress, 0, 1);
}

static void snp_clear_flag(struct kvm *kvm)
{
	atomic_set_release(&to_kvm_sev_info(kvm)->migration_in_progress, 0);
}

static int snp_lock_two_vms(struct kvm *dst, struct kvm *src)
{
	struct kvm *first = min(dst, src), *second = max(dst, src);

	if (dst == src)
		return -EINVAL;
	if (!snp_try_flag(first))
		return -EBUSY;
	if (!snp_try_flag(second)) {
		snp_clear_flag(first);
		return -EBUSY;
	}

	/* With both flags held nobody else takes a second kvm->lock of these. */
	if (!mutex_lock_killable(&dst->lock)) {
		if (!mutex_lock_killable_nested(&src->lock, SINGLE_DEPTH_NESTING))
			return 0;
		mutex_unlock(&dst->lock);
	}
	snp_clear_flag(second);
	snp_clear_flag(first);
	return -EINTR;
}

static void snp_unlock_two_vms(struct kvm *dst, struct kvm *src)
{
	mutex_unlock(&src->lock);
	mutex_unlock(&dst->lock);
	snp_clear_flag(src);
	snp_clear_flag(dst);
}

/*
 * lockdep follows 48 locks of a task, KVM has up to 4096 vCPUs: the first vCPU
 * is held in its VM's class, the others are forgotten once taken.
 */
static void snp_unlock_vcpus(struct kvm *kvm, unsigned long nr)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (i == nr)
			break;
		if (i)
			mutex_acquire(&vcpu->mutex.dep_map, SNP_VCPU_MORE, 1, _THIS_IP_);
		mutex_unlock(&vcpu->mutex);
	}
}

static int snp_lock_vcpus(struct kvm *kvm, enum snp_vcpu_class class)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held(&kvm->lock);

	kvm_for_each_vcpu(i, vcpu, kvm) {
		if (mutex_lock_killable_nested(&vcpu->mutex, i ? SNP_VCPU_MORE : class)) {
			snp_unlock_vcpus(kvm, i);
			return -EINTR;
		}
		if (i)
			mutex_release(&vcpu->mutex.dep_map, _THIS_IP_);
	}
	return 0;
}

/* Of in-place VMs: so that memslots stay as they are. */
static int snp_lock_slots(struct kvm *dst, struct kvm *src)
{
	if (mutex_lock_killable(&dst->slots_lock))
		return -EINTR;
	if (!mutex_lock_killable_nested(&src->slots_lock, SINGLE_DEPTH_NESTING))
		return 0;
	mutex_unlock(&dst->slots_lock);
	return -EINTR;
}

static void snp_unlock_slots(struct kvm *dst, struct kvm *src)
{
	mutex_unlock(&src->slots_lock);
	mutex_unlock(&dst->slots_lock);
}

static bool snp_is_mirror(struct kvm *kvm)
{
	return READ_ONCE(to_kvm_sev_info(kvm)->enc_context_owner);
}

static bool snp_asid_is_charged(struct kvm *kvm)
{
	struct kvm_sev_info *sev = to_kvm_sev_info(kvm);

	return !!sev->misc_cg == (sev->asid && !snp_is_mirror(kvm));
}

static void snp_assert_charge(struct kvm *kvm)
{
	if (IS_ENABLED(CONFIG_CGROUP_MISC))
		WARN_ON_ONCE(!snp_asid_is_charged(kvm));
}

/*
 * The type is the source's in charge and uncharge: the destination is no SEV VM
 * yet, the source none any more.
 */
static enum misc_res_type snp_charge_type(struct kvm_sev_info *src)
{
	return src->es_active ? MISC_CG_RES_SEV_ES : MISC_CG_RES_SEV;
}

/*
 * The cgroup that is to carry @src's ASID for us, charged unless it does
 * already; NULL for a mirror. A reference goes with it.
 */
static int snp_charge_asid(struct kvm *src_kvm, struct misc_cg **cg)
{
	struct kvm_sev_info *src = to_kvm_sev_info(src_kvm);
	int ret = 0;

	*cg = NULL;
	if (snp_is_mirror(src_kvm))
		return 0;

	*cg = get_current_misc_cg();
	if (*cg != src->misc_cg)
		ret = misc_cg_try_charge(snp_charge_type(src), *cg, 1);
	if (ret)
		put_misc_cg(*cg);
	return ret;
}

static void snp_uncharge_asid(struct kvm_sev_info *src, struct misc_cg *cg, struct misc_cg *stays)
{
	if (cg != stays)
		misc_cg_uncharge(snp_charge_type(src), cg, 1);
	put_misc_cg(cg);
}

/* The only place where an ASID changes hands: the charge goes with it. */
static void snp_move_asid(struct kvm *dst_kvm, struct kvm *src_kvm, struct misc_cg *cg)
{
	struct kvm_sev_info *dst = to_kvm_sev_info(dst_kvm);
	struct kvm_sev_info *src = to_kvm_sev_info(src_kvm);

	snp_assert_charge(src_kvm);

	dst->asid = src->asid;
	dst->misc_cg = cg;
	snp_uncharge_asid(src, src->misc_cg, cg);
	src->asid = 0;
	src->misc_cg = NULL;
}

/* Mirrors follow their owner; a mirror takes its place in the owner's list along. */
static void snp_move_mirrors(struct kvm *dst_kvm, struct kvm *src_kvm)
{
	struct kvm_sev_info *dst = to_kvm_sev_info(dst_kvm);
	struct kvm_sev_info *src = to_kvm_sev_info(src_kvm);
	struct kvm_sev_info *mirror;

	guard(mutex)(snp_mirror_lock);

	INIT_LIST_HEAD(&dst->mirror_vms);
	list_splice_init(&src->mirror_vms, &dst->mirror_vms);
	list_for_each_entry(mirror, &dst->mirror_vms, mirror_entry) {
		mirror->enc_context_owner = dst_kvm;
		kvm_get_kvm(dst_kvm);
		/* Not the last one: the caller's file holds another. */
		kvm_put_kvm(src_kvm);
	}

	if (src->enc_context_owner) {
		dst->enc_context_owner = src->enc_context_owner;
		src->enc_context_owner = NULL;
		list_replace_init(&src->mirror_entry, &dst->mirror_entry);
	}
}

/* Context page and request buffers; firmware and the RMP know only their addresses. */
static void snp_move_snp(struct kvm *dst_kvm, struct kvm *src_kvm)
{
	struct kvm_sev_info *dst = to_kvm_sev_info(dst_kvm);
	struct kvm_sev_info *src = to_kvm_sev_info(src_kvm);

	dst->snp_context = src->snp_context;
	dst->guest_req_buf = src->guest_req_buf;
	dst->guest_resp_buf = src->guest_resp_buf;
	mutex_init(&dst->guest_req_mutex);
	dst->fd = SNP_FD_MOVED;
	dst_kvm->arch.pre_fault_allowed = true;

	src->snp_context = NULL;
	src->guest_req_buf = NULL;
	src->guest_resp_buf = NULL;
	src_kvm->arch.pre_fault_allowed = false;

	snp_pages_move(dst_kvm, src_kvm);
}

static void snp_move_vm(struct kvm *dst_kvm, struct kvm *src_kvm, struct misc_cg *cg)
{
	struct kvm_sev_info *dst = to_kvm_sev_info(dst_kvm);
	struct kvm_sev_info *src = to_kvm_sev_info(src_kvm);

	dst->handle = src->handle;
	dst->pages_locked = src->pages_locked;
	dst->ap_jump_table = src->ap_jump_table;
	dst->vmsa_features = src->vmsa_features;
	dst->ghcb_version = src->ghcb_version;
	INIT_LIST_HEAD(&dst->regions_list);
	list_splice_init(&src->regions_list, &dst->regions_list);

	snp_move_asid(dst_kvm, src_kvm, cg);
	snp_move_mirrors(dst_kvm, src_kvm);

	dst->active = true;
	dst->es_active = src->es_active;
	dst->need_init = false;
	snp_assert_charge(dst_kvm);

	src->es_active = false;
	src->active = false;
	src->handle = 0;
	src->pages_locked = 0;
	src->ap_jump_table = 0;
	src->vmsa_features = 0;
	snp_assert_charge(src_kvm);

	if (sev_snp_guest(dst_kvm))
		snp_move_snp(dst_kvm, src_kvm);

	/* As KVM_SEV_INIT does: the guest's memory is not AVIC's to write. */
	kvm_set_apicv_inhibit(dst_kvm, APICV_INHIBIT_REASON_SEV);
}

/*
 * What userspace could not move: KVM's copies of control registers, the registers
 * of the exit that the GHCB is still to be told, and whether the vCPU runs at all,
 * which for an AP is the guest's and not the VMM's to say.
 */
static void snp_move_arch(struct kvm_vcpu *dst_vcpu, struct kvm_vcpu *src_vcpu)
{
	struct kvm_vcpu_arch *dst = &dst_vcpu->arch, *src = &src_vcpu->arch;

	memcpy(dst->regs, src->regs, sizeof(dst->regs));
	dst->cr0 = src->cr0;
	dst->cr4 = src->cr4;
	dst->cr8 = src->cr8;
	dst->efer = src->efer;
	kvm_mmu_reset_context(dst_vcpu);
	kvm_update_cpuid_runtime(dst_vcpu);

	dst->mp_state = src->mp_state;
	dst->pv.pv_unhalted = src->pv.pv_unhalted;
	if (lapic_in_kernel(dst_vcpu) && lapic_in_kernel(src_vcpu)) {
		dst->apic->pending_events = src->apic->pending_events;
		dst->apic->sipi_vector = src->apic->sipi_vector;
	}
	kvm_make_request(KVM_REQ_EVENT, dst_vcpu);
	if (kvm_check_request(KVM_REQ_UPDATE_PROTECTED_GUEST_STATE, src_vcpu))
		kvm_make_request(KVM_REQ_UPDATE_PROTECTED_GUEST_STATE, dst_vcpu);
}

/*
 * VMSA and GHCB belong to the destination from here on. Field by field: a mutex
 * and what hangs in lists can't be copied.
 */
static void snp_move_vcpu(struct kvm_vcpu *dst_vcpu, struct kvm_vcpu *src_vcpu)
{
	struct vcpu_svm *dst_svm = to_svm(dst_vcpu), *src_svm = to_svm(src_vcpu);
	struct vcpu_sev_es_state *dst = &dst_svm->sev_es, *src = &src_svm->sev_es;

	dst->vmsa = src->vmsa;
	dst->ghcb = src->ghcb;
	memcpy(dst->valid_bitmap, src->valid_bitmap, sizeof(dst->valid_bitmap));
	dst->ghcb_map = src->ghcb_map;
	dst->received_first_sipi = src->received_first_sipi;
	dst->ap_reset_hold_type = src->ap_reset_hold_type;
	dst->sw_scratch = src->sw_scratch;
	dst->ghcb_sa = src->ghcb_sa;
	dst->ghcb_sa_len = src->ghcb_sa_len;
	dst->ghcb_sa_sync = src->ghcb_sa_sync;
	dst->ghcb_sa_free = src->ghcb_sa_free;
	dst->ghcb_registered_gpa = src->ghcb_registered_gpa;
	dst->snp_pending_vmsa_gpa = src->snp_pending_vmsa_gpa;
	dst->snp_guest_vmsa_gpa = src->snp_guest_vmsa_gpa;
	dst->snp_ap_waiting_for_reset = src->snp_ap_waiting_for_reset;
	dst->snp_has_guest_vmsa = src->snp_has_guest_vmsa;
	mutex_init(&dst->snp_vmsa_mutex);
	if (kvm_in_place(dst_vcpu->kvm))
		snp_vcpu_move(dst_vcpu, src_vcpu);
	snp_vmsa_move(dst_vcpu, src_vcpu);

	src->vmsa = NULL;
	src->ghcb = NULL;
	src->snp_pending_vmsa_gpa = INVALID_PAGE;
	src->snp_guest_vmsa_gpa = INVALID_PAGE;
	src->snp_ap_waiting_for_reset = false;
	src->snp_has_guest_vmsa = false;
	memset(&src->ghcb_map, 0, sizeof(src->ghcb_map));
	src->ghcb_sa = NULL;
	src->ghcb_sa_sync = false;
	src->ghcb_sa_free = false;

	dst_svm->vmcb->control.ghcb_gpa = src_svm->vmcb->control.ghcb_gpa;
	dst_svm->vmcb->control.vmsa_pa = src_svm->vmcb->control.vmsa_pa;
	src_svm->vmcb->control.ghcb_gpa = INVALID_PAGE;
	src_svm->vmcb->control.vmsa_pa = INVALID_PAGE;

	/* What KVM_SEV_LAUNCH_UPDATE_VMSA made of the source's vCPU */
	dst_vcpu->arch.guest_state_protected = true;
	fpstate_set_confidential(&dst_vcpu->arch.guest_fpu);
	svm_enable_lbrv(dst_vcpu);
	src_vcpu->arch.guest_state_protected = false;

	snp_move_arch(dst_vcpu, src_vcpu);
}

static void snp_move_context(struct kvm *dst, struct kvm *src, struct misc_cg *cg)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	snp_move_vm(dst, src, cg);

	kvm_for_each_vcpu(i, vcpu, dst) {
		sev_init_vmcb(to_svm(vcpu));
		/* Plain SEV: any number of vCPUs, userspace moves their registers. */
		if (sev_es_guest(dst))
			snp_move_vcpu(vcpu, kvm_get_vcpu(src, i));
		sev_vcpu_after_set_cpuid(to_svm(vcpu));
	}

	kvm_vm_dead(src);
}

/* What two kvm->lock are enough to see */
static int snp_check_vms(struct kvm *dst, struct kvm *src)
{
	if (dst->vm_dead || src->vm_dead)
		return -EIO;
	if (dst->arch.vm_type != src->arch.vm_type || sev_guest(dst) || !sev_guest(src))
		return -EINVAL;
	/* The other kind's memory is guest_memfd's, which is one VM's for good. */
	if (sev_snp_guest(src) && !(kvm_in_place(src) && kvm_in_place(dst)))
		return -EINVAL;
	/* A launch goes on where it began. */
	if (sev_snp_guest(src) && !src->arch.pre_fault_allowed)
		return -EINVAL;
	if (kvm_is_vcpu_creation_in_progress(dst) || kvm_is_vcpu_creation_in_progress(src))
		return -EBUSY;
	if (sev_es_guest(src) && atomic_read(&dst->online_vcpus) != atomic_read(&src->online_vcpus))
		return -EINVAL;
	return 0;
}

static int snp_check_vcpus(struct kvm *dst, struct kvm *src)
{
	struct kvm_vcpu *vcpu, *from;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, dst) {
		/* vmcb is then not the one to prepare. */
		if (is_guest_mode(vcpu))
			return -EINVAL;
	}
	if (!sev_es_guest(src))
		return 0;

	kvm_for_each_vcpu(i, from, src) {
		vcpu = kvm_get_vcpu(dst, i);
		/* Nor is vmcb then the one that has the VMSA. */
		if (!from->arch.guest_state_protected || from->vcpu_id != vcpu->vcpu_id ||
		    is_guest_mode(from))
			return -EINVAL;
		if (sev_snp_guest(src) && lapic_in_kernel(from) != lapic_in_kernel(vcpu))
			return -EINVAL;
		/* The answer to its last exit would come to a dead vCPU. */
		if (from->arch.complete_userspace_io && !snp_psc_parked(from))
			return -EBUSY;
		/* The page it runs on is in no table that could move. */
		if (to_svm(from)->in_place && to_svm(from)->in_place->left)
			return -EBUSY;
	}
	return 0;
}

static int snp_move_in_place(struct kvm *dst, struct kvm *src, struct misc_cg *cg)
{
	int ret = snp_lock_slots(dst, src);

	if (ret)
		return ret;
	ret = snp_pages_prepare(dst, src);
	if (!ret)
		snp_move_context(dst, src, cg);
	snp_unlock_slots(dst, src);
	return ret;
}

static int snp_move_locked(struct kvm *dst, struct kvm *src)
{
	struct misc_cg *cg;
	int ret;

	ret = snp_check_vms(dst, src);
	if (ret)
		return ret;

	ret = snp_charge_asid(src, &cg);
	if (ret)
		return ret;

	ret = snp_lock_vcpus(dst, SNP_VCPU_DST);
	if (ret)
		goto uncharge;
	ret = snp_lock_vcpus(src, SNP_VCPU_SRC);
	if (ret)
		goto unlock_dst;

	ret = snp_check_vcpus(dst, src);
	if (!ret && sev_snp_guest(src))
		ret = snp_move_in_place(dst, src, cg);
	else if (!ret)
		snp_move_context(dst, src, cg);

	snp_unlock_vcpus(src, ULONG_MAX);
unlock_dst:
	snp_unlock_vcpus(dst, ULONG_MAX);
uncharge:
	if (ret)
		snp_uncharge_asid(to_kvm_sev_info(src), cg, to_kvm_sev_info(src)->misc_cg);
	return ret;
}

/**
 * snp_issue_cmd() - a firmware command on behalf of a guest
 * @fd: kvm_sev_info.fd: descriptor of the SEV device in the process that launched it
 * @id: the command
 * @data: its buffer
 * @error: receives firmware's answer
 *
 * A guest that has moved brings the right to ask firmware along, no descriptor:
 * the number means something else in its new process.
 *
 * Context: process context; may sleep.
 * Return: as sev_do_cmd(); -EBADF: @fd is not open, or not that device.
 */
int snp_issue_cmd(int fd, int id, void *data, int *error)
{
	if (fd == SNP_FD_MOVED)
		return sev_do_cmd(id, data, error);

	CLASS(fd, f)(fd);

	return fd_empty(f) ? -EBADF : sev_issue_cmd_external_user(fd_file(f), id, data, error);
}

/**
 * snp_vm_move_enc_context_from() - take over the context of a SEV guest
 * @kvm: the destination, not a SEV VM yet
 * @source_fd: file descriptor of the source VM
 *
 * All or nothing: on success the destination has the ASID, its charge, the
 * firmware handle, registered regions, place among mirrors, VMSAs and GHCBs; of
 * an in-place SNP guest also the context page, the table of private pages with
 * pins and their charge, and what its vCPUs wait for. The source is dead: -EIO from
 * its vCPU and VM ioctls; its memory and file descriptors are its owner's to free.
 * On any error both are as they were.
 *
 * Context: process context of the destination's owner, no KVM lock held; takes,
 * killably, kvm->lock and all vcpu->mutex of both VMs, for SNP slots_lock and
 * mmap_lock of both.
 * Return: 0; -EBADF: @source_fd is not open or is no VM; -EINVAL: one VM twice,
 * VMs of different type, destination is a SEV VM, source is none, a SEV-ES or SNP
 * source has other vCPUs (number, vcpu_id) or one without VMSA, a destination's
 * vCPU is in nested guest mode; SNP: a VM is not in-place, the launch is not
 * finished, memory differs, only one has a local APIC; -ENOMEM: SNP:
 * RLIMIT_MEMLOCK, no memory; -EBUSY: one of the VMs is in another migration or is
 * creating a vCPU, a SEV-ES or SNP vCPU of the source has an exit to complete, the
 * caller's misc cgroup is at its limit; -EIO: one of the VMs is dead; -EINTR:
 * killed while waiting.
 */
int snp_vm_move_enc_context_from(struct kvm *kvm, unsigned int source_fd)
{
	CLASS(fd, f)(source_fd);
	struct snp_migration m;
	struct kvm *src;
	int ret;

	if (fd_empty(f) || !file_is_kvm(fd_file(f)))
		return -EBADF;
	src = fd_file(f)->private_data;

	m = snp_migrate_begin(src);
	ret = snp_lock_two_vms(kvm, src);
	if (ret)
		return snp_migrate_end(&m, ret);
	ret = snp_move_locked(kvm, src);
	snp_unlock_two_vms(kvm, src);
	return snp_migrate_end(&m, ret);
}
