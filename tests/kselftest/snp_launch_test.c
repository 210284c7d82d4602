// SPDX-License-Identifier: GPL-2.0-only
/*
 * Launch of an SNP guest: it runs what was measured, and KVM and firmware
 * refuse launches in the wrong order or of the wrong memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "kselftest_harness.h"
#include "snp.h"

static u64 marker = 0x0123456789abcdef;

static void guest_says_done(void)
{
	snp_guest_init();
	snp_assert_eq(marker, 0x0123456789abcdef);
	snp_done();
}

static void guest_attests(void)
{
	u8 measurement[SNP_MEASUREMENT_SIZE];

	snp_guest_init();
	snp_attested_measurement(measurement);
	snp_sync_data(1, measurement, sizeof(measurement));
	snp_done();
}

static void guest_ends_without_ghcb(void)
{
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

static u64 zero_page;

static void guest_reads_zero_page(void)
{
	u64 v;

	snp_guest_init();
	/* Firmware validates pages of type ZERO: readable at once. */
	snp_assert_eq(snp_try_read(zero_page, &v), 0);
	snp_assert_eq(v, 0);
	snp_done();
}

FIXTURE(snp_launch) {
	struct snp_guest *g;
	int log;
};

FIXTURE_SETUP(snp_launch)
{
	snp_require();
	self->log = snp_log_mark();
}

FIXTURE_TEARDOWN(snp_launch)
{
	snp_free(self->g);
	EXPECT_CLEAN_LOG(self->log);
}

TEST_F_TIMEOUT(snp_launch, launched_guest_runs_its_measured_program, 120)
{
	self->g = snp_create_launched(guest_says_done);
	snp_expect_done(self->g);
}

TEST_F_TIMEOUT(snp_launch, guest_ends_itself_by_the_msr_protocol, 120)
{
	self->g = snp_create_launched(guest_ends_without_ghcb);
	ASSERT_EQ(SNP_EVENT_TERM, snp_run(self->g));
	EXPECT_EQ(SNP_MSR_TERM_REQ | SNP_TERM_SET << 12, self->g->term);
}

TEST_F_TIMEOUT(snp_launch, private_memory_is_assigned_and_vmsa_marked, 120)
{
	struct snp_rmp_counts before, now;
	u64 pfn, asid;

	snp_rmp_counts(&before);
	self->g = snp_create_launched(guest_says_done);
	snp_rmp_counts(&now);
	EXPECT_EQ(before.vmsa + 1, now.vmsa);
	EXPECT_LT(before.validated + 100, now.validated);
	EXPECT_TRUE(snp_rmp_find(self->g->vm->pgd, &pfn, &asid));
}

TEST_F_TIMEOUT(snp_launch, zero_page_reads_as_zeroes, 120)
{
	struct snp_guest *g = self->g = snp_create(guest_reads_zero_page);

	zero_page = SNP_PRIVATE_GVA;
	sync_global_to_guest(g->vm, zero_page);
	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	ASSERT_EQ(0, snp_launch_update_all(g));
	ASSERT_EQ(0, snp_launch_update(g, SNP_TEST_GPA, NULL, PAGE_SIZE,
				       KVM_SEV_SNP_PAGE_TYPE_ZERO));
	ASSERT_EQ(0, snp_launch_finish(g));
	snp_expect_done(g);
}

TEST_F_TIMEOUT(snp_launch, every_page_type_but_vmsa_is_taken, 120)
{
	static const u8 types[] = {
		KVM_SEV_SNP_PAGE_TYPE_NORMAL, KVM_SEV_SNP_PAGE_TYPE_UNMEASURED,
		KVM_SEV_SNP_PAGE_TYPE_SECRETS,
	};
	struct snp_guest *g = self->g = snp_create(guest_says_done);
	u64 gpa = SNP_TEST_GPA;
	size_t i;

	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	for (i = 0; i < ARRAY_SIZE(types); i++, gpa += PAGE_SIZE) {
		EXPECT_EQ(0, snp_launch_update(g, gpa, snp_hva(g, gpa),
					       PAGE_SIZE, types[i]))
			TH_LOG("type %u, firmware %#x", types[i], g->fw_error);
	}
	EXPECT_EQ(-EINVAL, snp_launch_update(g, gpa, snp_hva(g, gpa), PAGE_SIZE, 2))
		TH_LOG("a VMSA page by hand");
	EXPECT_EQ(-EINVAL, snp_launch_update(g, gpa, snp_hva(g, gpa), PAGE_SIZE, 9));
}

static void attest(struct snp_guest *g, u8 *measurement)
{
	TEST_ASSERT_EQ(snp_launch_start(g, SNP_POLICY), 0);
	TEST_ASSERT_EQ(snp_launch_update_all(g), 0);
	TEST_ASSERT_EQ(snp_launch_secrets(g), 0);
	TEST_ASSERT_EQ(snp_launch_finish(g), 0);
	snp_expect_sync(g, 1);
	memcpy(measurement, g->report->text, SNP_MEASUREMENT_SIZE);
	snp_expect_done(g);
}

/* Firmware's word for it, by an attestation report to the guest. */
TEST_F_TIMEOUT(snp_launch, attested_measurement_is_that_of_the_program, 240)
{
	u8 first[SNP_MEASUREMENT_SIZE], again[SNP_MEASUREMENT_SIZE];
	struct snp_guest *g;

	g = snp_create(guest_attests);
	attest(g, first);
	snp_free(g);

	g = snp_create(guest_attests);
	attest(g, again);
	snp_free(g);
	EXPECT_EQ(0, memcmp(first, again, sizeof(first)));

	g = snp_create(guest_attests);
	marker++;
	sync_global_to_guest(g->vm, marker);
	attest(g, again);
	snp_free(g);
	EXPECT_NE(0, memcmp(first, again, sizeof(first)))
		TH_LOG("a byte differs, the measurement does not");
}

TEST_F_TIMEOUT(snp_launch, update_before_start_is_refused, 120)
{
	struct snp_guest *g = self->g = snp_create(guest_says_done);

	EXPECT_EQ(-EINVAL, snp_launch_update(g, SNP_TEST_GPA,
					     snp_hva(g, SNP_TEST_GPA), PAGE_SIZE,
					     KVM_SEV_SNP_PAGE_TYPE_NORMAL));
}

TEST_F_TIMEOUT(snp_launch, finish_before_start_is_refused, 120)
{
	self->g = snp_create(guest_says_done);
	EXPECT_EQ(-EINVAL, snp_launch_finish(self->g));
}

TEST_F_TIMEOUT(snp_launch, second_start_is_refused, 120)
{
	self->g = snp_create(guest_says_done);
	ASSERT_EQ(0, snp_launch_start(self->g, SNP_POLICY));
	EXPECT_EQ(-EINVAL, snp_launch_start(self->g, SNP_POLICY));
}

TEST_F_TIMEOUT(snp_launch, second_finish_is_refused_and_the_guest_runs, 120)
{
	self->g = snp_create_launched(guest_says_done);
	EXPECT_EQ(-EINVAL, snp_launch_finish(self->g));
	snp_expect_done(self->g);
}

/*
 * Firmware refuses LAUNCH_UPDATE once the guest runs (SEV-SNP firmware ABI,
 * SNP_LAUNCH_UPDATE, state GSTATE_LAUNCH); KVM reports any failure as EIO.
 */
TEST_F_TIMEOUT(snp_launch, update_after_finish_is_refused_and_the_guest_runs, 120)
{
	struct snp_guest *g = self->g = snp_create_launched(guest_says_done);

	EXPECT_EQ(-EIO, snp_launch_update(g, SNP_TEST_GPA, snp_hva(g, SNP_TEST_GPA),
					  PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	snp_expect_done(g);
}

TEST_F_TIMEOUT(snp_launch, policy_without_mandatory_bits_is_refused, 120)
{
	self->g = snp_create(guest_says_done);
	EXPECT_EQ(-EINVAL, snp_launch_start(self->g, 0));
	EXPECT_EQ(-EINVAL, snp_launch_start(self->g, 1ull << 17));
	EXPECT_EQ(-EINVAL, snp_launch_start(self->g, SNP_POLICY | 1ull << 20))
		TH_LOG("one socket only");
	EXPECT_EQ(-EINVAL, snp_launch_start(self->g, SNP_POLICY | 1ull << 63));
}

TEST_F_TIMEOUT(snp_launch, memory_that_is_not_private_is_refused, 120)
{
	struct snp_guest *g = self->g = snp_create(guest_says_done);

	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	vm_mem_set_shared(g->vm, SNP_TEST_GPA, PAGE_SIZE);
	EXPECT_EQ(-EIO, snp_launch_update(g, SNP_TEST_GPA, snp_hva(g, SNP_TEST_GPA),
					  PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(-EINVAL, snp_launch_update(g, SNP_TEST_GPA / 2,
					     snp_hva(g, SNP_TEST_GPA), PAGE_SIZE,
					     KVM_SEV_SNP_PAGE_TYPE_NORMAL))
		TH_LOG("no memory slot there");
}

TEST_F_TIMEOUT(snp_launch, unaligned_length_and_bad_source_are_refused, 120)
{
	struct snp_guest *g = self->g = snp_create(guest_says_done);
	struct snp_rmp_counts before, now;

	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	snp_rmp_counts(&before);
	EXPECT_EQ(-EINVAL, snp_launch_update(g, SNP_TEST_GPA,
					     snp_hva(g, SNP_TEST_GPA), 17,
					     KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(-EIO, snp_launch_update(g, SNP_TEST_GPA, (void *)8, PAGE_SIZE,
					  KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	snp_rmp_counts(&now);
	EXPECT_EQ(before.guest, now.guest);
}

TEST_F_TIMEOUT(snp_launch, same_page_twice_is_refused, 120)
{
	struct snp_guest *g = self->g = snp_create(guest_says_done);

	ASSERT_EQ(0, snp_launch_start(g, SNP_POLICY));
	EXPECT_EQ(0, snp_launch_update(g, SNP_TEST_GPA, snp_hva(g, SNP_TEST_GPA),
				       PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(-EIO, snp_launch_update(g, SNP_TEST_GPA, snp_hva(g, SNP_TEST_GPA),
					  PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
}

TEST_HARNESS_MAIN
