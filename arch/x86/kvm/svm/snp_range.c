// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's range lock: kernel mappings hold one guest frame each, shared;
 * conversions hold a range of frames, exclusively. No map appears while an RMP
 * update is in flight, and no RMP update while a map is held; both are decided
 * under one lock, and nothing is counted outside of it. Memory grows with what
 * is held at the moment, not with the guest.
 *
 * Who waits for whom. A conversion is short and bounded, so everybody may wait
 * for one, within kvm->srcu too. A map may last: across an exit to the VMM, or as
 * long as a vCPU is parked. So a conversion that meets a map does not wait but
 * fails with -EBUSY, and only snp_range_lock_wait(), to be called outside of
 * kvm->srcu and without any hold, waits for maps, for a bounded time. It does
 * not starve: the one who lets go of the last map grants the range to it, and new
 * maps step back for it, for a bounded time as well, since the old map might be
 * held by somebody who waits for the new one.
 *
 * A conversion publishes its pages before it revokes cached mappings of them;
 * a cache asks snp_range_pfn_busy() under its own lock before it becomes valid
 * (virt/kvm/pfncache.c). That lock is taken in hard interrupts, so the one here is
 * raw, innermost, and disables interrupts.
 *
 * lockdep sees a hold as acquired and released at once, because it may be kept
 * when the vCPU goes to user space.
 */
#include <linux/interval_tree.h>
#include <linux/sched/signal.h>

#include <trace/events/snp_guest.h>

#include "snp_range.h"

/**
 * snp_range_init() - an empty lock
 * @r: of a new VM
 *
 * Context: any.
 */
void snp_range_init(struct snp_range *r)
{
	static struct lock_class_key key;

	raw_spin_lock_init(&r->lock);
	r->gfns = RB_ROOT_CACHED;
	r->pfns = RB_ROOT_CACHED;
	init_waitqueue_head(&r->wait);
	memset(r->nr, 0, sizeof(r->nr));
	lockdep_init_map(&r->dep_map, "kvm_gfn_range", &key, 0);
}

/**
 * snp_range_empty() - is nobody there, and nobody counted?
 * @r: the lock
 *
 * Context: any.
 * Return: true if so.
 */
bool snp_range_empty(struct snp_range *r)
{
	unsigned long flags;
	bool empty;

	raw_spin_lock_irqsave(&r->lock, flags);
	empty = RB_EMPTY_ROOT(&r->gfns.rb_root) && RB_EMPTY_ROOT(&r->pfns.rb_root) &&
		!memchr_inv(r->nr, 0, sizeof(r->nr));
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return empty;
}

/**
 * snp_range_count() - how many of a kind are there?
 * @r: the lock
 * @kind: which
 *
 * Context: any.
 * Return: their number at some moment.
 */
unsigned int snp_range_count(struct snp_range *r, enum snp_hold_kind kind)
{
	return READ_ONCE(r->nr[kind]);
}

/* Somebody other than @self of one of @kinds (a mask) in these frames? */
static struct kvm_gfn_hold *find(struct snp_range *r, unsigned long first,
				 unsigned long last, unsigned int kinds,
				 const struct kvm_gfn_hold *self)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&r->lock);

	for (node = interval_tree_iter_first(&r->gfns, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct kvm_gfn_hold *h = container_of(node, struct kvm_gfn_hold, gfns);

		if (h != self && (BIT(h->kind) & kinds))
			return h;
	}
	return NULL;
}

#define MAPS		(BIT(SNP_HOLD_MAP) | BIT(SNP_HOLD_VMSA))

static void enter(struct snp_range *r, struct kvm_gfn_hold *h, gfn_t gfn, unsigned long n,
		  enum snp_hold_kind kind)
{
	lockdep_assert_held(&r->lock);

	h->gfns.start = gfn;
	h->gfns.last = gfn + n - 1;
	h->kind = kind;
	interval_tree_insert(&h->gfns, &r->gfns);
	WRITE_ONCE(r->nr[kind], r->nr[kind] + 1);
}

static void become(struct snp_range *r, struct kvm_gfn_hold *h, enum snp_hold_kind kind)
{
	lockdep_assert_held(&r->lock);

	WRITE_ONCE(r->nr[h->kind], r->nr[h->kind] - 1);
	WRITE_ONCE(r->nr[kind], r->nr[kind] + 1);
	h->kind = kind;
}

/* @h leaves; whoever waits for just that gets the range before anybody new. */
static void leave(struct snp_range *r, struct kvm_gfn_hold *h)
{
	unsigned long first = h->gfns.start, last = h->gfns.last;
	struct interval_tree_node *node;

	lockdep_assert_held(&r->lock);

	interval_tree_remove(&h->gfns, &r->gfns);
	WRITE_ONCE(r->nr[h->kind], r->nr[h->kind] - 1);
	h->kind = SNP_HOLD_NONE;
	if (!r->nr[SNP_HOLD_WANTED])
		return;

	for (node = interval_tree_iter_first(&r->gfns, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct kvm_gfn_hold *w = container_of(node, struct kvm_gfn_hold, gfns);

		if (w->kind == SNP_HOLD_WANTED &&
		    !find(r, w->gfns.start, w->gfns.last, MAPS | BIT(SNP_HOLD_EXCL), w))
			become(r, w, SNP_HOLD_EXCL);
	}
}

/* After the lock is dropped; wq_has_sleeper() has the barrier for it. */
static void wake(struct snp_range *r)
{
	if (wq_has_sleeper(&r->wait))
		wake_up_all(&r->wait);
}

/* ---- maps -------------------------------------------------------------- */

static int try_hold(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
		    enum snp_hold_kind kind, bool step_back)
{
	unsigned long flags;
	int ret = 0;

	raw_spin_lock_irqsave(&r->lock, flags);
	if (find(r, gfn, gfn, BIT(SNP_HOLD_EXCL), NULL))
		ret = -EBUSY;
	else if (step_back && r->nr[SNP_HOLD_WANTED] &&
		 find(r, gfn, gfn, BIT(SNP_HOLD_WANTED), NULL))
		ret = -EAGAIN;
	else
		enter(r, hold, gfn, 1, kind);
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return ret;
}

/**
 * snp_range_try_hold() - hold a frame if nobody converts it or waits to
 * @r: the lock
 * @hold: anything
 * @gfn: guest frame
 * @kind: SNP_HOLD_MAP or SNP_HOLD_VMSA
 *
 * Context: any but NMI.
 * Return: 0; -EBUSY: it is being converted; -EAGAIN: a conversion waits for it.
 */
int snp_range_try_hold(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
		       enum snp_hold_kind kind)
{
	return try_hold(r, hold, gfn, kind, true);
}

static bool hold_or_wait(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
			 enum snp_hold_kind kind, bool step_back, int *ret)
{
	*ret = try_hold(r, hold, gfn, kind, step_back);
	return *ret != -EBUSY && (!step_back || *ret != -EAGAIN);
}

/**
 * snp_range_hold() - hold a frame, waiting out its conversion
 * @r: the lock
 * @hold: anything; stays in the lock until snp_range_release()
 * @gfn: guest frame
 * @kind: SNP_HOLD_MAP or SNP_HOLD_VMSA
 *
 * Context: process context, kvm->srcu may be held; sleeps at most as long as a
 * conversion of 2M takes, plus SNP_RANGE_STEP_BACK.
 */
void snp_range_hold(struct snp_range *r, struct kvm_gfn_hold *hold, gfn_t gfn,
		    enum snp_hold_kind kind)
{
	int ret;

	might_sleep();
	lock_map_acquire_read(&r->dep_map);
	lock_map_release(&r->dep_map);

	if (!try_hold(r, hold, gfn, kind, true)) {
		trace_snp_map(gfn, kind, SNP_MAP_HELD);
		return;
	}
	trace_snp_map(gfn, kind, SNP_MAP_WAITS);
	if (!wait_event_timeout(r->wait, hold_or_wait(r, hold, gfn, kind, true, &ret),
				SNP_RANGE_STEP_BACK))
		wait_event(r->wait, hold_or_wait(r, hold, gfn, kind, false, &ret));
	trace_snp_map(gfn, kind, SNP_MAP_HELD);
}

/**
 * snp_range_release() - let go of a frame
 * @r: the lock
 * @hold: from snp_range_hold(); or of kind SNP_HOLD_NONE, then nothing happens
 *
 * Context: any but NMI and hard interrupts; does not sleep.
 */
void snp_range_release(struct snp_range *r, struct kvm_gfn_hold *hold)
{
	if (hold->kind == SNP_HOLD_NONE)
		return;

	trace_snp_map(hold->gfns.start, hold->kind, SNP_MAP_RELEASED);
	scoped_guard(raw_spinlock_irqsave, &r->lock)
		leave(r, hold);
	wake(r);
}

/**
 * snp_range_move() - a hold goes to another VM's lock, as the guest does
 * @to: the lock of the VM it moves to
 * @new: its place there; may be @hold
 * @from: the lock of the VM it leaves
 * @hold: held there, or of kind SNP_HOLD_NONE
 *
 * Context: any but NMI; nobody converts in either VM.
 */
void snp_range_move(struct snp_range *to, struct kvm_gfn_hold *new,
		    struct snp_range *from, struct kvm_gfn_hold *hold)
{
	enum snp_hold_kind kind = hold->kind;
	gfn_t gfn = hold->gfns.start;

	new->kind = kind;
	if (kind == SNP_HOLD_NONE)
		return;

	scoped_guard(raw_spinlock_irqsave, &from->lock)
		leave(from, hold);
	scoped_guard(raw_spinlock_irqsave, &to->lock)
		enter(to, new, gfn, 1, kind);
}

/* ---- conversions ------------------------------------------------------- */

static void tell_contended(gfn_t gfn, unsigned long n, const struct kvm_gfn_hold *h)
{
	if (h)
		trace_snp_contended(gfn, n, h->gfns.start, h->kind);
}

/* -EAGAIN: a conversion is there, which is short; no reason to give up. */
static int try_lock(struct snp_range *r, struct snp_excl *e, gfn_t gfn, unsigned long n)
{
	unsigned long flags;
	int ret = 0;

	raw_spin_lock_irqsave(&r->lock, flags);
	if (find(r, gfn, gfn + n - 1, BIT(SNP_HOLD_VMSA), NULL)) {
		ret = -EPERM;
	} else if (find(r, gfn, gfn + n - 1, BIT(SNP_HOLD_MAP), NULL)) {
		ret = -EBUSY;
	} else if (find(r, gfn, gfn + n - 1, BIT(SNP_HOLD_EXCL), NULL)) {
		ret = -EAGAIN;
	} else {
		e->nr = 0;
		enter(r, &e->hold, gfn, n, SNP_HOLD_EXCL);
	}
	if (ret && trace_snp_contended_enabled())
		tell_contended(gfn, n, find(r, gfn, gfn + n - 1, MAPS, NULL));
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return ret;
}

/**
 * snp_range_try_lock() - lock a range if it is free
 * @r: the lock
 * @e: anything; stays in the lock until snp_range_unlock()
 * @gfn: first guest frame
 * @n: number of frames
 *
 * Context: process context.
 * Return: 0; -EBUSY: a map is there; -EPERM: a VMSA; -EAGAIN: a conversion.
 */
int snp_range_try_lock(struct snp_range *r, struct snp_excl *e, gfn_t gfn,
		       unsigned long n)
{
	int ret = try_lock(r, e, gfn, n);

	if (!ret)
		lock_acquire_exclusive(&r->dep_map, 0, 1, NULL, _THIS_IP_);
	return ret;
}

static bool lock_or_wait(struct snp_range *r, struct snp_excl *e, gfn_t gfn,
			 unsigned long n, int *ret)
{
	*ret = try_lock(r, e, gfn, n);
	return *ret != -EAGAIN;
}

/**
 * snp_range_lock() - lock a range, waiting out other conversions but no map
 * @r: the lock
 * @e: anything; stays in the lock until snp_range_unlock()
 * @gfn: first guest frame
 * @n: number of frames, at most those of 2M
 *
 * Context: process context, kvm->srcu may be held. On success the caller is in
 * an exclusive section: no slots_lock, no synchronize_srcu(), no mmap_lock.
 * Return: 0; -EBUSY: a map is there; -EPERM: a VMSA.
 */
int snp_range_lock(struct snp_range *r, struct snp_excl *e, gfn_t gfn, unsigned long n)
{
	int ret;

	might_sleep();
	lock_map_acquire(&r->dep_map);
	wait_event(r->wait, lock_or_wait(r, e, gfn, n, &ret));
	if (ret)
		lock_map_release(&r->dep_map);
	return ret;
}

/* Granted while we waited, or free just now? */
static bool granted(struct snp_range *r, struct snp_excl *e)
{
	struct interval_tree_node *g = &e->hold.gfns;
	unsigned long flags;
	bool ours;

	raw_spin_lock_irqsave(&r->lock, flags);
	if (e->hold.kind == SNP_HOLD_WANTED &&
	    !find(r, g->start, g->last, MAPS | BIT(SNP_HOLD_EXCL), &e->hold))
		become(r, &e->hold, SNP_HOLD_EXCL);
	ours = e->hold.kind == SNP_HOLD_EXCL;
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return ours;
}

/* Leave the queue, unless the range was granted at the last moment. */
static bool give_up(struct snp_range *r, struct snp_excl *e)
{
	scoped_guard(raw_spinlock_irqsave, &r->lock) {
		if (e->hold.kind == SNP_HOLD_EXCL)
			return false;
		leave(r, &e->hold);
	}
	wake(r);
	return true;
}

/**
 * snp_range_lock_wait() - lock a range, waiting for maps to go
 * @r: the lock
 * @e: anything
 * @gfn: first guest frame
 * @n: number of frames
 * @timeout: at most that long, in jiffies
 * @stop: asked now and then: give up? May be NULL
 * @data: for @stop
 *
 * Context: process context; the caller has no hold and no kvm->srcu, since the
 * one who holds the map may need either.
 * Return: 0: locked, as by snp_range_lock(); -EINTR: a signal, or @stop said so;
 * -ETIMEDOUT.
 */
int snp_range_lock_wait(struct snp_range *r, struct snp_excl *e, gfn_t gfn,
			unsigned long n, long timeout, bool (*stop)(void *data),
			void *data)
{
	bool stopped;
	long ret;

	might_sleep();
	lock_map_acquire(&r->dep_map);
	scoped_guard(raw_spinlock_irqsave, &r->lock) {
		e->nr = 0;
		enter(r, &e->hold, gfn, n, SNP_HOLD_WANTED);
	}

	/* In slices, since nobody wakes us when @stop changes its mind. */
	do {
		ret = wait_event_interruptible_timeout(r->wait, granted(r, e),
						       min(timeout, SNP_RANGE_STEP_BACK));
		timeout -= SNP_RANGE_STEP_BACK;
		stopped = stop && stop(data);
	} while (!ret && !stopped && timeout > 0);
	if (!give_up(r, e))
		return 0;

	lock_map_release(&r->dep_map);
	return ret || stopped ? -EINTR : -ETIMEDOUT;
}

/**
 * snp_range_publish() - tell which pages a conversion is about
 * @r: the lock
 * @e: locked, not published
 * @pfn: the pages; must last until snp_range_unlock()
 * @nr: their number, not 0
 *
 * From here on no cached mapping of them becomes valid; the caller then revokes
 * those that are, and then updates the RMP.
 *
 * Context: any but NMI.
 */
void snp_range_publish(struct snp_range *r, struct snp_excl *e, const unsigned long *pfn,
		       unsigned int nr)
{
	unsigned long first = pfn[0], last = pfn[0], flags;
	unsigned int i;

	for (i = 1; i < nr; i++) {
		first = min(first, pfn[i]);
		last = max(last, pfn[i]);
	}

	raw_spin_lock_irqsave(&r->lock, flags);
	e->pfns.start = first;
	e->pfns.last = last;
	e->pfn = pfn;
	e->nr = nr;
	interval_tree_insert(&e->pfns, &r->pfns);
	raw_spin_unlock_irqrestore(&r->lock, flags);
}

/**
 * snp_range_unlock() - a conversion is over
 * @r: the lock
 * @e: locked
 *
 * Context: process context.
 */
void snp_range_unlock(struct snp_range *r, struct snp_excl *e)
{
	scoped_guard(raw_spinlock_irqsave, &r->lock) {
		if (e->nr)
			interval_tree_remove(&e->pfns, &r->pfns);
		leave(r, &e->hold);
	}
	lock_map_release(&r->dep_map);
	wake(r);
}

/* ---- questions --------------------------------------------------------- */

static bool anybody(struct snp_range *r, gfn_t gfn, unsigned long n,
		    enum snp_hold_kind kind)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&r->lock, flags);
	found = find(r, gfn, gfn + n - 1, BIT(kind), NULL);
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return found;
}

/**
 * snp_range_gfns_busy() - is any of these frames being converted?
 * @r: the lock
 * @gfn: first guest frame
 * @n: number of frames
 *
 * Context: any but NMI.
 * Return: true if so, at some moment during the call.
 */
bool snp_range_gfns_busy(struct snp_range *r, gfn_t gfn, unsigned long n)
{
	return anybody(r, gfn, n, SNP_HOLD_EXCL);
}

/**
 * snp_range_is_vmsa() - does a vCPU run on this frame?
 * @r: the lock
 * @gfn: guest frame
 *
 * Context: any but NMI.
 * Return: true if so.
 */
bool snp_range_is_vmsa(struct snp_range *r, gfn_t gfn)
{
	return anybody(r, gfn, 1, SNP_HOLD_VMSA);
}

/**
 * snp_range_leave_page() - a frame means another page from now on, or none
 * @r: the lock
 * @hold: perhaps of a vCPU that runs on the frame
 * @gfn: guest frame
 * @pfn: the page
 * @left: receives @pfn if so, unless there is one already: whoever lets go of @hold
 *	finds it then
 *
 * Context: any but NMI.
 * Return: true if @left has it.
 */
bool snp_range_leave_page(struct snp_range *r, const struct kvm_gfn_hold *hold, gfn_t gfn,
			  unsigned long pfn, unsigned long *left)
{
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&r->lock, flags);
	found = hold->kind == SNP_HOLD_VMSA && hold->gfns.start == gfn && !*left;
	if (found)
		*left = pfn;
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return found;
}

/**
 * snp_range_pfn_busy() - is this page being converted?
 * @r: the lock
 * @pfn: page frame
 *
 * Context: any but NMI.
 * Return: true if a conversion has published it.
 */
bool snp_range_pfn_busy(struct snp_range *r, unsigned long pfn)
{
	struct interval_tree_node *node;
	unsigned long flags;
	bool found = false;
	unsigned int i;

	raw_spin_lock_irqsave(&r->lock, flags);
	for (node = interval_tree_iter_first(&r->pfns, pfn, pfn); node && !found;
	     node = interval_tree_iter_next(node, pfn, pfn)) {
		struct snp_excl *e = container_of(node, struct snp_excl, pfns);

		for (i = 0; i < e->nr && !found; i++)
			found = e->pfn[i] == pfn;
	}
	raw_spin_unlock_irqrestore(&r->lock, flags);
	return found;
}
