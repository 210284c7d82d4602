// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software SNP platform: the RMP, and the instructions that change it.
 *
 * The table lies in memory in the hardware's format, where upstream reads it.
 * For each 2M region the entry of its first page says by its page size
 * which entries count: 2M, and this one speaks for all 512 (the others repeat
 * assignment, GPA and ASID, as upstream's lookups expect); 4K, and each speaks
 * for itself. Every instruction is one critical section of its region's lock, so
 * that each entry is seen either before or after it.
 *
 * What silicon keeps in the undocumented second word (VMPL permissions) and
 * beside the table (VMSA in use) is kept in that word.
 *
 * Called from the #UD emulation (snp_soft_insn.c), the firmware (ccp), and KVM's
 * part of the platform for instructions and VMSAs of guests. Process, IRQ or NMI
 * context; nothing sleeps. In NMI the lock may belong to the code interrupted:
 * the instruction then fails as on silicon while the firmware or another
 * processor holds the region (RMPUPDATE: FAIL_OVERLAP, PSMASH: FAIL_INUSE).
 */
#define pr_fmt(fmt) "snp_soft: " fmt

#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/export.h>
#include <linux/hardirq.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include <asm/sev.h>

#include "snp_soft_parts.h"

#define REGION_MASK	((u64)PTRS_PER_PMD - 1)
#define PERM_ALL	(SNP_SOFT_PERM_R | SNP_SOFT_PERM_W | SNP_SOFT_PERM_UX | SNP_SOFT_PERM_SX)
#define NR_VMPLS	4
#define NR_LOCKS	256

/* RMPADJUST RDX */
#define ADJUST_VMPL	GENMASK_ULL(7, 0)
#define ADJUST_PERMS	GENMASK_ULL(15, 8)

/*
 * A mapping of our own: once the firmware has taken the RMP's pages, the direct
 * map is write-protected there.
 */
static struct snp_soft_rmpe *rmp __ro_after_init;
static u64 rmp_nr __ro_after_init;

static raw_spinlock_t rmp_locks[NR_LOCKS];
static atomic64_t rmp_generation;

void (*snp_soft_rmp_changed)(u32 asid);
EXPORT_SYMBOL_GPL(snp_soft_rmp_changed);

int __init snp_soft_rmp_init(u64 base, u64 size)
{
	unsigned long i, nr = PFN_UP(size);
	struct page **pages;

	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;

	for (i = 0; i < nr; i++)
		pages[i] = pfn_to_page(PHYS_PFN(base) + i);

	rmp = vmap(pages, nr, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	if (!rmp)
		return -ENOMEM;

	rmp_nr = size / sizeof(*rmp);
	for (i = 0; i < NR_LOCKS; i++)
		raw_spin_lock_init(&rmp_locks[i]);

	return 0;
}

static raw_spinlock_t *region_lock(u64 pfn)
{
	return &rmp_locks[(pfn / PTRS_PER_PMD) % NR_LOCKS];
}

/* Sparse cannot follow a lock that a bool tells of: here it ends, there it begins. */
static bool region_enter(u64 pfn, unsigned long *flags)
{
	raw_spinlock_t *lock = region_lock(pfn);

	if (!in_nmi())
		raw_spin_lock_irqsave(lock, *flags);
	else if (!raw_spin_trylock_irqsave(lock, *flags))
		return false;

	__release(lock);
	return true;
}

static void region_leave(u64 pfn, unsigned long flags)
{
	raw_spinlock_t *lock = region_lock(pfn);

	__acquire(lock);
	raw_spin_unlock_irqrestore(lock, flags);
}

static struct snp_soft_rmpe entry_read(u64 pfn)
{
	struct snp_soft_rmpe e;

	e.lo = READ_ONCE(rmp[pfn].lo);
	e.hi = READ_ONCE(rmp[pfn].hi);
	return e;
}

/* Readers without the lock look at the first word. */
static void entry_write(u64 pfn, const struct snp_soft_rmpe *e)
{
	WRITE_ONCE(rmp[pfn].hi, e->hi);
	WRITE_ONCE(rmp[pfn].lo, e->lo);
}

static bool entry_large(const struct snp_soft_rmpe *e)
{
	return e->assigned && e->pagesize == RMP_PG_SIZE_2M;
}

/* The pfn whose entry counts for @pfn, and that entry. */
static u64 authority(u64 pfn, struct snp_soft_rmpe *e)
{
	*e = entry_read(pfn & ~REGION_MASK);
	if (entry_large(e))
		return pfn & ~REGION_MASK;

	*e = entry_read(pfn);
	return pfn;
}

/* What the 2M entry @e of the region means for its page @pfn, as a 4K entry. */
static struct snp_soft_rmpe part_of(const struct snp_soft_rmpe *e, u64 pfn)
{
	struct snp_soft_rmpe part = *e;

	part.pagesize = RMP_PG_SIZE_4K;
	/* Immutable firmware pages have no GPA to speak of. */
	part.gpa = e->asid ? e->gpa + (pfn & REGION_MASK) : e->gpa;
	return part;
}

/* Install @e; a 2M entry goes last, when all 512 pages look assigned. */
static void install(u64 pfn, const struct snp_soft_rmpe *e)
{
	struct snp_soft_rmpe part;
	u64 i;

	if (entry_large(e)) {
		for (i = 1; i < PTRS_PER_PMD; i++) {
			part = part_of(e, pfn + i);
			entry_write(pfn + i, &part);
		}
	}
	entry_write(pfn, e);
}

static void clear_region(u64 pfn)
{
	const struct snp_soft_rmpe shared = { };
	u64 i;

	for (i = 0; i < PTRS_PER_PMD; i++)
		entry_write(pfn + i, &shared);
}

/* Outside the lock: a callback may take its own. */
static void changed(u32 asid)
{
	void (*fn)(u32 asid) = READ_ONCE(snp_soft_rmp_changed);

	atomic64_inc(&rmp_generation);
	if (fn && asid)
		fn(asid);
}

/**
 * snp_soft_rmp_generation() - has any entry changed since?
 *
 * PVALIDATE that only sets Validated does not count: no TLB holds a translation
 * that it could make wrong.
 *
 * Context: any.
 * Return: a number that grows with every other change of any entry.
 */
u64 snp_soft_rmp_generation(void)
{
	return atomic64_read(&rmp_generation);
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_generation);

/**
 * snp_soft_rmp_covers() - is there an RMP entry for this page?
 * @pfn: host page frame
 *
 * Context: any.
 * Return: false for pages beyond the RMP's end (APM vol. 2, 15.36.4).
 */
bool snp_soft_rmp_covers(u64 pfn)
{
	return pfn < rmp_nr;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_covers);

/**
 * snp_soft_rmp_asid_used() - is any page assigned to this guest?
 * @asid: not 0
 *
 * Silicon counts pages per ASID in the first 16K of the RMP; the firmware asks
 * before it gives the ASID to another guest. Without locks: nobody assigns pages
 * to an ASID that has no guest.
 *
 * Context: any. Takes a load per page of memory.
 * Return: true if so.
 */
bool snp_soft_rmp_asid_used(u32 asid)
{
	struct snp_soft_rmpe e;
	u64 pfn;

	for (pfn = 0; pfn < rmp_nr; pfn++) {
		e.lo = READ_ONCE(rmp[pfn].lo);
		if (e.assigned && e.asid == asid)
			return true;
	}

	return false;
}

/**
 * snp_soft_rmp_refuses() - does the RMP forbid host writes by this mapping?
 * @pfn: host page frame; with @large, of a 2M region's first page
 * @large: the mapping is 2M: one assigned page of the region is enough
 *
 * APM vol. 2, 15.36.10 "RMP and VMPL Access Checks". Without the lock: the
 * caller looks again after acting on the answer.
 *
 * Context: any.
 * Return: true if so.
 */
bool snp_soft_rmp_refuses(u64 pfn, bool large)
{
	struct snp_soft_rmpe e;
	u64 i;

	if (!snp_soft_rmp_covers(pfn))
		return false;

	authority(pfn, &e);
	if (e.assigned || !large)
		return e.assigned;

	for (i = 1; i < PTRS_PER_PMD; i++) {
		e = entry_read(pfn + i);
		if (e.assigned)
			return true;
	}

	return false;
}

/**
 * snp_soft_rmp_read() - the state of one 4K page
 * @pfn: host page frame
 * @e: its entry; inside a 2M entry, that entry's state with the GPA of this very
 *     page, and pagesize = 1
 *
 * Context: any. In NMI the two words may belong to different times.
 * Return: false if the RMP has no entry for @pfn; @e is untouched then.
 */
bool snp_soft_rmp_read(u64 pfn, struct snp_soft_rmpe *e)
{
	unsigned long flags;
	bool locked;

	if (!snp_soft_rmp_covers(pfn))
		return false;

	locked = region_enter(pfn, &flags);
	authority(pfn, e);
	if (locked)
		region_leave(pfn, flags);

	if (entry_large(e)) {
		*e = part_of(e, pfn);
		e->pagesize = RMP_PG_SIZE_2M;
	}

	return true;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_read);

/**
 * snp_soft_rmp_next() - the next assigned page
 * @pfn: where to look from, moved on to the page found or to the RMP's end
 * @e: its state, as snp_soft_rmp_read() gives it
 *
 * Most pages are not assigned, and each one that is has its own entry say so, also
 * inside 2M: the lock is for those. Tests read the whole RMP again and again.
 *
 * Context: process; may sleep.
 * Return: false if there is none.
 */
bool snp_soft_rmp_next(u64 *pfn, struct snp_soft_rmpe *e)
{
	for (; *pfn < rmp_nr; ++*pfn) {
		if (!(*pfn & 0xfff))
			cond_resched();

		e->lo = READ_ONCE(rmp[*pfn].lo);
		if (e->assigned && snp_soft_rmp_read(*pfn, e) && e->assigned)
			return true;
	}

	return false;
}

/* What RMPUPDATE can refuse by its operands alone. */
static bool state_valid(u64 pa, const struct rmp_state *state)
{
	u64 mask = state->pagesize == RMP_PG_SIZE_2M ? PMD_SIZE - 1 : PAGE_SIZE - 1;

	if (state->assigned > 1 || state->pagesize > RMP_PG_SIZE_2M || state->immutable > 1)
		return false;

	if (!state->assigned && (state->asid || state->immutable))
		return false;

	return !(pa & mask & PAGE_MASK) && !(state->gpa & mask) &&
	       state->gpa < BIT_ULL(51) && state->asid <= SNP_SOFT_NR_ASIDS;
}

/* May the 2M region be replaced as a whole? All 512 entries have a say. */
static int check_region(u64 pfn)
{
	struct snp_soft_rmpe e;
	bool assigned = false;
	u64 i;

	e = entry_read(pfn);
	if (entry_large(&e)) {
		if (e.immutable)
			return SNP_SOFT_FAIL_PERMISSION;
		return e.in_use ? SNP_SOFT_FAIL_INUSE : SNP_SOFT_OK;
	}

	for (i = 0; i < PTRS_PER_PMD; i++) {
		e = entry_read(pfn + i);
		if (e.immutable)
			return SNP_SOFT_FAIL_PERMISSION;
		assigned |= e.assigned;
	}

	return assigned ? SNP_SOFT_FAIL_OVERLAP : SNP_SOFT_OK;
}

static int check_page(u64 pfn)
{
	struct snp_soft_rmpe e;

	authority(pfn, &e);
	if (entry_large(&e))
		return SNP_SOFT_FAIL_OVERLAP;
	if (e.immutable)
		return SNP_SOFT_FAIL_PERMISSION;

	return e.in_use ? SNP_SOFT_FAIL_INUSE : SNP_SOFT_OK;
}

/**
 * snp_soft_rmpupdate() - RMPUPDATE
 * @pa: RAX, system physical address; bits 11:0 are ignored
 * @state: what RCX points to
 *
 * Assigns a page to an ASID (0: to the firmware) or returns it to the host. A
 * newly assigned page is not validated, no VMSA, and open to VMPL0 alone
 * (APM vol. 2, 15.36.5 and 15.36.7; vol. 3, RMPUPDATE).
 *
 * Context: any; remote TLBs are flushed only if IRQs are on.
 * Return:
 * * FAIL_INPUT		- no entry for the page; a 2M page or its GPA is not
 *			  aligned; no such ASID; reserved values
 * * FAIL_PERMISSION	- an entry concerned is immutable
 * * FAIL_INUSE		- a VMSA on which a vCPU now runs
 * * FAIL_OVERLAP	- 4K inside a 2M entry, or 2M over assigned 4K entries; in
 *			  NMI: the region is being changed
 */
int snp_soft_rmpupdate(u64 pa, const struct rmp_state *state)
{
	bool large = state->pagesize == RMP_PG_SIZE_2M;
	u64 pfn = PHYS_PFN(pa);
	struct snp_soft_rmpe e = { }, old;
	unsigned long flags;
	int ret;

	if (!state_valid(pa, state) || !snp_soft_rmp_covers(large ? pfn | REGION_MASK : pfn))
		return SNP_SOFT_FAIL_INPUT;

	if (state->assigned) {
		e.assigned = 1;
		e.pagesize = state->pagesize;
		e.immutable = state->immutable;
		e.gpa = PHYS_PFN(state->gpa);
		e.asid = state->asid;
		e.perms[0] = state->asid ? PERM_ALL : 0;
	}

	if (!region_enter(pfn, &flags))
		return SNP_SOFT_FAIL_OVERLAP;

	ret = large ? check_region(pfn) : check_page(pfn);
	if (!ret) {
		old = entry_read(pfn);
		if (large && !state->assigned)
			clear_region(pfn);
		else
			install(pfn, &e);
	}
	region_leave(pfn, flags);
	if (ret)
		return ret;

	changed(old.assigned ? old.asid : e.asid);
	if (old.assigned && e.asid && e.asid != old.asid)
		changed(e.asid);
	snp_soft_host_sync(pfn, large, !irqs_disabled());
	return SNP_SOFT_OK;
}
EXPORT_SYMBOL_GPL(snp_soft_rmpupdate);

/**
 * snp_soft_psmash() - PSMASH
 * @pa: RAX, system physical address of a 2M page; bits 11:0 are ignored
 *
 * One 2M entry becomes 512 4K entries of the same state, GPAs counting up
 * (APM vol. 2, 15.36.11; vol. 3, PSMASH).
 *
 * Context: any.
 * Return:
 * * FAIL_INPUT		- not 2M-aligned, or no entry for it
 * * FAIL_INUSE		- a VMSA on which a vCPU now runs; in NMI: the entry is
 *			  being changed
 * * FAIL_BADADDR	- not an assigned, mutable 2M entry
 */
int snp_soft_psmash(u64 pa)
{
	u64 pfn = PHYS_PFN(pa), i;
	struct snp_soft_rmpe e, part;
	int ret = SNP_SOFT_OK;
	unsigned long flags;

	if ((pfn & REGION_MASK) || !snp_soft_rmp_covers(pfn | REGION_MASK))
		return SNP_SOFT_FAIL_INPUT;

	if (!region_enter(pfn, &flags))
		return SNP_SOFT_FAIL_INUSE;

	e = entry_read(pfn);
	if (!entry_large(&e) || e.immutable) {
		ret = SNP_SOFT_FAIL_BADADDR;
	} else if (e.in_use) {
		ret = SNP_SOFT_FAIL_INUSE;
	} else {
		/* The first page's entry speaks for all until the others are ready. */
		for (i = PTRS_PER_PMD; i-- > 0;) {
			part = part_of(&e, pfn + i);
			entry_write(pfn + i, &part);
		}
	}
	region_leave(pfn, flags);

	if (!ret)
		changed(e.asid);
	return ret;
}
EXPORT_SYMBOL_GPL(snp_soft_psmash);

/*
 * What a guest instruction on a page meets: the entry must be @asid's, at @gpa.
 * Caller holds the lock. On success @at is the pfn whose entry counts.
 */
static int guest_entry(u64 pfn, u64 gpa, u32 asid, bool large, u64 *at, struct snp_soft_rmpe *e)
{
	struct snp_soft_rmpe page;

	*at = authority(pfn, e);
	page = entry_large(e) ? part_of(e, pfn) : *e;
	if (!page.assigned || page.asid != asid || page.gpa != PHYS_PFN(gpa) || page.immutable)
		return -EFAULT;

	if (entry_large(e)) {
		if (!large)
			return -E2BIG;
		return *at == pfn ? SNP_SOFT_OK : SNP_SOFT_FAIL_INPUT;
	}

	return large ? SNP_SOFT_FAIL_SIZEMISMATCH : SNP_SOFT_OK;
}

/**
 * snp_soft_rmp_pvalidate() - PVALIDATE, after address translation
 * @pfn: host page frame to which @gpa translates
 * @gpa: guest physical address, without C-bit
 * @asid: the guest's
 * @large: ECX bit 0: 2M
 * @validate: EDX bit 0
 * @changed_bit: false: Validated had this value already, set the carry flag
 *
 * APM vol. 2, 15.36.6; vol. 3, PVALIDATE.
 *
 * Context: process or exit path, not NMI.
 * Return:
 * * FAIL_INPUT		- 2M asked for a page in the middle of a 2M entry
 * * FAIL_SIZEMISMATCH	- 2M asked, the entry is 4K
 * * -EFAULT		- #NPF: the page is not this guest's at @gpa
 * * -E2BIG		- #NPF, SIZEM: 4K asked, the entry is 2M
 */
int snp_soft_rmp_pvalidate(u64 pfn, u64 gpa, u32 asid, bool large, bool validate,
			   bool *changed_bit)
{
	struct snp_soft_rmpe e;
	unsigned long flags;
	u64 at;
	int ret;

	*changed_bit = false;
	if (!snp_soft_rmp_covers(pfn) || !region_enter(pfn, &flags))
		return -EFAULT;

	ret = guest_entry(pfn, gpa, asid, large, &at, &e);
	if (!ret && e.validated != validate) {
		*changed_bit = true;
		e.validated = validate;
		install(at, &e);
	}
	region_leave(pfn, flags);

	if (*changed_bit && !validate)
		changed(asid);
	return ret;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_pvalidate);

/* RMPADJUST's own checks, on a page that is the guest's and validated. */
static int adjust(struct snp_soft_rmpe *e, unsigned int vmpl, u64 perm_attr)
{
	unsigned int target = FIELD_GET(ADJUST_VMPL, perm_attr);
	u8 perms = FIELD_GET(ADJUST_PERMS, perm_attr);

	if (target >= NR_VMPLS || (perms & ~PERM_ALL))
		return SNP_SOFT_FAIL_INPUT;
	if (target <= vmpl || (perms & ~e->perms[vmpl]))
		return SNP_SOFT_FAIL_PERMISSION;
	if (e->in_use)
		return SNP_SOFT_FAIL_INUSE;

	e->perms[target] = perms;
	if (!vmpl)
		e->vmsa = !!(perm_attr & RMPADJUST_VMSA_PAGE_BIT);
	return SNP_SOFT_OK;
}

/**
 * snp_soft_rmp_adjust() - RMPADJUST, after address translation
 * @pfn: host page frame to which @gpa translates
 * @gpa: guest physical address, without C-bit
 * @asid: the guest's
 * @large: RCX bit 0: 2M
 * @vmpl: the caller's VMPL
 * @perm_attr: RDX: target VMPL 7:0, its permissions 15:8, VMSA 16
 *
 * APM vol. 2, 15.36.7; vol. 3, RMPADJUST. Only VMPL0 can make or unmake a VMSA.
 *
 * Context: process or exit path, not NMI.
 * Return:
 * * FAIL_INPUT		- no such VMPL or permission; 2M asked for a page in the
 *			  middle of a 2M entry
 * * FAIL_PERMISSION	- the target is not less privileged than the caller, or
 *			  would get what the caller does not have
 * * FAIL_INUSE		- a VMSA on which a vCPU now runs
 * * FAIL_SIZEMISMATCH	- 2M asked, the entry is 4K
 * * -EFAULT		- #NPF: the page is not this guest's at @gpa
 * * -E2BIG		- #NPF, SIZEM: 4K asked, the entry is 2M
 * * -EACCES		- #VC: the page is not validated
 */
int snp_soft_rmp_adjust(u64 pfn, u64 gpa, u32 asid, bool large, unsigned int vmpl,
			u64 perm_attr)
{
	struct snp_soft_rmpe e;
	unsigned long flags;
	u64 at;
	int ret;

	if (!snp_soft_rmp_covers(pfn) || vmpl >= NR_VMPLS || !region_enter(pfn, &flags))
		return -EFAULT;

	ret = guest_entry(pfn, gpa, asid, large, &at, &e);
	if (!ret && !e.validated)
		ret = -EACCES;
	if (!ret)
		ret = adjust(&e, vmpl, perm_attr);
	if (!ret)
		install(at, &e);
	region_leave(pfn, flags);

	if (!ret)
		changed(asid);
	return ret;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_adjust);

/**
 * snp_soft_rmp_set() - the firmware's own way to change an entry
 * @pfn: host page frame
 * @e: the entry as it shall be; its page size says how many pages it covers
 *
 * The firmware is bound by its own state machine (SEV-SNP firmware ABI, "Page
 * state machine"), not by RMPUPDATE's checks.
 *
 * Context: any; remote TLBs are flushed only if IRQs are on.
 * Return:
 * * FAIL_INPUT		- no entry for the page, or a 2M page is not aligned
 * * FAIL_OVERLAP	- 4K inside a 2M entry
 * * FAIL_INUSE		- in NMI: the entry is being changed
 */
int snp_soft_rmp_set(u64 pfn, const struct snp_soft_rmpe *e)
{
	bool large = e->pagesize == RMP_PG_SIZE_2M;
	struct snp_soft_rmpe old;
	unsigned long flags;
	u64 at;

	if ((large && (pfn & REGION_MASK)) ||
	    !snp_soft_rmp_covers(large ? pfn | REGION_MASK : pfn))
		return SNP_SOFT_FAIL_INPUT;

	if (!region_enter(pfn, &flags))
		return SNP_SOFT_FAIL_INUSE;

	at = authority(pfn, &old);
	if (!large && entry_large(&old)) {
		region_leave(at, flags);
		return SNP_SOFT_FAIL_OVERLAP;
	}

	if (large && !e->assigned)
		clear_region(pfn);
	else
		install(pfn, e);
	region_leave(pfn, flags);

	changed(old.assigned ? old.asid : e->asid);
	snp_soft_host_sync(pfn, large, !irqs_disabled());
	return SNP_SOFT_OK;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_set);

/**
 * snp_soft_rmp_vmsa_get() - a vCPU is about to run on this VMSA
 * @pfn: host page frame of the VMSA
 * @asid: the guest's
 *
 * VMRUN checks that the page is a validated VMSA of the guest and locks
 * its entry until #VMEXIT (APM vol. 2, 15.36.12).
 *
 * Context: VMRUN, IRQs off.
 * Return: false: VMRUN fails with VMEXIT_INVALID or, if another vCPU runs on the
 * page, VMEXIT_BUSY.
 */
bool snp_soft_rmp_vmsa_get(u64 pfn, u32 asid)
{
	struct snp_soft_rmpe e;
	unsigned long flags;
	bool ok;
	u64 at;

	if (!snp_soft_rmp_covers(pfn) || !region_enter(pfn, &flags))
		return false;

	at = authority(pfn, &e);
	ok = e.assigned && e.asid == asid && e.vmsa && e.validated && !e.in_use;
	if (ok) {
		e.in_use = 1;
		entry_write(at, &e);
	}
	region_leave(pfn, flags);
	return ok;
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_vmsa_get);

/**
 * snp_soft_rmp_vmsa_put() - #VMEXIT: the VMSA is not in use any more
 * @pfn: host page frame given to a successful snp_soft_rmp_vmsa_get()
 *
 * Context: VMRUN, IRQs off.
 */
void snp_soft_rmp_vmsa_put(u64 pfn)
{
	struct snp_soft_rmpe e;
	unsigned long flags;
	u64 at;

	if (!region_enter(pfn, &flags))
		return;

	at = authority(pfn, &e);
	e.in_use = 0;
	entry_write(at, &e);
	region_leave(pfn, flags);
}
EXPORT_SYMBOL_GPL(snp_soft_rmp_vmsa_put);
