// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has a beginning and an end, for the tracepoints and counters: requests for
 * page-state changes, which may go out to the VMM in between, and migrations.
 *
 * Invariant: a static branch each while nobody looks.
 *
 * Callers: hooks in sev.c, snp_psc.c, snp_migrate.c.
 */
#include <linux/kvm_host.h>
#include <linux/sched/clock.h>

#include <asm/rmp_count.h>

#include "svm.h"
#include "snp_trace.h"

#define CREATE_TRACE_POINTS
#include <trace/events/snp_guest.h>

/* The header of a request by GHCB; the guest may change it, it is for show only. */
static const struct psc_hdr *snp_psc_header(struct vcpu_svm *svm)
{
	return svm->sev_es.ghcb_sa;
}

/**
 * snp_psc_begin() - a guest asks for page-state changes
 * @svm: the vCPU
 * @nae: by NAE event, GHCB and scratch area are mapped; else by the MSR protocol
 *
 * Context: vCPU.
 */
void snp_psc_begin(struct vcpu_svm *svm, bool nae)
{
	if (trace_snp_psc_end_enabled())
		svm->psc_began = local_clock();
	if (trace_snp_psc_begin_enabled())
		trace_snp_psc_begin(svm->vcpu.vcpu_id, nae,
				    nae ? READ_ONCE(snp_psc_header(svm)->cur_entry) : 0,
				    nae ? READ_ONCE(snp_psc_header(svm)->end_entry) : 0);
}

/**
 * snp_psc_end() - the guest gets its answer
 * @svm: the vCPU
 * @nae: as for snp_psc_begin()
 * @answer: SW_EXITINFO2, or the GHCB MSR
 *
 * Context: vCPU.
 */
void snp_psc_end(struct vcpu_svm *svm, bool nae, u64 answer)
{
	u64 result = nae ? answer : GHCB_MSR_PSC_RESP_VAL(answer);

	if (!trace_snp_psc_end_enabled())
		return;

	trace_snp_psc_end(svm->vcpu.vcpu_id, nae,
			  nae ? READ_ONCE(snp_psc_header(svm)->cur_entry) : !result,
			  result, svm->psc_began ? local_clock() - svm->psc_began : 0);
	svm->psc_began = 0;
}

static enum rmp_migration snp_migration_result(int ret)
{
	switch (ret) {
	case 0:
		return RMP_MIGRATION_OK;
	case -EBUSY:
		return RMP_MIGRATION_BUSY;
	case -EINVAL:
		return RMP_MIGRATION_REFUSED;
	default:
		return RMP_MIGRATION_FAILED;
	}
}

/**
 * snp_migrate_begin() - a VM is to take over the guest of another one
 * @src: the other one
 *
 * Context: process context.
 * Return: for snp_migrate_end().
 */
struct snp_migration snp_migrate_begin(struct kvm *src)
{
	struct snp_migration m = {
		.began = local_clock(),
		.asid = READ_ONCE(to_kvm_sev_info(src)->asid),
		.from = src->userspace_pid,
	};

	trace_snp_migrate_begin(m.asid, m.from);
	return m;
}

/**
 * snp_migrate_end() - it has, or has not
 * @m: from snp_migrate_begin()
 * @ret: 0 or -errno
 *
 * Context: process context of the new VM.
 * Return: @ret.
 */
int snp_migrate_end(const struct snp_migration *m, int ret)
{
	rmp_count_add(RMP_COUNT_MIGRATION + snp_migration_result(ret), 1);
	trace_snp_migrate_end(m->asid, m->from, ret, local_clock() - m->began);
	if (!ret)
		rmp_owner_moved(m->asid);
	return ret;
}
