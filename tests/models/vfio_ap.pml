/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * s390 vfio-ap: queues are plugged into and out of a running guest. The driver
 * core's callback knows the queue only; to find the guest it needs the matrix
 * lock, and to change the guest's mask it needs kvm->lock. The guest's PQAP
 * instruction comes with vcpu->mutex held and needs the matrix lock; and KVM
 * takes vcpu->mutex inside kvm->lock. So kvm->lock goes first, and the list of
 * guests, with a lock of its own outside of it, tells which kvm->lock.
 *
 * Variant: -             good        guests_lock, kvm->lock, matrix lock
 * Variant: DEVICE_FIRST  deadlock    the matrix lock first, kvm->lock inside it
 * Variant: RWSEM         deadlock    a fair rwsem: the reader queues behind a writer
 * Variant: WAIT_QUEUE    deadlock    a flag and a wait queue: the same circle, unseen by lockdep
 * Variant: SRCU          assertion   SRCU: PQAP works with a copy that is no longer true
 */
#include "steps.pml"

#define QUEUES	2
#define DONE	5

bool guests_lock, kvm_lock, vcpu_mutex, matrix_lock;
bool matrix[QUEUES];	/* what the mdev has */
bool apcb[QUEUES];	/* what the guest may use */
bool irq[QUEUES];	/* queue has an interrupt registered for the guest */
byte plugged;		/* a counter beside it: a lost update shows here */
byte done;

#ifdef RWSEM
byte sem_readers;
bool sem_writer, sem_writer_waits;
#define MATRIX_READ(who)						\
	SAY(who wants matrix_sem to read);				\
	atomic { !sem_writer && !sem_writer_waits -> sem_readers++;	\
		 SAY(who takes matrix_sem to read) }
#define MATRIX_READ_END(who)	atomic { sem_readers--; SAY(who drops matrix_sem) }
#endif
#ifdef WAIT_QUEUE
bool kvm_busy;
#endif
#ifdef SRCU
byte readers[2], epoch;
#endif

/* Read, change, write: as separate steps, or a missing lock would not show. */
#define PLUG(who, q, present)						\
	n = plugged;							\
	matrix[q] = present;						\
	plugged = (present -> n + 1 : n - 1);				\
	APCB(who, q, present)

#ifdef SRCU
/* The guest's matrix is a published copy; what hangs on it is undone at once. */
#define APCB(who, q, present)						\
	atomic { apcb[q] = present; SAY(who publishes a new matrix for the guest) } \
	atomic { irq[q] = irq[q] && present; SAY(who takes interrupts of absent queues down) }
#elif defined(RWSEM)
/* A lock per queue may order these two; the circle below is another matter. */
#define APCB(who, q, present)						\
	atomic { irq[q] = irq[q] && present; apcb[q] = present; SAY(who changes the queues of the guest) }
#else
#define APCB(who, q, present)						\
	irq[q] = irq[q] && present;					\
	atomic { apcb[q] = present; SAY(who changes the queues of the guest) }
#endif

#if defined(DEVICE_FIRST)
#define HOT_PLUG(who, q, present)					\
	LOCK(who, matrix_lock);						\
	LOCK(who, kvm_lock);						\
	PLUG(who, q, present);						\
	UNLOCK(who, kvm_lock);						\
	UNLOCK(who, matrix_lock);
#elif defined(RWSEM)
#define HOT_PLUG(who, q, present)					\
	MATRIX_READ(who);						\
	LOCK(who, kvm_lock);						\
	PLUG(who, q, present);						\
	UNLOCK(who, kvm_lock);						\
	MATRIX_READ_END(who);
#elif defined(WAIT_QUEUE)
#define HOT_PLUG(who, q, present)					\
	atomic { !matrix_lock && !kvm_busy -> kvm_busy = true; SAY(who sets kvm_busy) } \
	LOCK(who, kvm_lock);						\
	LOCK(who, matrix_lock);						\
	PLUG(who, q, present);						\
	atomic { kvm_busy = false; SAY(who clears kvm_busy and wakes the queue) } \
	UNLOCK(who, matrix_lock);					\
	UNLOCK(who, kvm_lock);
#elif defined(SRCU)
#define HOT_PLUG(who, q, present)					\
	LOCK(who, kvm_lock);						\
	PLUG(who, q, present);						\
	SYNCHRONIZE_SRCU(who);						\
	UNLOCK(who, kvm_lock);
#else
#define HOT_PLUG(who, q, present)					\
	LOCK(who, guests_lock);						\
	LOCK(who, kvm_lock);						\
	LOCK(who, matrix_lock);						\
	PLUG(who, q, present);						\
	UNLOCK(who, matrix_lock);					\
	UNLOCK(who, kvm_lock);						\
	UNLOCK(who, guests_lock);
#endif

proctype probe()
{
	byte n;

	HOT_PLUG(probe, 0, true)
	done++
}

proctype remove()
{
	byte n;

	HOT_PLUG(remove, 1, false)
	done++
}

/* sysfs: the administrator reads, or changes what no guest uses. */
proctype assign()
{
#if defined(RWSEM)
	atomic { sem_writer_waits = true; SAY(assign queues to write matrix_sem) }
	atomic { !sem_readers && !sem_writer -> sem_writer = true; sem_writer_waits = false;
		 SAY(assign takes matrix_sem to write) }
	atomic { sem_writer = false; SAY(assign drops matrix_sem) }
#elif !defined(SRCU)
	LOCK(assign, matrix_lock);
	UNLOCK(assign, matrix_lock);
#endif
	done++
}

/* KVM_S390_PV_COMMAND, secure execution: all vCPUs are stopped */
proctype pv_ioctl()
{
	LOCK(PV ioctl, kvm_lock);
	LOCK(PV ioctl, vcpu_mutex);
	UNLOCK(PV ioctl, vcpu_mutex);
	UNLOCK(PV ioctl, kvm_lock);
	done++
}

/* PQAP(AQIC) intercepted: register an interrupt, if the guest has the queue */
proctype pqap()
{
	bool has;
#ifdef SRCU
	byte mine;
#endif

	LOCK(PQAP, vcpu_mutex);
#if defined(RWSEM)
	MATRIX_READ(PQAP);
#elif defined(SRCU)
	SRCU_LOCK(PQAP);
#elif defined(WAIT_QUEUE)
	WAIT(PQAP, !matrix_lock && !kvm_busy, kvm_busy is clear);
	matrix_lock = true;
#else
	LOCK(PQAP, matrix_lock);
#endif
#ifdef RWSEM
	atomic { irq[1] = apcb[1]; SAY(PQAP registers an interrupt if the guest has the queue) }
#else
	atomic { has = apcb[1]; SAY(PQAP looks whether the guest has the queue) }
	if
	:: has ->
		atomic { irq[1] = true; SAY(PQAP registers an interrupt for the queue) }
		assert(apcb[1])		/* no interrupt for a queue that is gone */
	:: else
	fi;
#endif
#if defined(RWSEM)
	MATRIX_READ_END(PQAP);
#elif defined(SRCU)
	SRCU_UNLOCK(PQAP);
#else
	UNLOCK(PQAP, matrix_lock);
#endif
	UNLOCK(PQAP, vcpu_mutex);
	done++
}

init {
	/* queue 1 is there from the start */
	atomic {
		matrix[1] = true; apcb[1] = true; plugged = 1;
		run probe(); run remove(); run assign(); run pv_ioctl(); run pqap()
	}
	done == DONE;
	assert(plugged == 1 && matrix[0] && !matrix[1]);	/* no lost update */
	assert(apcb[0] && !apcb[1] && !irq[1])
}

/* everybody comes to an end, under fairness */
#ifdef LIVE
ltl ends { <> (done == DONE) }
#endif
