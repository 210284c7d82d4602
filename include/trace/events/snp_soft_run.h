/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp_soft
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE snp_soft_run

#if !defined(_TRACE_SNP_SOFT_RUN_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SNP_SOFT_RUN_H

#include <linux/tracepoint.h>

/* Every end of a VMRUN; again = silicon would still be in the guest. */
TRACE_EVENT(snp_soft_exit,
	TP_PROTO(unsigned int vcpu, u64 rip, u32 code, u64 info1, u64 info2, u32 int_info,
		 bool again),
	TP_ARGS(vcpu, rip, code, info1, info2, int_info, again),

	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, vcpu)
		__field(u32, code)
		__field(u32, int_info)
		__field(bool, again)
	),

	TP_fast_assign(
		__entry->rip = rip;
		__entry->info1 = info1;
		__entry->info2 = info2;
		__entry->vcpu = vcpu;
		__entry->code = code;
		__entry->int_info = int_info;
		__entry->again = again;
	),

	TP_printk("vcpu %u rip 0x%llx code 0x%x info1 0x%llx info2 0x%llx int_info 0x%x%s",
		  __entry->vcpu, __entry->rip, __entry->code, __entry->info1,
		  __entry->info2, __entry->int_info, __entry->again ? " again" : "")
);

/* A #VC on its way into the guest; code is its error code. */
TRACE_EVENT(snp_soft_vc,
	TP_PROTO(unsigned int vcpu, u64 rip, u64 code, u64 info1, u64 info2),
	TP_ARGS(vcpu, rip, code, info1, info2),

	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u64, code)
		__field(u64, info1)
		__field(u64, info2)
		__field(u32, vcpu)
	),

	TP_fast_assign(
		__entry->rip = rip;
		__entry->code = code;
		__entry->info1 = info1;
		__entry->info2 = info2;
		__entry->vcpu = vcpu;
	),

	TP_printk("vcpu %u rip 0x%llx code 0x%llx info1 0x%llx info2 0x%llx",
		  __entry->vcpu, __entry->rip, __entry->code, __entry->info1,
		  __entry->info2)
);

#endif /* _TRACE_SNP_SOFT_RUN_H */

#include <trace/define_trace.h>
