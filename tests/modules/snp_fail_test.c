// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions that fail when they are told to, as CONFIG_FAIL_FUNCTION does it, but
 * for a chosen call, and on any kernel with kprobes. Each open file of debugfs
 * snp_fail_test/fail is one failure:
 *
 *	<function> <n> <value> [hold]
 *
 * From then on, until the file is closed, call number n (0: every call, -n: the
 * first n) of that function by this process returns value instead of doing
 * anything; with "hold" not before the file is closed, so the function must be one
 * that may sleep. read() gives
 *
 *	calls <n> failed <n>
 *
 * Used by tests/kselftest/snp_in_place_fail_test.c and trace_guest.c.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

struct failure {
	struct kprobe probe;
	bool armed, hold;
	pid_t tgid;
	int nth;
	long value;
	atomic_t calls, failed;
	struct completion closed, left;
	char symbol[40];
};

/* The one with "hold" */
static struct failure *holding;

asmlinkage void snp_fail_return(void);

asm(".text\n"
	".type snp_fail_return, @function\n"
	"snp_fail_return:\n"
		ANNOTATE_NOENDBR
		ASM_RET
	".size snp_fail_return, .-snp_fail_return\n");

/*
 * In the place of the function, with its caller's registers. Killable: the files of a
 * process that ends are closed only when its last thread is gone.
 */
static long fail_held(void)
{
	struct failure *f = READ_ONCE(holding);
	long value = f->value;

	/* Killed or not, the function has failed. */
	(void)wait_for_completion_killable(&f->closed);
	complete(&f->left);
	return value;
}

static int fail_call(struct kprobe *probe, struct pt_regs *regs)
{
	struct failure *f = container_of(probe, struct failure, probe);
	int call;

	if (current->tgid != f->tgid)
		return 0;
	call = atomic_inc_return(&f->calls);
	if (f->nth > 0 ? call != f->nth : f->nth && call > -f->nth)
		return 0;
	atomic_inc(&f->failed);
	if (f->hold) {
		instruction_pointer_set(regs, (unsigned long)fail_held);
		return 1;
	}
	regs->ax = f->value;
	instruction_pointer_set(regs, (unsigned long)snp_fail_return);
	return 1;
}

NOKPROBE_SYMBOL(fail_call);

static int fail_open(struct inode *inode, struct file *file)
{
	struct failure *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	init_completion(&f->closed);
	init_completion(&f->left);
	file->private_data = f;
	return 0;
}

static int fail_release(struct inode *inode, struct file *file)
{
	struct failure *f = file->private_data;
	int held;

	if (f->armed)
		unregister_kprobe(&f->probe);
	if (f->hold) {
		complete_all(&f->closed);
		for (held = atomic_read(&f->failed); held; held--)
			wait_for_completion(&f->left);
		WRITE_ONCE(holding, NULL);
	}
	kfree(f);
	return 0;
}

static ssize_t fail_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct failure *f = file->private_data;
	char text[60];
	int n;

	n = scnprintf(text, sizeof(text), "calls %d failed %d\n", atomic_read(&f->calls),
		      atomic_read(&f->failed));
	return simple_read_from_buffer(buf, len, pos, text, n);
}

static ssize_t fail_write(struct file *file, const char __user *buf, size_t len, loff_t *pos)
{
	struct failure *f = file->private_data;
	char text[80], hold[5] = "";
	int ret;

	if (f->armed || len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, len))
		return -EFAULT;
	text[len] = 0;
	ret = sscanf(text, "%39s %d %ld %4s", f->symbol, &f->nth, &f->value, hold);
	if (ret < 3 || (ret == 4 && strcmp(hold, "hold")))
		return -EINVAL;
	if (ret == 4 && cmpxchg(&holding, NULL, f))
		return -EBUSY;
	f->hold = ret == 4;

	f->tgid = current->tgid;
	f->probe.symbol_name = f->symbol;
	f->probe.pre_handler = fail_call;
	ret = register_kprobe(&f->probe);
	if (ret)
		return ret;
	f->armed = true;
	return len;
}

static const struct file_operations fail_fops = {
	.owner = THIS_MODULE,
	.open = fail_open,
	.read = fail_read,
	.write = fail_write,
	.release = fail_release,
};

static struct dentry *dir;

static int __init snp_fail_test_init(void)
{
	dir = debugfs_create_dir("snp_fail_test", NULL);
	debugfs_create_file("fail", 0600, dir, NULL, &fail_fops);
	return 0;
}
module_init(snp_fail_test_init);

static void __exit snp_fail_test_exit(void)
{
	debugfs_remove(dir);
}
module_exit(snp_fail_test_exit);

MODULE_DESCRIPTION("Functions that fail when they are told to");
MODULE_LICENSE("GPL");
