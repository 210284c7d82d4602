/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What SEV guests ask for, what they get, and who meets whom on the way. A guest
 * can raise most of these as often as it likes, so the host's log is no place for
 * it. All fire in the thread of the vCPU, or of the VMM, unless it says otherwise.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM snp_guest

#if !defined(_TRACE_SNP_GUEST_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SNP_GUEST_H

#include <linux/tracepoint.h>

/* enum snp_hold_kind: what holds a frame */
#define show_snp_hold(kind)				\
	__print_symbolic(kind,				\
		{ 1,	"map" },			\
		{ 2,	"vmsa" },			\
		{ 3,	"conversion" },			\
		{ 4,	"waiting conversion" })

/* What happened to a hold of a frame */
#define SNP_MAP_HELD		0
#define SNP_MAP_RELEASED	1
#define SNP_MAP_WAITS		2	/* for a conversion; SNP_MAP_HELD follows */
#define SNP_MAP_REFUSED		3	/* the frame is private */

/* A request that the guest must not make: it gets its error. */
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

/* A guest asks for page-state changes: one request, of one or more ranges. */
TRACE_EVENT(snp_psc_begin,
	TP_PROTO(unsigned int vcpu, bool nae, unsigned int first, unsigned int last),
	TP_ARGS(vcpu, nae, first, last),

	TP_STRUCT__entry(
		__field(unsigned int,	vcpu)
		__field(unsigned int,	first)
		__field(unsigned int,	last)
		__field(u8,		nae)
	),

	TP_fast_assign(
		__entry->vcpu	= vcpu;
		__entry->first	= first;
		__entry->last	= last;
		__entry->nae	= nae;
	),

	TP_printk("vcpu=%u form=%s first=%u last=%u", __entry->vcpu,
		  __entry->nae ? "nae" : "msr", __entry->first, __entry->last)
);

/* The request is answered. The guest may come again for entries that are left. */
TRACE_EVENT(snp_psc_end,
	TP_PROTO(unsigned int vcpu, bool nae, unsigned int next, u64 result, u64 ns),
	TP_ARGS(vcpu, nae, next, result, ns),

	TP_STRUCT__entry(
		__field(u64,		result)
		__field(u64,		ns)
		__field(unsigned int,	vcpu)
		__field(unsigned int,	next)
		__field(u8,		nae)
	),

	TP_fast_assign(
		__entry->result	= result;
		__entry->ns	= ns;
		__entry->vcpu	= vcpu;
		__entry->next	= next;
		__entry->nae	= nae;
	),

	TP_printk("vcpu=%u form=%s next=%u result=0x%llx ns=%llu", __entry->vcpu,
		  __entry->nae ? "nae" : "msr", __entry->next, __entry->result,
		  __entry->ns)
);

/*
 * In place: KVM holds a frame against conversion (its mapping of it, or a vCPU that
 * runs on it), lets go, waits for a conversion, or must not map it. The release
 * of a vCPU's last holds comes in the thread that frees the VM.
 */
TRACE_EVENT(snp_map,
	TP_PROTO(u64 gfn, unsigned int kind, unsigned int what),
	TP_ARGS(gfn, kind, what),

	TP_STRUCT__entry(
		__field(u64,		gfn)
		__field(unsigned int,	kind)
		__field(unsigned int,	what)
	),

	TP_fast_assign(
		__entry->gfn	= gfn;
		__entry->kind	= kind;
		__entry->what	= what;
	),

	TP_printk("gfn=0x%llx kind=%s what=%s", __entry->gfn,
		  show_snp_hold(__entry->kind),
		  __print_symbolic(__entry->what,
				   { SNP_MAP_HELD,	"held" },
				   { SNP_MAP_RELEASED,	"released" },
				   { SNP_MAP_WAITS,	"waits" },
				   { SNP_MAP_REFUSED,	"refused" }))
);

/* In place: a conversion of a range met a hold of one of its frames. */
TRACE_EVENT(snp_contended,
	TP_PROTO(u64 gfn, u64 pages, u64 held, unsigned int kind),
	TP_ARGS(gfn, pages, held, kind),

	TP_STRUCT__entry(
		__field(u64,		gfn)
		__field(u64,		pages)
		__field(u64,		held)
		__field(unsigned int,	kind)
	),

	TP_fast_assign(
		__entry->gfn	= gfn;
		__entry->pages	= pages;
		__entry->held	= held;
		__entry->kind	= kind;
	),

	TP_printk("gfn=0x%llx pages=%llu held=0x%llx kind=%s", __entry->gfn,
		  __entry->pages, __entry->held, show_snp_hold(__entry->kind))
);

/* In place: a cached mapping (pvclock, Xen) of a page that becomes private ends. */
TRACE_EVENT(snp_revoke,
	TP_PROTO(u64 pfn, u64 gpa),
	TP_ARGS(pfn, gpa),

	TP_STRUCT__entry(
		__field(u64,	pfn)
		__field(u64,	gpa)
	),

	TP_fast_assign(
		__entry->pfn	= pfn;
		__entry->gpa	= gpa;
	),

	TP_printk("pfn=0x%llx gpa=0x%llx", __entry->pfn, __entry->gpa)
);

/* A VM is to take over the guest of another one; in the thread that asks. */
TRACE_EVENT(snp_migrate_begin,
	TP_PROTO(unsigned int asid, pid_t from),
	TP_ARGS(asid, from),

	TP_STRUCT__entry(
		__field(unsigned int,	asid)
		__field(int,		from)
	),

	TP_fast_assign(
		__entry->asid	= asid;
		__entry->from	= from;
	),

	TP_printk("asid=%u from=%d", __entry->asid, __entry->from)
);

TRACE_EVENT(snp_migrate_end,
	TP_PROTO(unsigned int asid, pid_t from, int result, u64 ns),
	TP_ARGS(asid, from, result, ns),

	TP_STRUCT__entry(
		__field(u64,		ns)
		__field(unsigned int,	asid)
		__field(int,		from)
		__field(int,		result)
	),

	TP_fast_assign(
		__entry->ns	= ns;
		__entry->asid	= asid;
		__entry->from	= from;
		__entry->result	= result;
	),

	TP_printk("asid=%u from=%d result=%d ns=%llu", __entry->asid, __entry->from,
		  __entry->result, __entry->ns)
);

#endif /* _TRACE_SNP_GUEST_H */

#include <trace/define_trace.h>
