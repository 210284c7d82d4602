/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SNP guests for KVM selftests. Upstream's library (6.12) launches SEV and
 * SEV-ES guests only; this adds what an SNP guest needs on both sides, on top
 * of it: the VMM half launches a guest by the real ioctls and answers its
 * page-state changes, the guest half speaks the GHCB protocol, version 2.
 *
 * A test is a guest function and a host function side by side. The guest
 * starts with snp_guest_init(), talks to the host by snp_sync() and ends with
 * snp_done(); GUEST_ASSERT() and friends of upstream do not work here, because
 * their port I/O is a #VC in this guest: use snp_assert_eq().
 */
#ifndef SELFTEST_SNP_H
#define SELFTEST_SNP_H

#include <stdint.h>
#include <stdbool.h>

#include "kvm_util.h"
#include "processor.h"

/* Memory that tests convert: private by attribute at launch, not validated. */
#define SNP_TEST_GPA		0x40000000ul
#define SNP_TEST_PAGES		2048ul
#define SNP_TEST_SLOT		1
/* The guest sees it twice: with the C-bit and without. */
#define SNP_PRIVATE_GVA		0x40000000ul
#define SNP_SHARED_GVA		0x80000000ul
#define SNP_PAGES_2M		512ul
/* The last page of it is the secrets page of guests that want one. */
#define SNP_SECRETS_GPA		(SNP_TEST_GPA + (SNP_TEST_PAGES - 1) * PAGE_SIZE)
#define SNP_SECRETS_GVA		(SNP_PRIVATE_GVA + (SNP_TEST_PAGES - 1) * PAGE_SIZE)
#define SNP_MEASUREMENT_SIZE	48

/* GHCB MSR protocol, GHCB specification 2.3.1 */
#define SNP_MSR_INFO_RESP	0x001
#define SNP_MSR_INFO_REQ	0x002
#define SNP_MSR_REG_GPA_REQ	0x012
#define SNP_MSR_REG_GPA_RESP	0x013
#define SNP_MSR_PSC_REQ		0x014
#define SNP_MSR_PSC_RESP	0x015
#define SNP_MSR_FEATURES_REQ	0x080
#define SNP_MSR_FEATURES_RESP	0x081
#define SNP_MSR_TERM_REQ	0x100
#define SNP_MSR_INFO(v)		((v) & 0xfff)

/* Our reason set of a termination request; 0 and 1 belong to others. */
#define SNP_TERM_SET		2
enum snp_term_reason {
	SNP_TERM_DONE = 0,		/* a guest without GHCB is done */
	SNP_TERM_NOT_SNP,		/* SEV_STATUS says this is no SNP guest */
	SNP_TERM_PROTOCOL,		/* no common GHCB protocol version */
	SNP_TERM_C_BIT,			/* hypervisor names another C-bit */
	SNP_TERM_FEATURES,		/* hypervisor lacks the SNP feature */
	SNP_TERM_REGISTER,		/* GHCB registration failed */
	SNP_TERM_EARLY_EXCEPTION,	/* before there is a GHCB to report by */
	SNP_TERM_RESUMED,		/* run again after its end */
};

/*
 * The GHCB in quadwords, GHCB specification, "GHCB Layout": a field's number is
 * also its bit in the valid bitmap.
 */
enum snp_ghcb_field {
	SNP_GHCB_RAX		= 0x1f8 / 8,
	SNP_GHCB_RCX		= 0x308 / 8,
	SNP_GHCB_RDX		= 0x310 / 8,
	SNP_GHCB_RBX		= 0x318 / 8,
	SNP_GHCB_EXIT_CODE	= 0x390 / 8,
	SNP_GHCB_EXIT_INFO_1	= 0x398 / 8,
	SNP_GHCB_EXIT_INFO_2	= 0x3a0 / 8,
	SNP_GHCB_SCRATCH	= 0x3a8 / 8,
	SNP_GHCB_VALID		= 0x3f0 / 8,
	SNP_GHCB_SHARED		= 0x800 / 8,
	SNP_GHCB_TAIL		= 0xff8 / 8,
};

#define SNP_GHCB_SHARED_OFFSET	0x800
/* Protocol version 2 at 0xffa, usage 0 at 0xffc */
#define SNP_GHCB_TAIL_V2	(2ull << 16)
#define SNP_GHCB_USAGE(u)	((u64)(u) << 32)

/* Exit codes of non-automatic exits (NAE) */
#define SNP_EXIT_IOIO		0x7b
#define SNP_EXIT_PSC		0x80000010
#define SNP_EXIT_GUEST_REQUEST	0x80000011
#define SNP_EXIT_EXT_REQUEST	0x80000012
#define SNP_EXIT_AP_CREATION	0x80000013
/* Requests of AP creation, GHCB specification, "SNP AP Creation" */
#define SNP_AP_CREATE		1
#define SNP_AP_DESTROY		2
/* Errors in SW_EXITINFO2 when SW_EXITINFO1[31:0] is 2 */
#define SNP_ERR_NOT_REGISTERED	1
#define SNP_ERR_INVALID_USAGE	2
#define SNP_ERR_SCRATCH		3
#define SNP_ERR_MISSING_INPUT	4
#define SNP_ERR_INVALID_INPUT	5
#define SNP_ERR_INVALID_EVENT	6

/* GHCB specification, "SNP Page State Change" */
#define SNP_PSC_PRIVATE		1
#define SNP_PSC_SHARED		2
#define SNP_PSC_MAX		253
#define SNP_PSC_ERR_HEADER	((1ull << 32) | 1)
#define SNP_PSC_ERR_ENTRY	((1ull << 32) | 2)
#define SNP_PSC_ERR_GENERIC	(0x100ull << 32)

struct snp_psc_entry {
	u64 cur_page : 12;
	u64 gfn : 40;
	u64 operation : 4;
	u64 pagesize : 1;
	u64 reserved : 7;
};

struct snp_psc {
	u16 cur_entry;
	u16 end_entry;
	u32 reserved;
	struct snp_psc_entry entry[SNP_PSC_MAX];
};

/* PVALIDATE, APM vol. 3 */
#define SNP_PVALIDATE_OK		0
#define SNP_PVALIDATE_FAIL_INPUT	1
#define SNP_PVALIDATE_SIZEMISMATCH	6
#define SNP_PVALIDATE_UNCHANGED		0x100	/* rFLAGS.CF, no architected code */
#define SNP_4K				0
#define SNP_2M				1

/* RMPADJUST, APM vol. 3: RDX, and results besides PVALIDATE's */
#define SNP_RMPADJUST_PERMS(p)		((u64)(p) << 8)
#define SNP_RMPADJUST_ALL		SNP_RMPADJUST_PERMS(0xf)
#define SNP_RMPADJUST_VMSA		(1ul << 16)
#define SNP_RMPADJUST_FAIL_PERMISSION	2
#define SNP_RMPADJUST_FAIL_INUSE	3

/* #VC error code for an access to a page that is not validated, APM vol. 2, 15.36.10 */
#define SNP_VC_NOT_VALIDATED	0x404

/* What a guest tells its VMM: in a shared page, announced by an OUT. */
enum snp_report_kind {
	SNP_REPORT_NONE,
	SNP_REPORT_SYNC,		/* arg: stage, three values; or data in text */
	SNP_REPORT_DONE,
	SNP_REPORT_ASSERT,		/* arg: line, left, right; text */
	SNP_REPORT_VC,			/* arg: error code, RIP */
	SNP_REPORT_EXCEPTION,		/* arg: vector, error code, RIP, CR2 */
};

struct snp_report {
	u64 kind;
	u64 arg[4];
	char text[120];
};

#define SNP_REPORT_PORT		0x5350

/* ---- VMM ------------------------------------------------------------- */

/* Why snp_run() came back. */
enum snp_event {
	SNP_EVENT_REPORT,		/* g->report */
	SNP_EVENT_TERM,			/* g->term: GHCB MSR of the request */
	SNP_EVENT_MEMORY_FAULT,		/* run->memory_fault: implicit change */
	SNP_EVENT_RUN_ERROR,		/* g->error: errno of KVM_RUN */
	SNP_EVENT_OTHER,		/* run->exit_reason */
};

/* Launch policy: SMT allowed, and bit 17, which must be one. */
#define SNP_POLICY		((1ull << 17) | (1ull << 16))

struct snp_guest {
	struct kvm_vm *vm;
	struct kvm_vm *memory;	/* the VM that the library made the memory for */
	bool in_place;		/* no guest_memfd: the kernel converts */
	struct kvm_vcpu *vcpu;
	struct snp_report *report;
	u32 fw_error;		/* firmware's answer to the last command */
	u64 term;
	int error;
	u64 to_private;		/* pages converted, each way */
	u64 to_shared;
	u64 requests;		/* page-state changes that reached us */
	u64 refuse_gpa;		/* answer this one with an error */
	u64 more_gpa, more_len;	/* memory that a test added */
	bool no_punching;	/* leave the private copy of shared pages where it is */
};

/* Steps of a launch that a test may want to interfere with. */
enum snp_step {
	SNP_STEP_CREATE,
	SNP_STEP_INIT,
	SNP_STEP_MEMORY,
	SNP_STEP_VCPU,
	SNP_STEP_START,
	SNP_STEP_UPDATE,
	SNP_STEP_FINISH,
	SNP_STEP_RUN,
	SNP_STEP_CONVERT,
	SNP_NR_STEPS
};

/* Called at the start of each step, if set. */
extern void (*snp_step_hook)(enum snp_step step);

void snp_require(void);
struct snp_guest *snp_create(void (*guest_code)(void));
struct snp_guest *snp_create_launched(void (*guest_code)(void));
struct snp_guest *snp_create_in_place(void (*guest_code)(void),
				      enum vm_mem_backing_src_type test_memory);
struct snp_guest *snp_create_in_place_shared(void (*guest_code)(void));
struct snp_guest *snp_create_empty(void);
struct snp_guest *snp_create_twin(struct snp_guest *of);
void snp_free_moved(struct snp_guest *g);
void snp_require_in_place(void);
void snp_require_dmap_module(void);
void snp_free(struct snp_guest *g);
void snp_close_fds(struct snp_guest *g, bool vm_first);

int snp_launch_start(struct snp_guest *g, u64 policy);
int snp_launch_update(struct snp_guest *g, u64 gpa, void *src,
		      u64 len, u8 type);
int snp_launch_update_all(struct snp_guest *g);
int snp_launch_secrets(struct snp_guest *g);
int snp_launch_finish(struct snp_guest *g);
void snp_launch(struct snp_guest *g);

enum snp_event snp_run(struct snp_guest *g);
void snp_expect_sync(struct snp_guest *g, u64 stage);
void snp_expect_done(struct snp_guest *g);
void *snp_hva(struct snp_guest *g, u64 gpa);

#define WAIT_FOR(condition)						\
do {									\
	int __i = 0;							\
									\
	while (!(condition)) {						\
		usleep(10000);						\
		TEST_ASSERT(++__i < 3000, "never: " #condition);	\
	}								\
} while (0)

/* The host's log: anything a clean run must not leave there? EXPECT_*: for fixtures */
int snp_log_mark(void);
const char *snp_log_complaint(int mark);
#define EXPECT_CLEAN_LOG(mark)						\
do {									\
	const char *__line = snp_log_complaint(mark);			\
									\
	EXPECT_EQ(NULL, __line) TH_LOG("host log: %s", __line);		\
} while (0)

/* The platform's RMP, by debugfs */
struct snp_rmp_counts {
	u64 assigned;
	u64 guest;
	u64 validated;
	u64 vmsa;
};

/* debugfs of tests/modules/rmp_fault_test.c: "<pfn> <offset> <value>" writes a byte */
#define SNP_HOST_WRITE_FILE	"/sys/kernel/debug/rmp_fault_test/write"
int snp_host_write(u64 pfn, unsigned int offset, u8 value);

/* debugfs of the kernel's conversions in place, of all VMs */
#define SNP_IN_PLACE_COUNTS	"/sys/kernel/debug/snp_in_place/counts"
u64 snp_in_place_count(const char *name);
const char *snp_in_place_leftover(u64 leaked);
#define EXPECT_NO_LEFTOVER(leaked)					\
do {									\
	const char *__left = snp_in_place_leftover(leaked);		\
									\
	EXPECT_EQ(NULL, __left) TH_LOG("left behind:%s", __left);	\
} while (0)

void snp_rmp_counts(struct snp_rmp_counts *c);
bool snp_rmp_find(u64 gpa, u64 *pfn, u64 *asid);
bool snp_rmp_assigned(u64 pfn);

/*
 * For those who can't give arguments (tests/mutants): TEST=name, that one alone.
 * In the place of TEST_HARNESS_MAIN.
 */
#define SNP_HARNESS_MAIN						\
int main(int argc, char **argv)						\
{									\
	char *only[4] = { argv[0], "-t", getenv("TEST") };		\
									\
	exit(test_harness_run(only[2] ? 3 : argc, only[2] ? only : argv)); \
}

/* ---- both -------------------------------------------------------------- */

/* Where the two meet; the VMM fills it in before launch. */
struct snp_channel {
	u64 ghcb_gva;
	u64 ghcb_gpa;
	u64 report_gva;
	u64 request_gva;		/* two pages: to firmware and back */
	u64 request_gpa;
	u64 c_bit;			/* its number */
};

extern struct snp_channel snp_channel;
extern char snp_vc_entry[];
struct ex_regs;
void snp_guest_exception(struct ex_regs *regs);
struct vc_frame;
void snp_vc_exception(struct vc_frame *frame);

/* ---- guest ----------------------------------------------------------- */

/* Result of a non-automatic exit: SW_EXITINFO1[31:0] and SW_EXITINFO2. */
struct snp_exit {
	u32 failed;
	u64 info;
};

void snp_guest_init(void);
u64 snp_msr_request(u64 request);
void snp_terminate(u64 set, u64 reason) __noreturn;
void snp_ghcb_set(enum snp_ghcb_field field, u64 value);
volatile u64 *snp_ghcb(void);
u64 snp_ghcb_gpa(void);
struct snp_exit snp_vmgexit(u64 code, u64 info_1, u64 info_2);
struct snp_exit snp_vmgexit_raw(void);
struct snp_exit snp_ap_request(u64 id, u64 request, u64 gpa);

void snp_second_init(u64 page);
void snp_second_exit(u64 page, u64 code, u64 info_1, u64 rax);

unsigned int snp_pvalidate(u64 gva, int size, bool validate);
void snp_validate_pages(u64 page, u64 n, bool validate);
u32 snp_psc_msr(u64 gpa, int operation);
volatile struct snp_psc *snp_psc_buffer(void);
void snp_psc_entry(unsigned int i, u64 gpa, int operation, int size);
struct snp_exit snp_psc_exit(unsigned int first, unsigned int last);
u64 snp_psc(unsigned int n);

unsigned int snp_rmpadjust(u64 gva, u64 size, u64 attributes);

u64 snp_try_read(u64 gva, u64 *value);
u64 snp_try_write(u64 gva, u64 value);
void snp_fill(u64 gva, u64 pages, u64 pattern);
bool snp_holds(u64 gva, u64 pages, u64 pattern);

void snp_sync(u64 stage, u64 a, u64 b, u64 c);
void snp_sync_data(u64 stage, const void *data, unsigned int len);
void snp_attested_measurement(u8 measurement[SNP_MEASUREMENT_SIZE]);
void snp_done(void) __noreturn;
void snp_assert_failed(const char *text, u64 line, u64 left,
		       u64 right) __noreturn;

#define SNP_CAUGHT_NONE	~0ul

/* The exception that ended the last snp_try(), or SNP_CAUGHT_NONE */
struct snp_caught {
	u64 vector;
	u64 error_code;
	u64 rip;
	u64 cr2;
};

extern volatile struct snp_caught snp_caught;

/*
 * Execute @insn, which may name RAX, RCX and RDX: they hold @a, @c and @d. An
 * exception is caught and the guest goes on behind. Returns where @insn is.
 */
#define snp_try(insn, a, c, d)						\
({									\
	u64 __at, __a = (a), __b = 0, __c = (c), __d = (d);		\
									\
	snp_caught.vector = SNP_CAUGHT_NONE;				\
	asm volatile("movq $2f, snp_resume(%%rip)\n"			\
		     "1:\t" insn "\n"					\
		     "2:\tmovq $0, snp_resume(%%rip)\n\t"		\
		     "leaq 1b(%%rip), %[at]"				\
		     : [at] "=&r" (__at), "+a" (__a), "+b" (__b),	\
		       "+c" (__c), "+d" (__d) : : "memory", "cc");	\
	__at;								\
})

#define snp_assert_eq(a, b)						\
do {									\
	u64 __a = (a), __b = (b);					\
									\
	if (__a != __b)							\
		snp_assert_failed(#a " == " #b, __LINE__, __a, __b);	\
} while (0)

/* The exit was refused, SW_EXITINFO1[31:0] = 2, with this error. */
#define snp_assert_error(exit, error)					\
do {									\
	struct snp_exit __e = (exit);					\
									\
	snp_assert_eq(__e.failed, 2);					\
	snp_assert_eq(__e.info, error);					\
} while (0)

static inline u64 snp_test_gpa(u64 page)
{
	return SNP_TEST_GPA + page * PAGE_SIZE;
}

static inline u64 snp_private(u64 page)
{
	return SNP_PRIVATE_GVA + page * PAGE_SIZE;
}

static inline u64 snp_shared(u64 page)
{
	return SNP_SHARED_GVA + page * PAGE_SIZE;
}

#endif /* SELFTEST_SNP_H */
