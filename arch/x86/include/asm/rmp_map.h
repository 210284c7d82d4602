/* SPDX-License-Identifier: GPL-2.0-only */
/* The RMP as a map: what each page is, in runs; see rmp_map.c. */
#ifndef _ASM_X86_RMP_MAP_H
#define _ASM_X86_RMP_MAP_H

#include <asm/rmp_fault.h>

struct dentry;

/**
 * enum rmp_page_state - page states, SEV-SNP firmware ABI, "Page States"
 * @RMP_PAGE_HOLE: no memory there; not the RMP's word
 * @RMP_PAGE_SHARED: the host's ("Hypervisor")
 * @RMP_PAGE_HV_FIXED: the host's for ever
 * @RMP_PAGE_FIRMWARE: the firmware's: Firmware, Context, Metadata
 * @RMP_PAGE_RECLAIM: given back by the firmware, not yet taken
 * @RMP_PAGE_PRE_GUEST: a guest's, the firmware is still filling it
 * @RMP_PAGE_PRE_SWAP: a guest's, about to be swapped
 * @RMP_PAGE_INVALID: a guest's, not validated by it ("Guest-Invalid")
 * @RMP_PAGE_VALID: a guest's, validated by it ("Guest-Valid")
 * @RMP_PAGE_VMSA: a guest's, made a VMSA
 * @NR_RMP_PAGE_STATES: their number
 */
enum rmp_page_state {
	RMP_PAGE_HOLE,
	RMP_PAGE_SHARED,
	RMP_PAGE_HV_FIXED,
	RMP_PAGE_FIRMWARE,
	RMP_PAGE_RECLAIM,
	RMP_PAGE_PRE_GUEST,
	RMP_PAGE_PRE_SWAP,
	RMP_PAGE_INVALID,
	RMP_PAGE_VALID,
	RMP_PAGE_VMSA,
	NR_RMP_PAGE_STATES,
};

/* arch/x86/virt/svm/rmp_map.c */
enum rmp_page_state rmp_page_state(const struct rmp_view *v);
void rmp_map_files(struct dentry *dir);

#endif /* _ASM_X86_RMP_MAP_H */
