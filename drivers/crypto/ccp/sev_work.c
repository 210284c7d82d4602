// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several steps of another driver between which no other command comes, and nobody is
 * waited for who holds the mutex and copies from user memory. Included by sev-dev.c,
 * whose mutex it is.
 */
#include <linux/sev_work.h>

/**
 * sev_work() - do something with the firmware for oneself
 * @filep: /dev/sev, open
 * @work: what; it is given the function by which it has commands executed:
 *	sev_do_cmd() without the mutex
 * @data: for @work
 *
 * sev_ioctl() copies to and from user memory inside the mutex, so that mmap_lock, and
 * what is taken inside of that, is inside of it.
 *
 * Context: process context, may sleep.
 * Return: what @work returns; -EBADF: @filep is not /dev/sev.
 */
int sev_work(struct file *filep, int (*work)(sev_command_t command, void *data), void *data)
{
	int ret;

	if (!filep || filep->f_op != &sev_fops)
		return -EBADF;

	mutex_lock(&sev_cmd_mutex);
	ret = work(__sev_do_cmd_locked, data);
	mutex_unlock(&sev_cmd_mutex);
	return ret;
}
EXPORT_SYMBOL_GPL(sev_work);
