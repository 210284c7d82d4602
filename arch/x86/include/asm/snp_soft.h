/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The software SNP platform as its own parts see it: one RMP, one firmware,
 * many guest CPUs. Stock files see it only through the hooks (*.cocci), each
 * of which is one call declared here; production code of the page-state
 * subsystem must not include this file.
 */
#ifndef _ASM_X86_SNP_SOFT_H
#define _ASM_X86_SNP_SOFT_H

#include <linux/bits.h>
#include <linux/types.h>
#include <linux/jump_label.h>
#include <linux/build_bug.h>
#include <asm/page.h>

struct cpuinfo_x86;
struct pt_regs;
struct rmp_state;
struct kvm_vcpu;

/* What CPUID Fn8000_001F reports: C-bit 47, see docs/platform.rst for why. */
#define SNP_SOFT_C_BIT		47
#define SNP_SOFT_C_MASK		BIT_ULL(SNP_SOFT_C_BIT)
#define SNP_SOFT_NR_ASIDS	15	/* ECX: ASIDs 1..15 */
#define SNP_SOFT_MIN_SEV_ASID	6	/* EDX: 1..5 are SEV-ES/SNP, 6..15 SEV */
#define SNP_SOFT_NR_SVM_ASIDS	32768	/* Fn8000_000A EBX: room for ordinary VMs */

/*
 * RMP entry. First word: PPR Family 19h Model 01h. Second word: on silicon
 * opaque; here the per-VMPL permissions (APM vol. 2, 15.36.7) and the
 * "VMSA is running" bit behind FAIL_INUSE.
 */
struct snp_soft_rmpe {
	union {
		struct {
			u64 assigned	: 1,
			    pagesize	: 1,
			    immutable	: 1,
			    rsvd1	: 9,
			    gpa		: 39,	/* GPA[50:12] */
			    asid	: 10,
			    vmsa	: 1,
			    validated	: 1,
			    rsvd2	: 1;
		};
		u64 lo;
	};
	union {
		struct {
			u8 perms[4];		/* VMPL0..3 */
			u8 in_use;		/* VMSA page of a vCPU now running */
			u8 rsvd3[3];
		};
		u64 hi;
	};
} __packed;

#define SNP_SOFT_PERM_R		0x1
#define SNP_SOFT_PERM_W		0x2
#define SNP_SOFT_PERM_UX	0x4
#define SNP_SOFT_PERM_SX	0x8

/* Architected results, APM vol. 3: RMPUPDATE, PSMASH, PVALIDATE, RMPADJUST */
#define SNP_SOFT_OK			0
#define SNP_SOFT_FAIL_INPUT		1
#define SNP_SOFT_FAIL_PERMISSION	2
#define SNP_SOFT_FAIL_INUSE		3
#define SNP_SOFT_FAIL_OVERLAP		4
#define SNP_SOFT_FAIL_SIZEMISMATCH	6
#define SNP_SOFT_FAIL_BADADDR		7

#ifdef CONFIG_SNP_SOFT

DECLARE_STATIC_KEY_FALSE(snp_soft_key);

/* True once the platform is on; patched code, callable from anywhere. */
static __always_inline bool snp_soft_enabled(void)
{
	return static_branch_unlikely(&snp_soft_key);
}

/* ---- boot: snp_soft_boot.c ------------------------------------------- */
/* hook early_detect_mem_encrypt(): true = the platform answered, return */
bool snp_soft_detect(struct cpuinfo_x86 *c);
/* hook every kernel-internal CPUID that KVM relies on: rewrites the leaf */
void snp_soft_cpuid(u32 fn, u32 index, u32 *eax, u32 *ebx, u32 *ecx, u32 *edx);
/* hook do_host_cpuid(): the last extended leaf */
u32 snp_soft_cpuid_max(u32 fn);
/* hook svm_enable_virtualization_cpu(): the number of ASIDs in Fn8000_000A */
u32 snp_soft_nr_asids(u32 nr);
/* hook snp_probe_rmptable_info(): the two MSRs TCG does not have */
void snp_soft_rmp_msrs(u64 *base, u64 *end);

/* ---- the RMP: snp_soft_rmp.c ------------------------------------------ */
/*
 * All of these take the lock of the entry's 2M region themselves (raw,
 * irqsave; trylock in NMI). Nothing sleeps, nothing allocates.
 */
bool snp_soft_rmp_covers(u64 pfn);
/* Does the RMP assign any page to @asid? Scans the whole table. */
bool snp_soft_rmp_asid_used(u32 asid);
/*
 * Effective 4K view of @pfn: inside a 2M entry, the entry's state with the
 * GPA of this very page, pagesize = 1. False: not covered by the RMP.
 */
bool snp_soft_rmp_read(u64 pfn, struct snp_soft_rmpe *e);
int snp_soft_rmpupdate(u64 pa, const struct rmp_state *state);
int snp_soft_psmash(u64 pa);
/*
 * PVALIDATE/RMPADJUST after the nested walk found @pfn for @gpa. Return an
 * architected result, or -EFAULT: #NPF (the entry is not @asid's at @gpa), or
 * -E2BIG: #NPF with SIZEM (4K asked, the entry is 2M; the host must PSMASH), or
 * -EACCES, RMPADJUST only: #VC (the page is not validated).
 * @changed: false = the carry flag is to be set. @perm_attr: RMPADJUST's
 * RDX (target VMPL 7:0, permissions 15:8, VMSA 16); @vmpl: the caller's.
 */
int snp_soft_rmp_pvalidate(u64 pfn, u64 gpa, u32 asid, bool large, bool validate,
			   bool *changed);
int snp_soft_rmp_adjust(u64 pfn, u64 gpa, u32 asid, bool large, unsigned int vmpl,
			u64 perm_attr);
/* Firmware's own view: install @e for @pfn as it is (size from e->pagesize). */
int snp_soft_rmp_set(u64 pfn, const struct snp_soft_rmpe *e);
/* A VMSA page starts/stops being in use; false: not a VMSA of @asid, or busy. */
bool snp_soft_rmp_vmsa_get(u64 pfn, u32 asid);
void snp_soft_rmp_vmsa_put(u64 pfn);
/* Moves on with every change of any entry; guest TLBs compare it. */
u64 snp_soft_rmp_generation(void);
/*
 * KVM sets this at init: called after each change, perhaps with IRQs off or in
 * NMI, so that CPUs inside a guest with that ASID leave it.
 */
extern void (*snp_soft_rmp_changed)(u32 asid);

/* ---- host checks: snp_soft_host.c --------------------------------------- */
unsigned long snp_soft_host_fault(unsigned long error_code, unsigned long address);
/* ---- and to user mappings: snp_soft_user.c, snp_soft_pte.h -------------- */
unsigned long snp_soft_user_fault(struct pt_regs *regs, unsigned long error_code,
				  unsigned long address);
void snp_soft_user_protect(u64 pfn, const struct rmp_state *state);

/* hook, first statement of handle_page_fault(): the architected error code */
static __always_inline unsigned long
snp_soft_fault_code(struct pt_regs *regs, unsigned long error_code, unsigned long address)
{
	if (!snp_soft_enabled())
		return error_code;
	if (address < TASK_SIZE_MAX)
		return snp_soft_user_fault(regs, error_code, address);
	return snp_soft_host_fault(error_code, address);
}

/* hook in rmpupdate(), after the instruction: what must sleep to take effect */
static __always_inline void snp_soft_rmp_updated(u64 pfn, const struct rmp_state *state)
{
	if (snp_soft_enabled())
		snp_soft_user_protect(pfn, state);
}

/* Bring the direct map's W bits in line with the RMP for this 2M region. */
void snp_soft_host_sync(u64 pfn, bool large, bool flush_all);
/*
 * Firmware and microcode write memory by physical address, whatever the page
 * tables and the RMP say. IRQs off inside, no sleeping, any RAM page.
 */
void snp_soft_phys_write(u64 pa, const void *src, size_t len);
void snp_soft_phys_read(u64 pa, void *dst, size_t len);

/* ---- firmware: drivers/crypto/ccp/snp_soft_fw.c ----------------------- */
/* What the CPU must know of the firmware's work: is @asid ready to run? */
bool snp_soft_fw_asid_active(u32 asid, bool snp);

#else /* !CONFIG_SNP_SOFT */

static __always_inline bool snp_soft_enabled(void) { return false; }
static inline bool snp_soft_detect(struct cpuinfo_x86 *c) { return false; }
static inline void snp_soft_cpuid(u32 fn, u32 index, u32 *eax, u32 *ebx, u32 *ecx,
				  u32 *edx) { }
static inline u32 snp_soft_cpuid_max(u32 fn) { return fn; }
static inline u32 snp_soft_nr_asids(u32 nr) { return nr; }
static inline void snp_soft_rmp_msrs(u64 *base, u64 *end) { }
static inline void snp_soft_rmp_updated(u64 pfn, const struct rmp_state *state) { }
static inline unsigned long snp_soft_fault_code(struct pt_regs *regs,
						unsigned long error_code,
						unsigned long address)
{
	return error_code;
}

#endif /* CONFIG_SNP_SOFT */
#endif /* _ASM_X86_SNP_SOFT_H */
