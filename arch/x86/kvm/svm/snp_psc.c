// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an in-place guest asks for: page-state change requests, GHCB
 * specification 2.3.1 (MSR protocol, one page) and 4.1.6 (NAE event, up to 253
 * entries of 4K or 2M). Here requests are read, checked, cut into units, and
 * answered; snp_convert.c does what they say.
 *
 * The buffer is the guest's and changes under us: header and entries are read
 * once, and only our copy counts. What is written back can hurt nobody but the
 * guest. Linux guests end themselves on any error, so what may go away by itself
 * is never one: an NAE request then returns with what it has done so far and no
 * error, which tells the guest to come again; the MSR protocol has no such
 * answer, so the request stays with the vCPU until it is done, across signals
 * and exits to the VMM. The VMM is asked (KVM_EXIT_MEMORY_FAULT) where only it can
 * help. Without any progress for SNP_PATIENCE, the guest gets an error.
 *
 * Deadlocks. An NAE request has its GHCB mapped, so it never waits for a map: two
 * vCPUs may convert each other's GHCB. The MSR protocol has nothing mapped, and
 * it leaves kvm->srcu before it waits, because the one who holds the map may be on
 * its way through synchronize_srcu().
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "x86.h"
#include "svm.h"
#include "snp_ghcb.h"
#include "snp_in_place.h"
#include "snp_trace.h"

/* For how long a request may fail to make progress: less than the guest's watchdog. */
#define SNP_PATIENCE		(10 * HZ)

/* SMASH and UNSMASH are hints about entry sizes (4.1.6): heard, not followed. */
#define PSC_OP_SMASH		3
#define PSC_OP_UNSMASH		4

/* Each round means that the VMM or another vCPU changed something. */
#define TRIES			64

/**
 * snp_vcpu_get() - what an in-place VM keeps for a vCPU
 * @svm: the vCPU
 *
 * Context: process context, vcpu->mutex held.
 * Return: it; never NULL.
 */
struct snp_vcpu *snp_vcpu_get(struct vcpu_svm *svm)
{
	if (!svm->in_place)
		svm->in_place = kvzalloc(sizeof(*svm->in_place),
					 GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	return svm->in_place;
}

/*
 * Was a vCPU that runs on one of the frames told to run on something else? It leaves
 * when it is run next, so the guest that told it may ask again.
 */
static bool vcpu_leaves(struct snp_unit *u)
{
	struct kvm_vcpu *vcpu;
	unsigned long i;

	kvm_for_each_vcpu(i, vcpu, u->vm->kvm) {
		struct snp_vcpu *v = READ_ONCE(to_svm(vcpu)->in_place);

		/* Without the lock of the range: it may be leaving just now. */
		if (v && READ_ONCE(v->vmsa.kind) == SNP_HOLD_VMSA &&
		    READ_ONCE(v->vmsa.gfns.start) < u->gfn + u->n &&
		    READ_ONCE(v->vmsa.gfns.last) >= u->gfn &&
		    !READ_ONCE(to_svm(vcpu)->sev_es.snp_ap_waiting_for_reset))
			return false;
	}
	return true;
}

/* A unit of either operation, again while others are in the way. */
static int convert(struct snp_unit *u, struct snp_scratch *s, bool private)
{
	struct snp_unit try;
	int i, ret = -EAGAIN;

	for (i = 0; i < TRIES && ret == -EAGAIN; i++) {
		/* After one try: a VMM that sends signals without end gets on, too. */
		if (i && signal_pending(current))
			return -EINTR;
		cond_resched();
		try = *u;
		ret = private ? snp_make_private(&try, s) : snp_make_shared(&try, s);
		if (try.done) {
			u->done = try.done;
			return ret == -EAGAIN ? 0 : ret;
		}
		if (ret == -EPERM && vcpu_leaves(u))
			ret = -EAGAIN;
	}
	return ret;
}

/* Nobody can know how long; only the VMM or the guest itself can end it. */
static bool out_of_patience(struct snp_vcpu *v)
{
	if (!v->stuck) {
		v->stuck = jiffies | 1;
		return false;
	}
	return time_after(jiffies, v->stuck + SNP_PATIENCE);
}

/* ---- MSR protocol ------------------------------------------------------ */

static int msr_answer(struct vcpu_svm *svm, u64 answer)
{
	svm->vmcb->control.ghcb_gpa = answer;
	snp_psc_end(svm, false, answer);
	svm->in_place->msr_request = 0;
	return 1;
}

static bool msr_hopeless(void *data)
{
	struct kvm_vcpu *vcpu = data;

	return kvm_test_request(KVM_REQ_UPDATE_PROTECTED_GUEST_STATE, vcpu) ||
	       kvm_test_request(KVM_REQ_VM_DEAD, vcpu);
}

static int msr_lock(struct snp_unit *u, struct snp_excl *e, gfn_t gfn, unsigned int n)
{
	struct snp_range *r = &u->vm->range;
	struct kvm_vcpu *vcpu = u->data;
	int ret = snp_range_lock(r, e, gfn, n);

	/* immediate_exit: one attempt, no waiting */
	if (ret != -EBUSY || !vcpu->wants_to_run)
		return ret == -EBUSY ? -EINTR : ret;

	kvm_vcpu_srcu_read_unlock(vcpu);
	ret = snp_range_lock_wait(r, e, gfn, n, SNP_PATIENCE, msr_hopeless, vcpu);
	kvm_vcpu_srcu_read_lock(vcpu);
	return ret;
}

static int msr_try(struct kvm_vcpu *vcpu)
{
	struct vcpu_svm *svm = to_svm(vcpu);
	struct snp_vcpu *v = svm->in_place;
	struct snp_unit u = {
		.vm = to_snp_vm(vcpu->kvm),
		.gfn = GHCB_MSR_PSC_REQ_TO_GFN(v->msr_request),
		.n = 1,
		.lock = msr_lock,
		.data = vcpu,
	};
	bool private = GHCB_MSR_PSC_REQ_TO_OP(v->msr_request) == SNP_PAGE_STATE_PRIVATE;
	int ret;

	/* The vCPU was given another VMSA meanwhile: nobody waits for the answer. */
	if (!v->msr_request)
		return 1;

	ret = convert(&u, &v->scratch, private);
	snp_psc_count(vcpu, false, private, false, u.gfn, u.done);
	switch (ret) {
	case 0:
		return msr_answer(svm, GHCB_MSR_PSC_RESP);
	case -EINTR:
		if (msr_hopeless(vcpu))
			return msr_answer(svm, GHCB_MSR_PSC_RESP_ERROR);
		fallthrough;
	case -EAGAIN:
		vcpu->arch.complete_userspace_io = msr_try;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		++vcpu->stat.signal_exits;
		return -EINTR;
	case -EFAULT:
	case -EPERM:
	case -EIO:
	case -ETIMEDOUT:
		return msr_answer(svm, GHCB_MSR_PSC_RESP_ERROR);
	default:
		vcpu->arch.complete_userspace_io = msr_try;
		return snp_memory_exit(vcpu, u.gfn, private, ret);
	}
}

/**
 * snp_psc_parked() - does a vCPU wait with a request of the MSR protocol?
 * @vcpu: the vCPU
 *
 * Context: vcpu->mutex held.
 * Return: true: that, and nothing else, is done first when it runs again.
 */
bool snp_psc_parked(struct kvm_vcpu *vcpu)
{
	return vcpu->arch.complete_userspace_io == msr_try;
}

/**
 * snp_psc_msr() - a page-state change request of the MSR protocol
 * @svm: the vCPU; the request is its GHCB MSR
 *
 * Context: exit handler; no GHCB is mapped.
 * Return: as exit handlers do: 1: the guest goes on, its GHCB MSR is the answer;
 * -EINTR, -EFAULT: KVM_RUN ends, the request is tried again when it is back.
 */
int snp_psc_msr(struct vcpu_svm *svm)
{
	u64 request = svm->vmcb->control.ghcb_gpa;
	u8 op = GHCB_MSR_PSC_REQ_TO_OP(request);

	snp_vcpu_get(svm)->msr_request = request;
	if (op != SNP_PAGE_STATE_PRIVATE && op != SNP_PAGE_STATE_SHARED)
		return msr_answer(svm, GHCB_MSR_PSC_RESP_ERROR);

	return msr_try(&svm->vcpu);
}

/* ---- NAE event --------------------------------------------------------- */

struct psc_buffer {
	struct psc_hdr hdr;
	struct psc_entry entries[];
} __packed;

static unsigned int pages_of(const struct psc_entry *e)
{
	return e->pagesize ? SNP_REGION_PAGES : 1;
}

static bool entry_valid(const struct psc_entry *e)
{
	return !e->reserved && e->cur_page <= pages_of(e) &&
	       !(e->gfn & (pages_of(e) - 1)) &&
	       e->operation >= VMGEXIT_PSC_OP_PRIVATE && e->operation <= PSC_OP_UNSMASH;
}

/* Tell the guest how far an entry is; one store, of what we read. */
static void entry_progress(struct psc_entry *guest, struct psc_entry *ours,
			   unsigned int cur_page)
{
	u64 raw;

	ours->cur_page = cur_page;
	memcpy(&raw, ours, sizeof(raw));
	WRITE_ONCE(*(u64 *)guest, raw);
}

/* The next page of the same region, to be changed alike */
static bool follows(const struct psc_entry *e, const struct psc_entry *next)
{
	return entry_valid(next) && !next->pagesize && !next->cur_page &&
	       next->operation == e->operation && next->gfn == e->gfn + 1 &&
	       next->gfn % SNP_REGION_PAGES;
}

/*
 * A unit from entry @i on: the rest of a 2M entry, or a row of 4K entries in one
 * region.
 */
static void gather(const struct psc_entry *e, unsigned int i, unsigned int end,
		   struct snp_unit *u)
{
	u->gfn = e[i].gfn + e[i].cur_page;
	u->n = pages_of(&e[i]) - e[i].cur_page;
	u->large = e[i].pagesize && !e[i].cur_page;
	u->done = 0;
	if (e[i].pagesize)
		return;

	while (++i <= end && follows(&e[i - 1], &e[i]))
		u->n++;
}

/* A vCPU that takes its own GHCB away would never get an answer. */
static bool saws_its_branch(struct vcpu_svm *svm, const struct snp_unit *u)
{
	gfn_t ghcb = svm->sev_es.ghcb_map.gfn;

	return ghcb >= u->gfn && ghcb < u->gfn + u->n;
}

struct progress {
	unsigned int entry;	/* first entry that is not done */
	bool any;
};

/*
 * Entries up to @end, until something stops it. Returns -errno of a unit, or
 * positive: the guest's answer; 0: all done.
 */
static s64 do_entries(struct vcpu_svm *svm, struct psc_buffer *guest, unsigned int end,
		      struct progress *p, struct snp_unit *u)
{
	struct snp_vcpu *v = svm->in_place;
	struct psc_entry *e = v->entries;
	unsigned int done;
	bool private;
	int ret;

	while (p->entry <= end) {
		unsigned int i = p->entry;

		if (!entry_valid(&e[i]))
			return VMGEXIT_PSC_ERROR_INVALID_ENTRY;

		if (e[i].operation >= PSC_OP_SMASH || e[i].cur_page == pages_of(&e[i])) {
			entry_progress(&guest->entries[i], &e[i], pages_of(&e[i]));
			p->entry++;
			p->any = true;
			continue;
		}

		private = e[i].operation == VMGEXIT_PSC_OP_PRIVATE;
		gather(e, i, end, u);
		if (private && saws_its_branch(svm, u))
			return VMGEXIT_PSC_ERROR_GENERIC;

		ret = convert(u, &v->scratch, private);
		done = u->done;
		snp_psc_count(&svm->vcpu, true, private, u->large, u->gfn, done);
		p->any |= done;
		if (e[i].pagesize) {
			entry_progress(&guest->entries[i], &e[i], e[i].cur_page + done);
			p->entry += e[i].cur_page == SNP_REGION_PAGES;
		} else {
			for (; done--; p->entry++)
				entry_progress(&guest->entries[p->entry], &e[p->entry], 1);
		}
		if (ret) {
			u->gfn += u->done;
			return ret;
		}
		/* The guest comes back for the rest, and KVM_RUN can end before. */
		if (p->entry <= end && signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/**
 * snp_psc_nae() - a page-state change request by NAE event
 * @svm: the vCPU; GHCB and scratch area are mapped
 *
 * Context: exit handler.
 * Return: as exit handlers do: 1: the guest goes on, SW_EXITINFO2 and cur_entry
 * tell how far; -EFAULT: KVM_RUN ends with KVM_EXIT_MEMORY_FAULT, and the guest
 * will ask again for the rest.
 */
int snp_psc_nae(struct vcpu_svm *svm)
{
	struct vcpu_sev_es_state *sev_es = &svm->sev_es;
	struct psc_buffer *guest = sev_es->ghcb_sa;
	struct snp_vcpu *v = snp_vcpu_get(svm);
	struct snp_unit u = { .vm = to_snp_vm(svm->vcpu.kvm) };
	unsigned int max = (sev_es->ghcb_sa_len - sizeof(guest->hdr)) / sizeof(*guest->entries);
	unsigned int i, end = READ_ONCE(guest->hdr.end_entry);
	struct progress p = { .entry = READ_ONCE(guest->hdr.cur_entry) };
	bool private;
	s64 ret;
	u64 raw;

	if (READ_ONCE(guest->hdr.reserved) ||
	    end >= min_t(unsigned int, max, VMGEXIT_PSC_MAX_COUNT)) {
		ghcb_set_sw_exit_info_2(sev_es->ghcb, VMGEXIT_PSC_ERROR_INVALID_HDR);
		snp_psc_end(svm, true, VMGEXIT_PSC_ERROR_INVALID_HDR);
		return 1;
	}

	for (i = p.entry; i <= end; i++) {
		raw = READ_ONCE(*(u64 *)&guest->entries[i]);
		memcpy(&v->entries[i], &raw, sizeof(raw));
	}

	ret = do_entries(svm, guest, end, &p, &u);
	WRITE_ONCE(guest->hdr.cur_entry, p.entry);
	if (p.any)
		v->stuck = 0;

	switch (ret) {
	case -EAGAIN:
	case -EBUSY:
	case -EINTR:
		ret = !p.any && out_of_patience(v) ? VMGEXIT_PSC_ERROR_GENERIC : 0;
		break;
	case -EFAULT:
	case -EPERM:
	case -EIO:
		ret = VMGEXIT_PSC_ERROR_GENERIC;
		break;
	default:
		if (ret >= 0)
			break;
		private = v->entries[p.entry].operation == VMGEXIT_PSC_OP_PRIVATE;
		return snp_memory_exit(&svm->vcpu, u.gfn, private, ret);
	}

	if (ret)
		v->stuck = 0;
	ghcb_set_sw_exit_info_2(sev_es->ghcb, ret);
	snp_psc_end(svm, true, ret);
	return 1;
}
