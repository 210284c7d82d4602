// SPDX-License-Identifier: GPL-2.0-only
/*
 * What conversions in place are measured against. Files in debugfs
 * snp_convert_bench/, the first written to with numbers and then read for "NAME
 * VALUE" lines in ns of the kernel's clock, instructions with ICOUNT=1:
 *
 *	floor	<vm fd> <batch> <level>
 *		What hardware demands and no more, for pages of the module's in batches
 *		of that size (level 1: 4K, 2: 2M), per page: "private": RMPUPDATE;
 *		"shared": flush of the VM's guest mappings, once a batch, RMPUPDATE, and
 *		the page out of the caches
 *
 *	guest	(only read) ns between entries of a guest and its exits since the module
 *		was loaded: the guest's own work, and all that the software platform
 *		does in the place of VMRUN. One vCPU at a time
 *
 * Used by tests/bench/convert.
 */
#include <linux/cacheflush.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <linux/uaccess.h>

#include <asm/rmp_fault.h>
#include <asm/sev.h>

#define ORDER		(PMD_SHIFT - PAGE_SHIFT)
#define PAGES		PTRS_PER_PMD
#define TEST_GPA	0x4000000000ULL
#define TEST_ASID	15
#define ROUNDS		4

static DEFINE_MUTEX(bench_lock);
static struct page *region;
static char answer[160];

static u64 now(void)
{
	return ktime_get_mono_fast_ns();
}

static int assign(unsigned long pfn, int level)
{
	int ret = rmp_split_direct_map(pfn, level);

	return ret ?: rmp_assign_guest(pfn, TEST_GPA + PFN_PHYS(pfn), level, TEST_ASID, false);
}

static int release(unsigned long pfn, int level)
{
	int ret = rmp_flip_shared(pfn, level);

	clflush_cache_range(pfn_to_kaddr(pfn), page_level_size(level));
	return ret;
}

/* One round of all batches; times are added to. */
static int floor_round(struct kvm *kvm, unsigned int batch, int level, u64 *private,
		       u64 *shared)
{
	unsigned int step = page_level_size(level) / PAGE_SIZE, i, k, n = PAGES / step;
	unsigned long pfn = page_to_pfn(region);
	int bad = 0;
	u64 t;

	for (i = 0; i < n; i += batch) {
		t = now();
		for (k = i; k < min(n, i + batch); k++)
			bad |= assign(pfn + k * step, level);
		*private += now() - t;
	}
	for (i = 0; i < n; i += batch) {
		t = now();
		kvm_flush_remote_tlbs(kvm);
		for (k = i; k < min(n, i + batch); k++)
			bad |= release(pfn + k * step, level);
		*shared += now() - t;
	}
	return bad ? -EIO : 0;
}

static int measure_floor(struct kvm *kvm, unsigned int batch, int level)
{
	unsigned int n = PAGES * PAGE_SIZE / page_level_size(level), i;
	u64 private = 0, shared = 0;
	int ret = 0;

	/* The first splits the direct map. */
	for (i = 0; i < ROUNDS && !ret; i++) {
		if (i == 1) {
			private = 0;
			shared = 0;
		}
		ret = floor_round(kvm, batch, level, &private, &shared);
		cond_resched();
	}
	n *= ROUNDS - 1;
	scnprintf(answer, sizeof(answer), "private %llu\nshared %llu\n", private / n,
		  shared / n);
	return ret;
}

static struct file *kvm_file(int fd, const char *prefix)
{
	struct file *f = fget(fd);

	if (f && str_has_prefix(f->f_path.dentry->d_name.name, prefix))
		return f;
	if (f)
		fput(f);
	return NULL;
}

static ssize_t numbers(const char __user *buf, size_t len, u64 *a, int *fd)
{
	char text[80];
	int n;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = 0;
	n = sscanf(text, "%d %llu %llu", fd, &a[0], &a[1]);
	return n;
}

static ssize_t floor_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct file *f;
	int fd, ret;
	u64 a[2];

	if (numbers(buf, len, a, &fd) != 3 || !a[0] || a[1] < PG_LEVEL_4K || a[1] > PG_LEVEL_2M)
		return -EINVAL;
	f = kvm_file(fd, "kvm-vm");
	if (!f)
		return -EBADF;
	mutex_lock(&bench_lock);
	ret = measure_floor(f->private_data, a[0], a[1]);
	mutex_unlock(&bench_lock);
	fput(f);
	return ret ?: len;
}

static ssize_t answer_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	return simple_read_from_buffer(buf, len, pos, answer, strlen(answer));
}

static const struct file_operations floor_fops = {
	.owner = THIS_MODULE,
	.read = answer_read,
	.write = floor_write,
};

/* ---- time in the guest ------------------------------------------------- */

static u64 entered, in_guest;
static struct tracepoint *entry_point, *exit_point;

static void on_entry(void *data, struct kvm_vcpu *vcpu, bool immediate)
{
	entered = now();
}

static void on_exit(void *data, struct kvm_vcpu *vcpu, u32 isa)
{
	in_guest += now() - entered;
}

static void find_points(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "kvm_entry"))
		entry_point = tp;
	else if (!strcmp(tp->name, "kvm_exit"))
		exit_point = tp;
}

static ssize_t guest_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	char text[40];
	int n = scnprintf(text, sizeof(text), "guest %llu\n", in_guest);

	return simple_read_from_buffer(buf, len, pos, text, n);
}

static const struct file_operations guest_fops = {
	.owner = THIS_MODULE,
	.read = guest_read,
};

static struct dentry *dir;

static int __init snp_convert_bench_init(void)
{
	for_each_kernel_tracepoint(find_points, NULL);
	if (!entry_point || !exit_point)
		return -ENOENT;
	region = alloc_pages(GFP_KERNEL | __GFP_COMP, ORDER);
	if (!region)
		return -ENOMEM;
	tracepoint_probe_register(entry_point, on_entry, NULL);
	tracepoint_probe_register(exit_point, on_exit, NULL);
	dir = debugfs_create_dir("snp_convert_bench", NULL);
	debugfs_create_file("floor", 0600, dir, NULL, &floor_fops);
	debugfs_create_file("guest", 0400, dir, NULL, &guest_fops);
	return 0;
}
module_init(snp_convert_bench_init);

static void __exit snp_convert_bench_exit(void)
{
	debugfs_remove(dir);
	tracepoint_probe_unregister(exit_point, on_exit, NULL);
	tracepoint_probe_unregister(entry_point, on_entry, NULL);
	tracepoint_synchronize_unregister();
	__free_pages(region, ORDER);
}
module_exit(snp_convert_bench_exit);

MODULE_DESCRIPTION("What conversions in place are measured against");
MODULE_LICENSE("GPL");
