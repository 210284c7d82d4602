/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp_soft_fw

#if !defined(_TRACE_SNP_SOFT_FW_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SNP_SOFT_FW_H

#include <linux/tracepoint.h>

/*
 * Every command that the software firmware has executed, with its result.
 * @name:   the command as the firmware ABI spells it
 * @cmd:    its number
 * @status: status code of the SEV API or the SEV-SNP firmware ABI; 0 = success
 * @id:     whom or what it is about: guest handle (SEV), system physical
 *          address of guest context or page (SNP), 0 = the platform
 * @asid:   ASID concerned, 0 = none
 */
TRACE_EVENT(snp_soft_fw_cmd,

	TP_PROTO(const char *name, unsigned int cmd, u32 status, u64 id, u32 asid),

	TP_ARGS(name, cmd, status, id, asid),

	TP_STRUCT__entry(
		__string(name, name)
		__field(unsigned int, cmd)
		__field(u32, status)
		__field(u64, id)
		__field(u32, asid)
	),

	TP_fast_assign(
		__assign_str(name);
		__entry->cmd = cmd;
		__entry->status = status;
		__entry->id = id;
		__entry->asid = asid;
	),

	TP_printk("%s cmd=%#x status=%#x id=%#llx asid=%u", __get_str(name),
		  __entry->cmd, __entry->status, __entry->id, __entry->asid)
);

#endif /* _TRACE_SNP_SOFT_FW_H */

#include <trace/define_trace.h>
