/* SPDX-License-Identifier: GPL-2.0-only */
/* What the halves of the RMP fault handler, kernel and user, share. */
#ifndef _RMP_FAULT_PARTS_H
#define _RMP_FAULT_PARTS_H

#include <linux/pgtable.h>
#include <asm/rmp_fault.h>

void rmp_fault_look(struct rmp_fault *f, pgd_t *table, unsigned long address, u64 *pfn);
bool rmp_fault_stuck(unsigned long ip, unsigned long address, u64 pfn);
void rmp_fault_count(u64 pfn, enum rmp_verdict verdict, enum rmp_outcome outcome, int result);

#endif /* _RMP_FAULT_PARTS_H */
