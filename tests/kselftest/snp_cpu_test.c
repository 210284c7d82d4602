// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPU as an SNP guest sees it: which instructions raise #VC and with what
 * error code, which MSRs it may touch, what of its state survives an exit,
 * RMPADJUST, and vCPUs that run on a VMSA of the guest's own making.
 *
 * APM vol. 2, 15.35 and 15.36; vol. 3, RMPADJUST; GHCB specification, "SNP AP
 * Creation". A guest that makes a wrong VMSA stops that vCPU and nothing else:
 * KVM_RUN says so, and the host's log stays clean.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp_vmsa.h"

#define VC_VECTOR	29

/* No memory slot here: MMIO when shared, a memory fault when private. */
#define NOWHERE_GPA	0xe0000000ul
#define NOWHERE_GVA	0xe0000000ul
/* Not in the guest's page tables */
#define UNMAPPED_GVA	0x7f0000000000ul

#define DR7_FIXED	0x400ul
#define DR6_FIXED	0xffff0ff0ul
#define PAT_RESET	0x0007040600070406ul
#define PAT_GUEST	0x0000000106040500ul
#define PAT_AP		0x0606050504040101ul

FIXTURE(snp_cpu) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_cpu)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_cpu)
{
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

#define SNP_TEST(name) TEST_F_TIMEOUT(snp_cpu, name, 120)

/* The guest function does it all. */
#define GUEST_TEST(name, guest_code)					\
SNP_TEST(name)								\
{									\
	self->g = snp_create_launched(guest_code);			\
	snp_expect_done(self->g);					\
}

/* ---- #VC ----------------------------------------------------------------- */

static void expect_caught(u64 at, u64 vector, u64 error_code)
{
	snp_assert_eq(snp_caught.vector, vector);
	snp_assert_eq(snp_caught.error_code, error_code);
	snp_assert_eq(snp_caught.rip, at);
}

/* #VC with RIP at the instruction: the guest has to emulate and skip it. */
#define expect_vc(insn, a, c, d, code)	\
	expect_caught(snp_try(insn, a, c, d), VC_VECTOR, code)

#define expect_gp(insn, a, c, d)	\
	expect_caught(snp_try(insn, a, c, d), GP_VECTOR, 0)

static void expect_nothing_caught(void)
{
	snp_assert_eq(snp_caught.vector, SNP_CAUGHT_NONE);
}

static void guest_cpuid(void)
{
	snp_guest_init();
	expect_vc("cpuid", 0, 0, 0, 0x72);
	expect_vc("cpuid", 0x8000001f, 0, 0, 0x72);
	snp_done();
}

GUEST_TEST(cpuid_raises_vc_72, guest_cpuid)

static void guest_msr(void)
{
	snp_guest_init();
	expect_vc("rdmsr", 0, MSR_IA32_APICBASE, 0, 0x7c);
	expect_vc("wrmsr", 0, MSR_IA32_APICBASE, 0, 0x7c);
	expect_vc("rdmsr", 0, 0x4b564d00, 0, 0x7c);
	snp_done();
}

GUEST_TEST(intercepted_msr_raises_vc_7c, guest_msr)

static void guest_port_io(void)
{
	snp_guest_init();
	expect_vc("inb %%dx, %%al", 0, 0, 0x80, 0x7b);
	expect_vc("outl %%eax, %%dx", 0, 0, 0x80, 0x7b);
	expect_vc("outb %%al, $0x80", 0, 0, 0, 0x7b);
	snp_done();
}

GUEST_TEST(port_io_raises_vc_7b, guest_port_io)

static void guest_vmmcall(void)
{
	snp_guest_init();
	expect_vc("vmmcall", 0, 0, 0, 0x81);
	snp_done();
}

GUEST_TEST(vmmcall_without_prefix_raises_vc_81, guest_vmmcall)

static void guest_dr7(void)
{
	snp_guest_init();
	expect_vc("mov %%rax, %%db7", DR7_FIXED, 0, 0, 0x37);
	expect_vc("mov %%db7, %%rax", 0, 0, 0, 0x27);
	snp_try("mov %%rax, %%db0", 0x1000, 0, 0);
	expect_nothing_caught();
	snp_done();
}

GUEST_TEST(dr7_and_no_other_debug_register_raises_vc, guest_dr7)

static void guest_cache(void)
{
	snp_guest_init();
	expect_vc("wbinvd", 0, 0, 0, 0x89);
	expect_vc("invd", 0, 0, 0, 0x76);
	snp_done();
}

GUEST_TEST(wbinvd_raises_vc_89_and_invd_76, guest_cache)

static void guest_rdpmc(void)
{
	snp_guest_init();
	expect_vc("rdpmc", 0, 0, 0, 0x6f);
	snp_done();
}

GUEST_TEST(rdpmc_raises_vc_6f, guest_rdpmc)

static void guest_mwait(void)
{
	snp_guest_init();
	expect_vc("monitor", (u64)&snp_channel, 0, 0, 0x8a);
	expect_vc("mwait", 0, 0, 0, 0x8b);
	snp_done();
}

GUEST_TEST(monitor_raises_vc_8a_and_mwait_8b, guest_mwait)

static void guest_svm(void)
{
	snp_guest_init();
	expect_vc("vmrun", SNP_TEST_GPA, 0, 0, 0x80);
	expect_vc("vmload", SNP_TEST_GPA, 0, 0, 0x82);
	expect_vc("vmsave", SNP_TEST_GPA, 0, 0, 0x83);
	expect_vc("stgi", 0, 0, 0, 0x84);
	expect_vc("clgi", 0, 0, 0, 0x85);
	expect_vc("invlpga", 0, 0, 0, 0x7a);
	snp_done();
}

GUEST_TEST(svm_instructions_raise_vc, guest_svm)

static void guest_mmio(void)
{
	snp_guest_init();
	expect_vc("mov (%%rax), %%edx", NOWHERE_GVA, 0, 0, 0x400);
	expect_vc("mov %%edx, (%%rax)", NOWHERE_GVA + 0x20, 0, 0, 0x400);
	expect_vc("mov (%%rax), %%edx", NOWHERE_GVA, 0, 0, 0x400);
	snp_done();
}

/* One page without memory behind it, with or without the C-bit */
static void map_nowhere(struct snp_guest *g, bool c_bit)
{
	u64 *pte;

	/* The library maps memory only; bend that. */
	virt_map(g->vm, NOWHERE_GVA, SNP_TEST_GPA, 1);
	pte = vm_get_page_table_entry(g->vm, NOWHERE_GVA);
	*pte = (*pte & ~(PAGE_MASK & PHYSICAL_PAGE_MASK) & ~g->vm->arch.c_bit) | NOWHERE_GPA |
	       (c_bit ? g->vm->arch.c_bit : 0);
}

SNP_TEST(mmio_raises_vc_400)
{
	self->g = snp_create(guest_mmio);
	map_nowhere(self->g, false);
	snp_launch(self->g);
	snp_expect_done(self->g);
}

/* Ordinary exceptions are no business of #VC's. */
static void guest_faults(void)
{
	u64 at;

	snp_guest_init();
	expect_caught(snp_try("ud2", 0, 0, 0), UD_VECTOR, 0);
	expect_gp("mov (%%rax), %%edx", 1ul << 62, 0, 0);
	at = snp_try("mov %%edx, (%%rax)", UNMAPPED_GVA, 0, 0);
	expect_caught(at, PF_VECTOR, 2);
	snp_assert_eq(snp_caught.cr2, UNMAPPED_GVA);
	snp_done();
}

GUEST_TEST(ordinary_faults_stay_in_the_guest, guest_faults)

static void guest_validates_outside(void)
{
	snp_guest_init();
	snp_pvalidate(NOWHERE_GVA, SNP_4K, true);
	snp_done();
}

SNP_TEST(pvalidate_outside_memory_is_a_memory_fault)
{
	struct kvm_run *run;

	self->g = snp_create(guest_validates_outside);
	map_nowhere(self->g, true);
	snp_launch(self->g);
	run = self->g->vcpu->run;
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(self->g));
	EXPECT_EQ(NOWHERE_GPA, run->memory_fault.gpa);
	EXPECT_EQ(KVM_MEMORY_EXIT_FLAG_PRIVATE, run->memory_fault.flags);
}

/* ---- MSRs without an exit --------------------------------------------------- */

static void guest_sev_status(void)
{
	snp_guest_init();
	snp_assert_eq(rdmsr(MSR_AMD64_SEV), MSR_AMD64_SEV_ENABLED |
		      MSR_AMD64_SEV_ES_ENABLED | MSR_AMD64_SEV_SNP_ENABLED);
	expect_gp("wrmsr", 7, MSR_AMD64_SEV, 0);
	snp_assert_eq(rdmsr(MSR_AMD64_SEV) & 7, 7);
	snp_done();
}

GUEST_TEST(sev_status_says_snp_and_is_read_only, guest_sev_status)

static void guest_ghcb_msr(void)
{
	snp_guest_init();
	wrmsr(MSR_AMD64_SEV_ES_GHCB, 0x123456789000);
	snp_assert_eq(rdmsr(MSR_AMD64_SEV_ES_GHCB), 0x123456789000);
	snp_done();
}

GUEST_TEST(ghcb_msr_reads_back, guest_ghcb_msr)

static void guest_pat(void)
{
	u64 reset;

	snp_guest_init();
	reset = rdmsr(MSR_IA32_CR_PAT);
	wrmsr(MSR_IA32_CR_PAT, PAT_GUEST);
	snp_assert_eq(rdmsr(MSR_IA32_CR_PAT), PAT_GUEST);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(rdmsr(MSR_IA32_CR_PAT), PAT_GUEST);

	expect_gp("wrmsr", 2, MSR_IA32_CR_PAT, 0);
	expect_gp("wrmsr", 0, MSR_IA32_CR_PAT, 3u << 24);
	expect_gp("wrmsr", 8, MSR_IA32_CR_PAT, 0);
	snp_assert_eq(rdmsr(MSR_IA32_CR_PAT), PAT_GUEST);
	wrmsr(MSR_IA32_CR_PAT, reset);
	snp_done();
}

static u64 host_msr(int cpu, u32 msr)
{
	char path[32];
	u64 value;
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%d/msr", cpu);
	fd = open(path, O_RDONLY);
	__TEST_REQUIRE(fd >= 0, "%s", path);
	TEST_ASSERT(pread(fd, &value, 8, msr) == 8, "%s: %#x", path, msr);
	close(fd);
	return value;
}

SNP_TEST(pat_is_the_guests_own)
{
	int cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	u64 host = host_msr(0, MSR_IA32_CR_PAT);

	self->g = snp_create_launched(guest_pat);
	snp_expect_sync(self->g, 1);
	for (cpu = 0; cpu < cpus; cpu++)
		EXPECT_EQ(host, host_msr(cpu, MSR_IA32_CR_PAT));
	snp_expect_done(self->g);
}

/* ---- state across exits ------------------------------------------------------ */

#define NR_GPRS		15
#define GPR_PATTERN	0x5a5a00005a5a0000ul
#define FLAGS		(X86_EFLAGS_FIXED | 1 /* CF */ | 1 << 10 /* DF */)

/* Written by assembly; the last is RFLAGS */
static volatile u64 gprs[NR_GPRS + 1] __attribute__((used));

#define GPRS(op)							\
	op(0, rax) op(1, rbx) op(2, rcx) op(3, rdx) op(4, rsi) op(5, rdi) \
	op(6, rbp) op(7, r8) op(8, r9) op(9, r10) op(10, r11) op(11, r12) \
	op(12, r13) op(13, r14) op(14, r15)
#define SET_GPR(i, reg)		"movabsq $0x5a5a00005a5a0000 + " #i ", %%" #reg "\n\t"
#define GET_GPR(i, reg)		"movq %%" #reg ", gprs + 8 * " #i "(%%rip)\n\t"

/* All registers hold a pattern while @insn exits. */
#define exit_with_gprs(insn)						\
do {									\
	int __i;							\
									\
	asm volatile("push %%rbp\n\t"					\
		     GPRS(SET_GPR)					\
		     "stc\n\tstd\n\t"					\
		     insn "\n\t"					\
		     GPRS(GET_GPR)					\
		     "pushfq\n\tpopq gprs + 8 * 15(%%rip)\n\t"		\
		     "cld\n\tpop %%rbp"					\
		     : : : "memory", "cc", "rax", "rbx", "rcx", "rdx",	\
		       "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",	\
		       "r13", "r14", "r15");				\
	for (__i = 0; __i < NR_GPRS; __i++)				\
		snp_assert_eq(gprs[__i], GPR_PATTERN + __i);		\
	snp_assert_eq(gprs[NR_GPRS] & FLAGS, FLAGS);			\
} while (0)

static void guest_keeps_gprs(void)
{
	snp_guest_init();
	wrmsr(MSR_AMD64_SEV_ES_GHCB, SNP_MSR_INFO_REQ);
	exit_with_gprs("rep; vmmcall");
	snp_assert_eq(SNP_MSR_INFO(rdmsr(MSR_AMD64_SEV_ES_GHCB)), SNP_MSR_INFO_RESP);
	/* Automatic: PAUSE, and a page the host has not mapped yet */
	exit_with_gprs("pause");
	snp_assert_eq(snp_psc_msr(SNP_TEST_GPA, SNP_PSC_SHARED), 0);
	exit_with_gprs("movabs %%al, 0x80000000");
	snp_done();
}

GUEST_TEST(general_registers_and_flags_survive_exits, guest_keeps_gprs)

#define MSR_PATTERN	0x00007fff12340000ul

static void guest_keeps_msrs(void)
{
	static const u32 msrs[] = {
		MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR,
		MSR_LSTAR, MSR_CSTAR,
	};
	u64 v;
	int i;

	snp_guest_init();
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		wrmsr(msrs[i], MSR_PATTERN + i);
	wrmsr(MSR_SYSCALL_MASK, 0x300);
	wrmsr(MSR_IA32_SYSENTER_CS, 0x1230);
	asm volatile("mov %0, %%cr2" : : "r" (MSR_PATTERN));
	asm volatile("mov %0, %%db6" : : "r" (DR6_FIXED | 5));

	snp_sync(1, 0, 0, 0);
	asm volatile("pause");

	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		snp_assert_eq(rdmsr(msrs[i]), MSR_PATTERN + i);
	snp_assert_eq(rdmsr(MSR_SYSCALL_MASK), 0x300);
	snp_assert_eq(rdmsr(MSR_IA32_SYSENTER_CS), 0x1230);
	asm volatile("mov %%cr2, %0" : "=r" (v));
	snp_assert_eq(v, MSR_PATTERN);
	asm volatile("mov %%db6, %0" : "=r" (v));
	snp_assert_eq(v, DR6_FIXED | 5);
	snp_done();
}

SNP_TEST(segment_bases_syscall_msrs_cr2_and_dr6_survive_exits)
{
	self->g = snp_create_launched(guest_keeps_msrs);
	snp_expect_sync(self->g, 1);
	/* Longer than a time slice: somebody else has the CPU meanwhile. */
	usleep(50 * 1000);
	snp_expect_done(self->g);
}

#define XCR0_AVX	7

static volatile u8 ymm_in[16][32] __attribute__((used));
static volatile u8 ymm_out[16][32] __attribute__((used));

#define YMMS(op)							\
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9)	\
	op(10) op(11) op(12) op(13) op(14) op(15)
#define SET_YMM(i)	"vmovdqu ymm_in + 32 * " #i "(%%rip), %%ymm" #i "\n\t"
#define GET_YMM(i)	"vmovdqu %%ymm" #i ", ymm_out + 32 * " #i "(%%rip)\n\t"

/* All vector registers hold a pattern while @insn exits. */
#define exit_with_ymms(insn)						\
do {									\
	int __i;							\
									\
	asm volatile(YMMS(SET_YMM)					\
		     insn "\n\t"					\
		     YMMS(GET_YMM)					\
		     "vzeroupper"					\
		     : : : "memory", "xmm0", "xmm1", "xmm2", "xmm3",	\
		       "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",	\
		       "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",	\
		       "xmm15");					\
	for (__i = 0; __i < sizeof(ymm_in); __i++)			\
		snp_assert_eq(ymm_out[__i / 32][__i % 32],		\
			      ymm_in[__i / 32][__i % 32]);		\
} while (0)

static void guest_keeps_ymms(void)
{
	int i;

	snp_guest_init();
	set_cr4(get_cr4() | X86_CR4_OSXSAVE);
	xsetbv(0, XCR0_AVX);
	for (i = 0; i < sizeof(ymm_in); i++)
		ymm_in[i / 32][i % 32] = i ^ 0x5a;

	wrmsr(MSR_AMD64_SEV_ES_GHCB, SNP_MSR_INFO_REQ);
	exit_with_ymms("rep; vmmcall");
	exit_with_ymms("pause");
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(xgetbv(0), XCR0_AVX);
	/* The guest's own XCR0, not the host's: AVX is gone for it now */
	xsetbv(0, 3);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(xgetbv(0), 3);
	expect_caught(snp_try("vpaddb %%ymm0, %%ymm0, %%ymm0", 0, 0, 0),
		      UD_VECTOR, 0);
	snp_done();
}

SNP_TEST(vector_registers_and_xcr0_survive_exits)
{
	__TEST_REQUIRE((kvm_cpu_property(X86_PROPERTY_SUPPORTED_XCR0_LO) & XCR0_AVX) ==
		       XCR0_AVX, "AVX");
	self->g = snp_create_launched(guest_keeps_ymms);
	snp_expect_sync(self->g, 1);
	usleep(50 * 1000);
	snp_expect_sync(self->g, 2);
	snp_expect_done(self->g);
}

static void guest_keeps_x87(void)
{
	u8 st[10] = { 0 }, pi[10];
	u32 mxcsr = 0x7f80;
	u16 cw = 0x27f;

	snp_guest_init();
	asm volatile("fninit; fldpi; fstpt %0" : "=m" (pi) : : "st");
	asm volatile("fldpi; fldcw %0; ldmxcsr %1" : : "m" (cw), "m" (mxcsr));
	wrmsr(MSR_AMD64_SEV_ES_GHCB, SNP_MSR_INFO_REQ);
	asm volatile("rep; vmmcall; pause" : : : "memory");
	cw = 0;
	mxcsr = 0;
	asm volatile("fnstcw %0; stmxcsr %1; fstpt %2"
		     : "=m" (cw), "=m" (mxcsr), "=m" (st));
	snp_assert_eq(cw, 0x27f);
	snp_assert_eq(mxcsr, 0x7f80);
	snp_assert_eq(*(u64 *)st, *(u64 *)pi);
	snp_assert_eq(*(u16 *)(st + 8), *(u16 *)(pi + 8));
	snp_done();
}

GUEST_TEST(x87_and_mxcsr_survive_exits, guest_keeps_x87)

/* ---- CR0, CR4, EFER ------------------------------------------------------------ */

static void set_cr0(u64 value)
{
	asm volatile("mov %0, %%cr0" : : "r" (value) : "memory");
}

static void guest_writes_control_registers(void)
{
	u64 cr0 = get_cr0() ^ X86_CR0_WP, cr4 = get_cr4() ^ X86_CR4_PGE;
	u64 efer = rdmsr(MSR_EFER) ^ EFER_SCE;

	snp_guest_init();
	set_cr0(cr0);
	set_cr4(cr4);
	wrmsr(MSR_EFER, efer);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(get_cr0(), cr0);
	snp_assert_eq(get_cr4(), cr4);
	snp_assert_eq(rdmsr(MSR_EFER), efer);
	snp_done();
}

#define TRACE		"/sys/kernel/tracing/instances/snp_cpu_test"

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	TEST_ASSERT(fd >= 0 && write(fd, text, strlen(text)) > 0, "%s", path);
	close(fd);
}

static int count_in_trace(const char *what)
{
	FILE *f = fopen(TRACE "/trace", "r");
	char line[512];
	int n = 0;

	TEST_ASSERT(f, TRACE "/trace");
	while (fgets(line, sizeof(line), f))
		n += !!strstr(line, what);
	fclose(f);
	return n;
}

SNP_TEST(control_register_writes_are_reported_to_kvm)
{
	__TEST_REQUIRE(!mkdir(TRACE, 0700) || errno == EEXIST, TRACE);
	write_file(TRACE "/events/kvm/kvm_exit/enable", "1");
	self->g = snp_create_launched(guest_writes_control_registers);
	snp_expect_sync(self->g, 1);
	snp_expect_done(self->g);
	write_file(TRACE "/events/kvm/kvm_exit/enable", "0");
	EXPECT_EQ(1, count_in_trace("reason write_cr0_trap"));
	EXPECT_EQ(1, count_in_trace("reason write_cr4_trap"));
	EXPECT_EQ(1, count_in_trace("reason write_efer_trap"));
	rmdir(TRACE);
}

/* ---- RMPADJUST ------------------------------------------------------------------ */

static void guest_adjusts(void)
{
	u64 page = snp_private(1), v;

	snp_guest_init();
	snp_validate_pages(1, 1, true);
	snp_fill(page, 1, 7);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 1 | SNP_RMPADJUST_ALL), 0);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 2 | SNP_RMPADJUST_PERMS(1)), 0);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 3), 0);
	/* Anywhere in the page */
	snp_assert_eq(snp_rmpadjust(page + 0x123, SNP_4K, 1), 0);
	snp_assert_eq(snp_try_read(page, &v), 0);
	snp_assert_eq(snp_holds(page, 1, 7), true);
	snp_done();
}

GUEST_TEST(rmpadjust_gives_and_takes_permissions_of_lower_vmpls, guest_adjusts)

static void guest_adjusts_illegally(void)
{
	u64 page = snp_private(1);

	snp_guest_init();
	snp_validate_pages(0, 2, true);
	/* VMPL0 may adjust the others, not itself */
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 0 | SNP_RMPADJUST_ALL),
		      SNP_RMPADJUST_FAIL_PERMISSION);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, SNP_RMPADJUST_VMSA),
		      SNP_RMPADJUST_FAIL_PERMISSION);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 4), SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 0xff), SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_rmpadjust(page, 2, 1), SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_rmpadjust(page, ~0ul, 1), SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_rmpadjust(page, SNP_2M, 1), SNP_PVALIDATE_FAIL_INPUT);
	snp_assert_eq(snp_rmpadjust(snp_private(0), SNP_2M, 1),
		      SNP_PVALIDATE_SIZEMISMATCH);
	snp_done();
}

GUEST_TEST(rmpadjust_with_illegal_parameters_fails, guest_adjusts_illegally)

#define RMPADJUST	".byte 0xf3, 0x0f, 0x01, 0xfe"

static void guest_adjusts_unvalidated(void)
{
	u64 page = snp_private(1);

	snp_guest_init();
	expect_vc(RMPADJUST, page, SNP_4K, 1, SNP_VC_NOT_VALIDATED);
	snp_assert_eq(snp_caught.cr2, page);
	expect_caught(snp_try(RMPADJUST, UNMAPPED_GVA, SNP_4K, 1), PF_VECTOR, 0);
	snp_assert_eq(snp_caught.cr2, UNMAPPED_GVA);
	expect_gp(RMPADJUST, 1ul << 62, SNP_4K, 1);
	snp_done();
}

GUEST_TEST(rmpadjust_of_unvalidated_or_unmapped_page_faults, guest_adjusts_unvalidated)

static void guest_marks_vmsa(void)
{
	u64 page = snp_private(1);

	snp_guest_init();
	snp_validate_pages(1, 1, true);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 1 | SNP_RMPADJUST_VMSA), 0);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(snp_rmpadjust(page, SNP_4K, 1), 0);
	snp_sync(3, 0, 0, 0);
	snp_done();
}

SNP_TEST(rmpadjust_makes_and_unmakes_a_vmsa)
{
	struct snp_rmp_counts before, marked, after;

	self->g = snp_create_launched(guest_marks_vmsa);
	snp_expect_sync(self->g, 1);
	snp_rmp_counts(&before);
	snp_expect_sync(self->g, 2);
	snp_rmp_counts(&marked);
	snp_expect_sync(self->g, 3);
	snp_rmp_counts(&after);
	EXPECT_EQ(before.vmsa + 1, marked.vmsa);
	EXPECT_EQ(before.vmsa, after.vmsa);
	snp_expect_done(self->g);
}

/* ---- a vCPU of the guest's own making --------------------------------------------- */

#define VMSA_NOTHING	0xff8
#define VMSA_PAGE	16
#define STACK_PAGE	17

#define AP_ID		1
/* TSC ticks; the host may have better things to do than to run the other vCPU. */
#define PATIENCE	50000000000ul
#define A_WHILE		500000000ul

/* What is wrong with the VMSA; VMM to guest, before launch */
static struct {
	u64 field;
	u64 value;
	u64 gpa;
	bool unmarked;
} spoil;

static volatile u64 ap_counter, ap_stop, ap_pat, ap_status;

static void ap_code(void)
{
	ap_status = rdmsr(MSR_AMD64_SEV);
	ap_pat = rdmsr(MSR_IA32_CR_PAT);
	while (!ap_stop)
		ap_counter++;
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

/* Where the launch lets it begin, and nobody should come. */
static void ap_launch_code(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

static bool ap_advances_within(u64 ticks)
{
	u64 start = ap_counter, end = rdtsc() + ticks;

	do {
		if (ap_counter != start)
			return true;
		asm volatile("pause");
	} while (rdtsc() < end);
	return false;
}

static bool ap_advances(void)
{
	return ap_advances_within(PATIENCE);
}

/* As this vCPU, but for RIP, RSP and PAT. */
static void build_vmsa(void)
{
	snp_vmsa_build(snp_private(VMSA_PAGE), ap_code, snp_private(STACK_PAGE + 1));
	snp_vmsa_set(snp_private(VMSA_PAGE), VMSA_PAT, PAT_AP);
}

static unsigned int mark_vmsa(bool vmsa)
{
	return snp_vmsa_mark(snp_private(VMSA_PAGE), vmsa);
}

static void prepare_ap(void)
{
	snp_validate_pages(VMSA_PAGE, 2, true);
	build_vmsa();
}

static void create_ap(void)
{
	snp_assert_eq(mark_vmsa(true), 0);
	snp_assert_eq(snp_ap_request(AP_ID, SNP_AP_CREATE, snp_test_gpa(VMSA_PAGE)).failed, 0);
	snp_assert_eq(ap_advances(), true);
}

/* It takes effect some time later; then the page can be marked, as a VMSA or not. */
static void destroy_ap(bool vmsa)
{
	snp_assert_eq(snp_ap_request(AP_ID, SNP_AP_DESTROY, 0).failed, 0);
	while (ap_advances_within(A_WHILE))
		;
	while (mark_vmsa(vmsa) == SNP_RMPADJUST_FAIL_INUSE)
		;
}

/* The VMM's side: a second vCPU, halted until the guest creates it. */
struct ap {
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	volatile bool stop;
	volatile bool ended;
	int ret;
	int error;
};

static void ignore_signal(int sig)
{
}

static void *ap_thread(void *arg)
{
	struct ap *ap = arg;

	do {
		ap->vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
		ap->ret = __vcpu_run(ap->vcpu);
		ap->error = ap->ret ? errno : 0;
	} while (!ap->stop && (ap->error == EINTR || ap->error == EAGAIN));
	ap->ended = true;
	return NULL;
}

static void add_ap(struct snp_guest *g, struct ap *ap, u32 id)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };

	memset(ap, 0, sizeof(*ap));
	ap->vcpu = vm_vcpu_add(g->vm, id, ap_launch_code);
	vcpu_mp_state_set(ap->vcpu, &halted);
}

/* @other, if any, has the next APIC ID and is not run. */
static struct snp_guest *create_with_aps(struct ap *ap, struct ap *other,
					 void (*guest_code)(void))
{
	struct snp_guest *g = snp_create(guest_code);

	signal(SIGUSR1, ignore_signal);
	add_ap(g, ap, AP_ID);
	if (other)
		add_ap(g, other, AP_ID + 1);
	sync_global_to_guest(g->vm, spoil);
	snp_launch(g);
	pthread_create(&ap->thread, NULL, ap_thread, ap);
	return g;
}

static struct snp_guest *create_with_ap(struct ap *ap, void (*guest_code)(void))
{
	return create_with_aps(ap, NULL, guest_code);
}

/* The vCPU ends by itself. */
static void join_ap(struct ap *ap)
{
	pthread_join(ap->thread, NULL);
}

static void stop_ap(struct ap *ap)
{
	ap->stop = true;
	ap->vcpu->run->immediate_exit = 1;
	pthread_kill(ap->thread, SIGUSR1);
	join_ap(ap);
}

/* Both vCPUs come to their ends. */
#define AP_TEST(name, guest_code)						\
SNP_TEST(name)									\
{										\
	struct ap ap;								\
										\
	self->g = create_with_ap(&ap, guest_code);				\
	snp_expect_done(self->g);						\
	join_ap(&ap);								\
	EXPECT_EQ(0, ap.ret);							\
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, ap.vcpu->run->exit_reason);		\
}

static void guest_creates_ap(void)
{
	int i;

	snp_guest_init();
	wrmsr(MSR_IA32_CR_PAT, PAT_GUEST);
	prepare_ap();
	create_ap();
	for (i = 0; i < 3; i++)
		snp_assert_eq(ap_advances(), true);
	snp_assert_eq(ap_status & 7, 7);
	snp_assert_eq(ap_pat, PAT_AP);
	snp_assert_eq(rdmsr(MSR_IA32_CR_PAT), PAT_GUEST);
	ap_stop = 1;
	snp_done();
}

AP_TEST(second_vcpu_runs_on_the_guests_vmsa, guest_creates_ap)

static void guest_adjusts_running_vmsa(void)
{
	unsigned int busy;
	u64 end;

	snp_guest_init();
	prepare_ap();
	create_ap();
	end = rdtsc() + PATIENCE;
	do {
		busy = mark_vmsa(true);
		asm volatile("pause");
	} while (!busy && rdtsc() < end);
	snp_assert_eq(busy, SNP_RMPADJUST_FAIL_INUSE);
	snp_assert_eq(ap_advances(), true);
	ap_stop = 1;
	snp_done();
}

AP_TEST(rmpadjust_of_a_running_vmsa_fails_inuse, guest_adjusts_running_vmsa)

static void guest_destroys_ap(void)
{
	snp_guest_init();
	prepare_ap();
	create_ap();
	destroy_ap(false);
	snp_assert_eq(ap_advances_within(A_WHILE), false);
	snp_sync(1, 0, 0, 0);

	/* And once more */
	build_vmsa();
	create_ap();
	ap_stop = 1;
	snp_done();
}

SNP_TEST(destroyed_vcpu_stops_and_can_be_created_again)
{
	struct ap ap;

	self->g = create_with_ap(&ap, guest_destroys_ap);
	snp_expect_sync(self->g, 1);
	EXPECT_EQ(false, ap.ended);
	snp_expect_done(self->g);
	join_ap(&ap);
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, ap.vcpu->run->exit_reason);
}

static void guest_gives_one_vmsa_to_two(void)
{
	u64 gpa = snp_test_gpa(VMSA_PAGE);

	snp_guest_init();
	prepare_ap();
	create_ap();
	/* Only VMRUN can tell, so the request is granted. */
	snp_assert_eq(snp_ap_request(AP_ID + 1, SNP_AP_CREATE, gpa).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(ap_advances(), true);
	destroy_ap(true);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(ap_advances_within(A_WHILE), false);
	/* Asked for again, it is the second one's. */
	snp_assert_eq(snp_ap_request(AP_ID + 1, SNP_AP_CREATE, gpa).failed, 0);
	snp_sync(3, 0, 0, 0);
	snp_assert_eq(ap_advances(), true);
	ap_stop = 1;
	snp_done();
}

/*
 * Two vCPUs told to run on one VMSA: the first does, the second has none, and does
 * not come into it by itself when the first one leaves.
 */
SNP_TEST(one_vmsa_for_two_vcpus_is_the_first_ones_alone)
{
	struct snp_guest *g;
	struct ap ap, other;

	g = create_with_aps(&ap, &other, guest_gives_one_vmsa_to_two);
	self->g = g;
	snp_expect_sync(g, 1);
	ap_thread(&other);
	EXPECT_EQ(0, other.ret);
	EXPECT_EQ(KVM_EXIT_FAIL_ENTRY, other.vcpu->run->exit_reason);
	snp_expect_sync(g, 2);
	ap_thread(&other);
	EXPECT_EQ(KVM_EXIT_FAIL_ENTRY, other.vcpu->run->exit_reason)
		TH_LOG("it runs on a VMSA that it does not have");
	snp_expect_sync(g, 3);
	pthread_create(&other.thread, NULL, ap_thread, &other);
	snp_expect_done(g);
	join_ap(&other);
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, other.vcpu->run->exit_reason);
	stop_ap(&ap);
}

static void expect_refused(struct snp_exit e)
{
	snp_assert_eq(e.failed, 2);
	snp_assert_eq(e.info, SNP_ERR_INVALID_INPUT);
}

static void guest_asks_for_wrong_vmsa(void)
{
	u64 gpa = snp_test_gpa(VMSA_PAGE);

	snp_guest_init();
	prepare_ap();
	snp_assert_eq(mark_vmsa(true), 0);
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, gpa + 8));
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, gpa + 0x800));
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, SNP_TEST_GPA));
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, 1ul << 63));
	/* No memory there, and memory that is shared */
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, NOWHERE_GPA + PAGE_SIZE));
	expect_refused(snp_ap_request(AP_ID, SNP_AP_CREATE, snp_channel.ghcb_gpa));
	/* No such vCPU, no such request */
	expect_refused(snp_ap_request(7, SNP_AP_CREATE, gpa));
	expect_refused(snp_ap_request(AP_ID, 3, gpa));
	snp_assert_eq(ap_advances_within(A_WHILE), false);
	snp_done();
}

SNP_TEST(wrong_ap_request_is_refused)
{
	struct ap ap;

	self->g = create_with_ap(&ap, guest_asks_for_wrong_vmsa);
	snp_expect_done(self->g);
	EXPECT_EQ(false, ap.ended);
	stop_ap(&ap);
}

/* The request is well formed, the VMSA is not: only VMRUN can tell. */
static void guest_makes_bad_vmsa(void)
{
	u64 gpa = spoil.gpa ? spoil.gpa : snp_test_gpa(VMSA_PAGE);

	snp_guest_init();
	prepare_ap();
	snp_vmsa_set(snp_private(VMSA_PAGE), spoil.field, spoil.value);
	if (!spoil.unmarked)
		snp_assert_eq(mark_vmsa(true), 0);
	snp_assert_eq(snp_ap_request(AP_ID, SNP_AP_CREATE, gpa).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(ap_counter, 0);
	snp_done();
}

/* Returns how the vCPU's KVM_RUN ended; the other vCPU runs on. */
static struct ap run_spoiled(struct snp_guest **g, u64 field, u64 value,
			     u64 gpa, bool unmarked)
{
	struct ap ap;

	spoil.field = field;
	spoil.value = value;
	spoil.gpa = gpa;
	spoil.unmarked = unmarked;
	*g = create_with_ap(&ap, guest_makes_bad_vmsa);
	snp_expect_sync(*g, 1);
	join_ap(&ap);
	snp_expect_done(*g);
	return ap;
}

#define expect_exit(exit, field, value, gpa, unmarked)				\
do {										\
	struct ap __ap = run_spoiled(&self->g, field, value, gpa, unmarked);	\
										\
	EXPECT_EQ(0, __ap.ret);							\
	EXPECT_EQ(exit, __ap.vcpu->run->exit_reason);				\
} while (0)

#define expect_fail_entry(field, value, gpa, unmarked)				\
	expect_exit(KVM_EXIT_FAIL_ENTRY, field, value, gpa, unmarked)

SNP_TEST(vmsa_not_marked_as_one_fails_entry)
{
	expect_fail_entry(VMSA_NOTHING, 0, 0, true);
}

SNP_TEST(vmsa_in_a_page_never_validated_fails_entry)
{
	expect_fail_entry(VMSA_NOTHING, 0, snp_test_gpa(VMSA_PAGE + 8), false);
}

SNP_TEST(vmsa_with_unoffered_features_fails_entry)
{
	expect_fail_entry(VMSA_FEATURES, VMSA_FEATURE_SNP | 1 << 3, 0, false);
}

SNP_TEST(vmsa_without_snp_feature_fails_entry)
{
	expect_fail_entry(VMSA_FEATURES, 0, 0, false);
}

SNP_TEST(vmsa_with_xcr0_zero_fails_entry)
{
	expect_fail_entry(VMSA_XCR0, 0, 0, false);
}

SNP_TEST(vmsa_with_reserved_xcr0_bit_fails_entry)
{
	expect_fail_entry(VMSA_XCR0, 1 | 1ul << 62, 0, false);
}

SNP_TEST(vmsa_with_avx_but_not_sse_in_xcr0_fails_entry)
{
	expect_fail_entry(VMSA_XCR0, 5, 0, false);
}

SNP_TEST(vmsa_with_unknown_vmpl_fails_entry)
{
	expect_fail_entry(VMSA_VMPL_CPL, 4 << 16, 0, false);
}

SNP_TEST(vmsa_with_reserved_cr4_bit_fails_entry)
{
	expect_fail_entry(VMSA_CR4, X86_CR4_PAE | 1ul << 30, 0, false);
}

SNP_TEST(vmsa_with_high_cr0_bit_fails_entry)
{
	expect_fail_entry(VMSA_CR0, X86_CR0_PE | X86_CR0_PG | 1ul << 40, 0, false);
}

SNP_TEST(vmsa_with_reserved_efer_bit_fails_entry)
{
	expect_fail_entry(VMSA_EFER, EFER_LME | EFER_LMA | EFER_SVME | 1ul << 40,
			  0, false);
}

/* Whatever it points to, it is guest-physical: the guest harms itself only. */
SNP_TEST(vmsa_with_empty_page_tables_shuts_its_vcpu_down)
{
	expect_exit(KVM_EXIT_SHUTDOWN, VMSA_CR3, snp_test_gpa(STACK_PAGE), 0, false);
}

SNP_TEST(vmsa_with_page_tables_outside_memory_is_a_memory_fault)
{
	struct ap ap = run_spoiled(&self->g, VMSA_CR3, NOWHERE_GPA, 0, false);

	EXPECT_EQ(-1, ap.ret);
	EXPECT_EQ(EFAULT, ap.error);
	EXPECT_EQ(KVM_EXIT_MEMORY_FAULT, ap.vcpu->run->exit_reason);
}

static void guest_shares_running_vmsa(void)
{
	u64 gpa = snp_test_gpa(VMSA_PAGE);

	snp_guest_init();
	prepare_ap();
	create_ap();
	snp_assert_eq(!!snp_psc_msr(gpa, SNP_PSC_SHARED), true);
	snp_psc_entry(0, gpa, SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc_exit(0, 0).info, SNP_PSC_ERR_GENERIC);
	/* Hidden in a batch, and in 2M */
	snp_psc_entry(0, gpa - PAGE_SIZE, SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(1, gpa, SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc_exit(0, 1).info, SNP_PSC_ERR_GENERIC);
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_2M);
	snp_assert_eq(snp_psc_exit(0, 0).info, SNP_PSC_ERR_GENERIC);
	/* What it is already is no change. */
	snp_assert_eq(snp_psc_msr(gpa, SNP_PSC_PRIVATE), 0);
	snp_assert_eq(ap_advances(), true);
	ap_stop = 1;
	snp_done();
}

AP_TEST(vmsa_of_a_running_vcpu_cannot_be_shared, guest_shares_running_vmsa)

static void guest_starts_ap(void)
{
	snp_guest_init();
	prepare_ap();
	create_ap();
	snp_sync(1, 0, 0, 0);
	snp_done();
}

/* The VMM takes the page from under the vCPU: no guest survives that, the host does. */
SNP_TEST(vmsa_taken_by_the_vmm_ends_the_vm_and_the_page_is_the_hosts)
{
	u64 pfn, asid;
	struct ap ap;

	self->g = create_with_ap(&ap, guest_starts_ap);
	snp_expect_sync(self->g, 1);
	ASSERT_EQ(true, snp_rmp_find(snp_test_gpa(VMSA_PAGE), &pfn, &asid));
	vm_guest_mem_punch_hole(self->g->vm, snp_test_gpa(VMSA_PAGE), PAGE_SIZE);
	join_ap(&ap);
	EXPECT_EQ(-1, ap.ret);
	EXPECT_EQ(EIO, ap.error);
	EXPECT_EQ(false, snp_rmp_assigned(pfn));
	ASSERT_EQ(SNP_EVENT_RUN_ERROR, snp_run(self->g));
	EXPECT_EQ(EIO, self->g->error);
	/* Every ioctl says EIO now, of an orderly teardown too. */
	snp_close_fds(self->g, true);
	self->g = NULL;
}

static void guest_shares_idle_vmsa(void)
{
	u64 gpa = snp_test_gpa(VMSA_PAGE);

	snp_guest_init();
	prepare_ap();
	create_ap();
	destroy_ap(true);
	/* Still a VMSA, but nobody runs on it */
	snp_assert_eq(snp_psc_msr(gpa, SNP_PSC_SHARED), 0);
	snp_assert_eq(snp_psc_msr(gpa, SNP_PSC_PRIVATE), 0);
	snp_assert_eq(snp_pvalidate(snp_private(VMSA_PAGE), SNP_4K, true), 0);
	snp_assert_eq(snp_ap_request(AP_ID, SNP_AP_CREATE, gpa).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

/* A page that was a VMSA is none after it was shared. */
SNP_TEST(page_state_change_unmakes_a_vmsa)
{
	struct ap ap;

	self->g = create_with_ap(&ap, guest_shares_idle_vmsa);
	snp_expect_sync(self->g, 1);
	join_ap(&ap);
	EXPECT_EQ(0, ap.ret);
	EXPECT_EQ(KVM_EXIT_FAIL_ENTRY, ap.vcpu->run->exit_reason);
	snp_expect_done(self->g);
}

/* Not even #VC can be delivered. */
SNP_TEST(vmsa_with_unvalidated_page_tables_shuts_its_vcpu_down)
{
	expect_exit(KVM_EXIT_SHUTDOWN, VMSA_CR3, snp_test_gpa(VMSA_PAGE + 8), 0, false);
}

static void guest_moves_idt_to_mmio(void)
{
	struct desc_ptr idt = { .size = 0xfff, .address = NOWHERE_GVA };

	snp_guest_init();
	asm volatile("lidt %0\n\tcpuid"
		     : : "m" (idt), "a" (0) : "ebx", "ecx", "edx");
	snp_done();
}

SNP_TEST(idt_in_mmio_shuts_the_guest_down)
{
	self->g = snp_create(guest_moves_idt_to_mmio);
	map_nowhere(self->g, false);
	snp_launch(self->g);
	ASSERT_EQ(SNP_EVENT_OTHER, snp_run(self->g));
	EXPECT_EQ(KVM_EXIT_SHUTDOWN, self->g->vcpu->run->exit_reason);
}

TEST_HARNESS_MAIN
