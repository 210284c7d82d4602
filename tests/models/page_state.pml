/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page of an SNP guest and all who want it: vCPU A converts it by the MSR
 * protocol, vCPU B maps it (and may take the map along to userspace), event
 * delivery writes through a long-lived cache, a VMM thread changes memslots and
 * populates, another migrates the VM. The locks and their order are those of
 * docs/locking.rst.
 *
 * A map is a shared holder of the range, a conversion an exclusive one. A
 * conversion that meets a map is parked in the vCPU; it waits with nothing held
 * that others need, ends on any signal, and new maps let it go first. A cache
 * is revoked: exclusive is published, then the cache loses its page, then the
 * RMP changes; a refresh looks at both under the cache's lock.
 *
 * Variant: -               good        as above
 * Variant: COUNTER         assertion   an unlocked counter of maps: changed after it was read
 * Variant: SRCU_GUARD      assertion   SRCU as the guard: a reader that starts later is not waited for
 * Variant: WAIT_IN_SRCU    deadlock    the conversion waits for the map inside kvm->srcu
 * Variant: DEAF            deadlock    the waiting conversion ignores signals
 * Variant: SLOTS_IN_RANGE  deadlock    slots_lock inside the range
 * Variant: PIN_IN_RANGE    deadlock    pages are pinned inside the range: userfaultfd
 * Variant: REVOKE_FIRST    assertion   the cache is revoked before exclusive is published
 * Variant: CHECK_EARLY     assertion   the refresh looks before it has the cache's lock
 * Variant: FORGET_PARKED   assertion   migration leaves the parked request behind: a lost update
 * Variant: BARGING         livelock    new maps do not let a parked conversion go first
 */
#include "steps.pml"

#define CONVERSIONS 2

bool kvm_lock, vcpu_mutex_a, vcpu_mutex_b, slots_lock, vmm_lock, gpc_lock;
byte readers[2], epoch;
bool exclusive;		/* the range is converted, or populated */
byte holds;		/* maps */
bool assigned;		/* RMP: private */
bool parked;		/* a conversion waits */
bool gpc_valid;
bool vmm_queued;	/* the VMM's lock hands over to who waits, like a kernel mutex */
bool paused, kick_a;	/* the VMM stops its vCPUs to migrate */
byte converted, rounds, done;

/* What hardware and the guest hold us to, at the moment of RMPUPDATE */
#define RMPUPDATE(who)							\
	atomic {							\
		assert(!holds);						\
		assert(!gpc_valid);					\
		assigned = !assigned;					\
		SAY(who does RMPUPDATE)					\
	}

#define REVOKE(who)							\
	LOCK(who, gpc_lock);						\
	atomic { gpc_valid = false; SAY(who revokes the cache) }	\
	UNLOCK(who, gpc_lock)

/* vCPU A: KVM_RUN, until the page is what the guest asked for */
proctype converter()
{
	byte mine;
	bool want;

request:
	want = !assigned;
	SAY(A: the guest requests a conversion);
enter:
	LOCK(A, vcpu_mutex_a);
	SRCU_LOCK(A);
#if defined(COUNTER)
	WAIT(A, holds == 0, the counter of maps is 0);
	REVOKE(A);
	RMPUPDATE(A);
#elif defined(SRCU_GUARD)
	SRCU_UNLOCK(A);
	REVOKE(A);
	SYNCHRONIZE_SRCU(A);
	RMPUPDATE(A);
	SRCU_LOCK(A);
#else
again:
#ifdef REVOKE_FIRST
	REVOKE(A);
#endif
	if
	:: atomic { holds == 0 && !exclusive ->
		exclusive = true; parked = false; SAY(A takes the range exclusively) }
	:: atomic { holds > 0 || exclusive ->
		parked = true; SAY(A finds the range held and parks its request) }
#ifdef WAIT_IN_SRCU
		WAIT(A, holds == 0 && !exclusive, the range is free);
		goto again;
#else
		SRCU_UNLOCK(A);
		SAY(A waits outside of srcu);
		if
		:: atomic { holds == 0 && !exclusive -> SAY(A sees the range free) }
			SRCU_LOCK(A);
			goto again
#ifndef DEAF
		:: atomic { kick_a -> kick_a = false; SAY(A has a signal and leaves KVM_RUN) }
			UNLOCK(A, vcpu_mutex_a);
			WAIT(A, !paused, the VMM lets it run);
#ifdef FORGET_PARKED
			if
			:: !parked -> SAY(A resumes the guest); assert(assigned == want); goto request
			:: else
			fi;
#endif
			goto enter
#endif
		fi;
#endif
	fi;
#ifdef SLOTS_IN_RANGE
	LOCK(A, slots_lock);
	UNLOCK(A, slots_lock);
#endif
#ifdef PIN_IN_RANGE
	SAY(A pins the page: userfaultfd asks the VMM for it);
	LOCK(A, vmm_lock);
	UNLOCK(A, vmm_lock);
#endif
#ifndef REVOKE_FIRST
	REVOKE(A);
#endif
	RMPUPDATE(A);
	atomic { exclusive = false; SAY(A releases the range) }
#endif
	SRCU_UNLOCK(A);
	UNLOCK(A, vcpu_mutex_a);
	SAY(A resumes the guest);
	assert(assigned == want);	/* no update is lost */
	converted++;
	if
	:: converted < CONVERSIONS -> goto request
	:: else
	fi;
	done++
}

/* vCPU B: maps again and again, as a guest does with its GHCB */
proctype mapper()
{
	byte mine;

enter:
	WAIT(B, !paused, the VMM lets it run);
	LOCK(B, vcpu_mutex_b);
	SRCU_LOCK(B);
#if defined(COUNTER) || defined(SRCU_GUARD)
	if
	:: assigned -> SAY(B is refused: private); goto leave
	:: else -> SAY(B finds the page shared)
	fi;
	atomic { holds++; SAY(B maps the page) }
#else
#ifndef BARGING
	if
	:: atomic { parked -> SAY(B lets the parked conversion go first) }
		SRCU_UNLOCK(B);
		UNLOCK(B, vcpu_mutex_b);
		WAIT(B, !parked || paused, nothing is parked);
		goto enter
	:: else
	fi;
#endif
	SAY(B waits for the end of an exclusive section);
	if
	:: atomic { !exclusive && assigned -> SAY(B is refused: private) } goto leave
	:: atomic { !exclusive && !assigned -> holds++; SAY(B maps the page) }
	fi;
#endif
	atomic { assert(!assigned); SAY(B writes) }
#ifdef SRCU_GUARD
	atomic { assert(!assigned); holds--; SAY(B unmaps the page) }
	goto leave;
#endif
	SRCU_UNLOCK(B);
	if
	:: SAY(B stays in the kernel)
	:: UNLOCK(B, vcpu_mutex_b);
		SAY(B exits to its VMM with the page mapped);
		WAIT(B, !vmm_lock && !vmm_queued, its VMM has time for it);
		WAIT(B, !paused, the VMM lets it run);
		LOCK(B, vcpu_mutex_b)
	fi;
	atomic { assert(!assigned); holds--; SAY(B unmaps the page) }
	UNLOCK(B, vcpu_mutex_b);
	goto next;
leave:
	SRCU_UNLOCK(B);
	UNLOCK(B, vcpu_mutex_b);
next:
	rounds = (rounds < 2 -> rounds + 1 : 2);
	goto enter
}

/* KVM_SET_USER_MEMORY_REGION under the VMM's own lock, then KVM_SEV_SNP_LAUNCH_UPDATE */
proctype memslots()
{
	vmm_queued = true;
	LOCK(VMM, vmm_lock);
	vmm_queued = false;
	LOCK(VMM, slots_lock);
	SYNCHRONIZE_SRCU(VMM);
	UNLOCK(VMM, slots_lock);
	UNLOCK(VMM, vmm_lock);
#if !defined(COUNTER) && !defined(SRCU_GUARD)
	LOCK(VMM, slots_lock);
	SAY(VMM wants the range exclusively);
	if
	:: atomic { !exclusive && !holds -> exclusive = true; SAY(VMM takes the range exclusively) }
		atomic { exclusive = false; SAY(VMM releases the range) }
	:: atomic { !exclusive && holds -> SAY(VMM gives up: the page is mapped) }
	fi;
	UNLOCK(VMM, slots_lock);
#endif
	done++
}

/* Event delivery: refresh the cache, then write through it */
proctype events()
{
#if defined(COUNTER) || defined(SRCU_GUARD) || defined(LIVE)
	goto out;	/* what is shown there is A against B; nothing is retried here */
#endif
#ifdef CHECK_EARLY
	if
	:: exclusive || assigned -> SAY(Xen: the refresh fails for good); goto out
	:: else -> SAY(Xen finds the page shared)
	fi;
#endif
	LOCK(Xen, gpc_lock);
#ifdef CHECK_EARLY
	atomic { gpc_valid = true; SAY(Xen makes the cache valid) }
#else
	if
	:: exclusive || assigned -> SAY(Xen: the refresh fails for good)
	:: else -> SAY(Xen makes the cache valid); gpc_valid = true
	fi;
#endif
	UNLOCK(Xen, gpc_lock);
	LOCK(Xen, gpc_lock);
	if
	:: gpc_valid -> assert(!assigned); SAY(Xen writes an event)
	:: else
	fi;
	UNLOCK(Xen, gpc_lock);
out:
	done++
}

/* Migration: the VMM stops its vCPUs, then the kernel takes all their mutexes */
proctype migration()
{
	atomic { paused = true; kick_a = true; SAY(VMM pauses its vCPUs and signals them) }
	LOCK(migration, kvm_lock);
	LOCK(migration, vcpu_mutex_a);
	LOCK(migration, vcpu_mutex_b);
	SAY(migration moves the VM);
#ifdef FORGET_PARKED
	parked = false;
#endif
	UNLOCK(migration, vcpu_mutex_b);
	UNLOCK(migration, vcpu_mutex_a);
	UNLOCK(migration, kvm_lock);
	atomic { paused = false; kick_a = false; SAY(VMM lets its vCPUs run) }
	done++
}

init {
	atomic {
		run converter(); run mapper(); run memslots(); run events(); run migration()
	}
	done == 4
}

#ifdef LIVE
/* each of them ends, and the mapper goes round, under fairness */
ltl ends { <> (done == 4 && rounds == 2) }
#endif
