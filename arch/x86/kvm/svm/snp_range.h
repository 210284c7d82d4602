/* SPDX-License-Identifier: GPL-2.0-only */
/* Who maps and who converts a guest's memory, frame by frame: see snp_range.c. */
#ifndef __SVM_SNP_RANGE_H
#define __SVM_SNP_RANGE_H

#include <linux/kvm_host.h>
#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

/**
 * enum snp_hold_kind - what somebody in the range lock is there for
 * @SNP_HOLD_NONE: not there
 * @SNP_HOLD_MAP: a kernel mapping of one shared frame
 * @SNP_HOLD_VMSA: a vCPU runs on this private frame
 * @SNP_HOLD_EXCL: a conversion of a range
 * @SNP_HOLD_WANTED: a conversion that waits for maps to go
 */
enum snp_hold_kind {
	SNP_HOLD_NONE,
	SNP_HOLD_MAP,
	SNP_HOLD_VMSA,
	SNP_HOLD_EXCL,
	SNP_HOLD_WANTED,
};

/**
 * struct snp_range - a VM's range lock
 * @lock: both trees and each kind; innermost, irqsave
 * @gfns: all that are there, by guest frame
 * @pfns: conversions that published their pages, by page frame
 * @wait: those who wait for somebody to leave
 * @nr: how many there are of each kind
 * @dep_map: lockdep sees one lock per VM
 */
struct snp_range {
	raw_spinlock_t lock;
	struct rb_root_cached gfns;
	struct rb_root_cached pfns;
	wait_queue_head_t wait;
	unsigned int nr[SNP_HOLD_WANTED + 1];
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	struct lockdep_map dep_map;
#endif
};

/**
 * struct snp_excl - a conversion's place
 * @hold: its guest frames
 * @pfns: from the lowest to the highest of @pfn, if published
 * @pfn: the pages, in any order
 * @nr: their number; 0: not published
 */
struct snp_excl {
	struct kvm_gfn_hold hold;
	struct interval_tree_node pfns;
	const unsigned long *pfn;
	unsigned int nr;
};

/* How long a new map steps back for a conversion that waits, in jiffies. */
#define SNP_RANGE_STEP_BACK	(HZ / 50)

void snp_range_init(struct snp_range *r);
bool snp_range_empty(struct snp_range *r);
unsigned int snp_range_count(struct snp_range *r, enum snp_hold_kind kind);

int snp_range_try_hold(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
		       enum snp_hold_kind kind);
void snp_range_hold(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
		    enum snp_hold_kind kind);
void snp_range_release(struct snp_range *r, struct kvm_gfn_hold *hold);
void snp_range_move(struct snp_range *to, struct kvm_gfn_hold *new,
		    struct snp_range *from, struct kvm_gfn_hold *hold);

int snp_range_try_lock(struct snp_range *r, struct snp_excl *e, gfn_t gfn,
		       unsigned long n);
int snp_range_lock(struct snp_range *r, struct snp_excl *e, gfn_t gfn, unsigned long n);
int snp_range_lock_wait(struct snp_range *r, struct snp_excl *e, gfn_t gfn,
			unsigned long n, long timeout, bool (*stop)(void *data),
			void *data);
void snp_range_publish(struct snp_range *r, struct snp_excl *e, const unsigned long *pfn,
		       unsigned int nr);
void snp_range_unlock(struct snp_range *r, struct snp_excl *e);

bool snp_range_gfns_busy(struct snp_range *r, gfn_t gfn, unsigned long n);
bool snp_range_pfn_busy(struct snp_range *r, unsigned long pfn);
bool snp_range_is_vmsa(struct snp_range *r, gfn_t gfn);
bool snp_range_leave_page(struct snp_range *r, const struct kvm_gfn_hold *hold, gfn_t gfn,
			  unsigned long pfn, unsigned long *left);

#endif /* __SVM_SNP_RANGE_H */
