// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conversions that split the direct map, on request. debugfs dmap_test/:
 *
 *	run	write "<case> [<number>]": it runs, and write() fails with EIO
 *		(property violated) or with what kept it from running
 *	result	key=value words about the last case
 *
 * Pages become private by upstream's rmp_make_private(), for an ASID that no guest
 * has. Merges are forced from outside, by writing to debugfs rmp_dmap/merge, while
 * a case runs. Invariant: what a case made private is shared again before it is
 * freed. Used by dmap_test.c and snp_memory_hotplug_test.c in tests/kselftest, and by
 * tests/bench/dmap.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include <asm/dmap_rmp.h>
#include <asm/rmp_fault.h>
#include <asm/sev.h>

#include "private.h"

#define REGION_PAGES	BIT(HUGE_ORDER)

static DEFINE_MUTEX(run_lock);
static char result[512];

static __printf(1, 2) void tell(const char *fmt, ...)
{
	int n = strlen(result);
	va_list args;

	va_start(args, fmt);
	vsnprintf(result + n, sizeof(result) - n, fmt, args);
	va_end(args);
}

#define fail(...) (tell(__VA_ARGS__), -EIO)

/* ---- functions that modules can't call ------------------------------------- */

static int (*set_memory_4k_)(unsigned long addr, int numpages);
static int (*set_memory_ro_)(unsigned long addr, int numpages);
static int (*set_memory_rw_)(unsigned long addr, int numpages);
static int (*set_direct_map_invalid_)(struct page *page);
static int (*set_direct_map_default_)(struct page *page);

static void *symbol(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *addr;

	if (register_kprobe(&kp))
		return NULL;
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

static int find_symbols(void)
{
	set_memory_4k_ = symbol("set_memory_4k");
	set_memory_ro_ = symbol("set_memory_ro");
	set_memory_rw_ = symbol("set_memory_rw");
	set_direct_map_invalid_ = symbol("set_direct_map_invalid_noflush");
	set_direct_map_default_ = symbol("set_direct_map_default_noflush");
	return set_memory_4k_ && set_memory_ro_ && set_memory_rw_ && set_direct_map_invalid_ &&
	       set_direct_map_default_ ? 0 : -ENOENT;
}

/* ---- pages ------------------------------------------------------------------ */

static pteval_t entry_of(const void *va)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)va, &level);

	return pte ? pte_val(*pte) : 0;
}

static int share_all(struct page *page, unsigned long n)
{
	u64 leaked = share_pages(page, n);

	return leaked ? fail(" leaked=0x%llx", leaked) : 0;
}

static struct page *get_region(void)
{
	struct page *page = alloc_huge_mapped();

	if (page)
		tell(" pfn=0x%lx", page_to_pfn(page));
	return page;
}

static int put_region(struct page *page)
{
	int ret = share_all(page, REGION_PAGES);

	if (!ret)
		__free_pages(page, HUGE_ORDER);
	return ret;
}

/* Forced from outside; some seconds of patience. */
static bool merged_soon(const void *va)
{
	int ms;

	for (ms = 0; ms < 20000; ms++) {
		if (level_of(va) == PG_LEVEL_2M)
			return true;
		usleep_range(900, 1100);
	}
	return false;
}

/* ---- cases ------------------------------------------------------------------ */

/* A 2M entry: nothing to split. */
static int case_huge(unsigned long unused)
{
	struct page *page = get_region();
	int ret;

	if (!page)
		return -ENOMEM;
	ret = make_private(page_to_pfn(page), PG_LEVEL_2M);
	if (!ret && level_of(page_address(page)) != PG_LEVEL_2M)
		ret = fail(" level=%u", level_of(page_address(page)));
	if (!ret && !is_private(page_to_pfn(page) + REGION_PAGES - 1))
		ret = fail(" not private");
	return put_region(page) ?: ret;
}

static unsigned int psmash_level;

/* RDI: the physical address, as the platform executes the instruction. */
static int psmash_seen(struct kprobe *kp, struct pt_regs *regs)
{
	psmash_level = level_of(__va(regs->di));
	return 0;
}

/* At the instruction itself the region is 4K-mapped already. */
static int case_psmash(unsigned long unused)
{
	struct kprobe kp = { .symbol_name = "snp_soft_psmash", .pre_handler = psmash_seen };
	struct page *page = get_region();
	int ret;

	if (!page)
		return -ENOMEM;
	psmash_level = PG_LEVEL_NONE;
	ret = register_kprobe(&kp);
	if (!ret) {
		ret = make_private(page_to_pfn(page), PG_LEVEL_2M);
		if (!ret && psmash(page_to_pfn(page)))
			ret = -ENXIO;
		unregister_kprobe(&kp);
		if (!ret && psmash_level != PG_LEVEL_4K)
			ret = fail(" level=%u at PSMASH", psmash_level);
	}
	return put_region(page) ?: ret;
}

static struct page *held;
static bool begun;

/* A conversion, up to where only RMPUPDATE is left to do; and that. */
static int case_begin(unsigned long unused)
{
	int ret;

	if (held)
		return -EINVAL;
	held = get_region();
	if (!held)
		return -ENOMEM;
	ret = rmp_split_direct_map(page_to_pfn(held), PG_LEVEL_4K);
	begun = !ret;
	return ret;
}

static int case_assign(unsigned long unused)
{
	u64 pfn;

	if (!begun)
		return -ENOENT;
	pfn = page_to_pfn(held);
	begun = false;
	return rmp_assign_guest(pfn, TEST_GPA + PFN_PHYS(pfn), PG_LEVEL_4K, asid, false) ?
	       -ENXIO : 0;
}

static int case_release(unsigned long unused)
{
	int ret;

	if (begun)
		case_assign(0);
	ret = held ? put_region(held) : 0;
	held = NULL;
	return ret;
}

/* @n pages of a region private, the last of them flipped by a write; until release. */
static int case_hold(unsigned long n)
{
	struct page *last;
	unsigned long i;
	int ret = 0;

	if (held || !n || n > REGION_PAGES)
		return -EINVAL;
	held = get_region();
	if (!held)
		return -ENOMEM;
	for (i = 0; !ret && i < n; i++)
		ret = make_private(page_to_pfn(held) + i, PG_LEVEL_4K);
	if (ret)
		return ret;
	last = held + n - 1;
	WRITE_ONCE(*(u8 *)page_address(last), 1);
	return is_private(page_to_pfn(last)) ? fail(" not flipped") : 0;
}

/*
 * Make the entries of private pages look like those of shared ones, as they do on
 * silicon: what the platform does to them must not be what a merge goes by.
 */
static int case_bare(unsigned long unused)
{
	unsigned int level;
	unsigned long i;
	pte_t *pte;

	if (!held)
		return -ENOENT;
	for (i = 0; i < REGION_PAGES; i++) {
		if (!is_private(page_to_pfn(held) + i))
			continue;
		pte = lookup_address((unsigned long)page_address(held + i), &level);
		if (!pte || level != PG_LEVEL_4K)
			return fail(" level=%u", level);
		WRITE_ONCE(*pte, pfn_pte(page_to_pfn(held) + i, PAGE_KERNEL));
	}
	return 0;
}

static int case_level(unsigned long unused)
{
	if (!held)
		return -ENOENT;
	tell(" level=%u", level_of(page_address(held)));
	return 0;
}

static int neighbour_thread(void *data)
{
	u8 *va = data, value = 0;
	unsigned long n;

	while (!kthread_should_stop()) {
		value++;
		for (n = REGION_PAGES / 2; n < REGION_PAGES; n += 17)
			WRITE_ONCE(va[n * PAGE_SIZE], value);
		for (n = REGION_PAGES / 2; n < REGION_PAGES; n += 17)
			if (READ_ONCE(va[n * PAGE_SIZE]) != value)
				return 1;
		cond_resched();
	}
	return 0;
}

/* Private is private, in a region that is 4K-mapped as long. */
static int stays_private(struct page *page, unsigned long n)
{
	int i;

	for (i = 0; i < 20; i++) {
		if (level_of(page_address(page)) != PG_LEVEL_4K)
			return fail(" mapped large over private page %lu", n);
		if (!is_private(page_to_pfn(page) + n))
			return fail(" page %lu lost its owner", n);
		cond_resched();
	}
	return 0;
}

/*
 * A page of a region becomes private and shared again, while somebody forces
 * merges and a neighbour is written all the time. Every other round waits until
 * the merge was done, so that the next one begins with a split. Every fourth time
 * the page is shared by a write to it, in the fault handler.
 */
static int case_race(unsigned long rounds)
{
	struct page *page = get_region();
	struct task_struct *t;
	unsigned long i, n, merges = 0, flips = 0;
	int ret = 0;

	if (!page)
		return -ENOMEM;
	t = kthread_run(neighbour_thread, page_address(page), "dmap_neighbour");
	if (IS_ERR(t))
		return put_region(page) ?: PTR_ERR(t);
	get_task_struct(t);

	for (i = 0; !ret && i < rounds; i++) {
		n = i % (REGION_PAGES / 2);
		ret = make_private(page_to_pfn(page) + n, PG_LEVEL_4K);
		if (!ret)
			ret = stays_private(page, n);
		if (!ret && i % 4 == 3) {
			WRITE_ONCE(*(u8 *)page_address(page + n), 1);
			flips++;
		} else if (!ret && rmp_make_shared(page_to_pfn(page) + n, PG_LEVEL_4K)) {
			ret = -ENXIO;
		}
		if (!ret && (i & 1) && !merged_soon(page_address(page)))
			ret = fail(" no merge");
		merges += i & 1;
	}
	if (kthread_stop(t))
		ret = fail(" a neighbour lost a write");
	put_task_struct(t);
	tell(" rounds=%lu merges=%lu flips=%lu", i, merges, flips);
	return put_region(page) ?: ret;
}

static int keeps(struct page *page, pteval_t bit, const char *what)
{
	int ms;

	for (ms = 0; ms < 50; ms++) {
		if (level_of(page_address(page)) != PG_LEVEL_4K)
			return fail(" merged over a %s page", what);
		if (entry_of(page_address(page)) & bit)
			return fail(" a %s page is so no more", what);
		usleep_range(900, 1100);
	}
	return 0;
}

/*
 * In a region of ours someone makes a page read-only, or takes it away as
 * secretmem does: merges leave that alone, and come when it is over.
 */
static int case_attributes(unsigned long rounds)
{
	struct page *page = get_region(), *other;
	unsigned long i, va;
	int ret = 0;

	if (!page)
		return -ENOMEM;
	other = page + 77;
	va = (unsigned long)page_address(other);
	for (i = 0; !ret && i < rounds; i++) {
		ret = make_private(page_to_pfn(page), PG_LEVEL_4K);
		if (ret)
			break;
		if (set_memory_ro_(va, 1) || rmp_make_shared(page_to_pfn(page), PG_LEVEL_4K))
			ret = -ENXIO;
		ret = ret ?: keeps(other, _PAGE_RW, "read-only");
		if (set_memory_rw_(va, 1))
			ret = -ENXIO;
		if (!ret && !merged_soon((void *)va))
			ret = fail(" no merge after read-only");

		ret = ret ?: make_private(page_to_pfn(page), PG_LEVEL_4K);
		if (ret)
			break;
		if (set_direct_map_invalid_(other) ||
		    rmp_make_shared(page_to_pfn(page), PG_LEVEL_4K))
			ret = -ENXIO;
		ret = ret ?: keeps(other, _PAGE_PRESENT, "hidden");
		if (set_direct_map_default_(other))
			ret = -ENXIO;
		if (!ret && !merged_soon((void *)va))
			ret = fail(" no merge after hidden");
	}
	tell(" rounds=%lu", i);
	return put_region(page) ?: ret;
}

/* ---- a wide range, kept between cases ----------------------------------------- */

#define BLOCK_ORDER	MAX_PAGE_ORDER
#define BLOCK_PAGES	BIT(BLOCK_ORDER)
/* Left to the rest of the system while we look for the piece, in small pieces if few */
#define SPARE_PAGES	(SZ_64M / PAGE_SIZE)
#define SPARE_FEW	(SZ_16M / PAGE_SIZE)

static struct page **blocks;
static unsigned long nr_blocks;
/* Free memory in pieces of 2M that were no part of any block */
static LIST_HEAD(halves);
/* Page frame from which a piece is looked for, or where memory goes and comes */
static unsigned long lowest;

static int by_pfn(const void *a, const void *b)
{
	const struct page *pa = *(struct page * const *)a, *pb = *(struct page * const *)b;

	return pa < pb ? -1 : pa > pb;
}

static bool block_large(const struct page *page)
{
	u8 *va = page_address(page);
	unsigned long i;

	for (i = 0; i < BLOCK_PAGES; i += REGION_PAGES)
		if (level_of(va + i * PAGE_SIZE) != PG_LEVEL_2M)
			return false;
	return true;
}

static int case_above(unsigned long pfn)
{
	lowest = pfn;
	return 0;
}

static void free_blocks(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &halves, lru)
		__free_pages(page, HUGE_ORDER);
	INIT_LIST_HEAD(&halves);
	while (nr_blocks)
		__free_pages(blocks[--nr_blocks], BLOCK_ORDER);
	kvfree(blocks);
	blocks = NULL;
}

static void free_others(unsigned long first, unsigned long n)
{
	unsigned long i;

	for (i = 0; i < nr_blocks; i++)
		if (i < first || i >= first + n)
			__free_pages(blocks[i], BLOCK_ORDER);
	memmove(blocks, blocks + first, n * sizeof(*blocks));
	nr_blocks = n;
}

static void free_these(unsigned long first, unsigned long n)
{
	struct page *page;
	unsigned long i;

	while (global_zone_page_state(NR_FREE_PAGES) > SPARE_FEW) {
		page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, HUGE_ORDER);
		if (!page)
			break;
		list_add(&page->lru, &halves);
	}
	for (i = first; i < first + n; i++)
		__free_pages(blocks[i], BLOCK_ORDER);
	nr_blocks -= n;
	memmove(blocks + first, blocks + first + n, (nr_blocks - first) * sizeof(*blocks));
}

/*
 * Of all memory that is free @mib MiB in one piece, mapped by 2M entries; or all but
 * such a piece.
 */
static int find_piece(unsigned long mib, unsigned long spare,
		      void (*free_rest)(unsigned long first, unsigned long n))
{
	unsigned long want = mib * SZ_1M / (BLOCK_PAGES * PAGE_SIZE);
	unsigned long max = totalram_pages() / BLOCK_PAGES, i, run = 0, end = 0;
	struct page *page;

	free_blocks();
	blocks = kvcalloc(max, sizeof(*blocks), GFP_KERNEL);
	if (!blocks)
		return -ENOMEM;
	while (nr_blocks < max && global_zone_page_state(NR_FREE_PAGES) > spare) {
		page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, BLOCK_ORDER);
		if (!page)
			break;
		blocks[nr_blocks++] = page;
	}
	sort(blocks, nr_blocks, sizeof(*blocks), by_pfn, NULL);

	for (i = 0; i < nr_blocks && run < want; i++) {
		if (!run || page_to_pfn(blocks[i]) != page_to_pfn(blocks[i - 1]) + BLOCK_PAGES)
			run = 0;
		run = block_large(blocks[i]) && page_to_pfn(blocks[i]) >= lowest ? run + 1 : 0;
		end = i + 1;
	}
	if (run < want) {
		free_blocks();
		return -ENOMEM;
	}

	tell(" pfn=0x%lx regions=%lu", page_to_pfn(blocks[end - want]),
	     want * BLOCK_PAGES / REGION_PAGES);
	free_rest(end - want, want);
	return 0;
}

static int case_alloc(unsigned long mib)
{
	return find_piece(mib, SPARE_PAGES, free_others);
}

/* For those who want their memory there, and nowhere else */
static int case_all_but(unsigned long mib)
{
	return find_piece(mib, SPARE_FEW, free_these);
}

static atomic_long_t flushes;

static int flush_seen(struct kprobe *kp, struct pt_regs *regs)
{
	atomic_long_inc(&flushes);
	return 0;
}

static struct kprobe flush_probe = { .symbol_name = "flush_tlb_all", .pre_handler = flush_seen };

/*
 * All of it private, page by page. What the first page of a region costs more
 * than the second is what the splitting costs.
 */
static int case_convert(unsigned long unused)
{
	u64 pfn, end, split_ns = 0, t;
	int ret = 0;

	if (!blocks)
		return -ENOENT;
	pfn = page_to_pfn(blocks[0]);
	end = pfn + nr_blocks * BLOCK_PAGES;

	atomic_long_set(&flushes, 0);
	for (; !ret && pfn < end; pfn++) {
		t = ktime_get_ns();
		ret = make_private(pfn, PG_LEVEL_4K);
		t = ktime_get_ns() - t;
		if (pfn % REGION_PAGES == 0)
			split_ns += t;
		if (pfn % REGION_PAGES == 1)
			split_ns -= t;
		cond_resched();
	}
	tell(" flushes=%ld split_ns=%lld", atomic_long_read(&flushes), split_ns);
	return ret;
}

static int case_share(unsigned long unused)
{
	unsigned long i;
	int ret = 0;

	for (i = 0; !ret && i < nr_blocks; i++) {
		ret = share_all(blocks[i], BLOCK_PAGES);
		cond_resched();
	}
	return ret;
}

/*
 * What upstream's adjust_direct_map() does for the first page of each region. The
 * probe that counts flushes costs time, so the first half is counted and the
 * second half timed, each for the whole.
 */
static int case_upstream(unsigned long unused)
{
	unsigned long i, n = nr_blocks * BLOCK_PAGES, va;
	u64 split_ns = 0, t;
	int ret = 0;

	if (!blocks)
		return -ENOENT;
	atomic_long_set(&flushes, 0);
	for (i = 0; !ret && i < n; i += REGION_PAGES) {
		if (i == n / 2)
			disable_kprobe(&flush_probe);
		va = (unsigned long)page_address(blocks[0]) + i * PAGE_SIZE;
		t = ktime_get_ns();
		ret = set_memory_4k_(va, 1);
		t = ktime_get_ns() - t;
		if (i >= n / 2)
			split_ns += t;
		cond_resched();
	}
	enable_kprobe(&flush_probe);
	tell(" flushes=%ld split_ns=%lld", 2 * atomic_long_read(&flushes), 2 * split_ns);
	return ret;
}

/* The range at once. */
static int case_range(unsigned long unused)
{
	int ret;

	if (!blocks)
		return -ENOENT;
	atomic_long_set(&flushes, 0);
	ret = rmp_dmap_split(page_to_pfn(blocks[0]), nr_blocks * BLOCK_PAGES);
	tell(" flushes=%ld", atomic_long_read(&flushes));
	return ret;
}

/* How many regions of it are mapped by 2M entries? */
static int case_large(unsigned long unused)
{
	unsigned long i, n = nr_blocks * BLOCK_PAGES, large = 0;

	if (!blocks)
		return -ENOENT;
	for (i = 0; i < n; i += REGION_PAGES)
		large += level_of(page_address(blocks[0]) + i * PAGE_SIZE) == PG_LEVEL_2M;
	tell(" large=%lu regions=%lu", large, n / REGION_PAGES);
	return 0;
}

static int case_free(unsigned long unused)
{
	int ret = case_share(0);

	if (!ret)
		free_blocks();
	return ret;
}

/* ---- memory that goes and comes: not where it is only taken offline, but removed - */

static int case_unplug(unsigned long pages)
{
	int (*unplug)(u64 start, u64 size) = symbol("offline_and_remove_memory");

	return unplug ? unplug(PFN_PHYS(lowest), PFN_PHYS(pages)) : -EOPNOTSUPP;
}

static int case_plug(unsigned long pages)
{
	int (*plug)(int nid, u64 start, u64 size, unsigned int flags) = symbol("add_memory");

	return plug ? plug(0, PFN_PHYS(lowest), PFN_PHYS(pages), 0) : -EOPNOTSUPP;
}

/* ---- debugfs ------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*fn)(unsigned long arg);
} cases[] = {
	{ "begin", case_begin }, { "assign", case_assign },
	{ "hold", case_hold }, { "release", case_release },
	{ "bare", case_bare }, { "level", case_level },
	{ "huge", case_huge }, { "psmash", case_psmash }, { "race", case_race },
	{ "attributes", case_attributes }, { "alloc", case_alloc }, { "all_but", case_all_but },
	{ "convert", case_convert }, { "share", case_share }, { "range", case_range },
	{ "upstream", case_upstream }, { "large", case_large }, { "free", case_free },
	{ "above", case_above }, { "unplug", case_unplug }, { "plug", case_plug },
};

static ssize_t run_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	char name[32] = "", line[64];
	unsigned long arg = 0;
	int i, ret = -ENOENT;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, len))
		return -EFAULT;
	line[len] = '\0';
	if (sscanf(line, "%31s %lu", name, &arg) < 1)
		return -EINVAL;

	mutex_lock(&run_lock);
	snprintf(result, sizeof(result), "case=%s", name);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (!strcmp(cases[i].name, name))
			ret = cases[i].fn(arg);
	tell(" ret=%d", ret);
	mutex_unlock(&run_lock);
	return ret ?: len;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = run_write,
};

static int result_show(struct seq_file *m, void *unused)
{
	mutex_lock(&run_lock);
	seq_printf(m, "%s\n", result);
	mutex_unlock(&run_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(result);

static struct dentry *dir;

static int __init dmap_test_init(void)
{
	int ret = find_symbols() ?: register_kprobe(&flush_probe);

	if (ret)
		return ret;
	dir = debugfs_create_dir("dmap_test", NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	debugfs_create_file("result", 0400, dir, NULL, &result_fops);
	return 0;
}

static void __exit dmap_test_exit(void)
{
	debugfs_remove(dir);
	unregister_kprobe(&flush_probe);
	case_release(0);
	case_free(0);
}

module_init(dmap_test_init);
module_exit(dmap_test_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Conversions that split the direct map, races and costs included");
