/* SPDX-License-Identifier: GPL-2.0-only */
/* What the four files of the platform's host side tell each other. */
#ifndef _SNP_SOFT_PARTS_H
#define _SNP_SOFT_PARTS_H

#include <asm/snp_soft.h>

int __init snp_soft_rmp_init(u64 base, u64 size);
int __init snp_soft_insn_init(void);

bool snp_soft_rmp_refuses(u64 pfn, bool large);
bool snp_soft_rmp_next(u64 *pfn, struct snp_soft_rmpe *e);

#endif /* _SNP_SOFT_PARTS_H */
