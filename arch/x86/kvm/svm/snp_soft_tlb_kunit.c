// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TLB, the walker and the instructions of the software platform on tables
 * built by hand: a nested table as KVM would build it, guest page tables in
 * guest memory, and a guest CPU in each paging mode. No guest runs. Where the
 * RMP has a say, pages are made private as KVM does it; that needs the platform
 * on, and the suite is skipped without it.
 */
#include <kunit/test.h>
#include <kunit/resource.h>
#include <linux/kvm_host.h>

#include <asm/sev.h>

#include "x86.h"
#include "mmu.h"
#include "snp_soft.h"

#define P	PT_PRESENT_MASK
#define W	PT_WRITABLE_MASK
#define U	PT_USER_MASK
#define A	PT_ACCESSED_MASK
#define D	PT_DIRTY_MASK
#define PS	PT_PAGE_SIZE_MASK
#define NX	PT64_NX_MASK
#define ADDR	GENMASK_ULL(51, PAGE_SHIFT)

#define FINAL	PFERR_GUEST_FINAL_MASK
#define WALK	(PFERR_GUEST_PAGE_MASK | PFERR_WRITE_MASK)

#define PAGES	24		/* guest memory: GPA 0, one page after the other */

struct tlb_test {
	struct snp_soft_tlb tlb;
	struct snp_soft_gctx ctx;
	struct kvm_vcpu *vcpu;
	u64 *npt;
	u8 *mem[PAGES];
	u8 *large;		/* 2M of guest memory at GPA 2M, or NULL */
};

static int top_level(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

static void put_page_back(void *page)
{
	free_page((unsigned long)page);
}

static u64 *new_page(struct kunit *test)
{
	u64 *page = (u64 *)get_zeroed_page(GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, put_page_back, page));
	return page;
}

/* The entry of @addr at @level, tables made on the way if @test is set. */
static u64 *entry_of(struct kunit *test, u64 *table, u64 addr, int level)
{
	int at;

	for (at = top_level(); ; at--) {
		u64 *entry = &table[(addr >> (PAGE_SHIFT + 9 * (at - 1))) & 511];

		if (at == level)
			return entry;
		if (!*entry) {
			if (!test)
				return NULL;
			*entry = __pa(new_page(test)) | P | W | U | A;
		}
		table = __va(*entry & ADDR);
	}
}

static u64 *npt_map(struct kunit *test, u64 gpa, u64 value, int level)
{
	struct tlb_test *t = test->priv;
	u64 *entry = entry_of(test, t->npt, gpa, level);

	*entry = value;
	return entry;
}

/* What the CPU below would find, 0: nothing. */
static u64 tlb_entry(struct tlb_test *t, bool unpaged, u64 addr)
{
	u64 *entry = entry_of(NULL, __va(snp_soft_tlb_root(&t->tlb, unpaged)), addr, 1);

	return entry ? *entry : 0;
}

static enum snp_soft_fill fill(struct tlb_test *t, u64 addr, u64 access, struct snp_soft_npf *npf)
{
	npf->gpa = addr;
	npf->error_code = access | PFERR_USER_MASK;
	return snp_soft_tlb_fill(t->vcpu, &t->tlb, &t->ctx, __pa(t->npt), npf);
}

static int tlb_test_init(struct kunit *test)
{
	struct tlb_test *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	test->priv = t;
	t->vcpu = kunit_kzalloc(test, sizeof(*t->vcpu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->vcpu);
	KUNIT_ASSERT_EQ(test, 0, snp_soft_tlb_init(&t->tlb));

	t->npt = new_page(test);
	for (i = 0; i < PAGES; i++) {
		t->mem[i] = (u8 *)new_page(test);
		npt_map(test, i * PAGE_SIZE, __pa(t->mem[i]) | P | W | U, 1);
	}

	t->ctx = (struct snp_soft_gctx) {
		.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_WP,
		.cr4 = X86_CR4_PAE,
		.efer = EFER_LME | EFER_LMA | EFER_NX,
		.cs_l = true,
		.asid = 1,
		.sev = true,
	};
	return 0;
}

static void tlb_test_exit(struct kunit *test)
{
	struct tlb_test *t = test->priv;

	if (t)
		snp_soft_tlb_free(&t->tlb);
}

/* Installed only what was asked for; D set only by the write */
static void tlb_read_then_write(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 *spte = entry_of(NULL, t->npt, 0x5000, 1), pa = __pa(t->mem[5]);
	struct snp_soft_npf npf;

	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5123, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, pa | P | U | A, tlb_entry(t, false, 0x5000));
	KUNIT_EXPECT_EQ(test, pa | P | W | U | A, *spte);

	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5123, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, pa | P | W | U | A | D, tlb_entry(t, false, 0x5000));
	KUNIT_EXPECT_EQ(test, pa | P | W | U | A | D, *spte);

	/* A later read takes nothing away; a flush takes all */
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5123, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, pa | P | W | U | A | D, tlb_entry(t, false, 0x5000));
	snp_soft_tlb_drop(&t->tlb);
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, 0x5000));
}

/* Another page under the same address brings its own permissions */
static void tlb_remapped(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;

	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5000, FINAL | W, &npf));
	npt_map(test, 0x5000, __pa(t->mem[6]) | P | U | NX, 1);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5000, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, __pa(t->mem[6]) | P | U | A | NX, tlb_entry(t, false, 0x5000));
}

static void tlb_c_bit(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;

	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY,
			fill(t, 0x5000 | SNP_SOFT_C_MASK, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, 0x5000, npf.gpa);
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, 0x5000));
	KUNIT_EXPECT_EQ(test, __pa(t->mem[5]) | P | W | U | A | D,
			tlb_entry(t, false, 0x5000 | SNP_SOFT_C_MASK));

	/* Without SEV it is an address bit like any other */
	t->ctx.sev = false;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x5000 | SNP_SOFT_C_MASK, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, 0x5000 | SNP_SOFT_C_MASK, npf.gpa);
}

static void tlb_unpaged_root(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;

	t->ctx.cr0 &= ~X86_CR0_PG;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x5000, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, 0x5000));
	KUNIT_EXPECT_EQ(test, __pa(t->mem[5]) | P | U | A, tlb_entry(t, true, 0x5000));
	KUNIT_EXPECT_NE(test, snp_soft_tlb_root(&t->tlb, false), snp_soft_tlb_root(&t->tlb, true));
}

static void tlb_large_mappings(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;

	/* PAT (bit 12 of a large entry) and low address bits are no address */
	npt_map(test, 3ULL << 30, (7ULL << 30) | BIT(12) | P | W | U | PS, 3);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, (3ULL << 30) + 0x23456789, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, ((7ULL << 30) + 0x23456000) | P | U | A,
			tlb_entry(t, false, (3ULL << 30) + 0x23456000));

	npt_map(test, 2ULL << 30, (9ULL << 21) | P | W | U | PS, 2);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, (2ULL << 30) + 0x1f000, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, ((9ULL << 21) + 0x1f000) | P | U | A,
			tlb_entry(t, false, (2ULL << 30) + 0x1f000));
}

static void tlb_faults(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;

	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 1ULL << 40, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | U | W, npf.error_code);

	npt_map(test, 0x5000, __pa(t->mem[5]) | P | U | NX, 1);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x5000, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | P | U | W, npf.error_code);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x5000, FINAL | PFERR_FETCH_MASK, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | P | U | PFERR_FETCH_MASK, npf.error_code);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x5000, WALK, &npf));
	KUNIT_EXPECT_EQ(test, WALK | P | U, npf.error_code);
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, 0x5000));

	/* KVM's MMIO entry; A and D stay out of it */
	if (kvm_host.maxphyaddr < 52) {
		u64 *spte = npt_map(test, 0x5000, BIT_ULL(51) | P, 1);

		KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x5008, FINAL | W, &npf));
		KUNIT_EXPECT_EQ(test, FINAL | P | U | W | PFERR_RSVD_MASK, npf.error_code);
		KUNIT_EXPECT_EQ(test, 0x5008, npf.gpa);
		KUNIT_EXPECT_EQ(test, BIT_ULL(51) | P, *spte);
	}

	/* SNP: ENC tells private from shared; no page here is in the RMP */
	t->ctx.snp = true;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF,
			fill(t, 0x6000 | SNP_SOFT_C_MASK, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | P | U | PFERR_GUEST_ENC_MASK | PFERR_GUEST_RMP_MASK,
			npf.error_code);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0x6000, WALK, &npf));
	KUNIT_EXPECT_EQ(test, WALK | P | U | PFERR_GUEST_ENC_MASK | PFERR_GUEST_RMP_MASK,
			npf.error_code);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0x6000, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, __pa(t->mem[6]) | P | U | A | NX, tlb_entry(t, false, 0x6000));
}

/* More tables than the pool has: the last translation is always there */
static void tlb_exhausted(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;
	u64 i, gpa;

	for (i = 0; i < SNP_SOFT_TLB_PAGES; i++) {
		gpa = i << 30;
		npt_map(test, gpa, __pa(t->mem[0]) | P | W | U, 1);
		KUNIT_ASSERT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, gpa, FINAL | W, &npf));
		KUNIT_ASSERT_NE(test, 0, tlb_entry(t, false, gpa));
	}
	KUNIT_EXPECT_GT(test, t->tlb.drops, 0);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_TLB_PAGES, t->tlb.fills);
}

/* ---- the walker ----------------------------------------------------------- */

static void put64(struct tlb_test *t, int page, int index, u64 value)
{
	((u64 *)t->mem[page])[index] = value;
}

static void put32(struct tlb_test *t, int page, int index, u32 value)
{
	((u32 *)t->mem[page])[index] = value;
}

static int walk(struct tlb_test *t, u64 gva, u64 access, u64 *gpa, bool *c_bit,
		struct snp_soft_npf *npf)
{
	return snp_soft_gva_to_gpa(t->vcpu, &t->ctx, __pa(t->npt), gva, access, gpa, c_bit, NULL,
				   npf);
}

/* Tables in pages 1 to 4 of guest memory; GVA 0 on: 4K leaves in page 4 */
static void long_mode_tables(struct tlb_test *t)
{
	t->ctx.cr3 = 0x1000 | SNP_SOFT_C_MASK;
	put64(t, 1, 0, 0x2000 | SNP_SOFT_C_MASK | P | W | U);
	put64(t, 2, 0, 0x3000 | P | W | U);
	put64(t, 3, 0, 0x4000 | P | W | U);
}

static void walk_long_mode(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;
	bool c_bit;
	u64 gpa;

	long_mode_tables(t);
	put64(t, 4, 7, 0x9000 | SNP_SOFT_C_MASK | P | W);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x7abc, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x9abc, gpa);
	KUNIT_EXPECT_TRUE(test, c_bit);

	put64(t, 3, 1, 0x400000 | P | W | PS);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x2abcde, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x4abcde, gpa);
	KUNIT_EXPECT_FALSE(test, c_bit);

	put64(t, 2, 1, 0x80000000 | P | W | PS);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x7abcdef0, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0xbabcdef0, gpa);
}

static void walk_faults(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;
	u64 gpa;

	long_mode_tables(t);
	put64(t, 4, 1, 0x9000 | P | NX);	/* supervisor, read-only, NX */
	put64(t, 4, 2, 0x9000 | P | W | U);

	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x3456, W, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, W, npf.pf_error);
	KUNIT_EXPECT_EQ(test, 0x3456, npf.gva);

	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x1000, W, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, P | W, npf.pf_error);
	t->ctx.cr0 &= ~X86_CR0_WP;
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x1000, W, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x1000, U, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, P | U, npf.pf_error);
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x1000, PFERR_FETCH_MASK, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, P | PFERR_FETCH_MASK, npf.pf_error);

	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x2000, PFERR_FETCH_MASK, &gpa, NULL, &npf));
	t->ctx.cr4 |= X86_CR4_SMEP | X86_CR4_SMAP;
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x2000, PFERR_FETCH_MASK, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x2000, 0, &gpa, NULL, &npf));
	t->ctx.rflags |= X86_EFLAGS_AC;
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0x2000, 0, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x2000, PFERR_IMPLICIT_ACCESS, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, P, npf.pf_error);

	put64(t, 1, 0, 0x2000 | P | PS);
	KUNIT_EXPECT_EQ(test, -EFAULT, walk(t, 0x2000, 0, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, P | PFERR_RSVD_MASK, npf.pf_error);

	/* A table outside the nested table is KVM's to map */
	put64(t, 1, 0, (1ULL << 40) | P);
	KUNIT_EXPECT_EQ(test, -EAGAIN, walk(t, 0x1008, 0, &gpa, NULL, &npf));
	KUNIT_EXPECT_EQ(test, (1ULL << 40), npf.gpa);
	KUNIT_EXPECT_EQ(test, WALK | U, npf.error_code);
}

static void walk_legacy_modes(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_npf npf;
	bool c_bit;
	u64 gpa;

	t->ctx.efer = 0;
	t->ctx.cs_l = false;
	t->ctx.cr3 = 0x1020;			/* PAE: 32-byte aligned */
	put64(t, 1, 4 + 3, 0x2000 | P);
	put64(t, 2, 1, 0x3000 | P | W);
	put64(t, 3, 2, 0x9000 | SNP_SOFT_C_MASK | P | W);
	put64(t, 2, 2, 0x600000 | P | W | PS);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0xc0202123, W, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x9123, gpa);
	KUNIT_EXPECT_TRUE(test, c_bit);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0xc0412345, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x612345, gpa);
	KUNIT_EXPECT_FALSE(test, c_bit);

	t->ctx.cr4 = X86_CR4_PSE;		/* two levels, 4M pages */
	t->ctx.cr3 = 0x5000;
	put32(t, 5, 768, 0x6000 | P | W);
	put32(t, 6, 3, 0x9000 | P | W);
	put32(t, 5, 769, 0x00800000 | BIT(13) | P | W | PS);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0xc0003456, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x9456, gpa);
	KUNIT_EXPECT_TRUE(test, c_bit);
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0xc0412345, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0x100812345ULL, gpa);

	t->ctx.cr0 &= ~X86_CR0_PG;
	KUNIT_EXPECT_EQ(test, 0, walk(t, 0xc0412345, 0, &gpa, &c_bit, &npf));
	KUNIT_EXPECT_EQ(test, 0xc0412345, gpa);
	KUNIT_EXPECT_TRUE(test, c_bit);
}

static void walk_memory(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 nested_cr3 = __pa(t->npt);
	struct snp_soft_npf npf;
	char buf[8] = "";

	long_mode_tables(t);
	put64(t, 4, 1, 0x9000 | P | W);
	put64(t, 4, 2, 0xa000 | P | W);
	put64(t, 4, 3, 0xb000 | P);

	KUNIT_EXPECT_EQ(test, 0, snp_soft_guest_write(t->vcpu, &t->ctx, nested_cr3, 0x1ffd,
						      "abcdef", 6, &npf));
	KUNIT_EXPECT_MEMEQ(test, t->mem[9] + 0xffd, "abc", 3);
	KUNIT_EXPECT_MEMEQ(test, t->mem[10], "def", 3);
	KUNIT_EXPECT_EQ(test, 0, snp_soft_guest_read(t->vcpu, &t->ctx, nested_cr3, 0x1ffd, true,
						     buf, 6, &npf));
	KUNIT_EXPECT_STREQ(test, buf, "abcdef");

	/* The second page refuses: the first keeps what it had */
	KUNIT_EXPECT_EQ(test, -EFAULT, snp_soft_guest_write(t->vcpu, &t->ctx, nested_cr3, 0x2ffd,
							    "abcdef", 6, &npf));
	KUNIT_EXPECT_EQ(test, 0x3000, npf.gva);
	KUNIT_EXPECT_EQ(test, P | W, npf.pf_error);
	KUNIT_EXPECT_EQ(test, 0, t->mem[10][0xffd]);
}

/* ---- with the RMP: instructions, and fills of private pages --------------- */

#define SNP_ASID	1
#define LARGE_GPA	PMD_SIZE
#define CODE		0x8000
#define PVALIDATE	CODE
#define RMPADJUST	(CODE + 0x10)
#define UD2		(CODE + 0x20)
#define SHORT_UD2	(CODE + 0xffe)	/* the page after it is not mapped */
#define NOT_MAPPED	0x9000

static void make_private(struct kunit *test, int page)
{
	struct tlb_test *t = test->priv;

	KUNIT_ASSERT_EQ(test, 0, rmp_make_private(__pa(t->mem[page]) >> PAGE_SHIFT,
						  page * PAGE_SIZE, PG_LEVEL_4K, SNP_ASID, false));
}

static void make_validated(struct kunit *test, int page)
{
	struct tlb_test *t = test->priv;
	bool changed;

	make_private(test, page);
	KUNIT_ASSERT_EQ(test, 0, snp_soft_rmp_pvalidate(__pa(t->mem[page]) >> PAGE_SHIFT,
							page * PAGE_SIZE, SNP_ASID, false, true,
							&changed));
}

static int insn_test_init(struct kunit *test)
{
	struct tlb_test *t;
	int ret, i;

	if (!snp_soft_enabled())
		kunit_skip(test, "needs snp_soft=on");

	ret = tlb_test_init(test);
	if (ret)
		return ret;
	t = test->priv;

	t->large = (u8 *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, PMD_SHIFT - PAGE_SHIFT);
	KUNIT_ASSERT_NOT_NULL(test, t->large);
	npt_map(test, LARGE_GPA, __pa(t->large) | P | W | U | PS, 2);

	long_mode_tables(t);
	put64(t, 3, 1, LARGE_GPA | SNP_SOFT_C_MASK | P | W | PS);
	for (i = 0; i < PAGES; i++) {
		if (i != NOT_MAPPED >> PAGE_SHIFT)
			put64(t, 4, i, i * PAGE_SIZE | SNP_SOFT_C_MASK | P | W);
	}
	memcpy(&t->mem[8][0x00], "\xf2\x0f\x01\xff", 4);
	memcpy(&t->mem[8][0x10], "\xf3\x0f\x01\xfe", 4);
	memcpy(&t->mem[8][0x20], "\x0f\x0b", 2);
	memcpy(&t->mem[8][0xffe], "\x0f\x0b", 2);

	for (i = 1; i <= 4; i++)
		make_validated(test, i);
	make_validated(test, CODE >> PAGE_SHIFT);

	t->ctx.snp = true;
	t->ctx.es = true;
	t->ctx.asid = SNP_ASID;
	return 0;
}

static void insn_test_exit(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct snp_soft_rmpe e = {};
	u64 pfn;
	int i;

	if (!t)
		return;

	for (i = 0; i < PAGES; i++) {
		if (t->mem[i])
			rmp_make_shared(__pa(t->mem[i]) >> PAGE_SHIFT, PG_LEVEL_4K);
	}
	if (t->large) {
		pfn = __pa(t->large) >> PAGE_SHIFT;
		snp_soft_rmp_read(pfn, &e);
		rmp_make_shared(pfn, e.pagesize ? PG_LEVEL_2M : PG_LEVEL_4K);
		free_pages((unsigned long)t->large, PMD_SHIFT - PAGE_SHIFT);
	}
	tlb_test_exit(test);
}

struct insn_run {
	struct snp_soft_gregs regs;
	struct snp_soft_npf npf;
	u32 pf_error;
	u64 fault_gva;
};

static enum snp_soft_insn insn(struct kunit *test, struct insn_run *run, u64 rip, u64 rax,
			       u64 rcx, u64 rdx)
{
	struct tlb_test *t = test->priv;

	*run = (struct insn_run) {
		.regs = { .rax = rax, .rcx = rcx, .rdx = rdx, .rip = rip,
			  .rflags = X86_EFLAGS_FIXED | X86_EFLAGS_CF | X86_EFLAGS_OF },
	};
	return snp_soft_guest_ud(t->vcpu, &t->ctx, __pa(t->npt), &run->regs, &run->npf,
				 &run->pf_error, &run->fault_gva);
}

static void expect_done(struct kunit *test, struct insn_run *run, u64 status, bool carry,
			u64 rip, u64 rax, u64 rcx, u64 rdx)
{
	KUNIT_EXPECT_EQ_MSG(test, SNP_SOFT_INSN_DONE, insn(test, run, rip, rax, rcx, rdx),
			    "rip %llx rax %llx rcx %llx rdx %llx", rip, rax, rcx, rdx);
	KUNIT_EXPECT_EQ_MSG(test, status, run->regs.rax, "rip %llx rax %llx rcx %llx rdx %llx",
			    rip, rax, rcx, rdx);
	KUNIT_EXPECT_EQ(test, carry, !!(run->regs.rflags & X86_EFLAGS_CF));
	KUNIT_EXPECT_EQ(test, !status, !!(run->regs.rflags & X86_EFLAGS_ZF));
	KUNIT_EXPECT_EQ(test, 0, run->regs.rflags & X86_EFLAGS_OF);
	KUNIT_EXPECT_EQ(test, rip + 4, run->regs.rip);
}

static void expect_npf(struct kunit *test, struct insn_run *run, u64 gpa, u64 bits, u64 rip,
		       u64 rax, u64 rcx, u64 rdx)
{
	KUNIT_EXPECT_EQ_MSG(test, SNP_SOFT_INSN_NPF, insn(test, run, rip, rax, rcx, rdx),
			    "rip %llx rax %llx rcx %llx rdx %llx", rip, rax, rcx, rdx);
	KUNIT_EXPECT_EQ(test, gpa, run->npf.gpa);
	KUNIT_EXPECT_EQ(test, FINAL | P | U | PFERR_GUEST_ENC_MASK | PFERR_GUEST_RMP_MASK | bits,
			run->npf.error_code);
	KUNIT_EXPECT_EQ(test, rip, run->regs.rip);
}

/* APM vol. 3, PVALIDATE: exceptions, then operands, before any translation */
static void insn_refused(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct insn_run run;

	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_UD, insn(test, &run, UD2, 0xa000, 0, 1));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_UD, insn(test, &run, SHORT_UD2, 0xa000, 0, 1));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_GP, insn(test, &run, PVALIDATE, 1ULL << 60, 0, 1));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_PF, insn(test, &run, PVALIDATE, NOT_MAPPED, 0, 1));
	KUNIT_EXPECT_EQ(test, NOT_MAPPED, run.fault_gva);
	KUNIT_EXPECT_EQ(test, 0, run.pf_error);
	KUNIT_EXPECT_EQ(test, PVALIDATE, run.regs.rip);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_PF, insn(test, &run, NOT_MAPPED, 0xa000, 0, 1));
	KUNIT_EXPECT_EQ(test, PFERR_FETCH_MASK, run.pf_error);

	expect_done(test, &run, SNP_SOFT_FAIL_INPUT, false, PVALIDATE, 0xa000, 2, 1);
	expect_done(test, &run, SNP_SOFT_FAIL_INPUT, false, PVALIDATE, 0xa000, 1, 1);

	t->ctx.vmpl = 1;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_NPF, insn(test, &run, PVALIDATE, 0xa000, 0, 1));
	t->ctx.vmpl = 0;
	t->ctx.snp = false;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_UD, insn(test, &run, PVALIDATE, 0xa000, 0, 1));
	t->ctx.snp = true;
	t->ctx.cs_l = false;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_UD, insn(test, &run, RMPADJUST, 0xa000, 0, 1));
}

static void insn_user(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct insn_run run;
	u64 pte = CODE | SNP_SOFT_C_MASK | P | U;

	/* The table is the guest's now: written as firmware would */
	snp_soft_phys_write(__pa(t->mem[4]) + (CODE >> PAGE_SHIFT) * sizeof(pte), &pte,
			    sizeof(pte));
	t->ctx.cpl = 3;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_GP, insn(test, &run, PVALIDATE, 0xa000, 0, 1));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_GP, insn(test, &run, RMPADJUST, 0xa000, 0, 1));
}

static void insn_pvalidate_4k(struct kunit *test)
{
	struct insn_run run;

	expect_npf(test, &run, 0xa000, 0, PVALIDATE, 0xa000, 0, 1);
	make_private(test, 10);
	expect_done(test, &run, 0, false, PVALIDATE, 0xa123, 0, 1);
	expect_done(test, &run, 0, true, PVALIDATE, 0xa000, 0, 1);
	expect_done(test, &run, 0, false, PVALIDATE, 0xa000, 0, 0);
	expect_done(test, &run, 0, true, PVALIDATE, 0xa000, 0, 0);
}

/* The page is the guest's, but for another address */
static void insn_pvalidate_remapped(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	struct insn_run run;

	make_private(test, 10);
	npt_map(test, 0xb000, __pa(t->mem[10]) | P | W | U, 1);
	expect_npf(test, &run, 0xb000, 0, PVALIDATE, 0xb000, 0, 1);
}

static void insn_pvalidate_2m(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 pfn = __pa(t->large) >> PAGE_SHIFT;
	struct insn_run run;

	KUNIT_ASSERT_EQ(test, 0, rmp_make_private(pfn, LARGE_GPA, PG_LEVEL_4K, SNP_ASID, false));
	expect_done(test, &run, SNP_SOFT_FAIL_SIZEMISMATCH, false, PVALIDATE, LARGE_GPA, 1, 1);
	KUNIT_ASSERT_EQ(test, 0, rmp_make_shared(pfn, PG_LEVEL_4K));

	KUNIT_ASSERT_EQ(test, 0, rmp_make_private(pfn, LARGE_GPA, PG_LEVEL_2M, SNP_ASID, false));
	expect_npf(test, &run, LARGE_GPA + 0x5000, PFERR_GUEST_SIZEM_MASK,
		   PVALIDATE, LARGE_GPA + 0x5000, 0, 1);
	expect_done(test, &run, 0, false, PVALIDATE, LARGE_GPA, 1, 1);
	expect_done(test, &run, 0, true, PVALIDATE, LARGE_GPA, 1, 1);
}

static void insn_rmpadjust(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 read_vmpl1 = 1 | SNP_SOFT_PERM_R << 8;
	struct insn_run run;

	expect_npf(test, &run, 0xa000, 0, RMPADJUST, 0xa000, 0, read_vmpl1);
	make_private(test, 10);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_INSN_VC, insn(test, &run, RMPADJUST, 0xa000, 0,
						     read_vmpl1));
	KUNIT_EXPECT_EQ(test, 0xa000, run.fault_gva);

	/* RMPADJUST leaves CF as it was: set */
	expect_done(test, &run, 0, false, PVALIDATE, 0xa000, 0, 1);
	expect_done(test, &run, SNP_SOFT_FAIL_INPUT, true, RMPADJUST, 0xa000, 2, read_vmpl1);
	expect_done(test, &run, SNP_SOFT_FAIL_PERMISSION, true, RMPADJUST, 0xa000, 0, 0);
	expect_done(test, &run, 0, true, RMPADJUST, 0xa000, 0, read_vmpl1);

	/* What was given is what the TLB lets through */
	t->ctx.vmpl = 1;
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY,
			fill(t, 0xa000 | SNP_SOFT_C_MASK, FINAL, &run.npf));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF,
			fill(t, 0xa000 | SNP_SOFT_C_MASK, FINAL | W, &run.npf));
	KUNIT_EXPECT_EQ(test, PFERR_GUEST_VMPL_MASK, run.npf.error_code & PFERR_GUEST_VMPL_MASK);
}

/* A page's life: shared, assigned, validated, shared again */
static void fill_private(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 pa = __pa(t->mem[10]), private = 0xa000 | SNP_SOFT_C_MASK;
	struct snp_soft_npf npf;
	struct insn_run run;

	snp_soft_tlb_sync(&t->tlb);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, private, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0xa000, FINAL | W, &npf));

	make_private(test, 10);
	snp_soft_tlb_sync(&t->tlb);
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, 0xa000));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, 0xa000, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | P | U | W | PFERR_GUEST_RMP_MASK, npf.error_code);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_VC, fill(t, private, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_VC, fill(t, 0xa000, WALK, &npf));

	expect_done(test, &run, 0, false, PVALIDATE, 0xa000, 0, 1);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, private, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, pa | P | W | U | A | D | NX, tlb_entry(t, false, private));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, 0xa000, FINAL | PFERR_FETCH_MASK,
							&npf));
	KUNIT_EXPECT_EQ(test, pa | P | U | A, tlb_entry(t, false, 0xa000));

	KUNIT_ASSERT_EQ(test, 0, rmp_make_shared(pa >> PAGE_SHIFT, PG_LEVEL_4K));
	snp_soft_tlb_sync(&t->tlb);
	KUNIT_EXPECT_EQ(test, 0, tlb_entry(t, false, private));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, private, FINAL, &npf));
}

/* Sizes must agree for private pages; shared writes want the whole mapping */
static void fill_large(struct kunit *test)
{
	struct tlb_test *t = test->priv;
	u64 pfn = __pa(t->large) >> PAGE_SHIFT;
	struct snp_soft_npf npf;

	snp_soft_tlb_sync(&t->tlb);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, LARGE_GPA + 0x5000, FINAL | W, &npf));

	KUNIT_ASSERT_EQ(test, 0, rmp_make_private(pfn, LARGE_GPA, PG_LEVEL_4K, SNP_ASID, false));
	snp_soft_tlb_sync(&t->tlb);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_RETRY, fill(t, LARGE_GPA + 0x5000, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, LARGE_GPA + 0x5000, FINAL | W, &npf));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF, fill(t, LARGE_GPA | SNP_SOFT_C_MASK, FINAL,
						      &npf));
	KUNIT_ASSERT_EQ(test, 0, rmp_make_shared(pfn, PG_LEVEL_4K));

	KUNIT_ASSERT_EQ(test, 0, rmp_make_private(pfn, LARGE_GPA, PG_LEVEL_2M, SNP_ASID, false));
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_VC,
			fill(t, (LARGE_GPA + 0x5000) | SNP_SOFT_C_MASK, FINAL, &npf));

	/* KVM mapped it small: #NPF asks for PSMASH, without SIZEM */
	npt_map(test, LARGE_GPA, 0, 2);
	npt_map(test, LARGE_GPA + 0x5000, (__pa(t->large) + 0x5000) | P | W | U, 1);
	KUNIT_EXPECT_EQ(test, SNP_SOFT_FILL_NPF,
			fill(t, (LARGE_GPA + 0x5000) | SNP_SOFT_C_MASK, FINAL, &npf));
	KUNIT_EXPECT_EQ(test, FINAL | P | U | PFERR_GUEST_ENC_MASK | PFERR_GUEST_RMP_MASK,
			npf.error_code);
}

static struct kunit_case insn_cases[] = {
	KUNIT_CASE(insn_refused),
	KUNIT_CASE(insn_user),
	KUNIT_CASE(insn_pvalidate_4k),
	KUNIT_CASE(insn_pvalidate_remapped),
	KUNIT_CASE(insn_pvalidate_2m),
	KUNIT_CASE(insn_rmpadjust),
	KUNIT_CASE(fill_private),
	KUNIT_CASE(fill_large),
	{ }
};

static struct kunit_suite insn_suite = {
	.name = "snp_soft_insn",
	.init = insn_test_init,
	.exit = insn_test_exit,
	.test_cases = insn_cases,
};

static struct kunit_case tlb_cases[] = {
	KUNIT_CASE(tlb_read_then_write),
	KUNIT_CASE(tlb_remapped),
	KUNIT_CASE(tlb_c_bit),
	KUNIT_CASE(tlb_unpaged_root),
	KUNIT_CASE(tlb_large_mappings),
	KUNIT_CASE(tlb_faults),
	KUNIT_CASE(tlb_exhausted),
	KUNIT_CASE(walk_long_mode),
	KUNIT_CASE(walk_faults),
	KUNIT_CASE(walk_legacy_modes),
	KUNIT_CASE(walk_memory),
	{ }
};

static struct kunit_suite tlb_suite = {
	.name = "snp_soft_tlb",
	.init = tlb_test_init,
	.exit = tlb_test_exit,
	.test_cases = tlb_cases,
};

kunit_test_suites(&tlb_suite, &insn_suite);
