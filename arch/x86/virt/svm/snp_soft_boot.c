// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software SNP platform: how it comes up, and what the CPU says about it.
 *
 * Upstream's SEV code asks the processor four things: capabilities, CPUID
 * leaves, the RMP's place (two MSRs), and whether SNP may be used at all. Each
 * answer is given here, at the time at which the processor would give it, and
 * upstream's own initialisation runs on them unchanged. The decision is made
 * once, on the boot CPU before any capability is used; from then on
 * it can only be revoked whole, never in part.
 *
 * Called from the hooks in amd.c, svm/sev.c, kvm/cpuid.c, kvm/svm/{sev,svm}.c.
 */
#define pr_fmt(fmt) "snp_soft: " fmt

#include <linux/amd-iommu.h>
#include <linux/cc_platform.h>
#include <linux/cpufeature.h>
#include <linux/init.h>
#include <linux/memblock.h>
#include <linux/panic.h>
#include <linux/pgtable.h>
#include <linux/processor.h>

#include <asm/cmdline.h>
#include <asm/iommu.h>
#include <asm/msr.h>
#include <asm/rmp_fault.h>
#include <asm/setup.h>
#include <asm/sev.h>

#include "snp_soft_parts.h"

#define RMP_BOOKKEEPING_SIZE	0x4000

DEFINE_STATIC_KEY_FALSE(snp_soft_key);
EXPORT_SYMBOL_GPL(snp_soft_key);

/* Set once, long before static keys can be changed. */
static bool snp_soft_on __ro_after_init;
static u64 snp_soft_rmp_base __ro_after_init;
static u64 snp_soft_rmp_size __ro_after_init;

/* Why the platform stays off although the command line names it. */
static const char *snp_soft_refusal __ro_after_init = "needs an AMD processor";

static bool __init snp_soft_real_snp(struct cpuinfo_x86 *c)
{
	u64 syscfg;

	if (cpu_has(c, X86_FEATURE_SEV_SNP))
		return true;

	return !rdmsrl_safe(MSR_AMD64_SYSCFG, &syscfg) && (syscfg & MSR_AMD64_SYSCFG_SNP_EN);
}

static void __init snp_soft_decide(struct cpuinfo_x86 *c)
{
	char arg[8];

	if (cmdline_find_option(boot_command_line, "snp_soft", arg, sizeof(arg)) != 2 ||
	    strcmp(arg, "on")) {
		snp_soft_refusal = NULL;
		return;
	}

	if (snp_soft_real_snp(c)) {
		snp_soft_refusal = "this processor has SEV-SNP itself";
		return;
	}

	if (!cpu_has(c, X86_FEATURE_SVM) || !cpu_has(c, X86_FEATURE_NPT)) {
		snp_soft_refusal = "needs SVM with nested paging";
		return;
	}

	if (c->x86_phys_bits != SNP_SOFT_C_BIT + 1) {
		snp_soft_refusal = "needs 48 physical address bits";
		return;
	}

	snp_soft_refusal = NULL;
	snp_soft_on = true;

	/* DEBUG_SWAP, SME_COHERENT, V_TSC_AUX, V_SPEC_CTRL: nobody emulates them. */
	setup_force_cpu_cap(X86_FEATURE_SEV);
	setup_force_cpu_cap(X86_FEATURE_SEV_ES);
	setup_force_cpu_cap(X86_FEATURE_NRIPS);
	setup_force_cpu_cap(X86_FEATURE_DECODEASSISTS);
	setup_force_cpu_cap(X86_FEATURE_FLUSHBYASID);
	setup_force_cpu_cap(X86_FEATURE_LBRV);

	/* CR0.WP cannot be cleared under CR4.CET, see snp_soft_phys_write(). */
	setup_clear_cpu_cap(X86_FEATURE_SHSTK);
	setup_clear_cpu_cap(X86_FEATURE_IBT);

	/* Silicon checks a 1G mapping like 2M ones; write protection cannot. */
	setup_clear_cpu_cap(X86_FEATURE_GBPAGES);
}

/**
 * snp_soft_detect() - may the capabilities of this CPU be taken as they are?
 * @c: the CPU being identified
 *
 * Called from early_detect_mem_encrypt(), twice on the boot CPU (before and
 * after bsp_determine_snp()) and once on each other. Without the platform, stock
 * code goes on and drops SEV where the firmware has not enabled memory
 * encryption.
 *
 * bsp_determine_snp() would look for the RMP before memblock can give us one, so
 * the SNP capability itself appears only on the second call. All this is
 * before alternatives are patched.
 *
 * Context: CPU bring-up, IRQs off.
 * Return: true if the platform has set them.
 */
bool __ref snp_soft_detect(struct cpuinfo_x86 *c)
{
	static bool decided __ro_after_init;

	if (c != &boot_cpu_data)
		return snp_soft_on;

	if (!decided) {
		decided = true;
		snp_soft_decide(c);
	} else if (snp_soft_on && !cpu_has(c, X86_FEATURE_SEV_SNP)) {
		setup_force_cpu_cap(X86_FEATURE_SEV_SNP);
	}

	return snp_soft_on;
}

/**
 * snp_soft_cpuid_max() - Fn8000_0000 EAX, the last extended leaf
 * @fn: what the CPUID instruction said
 *
 * QEMU's EPYC models may end before the leaf that describes SEV.
 *
 * Context: any.
 * Return: at least Fn8000_001F.
 */
u32 snp_soft_cpuid_max(u32 fn)
{
	return snp_soft_on ? max(fn, 0x8000001fU) : fn;
}
EXPORT_SYMBOL_GPL(snp_soft_cpuid_max);

/**
 * snp_soft_cpuid() - rewrite a CPUID leaf as the platform's processor has it
 * @fn: EAX on input of the CPUID instruction
 * @index: ECX on input
 * @eax: result register, rewritten in place
 * @ebx: likewise
 * @ecx: likewise
 * @edx: likewise
 *
 * APM vol. 3, appendix E: Fn8000_0000, Fn8000_000A (SVM), Fn8000_001F (encrypted memory).
 *
 * Context: any.
 */
void snp_soft_cpuid(u32 fn, u32 index, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx)
{
	if (!snp_soft_on)
		return;

	switch (fn) {
	case 0x80000000:
		*eax = snp_soft_cpuid_max(*eax);
		break;
	case 0x8000000a:
		*ebx = SNP_SOFT_NR_SVM_ASIDS;
		break;
	case 0x8000001f:
		*eax = BIT(1) | BIT(3) | BIT(4);	/* SEV, SEV-ES, SEV-SNP */
		*ebx = SNP_SOFT_C_BIT | 4 << 12;	/* no address bit lost; 4 VMPLs */
		*ecx = SNP_SOFT_NR_ASIDS;
		*edx = SNP_SOFT_MIN_SEV_ASID;
		break;
	default:
		break;
	}
}
EXPORT_SYMBOL_GPL(snp_soft_cpuid);

/**
 * snp_soft_nr_asids() - Fn8000_000A EBX for KVM's ASID allocator
 * @nr: what the CPUID instruction said
 *
 * TCG has 16. With all SEV ASIDs taken off, ordinary VMs would start a new
 * generation, and flush everything, on each new ASID.
 *
 * Context: any.
 * Return: the number of ASIDs.
 */
u32 snp_soft_nr_asids(u32 nr)
{
	return snp_soft_on ? SNP_SOFT_NR_SVM_ASIDS : nr;
}
EXPORT_SYMBOL_GPL(snp_soft_nr_asids);

/**
 * snp_soft_rmp_msrs() - RMP_BASE and RMP_END, which other processors lack
 * @base: MSR C001_0132: first byte of the RMP
 * @end: MSR C001_0133: its last byte
 *
 * Context: any.
 */
void snp_soft_rmp_msrs(u64 *base, u64 *end)
{
	if (!snp_soft_rmp_base)
		return;

	*base = snp_soft_rmp_base;
	*end = snp_soft_rmp_base + snp_soft_rmp_size - 1;
}

/*
 * The part of a BIOS: reserve the RMP, after the memory map is known and before
 * memblock hands its memory to the page allocator. Whole 2M pages, so that the
 * RMP shares no mapping with anything else.
 */
static int __init snp_soft_setup(char *arg)
{
	u64 size = ALIGN(((u64)max_pfn << 4) + RMP_BOOKKEEPING_SIZE, PMD_SIZE);

	if (strcmp(arg, "on") && strcmp(arg, "off")) {
		pr_warn("unknown value '%s' (on, off): the platform stays off\n", arg);
		return 1;
	}

	if (!strcmp(arg, "on") && snp_soft_refusal) {
		pr_warn("%s: the platform stays off\n", snp_soft_refusal);
		return 1;
	}

	if (!snp_soft_on || snp_soft_rmp_base)
		return 1;

	snp_soft_rmp_base = memblock_phys_alloc(size, PMD_SIZE);
	snp_soft_rmp_size = size;
	if (!snp_soft_rmp_base)
		pr_warn("no %llu MiB of memory for the RMP\n", size >> 20);

	return 1;
}
__setup("snp_soft=", snp_soft_setup);

/*
 * After pci_iommu_init() (same level, linked earlier), which would turn SNP off
 * for want of an IOMMU, and before any device_initcall: KVM and ccp.
 */
static int __init snp_soft_init(void)
{
	int ret;

	if (!snp_soft_rmp_base)
		return 0;

	amd_iommu_snp_en = true;
	if (!snp_probe_rmptable_info()) {
		ret = -ENODEV;
		goto err_iommu;
	}

	cc_platform_set(CC_ATTR_HOST_SEV_SNP);
	ret = snp_soft_rmp_init(snp_soft_rmp_base + RMP_BOOKKEEPING_SIZE,
				snp_soft_rmp_size - RMP_BOOKKEEPING_SIZE);
	if (ret)
		goto err_attr;

	ret = snp_rmptable_init();
	if (ret)
		goto err_attr;

	ret = snp_soft_insn_init();
	if (ret)
		goto err_attr;

	static_branch_enable(&snp_soft_key);
	rmp_set_assigned(snp_soft_user_protect);

	/* Results on this kernel are those of a test, never of a product. */
	add_taint(TAINT_TEST, LOCKDEP_STILL_OK);
	pr_warn("software SEV-SNP platform on, %llu MiB RMP at %#llx: no memory is encrypted, for development and test only\n",
		snp_soft_rmp_size >> 20, snp_soft_rmp_base);
	return 0;

err_attr:
	cc_platform_clear(CC_ATTR_HOST_SEV_SNP);
err_iommu:
	amd_iommu_snp_en = false;
	pr_err("the platform could not start: %d\n", ret);
	return ret;
}
rootfs_initcall(snp_soft_init);
