// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TLB of a CPU that runs an SEV guest on the software platform: nested
 * tables of our own, one pool per vCPU, that the CPU below walks in place of
 * KVM's. A miss ends in snp_soft_tlb_fill(), which does what silicon does on a
 * TLB miss: walk KVM's nested table, check the RMP, set A and D, install.
 *
 * Invariants. An entry exists only after both checks allowed the very access
 * that asked for it; nothing is installed ahead: no W before a write set KVM's
 * D bit, and for SNP guests no X before a fetch was found to be private. The
 * C-bit (bit 47) is an address bit here, so private and shared translations of
 * a page are different entries. Permissions only grow until the next drop; the
 * run loop drops on every TLB flush, on every other nested_cr3, and, by
 * snp_soft_tlb_sync(), on every change of the RMP.
 *
 * Fetches and guest page-table walks are private whatever the C-bit, but
 * arrive at addresses without it: the error code tells them apart from shared
 * data. With PG=0 it can't, so there is a second root for guests without PAE
 * paging, where everything is private. What remains: once a walk has entered a
 * page-table page in the C=0 half, a shared data write to that same page is not
 * checked until the next drop, and a walk through a page that was entered there
 * by a shared write isn't either.
 *
 * KVM's tables are walked without mmu_lock. KVM frees a table only after every
 * CPU in IN_GUEST_MODE acknowledged its IPI, and IRQs are off here.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/pgtable.h>

#include "x86.h"
#include "mmu.h"
#include "snp_soft.h"

#define CREATE_TRACE_POINTS
#include <trace/events/snp_soft.h>

#define NPT_ADDR_MASK		GENMASK_ULL(51, PAGE_SHIFT)
#define NPT_TABLE_BITS		(PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK | \
				 PT_ACCESSED_MASK)
/* A KVM that changes the entry under us this often wants us to leave */
#define NPT_WALK_TRIES		8

enum { ROOT_PAGED, ROOT_UNPAGED, NR_ROOTS };

/* ---- counters: /sys/kernel/debug/x86/snp_soft_guest ---------------------- */

enum { VM_PLAIN, VM_SEV, VM_ES, VM_SNP, NR_VM_TYPES };
enum {
	COUNT_PRIVATE_DATA,
	COUNT_PRIVATE_FETCH,
	COUNT_PRIVATE_WALK,
	COUNT_SHARED,
	COUNT_NPF,
	COUNT_RMP,
	COUNT_VC,
	NR_COUNTS
};

static const char * const vm_names[NR_VM_TYPES] = { "plain", "sev", "sev-es", "sev-snp" };
static const char * const count_names[NR_COUNTS] = {
	"private_data", "private_fetch", "private_walk", "shared", "npf", "rmp", "vc"
};

static atomic64_t counts[NR_VM_TYPES][NR_COUNTS];

static int snp_soft_guest_show(struct seq_file *m, void *v)
{
	int type, i;

	for (type = 0; type < NR_VM_TYPES; type++) {
		seq_puts(m, vm_names[type]);
		for (i = 0; i < NR_COUNTS; i++)
			seq_printf(m, " %s %lld", count_names[i],
				   atomic64_read(&counts[type][i]));
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(snp_soft_guest);

static int __init snp_soft_guest_init(void)
{
	if (snp_soft_enabled())
		debugfs_create_file("snp_soft_guest", 0444, arch_debugfs_dir, NULL,
				    &snp_soft_guest_fops);
	return 0;
}
late_initcall(snp_soft_guest_init);

static void snp_soft_count(const struct snp_soft_gctx *ctx, bool private, u64 access,
			   u64 error_code, enum snp_soft_fill result)
{
	int type = ctx->snp ? VM_SNP : ctx->es ? VM_ES : ctx->sev ? VM_SEV : VM_PLAIN;
	int what = COUNT_SHARED;

	if (result == SNP_SOFT_FILL_VC)
		what = COUNT_VC;
	else if (result == SNP_SOFT_FILL_NPF)
		what = error_code & PFERR_GUEST_RMP_MASK ? COUNT_RMP : COUNT_NPF;
	else if (private && (access & PFERR_GUEST_PAGE_MASK))
		what = COUNT_PRIVATE_WALK;
	else if (private && (access & PFERR_FETCH_MASK))
		what = COUNT_PRIVATE_FETCH;
	else if (private)
		what = COUNT_PRIVATE_DATA;

	atomic64_inc(&counts[type][what]);
}

/* ---- KVM's nested table -------------------------------------------------- */

/* KVM builds its nested tables in the host's own paging mode. */
static int snp_soft_npt_levels(void)
{
	return pgtable_l5_enabled() ? PT64_ROOT_5LEVEL : PT64_ROOT_4LEVEL;
}

static unsigned int npt_index(u64 gpa, int level)
{
	return (gpa >> (PAGE_SHIFT + 9 * (level - 1))) & (PTRS_PER_PTE - 1);
}

/**
 * snp_soft_nested_walk - walk KVM's nested table as a CPU does
 * @ctx:	the guest CPU
 * @nested_cr3:	root of the table
 * @private:	effective C-bit of the access
 * @npf:	in: GPA without C-bit, and W, I/D, FINAL, PAGE of the access;
 *		out, if it faults: the error code for KVM
 * @map:	receives the leaf
 *
 * The error code is that of APM vol. 2, 15.25.6 with 15.36.10: nested walks are
 * user accesses; P tells a refused access from a missing entry; KVM's MMIO
 * entries have P and a reserved address bit, so P and RSVD; ENC only for SNP
 * guests. A and D are left alone.
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Lockless.
 * Return: true if mapped with the permission that the access needs.
 */
bool snp_soft_nested_walk(const struct snp_soft_gctx *ctx, u64 nested_cr3, bool private,
			  struct snp_soft_npf *npf, struct snp_soft_map *map)
{
	u64 rsvd = rsvd_bits(kvm_host.maxphyaddr, 51);
	u64 *table = __va(nested_cr3 & NPT_ADDR_MASK);
	u64 all = ~0ULL, nx = 0, offset;
	int level;

	npf->error_code &= PFERR_WRITE_MASK | PFERR_FETCH_MASK | PFERR_GUEST_FINAL_MASK |
			   PFERR_GUEST_PAGE_MASK;
	npf->error_code |= PFERR_USER_MASK;
	if (ctx->snp && private)
		npf->error_code |= PFERR_GUEST_ENC_MASK;

	for (level = snp_soft_npt_levels(); ; level--) {
		map->sptep = &table[npt_index(npf->gpa, level)];
		map->spte = READ_ONCE(*map->sptep);
		if (!(map->spte & PT_PRESENT_MASK))
			return false;

		if (map->spte & rsvd) {
			npf->error_code |= PFERR_PRESENT_MASK | PFERR_RSVD_MASK;
			return false;
		}

		all &= map->spte;
		nx |= map->spte & PT64_NX_MASK;
		if (level == PG_LEVEL_4K ||
		    (level <= PG_LEVEL_1G && (map->spte & PT_PAGE_SIZE_MASK)))
			break;
		table = __va(map->spte & NPT_ADDR_MASK);
	}

	npf->error_code |= PFERR_PRESENT_MASK;
	if ((npf->error_code & PFERR_WRITE_MASK) && !(all & PT_WRITABLE_MASK))
		return false;
	if ((npf->error_code & PFERR_FETCH_MASK) && nx)
		return false;
	if (!(all & PT_USER_MASK))
		return false;

	offset = (1ULL << (PAGE_SHIFT + 9 * (level - 1))) - 1;
	map->hpa = (map->spte & NPT_ADDR_MASK & ~offset) | (npf->gpa & offset);
	map->level = level;
	map->exec = !nx;
	return true;
}

/* What silicon sets in the leaf. False: KVM changed the entry, walk again. */
static bool snp_soft_npt_mark(struct snp_soft_map *map, bool write)
{
	u64 old = map->spte, new = old | PT_ACCESSED_MASK;

	if (write)
		new |= PT_DIRTY_MASK;

	return new == old || try_cmpxchg64(map->sptep, &old, new);
}

/*
 * A write through a large mapping needs all of its pages. Host memory is never
 * mapped with 1G while the platform is on, so 2M is all there is to look at.
 */
static bool snp_soft_assigned_near(struct snp_soft_tlb *tlb, hpa_t hpa)
{
	u64 first = ALIGN_DOWN(hpa >> PAGE_SHIFT, PTRS_PER_PMD), pfn;
	struct snp_soft_rmpe e;

	if (tlb && tlb->shared_2m == first)
		return false;

	for (pfn = first; pfn < first + PTRS_PER_PMD; pfn++) {
		if (snp_soft_rmp_read(pfn, &e) && e.assigned)
			return true;
	}

	if (tlb)
		tlb->shared_2m = first;
	return false;
}

/**
 * snp_soft_nested_access - translate and check one access to guest memory
 * @tlb:	remembers the 2M region last found shared; NULL: nowhere to remember
 * @ctx:	the guest CPU
 * @nested_cr3:	root of KVM's nested table
 * @private:	effective C-bit
 * @npf:	in: GPA without C-bit, and W, I/D, FINAL, PAGE of the access;
 *		out, if it faults: the error code for KVM
 * @map:	receives the translation
 *
 * Walks (PAGE) and writes set D in KVM's entry, every access sets A, after the
 * access was found to be allowed.
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: SNP_SOFT_FILL_RETRY with @map->hpa set, or 0 in it if KVM kept
 * changing the entry; SNP_SOFT_FILL_NPF; SNP_SOFT_FILL_VC.
 */
enum snp_soft_fill snp_soft_nested_access(struct snp_soft_tlb *tlb,
					  const struct snp_soft_gctx *ctx, u64 nested_cr3,
					  bool private, struct snp_soft_npf *npf,
					  struct snp_soft_map *map)
{
	struct snp_soft_access a = {
		.gpa = npf->gpa,
		.asid = ctx->asid,
		.vmpl = ctx->vmpl,
		.user = ctx->cpl == 3,
		.snp = ctx->snp,
		.private = private,
		.write = npf->error_code & (PFERR_WRITE_MASK | PFERR_GUEST_PAGE_MASK),
		.fetch = npf->error_code & PFERR_FETCH_MASK,
	};
	enum snp_soft_fill verdict;
	struct snp_soft_rmpe e;
	bool covered;
	u64 bits;
	int i;

	for (i = 0; i < NPT_WALK_TRIES; i++) {
		map->hpa = 0;
		if (!snp_soft_nested_walk(ctx, nested_cr3, private, npf, map))
			return SNP_SOFT_FILL_NPF;

		a.level = map->level;
		a.neighbour = a.write && !(a.snp && a.private) && map->level > PG_LEVEL_4K &&
			      snp_soft_assigned_near(tlb, map->hpa);
		covered = snp_soft_rmp_read(map->hpa >> PAGE_SHIFT, &e);
		verdict = snp_soft_rmp_verdict(covered ? &e : NULL, &a, &bits);
		if (verdict == SNP_SOFT_FILL_NPF)
			npf->error_code |= bits;
		if (verdict != SNP_SOFT_FILL_RETRY)
			return verdict;

		if (snp_soft_npt_mark(map, a.write))
			return SNP_SOFT_FILL_RETRY;
	}

	map->hpa = 0;
	return SNP_SOFT_FILL_RETRY;
}

/* ---- our own table ------------------------------------------------------- */

/**
 * snp_soft_tlb_init - allocate the pool
 * @tlb: zeroed
 *
 * Context: process context, may sleep.
 * Return: 0, or -ENOMEM with nothing allocated.
 */
int snp_soft_tlb_init(struct snp_soft_tlb *tlb)
{
	int i;

	for (i = 0; i < SNP_SOFT_TLB_PAGES; i++) {
		tlb->pages[i] = (u64 *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!tlb->pages[i]) {
			snp_soft_tlb_free(tlb);
			return -ENOMEM;
		}
	}
	snp_soft_tlb_drop(tlb);
	tlb->drops = 0;
	return 0;
}

/**
 * snp_soft_tlb_free - free the pool
 * @tlb: after snp_soft_tlb_init(), also a failed one; or zeroed
 *
 * Context: any but while the vCPU runs.
 */
void snp_soft_tlb_free(struct snp_soft_tlb *tlb)
{
	int i;

	for (i = 0; i < SNP_SOFT_TLB_PAGES; i++) {
		free_page((unsigned long)tlb->pages[i]);
		tlb->pages[i] = NULL;
	}
}

/**
 * snp_soft_tlb_drop - forget every translation
 * @tlb: of the vCPU that is out of the guest on this CPU
 *
 * The CPU below drops its own copies at the next VMRUN.
 *
 * Context: any.
 */
void snp_soft_tlb_drop(struct snp_soft_tlb *tlb)
{
	int i;

	for (i = 0; i < NR_ROOTS; i++)
		clear_page(tlb->pages[i]);
	tlb->used = NR_ROOTS;
	tlb->shared_2m = ~0ULL;
	tlb->drops++;
}

/**
 * snp_soft_tlb_sync - forget translations that a change of the RMP made stale
 * @tlb: of the vCPU about to enter the guest
 *
 * To be called before every VMRUN, with IRQs off from here to there: a change
 * after the comparison finds the CPU in the guest, and its IPI gets it out.
 *
 * Context: any.
 */
void snp_soft_tlb_sync(struct snp_soft_tlb *tlb)
{
	u64 generation = snp_soft_rmp_generation();

	if (tlb->generation == generation)
		return;

	/* Before any fill: those may already have seen a later RMP */
	tlb->generation = generation;
	snp_soft_tlb_drop(tlb);
}

/**
 * snp_soft_tlb_root - what to load as nested CR3
 * @tlb:	initialised
 * @unpaged:	snp_soft_gctx_unpaged(): the guest has no C-bit now
 *
 * Context: any.
 * Return: physical address of the root; the same for the life of @tlb.
 */
hpa_t snp_soft_tlb_root(struct snp_soft_tlb *tlb, bool unpaged)
{
	return __pa(tlb->pages[unpaged ? ROOT_UNPAGED : ROOT_PAGED]);
}

/* The leaf slot for @addr, or NULL when the pool is exhausted. */
static u64 *snp_soft_tlb_slot(struct snp_soft_tlb *tlb, bool unpaged, u64 addr)
{
	u64 *table = tlb->pages[unpaged ? ROOT_UNPAGED : ROOT_PAGED], *entry;
	int level;

	for (level = snp_soft_npt_levels(); level > PG_LEVEL_4K; level--) {
		entry = &table[npt_index(addr, level)];
		if (!*entry) {
			if (tlb->used == SNP_SOFT_TLB_PAGES)
				return NULL;
			table = tlb->pages[tlb->used++];
			clear_page(table);
			*entry = __pa(table) | NPT_TABLE_BITS;
		} else {
			table = __va(*entry & NPT_ADDR_MASK);
		}
	}
	return &table[npt_index(addr, PG_LEVEL_4K)];
}

/*
 * Permissions of one page add up: an instruction may write the page it is
 * fetched from. They belong together as long as the page is the same; a page
 * that changed its owner in between was dropped.
 */
static void snp_soft_tlb_install(struct snp_soft_tlb *tlb, bool unpaged, u64 addr, hpa_t hpa,
				 bool write, bool exec)
{
	u64 *slot = snp_soft_tlb_slot(tlb, unpaged, addr);
	u64 new = (hpa & NPT_ADDR_MASK) | PT_PRESENT_MASK | PT_USER_MASK | PT_ACCESSED_MASK |
		  PT64_NX_MASK;
	u64 old;

	if (!slot) {
		snp_soft_tlb_drop(tlb);
		slot = snp_soft_tlb_slot(tlb, unpaged, addr);
	}

	old = *slot;
	if ((old & PT_PRESENT_MASK) && !((old ^ new) & NPT_ADDR_MASK))
		new = old;
	if (write)
		new |= PT_WRITABLE_MASK | PT_DIRTY_MASK;
	if (exec)
		new &= ~PT64_NX_MASK;
	*slot = new;
	tlb->fills++;
}

/**
 * snp_soft_tlb_fill - a TLB miss
 * @vcpu:	the vCPU, out of the guest after #VMEXIT(NPF)
 * @tlb:	its TLB
 * @ctx:	the guest CPU
 * @nested_cr3:	KVM's nested table
 * @npf:	in: EXITINFO2 and EXITINFO1 as the CPU below reported them;
 *		out: as silicon would report them to KVM
 *
 * Context: IRQs off, vCPU IN_GUEST_MODE. Takes RMP region locks, one at a time.
 * Return: see enum snp_soft_fill.
 */
enum snp_soft_fill snp_soft_tlb_fill(struct kvm_vcpu *vcpu, struct snp_soft_tlb *tlb,
				     const struct snp_soft_gctx *ctx, u64 nested_cr3,
				     struct snp_soft_npf *npf)
{
	u64 addr = npf->gpa & PAGE_MASK, access = npf->error_code;
	bool fetch = access & PFERR_FETCH_MASK;
	bool unpaged = snp_soft_gctx_unpaged(ctx);
	struct snp_soft_map map = {};
	enum snp_soft_fill result;
	bool private = false;

	if (ctx->sev) {
		private = (npf->gpa & SNP_SOFT_C_MASK) || unpaged || fetch ||
			  (access & PFERR_GUEST_PAGE_MASK);
		npf->gpa &= ~SNP_SOFT_C_MASK;
	}

	result = snp_soft_nested_access(tlb, ctx, nested_cr3, private, npf, &map);
	if (result == SNP_SOFT_FILL_RETRY && map.hpa)
		snp_soft_tlb_install(tlb, unpaged, addr, map.hpa,
				     access & (PFERR_WRITE_MASK | PFERR_GUEST_PAGE_MASK),
				     map.exec && (fetch || !ctx->snp));

	snp_soft_count(ctx, private, access, npf->error_code, result);
	trace_snp_soft_fill(vcpu->vcpu_id, ctx->asid, npf->gpa, private, npf->error_code,
			    map.hpa, result);
	return result;
}
