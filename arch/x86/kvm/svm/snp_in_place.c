// SPDX-License-Identifier: GPL-2.0-only
/*
 * An SNP VM whose pages change between shared and private in place, from its
 * capability to its end: what KVM's common code asks about its memory, what its
 * guest's faults mean, how it is launched, and how nothing of it is left.
 *
 * Invariant: every private page of the VM is in its table (snp_table.c) until it
 * is shared again or counted as leaked; at the end of the VM the table is empty
 * before the memory goes back.
 *
 * Callers: kvm_x86_ops and hooks in svm.c and sev.c.
 */
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/psp.h>
#include <linux/psp-sev.h>
#include <linux/seq_file.h>
#include <asm/rmp_fault.h>
#include <trace/events/snp_guest.h>
#include <uapi/asm/kvm_in_place.h>

#include "x86.h"
#include "mmu.h"
#include "svm.h"
#include "snp_in_place.h"

/* ---- the VM ------------------------------------------------------------ */

static LIST_HEAD(vms);
static DEFINE_SPINLOCK(vms_lock);

static int enable(struct kvm *kvm)
{
	struct snp_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);

	if (!vm)
		return -ENOMEM;

	vm->kvm = kvm;
	snp_range_init(&vm->range);
	xa_init(&vm->regions);
	kvm->arch.in_place = vm;

	spin_lock(&vms_lock);
	list_add(&vm->list, &vms);
	spin_unlock(&vms_lock);
	return 0;
}

/**
 * snp_vm_destroy() - the VM ends: all private pages go back to the host
 * @kvm: any VM; its vCPUs are gone, its guest context is not yet
 *
 * Context: process context, any task, perhaps without mm.
 */
void snp_vm_destroy(struct kvm *kvm)
{
	struct snp_vm *vm = to_snp_vm(kvm);
	struct snp_region *r;
	unsigned long index;

	if (!vm)
		return;

	xa_for_each(&vm->regions, index, r) {
		snp_return_region(vm, r, 0, SNP_REGION_PAGES - 1);
		kfree(r->pfn);
		kfree(r);
		cond_resched();
	}
	xa_destroy(&vm->regions);
	WARN_ON_ONCE(!snp_range_empty(&vm->range));

	spin_lock(&vms_lock);
	list_del(&vm->list);
	spin_unlock(&vms_lock);
	kvm->arch.in_place = NULL;
	kfree(vm);
	static_branch_dec(&kvm_in_place_key);
}

static void slot_gone(struct kvm *kvm, const struct kvm_memory_slot *slot)
{
	gfn_t gfn = slot->base_gfn, end = gfn + slot->npages, next;
	struct snp_vm *vm = to_snp_vm(kvm);
	struct snp_region *r;

	lockdep_assert_held(&kvm->slots_lock);

	for (; gfn < end; gfn = next) {
		next = min(end, ALIGN_DOWN(gfn, SNP_REGION_PAGES) + SNP_REGION_PAGES);
		r = snp_region_find(vm, gfn);
		if (r && READ_ONCE(r->nr))
			snp_return_region(vm, r, gfn - r->gfn, next - 1 - r->gfn);
		cond_resched();
	}
}

/* ---- what KVM asks about memory ---------------------------------------- */

static bool is_private(struct kvm *kvm, gfn_t gfn)
{
	return snp_table_private(to_snp_vm(kvm), gfn);
}

/* The size of the guest mapping that a private page wants: that of its RMP entry. */
static int rmp_level(struct snp_vm *vm, gfn_t gfn, unsigned long pfn)
{
	struct rmp_view v;

	if (rmp_view_page(pfn, &v) && v.assigned && v.gpa == gfn_to_gpa(gfn))
		return v.level;
	return PG_LEVEL_4K;
}

/*
 * While any part of the 2M region is being converted, a mapping made now might
 * have the wrong size when the conversion is over.
 */
static int get_page_of(struct kvm *kvm, gfn_t gfn, kvm_pfn_t *pfn, u8 *level)
{
	struct snp_vm *vm = to_snp_vm(kvm);
	struct page *page;

	if (snp_range_gfns_busy(&vm->range, ALIGN_DOWN(gfn, SNP_REGION_PAGES),
				SNP_REGION_PAGES))
		return -EAGAIN;

	page = snp_table_get_page(vm, gfn);
	if (!page)
		return -ENOENT;

	*pfn = page_to_pfn(page);
	*level = min_t(int, *level, rmp_level(vm, gfn, *pfn));
	return 0;
}

static int max_level(struct kvm *kvm, gfn_t gfn, int level)
{
	struct snp_vm *vm = to_snp_vm(kvm);
	struct snp_region *r = snp_region_find(vm, gfn);
	unsigned long pfn;

	level = min_t(int, level, PG_LEVEL_2M);
	if (!r || !READ_ONCE(r->nr))
		return level;
	if (!snp_table_pfn(r, gfn - r->gfn, &pfn))
		return PG_LEVEL_4K;
	return min(level, rmp_level(vm, gfn, pfn));
}

/* First published, then assigned: asked in the other order, neither may be seen. */
static bool refuses_pfn(struct kvm *kvm, kvm_pfn_t pfn)
{
	struct snp_vm *vm = to_snp_vm(kvm);
	struct rmp_view v;

	return READ_ONCE(vm->moved) || snp_range_pfn_busy(&vm->range, pfn) ||
	       (rmp_view_page(pfn, &v) && v.assigned);
}

const struct kvm_in_place_ops snp_in_place_ops = {
	.enable		= enable,
	.is_private	= is_private,
	.get_page	= get_page_of,
	.max_level	= max_level,
	.refuses_pfn	= refuses_pfn,
	.slot_gone	= slot_gone,
};

/**
 * snp_post_map_gfn() - may KVM keep this mapping of guest memory?
 * @vcpu: the vCPU, of an in-place VM
 * @map: has its page
 *
 * The frame is held first and looked at then, so that no conversion can come in
 * between; the page too, since the memslot may lead to another one by now.
 *
 * Context: process context, in kvm->srcu; waits for a conversion of the frame.
 * Return: 0: @map->hold is in the range lock; -EFAULT: private, not held.
 */
int snp_post_map_gfn(struct kvm_vcpu *vcpu, struct kvm_host_map *map)
{
	struct snp_vm *vm = to_snp_vm(vcpu->kvm);
	struct rmp_view v;

	snp_range_hold(&vm->range, &map->hold, map->gfn, SNP_HOLD_MAP);
	if (!snp_table_private(vm, map->gfn) &&
	    !(rmp_view_page(map->pfn, &v) && v.assigned))
		return 0;

	snp_range_release(&vm->range, &map->hold);
	trace_snp_map(map->gfn, SNP_HOLD_MAP, SNP_MAP_REFUSED);
	return -EFAULT;
}

/**
 * snp_post_unmap_gfn() - KVM no longer has the frame mapped
 * @vcpu: the vCPU, of an in-place VM
 * @map: from a successful snp_post_map_gfn()
 *
 * Context: any but hard interrupts; does not sleep.
 */
void snp_post_unmap_gfn(struct kvm_vcpu *vcpu, struct kvm_host_map *map)
{
	snp_range_release(&to_snp_vm(vcpu->kvm)->range, &map->hold);
}

/* ---- the guest's faults ------------------------------------------------ */

/**
 * snp_memory_exit() - only the VMM can help
 * @vcpu: the vCPU
 * @gfn: frame that can't change its state
 * @private: to which it should
 * @error: of snp_make_private() or snp_make_shared()
 *
 * Context: exit handler.
 * Return: -EFAULT, which goes with KVM_EXIT_MEMORY_FAULT.
 */
int snp_memory_exit(struct kvm_vcpu *vcpu, gfn_t gfn, bool private, int error)
{
	u64 why;

	switch (error) {
	case -EFAULT:
		why = KVM_IN_PLACE_WHY_NO_SLOT;
		break;
	case -EDQUOT:
		why = KVM_IN_PLACE_WHY_LIMIT;
		break;
	case -EOPNOTSUPP:
		why = KVM_IN_PLACE_WHY_NO_PIN;
		break;
	case -EEXIST:
		why = KVM_IN_PLACE_WHY_TAKEN;
		break;
	case -EINVAL:
		why = KVM_IN_PLACE_WHY_HUGETLB;
		break;
	case -ENOMEM:
		why = KVM_IN_PLACE_WHY_NO_MEMORY;
		break;
	default:
		why = 0;
	}

	kvm_prepare_memory_fault_exit(vcpu, gfn_to_gpa(gfn), PAGE_SIZE, false, false, private);
	vcpu->run->memory_fault.flags |= why << KVM_IN_PLACE_WHY_SHIFT;
	return -EFAULT;
}

/* The guest uses a page in the other state without having asked for it. */
static int implicit_change(struct kvm_vcpu *vcpu, gfn_t gfn, bool private)
{
	struct snp_unit u = { .vm = to_snp_vm(vcpu->kvm), .gfn = gfn, .n = 1 };
	struct snp_scratch *s = &snp_vcpu_get(to_svm(vcpu))->scratch;
	int ret = private ? snp_make_private(&u, s) : snp_make_shared(&u, s);

	switch (ret) {
	case 0:
	case -EAGAIN:
	case -EBUSY:
	case -EINTR:
		/* Not yet: the guest will fault again. */
		cond_resched();
		return 1;
	default:
		return snp_memory_exit(vcpu, gfn, private, ret);
	}
}

/*
 * Shared, yet the RMP refuses: a mapping too large, or the page is private
 * elsewhere. Only with the range held do table and RMP belong together.
 */
static int shared_fault(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	gfn_t base = ALIGN_DOWN(gfn, SNP_REGION_PAGES);
	struct snp_vm *vm = to_snp_vm(vcpu->kvm);
	kvm_pfn_t pfn = gfn_to_pfn(vcpu->kvm, gfn);
	bool taken = false;
	struct snp_excl e;
	struct rmp_view v;

	if (is_error_noslot_pfn(pfn))
		return 1;

	if (!snp_range_lock(&vm->range, &e, gfn, 1)) {
		taken = !snp_table_private(vm, gfn) && rmp_view_page(pfn, &v) && v.assigned;
		snp_range_unlock(&vm->range, &e);
	}
	kvm_release_pfn_clean(pfn);
	if (taken)
		return snp_memory_exit(vcpu, gfn, false, -EEXIST);

	kvm_zap_gfn_range(vcpu->kvm, base, base + SNP_REGION_PAGES);
	return 1;
}

/* Private, yet the RMP refuses: taken by the host, or of another size. */
static int private_fault(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct snp_vm *vm = to_snp_vm(vcpu->kvm);
	struct snp_region *r = snp_region_find(vm, gfn);
	unsigned long pfn;
	struct rmp_view v;

	if (!r || !snp_table_pfn(r, gfn - r->gfn, &pfn) || !rmp_view_page(pfn, &v))
		return 1;
	if (!v.assigned)
		return implicit_change(vcpu, gfn, true);
	if (v.gpa != gfn_to_gpa(gfn) || v.asid != to_kvm_sev_info(vcpu->kvm)->asid)
		return snp_memory_exit(vcpu, gfn, true, -EEXIST);

	snp_smash(vm, gfn);
	return 1;
}

/**
 * snp_npf() - a nested page fault of an in-place guest, before the MMU sees it
 * @vcpu: the vCPU, of any VM
 * @gpa: where, without C-bit
 * @error_code: of the fault
 *
 * The C-bit (ENC) says in which state the guest wants the page. Is it in the
 * other one, it is converted here, as if the guest had asked: implicit page-state
 * changes never leave the kernel. RMP faults are resolved here as well.
 *
 * Context: exit handler, in kvm->srcu.
 * Return: 0: let the MMU map it; 1: the guest tries again; -EFAULT: KVM_RUN ends,
 * KVM_EXIT_MEMORY_FAULT.
 */
int snp_npf(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	bool private = error_code & PFERR_GUEST_ENC_MASK;
	gfn_t gfn = gpa_to_gfn(gpa);
	int ret;

	if (!kvm_in_place(vcpu->kvm) || (error_code & PFERR_RSVD_MASK) ||
	    !kvm_is_visible_gfn(vcpu->kvm, gfn))
		return 0;

	if (private != snp_table_private(to_snp_vm(vcpu->kvm), gfn)) {
		ret = implicit_change(vcpu, gfn, private);
		if (ret < 0 || (error_code & PFERR_GUEST_RMP_MASK))
			return ret;
		/* Did not work out: the MMU says try again. */
		return 0;
	}
	if (!(error_code & PFERR_GUEST_RMP_MASK))
		return 0;

	cond_resched();
	return private ? private_fault(vcpu, gfn) : shared_fault(vcpu, gfn);
}

/* ---- VMSA pages -------------------------------------------------------- */

/* No vCPU runs on the frame any more: nor keeps its page, if the slot went meanwhile. */
static void leave_vmsa(struct snp_vm *vm, struct snp_vcpu *v)
{
	gfn_t gfn = v->vmsa.gfns.start;

	snp_range_release(&vm->range, &v->vmsa);
	if (v->left)
		snp_return_page(vm, gfn, v->left);
	v->left = 0;
}

/**
 * snp_vmsa_pfn() - the page of a VMSA that the guest made for a vCPU
 * @vcpu: the vCPU that is to run on it
 * @slot: of @gfn
 * @gfn: its frame
 * @pfn: receives the page, with a reference
 *
 * In an in-place VM the frame stays in the range lock until the vCPU leaves the
 * VMSA, so that no conversion takes it from under the vCPU.
 *
 * Context: vcpu->mutex and snp_vmsa_mutex held, in kvm->srcu; may sleep.
 * Return: 0 or -errno.
 */
int snp_vmsa_pfn(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn,
		 kvm_pfn_t *pfn)
{
	struct snp_vm *vm;
	struct snp_vcpu *v;
	struct page *page;

	if (!kvm_in_place(vcpu->kvm))
		return kvm_gmem_get_pfn(vcpu->kvm, slot, gfn, pfn, NULL);

	/* Or snp_vmsa_keep() could take us for the one that runs on the page. */
	if (slot->flags & KVM_MEMSLOT_INVALID)
		return -EFAULT;

	vm = to_snp_vm(vcpu->kvm);
	v = snp_vcpu_get(to_svm(vcpu));
	snp_range_hold(&vm->range, &v->vmsa, gfn, SNP_HOLD_VMSA);
	page = snp_table_get_page(vm, gfn);
	if (!page) {
		leave_vmsa(vm, v);
		return -EFAULT;
	}
	*pfn = page_to_pfn(page);
	return 0;
}

/**
 * snp_vmsa_keep() - a frame's memslot goes: does a vCPU run on its page?
 * @vm: the VM
 * @gfn: the frame, out of the table
 * @pfn: the page
 *
 * Hardware returns the page when the vCPU is out of it for good, and no sooner. Pin and
 * charge stay until then.
 *
 * Context: slots_lock held.
 * Return: true: one does, and returns the page when it leaves.
 */
bool snp_vmsa_keep(struct snp_vm *vm, gfn_t gfn, unsigned long pfn)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	if (!snp_range_is_vmsa(&vm->range, gfn))
		return false;

	kvm_for_each_vcpu(i, vcpu, vm->kvm) {
		struct snp_vcpu *v = READ_ONCE(to_svm(vcpu)->in_place);

		if (v && snp_range_leave_page(&vm->range, &v->vmsa, gfn, pfn, &v->left))
			return true;
	}
	return false;
}

/* And what the guest's last exit had in a buffer of its own: nobody is told of it. */
static void drop_ghcb(struct vcpu_svm *svm)
{
	struct vcpu_sev_es_state *sev_es = &svm->sev_es;

	if (!sev_es->ghcb)
		return;
	kvm_vcpu_unmap(&svm->vcpu, &sev_es->ghcb_map, true);
	if (sev_es->ghcb_sa_free)
		kvfree(sev_es->ghcb_sa);
	sev_es->ghcb = NULL;
	sev_es->ghcb_sa = NULL;
	sev_es->ghcb_sa_free = false;
	sev_es->ghcb_sa_sync = false;
}

/**
 * snp_park_ghcb() - a vCPU went into the AP hold loop
 * @svm: the vCPU, its GHCB mapped
 *
 * It may stay there for ever, and would hold its GHCB against every conversion.
 *
 * Context: exit handler.
 */
void snp_park_ghcb(struct vcpu_svm *svm)
{
	if (kvm_in_place(svm->vcpu.kvm))
		drop_ghcb(svm);
}

/**
 * snp_unpark_ghcb() - a vCPU leaves the AP hold loop, and wants to be told why
 * @svm: the vCPU
 *
 * Context: the vCPU's task, in kvm->srcu; may sleep.
 * Return: true: the GHCB is mapped; false: the guest has made something else of it.
 */
bool snp_unpark_ghcb(struct vcpu_svm *svm)
{
	struct vcpu_sev_es_state *sev_es = &svm->sev_es;

	if (!sev_es->ghcb && kvm_in_place(svm->vcpu.kvm) &&
	    !kvm_vcpu_map(&svm->vcpu, gpa_to_gfn(svm->vmcb->control.ghcb_gpa),
			  &sev_es->ghcb_map))
		sev_es->ghcb = sev_es->ghcb_map.hva;
	return sev_es->ghcb;
}

/**
 * snp_vcpu_reload() - a vCPU leaves the state it had
 * @vcpu: of any VM
 *
 * Its VMSA page and its GHCB are free to be converted, and what its guest asked
 * for last is answered to nobody. But the VMM's answer to an exit goes to the GHCB,
 * which then stays for as long: until the vCPU is entered again.
 *
 * Context: vcpu->mutex held; may sleep.
 */
void snp_vcpu_reload(struct kvm_vcpu *vcpu)
{
	struct snp_vcpu *v = to_svm(vcpu)->in_place;

	if (!kvm_in_place(vcpu->kvm))
		return;
	if (!vcpu->arch.complete_userspace_io)
		drop_ghcb(to_svm(vcpu));
	if (!v)
		return;
	leave_vmsa(to_snp_vm(vcpu->kvm), v);
	v->msr_request = 0;
	v->stuck = 0;
}

/**
 * snp_vcpu_move() - a vCPU's guest goes on in another VM's vCPU
 * @dst: never run
 * @src: its GHCB, if mapped, is @dst's already but for the place in the range lock
 *
 * A request that waits (MSR protocol) goes along.
 *
 * Context: vcpu->mutex of both held, none of the VMs' vCPUs runs.
 */
void snp_vcpu_move(struct kvm_vcpu *dst, struct kvm_vcpu *src)
{
	struct snp_range *to = &to_snp_vm(dst->kvm)->range;
	struct snp_range *from = &to_snp_vm(src->kvm)->range;
	struct vcpu_svm *svm = to_svm(dst);

	snp_range_move(to, &svm->sev_es.ghcb_map.hold, from, &to_svm(src)->sev_es.ghcb_map.hold);

	/* None of @dst's: only exit handlers ask for one. */
	swap(svm->in_place, to_svm(src)->in_place);
	if (svm->in_place)
		snp_range_move(to, &svm->in_place->vmsa, from, &svm->in_place->vmsa);

	dst->arch.complete_userspace_io = src->arch.complete_userspace_io;
	src->arch.complete_userspace_io = NULL;
}

/**
 * snp_vcpu_free() - a vCPU is gone
 * @vcpu: of any VM
 *
 * Context: process context; the VM is being destroyed.
 */
void snp_vcpu_free(struct kvm_vcpu *vcpu)
{
	/* Whatever the VMM has of it, no answer comes any more. */
	vcpu->arch.complete_userspace_io = NULL;
	snp_vcpu_reload(vcpu);
	kvfree(to_svm(vcpu)->in_place);
	to_svm(vcpu)->in_place = NULL;
}

/* ---- launch ------------------------------------------------------------ */

struct measure {
	struct kvm *kvm;
	u8 type;
	int fw_error;
};

/* As snp_launch_page() wants it */
static int measure(sev_command_t command, unsigned long pfn, void *data)
{
	struct measure *m = data;
	struct sev_data_snp_launch_update update = {
		.gctx_paddr = __psp_pa(to_kvm_sev_info(m->kvm)->snp_context),
		.address = __sme_set(PFN_PHYS(pfn)),
		.page_size = PG_LEVEL_TO_RMP(PG_LEVEL_4K),
		.page_type = m->type,
	};
	struct sev_data_snp_page_reclaim reclaim = {
		.paddr = __sme_set(PFN_PHYS(pfn)),
	};
	int fw_error;

	if (!command(SEV_CMD_SNP_LAUNCH_UPDATE, &update, &m->fw_error))
		return 0;

	return command(SEV_CMD_SNP_PAGE_RECLAIM, &reclaim, &fw_error) ?
		SNP_MEASURE_LOST : SNP_MEASURE_REFUSED;
}

/* Firmware left in the page which CPUID values it would have taken. */
static void cpuid_answer(struct kvm *kvm, gfn_t gfn, void __user *src, struct snp_scratch *s)
{
	unsigned long hva = gfn_to_hva(kvm, gfn);

	BUILD_BUG_ON(sizeof(s->pfn) < PAGE_SIZE);
	if (kvm_is_error_hva(hva) || hva == (unsigned long)src ||
	    copy_from_user(s->pfn, (void __user *)hva, PAGE_SIZE) ||
	    copy_to_user(src, s->pfn, PAGE_SIZE))
		pr_debug("%s: CPUID page not written back\n", __func__);
}

/**
 * snp_launch_update_in_place() - KVM_SEV_SNP_LAUNCH_UPDATE of an in-place VM
 * @kvm: the VM
 * @argp: the command; gets the firmware's error
 * @params: its parameters, checked; gets what is left to do
 *
 * Context: kvm->lock and slots_lock held.
 * Return: 0: done, or @params->len bytes are left; -errno of snp_launch_page() for
 * the first page that is left, -EDQUOT as -ENOMEM; -EIO: also once the launch is
 * finished; -EINTR; -EBADF; -EFAULT.
 */
int snp_launch_update_in_place(struct kvm *kvm, struct kvm_sev_cmd *argp,
			       struct kvm_sev_snp_launch_update *params)
{
	bool zero = params->type == KVM_SEV_SNP_PAGE_TYPE_ZERO;
	struct measure m = { .kvm = kvm, .type = params->type };
	struct snp_scratch *s;
	void __user *src;
	struct file *sev;
	int ret = 0;

	/* As firmware would say, which has no more to do with pages of a running guest. */
	if (kvm->arch.pre_fault_allowed) {
		argp->error = SEV_RET_INVALID_GUEST_STATE;
		return -EIO;
	}

	sev = fget(argp->sev_fd);
	if (!sev)
		return -EBADF;

	s = kvmalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	if (!s)
		ret = -ENOMEM;

	while (!ret && params->len) {
		cond_resched();
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		src = zero ? NULL : u64_to_user_ptr(params->uaddr);
		ret = snp_launch_page(to_snp_vm(kvm), s, params->gfn_start, src, sev, measure,
				      &m);
		if (ret) {
			if (m.type == KVM_SEV_SNP_PAGE_TYPE_CPUID &&
			    m.fw_error == SEV_RET_INVALID_PARAM)
				cpuid_answer(kvm, params->gfn_start, src, s);
			break;
		}
		params->gfn_start++;
		params->len -= PAGE_SIZE;
		if (!zero)
			params->uaddr += PAGE_SIZE;
	}
	kvfree(s);
	fput(sev);

	argp->error = m.fw_error;
	if (copy_to_user(u64_to_user_ptr(argp->data), params, sizeof(*params)))
		return -EFAULT;
	return ret == -EDQUOT ? -ENOMEM : ret;
}

/* ---- what is to be seen ------------------------------------------------ */

static int counts_show(struct seq_file *m, void *unused)
{
	unsigned int holds = 0, conversions = 0, waiting = 0;
	struct snp_vm *vm;

	spin_lock(&vms_lock);
	list_for_each_entry(vm, &vms, list) {
		holds += snp_range_count(&vm->range, SNP_HOLD_MAP) +
			 snp_range_count(&vm->range, SNP_HOLD_VMSA);
		conversions += snp_range_count(&vm->range, SNP_HOLD_EXCL);
		waiting += snp_range_count(&vm->range, SNP_HOLD_WANTED);
	}
	spin_unlock(&vms_lock);

#define SHOW(name) seq_printf(m, #name " %lld\n", atomic64_read(&snp_counts.name))
	SHOW(private);
	SHOW(pinned);
	SHOW(leaked);
	seq_printf(m, "holds %u\nconversions %u\nwaiting %u\n", holds, conversions, waiting);
	SHOW(to_private);
	SHOW(to_shared);
	SHOW(large);
	SHOW(refaulted);
	SHOW(busy);
	SHOW(revoked);
#undef SHOW
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counts);

static struct dentry *dir;

/**
 * snp_in_place_init() - the module is loaded
 *
 * Context: process context, before the first VM.
 */
void __init snp_in_place_init(void)
{
	snp_convert_init();
	dir = debugfs_create_dir("snp_in_place", NULL);
	debugfs_create_file("counts", 0400, dir, NULL, &counts_fops);
}

/**
 * snp_in_place_exit() - the module goes
 *
 * Context: process context, after the last VM.
 */
void snp_in_place_exit(void)
{
	debugfs_remove(dir);
}
