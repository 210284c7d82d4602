// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest whose pages change their state in place (KVM_CAP_SNP_IN_PLACE): the
 * kernel converts, the VMM hears nothing of it, one page serves both states. What
 * the guest wrote is where it should be, what such a VM refuses is refused with
 * the errno that docs/in-place.rst names, and whatever ends, all pages come back.
 *
 * After every test: no page private, pinned, held or leaked, and a clean log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asm/kvm_in_place.h>
#include <linux/kvm_para.h>
#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "files.h"
#include "snp_convert.h"
#include "vmm_memory.h"

FIXTURE(in_place) {
	struct snp_guest *g;
	struct snp_rmp_counts before;
	u64 to_private, to_shared, large, leaked;
	int log;
};

FIXTURE_SETUP(in_place)
{
	snp_require_in_place();
	self->log = snp_log_mark();
	self->leaked = snp_in_place_count("leaked");
	snp_rmp_counts(&self->before);
}

FIXTURE_TEARDOWN(in_place)
{
	struct snp_rmp_counts after;

	snp_free(self->g);
	EXPECT_NO_LEFTOVER(self->leaked);
	snp_rmp_counts(&after);
	EXPECT_EQ(self->before.guest, after.guest) TH_LOG("RMP entries left");
	EXPECT_CLEAN_LOG(self->log);
}

#define IN_PLACE_TEST(name) TEST_F_TIMEOUT(in_place, name, 120)

static struct snp_guest *launch(struct _test_data_in_place *self, void (*guest)(void),
				enum vm_mem_backing_src_type src)
{
	self->g = snp_create_in_place(guest, src);
	snp_launch(self->g);
	self->to_private = snp_in_place_count("to_private");
	self->to_shared = snp_in_place_count("to_shared");
	self->large = snp_in_place_count("large");
	return self->g;
}

#define LAUNCH(guest)		launch(self, guest, VM_MEM_SRC_ANONYMOUS)
#define LAUNCH_THP(guest)	launch(self, guest, VM_MEM_SRC_ANONYMOUS_THP)

/* Since the launch */
static u64 converted(struct _test_data_in_place *self, const char *what)
{
	u64 then = !strcmp(what, "large") ? self->large :
		   !strcmp(what, "to_shared") ? self->to_shared : self->to_private;

	return snp_in_place_count(what) - then;
}

/* ---- PSC, both forms --------------------------------------------------- */

static void guest_by_msr(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(3), SNP_PSC_PRIVATE), 0);
	snp_there_and_back(3);
	snp_sync(2, 3, 0, 0);
	snp_assert_eq(snp_holds(snp_private(3), 1, PRIVATE), true);
	snp_done();
}

IN_PLACE_TEST(msr_protocol_converts_a_page_and_back)
{
	struct snp_guest *g = LAUNCH(guest_by_msr);
	u64 pfn, asid;

	snp_expect_sync(g, 1);
	EXPECT_FALSE(snp_rmp_find(snp_test_gpa(3), &pfn, &asid)) TH_LOG("still private");
	snp_host_answers(g, 3);
	snp_expect_sync(g, 2);
	EXPECT_TRUE(snp_rmp_find(snp_test_gpa(3), &pfn, &asid)) TH_LOG("still shared");
	snp_expect_done(g);
	EXPECT_EQ(2, converted(self, "to_private"));
	EXPECT_EQ(1, converted(self, "to_shared"));
	EXPECT_EQ(0, g->requests) TH_LOG("the VMM was asked");
}

IN_PLACE_TEST(nae_converts_scattered_pages_and_spares_their_neighbours)
{
	struct snp_guest *g = LAUNCH(snp_guest_scattered);
	int i;

	snp_expect_sync(g, 1);
	for (i = 0; i < SNP_SCATTERED; i++)
		snp_host_answers(g, SNP_SCATTERED_PAGE(i));
	snp_expect_done(g);
	EXPECT_EQ(SNP_SCATTERED, converted(self, "to_shared"));
	EXPECT_EQ(4 * SNP_SCATTERED, converted(self, "to_private"));
}

static void guest_253(void)
{
	int i;

	snp_guest_init();
	for (i = 0; i < SNP_PSC_MAX; i++)
		snp_psc_entry(i, snp_test_gpa(i + 300), SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc(SNP_PSC_MAX), 0);
	snp_validate_pages(300, SNP_PSC_MAX, true);
	snp_fill(snp_private(300), SNP_PSC_MAX, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(300), SNP_PSC_MAX, PRIVATE), true);

	snp_validate_pages(300, SNP_PSC_MAX, false);
	for (i = 0; i < SNP_PSC_MAX; i++)
		snp_psc_entry(i, snp_test_gpa(i + 300), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(SNP_PSC_MAX), 0);
	snp_fill(snp_shared(300 + SNP_PSC_MAX - 1), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

IN_PLACE_TEST(nae_takes_253_entries_across_two_regions)
{
	struct snp_guest *g = LAUNCH(guest_253);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 300 + SNP_PSC_MAX - 1);
	snp_expect_done(g);
	EXPECT_EQ(SNP_PSC_MAX, converted(self, "to_private"));
	EXPECT_EQ(SNP_PSC_MAX, converted(self, "to_shared"));
}

/* ---- 2M ---------------------------------------------------------------- */

#define REGION	SNP_PAGES_2M	/* the second 2M of the test memory */

static void convert_2m(int operation)
{
	snp_psc_entry(0, snp_test_gpa(REGION), operation, SNP_2M);
	snp_assert_eq(snp_psc(1), 0);
	snp_assert_eq(snp_psc_buffer()->entry[0].cur_page, SNP_PAGES_2M);
}

/* Private in one entry, validated and filled */
static void take_2m(void)
{
	convert_2m(SNP_PSC_PRIVATE);
	snp_assert_eq(snp_pvalidate(snp_private(REGION), SNP_2M, true), SNP_PVALIDATE_OK);
	snp_fill(snp_private(REGION), SNP_PAGES_2M, PRIVATE);
}

static void guest_2m(void)
{
	snp_guest_init();
	take_2m();
	snp_assert_eq(snp_holds(snp_private(REGION), SNP_PAGES_2M, PRIVATE), true);

	snp_assert_eq(snp_pvalidate(snp_private(REGION), SNP_2M, false), SNP_PVALIDATE_OK);
	convert_2m(SNP_PSC_SHARED);
	snp_fill(snp_shared(REGION + SNP_PAGES_2M - 1), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_shared(REGION + SNP_PAGES_2M - 1), 1, HOST), true);
	snp_done();
}

IN_PLACE_TEST(huge_page_becomes_one_2m_entry_and_back)
{
	struct snp_guest *g = LAUNCH_THP(guest_2m);

	snp_expect_sync(g, 1);
	snp_host_answers(g, REGION + SNP_PAGES_2M - 1);
	snp_expect_done(g);
	EXPECT_EQ(1, converted(self, "large")) TH_LOG("served as 4K");
	EXPECT_EQ(SNP_PAGES_2M, converted(self, "to_private"));
	EXPECT_EQ(SNP_PAGES_2M, converted(self, "to_shared"));
}

static void guest_2m_as_4k(void)
{
	snp_guest_init();
	convert_2m(SNP_PSC_PRIVATE);
	/* As Linux does it */
	snp_assert_eq(snp_pvalidate(snp_private(REGION), SNP_2M, true),
		      SNP_PVALIDATE_SIZEMISMATCH);
	snp_validate_pages(REGION, SNP_PAGES_2M, true);
	snp_fill(snp_private(REGION), SNP_PAGES_2M, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(REGION), SNP_PAGES_2M, PRIVATE), true);
	convert_2m(SNP_PSC_SHARED);
	snp_done();
}

IN_PLACE_TEST(request_for_2m_is_served_as_4k_where_memory_is_small)
{
	struct snp_guest *g = LAUNCH(guest_2m_as_4k);
	char *region = snp_hva(g, snp_test_gpa(REGION));
	int i;

	/* Who asks for page after page may get them in a row: then 2M fits. */
	for (i = SNP_PAGES_2M; i--; )
		region[i * PAGE_SIZE] = 0;
	snp_expect_done(g);
	EXPECT_EQ(0, converted(self, "large"));
	EXPECT_EQ(SNP_PAGES_2M, converted(self, "to_private"));
	EXPECT_EQ(SNP_PAGES_2M, converted(self, "to_shared"));
}

static void guest_breaks_2m(void)
{
	u64 hole = REGION + 77;

	snp_guest_init();
	take_2m();

	snp_validate_pages(hole, 1, false);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(hole), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(hole), 1, GUEST);
	snp_sync(1, hole, 0, 0);
	snp_assert_eq(snp_holds(snp_shared(hole), 1, HOST), true);
	snp_assert_eq(snp_holds(snp_private(REGION), 77, PRIVATE), true);
	snp_assert_eq(snp_holds(snp_private(hole + 1), SNP_PAGES_2M - 78,
				PRIVATE + 78 * PAGE_SIZE / 8), true);

	/* Whole again, in small entries: 2M over them is not possible. */
	convert_2m(SNP_PSC_PRIVATE);
	snp_validate_pages(hole, 1, true);
	snp_fill(snp_private(hole), 1, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(REGION), 77, PRIVATE), true);
	snp_done();
}

IN_PLACE_TEST(page_out_of_a_2m_entry_leaves_the_others_validated)
{
	struct snp_guest *g = LAUNCH_THP(guest_breaks_2m);

	snp_expect_sync(g, 1);
	snp_host_answers(g, REGION + 77);
	snp_expect_done(g);
	EXPECT_EQ(1, converted(self, "large"));
	EXPECT_EQ(1, converted(self, "to_shared"));
}

static void guest_validates_4k_of_2m(void)
{
	snp_guest_init();
	convert_2m(SNP_PSC_PRIVATE);
	/* #NPF with SIZEM: the entry is smashed, without telling the guest */
	snp_validate_pages(REGION, SNP_PAGES_2M, true);
	snp_fill(snp_private(REGION), SNP_PAGES_2M, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(REGION), SNP_PAGES_2M, PRIVATE), true);
	snp_done();
}

IN_PLACE_TEST(pvalidate_4k_of_a_2m_entry_smashes_it)
{
	struct snp_guest *g = LAUNCH_THP(guest_validates_4k_of_2m);

	snp_expect_done(g);
	EXPECT_EQ(1, converted(self, "large"));
}

static void guest_mixes(void)
{
	snp_guest_init();
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_PRIVATE, SNP_4K);
	snp_psc_entry(1, snp_test_gpa(REGION), SNP_PSC_PRIVATE, SNP_2M);
	snp_psc_entry(2, snp_test_gpa(0), SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(3, snp_test_gpa(REGION + 1), SNP_PSC_SHARED, SNP_4K);
	snp_psc_entry(4, snp_test_gpa(0), SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc(5), 0);
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, PRIVATE);
	snp_validate_pages(REGION, 1, true);
	snp_fill(snp_private(REGION), 1, PRIVATE);
	snp_fill(snp_shared(REGION + 1), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(0), 1, PRIVATE), true);
	snp_done();
}

IN_PLACE_TEST(nae_mixes_sizes_and_operations_in_order)
{
	struct snp_guest *g = LAUNCH_THP(guest_mixes);

	snp_expect_sync(g, 1);
	snp_host_answers(g, REGION + 1);
	snp_expect_done(g);
	EXPECT_EQ(SNP_PAGES_2M + 2, converted(self, "to_private"));
	EXPECT_EQ(2, converted(self, "to_shared"));
}

/* ---- requests that go on, and wrong ones ------------------------------- */

static void guest_resumes(void)
{
	struct snp_exit e;

	snp_guest_init();
	snp_scattered_entries(SNP_PSC_PRIVATE);
	e = snp_psc_exit(2, 3);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 4);
	snp_assert_eq(snp_psc_buffer()->entry[1].cur_page, 0);
	snp_assert_eq(snp_psc_buffer()->entry[4].cur_page, 0);

	/* A 2M entry of which all but eight pages are done */
	snp_psc_entry(0, snp_test_gpa(REGION), SNP_PSC_PRIVATE, SNP_2M);
	*(volatile u64 *)&snp_psc_buffer()->entry[0] |= SNP_PAGES_2M - 8;
	snp_assert_eq(snp_psc(1), 0);
	snp_assert_eq(snp_psc_buffer()->entry[0].cur_page, SNP_PAGES_2M);

	/* And one of which all is */
	snp_assert_eq(snp_psc(1), 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, 1);
	snp_done();
}

IN_PLACE_TEST(request_goes_on_at_cur_entry_and_cur_page)
{
	struct snp_guest *g = LAUNCH(guest_resumes);

	snp_expect_done(g);
	EXPECT_EQ(2 + 8, converted(self, "to_private"));
}

static void expect_psc(unsigned int last, u64 info, unsigned int cur_entry)
{
	struct snp_exit e = snp_psc_exit(0, last);

	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, info);
	snp_assert_eq(snp_psc_buffer()->cur_entry, cur_entry);
}

static void guest_wrong_requests(void)
{
	volatile u64 *raw = (volatile u64 *)&snp_psc_buffer()->entry[1];
	struct snp_exit e;
	int op;

	snp_guest_init();
	snp_psc_entry(0, snp_test_gpa(0), SNP_PSC_PRIVATE, SNP_4K);

	/* Header: more than fits, reserved bits */
	e = snp_psc_exit(0, SNP_PSC_MAX);
	snp_assert_eq(e.info, SNP_PSC_ERR_HEADER);
	e = snp_psc_exit(0, 0xffff);
	snp_assert_eq(e.info, SNP_PSC_ERR_HEADER);
	snp_psc_buffer()->cur_entry = 0;
	snp_psc_buffer()->end_entry = 0;
	snp_psc_buffer()->reserved = 1;
	snp_ghcb_set(SNP_GHCB_SCRATCH, snp_ghcb_gpa() + SNP_GHCB_SHARED_OFFSET);
	e = snp_vmgexit(SNP_EXIT_PSC, 0, 0);
	snp_assert_eq(e.info, SNP_PSC_ERR_HEADER);

	/* An entry: the one before it is done, and it is the current one */
	snp_psc_entry(1, snp_test_gpa(REGION + 1), SNP_PSC_PRIVATE, SNP_2M);
	expect_psc(1, SNP_PSC_ERR_ENTRY, 1);
	snp_psc_entry(1, snp_test_gpa(1), SNP_PSC_PRIVATE, SNP_4K);
	*raw |= 2;			/* cur_page of 1 */
	expect_psc(1, SNP_PSC_ERR_ENTRY, 1);
	snp_psc_entry(1, snp_test_gpa(1), SNP_PSC_PRIVATE, SNP_4K);
	*raw |= 1ull << 57;		/* reserved */
	expect_psc(1, SNP_PSC_ERR_ENTRY, 1);
	for (op = 0; op < 16; op++) {
		if (op >= 1 && op <= 4)
			continue;
		snp_psc_entry(1, snp_test_gpa(1), op, SNP_4K);
		expect_psc(1, SNP_PSC_ERR_ENTRY, 1);
	}
	/* SMASH and UNSMASH are hints. */
	snp_psc_entry(1, snp_test_gpa(REGION), 3, SNP_2M);
	snp_psc_entry(2, snp_test_gpa(REGION), 4, SNP_2M);
	expect_psc(2, 0, 3);

	/* Where there is no memory */
	snp_psc_entry(1, 1ul << 46, SNP_PSC_PRIVATE, SNP_4K);
	expect_psc(1, SNP_PSC_ERR_GENERIC, 1);
	snp_psc_entry(1, 1ul << 46, SNP_PSC_SHARED, SNP_4K);
	expect_psc(1, SNP_PSC_ERR_GENERIC, 1);
	snp_assert_eq(snp_psc_msr(1ul << 46, SNP_PSC_PRIVATE), 1u << 31);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), 3), 1u << 31);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), 0), 1u << 31);

	/* Its own GHCB: the answer would have nowhere to go. */
	snp_psc_entry(1, snp_ghcb_gpa(), SNP_PSC_PRIVATE, SNP_4K);
	expect_psc(1, SNP_PSC_ERR_GENERIC, 1);

	/* No lasting harm */
	snp_psc_entry(1, snp_test_gpa(1), SNP_PSC_PRIVATE, SNP_4K);
	expect_psc(1, 0, 2);
	snp_done();
}

IN_PLACE_TEST(wrong_requests_get_the_errors_of_the_specification)
{
	struct snp_guest *g = LAUNCH(guest_wrong_requests);

	snp_expect_done(g);
	EXPECT_EQ(0, g->requests);
}

/* ---- changes nobody asked for ------------------------------------------ */

static void guest_implicit(void)
{
	u64 v;

	snp_guest_init();
	/* A shared page used as a private one becomes one, not validated. */
	snp_assert_eq(snp_try_read(snp_private(5), &v), SNP_VC_NOT_VALIDATED);
	snp_validate_pages(5, 1, true);
	snp_fill(snp_private(5), 1, PRIVATE);
	/* A private page written as a shared one becomes one. */
	*(volatile u64 *)snp_shared(5) = 1;
	snp_fill(snp_shared(5), 1, GUEST);
	snp_sync(1, 0, 0, 0);
	/* And back: its validation is gone. */
	snp_assert_eq(snp_try_read(snp_private(5), &v), SNP_VC_NOT_VALIDATED);
	snp_done();
}

IN_PLACE_TEST(implicit_changes_stay_in_the_kernel)
{
	struct snp_guest *g = LAUNCH(guest_implicit);

	snp_expect_sync(g, 1);
	snp_host_answers(g, 5);
	snp_expect_done(g);
	EXPECT_EQ(2, converted(self, "to_private"));
	EXPECT_EQ(1, converted(self, "to_shared"));
}

/* ---- what such a VM refuses -------------------------------------------- */

static int enable(struct kvm_vm *vm, u32 flags, u64 arg)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SNP_IN_PLACE,
		.flags = flags,
		.args = { [1] = arg },
	};

	return __vm_ioctl(vm, KVM_ENABLE_CAP, &cap) ? errno : 0;
}

IN_PLACE_TEST(capability_is_refused_where_it_makes_no_sense)
{
	struct vm_shape snp = { .mode = VM_MODE_DEFAULT, .type = KVM_X86_SNP_VM };
	struct kvm_vm *vm;

	vm = vm_create_barebones();
	EXPECT_EQ(0, vm_check_cap(vm, KVM_CAP_SNP_IN_PLACE));
	EXPECT_EQ(EINVAL, enable(vm, 0, 0)) TH_LOG("no SNP VM");
	kvm_vm_free(vm);

	vm = ____vm_create(snp);
	EXPECT_EQ(1, vm_check_cap(vm, KVM_CAP_SNP_IN_PLACE));
	EXPECT_EQ(EINVAL, enable(vm, 1, 0)) TH_LOG("flags");
	EXPECT_EQ(EINVAL, enable(vm, 0, 1)) TH_LOG("argument");
	EXPECT_EQ(0, enable(vm, 0, 0));
	EXPECT_EQ(EINVAL, enable(vm, 0, 0)) TH_LOG("twice");
	kvm_vm_free(vm);

	vm = ____vm_create(snp);
	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, 0, 0, 16, 0);
	EXPECT_EQ(EINVAL, enable(vm, 0, 0)) TH_LOG("there is memory");
	kvm_vm_free(vm);

	self->g = snp_create(guest_by_msr);
	vm_mem_region_delete(self->g->vm, 0);
	vm_mem_region_delete(self->g->vm, SNP_TEST_SLOT);
	EXPECT_EQ(EINVAL, enable(self->g->vm, 0, 0)) TH_LOG("there is a vCPU");
}

static int set_region(struct kvm_vm *vm, u32 slot, u32 flags, u64 gpa, void *hva, u64 size,
		      int gmem)
{
	return __vm_set_user_memory_region2(vm, slot, flags, gpa, size, hva, gmem, 0) ?
	       errno : 0;
}

#define EXIT_VMMCALL	0x81
#define GHCB_CPL	(0xc8 / 8)	/* a byte of that quadword */

static void guest_asks_the_vmm(void)
{
	struct snp_exit e;

	snp_guest_init();
	snp_ghcb_set(SNP_GHCB_RAX, KVM_HC_MAP_GPA_RANGE);
	snp_ghcb_set(SNP_GHCB_RBX, snp_test_gpa(0));
	snp_ghcb_set(SNP_GHCB_RCX, 1);
	snp_ghcb_set(SNP_GHCB_RDX, KVM_MAP_GPA_RANGE_ENCRYPTED);
	snp_ghcb_set(GHCB_CPL, 0);
	e = snp_vmgexit(EXIT_VMMCALL, 0, 0);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(snp_ghcb()[SNP_GHCB_RAX], -KVM_ENOSYS);
	snp_done();
}

IN_PLACE_TEST(hypercall_for_a_conversion_is_refused)
{
	struct snp_guest *g = LAUNCH(guest_asks_the_vmm);

	snp_expect_done(g);
	EXPECT_EQ(0, g->requests);
}

/* What comes in plain text from and to the host is in shared pages. */
static void guest_requests_by_private_pages(void)
{
	const u64 shared = snp_channel.request_gpa;
	const u64 private = snp_test_gpa(0);

	snp_guest_init();
	snp_assert_eq(snp_psc_msr(private, SNP_PSC_PRIVATE), 0);
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, private, shared),
			 SNP_ERR_INVALID_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_GUEST_REQUEST, shared, private),
			 SNP_ERR_INVALID_INPUT);
	snp_assert_error(snp_vmgexit(SNP_EXIT_EXT_REQUEST, private, shared),
			 SNP_ERR_INVALID_INPUT);
	snp_sync(1, 0, 0, 0);
	snp_done();
}

IN_PLACE_TEST(guest_request_with_a_private_page_is_refused)
{
	struct snp_guest *g = LAUNCH(guest_requests_by_private_pages);

	u64 pfn, asid;

	snp_expect_sync(g, 1);
	EXPECT_TRUE(snp_rmp_find(snp_test_gpa(0), &pfn, &asid))
		TH_LOG("the answer's write made it shared");
	snp_expect_done(g);
}

IN_PLACE_TEST(attributes_and_memory_of_other_kinds_are_refused)
{
	struct snp_guest *g = self->g = snp_create_in_place(guest_by_msr, VM_MEM_SRC_ANONYMOUS);
	struct kvm_memory_attributes attributes = {
		.address = SNP_TEST_GPA,
		.size = PAGE_SIZE,
		.attributes = KVM_MEMORY_ATTRIBUTE_PRIVATE,
	};
	struct kvm_vm *vm = g->vm;
	const u64 size = 16 * PAGE_SIZE, gpa = 0x60000000;
	void *m = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int gmem = vm_create_guest_memfd(vm, size, 0);

	EXPECT_EQ(0, vm_check_cap(vm, KVM_CAP_MEMORY_ATTRIBUTES));
	EXPECT_EQ(-1, __vm_ioctl(vm, KVM_SET_MEMORY_ATTRIBUTES, &attributes));
	EXPECT_EQ(EINVAL, errno);

	EXPECT_EQ(EINVAL, set_region(vm, 5, KVM_MEM_GUEST_MEMFD, gpa, m, size, gmem));
	EXPECT_EQ(EINVAL, set_region(vm, 5, KVM_MEM_READONLY, gpa, m, size, -1));
	EXPECT_EQ(EINVAL, set_region(vm, 5, KVM_MEM_LOG_DIRTY_PAGES, gpa, m, size, -1));
	EXPECT_EQ(0, set_region(vm, 5, 0, gpa, m, size, -1));
	EXPECT_EQ(EINVAL, set_region(vm, 5, KVM_MEM_LOG_DIRTY_PAGES, gpa, m, size, -1))
		TH_LOG("turned on later");
	EXPECT_EQ(EINVAL, set_region(vm, 5, 0, gpa + size, m, size, -1)) TH_LOG("moved");
	EXPECT_EQ(EINVAL, set_region(vm, 6, 0, gpa + 4 * size, m + size / 2, size, -1))
		TH_LOG("the same memory twice");
	EXPECT_EQ(0, set_region(vm, 6, 0, gpa + 4 * size, m + size, size, -1));
	EXPECT_EQ(0, set_region(vm, 5, 0, gpa, m, 0, -1));
	EXPECT_EQ(0, set_region(vm, 6, 0, gpa, m, 0, -1));
	close(gmem);
	munmap(m, 2 * size);
}

static void guest_keeps_a_page(void)
{
	snp_guest_init();
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, PRIVATE);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(0), 1, PRIVATE), true);
	snp_done();
}

/* KVM takes the old slot away before it asks whether the new one will do. */
IN_PLACE_TEST(a_move_that_is_refused_takes_nothing)
{
	struct snp_guest *g = LAUNCH(guest_keeps_a_page);
	struct userspace_mem_region *slot = memslot2region(g->vm, SNP_TEST_SLOT);

	snp_expect_sync(g, 1);
	EXPECT_EQ(EINVAL, set_region(g->vm, SNP_TEST_SLOT, 0, SNP_TEST_GPA + (1ul << 40),
				     slot->host_mem, slot->region.memory_size, -1));
	snp_expect_done(g);
}

/* ---- nothing lost ------------------------------------------------------ */

static void guest_keeps_pages(void)
{
	snp_guest_init();
	snp_validate_pages(0, 8, true);
	snp_fill(snp_private(0), 8, PRIVATE);
	convert_2m(SNP_PSC_PRIVATE);
	if (snp_pvalidate(snp_private(REGION), SNP_2M, true))
		snp_validate_pages(REGION, SNP_PAGES_2M, true);
	snp_fill(snp_private(REGION), SNP_PAGES_2M, PRIVATE);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(0), 8, PRIVATE), true);
	snp_assert_eq(snp_holds(snp_private(REGION), SNP_PAGES_2M, PRIVATE), true);
	snp_sync(2, 0, 0, 0);
	snp_psc_entry(0, snp_test_gpa(REGION), SNP_PSC_SHARED, SNP_2M);
	snp_psc_entry(1, snp_test_gpa(3), SNP_PSC_SHARED, SNP_4K);
	snp_assert_eq(snp_psc(2), 0);
	snp_fill(snp_shared(3), 1, GUEST);
	snp_sync(3, 0, 0, 0);
	snp_done();
}

static void *remap(struct snp_guest *g)
{
	void *m = snp_hva(g, SNP_TEST_GPA);

	TEST_ASSERT(mmap(m, SNP_TEST_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == m, "mmap");
	return m;
}

IN_PLACE_TEST(private_pages_outlive_munmap)
{
	struct snp_guest *g = LAUNCH_THP(guest_keeps_pages);

	snp_expect_sync(g, 1);
	remap(g);
	snp_expect_sync(g, 2);
	/* From now on the guest shares what the slot leads to. */
	snp_expect_sync(g, 3);
	snp_host_answers(g, 3);
	snp_expect_done(g);
}

IN_PLACE_TEST(private_pages_outlive_madvise)
{
	struct snp_guest *g = LAUNCH(guest_keeps_pages);

	snp_expect_sync(g, 1);
	ASSERT_EQ(0, madvise(snp_hva(g, SNP_TEST_GPA), SNP_TEST_PAGES * PAGE_SIZE,
			     MADV_DONTNEED));
	snp_expect_sync(g, 2);
	snp_expect_sync(g, 3);
	snp_host_answers(g, 3);
	snp_expect_done(g);
}

IN_PLACE_TEST(private_pages_outlive_truncation)
{
	struct snp_guest *g = launch(self, guest_keeps_pages, VM_MEM_SRC_SHMEM);
	struct userspace_mem_region *r = memslot2region(g->vm, SNP_TEST_SLOT);

	snp_expect_sync(g, 1);
	ASSERT_EQ(0, ftruncate(r->fd, 0));
	ASSERT_EQ(0, ftruncate(r->fd, SNP_TEST_PAGES * PAGE_SIZE));
	snp_expect_sync(g, 2);
	snp_expect_sync(g, 3);
	snp_host_answers(g, 3);
	snp_expect_done(g);
}

IN_PLACE_TEST(deleting_a_slot_returns_its_pages)
{
	struct snp_guest *g = LAUNCH_THP(guest_keeps_pages);
	u64 all, pinned;

	snp_expect_sync(g, 1);
	all = snp_in_place_count("private");
	pinned = snp_in_place_count("pinned");
	EXPECT_EQ(all, pinned);
	vm_mem_region_delete(g->vm, SNP_TEST_SLOT);
	EXPECT_EQ(all - SNP_PAGES_2M - 8, snp_in_place_count("private"));
	EXPECT_EQ(pinned - SNP_PAGES_2M - 8, snp_in_place_count("pinned"));
}

/* What the VMM does between the guest's first sync and its own end. */
static void vmm_dies(void (*how)(struct snp_guest *g))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct snp_guest *g = snp_create_in_place(guest_keeps_pages,
							  VM_MEM_SRC_ANONYMOUS_THP);

		snp_launch(g);
		snp_expect_sync(g, 1);
		how(g);
		_exit(0);
	}
	TEST_ASSERT(waitpid(pid, &status, 0) == pid, "waitpid");
	TEST_ASSERT(!status || WIFSIGNALED(status), "VMM: %#x", status);
}

static void exits(struct snp_guest *g)
{
}

static void is_killed(struct snp_guest *g)
{
	kill(getpid(), SIGKILL);
}

static void closes_vm_first(struct snp_guest *g)
{
	snp_close_fds(g, true);
}

static void unmaps_and_exits(struct snp_guest *g)
{
	munmap(snp_hva(g, SNP_TEST_GPA), SNP_TEST_PAGES * PAGE_SIZE);
	munmap(snp_hva(g, 0), PAGE_SIZE);
}

IN_PLACE_TEST(vmm_exits)
{
	vmm_dies(exits);
}

IN_PLACE_TEST(vmm_is_killed)
{
	vmm_dies(is_killed);
}

IN_PLACE_TEST(vmm_closes_its_files)
{
	vmm_dies(closes_vm_first);
}

IN_PLACE_TEST(vmm_unmaps_memory_and_exits)
{
	vmm_dies(unmaps_and_exits);
}

/* The VM's files live on in another process; its memory does not. */
IN_PLACE_TEST(vm_outlives_its_process)
{
	int pipes[2], status;
	pid_t vmm, heir;
	char c;

	ASSERT_EQ(0, pipe(pipes));
	vmm = fork();
	if (!vmm) {
		struct snp_guest *g = snp_create_in_place(guest_keeps_pages,
							  VM_MEM_SRC_ANONYMOUS_THP);

		snp_launch(g);
		snp_expect_sync(g, 1);
		heir = fork();
		if (!heir) {
			close(pipes[1]);
			/* Until the test closes its end */
			_exit(read(pipes[0], &c, 1));
		}
		_exit(0);
	}
	ASSERT_EQ(vmm, waitpid(vmm, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_LT(SNP_PAGES_2M, snp_in_place_count("private"))
		TH_LOG("the VM is gone before its files");
	close(pipes[0]);
	close(pipes[1]);
	/* The heir is init's; its exit is the end of the VM. */
	for (status = 0; status < 1000 && snp_in_place_count("private"); status++)
		usleep(20000);
}

/* ---- memory that can't be private -------------------------------------- */

static u64 why(struct kvm_run *run)
{
	return run->memory_fault.flags >> KVM_IN_PLACE_WHY_SHIFT;
}

static void guest_wants_pages(void)
{
	int i;

	snp_guest_init();
	snp_sync(1, 0, 0, 0);
	/* By the MSR protocol */
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	snp_sync(2, 0, 0, 0);
	/* By NAE, four of eight at first */
	for (i = 0; i < 8; i++)
		snp_psc_entry(i, snp_test_gpa(2 * i), SNP_PSC_PRIVATE, SNP_4K);
	snp_assert_eq(snp_psc(8), 0);
	snp_sync(3, 0, 0, 0);
	/* By use */
	snp_validate_pages(1, 1, true);
	snp_fill(snp_private(1), 1, PRIVATE);
	snp_assert_eq(snp_holds(snp_private(1), 1, PRIVATE), true);
	snp_sync(4, 0, 0, 0);
	/* Private already: nothing to be pinned */
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	snp_done();
}

static void expect_limit(struct snp_guest *g, u64 page)
{
	struct kvm_run *run = g->vcpu->run;

	TEST_ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(g));
	TEST_ASSERT_EQ(snp_test_gpa(page), run->memory_fault.gpa);
	TEST_ASSERT_EQ(PAGE_SIZE, run->memory_fault.size);
	TEST_ASSERT_EQ(KVM_IN_PLACE_WHY_LIMIT, why(run));
}

IN_PLACE_TEST(memlock_limit_stops_conversions_until_it_is_raised)
{
	struct snp_guest *g = LAUNCH(guest_wants_pages);
	u64 pinned = snp_in_place_count("pinned");

	drop_ipc_lock();
	limit_memlock(pinned);
	snp_expect_sync(g, 1);
	expect_limit(g, 0);
	expect_limit(g, 0);		/* nothing has changed */
	EXPECT_EQ(pinned, snp_in_place_count("pinned"));
	limit_memlock(pinned + 1);
	snp_expect_sync(g, 2);
	limit_memlock(pinned + 4);
	expect_limit(g, 8);		/* 0, 2, 4, 6 are private */
	EXPECT_EQ(pinned + 4, snp_in_place_count("pinned"));
	limit_memlock(pinned + 8);
	snp_expect_sync(g, 3);
	expect_limit(g, 1);
	limit_memlock(pinned + 9);
	snp_expect_sync(g, 4);
	limit_memlock(pinned);
	snp_expect_done(g);
}

IN_PLACE_TEST(launch_honours_the_memlock_limit)
{
	struct snp_guest *g = self->g = snp_create_in_place(guest_wants_pages,
							    VM_MEM_SRC_ANONYMOUS);

	drop_ipc_lock();
	limit_memlock(5);
	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	EXPECT_EQ(-ENOMEM, snp_launch_update_all(g));
	EXPECT_EQ(5, snp_in_place_count("private"));
}

static void guest_wants_a_page(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(0), SNP_PSC_PRIVATE), 0);
	snp_validate_pages(0, 1, true);
	snp_fill(snp_private(0), 1, PRIVATE);
	snp_done();
}

IN_PLACE_TEST(finished_launch_takes_no_more_pages)
{
	struct snp_guest *g = LAUNCH(guest_wants_a_page);
	u64 private = snp_in_place_count("private");

	EXPECT_EQ(-EIO, snp_launch_update(g, snp_test_gpa(5), snp_hva(g, snp_test_gpa(5)),
					  PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, g->fw_error);
	EXPECT_EQ(private, snp_in_place_count("private"));
	snp_expect_done(g);
}

IN_PLACE_TEST(memory_that_is_not_there_is_for_the_vmm_to_mend)
{
	struct snp_guest *g = LAUNCH(guest_wants_a_page);
	struct kvm_run *run = g->vcpu->run;

	munmap(snp_hva(g, SNP_TEST_GPA), PAGE_SIZE);
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(g));
	EXPECT_EQ(KVM_IN_PLACE_WHY_NO_PIN, why(run));
	EXPECT_EQ(KVM_MEMORY_EXIT_FLAG_PRIVATE,
		  run->memory_fault.flags & KVM_MEMORY_EXIT_FLAG_PRIVATE);
	remap(g);
	snp_expect_done(g);
}

/* The first page of the test memory is something else; the guest wants it private. */
static void expect_no_pin(struct snp_guest *g, const char *what, int prot, int flags, int fd,
			  size_t size)
{
	void *at = snp_hva(g, SNP_TEST_GPA);
	struct kvm_run *run = g->vcpu->run;

	TEST_ASSERT(mmap(at, size, prot, flags | MAP_FIXED, fd, 0) == at, "%s: %s", what,
		    strerror(errno));
	TEST_ASSERT(snp_run(g) == SNP_EVENT_MEMORY_FAULT && why(run) == KVM_IN_PLACE_WHY_NO_PIN,
		    "%s: %s, flags %#llx", what, exit_reason_str(run->exit_reason),
		    run->memory_fault.flags);
}

/* Some BAR of a device: VM_PFNMAP */
static int open_bar(void)
{
	static const char *const names[] = { "resource4", "resource1", "resource0" };
	char path[80];
	int i, slot, fd;

	for (slot = 0; slot < 32; slot++) {
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			void *m;

			snprintf(path, sizeof(path), "/sys/bus/pci/devices/0000:00:%02x.0/%s", slot,
				 names[i]);
			fd = open(path, O_RDWR);
			if (fd < 0)
				continue;
			m = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			if (m != MAP_FAILED) {
				munmap(m, PAGE_SIZE);
				return fd;
			}
			close(fd);
		}
	}
	return -1;
}

/* A file on a file system that must know who writes to it: the VM's share (tools/vm) */
static int open_file(void)
{
	char at[] = "/tmp/files.XXXXXX", path[40];
	int fd = -1;

	if (!mkdtemp(at))
		return -1;
	if (!mount("files", at, "9p", 0, "trans=virtio,version=9p2000.L,cache=mmap")) {
		snprintf(path, sizeof(path), "%s/file", at);
		fd = open(path, O_RDWR | O_CREAT, 0600);
		if (fd >= 0 && ftruncate(fd, PAGE_SIZE)) {
			close(fd);
			fd = -1;
		}
		umount2(at, MNT_DETACH);
	}
	rmdir(at);
	return fd;
}

IN_PLACE_TEST(memory_that_cannot_be_pinned_is_for_the_vmm_to_replace)
{
	struct snp_guest *g = LAUNCH(guest_wants_a_page);
	u64 pinned = snp_in_place_count("pinned");
	int fd;

	fd = syscall(SYS_memfd_secret, 0);
	ASSERT_LE(0, fd) TH_LOG("memfd_secret: %s", strerror(errno));
	ASSERT_EQ(0, ftruncate(fd, PAGE_SIZE));
	expect_no_pin(g, "secretmem", PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE_SIZE);
	close(fd);

	fd = open(program_invocation_name, O_RDONLY);
	ASSERT_LE(0, fd);
	expect_no_pin(g, "file that is not for writing", PROT_READ, MAP_SHARED, fd, PAGE_SIZE);
	close(fd);

	fd = open_file();
	ASSERT_LE(0, fd) TH_LOG("no share to write to: %s", strerror(errno));
	expect_no_pin(g, "ordinary file", PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE_SIZE);
	close(fd);

	fd = open_bar();
	if (fd >= 0)
		expect_no_pin(g, "VM_PFNMAP", PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE_SIZE);
	else
		TH_LOG("no BAR to be mapped: VM_PFNMAP not tried");
	close(fd);

	EXPECT_EQ(pinned, snp_in_place_count("pinned"));
	remap(g);
	snp_expect_done(g);
}

static int prefault(struct snp_guest *g, u64 gpa, u64 size)
{
	struct kvm_pre_fault_memory range = { .gpa = gpa, .size = size };
	int ret;

	do {
		ret = __vcpu_ioctl(g->vcpu, KVM_PRE_FAULT_MEMORY, &range);
	} while (!ret && range.size);
	return ret ? errno : 0;
}

static void guest_is_prefaulted(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(3), SNP_PSC_PRIVATE), 0);
	snp_validate_pages(3, 1, true);
	snp_fill(snp_private(3), 1, PRIVATE);
	snp_fill(snp_shared(4), 1, GUEST);
	snp_sync(1, 4, 0, 0);
	snp_assert_eq(snp_holds(snp_private(3), 1, PRIVATE), true);
	snp_assert_eq(snp_holds(snp_shared(4), 1, HOST), true);
	snp_done();
}

IN_PLACE_TEST(prefault_of_either_state_changes_neither)
{
	struct snp_guest *g = LAUNCH(guest_is_prefaulted);
	u64 private;

	snp_expect_sync(g, 1);
	private = snp_in_place_count("private");
	EXPECT_EQ(0, prefault(g, SNP_TEST_GPA, 16 * PAGE_SIZE));
	EXPECT_NE(0, prefault(g, 1ul << 46, PAGE_SIZE)) TH_LOG("no memory there");
	EXPECT_EQ(private, snp_in_place_count("private"));
	snp_host_answers(g, 4);
	snp_expect_done(g);
}

/* ---- a lot of it, and other kinds -------------------------------------- */

#define BIG_GPA		0x100000000ul
#define BIG_SLOT	2
#define BIG_PAGES	(SNP_PSC_MAX * SNP_PAGES_2M)

static void guest_253_of_2m(void)
{
	int op, i;

	snp_guest_init();
	for (op = SNP_PSC_PRIVATE; op <= SNP_PSC_SHARED; op++) {
		for (i = 0; i < SNP_PSC_MAX; i++)
			snp_psc_entry(i, BIG_GPA + i * SNP_PAGES_2M * PAGE_SIZE, op, SNP_2M);
		snp_assert_eq(snp_psc(SNP_PSC_MAX), 0);
		snp_assert_eq(snp_psc_buffer()->cur_entry, SNP_PSC_MAX);
		snp_sync(op, 0, 0, 0);
	}
	snp_done();
}

IN_PLACE_TEST(nae_takes_253_entries_of_2m)
{
	struct snp_guest *g = self->g = snp_create_in_place(guest_253_of_2m,
							    VM_MEM_SRC_ANONYMOUS);
	u64 before;

	/* Half a gigabyte in huge pages, after whatever ran before */
	write_text("/proc/sys/vm/compact_memory", "1");
	vm_userspace_mem_region_add(g->vm, VM_MEM_SRC_ANONYMOUS_THP, BIG_GPA, BIG_SLOT,
				    BIG_PAGES, 0);
	snp_launch(g);
	before = snp_in_place_count("private");
	self->large = snp_in_place_count("large");
	snp_expect_sync(g, SNP_PSC_PRIVATE);
	EXPECT_EQ(before + BIG_PAGES, snp_in_place_count("private"));
	EXPECT_EQ(SNP_PSC_MAX, converted(self, "large"));
	snp_expect_sync(g, SNP_PSC_SHARED);
	EXPECT_EQ(before, snp_in_place_count("private"));
	snp_expect_done(g);
}

static void reserve_hugetlb(int pages)
{
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "w");

	__TEST_REQUIRE(f && fprintf(f, "%d", pages) > 0 && !fclose(f), "hugetlb pages");
}

static void guest_hugetlb(void)
{
	snp_guest_init();
	take_2m();
	snp_assert_eq(snp_holds(snp_private(REGION), SNP_PAGES_2M, PRIVATE), true);
	snp_sync(1, 0, 0, 0);
	/* A part of it */
	snp_psc_msr(snp_test_gpa(REGION + 7), SNP_PSC_SHARED);
	snp_sync(2, 0, 0, 0);
}

IN_PLACE_TEST(hugetlb_page_converts_whole_or_not_at_all)
{
	struct kvm_run *run;
	struct snp_guest *g;

	reserve_hugetlb(16);
	g = launch(self, guest_hugetlb, VM_MEM_SRC_ANONYMOUS_HUGETLB_2MB);
	run = g->vcpu->run;
	snp_expect_sync(g, 1);
	EXPECT_EQ(1, converted(self, "large"));
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(g));
	EXPECT_EQ(snp_test_gpa(REGION + 7), run->memory_fault.gpa);
	EXPECT_EQ(KVM_IN_PLACE_WHY_HUGETLB, why(run));
	snp_free(g);
	self->g = NULL;
	reserve_hugetlb(0);
}

static void guest_wants_2m(void)
{
	snp_guest_init();
	snp_psc_entry(0, BIG_GPA, SNP_PSC_PRIVATE, SNP_2M);
	snp_psc(1);
	snp_sync(1, 0, 0, 0);
}

IN_PLACE_TEST(two_halves_of_hugetlb_pages_are_no_2m)
{
	struct snp_guest *g;
	char *memory;

	reserve_hugetlb(16);
	memory = mmap(NULL, 4ul << 20, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)memory);
	g = LAUNCH(guest_wants_2m);
	vm_set_user_memory_region(g->vm, BIG_SLOT, 0, BIG_GPA, 2ul << 20, memory + (1 << 20));
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(g));
	EXPECT_EQ(BIG_GPA, g->vcpu->run->memory_fault.gpa);
	EXPECT_EQ(KVM_IN_PLACE_WHY_HUGETLB, why(g->vcpu->run));
	/* Not even a page of them is private, which the VMM's own writes would meet. */
	memset(memory, 1, 4ul << 20);
	snp_free(g);
	self->g = NULL;
	munmap(memory, 4ul << 20);
	reserve_hugetlb(0);
}

/* ---- the host writes to a private page --------------------------------- */

static void guest_is_robbed(void)
{
	u64 v;

	snp_guest_init();
	snp_validate_pages(4, 1, true);
	snp_fill(snp_private(4), 1, PRIVATE);
	snp_sync(1, 0, 0, 0);
	/* Robbed, and told so; then it goes on with the page as a new one. */
	snp_assert_eq(snp_try_read(snp_private(4), &v), SNP_VC_NOT_VALIDATED);
	snp_validate_pages(4, 1, true);
	snp_fill(snp_private(4), 1, PRIVATE);
	snp_sync(2, 0, 0, 0);
	/* Robbed again, and the page is shared on purpose. */
	snp_assert_eq(snp_psc_msr(snp_test_gpa(4), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(4), 1, GUEST);
	snp_sync(3, 0, 0, 0);
	snp_validate_pages(6, 1, true);
	snp_sync(4, 0, 0, 0);
	/* And again, for the end of the VM to find */
	snp_done();
}

static void rob(struct snp_guest *g, u64 page)
{
	u64 pfn, asid;

	TEST_ASSERT(snp_rmp_find(snp_test_gpa(page), &pfn, &asid), "page %lu is shared", page);
	TEST_ASSERT(!snp_host_write(pfn, 8, 0x5a), "host write");
	TEST_ASSERT(!snp_rmp_find(snp_test_gpa(page), &pfn, &asid), "page %lu is private", page);
}

IN_PLACE_TEST(page_taken_by_the_host_is_given_back_not_validated)
{
	struct snp_guest *g = LAUNCH(guest_is_robbed);
	u64 refaulted = snp_in_place_count("refaulted");

	snp_expect_sync(g, 1);
	rob(g, 4);
	snp_expect_sync(g, 2);
	EXPECT_EQ(refaulted + 1, snp_in_place_count("refaulted"));
	rob(g, 4);
	snp_expect_sync(g, 3);
	snp_host_answers(g, 4);
	snp_expect_sync(g, 4);
	rob(g, 6);
	snp_expect_done(g);
}

/* ---- the same memory in two VMs ---------------------------------------- */

static void guest_has_a_rival(void)
{
	snp_guest_init();
	snp_assert_eq(snp_psc_msr(snp_test_gpa(2), SNP_PSC_PRIVATE), 0);
	snp_validate_pages(2, 1, true);
	snp_fill(snp_private(2), 1, PRIVATE);
	snp_sync(1, 0, 0, 0);
	snp_assert_eq(snp_holds(snp_private(2), 1, PRIVATE), true);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(2), SNP_PSC_SHARED), 0);
	snp_done();
}

/* A second slot 1 over the memfd of the first VM's */
static struct snp_guest *rival(struct snp_guest *g, void (*guest)(void))
{
	struct snp_guest *r = snp_create_in_place(guest, VM_MEM_SRC_SHMEM);
	int fd = memslot2region(g->vm, SNP_TEST_SLOT)->fd;
	void *m = snp_hva(r, SNP_TEST_GPA);

	TEST_ASSERT(mmap(m, SNP_TEST_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == m, "mmap");
	snp_launch(r);
	return r;
}

IN_PLACE_TEST(page_private_in_one_vm_is_not_taken_by_another)
{
	struct snp_guest *g = launch(self, guest_has_a_rival, VM_MEM_SRC_SHMEM);
	struct snp_guest *r = rival(g, guest_has_a_rival);

	snp_expect_sync(g, 1);
	ASSERT_EQ(SNP_EVENT_MEMORY_FAULT, snp_run(r));
	EXPECT_EQ(KVM_IN_PLACE_WHY_TAKEN, why(r->vcpu->run));
	snp_expect_done(g);
	/* Now it is free. */
	snp_expect_sync(r, 1);
	snp_expect_done(r);
	snp_free(r);
}

SNP_HARNESS_MAIN
