// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conversions in place that meet somebody: a page that KVM has mapped for
 * another vCPU (its GHCB, across an exit to the VMM), a vCPU parked in the AP hold
 * loop, a page on which a vCPU runs, cached mappings. One vCPU at a time, each at
 * a place where it is known what it holds; at the end, both at once for a while.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/kvm_in_place.h>
#include <asm/kvm_para.h>
#include <linux/userfaultfd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"
#include "vmm_memory.h"

#define PRIVATE		0x5050505000000000ul

#define SECOND_ID	1
#define SECOND_PORT	0x5351
/* The second vCPU's GHCB, a page of the test memory */
#define GHCB_PAGE	1500ul
#define GHCB_GPA	snp_test_gpa(GHCB_PAGE)
#define EXIT_MSR	0x7c
#define EXIT_AP_HLT	0x80000004

FIXTURE(meets) {
	struct snp_guest *g;
	struct kvm_vcpu *second;
	u64 busy, revoked, refaulted, leaked;
	int log;
};

FIXTURE_SETUP(meets)
{
	snp_require_in_place();
	self->log = snp_log_mark();
	self->leaked = snp_in_place_count("leaked");
	self->busy = snp_in_place_count("busy");
	self->revoked = snp_in_place_count("revoked");
	self->refaulted = snp_in_place_count("refaulted");
}

FIXTURE_TEARDOWN(meets)
{
	snp_free(self->g);
	EXPECT_NO_LEFTOVER(self->leaked);
	EXPECT_CLEAN_LOG(self->log);
}

#define MEETS_TEST(name) TEST_F_TIMEOUT(meets, name, 120)

/* ---- the second vCPU's half: a GHCB of its own, and no reports --------- */

/* Out to the VMM with its GHCB mapped, and then without. */
static void second_tells(void)
{
	snp_second_init(GHCB_PAGE);
	snp_second_exit(GHCB_PAGE, SNP_EXIT_IOIO, (u64)SECOND_PORT << 16 | 1 << 4, 0);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

/* KVM clears it as soon as it has the GHCB mapped. */
#define UNSEEN	0x55

/* Into the AP hold loop, until it is told why it left. */
static void second_parks(void)
{
	volatile u64 *told = (volatile u64 *)snp_shared(GHCB_PAGE) + SNP_GHCB_EXIT_INFO_2;

	snp_second_init(GHCB_PAGE);
	do {
		snp_second_exit(GHCB_PAGE, EXIT_AP_HLT, UNSEEN, 0);
	} while (!*told);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static void second_is_not_run(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_RESUMED);
}

/* ---- the VMM's --------------------------------------------------------- */

static struct snp_guest *launch(struct _test_data_meets *self, void (*first)(void),
				void (*second)(void))
{
	self->g = snp_create_in_place(first, VM_MEM_SRC_ANONYMOUS);
	self->second = vm_vcpu_add(self->g->vm, SECOND_ID, second);
	snp_launch(self->g);
	return self->g;
}

/* The second vCPU runs to its port, its GHCB stays mapped. */
static void second_to_its_port(struct _test_data_meets *self)
{
	struct kvm_run *run = self->second->run;

	TEST_ASSERT(!__vcpu_run(self->second), "second vCPU: %s", strerror(errno));
	TEST_ASSERT(run->exit_reason == KVM_EXIT_IO && run->io.port == SECOND_PORT,
		    "second vCPU: %s", exit_reason_str(run->exit_reason));
}

/* And to its end, which it reports without a GHCB. */
static void second_to_its_end(struct _test_data_meets *self)
{
	struct kvm_run *run = self->second->run;
	u64 msr;

	TEST_ASSERT(!__vcpu_run(self->second), "second vCPU: %s", strerror(errno));
	TEST_ASSERT(run->exit_reason == KVM_EXIT_SYSTEM_EVENT, "second vCPU: %s",
		    exit_reason_str(run->exit_reason));
	msr = run->system_event.data[0];
	TEST_ASSERT(((msr >> 16) & 0xff) == SNP_TERM_DONE, "second vCPU ended itself: %#lx", msr);
}

struct runner {
	struct kvm_vcpu *vcpu;
	pthread_t thread;
	volatile int interrupted;	/* KVM_RUN ended with EINTR */
	volatile bool ended;
	volatile bool stop;
	int error;
};

static void ignore_signal(int sig)
{
}

static void *run_until_exit(void *arg)
{
	struct runner *r = arg;
	int ret;

	do {
		r->vcpu->run->exit_reason = KVM_EXIT_UNKNOWN;
		ret = __vcpu_run(r->vcpu);
		r->error = ret ? errno : 0;
		if (r->error == EINTR)
			r->interrupted++;
	} while (!r->stop && (r->error == EINTR || r->error == EAGAIN));
	r->ended = true;
	return NULL;
}

static void start(struct runner *r, struct kvm_vcpu *vcpu)
{
	signal(SIGUSR1, ignore_signal);
	memset(r, 0, sizeof(*r));
	r->vcpu = vcpu;
	pthread_create(&r->thread, NULL, run_until_exit, r);
}

/* A signal just before KVM_RUN is lost: again until it has ended. */
static void end(struct runner *r)
{
	r->stop = true;
	WAIT_FOR(pthread_kill(r->thread, SIGUSR1) || r->ended);
	pthread_join(r->thread, NULL);
}

static void expect_report(struct snp_guest *g, u64 kind, u64 stage)
{
	struct snp_report *r = g->report;

	TEST_ASSERT(g->vcpu->run->exit_reason == KVM_EXIT_IO && r->kind == kind &&
		    r->arg[0] == stage, "first vCPU: %s, report %lu(%#lx, %#lx, %#lx) %s",
		    exit_reason_str(g->vcpu->run->exit_reason), r->kind, r->arg[0],
		    r->arg[1], r->arg[2], r->text);
}

/* ---- a GHCB that is mapped --------------------------------------------- */

static void guest_wants_mapped_page_by_nae(void)
{
	struct snp_exit e;

	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_PRIVATE, SNP_4K);
	snp_psc_entry(1, GHCB_GPA, SNP_PSC_PRIVATE, SNP_4K);
	e = snp_psc_exit(0, 1);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
	snp_assert_eq(snp_psc_buffer()->entry[1].cur_page, 0);
	snp_sync(2, 0, 0, 0);
	/* The same request again, from where it stopped */
	e = snp_psc_exit(1, 1);
	snp_assert_eq(e.info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 2);
	snp_validate_pages(GHCB_PAGE, 1, true);
	snp_fill(snp_private(GHCB_PAGE), 1, PRIVATE);
	snp_done();
}

MEETS_TEST(nae_request_leaves_a_mapped_page_for_later)
{
	struct snp_guest *g = launch(self, guest_wants_mapped_page_by_nae, second_tells);
	u64 pfn, asid;

	snp_expect_sync(g, 1);
	second_to_its_port(self);
	EXPECT_EQ(2, snp_in_place_count("holds"));
	snp_expect_sync(g, 2);
	EXPECT_LT(self->busy, snp_in_place_count("busy")) TH_LOG("did not meet the map");
	EXPECT_FALSE(snp_rmp_find(GHCB_GPA, &pfn, &asid)) TH_LOG("private under a map");
	second_to_its_end(self);
	EXPECT_EQ(1, snp_in_place_count("holds"));
	snp_expect_done(g);
}

static void guest_wants_mapped_page_by_msr(void)
{
	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(GHCB_GPA, SNP_PSC_PRIVATE), 0);
	snp_validate_pages(GHCB_PAGE, 1, true);
	snp_fill(snp_private(GHCB_PAGE), 1, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(GHCB_PAGE), 1, PRIVATE), true);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

/* The first vCPU's request waits for the page that is the second one's GHCB. */
static struct snp_guest *launch_to_wait(struct _test_data_meets *self, struct runner *first)
{
	struct snp_guest *g = launch(self, guest_wants_mapped_page_by_msr, second_tells);

	snp_expect_sync(g, 1);
	second_to_its_port(self);
	start(first, g->vcpu);
	WAIT_FOR(snp_in_place_count("waiting") == 1);
	return g;
}

MEETS_TEST(msr_request_waits_for_a_mapped_page)
{
	struct runner first;
	struct snp_guest *g = launch_to_wait(self, &first);

	EXPECT_EQ(1, snp_in_place_count("holds")) TH_LOG("waits with a hold of its own");
	second_to_its_end(self);
	pthread_join(first.thread, NULL);
	expect_report(g, SNP_REPORT_SYNC, 2);
	snp_expect_done(g);
}

MEETS_TEST(signal_takes_a_waiting_request_out_and_back)
{
	struct runner first;
	struct snp_guest *g = launch_to_wait(self, &first);
	int i;

	for (i = 1; i <= 3; i++) {
		WAIT_FOR(snp_in_place_count("waiting") == 1);
		pthread_kill(first.thread, SIGUSR1);
		WAIT_FOR(first.interrupted >= i);
	}
	/* Out for good; a hundred times in and out at once changes nothing. */
	WAIT_FOR(snp_in_place_count("waiting") == 1);
	end(&first);
	EXPECT_EQ(EINTR, first.error);
	EXPECT_EQ(0, snp_in_place_count("waiting"));
	g->vcpu->run->immediate_exit = 1;
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(-1, __vcpu_run(g->vcpu));
		ASSERT_EQ(EINTR, errno);
	}
	EXPECT_EQ(0, snp_in_place_count("waiting"));
	second_to_its_end(self);
	/* Nobody is there any more: also done by immediate_exit. */
	ASSERT_EQ(-1, __vcpu_run(g->vcpu));
	ASSERT_EQ(EINTR, errno);
	g->vcpu->run->immediate_exit = 0;
	snp_expect_sync(g, 2);
	snp_expect_done(g);
}

/* While the request waits, its memslot goes: nobody waits for anybody. */
MEETS_TEST(memslot_can_be_deleted_while_a_request_waits)
{
	struct runner first;
	struct snp_guest *g = launch_to_wait(self, &first);

	vm_mem_region_delete(g->vm, SNP_TEST_SLOT);
	EXPECT_EQ(1, snp_in_place_count("waiting")) TH_LOG("gave up before the slot could go");
	/* Its GHCB is no memory any more, but the map lasts until it is left. */
	first.stop = true;
	__vcpu_run(self->second);
	pthread_join(first.thread, NULL);
	EXPECT_EQ(KVM_EXIT_IO, g->vcpu->run->exit_reason);
	EXPECT_EQ(SNP_REPORT_ASSERT, g->report->kind) TH_LOG("converted what is not there");
}

/* ---- a parked vCPU ----------------------------------------------------- */

static void guest_wants_page_of_the_parked(void)
{
	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_psc_entry(0, GHCB_GPA, SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc_exit(0, 0).info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
	snp_assert_eq(snp_psc_msr(GHCB_GPA, SNP_PSC_SHARED), 0);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

static void wait_until_parked(struct snp_guest *g)
{
	volatile u64 *ghcb = snp_hva(g, GHCB_GPA);

	WAIT_FOR(ghcb[SNP_GHCB_EXIT_CODE] == EXIT_AP_HLT && !ghcb[SNP_GHCB_EXIT_INFO_1]);
	/* The first vCPU's GHCB is mapped, as it is in the middle of an exit. */
	WAIT_FOR(snp_in_place_count("holds") == 1);
}

/* A startup IPI for the second vCPU, by its state, and on it goes. */
static void start_up(struct runner *r)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_SIPI_RECEIVED };

	r->stop = true;
	WAIT_FOR(pthread_kill(r->thread, SIGUSR1) || r->ended);
	pthread_join(r->thread, NULL);
	TEST_ASSERT(r->error == EINTR, "second vCPU: %s", strerror(r->error));
	vcpu_mp_state_set(r->vcpu, &state);
	start(r, r->vcpu);
}

MEETS_TEST(parked_vcpu_does_not_keep_its_ghcb)
{
	struct snp_guest *g = launch(self, guest_wants_page_of_the_parked, second_parks);
	struct runner second;

	snp_expect_sync(g, 1);
	start(&second, self->second);
	wait_until_parked(g);
	snp_expect_sync(g, 2);
	/* The first one is swallowed: KVM takes it for the launch's. */
	((volatile u64 *)snp_hva(g, GHCB_GPA))[SNP_GHCB_EXIT_INFO_1] = UNSEEN;
	start_up(&second);
	wait_until_parked(g);
	start_up(&second);
	pthread_join(second.thread, NULL);
	EXPECT_EQ(0, second.error);
	EXPECT_EQ(KVM_EXIT_SYSTEM_EVENT, self->second->run->exit_reason)
		TH_LOG("not told that it may go");
	snp_expect_done(g);
}

/* ---- memory that user space is still to bring -------------------------- */

static void guest_wants_absent_page(void)
{
	unsigned int i;

	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	/* The second vCPU's GHCB in the middle; the page before it is not there. */
	for (i = 0; i < 3; i++)
		snp_psc_entry(i, snp_test_gpa(GHCB_PAGE - 1 + i), SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc(3), 0);
	snp_validate_pages(GHCB_PAGE - 1, 3, true);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

MEETS_TEST(request_that_waits_for_user_space_locks_nothing)
{
	struct snp_guest *g = launch(self, guest_wants_absent_page, second_tells);
	void *absent = snp_hva(g, snp_test_gpa(GHCB_PAGE - 1));
	struct uffdio_zeropage zero = { .range = { (u64)absent, PAGE_SIZE } };
	struct pollfd p = { .fd = watch_memory(absent, PAGE_SIZE), .events = POLLIN };
	struct runner first;

	snp_expect_sync(g, 1);
	start(&first, g->vcpu);
	ASSERT_EQ(1, poll(&p, 1, 30000)) TH_LOG("nobody asks for the page");
	EXPECT_EQ(0, snp_in_place_count("conversions")) TH_LOG("waits with the range held");
	/* Its GHCB is in what the request is about. */
	second_to_its_port(self);
	ASSERT_EQ(0, ioctl(p.fd, UFFDIO_ZEROPAGE, &zero));
	second_to_its_end(self);
	pthread_join(first.thread, NULL);
	expect_report(g, SNP_REPORT_SYNC, 2);
	snp_expect_done(g);
	close(p.fd);
}

/* ---- a page on which a vCPU runs --------------------------------------- */

#define VMSA_PAGE	700ul
#define VMSA_GPA	snp_test_gpa(VMSA_PAGE)

static void guest_wants_a_vmsa(void)
{
	snp_guest_init();
	snp_validate_pages(VMSA_PAGE, 1, true);
	snp_assert_eq(snp_rmpadjust(snp_private(VMSA_PAGE), SNP_4K, 1 | SNP_RMPADJUST_VMSA), 0);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_CREATE, VMSA_GPA).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(1, VMSA_GPA, SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(2), SNP_PSC_ERR_GENERIC);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
	snp_assert_eq(snp_psc_msr(VMSA_GPA, SNP_PSC_SHARED), 1u << 31);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_DESTROY, VMSA_GPA).failed, 0);
	/* It is still there, but not for long: no error, nothing done. */
	snp_psc_entry(0, VMSA_GPA, SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc_exit(0, 0).info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 0);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(snp_psc_msr(VMSA_GPA, SNP_PSC_SHARED), 0);
	snp_done();
}

/*
 * The VMSA is all zeroes, so the vCPU can't run; it has the page all the same, until it
 * is told to leave it: then @holds are left.
 */
static void second_loads_its_state(struct _test_data_meets *self, u64 holds)
{
	struct runner r;

	start(&r, self->second);
	WAIT_FOR(snp_in_place_count("holds") == holds);
	end(&r);
}

MEETS_TEST(page_on_which_a_vcpu_runs_is_not_converted)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };
	struct snp_guest *g;

	g = snp_create_in_place(guest_wants_a_vmsa, VM_MEM_SRC_ANONYMOUS);
	self->g = g;
	self->second = vm_vcpu_add(g->vm, SECOND_ID, second_is_not_run);
	vcpu_mp_state_set(self->second, &halted);
	snp_launch(g);
	snp_expect_sync(g, 1);
	second_loads_its_state(self, 2);
	EXPECT_EQ(2, snp_in_place_count("holds")) TH_LOG("the VMSA is not held");
	snp_expect_sync(g, 2);
	second_loads_its_state(self, 1);
	EXPECT_EQ(1, snp_in_place_count("holds")) TH_LOG("the VMSA is still held");
	snp_expect_done(g);
}

static void guest_wants_a_vmsa_of_a_slot_that_goes(void)
{
	snp_guest_init();
	snp_validate_pages(VMSA_PAGE, 1, true);
	snp_assert_eq(snp_rmpadjust(snp_private(VMSA_PAGE), SNP_4K, 1 | SNP_RMPADJUST_VMSA), 0);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_CREATE, VMSA_GPA).failed, 0);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_DESTROY, VMSA_GPA).failed, 0);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

/* A VMM that does so over and over must not cost the host a page each time. */
MEETS_TEST(vmsa_page_of_a_deleted_slot_comes_back_when_its_vcpu_leaves)
{
	struct kvm_mp_state halted = { .mp_state = KVM_MP_STATE_HALTED };
	struct snp_guest *g;
	u64 pinned;

	g = snp_create_in_place(guest_wants_a_vmsa_of_a_slot_that_goes, VM_MEM_SRC_ANONYMOUS);
	self->g = g;
	self->second = vm_vcpu_add(g->vm, SECOND_ID, second_is_not_run);
	vcpu_mp_state_set(self->second, &halted);
	snp_launch(g);
	pinned = snp_in_place_count("pinned");
	snp_expect_sync(g, 1);
	second_loads_its_state(self, 2);
	EXPECT_EQ(pinned + 1, snp_in_place_count("pinned"));
	vm_mem_region_delete(g->vm, SNP_TEST_SLOT);
	EXPECT_EQ(pinned + 1, snp_in_place_count("pinned")) TH_LOG("the vCPU's page is gone");
	EXPECT_EQ(self->leaked, snp_in_place_count("leaked"));
	snp_expect_sync(g, 2);
	second_loads_its_state(self, 1);
	EXPECT_EQ(pinned, snp_in_place_count("pinned")) TH_LOG("it has left, its page has not");
	snp_expect_done(g);
}

/* ---- a vCPU is reset while the VMM has its request --------------------- */

static void guest_destroys_the_second(void)
{
	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_ap_request(SECOND_ID, SNP_AP_DESTROY, 0).failed, 0);
	snp_sync(2, 0, 0, 0);
	snp_done();
}

/* The VMM's answer goes to the GHCB: it must not be somebody else's page by then. */
MEETS_TEST(ghcb_stays_mapped_over_a_reset_while_the_vmm_has_the_request)
{
	struct kvm_vcpu_events events;
	struct snp_guest *g = launch(self, guest_destroys_the_second, second_tells);
	struct kvm_mp_state state;
	u64 holds;

	snp_expect_sync(g, 1);
	second_to_its_port(self);
	snp_expect_sync(g, 2);
	holds = snp_in_place_count("holds");
	vcpu_events_get(self->second, &events);
	events.flags |= KVM_VCPUEVENT_VALID_SMM;
	events.smi.latched_init = 1;
	vcpu_events_set(self->second, &events);
	/* Here the vCPU is reset. */
	vcpu_ioctl(self->second, KVM_GET_MP_STATE, &state);
	EXPECT_NE(KVM_MP_STATE_RUNNABLE, state.mp_state) TH_LOG("no reset");
	EXPECT_EQ(holds, snp_in_place_count("holds")) TH_LOG("the GHCB is nobody's");
	snp_expect_done(g);
}

/* ---- what KVM writes by itself ----------------------------------------- */

static void write_msr(u64 msr, u64 value)
{
	struct snp_exit e;

	snp_ghcb_set(SNP_GHCB_RCX, msr);
	snp_ghcb_set(SNP_GHCB_RAX, (u32)value);
	snp_ghcb_set(SNP_GHCB_RDX, value >> 32);
	e = snp_vmgexit(EXIT_MSR, 1, 0);
	snp_assert_eq(e.failed, 0);
}

static void guest_gives_kvm_private_pages(void)
{
	snp_guest_init();
	snp_validate_pages(0, 2, true);
	snp_fill(snp_private(0), 2, PRIVATE);
	/* Wall clock: copied by user address. System time: a cached kernel mapping. */
	write_msr(MSR_KVM_WALL_CLOCK_NEW, snp_test_gpa(0));
	write_msr(MSR_KVM_SYSTEM_TIME_NEW, snp_test_gpa(1) | 1);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(0), 2, PRIVATE), true);
	snp_done();
}

MEETS_TEST(kvm_does_not_write_to_private_pages)
{
	struct snp_guest *g = launch(self, guest_gives_kvm_private_pages, second_is_not_run);

	snp_expect_sync(g, 1);
	snp_expect_done(g);
	EXPECT_EQ(self->refaulted, snp_in_place_count("refaulted"))
		TH_LOG("written, and given back");
}

#define CLOCK_PAGE	9

static void guest_takes_the_clock_back(void)
{
	volatile u32 *version = (volatile u32 *)snp_shared(CLOCK_PAGE);

	snp_guest_init();
	snp_fill(snp_shared(CLOCK_PAGE), 1, 0);
	write_msr(MSR_KVM_SYSTEM_TIME_NEW, snp_test_gpa(CLOCK_PAGE) | 1);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(!!*version, true);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(CLOCK_PAGE), SNP_PSC_PRIVATE), 0);
	snp_validate_pages(CLOCK_PAGE, 1, true);
	snp_fill(snp_private(CLOCK_PAGE), 1, PRIVATE);
	snp_sync(2, 0, 0, 0);
	snp_sync(3, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(CLOCK_PAGE), 1, PRIVATE), true);
	/* Shared again, KVM may have it again. */
	snp_validate_pages(CLOCK_PAGE, 1, false);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(CLOCK_PAGE), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(CLOCK_PAGE), 1, 0);
	snp_sync(4, 0, 0, 0);
	snp_assert_eq(!!*version, true);
	snp_done();
}

/* A new time makes KVM write the guest's clock before it enters it again. */
static void touch_clock(struct snp_guest *g)
{
	struct kvm_clock_data data = { 0 };

	vm_ioctl(g->vm, KVM_GET_CLOCK, &data);
	data.flags = 0;
	vm_ioctl(g->vm, KVM_SET_CLOCK, &data);
}

MEETS_TEST(cached_mapping_of_the_clock_is_revoked)
{
	struct snp_guest *g = launch(self, guest_takes_the_clock_back, second_is_not_run);

	snp_expect_sync(g, 1);
	touch_clock(g);
	snp_expect_sync(g, 2);
	EXPECT_LT(self->revoked, snp_in_place_count("revoked"));
	touch_clock(g);
	snp_expect_sync(g, 3);
	touch_clock(g);
	snp_expect_sync(g, 4);
	touch_clock(g);
	snp_expect_done(g);
	EXPECT_EQ(self->refaulted, snp_in_place_count("refaulted"))
		TH_LOG("written, and given back");
}

/* KVM may have it while it is the host's, and no longer. */
static void guest_has_its_clock_in_a_taken_page(void)
{
	const u64 page = CLOCK_PAGE;
	u64 v;

	snp_guest_init();
	snp_validate_pages(page, 1, true);
	snp_fill(snp_private(page), 1, PRIVATE);
	snp_sync(1, 0, 0, 0);
	write_msr(MSR_KVM_SYSTEM_TIME_NEW, snp_test_gpa(page) | 1);
	snp_sync(2, 0, 0, 0);
	snp_assert_eq(snp_try_read(snp_private(page), &v), SNP_VC_NOT_VALIDATED);
	snp_validate_pages(page, 1, true);
	snp_fill(snp_private(page), 1, PRIVATE);
	snp_sync(3, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(page), 1, PRIVATE), true);
	snp_done();
}

MEETS_TEST(cached_mapping_of_a_taken_page_ends_when_the_guest_has_it_again)
{
	struct snp_guest *g = launch(self, guest_has_its_clock_in_a_taken_page,
				     second_is_not_run);
	u64 pfn, asid;

	snp_expect_sync(g, 1);
	ASSERT_TRUE(snp_rmp_find(snp_test_gpa(CLOCK_PAGE), &pfn, &asid));
	ASSERT_EQ(0, snp_host_write(pfn, 8, 0x5a));
	snp_expect_sync(g, 2);
	touch_clock(g);
	snp_expect_sync(g, 3);
	EXPECT_EQ(self->refaulted + 1, snp_in_place_count("refaulted"));
	EXPECT_LT(self->revoked, snp_in_place_count("revoked"));
	touch_clock(g);
	snp_expect_done(g);
	EXPECT_EQ(self->refaulted + 1, snp_in_place_count("refaulted"))
		TH_LOG("KVM's clock went to the private page");
}

/* ---- both at once -------------------------------------------------------------------- */

#define ROUNDS	100

static volatile u64 second_done;

static void second_ends(void)
{
	second_done = 1;
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static u64 lcg(u64 *state)
{
	*state = *state * 6364136223846793005ul + 1442695040888963407ul;
	return *state >> 33;
}

static void first_collides(void)
{
	u64 seed = 1;
	int i, k;

	snp_guest_init();
	for (i = 0; i < ROUNDS && !second_done; i++) {
		snp_psc_entry(0, SNP_TEST_GPA, SNP_PSC_PRIVATE, SNP_2M);
		snp_assert_eq(snp_psc(1), 0);
		for (k = 0; k < 64; k++)
			snp_psc_entry(k, snp_test_gpa(lcg(&seed) % SNP_PAGES_2M),
				      1 + lcg(&seed) % 2, SNP_4K);
		snp_psc_entry(k, SNP_TEST_GPA, SNP_PSC_SHARED, SNP_2M);
		snp_assert_eq(snp_psc(k + 1), 0);
	}
	while (!second_done)
		asm volatile("pause");
	snp_done();
}

static void second_collides(void)
{
	u64 seed = 2, page;
	int i;

	snp_second_init(GHCB_PAGE);
	for (i = 0; i < ROUNDS * 8; i++) {
		page = lcg(&seed) % SNP_PAGES_2M;
		if (snp_psc_msr(snp_test_gpa(page), 1 + lcg(&seed) % 2))
			snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
		/* Asked for or not: a write makes it shared. */
		*(volatile u64 *)snp_shared(page) = i;
	}
	second_ends();
}

/* Both vCPUs to their ends, while the VMM does @meanwhile. */
static void run_both(struct _test_data_meets *self, void (*meanwhile)(struct snp_guest *g))
{
	struct runner first, second;
	u64 msr;

	start(&second, self->second);
	start(&first, self->g->vcpu);
	while (!first.ended || !second.ended) {
		if (meanwhile)
			meanwhile(self->g);
		usleep(3000);
	}
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	TEST_ASSERT(!second.error && self->second->run->exit_reason == KVM_EXIT_SYSTEM_EVENT,
		    "second vCPU: %s, %s", strerror(second.error),
		    exit_reason_str(self->second->run->exit_reason));
	msr = self->second->run->system_event.data[0];
	TEST_ASSERT(((msr >> 16) & 0xff) == SNP_TERM_DONE, "second vCPU ended itself: %#lx", msr);
	TEST_ASSERT(!first.error, "first vCPU: %s", strerror(first.error));
	expect_report(self->g, SNP_REPORT_DONE, 0);
}

static void drop_memory(struct snp_guest *g)
{
	madvise(snp_hva(g, SNP_TEST_GPA), SNP_PAGES_2M * PAGE_SIZE, MADV_DONTNEED);
}

MEETS_TEST(both_vcpus_convert_the_same_pages)
{
	self->g = snp_create_in_place(first_collides, VM_MEM_SRC_ANONYMOUS_THP);
	self->second = vm_vcpu_add(self->g->vm, SECOND_ID, second_collides);
	snp_launch(self->g);
	run_both(self, NULL);
}

MEETS_TEST(both_vcpus_convert_while_the_vmm_drops_the_memory)
{
	self->g = snp_create_in_place(first_collides, VM_MEM_SRC_ANONYMOUS_THP);
	self->second = vm_vcpu_add(self->g->vm, SECOND_ID, second_collides);
	snp_launch(self->g);
	run_both(self, drop_memory);
}

/*
 * Each takes the other's GHCB away and gives it back. An exit with a GHCB that is
 * private is not answered, so nobody looks at answers here.
 */
static void first_saws(void)
{
	snp_guest_init();
	while (!second_done) {
		snp_psc_entry(0, GHCB_GPA, SNP_PSC_PRIVATE, SNP_4K);
		snp_psc_exit(0, 0);
		snp_psc_entry(0, GHCB_GPA, SNP_PSC_SHARED, SNP_4K);
		snp_psc_exit(0, 0);
	}
	snp_done();
}

#define EXIT_HV_FEATURES	0x8000fffd

static void second_saws(void)
{
	u64 other = snp_channel.ghcb_gpa;
	int i;

	snp_second_init(GHCB_PAGE);
	for (i = 0; i < ROUNDS * 4; i++) {
		snp_second_exit(GHCB_PAGE, EXIT_HV_FEATURES, 0, 0);
		if (snp_psc_msr(other, SNP_PSC_PRIVATE) || snp_psc_msr(other, SNP_PSC_SHARED))
			snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
	}
	second_ends();
}

MEETS_TEST(each_vcpu_converts_the_ghcb_of_the_other)
{
	launch(self, first_saws, second_saws);
	run_both(self, NULL);
}

SNP_HARNESS_MAIN
