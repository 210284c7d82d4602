/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the software SNP platform did inside a guest's CPU, where KVM's own
 * tracepoints can't look: TLB fills with their verdict, and the instructions
 * it executed for the guest.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp_soft

#if !defined(_TRACE_SNP_SOFT_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SNP_SOFT_H

#include <linux/tracepoint.h>
#include <asm/kvm_host.h>

TRACE_EVENT(snp_soft_fill,
	TP_PROTO(unsigned int vcpu_id, u32 asid, u64 gpa, bool private, u64 error_code,
		 u64 hpa, int result),
	TP_ARGS(vcpu_id, asid, gpa, private, error_code, hpa, result),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(u32, asid)
		__field(u64, gpa)
		__field(u64, error_code)
		__field(u64, hpa)
		__field(bool, private)
		__field(int, result)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->asid = asid;
		__entry->gpa = gpa;
		__entry->error_code = error_code;
		__entry->hpa = hpa;
		__entry->private = private;
		__entry->result = result;
	),

	TP_printk("vcpu=%u asid=%u gpa=0x%llx %s %s hpa=0x%llx error_code=0x%llx result=%s",
		  __entry->vcpu_id, __entry->asid, __entry->gpa,
		  __entry->private ? "private" : "shared",
		  __entry->error_code & PFERR_GUEST_PAGE_MASK ? "walk" :
		  __entry->error_code & PFERR_FETCH_MASK ? "fetch" :
		  __entry->error_code & PFERR_WRITE_MASK ? "write" : "read",
		  __entry->hpa, __entry->error_code,
		  __print_symbolic(__entry->result,
				   { 0, "filled" }, { 1, "npf" }, { 2, "vc" }))
);

TRACE_EVENT(snp_soft_insn,
	TP_PROTO(unsigned int vcpu_id, bool adjust, u64 gva, u64 gpa, bool large, u64 rdx,
		 u32 status, bool carry),
	TP_ARGS(vcpu_id, adjust, gva, gpa, large, rdx, status, carry),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu_id)
		__field(bool, adjust)
		__field(bool, large)
		__field(bool, carry)
		__field(u32, status)
		__field(u64, gva)
		__field(u64, gpa)
		__field(u64, rdx)
	),

	TP_fast_assign(
		__entry->vcpu_id = vcpu_id;
		__entry->adjust = adjust;
		__entry->large = large;
		__entry->carry = carry;
		__entry->status = status;
		__entry->gva = gva;
		__entry->gpa = gpa;
		__entry->rdx = rdx;
	),

	TP_printk("vcpu=%u %s gva=0x%llx gpa=0x%llx size=%s rdx=0x%llx status=%u cf=%d",
		  __entry->vcpu_id, __entry->adjust ? "rmpadjust" : "pvalidate",
		  __entry->gva, __entry->gpa, __entry->large ? "2M" : "4K", __entry->rdx,
		  __entry->status, __entry->carry)
);

#endif /* _TRACE_SNP_SOFT_H */

#include <trace/define_trace.h>
