// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision about host RMP faults, as a table to be read. Rows: what the RMP
 * says about the page. Columns: what maps the address. The table is for a data
 * write by the kernel; with any other error code, or with the CPU in user mode,
 * every field must say "stock". Kind of address (direct map, vmap, kmap) and
 * fixups are no inputs of rmp_fault_verdict(): they can make no difference.
 */
#include <kunit/test.h>
#include <asm/rmp_fault.h>

#define OURS	(X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP)

#define STOCK	RMP_VERDICT_STOCK
#define RETRY	RMP_VERDICT_RETRY
#define F_4K	RMP_VERDICT_FLIP_4K
#define F_2M	RMP_VERDICT_FLIP_2M
#define F_REG	RMP_VERDICT_FLIP_REGION

#define ENTRY(...)	.covered = true, .rmp = { .level = PG_LEVEL_4K, __VA_ARGS__ }

static const enum pg_level mappings[] = {
	PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_1G,
};

static const struct row {
	const char *name;
	struct rmp_fault entry;
	enum rmp_verdict verdict[ARRAY_SIZE(mappings)];
} rows[] = {
	/* mapping:					   none   4K     2M     1G */
	{ "shared",
	  { ENTRY(.assigned = false) },			 { RETRY, RETRY, RETRY, RETRY } },
	{ "shared, a page of its 2M region is private",
	  { ENTRY(.assigned = false), .mixed = true },	 { RETRY, RETRY, F_REG, F_REG } },
	{ "hypervisor-fixed",
	  { ENTRY(.immutable = true) },			 { RETRY, RETRY, RETRY, RETRY } },
	{ "private 4K",
	  { ENTRY(.assigned = true, .asid = 1) },	 { RETRY, F_4K,  F_REG, F_REG } },
	{ "private 4K, validated",
	  { ENTRY(.assigned = true, .asid = 1, .validated = true) },
							 { RETRY, F_4K,  F_REG, F_REG } },
	{ "private 2M",
	  { ENTRY(.assigned = true, .asid = 1, .level = PG_LEVEL_2M) },
							 { RETRY, F_2M,  F_2M,  F_2M } },
	/* A guest can make these, so they must not differ from private. */
	{ "VMSA",
	  { ENTRY(.assigned = true, .asid = 1, .vmsa = true, .validated = true) },
							 { RETRY, F_4K,  F_REG, F_REG } },
	/* Hardware will refuse; that is not for the verdict to guess. */
	{ "immutable",
	  { ENTRY(.assigned = true, .asid = 1, .immutable = true) },
							 { RETRY, F_4K,  F_REG, F_REG } },
	{ "firmware",
	  { ENTRY(.assigned = true, .immutable = true) }, { RETRY, F_4K,  F_REG, F_REG } },
	{ "firmware 2M",
	  { ENTRY(.assigned = true, .immutable = true, .level = PG_LEVEL_2M) },
							 { RETRY, F_2M,  F_2M,  F_2M } },
	{ "no entry",
	  { .covered = false },				 { RETRY, STOCK, STOCK, STOCK } },
};

/* Error codes that leave every fault to the stock path */
static const struct code {
	const char *name;
	unsigned long error_code;
} codes[] = {
	{ "write, not the RMP's",	X86_PF_PROT | X86_PF_WRITE },
	{ "not present",		X86_PF_WRITE },
	{ "not present, RMP",		X86_PF_WRITE | X86_PF_RMP },
	{ "read",			X86_PF_PROT | X86_PF_RMP },
	{ "fetch",			X86_PF_PROT | X86_PF_INSTR | X86_PF_RMP },
	{ "user write",			OURS | X86_PF_USER },
	{ "user read",			X86_PF_PROT | X86_PF_USER | X86_PF_RMP },
	{ "reserved bit",		OURS | X86_PF_RSVD },
	{ "protection key",		OURS | X86_PF_PK },
	{ "shadow stack",		OURS | X86_PF_SHSTK },
	{ "SGX",			OURS | X86_PF_SGX },
	{ "unknown bit",		OURS | BIT(20) },
};

static void row_name(const struct row *r, char *desc)
{
	strscpy(desc, r->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(row, rows, row_name);

static void kernel_write(struct kunit *test)
{
	const struct row *r = test->param_value;
	struct rmp_fault f = r->entry;
	int i;

	f.error_code = OURS;
	for (i = 0; i < ARRAY_SIZE(mappings); i++) {
		f.mapping = mappings[i];
		KUNIT_EXPECT_EQ_MSG(test, r->verdict[i], rmp_fault_verdict(&f),
				    "mapping %d", mappings[i]);
	}
}

static void cpu_in_user_mode(struct kunit *test)
{
	const struct row *r = test->param_value;
	struct rmp_fault f = r->entry;
	int i;

	f.error_code = OURS;
	f.user = true;
	for (i = 0; i < ARRAY_SIZE(mappings); i++) {
		f.mapping = mappings[i];
		KUNIT_EXPECT_EQ(test, STOCK, rmp_fault_verdict(&f));
	}
}

static void other_error_codes(struct kunit *test)
{
	const struct row *r = test->param_value;
	struct rmp_fault f = r->entry;
	int i, c;

	for (c = 0; c < ARRAY_SIZE(codes); c++) {
		f.error_code = codes[c].error_code;
		for (i = 0; i < ARRAY_SIZE(mappings); i++) {
			f.mapping = mappings[i];
			KUNIT_EXPECT_EQ_MSG(test, STOCK, rmp_fault_verdict(&f),
					    "%s, mapping %d", codes[c].name, mappings[i]);
		}
	}
}

static struct kunit_case rmp_fault_cases[] = {
	KUNIT_CASE_PARAM(kernel_write, row_gen_params),
	KUNIT_CASE_PARAM(cpu_in_user_mode, row_gen_params),
	KUNIT_CASE_PARAM(other_error_codes, row_gen_params),
	{}
};

static struct kunit_suite rmp_fault_suite = {
	.name = "rmp_fault_verdict",
	.test_cases = rmp_fault_cases,
};

kunit_test_suite(rmp_fault_suite);
