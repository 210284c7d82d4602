/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reverse map as the host sees it: a fault, what was decided about it, and
 * each RMPUPDATE and PSMASH, ours and upstream's alike. All events may fire in
 * NMI.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM rmp

#if !defined(_TRACE_RMP_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_RMP_H

#include <linux/tracepoint.h>
#include <asm/dmap_rmp.h>
#include <asm/rmp_count.h>
#include <asm/rmp_fault.h>
#include <asm/sev.h>

TRACE_DEFINE_ENUM(PG_LEVEL_NONE);
TRACE_DEFINE_ENUM(PG_LEVEL_4K);
TRACE_DEFINE_ENUM(PG_LEVEL_2M);
TRACE_DEFINE_ENUM(PG_LEVEL_1G);
TRACE_DEFINE_ENUM(RMP_VERDICT_STOCK);
TRACE_DEFINE_ENUM(RMP_VERDICT_RETRY);
TRACE_DEFINE_ENUM(RMP_VERDICT_FLIP_4K);
TRACE_DEFINE_ENUM(RMP_VERDICT_FLIP_2M);
TRACE_DEFINE_ENUM(RMP_VERDICT_FLIP_REGION);
TRACE_DEFINE_ENUM(RMP_VERDICT_SPLIT);
TRACE_DEFINE_ENUM(RMP_VERDICT_SIGBUS);
TRACE_DEFINE_ENUM(RMP_VERDICT_FIXUP);
TRACE_DEFINE_ENUM(RMP_VERDICT_OOPS);
TRACE_DEFINE_ENUM(RMP_OUTCOME_STOCK);
TRACE_DEFINE_ENUM(RMP_OUTCOME_RECOVERED);
TRACE_DEFINE_ENUM(RMP_OUTCOME_SPURIOUS);
TRACE_DEFINE_ENUM(RMP_OUTCOME_BUSY);
TRACE_DEFINE_ENUM(RMP_OUTCOME_REFUSED);
TRACE_DEFINE_ENUM(RMP_OUTCOME_STUCK);
TRACE_DEFINE_ENUM(RMP_OUTCOME_DECLINED);
TRACE_DEFINE_ENUM(RMP_DMAP_MERGED);
TRACE_DEFINE_ENUM(RMP_DMAP_PRIVATE);
TRACE_DEFINE_ENUM(RMP_DMAP_BUSY);
TRACE_DEFINE_ENUM(RMP_DMAP_ATTRS);
TRACE_DEFINE_ENUM(RMP_OUTCOME_SPLIT);
TRACE_DEFINE_ENUM(RMP_OUTCOME_DENIED);
TRACE_DEFINE_ENUM(RMP_ADDRESS_DIRECT);
TRACE_DEFINE_ENUM(RMP_ADDRESS_VMAP);
TRACE_DEFINE_ENUM(RMP_ADDRESS_USER);
TRACE_DEFINE_ENUM(RMP_MODE_USER);
TRACE_DEFINE_ENUM(RMP_MODE_FIXUP);
TRACE_DEFINE_ENUM(RMP_MODE_KERNEL);

#define show_rmp_level(level)				\
	__print_symbolic(level,				\
		{ PG_LEVEL_NONE,	"none" },	\
		{ PG_LEVEL_4K,		"4K" },		\
		{ PG_LEVEL_2M,		"2M" },		\
		{ PG_LEVEL_1G,		"1G" })

#define show_rmp_verdict(verdict)				\
	__print_symbolic(verdict,				\
		{ RMP_VERDICT_STOCK,		"stock" },	\
		{ RMP_VERDICT_RETRY,		"retry" },	\
		{ RMP_VERDICT_FLIP_4K,		"flip-4K" },	\
		{ RMP_VERDICT_FLIP_2M,		"flip-2M" },	\
		{ RMP_VERDICT_FLIP_REGION,	"flip-region" },	\
		{ RMP_VERDICT_SPLIT,		"split" },	\
		{ RMP_VERDICT_SIGBUS,		"sigbus" },	\
		{ RMP_VERDICT_FIXUP,		"fixup" },	\
		{ RMP_VERDICT_OOPS,		"oops" })

#define show_rmp_outcome(outcome)				\
	__print_symbolic(outcome,				\
		{ RMP_OUTCOME_STOCK,		"stock" },	\
		{ RMP_OUTCOME_RECOVERED,	"recovered" },	\
		{ RMP_OUTCOME_SPURIOUS,		"spurious" },	\
		{ RMP_OUTCOME_BUSY,		"busy" },	\
		{ RMP_OUTCOME_REFUSED,		"refused" },	\
		{ RMP_OUTCOME_STUCK,		"stuck" },	\
		{ RMP_OUTCOME_DECLINED,		"declined" },	\
		{ RMP_OUTCOME_SPLIT,		"split" },	\
		{ RMP_OUTCOME_DENIED,		"denied" })

#define show_rmp_address(address)			\
	__print_symbolic(address,			\
		{ RMP_ADDRESS_DIRECT,	"direct" },	\
		{ RMP_ADDRESS_VMAP,	"vmap" },	\
		{ RMP_ADDRESS_USER,	"user" })

#define show_rmp_mode(mode)				\
	__print_symbolic(mode,				\
		{ RMP_MODE_USER,	"user" },	\
		{ RMP_MODE_FIXUP,	"fixup" },	\
		{ RMP_MODE_KERNEL,	"kernel" })

/*
 * A #PF with X86_PF_RMP, as it was found; or, with ip 0, what fixup_user_fault()
 * found when asked for a page to write to. mode=fixup is told of user addresses only.
 */
TRACE_EVENT(rmp_fault,
	TP_PROTO(const struct rmp_fault *fault, unsigned long address, u64 pfn,
		 unsigned long ip),
	TP_ARGS(fault, address, pfn, ip),

	TP_STRUCT__entry(
		__field(unsigned long,	address)
		__field(u64,		pfn)
		__field(unsigned long,	ip)
		__field(unsigned long,	error_code)
		__field(int,		mapping)
		__field(int,		level)
		__field(u32,		asid)
		__field(u8,		assigned)
		__field(u8,		immutable)
		__field(u8,		vmsa)
		__field(u8,		validated)
		__field(u64,		gpa)
		__field(u64,		rmp_lo)
		__field(u64,		rmp_hi)
		__field(int,		kind)
		__field(int,		mode)
		__field(int,		owner)
	),

	TP_fast_assign(
		__entry->address	= address;
		__entry->pfn		= pfn;
		__entry->ip		= ip;
		__entry->error_code	= fault->error_code;
		__entry->mapping	= fault->mapping;
		__entry->level		= fault->rmp.level;
		__entry->asid		= fault->rmp.asid;
		__entry->assigned	= fault->rmp.assigned;
		__entry->immutable	= fault->rmp.immutable;
		__entry->vmsa		= fault->rmp.vmsa;
		__entry->validated	= fault->rmp.validated;
		__entry->gpa		= fault->rmp.gpa;
		__entry->rmp_lo		= fault->rmp.lo;
		__entry->rmp_hi		= fault->rmp.hi;
		__entry->kind		= fault->address;
		__entry->mode		= fault->mode;
		__entry->owner		= rmp_owner(fault->rmp.asid);
	),

	TP_printk("address=0x%lx pfn=0x%llx ip=%pS error_code=0x%lx mapping=%s level=%s assigned=%u asid=%u gpa=0x%llx immutable=%u vmsa=%u validated=%u rmp=[0x%016llx 0x%016llx] kind=%s mode=%s owner=%d",
		  __entry->address, __entry->pfn, (void *)__entry->ip,
		  __entry->error_code, show_rmp_level(__entry->mapping),
		  show_rmp_level(__entry->level), __entry->assigned,
		  __entry->asid, __entry->gpa, __entry->immutable,
		  __entry->vmsa, __entry->validated, __entry->rmp_lo,
		  __entry->rmp_hi, show_rmp_address(__entry->kind),
		  show_rmp_mode(__entry->mode), __entry->owner)
);

/* What was decided about that fault, and what came of it. */
TRACE_EVENT(rmp_verdict,
	TP_PROTO(u64 pfn, enum rmp_verdict verdict, enum rmp_outcome outcome,
		 int result),
	TP_ARGS(pfn, verdict, outcome, result),

	TP_STRUCT__entry(
		__field(u64,	pfn)
		__field(int,	verdict)
		__field(int,	outcome)
		__field(int,	result)
	),

	TP_fast_assign(
		__entry->pfn		= pfn;
		__entry->verdict	= verdict;
		__entry->outcome	= outcome;
		__entry->result		= result;
	),

	TP_printk("pfn=0x%llx verdict=%s outcome=%s result=%d",
		  __entry->pfn, show_rmp_verdict(__entry->verdict),
		  show_rmp_outcome(__entry->outcome), __entry->result)
);

/* An RMPUPDATE was executed; result is the instruction's. */
TRACE_EVENT(rmp_update,
	TP_PROTO(u64 pfn, const struct rmp_state *state, int result),
	TP_ARGS(pfn, state, result),

	TP_STRUCT__entry(
		__field(u64,	pfn)
		__field(int,	level)
		__field(u8,	assigned)
		__field(u8,	immutable)
		__field(u32,	asid)
		__field(u64,	gpa)
		__field(int,	result)
	),

	TP_fast_assign(
		__entry->pfn		= pfn;
		__entry->level		= RMP_TO_PG_LEVEL(state->pagesize);
		__entry->assigned	= state->assigned;
		__entry->immutable	= state->immutable;
		__entry->asid		= state->asid;
		__entry->gpa		= state->gpa;
		__entry->result		= result;
	),

	TP_printk("pfn=0x%llx level=%s assigned=%u asid=%u gpa=0x%llx immutable=%u result=%d",
		  __entry->pfn, show_rmp_level(__entry->level),
		  __entry->assigned, __entry->asid, __entry->gpa,
		  __entry->immutable, __entry->result)
);

DECLARE_EVENT_CLASS(rmp_result,
	TP_PROTO(u64 pfn, int result),
	TP_ARGS(pfn, result),

	TP_STRUCT__entry(
		__field(u64,	pfn)
		__field(int,	result)
	),

	TP_fast_assign(
		__entry->pfn	= pfn;
		__entry->result	= result;
	),

	TP_printk("pfn=0x%llx result=%d", __entry->pfn, __entry->result)
);

/* A PSMASH was executed; result is the instruction's. */
DEFINE_EVENT(rmp_result, rmp_psmash,
	TP_PROTO(u64 pfn, int result),
	TP_ARGS(pfn, result)
);

/* Pages could not be returned to the host, and are lost. */
TRACE_EVENT(rmp_leak,
	TP_PROTO(u64 pfn, unsigned int pages),
	TP_ARGS(pfn, pages),

	TP_STRUCT__entry(
		__field(u64,		pfn)
		__field(unsigned int,	pages)
	),

	TP_fast_assign(
		__entry->pfn	= pfn;
		__entry->pages	= pages;
	),

	TP_printk("pfn=0x%llx pages=%u", __entry->pfn, __entry->pages)
);

/* The direct map was split for pfn, with one flush for all regions [first, ...). */
TRACE_EVENT(rmp_dmap_split,
	TP_PROTO(u64 pfn, u64 first, unsigned long regions, unsigned long split),
	TP_ARGS(pfn, first, regions, split),

	TP_STRUCT__entry(
		__field(u64,		pfn)
		__field(u64,		first)
		__field(unsigned long,	regions)
		__field(unsigned long,	split)
	),

	TP_fast_assign(
		__entry->pfn		= pfn;
		__entry->first		= first;
		__entry->regions	= regions;
		__entry->split		= split;
	),

	TP_printk("pfn=0x%llx first=0x%llx regions=%lu split=%lu", __entry->pfn,
		  __entry->first, __entry->regions, __entry->split)
);

/* A 2M region that had looked fit for it was merged, or was not. */
DEFINE_EVENT_PRINT(rmp_result, rmp_dmap_merge,
	TP_PROTO(u64 pfn, int result),
	TP_ARGS(pfn, result),

	TP_printk("pfn=0x%llx result=%s", __entry->pfn,
		  __print_symbolic(__entry->result,
				   { RMP_DMAP_MERGED,	"merged" },
				   { RMP_DMAP_PRIVATE,	"private" },
				   { RMP_DMAP_BUSY,	"busy" },
				   { RMP_DMAP_ATTRS,	"attributes" }))
);

#endif /* _TRACE_RMP_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
