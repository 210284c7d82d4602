// SPDX-License-Identifier: GPL-2.0-only
/*
 * The RMP check of guest accesses as a table: APM vol. 2, 15.36.10, "RMP and
 * VMPL Access Checks", row by row. Each case is one page, one access and the
 * architected outcome.
 */
#include <kunit/test.h>
#include <linux/kvm_host.h>

#include <asm/sev.h>

#include "snp_soft.h"

#define GPA	0x12345000ULL
#define ASID	3

#define NPF	SNP_SOFT_FILL_NPF
#define VC	SNP_SOFT_FILL_VC
#define OK	SNP_SOFT_FILL_RETRY

#define OWNED	.assigned = 1, .asid = ASID, .gpa = GPA >> PAGE_SHIFT
#define MINE	OWNED, .validated = 1
#define SNP	.gpa = GPA, .asid = ASID, .level = PG_LEVEL_4K, .snp = true
#define PRIVATE	SNP, .private = true

struct check_case {
	const char *name;
	struct snp_soft_rmpe e;
	struct snp_soft_access a;
	enum snp_soft_fill verdict;
	u64 bits;
	bool uncovered;
};

static const struct check_case cases[] = {
	/* Not SNP-active: Hypervisor-Owned, writes only */
	{ "plain read of assigned", { MINE }, { .level = 1 }, OK },
	{ "plain write of assigned", { MINE }, { .level = 1, .write = true },
	  NPF, PFERR_GUEST_RMP_MASK },
	{ "plain write of shared", { }, { .level = 1, .write = true }, OK },
	{ "plain write outside the RMP", { }, { .level = 1, .write = true }, OK,
	  .uncovered = true },
	{ "SEV private write of assigned", { MINE },
	  { .level = 1, .private = true, .write = true }, NPF, PFERR_GUEST_RMP_MASK },
	{ "SEV fetch of assigned", { MINE }, { .level = 1, .private = true, .fetch = true }, OK },
	{ "write of 2M with one assigned", { }, { .level = 2, .write = true, .neighbour = true },
	  NPF, PFERR_GUEST_RMP_MASK },

	/* SNP-active, C=0: Hypervisor-Owned, writes only */
	{ "shared read of shared", { }, { SNP }, OK },
	{ "shared read of private", { MINE }, { SNP }, OK },
	{ "shared write of shared", { }, { SNP, .write = true }, OK },
	{ "shared write of private", { MINE }, { SNP, .write = true },
	  NPF, PFERR_GUEST_RMP_MASK },
	{ "shared write of 2M with one private", { },
	  { .gpa = GPA, .asid = ASID, .level = 2, .snp = true, .write = true, .neighbour = true },
	  NPF, PFERR_GUEST_RMP_MASK },

	/* SNP-active, C=1: RMP-Covered, Guest-Owned, Reverse-Map */
	{ "private read", { MINE }, { PRIVATE }, OK },
	{ "private write", { MINE }, { PRIVATE, .write = true }, OK },
	{ "private fetch", { MINE }, { PRIVATE, .fetch = true }, OK },
	{ "private read outside the RMP", { MINE }, { PRIVATE }, NPF, PFERR_GUEST_RMP_MASK,
	  .uncovered = true },
	{ "private read of shared", { }, { PRIVATE }, NPF, PFERR_GUEST_RMP_MASK },
	{ "private fetch of shared", { }, { PRIVATE, .fetch = true }, NPF, PFERR_GUEST_RMP_MASK },
	{ "another guest's page",
	  { .assigned = 1, .asid = ASID + 1, .gpa = GPA >> PAGE_SHIFT, .validated = 1 },
	  { PRIVATE }, NPF, PFERR_GUEST_RMP_MASK },
	{ "firmware's page", { .assigned = 1, .immutable = 1 }, { PRIVATE },
	  NPF, PFERR_GUEST_RMP_MASK },
	{ "remapped page",
	  { .assigned = 1, .asid = ASID, .gpa = (GPA >> PAGE_SHIFT) + 1, .validated = 1 },
	  { PRIVATE }, NPF, PFERR_GUEST_RMP_MASK },
	{ "remapped page beats unvalidated",
	  { .assigned = 1, .asid = ASID, .gpa = (GPA >> PAGE_SHIFT) + 1 },
	  { PRIVATE }, NPF, PFERR_GUEST_RMP_MASK },

	/* Mutable */
	{ "read of immutable", { MINE, .immutable = 1 }, { PRIVATE }, OK },
	{ "write of immutable", { MINE, .immutable = 1 }, { PRIVATE, .write = true },
	  NPF, PFERR_GUEST_RMP_MASK },

	/* Page-Size: both ways a fault, neither SIZEM */
	{ "4K mapping of 2M entry", { MINE, .pagesize = 1 }, { PRIVATE },
	  NPF, PFERR_GUEST_RMP_MASK },
	{ "2M mapping of 2M entry", { MINE, .pagesize = 1 },
	  { .gpa = GPA, .asid = ASID, .level = 2, .snp = true, .private = true }, OK },
	{ "1G mapping of 2M entry", { MINE, .pagesize = 1 },
	  { .gpa = GPA, .asid = ASID, .level = 3, .snp = true, .private = true }, OK },
	{ "2M mapping of 4K entry", { MINE },
	  { .gpa = GPA, .asid = ASID, .level = 2, .snp = true, .private = true },
	  NPF, PFERR_GUEST_RMP_MASK },

	/* Validated */
	{ "unvalidated read", { OWNED }, { PRIVATE }, VC },
	{ "unvalidated write", { OWNED }, { PRIVATE, .write = true }, VC },
	{ "unvalidated fetch", { OWNED }, { PRIVATE, .fetch = true }, VC },

	/* VMPL: 0 has everything, the others what they were given */
	{ "VMPL1 without anything", { MINE }, { PRIVATE, .vmpl = 1 },
	  NPF, PFERR_GUEST_RMP_MASK | PFERR_GUEST_VMPL_MASK },
	{ "VMPL1 reads", { MINE, .perms = { [1] = SNP_SOFT_PERM_R } }, { PRIVATE, .vmpl = 1 },
	  OK },
	{ "VMPL1 writes read-only",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_R } },
	  { PRIVATE, .vmpl = 1, .write = true },
	  NPF, PFERR_GUEST_RMP_MASK | PFERR_GUEST_VMPL_MASK },
	{ "VMPL1 writes",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_R | SNP_SOFT_PERM_W } },
	  { PRIVATE, .vmpl = 1, .write = true }, OK },
	{ "VMPL2 has not what VMPL1 has",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_R } }, { PRIVATE, .vmpl = 2 },
	  NPF, PFERR_GUEST_RMP_MASK | PFERR_GUEST_VMPL_MASK },
	{ "VMPL1 kernel runs kernel code",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_SX } },
	  { PRIVATE, .vmpl = 1, .fetch = true }, OK },
	{ "VMPL1 user runs kernel code",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_SX } },
	  { PRIVATE, .vmpl = 1, .fetch = true, .user = true },
	  NPF, PFERR_GUEST_RMP_MASK | PFERR_GUEST_VMPL_MASK },
	{ "VMPL1 user runs user code",
	  { MINE, .perms = { [1] = SNP_SOFT_PERM_UX } },
	  { PRIVATE, .vmpl = 1, .fetch = true, .user = true }, OK },
};

static void check_to_desc(const struct check_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(check, cases, check_to_desc);

static void snp_soft_check_verdict(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	u64 bits = 0;

	KUNIT_EXPECT_EQ(test, c->verdict,
			snp_soft_rmp_verdict(c->uncovered ? NULL : &c->e, &c->a, &bits));
	if (c->verdict == SNP_SOFT_FILL_NPF)
		KUNIT_EXPECT_EQ(test, c->bits, bits);
}

static struct kunit_case snp_soft_check_cases[] = {
	KUNIT_CASE_PARAM(snp_soft_check_verdict, check_gen_params),
	{ }
};

static struct kunit_suite snp_soft_check_suite = {
	.name = "snp_soft_check",
	.test_cases = snp_soft_check_cases,
};

kunit_test_suite(snp_soft_check_suite);
