// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM's own maps of guest memory, on request: kvm_vcpu_map() of any frame, as KVM
 * does for a GHCB, or for what nested guests and SMM would want if an SNP guest
 * had them. Each open file of debugfs snp_map_test/maps is one mapper:
 *
 *	<vcpu fd> <gfn> <pages> <word> <hold in us> <ms>
 *
 * maps, for that many ms or until a signal, one random frame of the range after
 * the other on behalf of that vCPU (nobody may run it meanwhile), writes to that
 * quadword, which nobody else may, holds the map, and looks again. What must not be
 * is counted: read() gives
 *
 *	maps <n> refused <n> private <n> torn <n>
 *
 * refused: kvm_vcpu_map() said no; private: a page was assigned to a guest while
 * it was mapped; torn: what was written was not there any more. Used by
 * tests/kselftest/snp_in_place_race_test.c.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/sev.h>

struct mapper {
	unsigned long maps, refused, private, torn;
};

static bool assigned(kvm_pfn_t pfn)
{
	bool is = false;
	int level;

	return !snp_lookup_rmpentry(pfn, &is, &level) && is;
}

static void map_once(struct mapper *m, struct kvm_vcpu *vcpu, gfn_t gfn, unsigned int at,
		     unsigned int hold)
{
	u64 token = get_random_u64();
	struct kvm_host_map map = { };
	u64 *word;

	if (kvm_vcpu_map(vcpu, gfn, &map)) {
		m->refused++;
		return;
	}
	m->maps++;
	word = (u64 *)map.hva + at;
	if (assigned(map.pfn)) {
		m->private++;
	} else {
		WRITE_ONCE(*word, token);
		if (hold)
			usleep_range(hold, hold + 50);
		if (assigned(map.pfn))
			m->private++;
		else if (READ_ONCE(*word) != token)
			m->torn++;
	}
	/* Not dirty: there is no running vCPU to say so for. */
	kvm_vcpu_unmap(vcpu, &map, false);
}

static void map_for_a_while(struct mapper *m, struct kvm_vcpu *vcpu, gfn_t gfn,
			    unsigned int pages, unsigned int at, unsigned int hold,
			    unsigned int ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	int idx;

	while (time_before(jiffies, end) && !signal_pending(current)) {
		if (mutex_lock_killable(&vcpu->mutex))
			return;
		idx = srcu_read_lock(&vcpu->kvm->srcu);
		map_once(m, vcpu, gfn + get_random_u32_below(pages), at, hold);
		srcu_read_unlock(&vcpu->kvm->srcu, idx);
		mutex_unlock(&vcpu->mutex);
		cond_resched();
	}
}

static int maps_open(struct inode *inode, struct file *file)
{
	struct mapper *m = kzalloc(sizeof(*m), GFP_KERNEL);

	file->private_data = m;
	return m ? 0 : -ENOMEM;
}

static int maps_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t maps_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct mapper *m = file->private_data;
	char text[120];
	int n;

	n = scnprintf(text, sizeof(text), "maps %lu refused %lu private %lu torn %lu\n",
		      m->maps, m->refused, m->private, m->torn);
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static ssize_t maps_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	unsigned int pages, at, hold, ms;
	struct kvm_vcpu *vcpu;
	struct file *f;
	char text[80];
	int fd, ret = 0;
	u64 gfn;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = 0;
	if (sscanf(text, "%d %llu %u %u %u %u", &fd, &gfn, &pages, &at, &hold, &ms) != 6 ||
	    !pages || at >= PAGE_SIZE / sizeof(u64))
		return -EINVAL;

	f = fget(fd);
	if (!f)
		return -EBADF;
	vcpu = f->private_data;
	if (!str_has_prefix(f->f_path.dentry->d_name.name, "kvm-vcpu:") ||
	    vcpu->kvm->mm != current->mm)
		ret = -EINVAL;
	else
		map_for_a_while(file->private_data, vcpu, gfn, pages, at, hold, ms);
	fput(f);
	return ret ?: len;
}

static const struct file_operations maps_fops = {
	.owner = THIS_MODULE,
	.open = maps_open,
	.read = maps_read,
	.write = maps_write,
	.release = maps_release,
};

static struct dentry *dir;

static int __init snp_map_test_init(void)
{
	dir = debugfs_create_dir("snp_map_test", NULL);
	debugfs_create_file("maps", 0600, dir, NULL, &maps_fops);
	return 0;
}
module_init(snp_map_test_init);

static void __exit snp_map_test_exit(void)
{
	debugfs_remove(dir);
}
module_exit(snp_map_test_exit);

MODULE_DESCRIPTION("KVM's maps of guest memory, by hand");
MODULE_LICENSE("GPL");
