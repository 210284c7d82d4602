// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software platform's RMP for human eyes and for tests that look for
 * leaks: /sys/kernel/debug/snp_soft/rmp has a line per assigned page,
 * /sys/kernel/debug/snp_soft/counts the totals, vmsa being VMSA pages of guests.
 * Each entry is read on its own, so the files are a snapshot only while nothing
 * changes the RMP.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "snp_soft_parts.h"

static void *rmp_start(struct seq_file *m, loff_t *pos)
{
	u64 pfn = *pos;
	bool found = snp_soft_rmp_next(&pfn, m->private);

	*pos = pfn;
	return found ? m->private : NULL;
}

static void *rmp_next(struct seq_file *m, void *v, loff_t *pos)
{
	++*pos;
	return rmp_start(m, pos);
}

static void rmp_stop(struct seq_file *m, void *v)
{
}

static int rmp_show(struct seq_file *m, void *v)
{
	struct snp_soft_rmpe *e = v;

	seq_printf(m, "pfn %llx gpa %llx asid %u size %s%s%s%s\n", m->index,
		   (u64)e->gpa << PAGE_SHIFT, e->asid, e->pagesize ? "2M" : "4K",
		   e->immutable ? " immutable" : "",
		   e->validated ? " validated" : "", e->vmsa ? " vmsa" : "");
	return 0;
}

static const struct seq_operations rmp_sops = {
	.start	= rmp_start,
	.next	= rmp_next,
	.stop	= rmp_stop,
	.show	= rmp_show,
};

static int rmp_open(struct inode *inode, struct file *file)
{
	return __seq_open_private(file, &rmp_sops,
				  sizeof(struct snp_soft_rmpe)) ? 0 : -ENOMEM;
}

static const struct file_operations rmp_fops = {
	.open		= rmp_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

static int counts_show(struct seq_file *m, void *v)
{
	u64 assigned = 0, guest = 0, validated = 0, vmsa = 0;
	struct snp_soft_rmpe e;
	u64 pfn;

	for (pfn = 0; snp_soft_rmp_next(&pfn, &e); pfn++) {
		assigned++;
		guest += e.asid != 0;
		validated += e.validated;
		vmsa += e.vmsa && e.asid;	/* else a firmware context */
	}
	seq_printf(m, "assigned %llu\nguest %llu\nvalidated %llu\nvmsa %llu\n",
		   assigned, guest, validated, vmsa);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counts);

static int __init snp_soft_debugfs_init(void)
{
	struct dentry *dir;

	if (!snp_soft_enabled())
		return 0;

	dir = debugfs_create_dir("snp_soft", NULL);
	debugfs_create_file("rmp", 0400, dir, NULL, &rmp_fops);
	debugfs_create_file("counts", 0400, dir, NULL, &counts_fops);
	return 0;
}
late_initcall(snp_soft_debugfs_init);
