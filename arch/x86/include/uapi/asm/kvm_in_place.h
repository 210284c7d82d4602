/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * SNP VMs whose pages change their state in place, in the kernel. The numbers
 * are far from upstream's, so that they name nothing else in a later kernel.
 * docs/in-place.rst describes them.
 */
#ifndef _UAPI_ASM_X86_KVM_IN_PLACE_H
#define _UAPI_ASM_X86_KVM_IN_PLACE_H

/* KVM_ENABLE_CAP and KVM_CHECK_EXTENSION on a VM */
#define KVM_CAP_SNP_IN_PLACE		0x534e5001

/*
 * Why a conversion needs the VMM: bits 63:56 of memory_fault.flags of
 * KVM_EXIT_MEMORY_FAULT. Zero: none of these.
 */
#define KVM_IN_PLACE_WHY_SHIFT		56
#define KVM_IN_PLACE_WHY_NO_SLOT	1ULL	/* no memory at this GPA */
#define KVM_IN_PLACE_WHY_LIMIT		2ULL	/* RLIMIT_MEMLOCK */
#define KVM_IN_PLACE_WHY_NO_PIN		3ULL	/* can't be pinned long-term */
#define KVM_IN_PLACE_WHY_TAKEN		4ULL	/* the page is private elsewhere */
#define KVM_IN_PLACE_WHY_HUGETLB	5ULL	/* 4K of a hugetlb page */
#define KVM_IN_PLACE_WHY_NO_MEMORY	6ULL	/* the kernel has none */

#endif /* _UAPI_ASM_X86_KVM_IN_PLACE_H */
