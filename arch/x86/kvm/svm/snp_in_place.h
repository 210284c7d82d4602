/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * SNP VMs whose pages change between shared and private in place, what their
 * files share: snp_table.c knows which page is private, snp_convert.c makes it
 * so, snp_psc.c is what a guest may ask for, snp_in_place.c is the VM.
 */
#ifndef __SVM_SNP_IN_PLACE_H
#define __SVM_SNP_IN_PLACE_H

#include <linux/bitmap.h>
#include <linux/kvm_host.h>
#include <linux/sev_work.h>
#include <linux/xarray.h>
#include <asm/sev.h>

#include "snp_range.h"

struct kvm_sev_cmd;
struct kvm_sev_snp_launch_update;
struct vcpu_svm;

#define SNP_REGION_PAGES	PTRS_PER_PMD

/**
 * struct snp_region - the private pages of 2M of guest memory
 * @lock: a leaf but for the tree lock
 * @gfn: first frame
 * @nr: how many frames are private, or were until just now
 * @private: which
 * @base: page of the first frame, if @pfn is NULL: the pages are contiguous
 * @pfn: page of each private frame, allocated when they are not
 */
struct snp_region {
	spinlock_t lock;	/* protects the rest against other writers */
	gfn_t gfn;
	unsigned int nr;
	DECLARE_BITMAP(private, SNP_REGION_PAGES);
	unsigned long base;
	unsigned long *pfn;
};

/**
 * struct snp_vm - an in-place VM; kvm->arch.in_place
 * @kvm: the VM
 * @list: of all of them
 * @range: who maps and who converts what
 * @regions: struct snp_region by gfn / 512; never removed while the VM lives, but
 *	for a move of all to another VM
 * @moved: the guest is another VM's now
 */
struct snp_vm {
	struct kvm *kvm;
	struct list_head list;
	struct snp_range range;
	struct xarray regions;
	bool moved;
};

/**
 * struct snp_scratch - what a conversion needs to remember about up to 2M
 * @page: pages pinned, by offset in the unit
 * @pfn: page frames, published or to be returned
 * @todo: frames whose state changes
 */
struct snp_scratch {
	struct page *page[SNP_REGION_PAGES];
	unsigned long pfn[SNP_REGION_PAGES];
	DECLARE_BITMAP(todo, SNP_REGION_PAGES);
};

/**
 * struct snp_unit - a part of a 2M region that changes its state at once
 * @vm: whose
 * @gfn: first frame
 * @n: number of frames; all in one region
 * @large: as one 2M entry, if the memory behind it allows it
 * @done: result: the first @done frames are as wanted
 * @lock: how to get the range; NULL: snp_range_lock(). May leave kvm->srcu
 * @data: for @lock
 */
struct snp_unit {
	struct snp_vm *vm;
	gfn_t gfn;
	unsigned int n;
	bool large;
	unsigned int done;
	int (*lock)(struct snp_unit *u, struct snp_excl *e, gfn_t gfn, unsigned int n);
	void *data;
};

/**
 * struct snp_vcpu - what an in-place VM keeps for a vCPU
 * @vmsa: the guest's VMSA page, while the vCPU runs on it
 * @left: page frame of that page if its memslot is gone meanwhile, 0: none
 * @scratch: for its conversions
 * @entries: its page-state change request, as read from the guest
 * @msr_request: the one of the MSR protocol that is not answered yet, 0: none
 * @stuck: since when (jiffies) requests make no progress, 0: they do
 */
struct snp_vcpu {
	struct kvm_gfn_hold vmsa;
	unsigned long left;
	struct snp_scratch scratch;
	struct psc_entry entries[VMGEXIT_PSC_MAX_COUNT];
	u64 msr_request;
	unsigned long stuck;
};

/* For people and tests: /sys/kernel/debug/snp_in_place/counts, of all VMs */
struct snp_counts {
	atomic64_t private;	/* pages in some VM's table */
	atomic64_t pinned;	/* pins on them */
	atomic64_t leaked;	/* pages that could not be returned */
	atomic64_t to_private;	/* conversions, in pages */
	atomic64_t to_shared;
	atomic64_t large;	/* to private as one 2M entry */
	atomic64_t refaulted;	/* pages the host had taken, given back */
	atomic64_t busy;	/* conversions that met a map */
	atomic64_t revoked;	/* cached mappings revoked */
};

extern struct snp_counts snp_counts;

#ifdef CONFIG_SNP_PAGE_STATE

static inline struct snp_vm *to_snp_vm(struct kvm *kvm)
{
	return kvm->arch.in_place;
}

/* snp_table.c */
struct snp_region *snp_region_get(struct snp_vm *vm, gfn_t gfn);
struct snp_region *snp_region_find(struct snp_vm *vm, gfn_t gfn);
bool snp_table_private(struct snp_vm *vm, gfn_t gfn);
bool snp_table_pfn(struct snp_region *r, unsigned int i, unsigned long *pfn);
struct page *snp_table_get_page(struct snp_vm *vm, gfn_t gfn);
int snp_table_reserve(struct snp_region *r, unsigned int i, const struct snp_scratch *s,
		      unsigned int n);
bool snp_table_add(struct snp_region *r, unsigned int i, const struct snp_scratch *s,
		   unsigned int n, bool *first);
void snp_table_hide(struct snp_region *r, unsigned int i);
void snp_table_show(struct snp_region *r, unsigned int i);
void snp_table_forget(struct snp_region *r, unsigned int n);
int snp_charge(struct kvm *kvm, unsigned int pages);
void snp_uncharge(struct kvm *kvm, unsigned int pages);
void snp_leak(struct kvm *kvm, unsigned long pfn, unsigned int pages);

/* snp_convert.c */
void snp_convert_init(void);
int snp_make_private(struct snp_unit *u, struct snp_scratch *s);
int snp_make_shared(struct snp_unit *u, struct snp_scratch *s);
int snp_smash(struct snp_vm *vm, gfn_t gfn);
void snp_return_region(struct snp_vm *vm, struct snp_region *r, unsigned int first,
		       unsigned int last);
void snp_return_page(struct snp_vm *vm, gfn_t gfn, unsigned long pfn);
int snp_launch_page(struct snp_vm *vm, struct snp_scratch *s, gfn_t gfn,
		    const void __user *src, struct file *sev,
		    int (*measure)(sev_command_t command, unsigned long pfn, void *data),
		    void *data);

/* What snp_launch_page()'s measure() may say, besides 0 */
#define SNP_MEASURE_REFUSED	1
#define SNP_MEASURE_LOST	2

/* snp_psc.c */
int snp_psc_msr(struct vcpu_svm *svm);
int snp_psc_nae(struct vcpu_svm *svm);
bool snp_psc_parked(struct kvm_vcpu *vcpu);
struct snp_vcpu *snp_vcpu_get(struct vcpu_svm *svm);

/* snp_migrate_pages.c */
int snp_pages_prepare(struct kvm *dst, struct kvm *src);
void snp_pages_move(struct kvm *dst, struct kvm *src);

/* snp_in_place.c */
extern const struct kvm_in_place_ops snp_in_place_ops;
#define SNP_IN_PLACE_OPS	(&snp_in_place_ops)
int snp_post_map_gfn(struct kvm_vcpu *vcpu, struct kvm_host_map *map);
void snp_post_unmap_gfn(struct kvm_vcpu *vcpu, struct kvm_host_map *map);
int snp_npf(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code);
int snp_memory_exit(struct kvm_vcpu *vcpu, gfn_t gfn, bool private, int error);
int snp_launch_update_in_place(struct kvm *kvm, struct kvm_sev_cmd *argp,
			       struct kvm_sev_snp_launch_update *params);
int snp_vmsa_pfn(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot, gfn_t gfn,
		 kvm_pfn_t *pfn);
bool snp_vmsa_keep(struct snp_vm *vm, gfn_t gfn, unsigned long pfn);
void snp_vcpu_reload(struct kvm_vcpu *vcpu);
void snp_park_ghcb(struct vcpu_svm *svm);
bool snp_unpark_ghcb(struct vcpu_svm *svm);
void snp_vcpu_move(struct kvm_vcpu *dst, struct kvm_vcpu *src);
void snp_vcpu_free(struct kvm_vcpu *vcpu);
void snp_vm_destroy(struct kvm *kvm);
void snp_in_place_init(void);
void snp_in_place_exit(void);

#else /* !CONFIG_SNP_PAGE_STATE */

#define SNP_IN_PLACE_OPS	NULL
#define snp_post_map_gfn	NULL
#define snp_post_unmap_gfn	NULL

static inline int snp_psc_msr(struct vcpu_svm *svm) { return 1; }
static inline int snp_psc_nae(struct vcpu_svm *svm) { return 1; }

static inline int snp_npf(struct kvm_vcpu *vcpu, gpa_t gpa, u64 error_code)
{
	return 0;
}

static inline int snp_launch_update_in_place(struct kvm *kvm, struct kvm_sev_cmd *argp,
					     struct kvm_sev_snp_launch_update *params)
{
	return -EINVAL;
}

static inline int snp_vmsa_pfn(struct kvm_vcpu *vcpu, struct kvm_memory_slot *slot,
			       gfn_t gfn, kvm_pfn_t *pfn)
{
	return kvm_gmem_get_pfn(vcpu->kvm, slot, gfn, pfn, NULL);
}

static inline void snp_vcpu_reload(struct kvm_vcpu *vcpu) { }
static inline void snp_park_ghcb(struct vcpu_svm *svm) { }
static inline bool snp_unpark_ghcb(struct vcpu_svm *svm) { return true; }
static inline void snp_vcpu_free(struct kvm_vcpu *vcpu) { }
static inline void snp_vm_destroy(struct kvm *kvm) { }
static inline void snp_in_place_init(void) { }
static inline void snp_in_place_exit(void) { }

#endif /* CONFIG_SNP_PAGE_STATE */
#endif /* __SVM_SNP_IN_PLACE_H */
