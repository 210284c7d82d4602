// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private pages below user addresses, on request. Each open file of debugfs
 * rmp_user_test is a VMM's page-state interface and what kernel code does to a
 * VMM's memory; write() runs a command and fails as it fails, read() tells what came
 * of the last one:
 *
 *	private <address>	the page there becomes private, 4K
 *	shared <address>	and shared again
 *	look <address>		"assigned=0|1"
 *	copy <address> <n>	copy_to_user() of n bytes 0x5a: "left=<bytes>"
 *	nofault <address>	copy_to_user_nofault() of one byte
 *	get <address>		get_user() of one byte: "value=<byte>"
 *	put <address>		put_user() of one byte
 *	kthread <address> <n>	as copy, by a kernel thread that uses our mm
 *	bare <address>		a store of one byte that nothing prepares for a fault
 *	erratum <address> <1|0>	from now on (until then) the handler finds nothing private
 *				in the 2M region there, as if hardware faulted without cause
 *
 * Pages are made private by upstream's rmp_make_private(), for an ASID that no guest
 * has, and pinned, as the page-state change of a guest would do it. Invariant:
 * what a file made private is shared again when it is closed, so a test that dies
 * leaves nothing. Used by tests/kselftest/rmp_user_test.c.
 */
#include <linux/completion.h>
#include <linux/debugfs.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/sev.h>
#include <asm/smap.h>

#include <trace/events/rmp.h>

#include "private.h"

#define MAX_COPY	(2 * PAGE_SIZE)

struct held_page {
	struct list_head list;
	struct page *page;
};

struct session {
	struct mutex lock;		/* of all below */
	struct list_head pages;
	bool erratum;
	char result[64];
};

static DEFINE_MUTEX(erratum_lock);
static u64 erratum_pfn;

/* A tracepoint is told of what was found before it is decided about. */
static void hide_private(void *data, const struct rmp_fault *f, unsigned long address, u64 pfn,
			 unsigned long ip)
{
	struct rmp_fault *found = (struct rmp_fault *)f;

	if (f->address != RMP_ADDRESS_USER || ALIGN_DOWN(pfn, PTRS_PER_PMD) != erratum_pfn)
		return;
	found->rmp.assigned = false;
	found->mixed = false;
}

static int erratum(struct session *s, struct page *page)
{
	int ret = 0;

	mutex_lock(&erratum_lock);
	if (page && !s->erratum) {
		erratum_pfn = ALIGN_DOWN(page_to_pfn(page), PTRS_PER_PMD);
		ret = register_trace_rmp_fault(hide_private, NULL);
		s->erratum = !ret;
	} else if (!page && s->erratum) {
		unregister_trace_rmp_fault(hide_private, NULL);
		tracepoint_synchronize_unregister();
		s->erratum = false;
	}
	mutex_unlock(&erratum_lock);
	return ret;
}

static int look_up(struct page *page, bool *private)
{
	int level;

	return snp_lookup_rmpentry(page_to_pfn(page), private, &level);
}

/* A page that cannot be returned keeps its pin: leaked, never freed. */
static int release_page(struct held_page *h)
{
	bool private;
	int ret = look_up(h->page, &private);

	if (!ret && private)
		ret = rmp_make_shared(page_to_pfn(h->page), PG_LEVEL_4K);
	if (!ret)
		unpin_user_page(h->page);
	list_del(&h->list);
	kfree(h);
	return ret;
}

static int pin_page(unsigned long address, unsigned int flags, struct page **page)
{
	int n = pin_user_pages_fast(address & PAGE_MASK, 1, flags, page);

	return n == 1 ? 0 : n < 0 ? n : -EFAULT;
}

static int hold_private(struct session *s, unsigned long address)
{
	struct held_page *h = kzalloc(sizeof(*h), GFP_KERNEL);
	int ret;

	if (!h)
		return -ENOMEM;
	ret = pin_page(address, FOLL_WRITE | FOLL_LONGTERM, &h->page);
	if (ret) {
		kfree(h);
		return ret;
	}
	list_add(&h->list, &s->pages);
	ret = make_private(page_to_pfn(h->page), PG_LEVEL_4K);
	if (ret)
		release_page(h);
	return ret;
}

static int make_shared(struct session *s, unsigned long address)
{
	struct held_page *h;
	struct page *page;
	int ret = pin_page(address, 0, &page);

	if (ret)
		return ret;
	ret = -ENOENT;
	list_for_each_entry(h, &s->pages, list) {
		if (h->page == page) {
			ret = release_page(h);
			break;
		}
	}
	unpin_user_page(page);
	return ret;
}

static int look(struct session *s, unsigned long address)
{
	struct page *page;
	bool private;
	int ret = pin_page(address, 0, &page);

	if (ret)
		return ret;
	ret = look_up(page, &private);
	snprintf(s->result, sizeof(s->result), "assigned=%d\n", private);
	unpin_user_page(page);
	return ret;
}

static int set_erratum(struct session *s, unsigned long address, bool on)
{
	struct page *page;
	int ret;

	if (!on)
		return erratum(s, NULL);
	ret = pin_page(address, 0, &page);
	if (ret)
		return ret;
	ret = erratum(s, page);
	unpin_user_page(page);
	return ret;
}

static int copy(struct session *s, unsigned long address, unsigned long n)
{
	unsigned long left;
	u8 *buf;

	if (n > MAX_COPY)
		return -EINVAL;
	buf = kmalloc(n, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0x5a, n);
	left = copy_to_user((void __user *)address, buf, n);
	snprintf(s->result, sizeof(s->result), "left=%lu\n", left);
	kfree(buf);
	return left ? -EFAULT : 0;
}

/* What no kernel code does on purpose: open to user memory, but without a fixup */
static int bare_store(unsigned long address)
{
	stac();
	asm volatile("movb $0x5a, (%0)" : : "r" (address) : "memory");
	clac();
	return 0;
}

struct work {
	struct completion done;
	struct mm_struct *mm;
	struct session *s;
	unsigned long address, n;
	int ret;
};

static int borrow_mm_and_copy(void *data)
{
	struct work *w = data;

	kthread_use_mm(w->mm);
	w->ret = copy(w->s, w->address, w->n);
	kthread_unuse_mm(w->mm);
	complete(&w->done);
	return 0;
}

static int copy_by_kthread(struct session *s, unsigned long address, unsigned long n)
{
	struct work w = { .mm = current->mm, .s = s, .address = address, .n = n };
	struct task_struct *t;

	init_completion(&w.done);
	t = kthread_run(borrow_mm_and_copy, &w, "rmp_user_test");
	if (IS_ERR(t))
		return PTR_ERR(t);
	wait_for_completion(&w.done);
	return w.ret;
}

static int run(struct session *s, const char *word, unsigned long address, unsigned long n)
{
	u8 byte = 0x5a;
	int ret;

	if (!strcmp(word, "private"))
		return hold_private(s, address);
	if (!strcmp(word, "shared"))
		return make_shared(s, address);
	if (!strcmp(word, "look"))
		return look(s, address);
	if (!strcmp(word, "copy"))
		return copy(s, address, n);
	if (!strcmp(word, "nofault"))
		return copy_to_user_nofault((void __user *)address, &byte, 1);
	if (!strcmp(word, "put"))
		return put_user(byte, (u8 __user *)address);
	if (!strcmp(word, "kthread"))
		return copy_by_kthread(s, address, n);
	if (!strcmp(word, "erratum"))
		return set_erratum(s, address, n);
	if (!strcmp(word, "bare"))
		return bare_store(address);
	if (!strcmp(word, "get")) {
		ret = get_user(byte, (u8 __user *)address);
		snprintf(s->result, sizeof(s->result), "value=%u\n", byte);
		return ret;
	}
	return -EINVAL;
}

static ssize_t session_write(struct file *file, const char __user *u, size_t n, loff_t *pos)
{
	struct session *s = file->private_data;
	unsigned long address, bytes = 0;
	char line[64] = "", word[16];
	int ret;

	if (n >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, u, n))
		return -EFAULT;
	if (sscanf(line, "%15s %lx %lu", word, &address, &bytes) < 2)
		return -EINVAL;

	mutex_lock(&s->lock);
	s->result[0] = '\0';
	ret = run(s, word, address, bytes);
	mutex_unlock(&s->lock);
	return ret ?: n;
}

static ssize_t session_read(struct file *file, char __user *u, size_t n, loff_t *pos)
{
	struct session *s = file->private_data;
	loff_t start = 0;
	ssize_t ret;

	mutex_lock(&s->lock);
	ret = simple_read_from_buffer(u, n, &start, s->result, strlen(s->result));
	mutex_unlock(&s->lock);
	return ret;
}

static int session_open(struct inode *inode, struct file *file)
{
	struct session *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock);
	INIT_LIST_HEAD(&s->pages);
	file->private_data = s;
	return 0;
}

static int session_release(struct inode *inode, struct file *file)
{
	struct session *s = file->private_data;
	struct held_page *h, *next;

	erratum(s, NULL);
	list_for_each_entry_safe(h, next, &s->pages, list)
		if (release_page(h))
			pr_err("a page is leaked\n");
	kfree(s);
	return 0;
}

static const struct file_operations session_fops = {
	.owner = THIS_MODULE,
	.open = session_open,
	.release = session_release,
	.write = session_write,
	.read = session_read,
};

static struct dentry *dir;

static int __init rmp_user_test_init(void)
{
	dir = debugfs_create_file("rmp_user_test", 0600, NULL, NULL, &session_fops);
	return 0;
}
module_init(rmp_user_test_init);

static void __exit rmp_user_test_exit(void)
{
	debugfs_remove(dir);
}
module_exit(rmp_user_test_exit);

MODULE_DESCRIPTION("Private pages below user addresses, on request");
MODULE_LICENSE("GPL");
