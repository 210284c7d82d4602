/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the models. Each step prints what it does, so that the replay of a
 * trail is a story: who waits for ever is whose last line says what it wants.
 */
#define STR(...)		#__VA_ARGS__
#define SAY(...)		printf(STR(__VA_ARGS__\n))

#define LOCK(who, l)							\
	SAY(who wants l);						\
	atomic { !(l) -> l = true; SAY(who takes l) }
#define UNLOCK(who, l)							\
	atomic { assert(l); l = false; SAY(who drops l) }

/* A try-lock: the loser goes to @busy. */
#define TRY(who, l, busy)						\
	atomic {							\
		if							\
		:: !(l) -> l = true; SAY(who sets l)			\
		:: else -> SAY(who finds l set); goto busy		\
		fi							\
	}

/* mutex_lock_killable(): a signal may end the wait, or come just before it. */
#define LOCK_KILLABLE(who, l, killed)					\
	SAY(who wants l);						\
	if								\
	:: atomic { !(l) -> l = true; SAY(who takes l) }		\
	:: atomic { signals > 0 -> signals--; SAY(who is killed waiting for l); goto killed } \
	fi

/* A condition that has no lock's name */
#define WAIT(who, condition, ...)					\
	SAY(who waits until __VA_ARGS__);				\
	atomic { condition -> SAY(who sees that __VA_ARGS__) }

/* SRCU by what it promises: a grace period ends when the readers of its start are gone. */
#define SRCU_LOCK(who)	atomic { readers[epoch]++; mine = epoch; SAY(who enters srcu) }
#define SRCU_UNLOCK(who) atomic { readers[mine]--; SAY(who leaves srcu) }
#define SYNCHRONIZE_SRCU(who)						\
	atomic { epoch = 1 - epoch; SAY(who calls synchronize_srcu) }	\
	atomic { readers[1 - epoch] == 0 -> SAY(who has seen the readers leave) }
