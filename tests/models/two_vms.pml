/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intra-host migration between VMs that userspace names as it likes: A from B
 * while B from A, rings, signals at each lock, vCPUs and VM ioctls meanwhile. Two
 * flags are tried, never waited for, before two kvm->lock are waited for.
 * Userspace retries on -EBUSY: that it then ends is a claim too.
 *
 * Variant: -             good        flags of both VMs in order of address, then the locks
 * Variant: RING          good        the same, three VMs in a ring
 * Variant: NO_FLAG       deadlock    no flag: each holds one kvm->lock and wants the other
 * Variant: ONE_FLAG      deadlock    a flag on the destination only: both get theirs
 * Variant: DST_FIRST     livelock    destination's flag first: both lose, retry, lose
 * Variant: RELAXED       assertion   flags cleared without release order: seen before the unlock
 * Variant: SPINLOCK      assertion   a spinlock around the mutex: sleeping in atomic context
 * Variant: CHARGE_STAYS  assertion   the charge stays with the source: no ASID, but charged
 * Variant: SOURCE_ALIVE  assertion   the source is not dead: its vCPU runs without its state
 */
#include "steps.pml"

mtype = { A, B, C };	/* 3, 2, 1: what follows says C where it means the lowest address */
#define VMS 4

bool flag[VMS], kvm_lock[VMS], vcpu_mutex[VMS];
bool asid[VMS], charged[VMS], dead[VMS], was_sev[VMS];
bool migration_lock[VMS];
bool moving[VMS];	/* a migration holds this kvm->lock */
byte signals;
byte done;

#if defined(NO_FLAG)
#define FLAGS(who, d, s, lo, hi)
#define END_FLAGS(who, d, s)
#elif defined(SPINLOCK)
/* spin_lock(): preemption is off until the unlock */
#define FLAGS(who, d, s, lo, hi)					\
	LOCK(who, migration_lock[d]);					\
	in_atomic = true;
#define END_FLAGS(who, d, s)						\
	UNLOCK(who, migration_lock[d]);					\
	in_atomic = false;
#elif defined(ONE_FLAG)
#define FLAGS(who, d, s, lo, hi)					\
	TRY(who, flag[d], busy);
#define END_FLAGS(who, d, s)						\
	UNLOCK(who, flag[d]);
#elif defined(DST_FIRST)
#define FLAGS(who, d, s, lo, hi)					\
	TRY(who, flag[d], busy);					\
	TRY(who, flag[s], busy_second);
#define END_FLAGS(who, d, s)						\
	UNLOCK(who, flag[d]);						\
	UNLOCK(who, flag[s]);
#define FIRST(d, s, lo, hi)	flag[d]
#else
#define FLAGS(who, d, s, lo, hi)					\
	TRY(who, flag[lo], busy);					\
	TRY(who, flag[hi], busy_second);
#define END_FLAGS(who, d, s)						\
	UNLOCK(who, flag[d]);						\
	UNLOCK(who, flag[s]);
#endif
#ifndef FIRST
#define FIRST(d, s, lo, hi)	flag[lo]
#endif

/* Who has both flags relies on this: no other migration is between the two locks. */
#if defined(NO_FLAG) || defined(SPINLOCK) || defined(ONE_FLAG)
#define ALONE(d, s)
#else
#define ALONE(d, s)							\
	assert(!moving[d] && !moving[s]);
#endif
#ifdef RELAXED
/* The store to the flags overtakes those that open the locks. */
#define UNLOCK_SOURCE(who, d, s)					\
	END_FLAGS(who, d, s)						\
	atomic { moving[d] = false; moving[s] = false }			\
	UNLOCK(who, kvm_lock[s]);					\
	UNLOCK(who, kvm_lock[d]);					\
	goto out;
#else
#define UNLOCK_SOURCE(who, d, s)					\
	atomic { moving[d] = false; moving[s] = false }			\
	UNLOCK(who, kvm_lock[s]);
#endif

#ifdef CHARGE_STAYS
#define MOVE_CHARGE(who, d, s)
#else
#define MOVE_CHARGE(who, d, s)						\
	atomic { charged[d] = true; charged[s] = false; SAY(who moves the charge) }
#endif
#ifdef SOURCE_ALIVE
#define KILL(who, s)
#else
#define KILL(who, s)							\
	atomic { dead[s] = true; SAY(who makes the source dead) }
#endif

#define MIGRATE(name, who, d, s, lo, hi)				\
proctype name()								\
{									\
	bool in_atomic;							\
again:									\
	if								\
	:: dead[d] -> SAY(who is refused: the destination is dead); goto out \
	:: else								\
	fi;								\
	FLAGS(who, d, s, lo, hi)					\
	ALONE(d, s)							\
	assert(!in_atomic);	/* a mutex sleeps */			\
	LOCK_KILLABLE(who, kvm_lock[d], no_dst);			\
	LOCK_KILLABLE(who, kvm_lock[s], no_src);			\
	atomic { moving[d] = true; moving[s] = true }			\
	if								\
	:: dead[d] || asid[d] || !asid[s] || dead[s] ->			\
		SAY(who is refused: wrong kind of VM); goto unlock	\
	:: else								\
	fi;								\
	LOCK_KILLABLE(who, vcpu_mutex[d], unlock);			\
	LOCK_KILLABLE(who, vcpu_mutex[s], unlock_vcpu);			\
	asid[d] = true;							\
	was_sev[d] = true;						\
	atomic { asid[s] = false; SAY(who moves the ASID) }		\
	MOVE_CHARGE(who, d, s);						\
	KILL(who, s);							\
	assert(asid[d] == charged[d] && asid[s] == charged[s]);		\
	UNLOCK(who, vcpu_mutex[s]);					\
unlock_vcpu:								\
	UNLOCK(who, vcpu_mutex[d]);					\
unlock:									\
	UNLOCK_SOURCE(who, d, s)					\
no_src:									\
	UNLOCK(who, kvm_lock[d]);					\
no_dst:									\
	END_FLAGS(who, d, s)						\
	goto out;							\
busy_second:								\
	atomic { FIRST(d, s, lo, hi) = false; SAY(who clears its first flag) } \
busy:									\
	goto again;							\
out:									\
	done++								\
}

#define VCPU(name, who, v)						\
proctype name()								\
{									\
	LOCK(who, vcpu_mutex[v]);					\
	if								\
	:: dead[v] -> SAY(who is refused: its VM is dead)		\
	:: else ->							\
		SAY(who runs);						\
		assert(!was_sev[v] || asid[v])				\
	fi;								\
	UNLOCK(who, vcpu_mutex[v]);					\
	done++								\
}

#ifdef RING
#define NR 6
MIGRATE(b_from_a, B from A, B, A, B, A)
MIGRATE(c_from_b, C from B, C, B, C, B)
MIGRATE(a_from_c, A from C, A, C, C, A)
#else
#define NR 5
MIGRATE(b_from_a, B from A, B, A, B, A)
MIGRATE(a_from_b, A from B, A, B, B, A)
#endif
VCPU(vcpu_a, vCPU of A, A)

/* A VM ioctl that stops the vCPUs, as KVM has several */
proctype vm_ioctl()
{
	LOCK(VM ioctl of A, kvm_lock[A]);
	LOCK(VM ioctl of A, vcpu_mutex[A]);
	UNLOCK(VM ioctl of A, vcpu_mutex[A]);
	UNLOCK(VM ioctl of A, kvm_lock[A]);
	done++
}

/* One SIGKILL for one waiter, some day or never */
proctype signal()
{
	if
	:: signals++
	:: true
	fi;
	done++
}

init {
	atomic {
		asid[A] = true; charged[A] = true; was_sev[A] = true;
#ifdef RING
		run c_from_b(); run a_from_c();
#else
		run a_from_b();
#endif
		run b_from_a(); run vcpu_a(); run vm_ioctl(); run signal()
	}
	done == NR;
	assert(asid[A] + asid[B] + asid[C] == 1);	/* neither lost nor doubled */
	assert(charged[A] + charged[B] + charged[C] == 1);
	assert(!flag[A] && !flag[B] && !flag[C])
}

#ifdef LIVE
/* nobody retries for ever, under fairness */
ltl ends { <> (done == NR) }
#endif
