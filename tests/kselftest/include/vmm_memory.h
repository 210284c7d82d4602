/* SPDX-License-Identifier: GPL-2.0-only */
/* A VMM's own memory. See lib/vmm_memory.c. */
#ifndef VMM_MEMORY_H
#define VMM_MEMORY_H

#include <stddef.h>

void drop_ipc_lock(void);
void limit_memlock(unsigned long pages);
int watch_memory(void *start, size_t size);

#endif /* VMM_MEMORY_H */
