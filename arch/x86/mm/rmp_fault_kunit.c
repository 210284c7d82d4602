// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision about RMP faults, as tables to be read, and every combination of
 * their inputs held against them:
 *
 *	what the RMP says	the rows of rows[]
 *	what maps the address	the four columns of a row
 *	address and mode	places[] says which line of the row
 *	access			write, by these tables; read and fetch are left to
 *				the stock path whatever else is the case
 */
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/vmalloc.h>
#include <asm/rmp_fault.h>

#define OURS	(X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP)

#define STOCK	RMP_VERDICT_STOCK
#define RETRY	RMP_VERDICT_RETRY
#define F_4K	RMP_VERDICT_FLIP_4K
#define F_2M	RMP_VERDICT_FLIP_2M
#define F_REG	RMP_VERDICT_FLIP_REGION
#define SPLIT	RMP_VERDICT_SPLIT
#define SIGB	RMP_VERDICT_SIGBUS
#define FIXUP	RMP_VERDICT_FIXUP
#define OOPS	RMP_VERDICT_OOPS

#define ENTRY(size, ...)	.covered = true, .rmp = { .level = PG_LEVEL_##size, __VA_ARGS__ }
#define PRIVATE			.assigned = true, .asid = 1

static const enum pg_level mappings[] = {
	PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_1G,
};

/* Lines of a row: who writes, and to which address */
enum line {
	K,	/* the kernel, to a kernel address */
	U,	/* user mode, to a user address */
	F,	/* the kernel, to a user address, prepared for a fault */
	N,	/* the kernel, to a user address, not prepared */
	NR_LINES,
	NOBODY,	/* user mode, to a kernel address: always stock */
};

static const struct row {
	const char *name;
	struct rmp_fault entry;
	enum rmp_verdict verdict[NR_LINES][ARRAY_SIZE(mappings)];
} rows[] = {
	{ "shared", { ENTRY(4K, .assigned = false) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, RETRY, RETRY, RETRY },
		[U] = { RETRY, RETRY, RETRY, RETRY },
		[F] = { RETRY, RETRY, RETRY, RETRY },
		[N] = { RETRY, RETRY, RETRY, RETRY },
	} },
	{ "shared, region mixed", { ENTRY(4K, .assigned = false), .mixed = true }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, RETRY, F_REG, F_REG },
		[U] = { RETRY, RETRY, SPLIT, SPLIT },
		[F] = { RETRY, RETRY, SPLIT, SPLIT },
		[N] = { RETRY, RETRY, OOPS,  OOPS },
	} },
	{ "hypervisor-fixed", { ENTRY(4K, .immutable = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, RETRY, RETRY, RETRY },
		[U] = { RETRY, RETRY, RETRY, RETRY },
		[F] = { RETRY, RETRY, RETRY, RETRY },
		[N] = { RETRY, RETRY, RETRY, RETRY },
	} },
	{ "private 4K", { ENTRY(4K, PRIVATE) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_4K,  F_REG, F_REG },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	{ "private 4K, validated", { ENTRY(4K, PRIVATE, .validated = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_4K,  F_REG, F_REG },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	{ "private 2M", { ENTRY(2M, PRIVATE) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_2M,  F_2M,  F_2M },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	/* A guest can make these, so they must not differ from private. */
	{ "VMSA", { ENTRY(4K, PRIVATE, .vmsa = true, .validated = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_4K,  F_REG, F_REG },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	/* Hardware will refuse to flip it; that is not for the verdict to guess. */
	{ "immutable", { ENTRY(4K, PRIVATE, .immutable = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_4K,  F_REG, F_REG },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	{ "firmware", { ENTRY(4K, .assigned = true, .immutable = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_4K,  F_REG, F_REG },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	{ "firmware 2M", { ENTRY(2M, .assigned = true, .immutable = true) }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, F_2M,  F_2M,  F_2M },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	{ "no entry", { .covered = false }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, STOCK, STOCK, STOCK },
		[U] = { RETRY, SIGB,  SIGB,  SIGB },
		[F] = { RETRY, FIXUP, FIXUP, FIXUP },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
	/* Many retries, and nothing wrong: the erratum, if the mapping is large. */
	{ "shared, stuck", { ENTRY(4K, .assigned = false), .stuck = true }, {
		/*	 none   4K     2M     1G */
		[K] = { RETRY, RETRY, RETRY, RETRY },
		[U] = { RETRY, SIGB,  SPLIT, SPLIT },
		[F] = { RETRY, FIXUP, SPLIT, SPLIT },
		[N] = { RETRY, OOPS,  OOPS,  OOPS },
	} },
};

static const struct place {
	const char *name;
	enum rmp_address address;
	enum line lines[3];			/* by enum rmp_mode */
} places[] = {
	/*				    mode:  user	   fixup  kernel */
	{ "direct map",		RMP_ADDRESS_DIRECT, { NOBODY, K, K } },
	{ "vmalloc, vmap",	RMP_ADDRESS_VMAP,   { NOBODY, K, K } },
	/* kmap_is_direct_map() below */
	{ "kmap of a user page", RMP_ADDRESS_DIRECT, { NOBODY, K, K } },
	{ "user",		RMP_ADDRESS_USER,   { U,      F, N } },
};

static const enum rmp_mode modes[] = { RMP_MODE_USER, RMP_MODE_FIXUP, RMP_MODE_KERNEL };

/* Error codes that leave every fault to the stock path */
static const struct code {
	const char *name;
	unsigned long error_code;
	bool kernel_only;	/* at user addresses it is a write as any */
} codes[] = {
	{ "write, not the RMP's",	X86_PF_PROT | X86_PF_WRITE },
	{ "not present",		X86_PF_WRITE },
	{ "not present, RMP",		X86_PF_WRITE | X86_PF_RMP },
	{ "read",			X86_PF_PROT | X86_PF_RMP },
	{ "user read",			X86_PF_PROT | X86_PF_USER | X86_PF_RMP },
	{ "fetch",			X86_PF_PROT | X86_PF_INSTR | X86_PF_RMP },
	{ "user fetch",			X86_PF_PROT | X86_PF_USER | X86_PF_INSTR | X86_PF_RMP },
	{ "user write",			OURS | X86_PF_USER, true },
	{ "shadow stack",		OURS | X86_PF_SHSTK, true },
	{ "reserved bit",		OURS | X86_PF_RSVD },
	{ "user write, reserved bit",	OURS | X86_PF_USER | X86_PF_RSVD },
	{ "protection key",		OURS | X86_PF_PK },
	{ "user write, protection key",	OURS | X86_PF_USER | X86_PF_PK },
	{ "SGX",			OURS | X86_PF_SGX },
	{ "unknown bit",		OURS | BIT(20) },
};

static void row_name(const struct row *r, char *desc)
{
	strscpy(desc, r->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(row, rows, row_name);

/* Runs every place, mode and mapping of a row; @expect says what must come. */
static void for_all(struct kunit *test, const struct code *code,
		    enum rmp_verdict (*expect)(const struct row *r, enum line l, int mapping))
{
	const struct row *r = test->param_value;
	struct rmp_fault f = r->entry;
	const struct place *p;
	int m, i;

	for (p = places; p < places + ARRAY_SIZE(places); p++) {
		if (code && code->kernel_only && p->address == RMP_ADDRESS_USER)
			continue;
		f.address = p->address;
		for (m = 0; m < ARRAY_SIZE(modes); m++) {
			f.mode = modes[m];
			f.error_code = code ? code->error_code : OURS;
			if (!code && p->lines[f.mode] == U)
				f.error_code |= X86_PF_USER;
			for (i = 0; i < ARRAY_SIZE(mappings); i++) {
				f.mapping = mappings[i];
				KUNIT_EXPECT_EQ_MSG(test, expect(r, p->lines[f.mode], i),
						    rmp_fault_verdict(&f),
						    "%s, mode %d, mapping %d, code %s",
						    p->name, f.mode, mappings[i],
						    code ? code->name : "write");
			}
		}
	}
}

static enum rmp_verdict by_table(const struct row *r, enum line l, int mapping)
{
	return l == NOBODY ? STOCK : r->verdict[l][mapping];
}

static enum rmp_verdict stock(const struct row *r, enum line l, int mapping)
{
	return STOCK;
}

static void writes(struct kunit *test)
{
	for_all(test, NULL, by_table);
}

static void other_error_codes(struct kunit *test)
{
	int c;

	for (c = 0; c < ARRAY_SIZE(codes); c++)
		for_all(test, &codes[c], stock);
}

/* A shadow stack is written to by user mode, and by the kernel for it. */
static void shadow_stack_is_written_as_any_page(struct kunit *test)
{
	struct rmp_fault f = {
		ENTRY(4K, PRIVATE), .address = RMP_ADDRESS_USER, .mapping = PG_LEVEL_4K,
		.error_code = OURS | X86_PF_USER | X86_PF_SHSTK,
	};

	f.mode = RMP_MODE_USER;
	KUNIT_EXPECT_EQ(test, SIGB, rmp_fault_verdict(&f));
	f.mode = RMP_MODE_FIXUP;
	KUNIT_EXPECT_EQ(test, FIXUP, rmp_fault_verdict(&f));
}

static void kmap_is_direct_map(struct kunit *test)
{
	struct page *page = alloc_page(GFP_HIGHUSER);
	void *va;

	KUNIT_ASSERT_NOT_NULL(test, page);
	va = kmap_local_page(page);
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_DIRECT, rmp_fault_address((unsigned long)va));
	kunmap_local(va);
	__free_page(page);
}

static void address_kinds(struct kunit *test)
{
	void *va = vmalloc(PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_VMAP, rmp_fault_address((unsigned long)va));
	vfree(va);
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_VMAP, rmp_fault_address((unsigned long)address_kinds));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_DIRECT, rmp_fault_address(PAGE_OFFSET));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_VMAP, rmp_fault_address(PAGE_OFFSET - 1));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_USER, rmp_fault_address(0));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_USER, rmp_fault_address(TASK_SIZE_MAX - 1));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_VMAP, rmp_fault_address(TASK_SIZE_MAX));
	KUNIT_EXPECT_EQ(test, RMP_ADDRESS_VMAP, rmp_fault_address(-1UL));
}

static struct kunit_case rmp_fault_cases[] = {
	KUNIT_CASE_PARAM(writes, row_gen_params),
	KUNIT_CASE_PARAM(other_error_codes, row_gen_params),
	KUNIT_CASE(shadow_stack_is_written_as_any_page),
	KUNIT_CASE(kmap_is_direct_map),
	KUNIT_CASE(address_kinds),
	{}
};

static struct kunit_suite rmp_fault_suite = {
	.name = "rmp_fault_verdict",
	.test_cases = rmp_fault_cases,
};

kunit_test_suite(rmp_fault_suite);
