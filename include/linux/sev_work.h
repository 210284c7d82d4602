/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands of the SEV firmware with something in between: drivers/crypto/ccp/sev_work.c */
#ifndef __LINUX_SEV_WORK_H
#define __LINUX_SEV_WORK_H

struct file;

/* As sev_do_cmd(): 0 or -errno, and what firmware said */
typedef int (*sev_command_t)(int cmd, void *data, int *error);

int sev_work(struct file *filep, int (*work)(sev_command_t command, void *data), void *data);

#endif
