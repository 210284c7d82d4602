// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of each page for human eyes and for tools that draw it: debugfs
 * rmp/map streams the RMP in runs of alike pages, rmp/pages has the totals.
 *
 * rmp/map: the file position is a page frame number. A read gives lines from the
 * page at the position on, and moves it behind the last page it told of; the rest
 * of a line that did not fit comes first in the next read. So seeking to a page
 * is lseek(), a range is read until its end is passed, and the file ends where
 * the RMP ends. A line is
 *
 *	pfn pages state level asid gpa directmap
 *
 * pfn and gpa in hex with 0x, the others as words and decimal numbers: first
 * page, number of pages, enum rmp_page_state, size of the RMP entries (- if they
 * are nobody's), owner, guest-physical address of the first page, and size of the
 * mapping by which the kernel reaches the region. Pages of a guest are in one
 * run only if their guest-physical addresses follow each other.
 *
 * Invariant: nothing is held between reads, and no read keeps more than one page
 * of memory, so a reader may stay away for ever and guests come and go. Each
 * entry is read on its own: a snapshot only while nothing changes.
 */
#include <linux/debugfs.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/page.h>
#include <asm/rmp_count.h>
#include <asm/rmp_map.h>

static const char * const rmp_page_state_names[NR_RMP_PAGE_STATES] = {
	[RMP_PAGE_HOLE]		= "hole",
	[RMP_PAGE_SHARED]	= "shared",
	[RMP_PAGE_HV_FIXED]	= "hv-fixed",
	[RMP_PAGE_FIRMWARE]	= "firmware",
	[RMP_PAGE_RECLAIM]	= "reclaim",
	[RMP_PAGE_PRE_GUEST]	= "pre-guest",
	[RMP_PAGE_PRE_SWAP]	= "pre-swap",
	[RMP_PAGE_INVALID]	= "invalid",
	[RMP_PAGE_VALID]	= "valid",
	[RMP_PAGE_VMSA]		= "vmsa",
};

static const char * const rmp_level_names[] = {
	[PG_LEVEL_NONE]	= "-",
	[PG_LEVEL_4K]	= "4K",
	[PG_LEVEL_2M]	= "2M",
	[PG_LEVEL_1G]	= "1G",
};

#define RMP_LINE_SIZE	128

struct rmp_run {
	u64 pfn;
	u64 pages;
	enum rmp_page_state state;
	enum pg_level level;		/* NONE: not assigned */
	enum pg_level mapping;
	u32 asid;
	u64 gpa;
};

/**
 * rmp_page_state() - name what an RMP entry says
 * @v: the entry
 *
 * Pure. SEV-SNP firmware ABI, table "Page States"; the VMSA bit makes a page of
 * the firmware a context, which is not told apart here, and one of a guest a VMSA.
 *
 * Context: any.
 * Return: never RMP_PAGE_HOLE.
 */
enum rmp_page_state rmp_page_state(const struct rmp_view *v)
{
	if (!v->assigned)
		return v->immutable ? RMP_PAGE_HV_FIXED : RMP_PAGE_SHARED;
	if (!v->asid)
		return v->immutable ? RMP_PAGE_FIRMWARE : RMP_PAGE_RECLAIM;
	if (v->immutable)
		return v->validated ? RMP_PAGE_PRE_SWAP : RMP_PAGE_PRE_GUEST;
	if (v->vmsa)
		return RMP_PAGE_VMSA;
	return v->validated ? RMP_PAGE_VALID : RMP_PAGE_INVALID;
}

/* Memory and its direct mapping come and go by 2M at least. */
static void rmp_run_region(u64 pfn, bool *memory, enum pg_level *mapping)
{
	unsigned int level;

	*memory = pfn_valid(pfn);
	*mapping = PG_LEVEL_NONE;
	if (*memory && lookup_address((unsigned long)pfn_to_kaddr(pfn), &level))
		*mapping = min_t(unsigned int, level, PG_LEVEL_1G);
}

static bool rmp_run_page(u64 pfn, bool memory, enum pg_level mapping, struct rmp_run *r)
{
	struct rmp_view v;

	if (!rmp_view_page(pfn, &v))
		return false;

	*r = (struct rmp_run){ .pfn = pfn, .pages = 1, .mapping = mapping };
	r->state = rmp_page_state(&v);
	if (r->state == RMP_PAGE_SHARED && !memory)
		r->state = RMP_PAGE_HOLE;
	if (v.assigned) {
		r->level = v.level;
		r->asid = v.asid;
		r->gpa = v.asid ? v.gpa : 0;
	}
	return true;
}

static bool rmp_run_joins(const struct rmp_run *r, const struct rmp_run *p)
{
	return p->state == r->state && p->level == r->level &&
	       p->mapping == r->mapping && p->asid == r->asid &&
	       (!r->asid || p->gpa == r->gpa + (r->pages << PAGE_SHIFT));
}

/*
 * The run that starts at @pfn, as far as it goes. Sleeps at times; memory must
 * not go away meanwhile. Returns 1, 0 beyond the RMP, -EINTR.
 */
static int rmp_run_at(u64 pfn, struct rmp_run *r)
{
	enum pg_level mapping;
	struct rmp_run p;
	bool memory;

	rmp_run_region(pfn, &memory, &mapping);
	if (!rmp_run_page(pfn, memory, mapping, r))
		return 0;

	while (++pfn) {
		if (IS_ALIGNED(pfn, PTRS_PER_PMD)) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
			rmp_run_region(pfn, &memory, &mapping);
		}
		if (!rmp_run_page(pfn, memory, mapping, &p) || !rmp_run_joins(r, &p))
			break;
		r->pages++;
	}
	return 1;
}

static int rmp_run_print(char *line, const struct rmp_run *r)
{
	return scnprintf(line, RMP_LINE_SIZE, "0x%llx %llu %s %s %u 0x%llx %s\n",
			 r->pfn, r->pages, rmp_page_state_names[r->state],
			 rmp_level_names[r->level], r->asid, r->gpa,
			 rmp_level_names[r->mapping]);
}

/* The line that was read last, of which a small buffer may have left a rest. */
struct rmp_map_file {
	struct mutex lock;	/* the rest, against pread() beside read() */
	u64 next;		/* page behind the line */
	int at;
	int len;
	char line[RMP_LINE_SIZE];
};

static int rmp_map_line(struct rmp_map_file *f)
{
	struct rmp_run r;
	int ret;

	ret = rmp_run_at(f->next, &r);
	if (ret <= 0)
		return ret;
	f->at = 0;
	f->len = rmp_run_print(f->line, &r);
	f->next = r.pfn + r.pages;
	return 1;
}

static ssize_t rmp_map_fill(struct rmp_map_file *f, char *buf, size_t size)
{
	size_t done = 0, n;
	int ret;

	while (done < size) {
		if (f->at == f->len) {
			ret = rmp_map_line(f);
			if (ret <= 0)
				return done ?: ret;
		}
		n = min_t(size_t, size - done, f->len - f->at);
		memcpy(buf + done, f->line + f->at, n);
		f->at += n;
		done += n;
	}
	return done;
}

static ssize_t rmp_map_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	struct rmp_map_file *f = file->private_data;
	ssize_t n;
	char *buf;

	buf = (char *)__get_free_page(GFP_KERNEL);
	if (!buf)
		return -ENOMEM;

	mutex_lock(&f->lock);
	if (f->next != *pos) {
		/* Elsewhere now: what is left of the line is of no interest. */
		f->next = *pos;
		f->at = 0;
		f->len = 0;
	}
	get_online_mems();
	n = rmp_map_fill(f, buf, min_t(size_t, size, PAGE_SIZE));
	put_online_mems();

	if (n > 0 && copy_to_user(to, buf, n))
		n = -EFAULT;
	if (n > 0)
		*pos = f->next;
	mutex_unlock(&f->lock);
	free_page((unsigned long)buf);
	return n;
}

static int rmp_map_open(struct inode *inode, struct file *file)
{
	struct rmp_map_file *f = kzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;

	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int rmp_map_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations rmp_map_fops = {
	.open		= rmp_map_open,
	.read		= rmp_map_read,
	.llseek		= no_seek_end_llseek,
	.release	= rmp_map_release,
};

struct rmp_totals {
	u64 state[NR_RMP_PAGE_STATES][PG_LEVEL_2M + 1];
	u64 mapping[PG_LEVEL_1G + 1];
	u64 guest[RMP_NR_ASIDS][PG_LEVEL_2M + 1];
};

static void rmp_show_guests(struct seq_file *m, const struct rmp_totals *t)
{
	u32 asid;
	int l;

	for (asid = 1; asid < RMP_NR_ASIDS; asid++) {
		for (l = PG_LEVEL_4K; l <= PG_LEVEL_2M; l++) {
			if (t->guest[asid][l])
				seq_printf(m, "guest_pages asid=%u pid=%d size=%s %llu\n", asid,
					   rmp_owner(asid), rmp_level_names[l],
					   t->guest[asid][l]);
		}
	}
}

/* Totals of now, in 4K pages; a run costs no more than its pages, so no more than the map. */
static int pages_show(struct seq_file *m, void *v)
{
	struct rmp_totals *t;
	struct rmp_run r;
	u64 pfn = 0;
	int i, l, ret;

	t = kvzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;

	get_online_mems();
	while ((ret = rmp_run_at(pfn, &r)) > 0) {
		t->state[r.state][r.level] += r.pages;
		t->mapping[r.mapping] += r.pages;
		t->guest[r.asid % RMP_NR_ASIDS][r.level] += r.pages;
		pfn += r.pages;
	}
	put_online_mems();

	seq_puts(m, "version 1\n");
	for (i = RMP_PAGE_SHARED; i <= RMP_PAGE_HV_FIXED; i++)
		seq_printf(m, "pages state=%s %llu\n", rmp_page_state_names[i],
			   t->state[i][PG_LEVEL_NONE]);
	for (i = RMP_PAGE_FIRMWARE; i < NR_RMP_PAGE_STATES; i++) {
		for (l = PG_LEVEL_4K; l <= PG_LEVEL_2M; l++)
			seq_printf(m, "pages state=%s size=%s %llu\n",
				   rmp_page_state_names[i], rmp_level_names[l],
				   t->state[i][l]);
	}
	for (l = PG_LEVEL_4K; l <= PG_LEVEL_1G; l++)
		seq_printf(m, "directmap_pages size=%s %llu\n", rmp_level_names[l],
			   t->mapping[l]);
	rmp_show_guests(m, t);
	kvfree(t);
	return ret;
}

/* All lines there can be: a buffer that is too small means another pass. */
static int pages_open(struct inode *inode, struct file *file)
{
	return single_open_size(file, pages_show, NULL, RMP_NR_ASIDS * 2 * 64);
}

static const struct file_operations pages_fops = {
	.open		= pages_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/**
 * rmp_map_files() - create rmp/map and rmp/pages
 * @dir: debugfs rmp/
 *
 * Context: boot.
 */
void rmp_map_files(struct dentry *dir)
{
	debugfs_create_file("map", 0400, dir, NULL, &rmp_map_fops);
	debugfs_create_file("pages", 0400, dir, NULL, &pages_fops);
}
