/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an SEV guest asked for and must not have. The guest gets its error; who
 * wants to know why watches here: a guest can raise this as often as it likes,
 * so the host's log is no place for it.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp_guest

#if !defined(_TRACE_SNP_GUEST_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SNP_GUEST_H

#include <linux/tracepoint.h>

TRACE_EVENT(snp_guest_error,
	TP_PROTO(unsigned int vcpu, struct va_format *why),
	TP_ARGS(vcpu, why),

	TP_STRUCT__entry(
		__field(unsigned int, vcpu)
		__vstring(why, why->fmt, why->va)
	),

	TP_fast_assign(
		__entry->vcpu = vcpu;
		__assign_vstr(why, why->fmt, why->va);
		/* What was a line of the log ends in a newline. */
		strreplace(__get_str(why), '\n', '\0');
	),

	TP_printk("vcpu=%u %s", __entry->vcpu, __get_str(why))
);

/*
 * A range of pages that a guest asks to convert, as it passed the checks: one
 * per conversion that is carried out, several per request if its entries do not
 * follow each other. Fires in the thread of the vCPU.
 */
TRACE_EVENT(snp_psc,
	TP_PROTO(unsigned int vcpu, bool nae, bool to_private, bool large, u64 gfn,
		 u64 pages),
	TP_ARGS(vcpu, nae, to_private, large, gfn, pages),

	TP_STRUCT__entry(
		__field(u64,		gfn)
		__field(u64,		pages)
		__field(unsigned int,	vcpu)
		__field(u8,		nae)
		__field(u8,		to_private)
		__field(u8,		large)
	),

	TP_fast_assign(
		__entry->gfn		= gfn;
		__entry->pages		= pages;
		__entry->vcpu		= vcpu;
		__entry->nae		= nae;
		__entry->to_private	= to_private;
		__entry->large		= large;
	),

	TP_printk("vcpu=%u form=%s to=%s size=%s gfn=0x%llx pages=%llu",
		  __entry->vcpu, __entry->nae ? "nae" : "msr",
		  __entry->to_private ? "private" : "shared",
		  __entry->large ? "2M" : "4K", __entry->gfn, __entry->pages)
);

#endif /* _TRACE_SNP_GUEST_H */

#include <trace/define_trace.h>
