// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a host RMP fault costs, and what the kernel does anyhow, with SNP and without.
 * All in "NAME VALUE" lines, in ns of the kernel's clock; with a clock that counts
 * instructions (ICOUNT=1, see tools/vm) these are instructions. debugfs snp_bench/:
 *
 * fault: a read measures, per page,
 *
 *	anon		ordinary minor fault: first write to an anonymous page
 *	file		ordinary minor fault: first write to a page that is in a
 *			shmem file already, so nothing is allocated or cleared
 *	recovered	a write to a private page, from the fault to the store
 *	rmpupdate	RMPUPDATE of a private page to shared, as an instruction
 *	emulation	the part of it that the software platform works on it, without
 *			the #UD that leads there
 *	errorcode	what the platform adds to the beginning of such a fault
 *
 * All are faults of the kernel, on the same pages, in one run: so they compare. Of
 * several batches the cheapest counts, as an interrupt comes into some. Without SNP
 * only the first two.
 *
 * map: "<vcpu fd> <gfn>" written to it measures
 *
 *	map		kvm_vcpu_map() and kvm_vcpu_unmap() of a shared page, together
 *
 * The only module here that is built on kernels without the subsystem, too: nothing of
 * ours is called. Used by tests/bench/fault and tests/bench/convert.
 */
#include <linux/cc_platform.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/io.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/psp-sev.h>
#include <linux/seq_file.h>
#include <linux/shmem_fs.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include <asm/sev.h>
#include <asm/trap_pf.h>

#include "private.h"

#define PAGES		256
#define BATCHES		8
#define MAPS		1000
#define NOT_MEASURED	U64_MAX

static DEFINE_MUTEX(bench_lock);
static struct page *pages[PAGES];

/* The platform's own functions, if there is a platform */
static int (*soft_rmpupdate)(u64 pa, const struct rmp_state *state);
static unsigned long (*soft_error_code)(unsigned long error_code, unsigned long address);

static u64 now(void)
{
	return ktime_get_mono_fast_ns();
}

static int all_private(void)
{
	int i, ret = 0;

	for (i = 0; !ret && i < PAGES; i++)
		ret = make_private(page_to_pfn(pages[i]), PG_LEVEL_4K);
	return ret;
}

static int all_shared(void)
{
	int i, ret = 0;

	for (i = 0; i < PAGES; i++)
		if (share_pages(pages[i], 1))
			ret = -EIO;
	return ret;
}

static int touch_user(unsigned long at)
{
	int i;

	for (i = 0; i < PAGES; i++)
		if (put_user(1, (char __user *)at + i * PAGE_SIZE))
			return -EFAULT;
	return 0;
}

/* Less than 2M, so no huge page comes into it. */
static u64 minor_faults(struct file *file)
{
	unsigned long at;
	u64 t;
	int ret;

	at = vm_mmap(file, 0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		     file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(at))
		return NOT_MEASURED;
	t = now();
	ret = touch_user(at);
	t = now() - t;
	vm_munmap(at, PAGES * PAGE_SIZE);
	return ret ? NOT_MEASURED : t;
}

static u64 anon(void)
{
	return minor_faults(NULL);
}

static u64 in_file(void)
{
	struct file *file = shmem_file_setup("snp_bench", PAGES * PAGE_SIZE, 0);
	u64 t;

	if (IS_ERR(file))
		return NOT_MEASURED;
	t = minor_faults(file);
	if (t != NOT_MEASURED)
		t = minor_faults(file);
	fput(file);
	return t;
}

static u64 recovered(void)
{
	u64 t;
	int i;

	if (all_private())
		return NOT_MEASURED;
	t = now();
	for (i = 0; i < PAGES; i++)
		WRITE_ONCE(*(u8 *)page_address(pages[i]), i);
	return now() - t;
}

static u64 rmpupdate(void)
{
	struct rmp_state state = { .pagesize = RMP_PG_SIZE_4K };
	int i, ret, bad = 0;
	u64 t;

	if (all_private())
		return NOT_MEASURED;
	t = now();
	for (i = 0; i < PAGES; i++) {
		asm volatile(".byte 0xF2, 0x0F, 0x01, 0xFE"
			     : "=a" (ret)
			     : "a" (page_to_phys(pages[i])), "c" (&state)
			     : "memory", "cc");
		bad |= ret;
	}
	t = now() - t;
	return bad ? NOT_MEASURED : t;
}

static u64 emulation(void)
{
	struct rmp_state state = { .pagesize = RMP_PG_SIZE_4K };
	int i, bad = 0;
	u64 t;

	if (!soft_rmpupdate || all_private())
		return NOT_MEASURED;
	t = now();
	for (i = 0; i < PAGES; i++)
		bad |= soft_rmpupdate(page_to_phys(pages[i]), &state);
	t = now() - t;
	return bad ? NOT_MEASURED : t;
}

static u64 errorcode(void)
{
	unsigned long code = X86_PF_PROT | X86_PF_WRITE;
	int i, bad = 0;
	u64 t;

	if (!soft_error_code || all_private())
		return NOT_MEASURED;
	t = now();
	for (i = 0; i < PAGES; i++)
		bad |= !(soft_error_code(code, (unsigned long)page_address(pages[i])) & X86_PF_RMP);
	t = now() - t;
	return bad ? NOT_MEASURED : t;
}

/* Half an instruction of a thousand matters. */
static void show_mean(struct seq_file *m, const char *name, u64 sum, unsigned int n)
{
	u64 hundredths = 100 * sum / n;

	seq_printf(m, "%s %llu.%02llu\n", name, hundredths / 100, hundredths % 100);
}

static const struct {
	const char *name;
	u64 (*run)(void);
	bool snp;
} costs[] = {
	{ "anon",	anon },
	{ "file",	in_file },
	{ "recovered",	recovered,	true },
	{ "rmpupdate",	rmpupdate,	true },
	{ "emulation",	emulation,	true },
	{ "errorcode",	errorcode,	true },
};

static int fault_show(struct seq_file *m, void *unused)
{
	int i, batch, ret = 0;
	u64 t, best;

	mutex_lock(&bench_lock);
	for (i = 0; i < ARRAY_SIZE(costs) && !ret; i++) {
		if (costs[i].snp && !cc_platform_has(CC_ATTR_HOST_SEV_SNP))
			continue;
		best = NOT_MEASURED;
		for (batch = 0; batch < BATCHES; batch++) {
			t = costs[i].run();
			best = min(best, t);
			if (costs[i].snp && all_shared())
				ret = -EIO;
			cond_resched();
		}
		if (best != NOT_MEASURED)
			show_mean(m, costs[i].name, best, PAGES);
	}
	mutex_unlock(&bench_lock);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(fault);

static u64 best_map = NOT_MEASURED;

static int measure_maps(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	struct kvm_host_map map = { };
	int i, ret = 0;
	u64 t = now();

	for (i = 0; i < MAPS && !ret; i++) {
		ret = kvm_vcpu_map(vcpu, gfn, &map);
		if (!ret)
			kvm_vcpu_unmap(vcpu, &map, false);
	}
	best_map = min(best_map, now() - t);
	return ret;
}

static int measure_map(struct kvm_vcpu *vcpu, gfn_t gfn)
{
	int batch, idx, ret = 0;

	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	idx = srcu_read_lock(&vcpu->kvm->srcu);
	best_map = NOT_MEASURED;
	for (batch = 0; batch < BATCHES && !ret; batch++)
		ret = measure_maps(vcpu, gfn);
	srcu_read_unlock(&vcpu->kvm->srcu, idx);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static ssize_t map_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct file *f;
	int fd, ret = -EINVAL;
	char text[40];
	u64 gfn;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = 0;
	if (sscanf(text, "%d %llu", &fd, &gfn) != 2)
		return -EINVAL;

	f = fget(fd);
	if (!f)
		return -EBADF;
	mutex_lock(&bench_lock);
	if (str_has_prefix(f->f_path.dentry->d_name.name, "kvm-vcpu:"))
		ret = measure_map(f->private_data, gfn);
	mutex_unlock(&bench_lock);
	fput(f);
	return ret ?: len;
}

static int map_show(struct seq_file *m, void *unused)
{
	mutex_lock(&bench_lock);
	if (best_map != NOT_MEASURED)
		show_mean(m, "map", best_map, MAPS);
	mutex_unlock(&bench_lock);
	return 0;
}

static int map_open(struct inode *inode, struct file *file)
{
	return single_open(file, map_show, NULL);
}

static const struct file_operations map_fops = {
	.owner = THIS_MODULE,
	.open = map_open,
	.read = seq_read,
	.write = map_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* Not exported, and nobody but a measurement should want them */
static void *find(const char *symbol)
{
	static unsigned long (*lookup)(const char *name);
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };

	if (!lookup && !register_kprobe(&kp)) {
		lookup = (void *)kp.addr;
		unregister_kprobe(&kp);
	}
	return lookup ? (void *)lookup(symbol) : NULL;
}

static struct dentry *dir;

static void free_pages_(void)
{
	int i;

	for (i = 0; i < PAGES; i++)
		if (pages[i])
			__free_page(pages[i]);
}

static int __init snp_bench_init(void)
{
	int i;

	for (i = 0; i < PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		if (!pages[i]) {
			free_pages_();
			return -ENOMEM;
		}
	}
	soft_rmpupdate = find("snp_soft_rmpupdate");
	soft_error_code = find("snp_soft_host_fault");
	dir = debugfs_create_dir("snp_bench", NULL);
	debugfs_create_file("fault", 0400, dir, NULL, &fault_fops);
	debugfs_create_file("map", 0600, dir, NULL, &map_fops);
	return 0;
}
module_init(snp_bench_init);

static void __exit snp_bench_exit(void)
{
	debugfs_remove(dir);
	free_pages_();
}
module_exit(snp_bench_exit);

MODULE_DESCRIPTION("Cost of host RMP faults, minor faults and KVM's maps");
MODULE_LICENSE("GPL");
