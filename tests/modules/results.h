/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A test module whose cases run when debugfs MODULE/results is read, and print TAP
 * there. It defines results_show(); the cases have a 2M region of memory of their
 * own, all shared before and after, and results_mutex held.
 */
#ifndef TESTS_RESULTS_H
#define TESTS_RESULTS_H

#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>

#include <asm/snp_soft.h>

#define ORDER	(PMD_SHIFT - PAGE_SHIFT)

static struct page *region;
static struct dentry *results_dir;
static DEFINE_MUTEX(results_mutex);

static int results_show(struct seq_file *m, void *unused);

/* One buffer for all of it: a second run to fill a larger one would confuse. */
static int results_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, results_show, NULL, SZ_64K);
}

static ssize_t results_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	ssize_t n;

	mutex_lock(&results_mutex);
	n = seq_read(file, buf, len, pos);
	mutex_unlock(&results_mutex);
	return n;
}

static const struct file_operations results_fops = {
	.owner = THIS_MODULE,
	.open = results_open,
	.read = results_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int __init results_init(void)
{
	if (!snp_soft_enabled())
		return -ENODEV;

	region = alloc_pages(GFP_KERNEL | __GFP_COMP | __GFP_ZERO, ORDER);
	if (!region)
		return -ENOMEM;

	results_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("results", 0400, results_dir, NULL, &results_fops);
	return 0;
}

static void __exit results_exit(void)
{
	debugfs_remove(results_dir);
	__free_pages(region, ORDER);
}

module_init(results_init);
module_exit(results_exit);

#endif /* TESTS_RESULTS_H */
