// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest half of the SNP library: code here runs inside the guest, single
 * threaded, at CPL 0, without interrupts and without libc. It reaches its VMM
 * by VMGEXIT only. Before snp_guest_init() has registered the GHCB there is
 * nothing but the MSR protocol, so a failure there ends in a termination
 * request whose reason is all that the VMM learns.
 *
 * A #VC is a failure unless snp_try_read() or snp_try_write() is under way:
 * then it is their result. During snp_try() any exception is.
 */
#include "snp.h"

struct snp_channel snp_channel;

/* Set, by assembly, while an access may end in #VC: where to go on then. */
volatile u64 snp_vc_resume;
static volatile u64 vc_code;
/* The same for snp_try() and any exception. */
volatile u64 snp_resume;
volatile struct snp_caught snp_caught;
static bool have_ghcb;

/* What snp_vc_entry pushes, and the CPU before it. */
struct vc_frame {
	u64 gpr[15];
	u64 error_code;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * Upstream's entry stubs push a zero for every vector above 17, but #VC comes
 * with an error code: it needs a stub of its own.
 */
asm(".pushsection .text\n"
	".globl snp_vc_entry\n"
	"snp_vc_entry:\n\t"
	"push %rax; push %rbx; push %rcx; push %rdx; push %rsi; push %rdi\n\t"
	"push %rbp; push %r8; push %r9; push %r10; push %r11; push %r12\n\t"
	"push %r13; push %r14; push %r15\n\t"
	"cld\n\t"
	"mov %rsp, %rdi\n\t"
	"sub $8, %rsp\n\t" /* 21 quadwords so far: align the call */
	"call snp_vc_exception\n\t"
	"add $8, %rsp\n\t"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %r11; pop %r10\n\t"
	"pop %r9; pop %r8; pop %rbp; pop %rdi; pop %rsi; pop %rdx\n\t"
	"pop %rcx; pop %rbx; pop %rax\n\t"
	"add $8, %rsp\n\t"	/* the error code */
	"iretq\n"
	".popsection");

static void vmgexit(void)
{
	asm volatile("rep; vmmcall" : : : "memory");
}

u64 snp_msr_request(u64 request)
{
	wrmsr(MSR_AMD64_SEV_ES_GHCB, request);
	vmgexit();
	return rdmsr(MSR_AMD64_SEV_ES_GHCB);
}

void snp_terminate(u64 set, u64 reason)
{
	/* A VMM that runs us again gets the same answer. */
	for (;;)
		snp_msr_request(SNP_MSR_TERM_REQ | (set & 0xf) << 12 |
				(reason & 0xff) << 16);
}

volatile u64 *snp_ghcb(void)
{
	return (volatile u64 *)snp_channel.ghcb_gva;
}

u64 snp_ghcb_gpa(void)
{
	return snp_channel.ghcb_gpa;
}

void snp_ghcb_set(enum snp_ghcb_field field, u64 value)
{
	volatile u64 *ghcb = snp_ghcb();

	ghcb[field] = value;
	ghcb[SNP_GHCB_VALID + field / 64] |= 1ull << (field % 64);
}

/* Exit with the GHCB as the caller has filled it in. */
struct snp_exit snp_vmgexit_raw(void)
{
	volatile u64 *ghcb = snp_ghcb();
	struct snp_exit e;

	wrmsr(MSR_AMD64_SEV_ES_GHCB, snp_channel.ghcb_gpa);
	vmgexit();
	e.failed = ghcb[SNP_GHCB_EXIT_INFO_1];
	e.info = ghcb[SNP_GHCB_EXIT_INFO_2];
	ghcb[SNP_GHCB_VALID] = 0;
	ghcb[SNP_GHCB_VALID + 1] = 0;
	return e;
}

/* Fields besides the exit's own three are set before, by snp_ghcb_set(). */
struct snp_exit snp_vmgexit(u64 code, u64 info_1, u64 info_2)
{
	snp_ghcb_set(SNP_GHCB_EXIT_CODE, code);
	snp_ghcb_set(SNP_GHCB_EXIT_INFO_1, info_1);
	snp_ghcb_set(SNP_GHCB_EXIT_INFO_2, info_2);
	snp_ghcb()[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2;
	return snp_vmgexit_raw();
}

/* SNP AP creation: @gpa is the VMSA that vCPU @id is to have. */
struct snp_exit snp_ap_request(u64 id, u64 request, u64 gpa)
{
	snp_ghcb_set(SNP_GHCB_RAX, 1);	/* SEV features of the VMSA: SNP */
	return snp_vmgexit(SNP_EXIT_AP_CREATION, id << 32 | request, gpa);
}

/* Of a vCPU besides the library's: @page of the test memory is its GHCB. */
void snp_second_init(u64 page)
{
	u64 gpa = snp_test_gpa(page);

	if (snp_msr_request(gpa | SNP_MSR_REG_GPA_REQ) != (gpa | SNP_MSR_REG_GPA_RESP))
		snp_terminate(SNP_TERM_SET, SNP_TERM_REGISTER);
}

/* It does not look at the GHCB afterwards: the page may be gone. */
void snp_second_exit(u64 page, u64 code, u64 info_1, u64 rax)
{
	static const unsigned int fields[] = {
		SNP_GHCB_EXIT_CODE, SNP_GHCB_EXIT_INFO_1, SNP_GHCB_EXIT_INFO_2, SNP_GHCB_RAX,
	};
	volatile u64 *ghcb = (volatile u64 *)snp_shared(page);
	unsigned int i;

	ghcb[SNP_GHCB_VALID] = 0;
	ghcb[SNP_GHCB_VALID + 1] = 0;
	ghcb[SNP_GHCB_EXIT_CODE] = code;
	ghcb[SNP_GHCB_EXIT_INFO_1] = info_1;
	ghcb[SNP_GHCB_EXIT_INFO_2] = 0;
	ghcb[SNP_GHCB_RAX] = rax;
	ghcb[SNP_GHCB_TAIL] = SNP_GHCB_TAIL_V2;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		ghcb[SNP_GHCB_VALID + fields[i] / 64] |= 1ull << (fields[i] % 64);
	snp_msr_request(snp_test_gpa(page));
}

/* Tell the VMM by an OUT: the report is in the shared page. */
static void report(u64 kind, u64 a, u64 b, u64 c, u64 d)
{
	volatile struct snp_report *r = (void *)snp_channel.report_gva;

	if (!have_ghcb)
		snp_terminate(SNP_TERM_SET, SNP_TERM_EARLY_EXCEPTION);

	r->arg[0] = a;
	r->arg[1] = b;
	r->arg[2] = c;
	r->arg[3] = d;
	r->kind = kind;

	/* SW_EXITINFO1 as in the VMCB: port, 8-bit operand, OUT */
	snp_ghcb_set(SNP_GHCB_RAX, kind);
	snp_vmgexit(SNP_EXIT_IOIO, (u64)SNP_REPORT_PORT << 16 | 1 << 4, 0);
}

void snp_sync(u64 stage, u64 a, u64 b, u64 c)
{
	report(SNP_REPORT_SYNC, stage, a, b, c);
}

/* Put what will not fit into arguments into the report that comes next. */
static void report_data(const void *data, unsigned int len)
{
	volatile struct snp_report *r = (void *)snp_channel.report_gva;
	unsigned int i;

	for (i = 0; i < len && i < sizeof(r->text); i++)
		r->text[i] = ((const char *)data)[i];
}

void snp_sync_data(u64 stage, const void *data, unsigned int len)
{
	report_data(data, len);
	report(SNP_REPORT_SYNC, stage, 0, 0, 0);
}

void snp_done(void)
{
	report(SNP_REPORT_DONE, 0, 0, 0, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

void snp_assert_failed(const char *text, u64 line, u64 left,
		       u64 right)
{
	unsigned int len = 0;

	while (text[len])
		len++;
	report_data(text, len + 1);
	report(SNP_REPORT_ASSERT, line, left, right, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

/* Returns where to go on, or 0: nobody expects it. */
__attribute__((target("general-regs-only")))
static u64 catch(u64 vector, u64 error_code, u64 rip)
{
	u64 cr2, resume = snp_resume;

	if (!resume)
		return 0;
	asm volatile("mov %%cr2, %0" : "=r" (cr2));
	snp_caught.vector = vector;
	snp_caught.error_code = error_code;
	snp_caught.rip = rip;
	snp_caught.cr2 = cr2;
	snp_resume = 0;
	return resume;
}

/* From snp_vc_entry. No SSE: the interrupted code's registers are live. */
__attribute__((target("general-regs-only")))
void snp_vc_exception(struct vc_frame *frame)
{
	u64 resume = catch(29, frame->error_code, frame->rip);

	if (resume) {
		frame->rip = resume;
		return;
	}
	if (snp_vc_resume) {
		vc_code = frame->error_code;
		frame->rip = snp_vc_resume;
		snp_vc_resume = 0;
		return;
	}
	report(SNP_REPORT_VC, frame->error_code, frame->rip, 0, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

/* All other vectors */
void snp_guest_exception(struct ex_regs *regs)
{
	u64 cr2, resume = catch(regs->vector, regs->error_code, regs->rip);

	if (resume) {
		regs->rip = resume;
		return;
	}
	asm volatile("mov %%cr2, %0" : "=r" (cr2));
	report(SNP_REPORT_EXCEPTION, regs->vector, regs->error_code, regs->rip,
	       cr2);
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

/* What a Linux guest does first: am I SNP, do we speak version 2, register. */
void snp_guest_init(void)
{
	volatile u64 *ghcb = snp_ghcb();
	unsigned int i;
	u64 v;

	if (!(rdmsr(MSR_AMD64_SEV) & MSR_AMD64_SEV_SNP_ENABLED))
		snp_terminate(SNP_TERM_SET, SNP_TERM_NOT_SNP);

	v = snp_msr_request(SNP_MSR_INFO_REQ);
	if (SNP_MSR_INFO(v) != SNP_MSR_INFO_RESP || v >> 48 < 2 ||
	    ((v >> 32) & 0xffff) > 2)
		snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
	if (((v >> 24) & 0xff) != snp_channel.c_bit)
		snp_terminate(SNP_TERM_SET, SNP_TERM_C_BIT);

	v = snp_msr_request(SNP_MSR_FEATURES_REQ);
	if (SNP_MSR_INFO(v) != SNP_MSR_FEATURES_RESP || !((v >> 12) & 1))
		snp_terminate(SNP_TERM_SET, SNP_TERM_FEATURES);

	v = snp_msr_request(snp_channel.ghcb_gpa | SNP_MSR_REG_GPA_REQ);
	if (v != (snp_channel.ghcb_gpa | SNP_MSR_REG_GPA_RESP))
		snp_terminate(SNP_TERM_SET, SNP_TERM_REGISTER);

	for (i = 0; i < PAGE_SIZE / 8; i++)
		ghcb[i] = 0;
	have_ghcb = true;
}

/*
 * PVALIDATE: RAX address, ECX size, EDX validate; result in EAX, and in CF
 * whether the page was in that state before.
 */
unsigned int snp_pvalidate(u64 gva, int size, bool validate)
{
	u64 rax = gva;
	bool unchanged;

	asm volatile(".byte 0xf2, 0x0f, 0x01, 0xff"
		     : "+a" (rax), "=@ccc" (unchanged)
		     : "c" (size), "d" ((int)validate) : "memory");
	if ((u32)rax)
		return rax;
	return unchanged ? SNP_PVALIDATE_UNCHANGED : SNP_PVALIDATE_OK;
}

/* RMPADJUST: RAX address, RCX size, RDX what for whom; result in EAX. */
unsigned int snp_rmpadjust(u64 gva, u64 size, u64 attributes)
{
	u64 rax = gva;

	asm volatile(".byte 0xf3, 0x0f, 0x01, 0xfe"
		     : "+a" (rax) : "c" (size), "d" (attributes)
		     : "memory", "cc");
	return rax;
}

/* As a Linux guest does it, page by page; each must change its state. */
void snp_validate_pages(u64 page, u64 n, bool validate)
{
	for (; n--; page++)
		snp_assert_eq(snp_pvalidate(snp_private(page), SNP_4K, validate),
			      SNP_PVALIDATE_OK);
}

/* Returns GHCBData[63:32], 0 = done; ~0: no response to a PSC request at all. */
u32 snp_psc_msr(u64 gpa, int operation)
{
	u64 v = snp_msr_request((u64)operation << 52 | gpa |
				     SNP_MSR_PSC_REQ);

	return SNP_MSR_INFO(v) == SNP_MSR_PSC_RESP ? v >> 32 : ~0u;
}

/* The request lies in the GHCB's shared buffer, as version 2 wants it. */
volatile struct snp_psc *snp_psc_buffer(void)
{
	return (volatile struct snp_psc *)(snp_channel.ghcb_gva +
					   SNP_GHCB_SHARED_OFFSET);
}

void snp_psc_entry(unsigned int i, u64 gpa, int operation, int size)
{
	union {
		struct snp_psc_entry e;
		u64 raw;
	} u = { .e = {
		.gfn = gpa / PAGE_SIZE,
		.operation = operation,
		.pagesize = size,
	} };

	/* One store: field by field, each would be a read and a write. */
	*(volatile u64 *)&snp_psc_buffer()->entry[i] = u.raw;
}

/* One exit for entries @first to @last; the buffer tells how far it got. */
struct snp_exit snp_psc_exit(unsigned int first, unsigned int last)
{
	volatile struct snp_psc *psc = snp_psc_buffer();

	psc->cur_entry = first;
	psc->end_entry = last;
	psc->reserved = 0;
	snp_ghcb_set(SNP_GHCB_SCRATCH,
		     snp_channel.ghcb_gpa + SNP_GHCB_SHARED_OFFSET);
	return snp_vmgexit(SNP_EXIT_PSC, 0, 0);
}

/*
 * Convert entries 0 to @n - 1, going on where the hypervisor left off for as
 * long as it reports no error. Returns SW_EXITINFO2, 0 = all done; an error of
 * the exit as such is the guest's failure.
 */
u64 snp_psc(unsigned int n)
{
	volatile struct snp_psc *psc = snp_psc_buffer();
	struct snp_exit e;

	psc->cur_entry = 0;
	do {
		e = snp_psc_exit(psc->cur_entry, n - 1);
		snp_assert_eq(e.failed, 0);
	} while (!e.info && psc->cur_entry <= psc->end_entry);
	return e.info;
}

/* Read a quadword; returns 0, or the error code of the #VC it raised. */
u64 snp_try_read(u64 gva, u64 *value)
{
	u64 v = 0;

	vc_code = 0;
	asm volatile("movq $1f, snp_vc_resume(%%rip)\n\t"
		     "movq (%[gva]), %[v]\n"
		     "1:\tmovq $0, snp_vc_resume(%%rip)"
		     : [v] "+&r" (v) : [gva] "r" (gva) : "memory");
	*value = v;
	return vc_code;
}

/* Write a quadword; returns 0, or the error code of the #VC it raised. */
u64 snp_try_write(u64 gva, u64 value)
{
	vc_code = 0;
	asm volatile("movq $1f, snp_vc_resume(%%rip)\n\t"
		     "movq %[v], (%[gva])\n"
		     "1:\tmovq $0, snp_vc_resume(%%rip)"
		     : : [v] "r" (value), [gva] "r" (gva) : "memory");
	return vc_code;
}

/* Every quadword differs, so a page in the wrong place is seen. */
void snp_fill(u64 gva, u64 pages, u64 pattern)
{
	volatile u64 *p = (volatile u64 *)gva;
	u64 i;

	for (i = 0; i < pages * PAGE_SIZE / 8; i++)
		p[i] = pattern + i;
}

bool snp_holds(u64 gva, u64 pages, u64 pattern)
{
	volatile u64 *p = (volatile u64 *)gva;
	u64 i;

	for (i = 0; i < pages * PAGE_SIZE / 8; i++) {
		if (p[i] != pattern + i)
			return false;
	}
	return true;
}
