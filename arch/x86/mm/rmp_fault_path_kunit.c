// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way to the verdict: an RMP fault that comes where there is no RMP (early
 * boot, no SNP, SNP given up) must reach the stock path, and one that finds nothing
 * wrong any more must be retried. Which of the two this kernel is decides; it is
 * run with the platform on and with the platform off.
 */
#include <kunit/test.h>
#include <linux/cc_platform.h>
#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/ptrace.h>

#include <asm/rmp_fault.h>

/* A fault on a page of a 2M region that is all the host's */
static bool fault_on_shared(struct kunit *test, unsigned long error_code, bool user)
{
	struct page *page = alloc_pages(GFP_KERNEL, PMD_SHIFT - PAGE_SHIFT);
	struct pt_regs regs = { .ip = _THIS_IP_, .cs = user ? __USER_CS : __KERNEL_CS };
	bool retry;

	KUNIT_ASSERT_NOT_NULL(test, page);
	local_irq_disable();
	retry = rmp_fault_kernel(&regs, error_code, (unsigned long)page_address(page));
	local_irq_enable();
	__free_pages(page, PMD_SHIFT - PAGE_SHIFT);
	return retry;
}

static void retried_only_where_there_is_an_rmp(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, cc_platform_has(CC_ATTR_HOST_SEV_SNP),
			fault_on_shared(test, X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP, false));
}

static void never_retried(struct kunit *test)
{
	unsigned long ours = X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP;
	unsigned int bit;

	KUNIT_EXPECT_FALSE(test, fault_on_shared(test, ours & ~X86_PF_RMP, false));
	KUNIT_EXPECT_FALSE(test, fault_on_shared(test, ours & ~X86_PF_PROT, false));
	KUNIT_EXPECT_FALSE(test, fault_on_shared(test, ours & ~X86_PF_WRITE, false));
	KUNIT_EXPECT_FALSE(test, fault_on_shared(test, ours, true));

	/* Any further bit, known or reserved */
	for (bit = 2; bit < 31; bit++)
		KUNIT_EXPECT_FALSE_MSG(test, fault_on_shared(test, ours | BIT(bit), false),
				       "bit %u", bit);
}

static struct kunit_case rmp_fault_path_cases[] = {
	KUNIT_CASE(retried_only_where_there_is_an_rmp),
	KUNIT_CASE(never_retried),
	{}
};

static struct kunit_suite rmp_fault_path_suite = {
	.name = "rmp_fault_path",
	.test_cases = rmp_fault_path_cases,
};

kunit_test_suite(rmp_fault_path_suite);
