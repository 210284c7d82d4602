// SPDX-License-Identifier: GPL-2.0-only
/*
 * The range lock, without a guest: who may be where at the same time, as a
 * table, and who goes first when a conversion waits for a map. Single-threaded:
 * what another CPU would do meanwhile happens in the callback that the waiter
 * makes.
 */
#include <kunit/test.h>

#include "snp_range.h"

static const char * const kinds[] = { "none", "map", "vmsa", "excl", "wanted" };

/* What a newcomer meets on a frame where somebody of that kind is. */
static const struct row {
	enum snp_hold_kind there;
	int map, vmsa, excl;
} rows[] = {
	/* newcomer:	      map      VMSA     conversion */
	{ SNP_HOLD_NONE,      0,       0,       0 },
	{ SNP_HOLD_MAP,       0,       0,       -EBUSY },
	{ SNP_HOLD_VMSA,      0,       0,       -EPERM },
	{ SNP_HOLD_EXCL,      -EBUSY,  -EBUSY,  -EAGAIN },
};

#define FIRST	0x1000ul
#define PAGES	16ul

static void occupy(struct kunit *test, struct snp_range *r, enum snp_hold_kind kind,
		   struct snp_excl *e)
{
	e->hold.kind = SNP_HOLD_NONE;
	if (kind == SNP_HOLD_EXCL)
		KUNIT_ASSERT_EQ(test, 0, snp_range_lock(r, e, FIRST, PAGES));
	else if (kind)
		snp_range_hold(r, &e->hold, FIRST + PAGES - 1, kind);
}

static void vacate(struct snp_range *r, enum snp_hold_kind kind, struct snp_excl *e)
{
	if (kind == SNP_HOLD_EXCL)
		snp_range_unlock(r, e);
	else
		snp_range_release(r, &e->hold);
}

static int try(struct snp_range *r, enum snp_hold_kind kind, gfn_t gfn, unsigned long n)
{
	struct snp_excl e;
	int ret;

	if (kind == SNP_HOLD_EXCL) {
		ret = snp_range_try_lock(r, &e, gfn, n);
		if (!ret)
			snp_range_unlock(r, &e);
		return ret;
	}

	ret = snp_range_try_hold(r, &e.hold, gfn, kind);
	if (!ret)
		snp_range_release(r, &e.hold);
	return ret;
}

static void conflicts_are_as_in_the_table(struct kunit *test)
{
	struct snp_range r;
	struct snp_excl e;
	int i;

	snp_range_init(&r);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		gfn_t gfn = FIRST + PAGES - 1;

		occupy(test, &r, row->there, &e);
		KUNIT_EXPECT_EQ_MSG(test, row->map, try(&r, SNP_HOLD_MAP, gfn, 1),
				    "map meets %s", kinds[row->there]);
		KUNIT_EXPECT_EQ_MSG(test, row->vmsa, try(&r, SNP_HOLD_VMSA, gfn, 1),
				    "VMSA meets %s", kinds[row->there]);
		KUNIT_EXPECT_EQ_MSG(test, row->excl, try(&r, SNP_HOLD_EXCL, gfn, 4),
				    "conversion meets %s", kinds[row->there]);
		KUNIT_EXPECT_EQ_MSG(test, row->excl, try(&r, SNP_HOLD_EXCL, FIRST - 4, PAGES + 8),
				    "larger conversion meets %s", kinds[row->there]);
		/* The neighbours are free. */
		KUNIT_EXPECT_EQ(test, 0, try(&r, SNP_HOLD_MAP, gfn + 1, 1));
		KUNIT_EXPECT_EQ(test, 0, try(&r, SNP_HOLD_EXCL, gfn + 1, 512));
		vacate(&r, row->there, &e);
		KUNIT_EXPECT_TRUE_MSG(test, snp_range_empty(&r), "%s is still there",
				      kinds[row->there]);
	}
}

static void many_maps_of_one_frame(struct kunit *test)
{
	struct kvm_gfn_hold hold[8];
	struct snp_range r;
	int i;

	snp_range_init(&r);
	for (i = 0; i < 8; i++)
		snp_range_hold(&r, &hold[i], FIRST, SNP_HOLD_MAP);
	KUNIT_EXPECT_EQ(test, 8, snp_range_count(&r, SNP_HOLD_MAP));
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, -EBUSY, try(&r, SNP_HOLD_EXCL, FIRST, 1));
		snp_range_release(&r, &hold[i]);
		/* Letting go twice is letting go once. */
		snp_range_release(&r, &hold[i]);
	}
	KUNIT_EXPECT_EQ(test, 0, try(&r, SNP_HOLD_EXCL, FIRST, 1));
	KUNIT_EXPECT_TRUE(test, snp_range_empty(&r));
}

static void pages_are_busy_from_publication_to_unlock(struct kunit *test)
{
	static const unsigned long pfn[] = { 70, 30, 50 };
	struct snp_range r;
	struct snp_excl e;
	unsigned long p;

	snp_range_init(&r);
	KUNIT_ASSERT_EQ(test, 0, snp_range_lock(&r, &e, FIRST, 3));
	KUNIT_EXPECT_TRUE(test, snp_range_gfns_busy(&r, FIRST + 2, 1));
	KUNIT_EXPECT_FALSE(test, snp_range_gfns_busy(&r, FIRST + 3, 1));
	KUNIT_EXPECT_FALSE(test, snp_range_pfn_busy(&r, 30));
	snp_range_publish(&r, &e, pfn, 3);
	for (p = 0; p < 100; p++)
		KUNIT_EXPECT_EQ_MSG(test, p == 30 || p == 50 || p == 70,
				    snp_range_pfn_busy(&r, p), "pfn %lu", p);
	snp_range_unlock(&r, &e);
	KUNIT_EXPECT_FALSE(test, snp_range_pfn_busy(&r, 30));
	KUNIT_EXPECT_FALSE(test, snp_range_gfns_busy(&r, FIRST, 3));
	KUNIT_EXPECT_TRUE(test, snp_range_empty(&r));
}

struct other {
	struct kunit *test;
	struct snp_range *r;
	struct kvm_gfn_hold map[2];
	int step;
	int new_map;		/* what a map met while the conversion waited */
	int after_grant;	/* and when the last old one had gone */
};

/* The rest of the world, while the conversion waits. */
static bool other_side(void *data)
{
	struct other *o = data;
	struct kvm_gfn_hold h = { .kind = SNP_HOLD_NONE };

	switch (o->step++) {
	case 0:
		o->new_map = snp_range_try_hold(o->r, &h, FIRST, SNP_HOLD_MAP);
		snp_range_release(o->r, &h);
		snp_range_release(o->r, &o->map[0]);
		break;
	case 1:
		snp_range_release(o->r, &o->map[1]);
		o->after_grant = snp_range_try_hold(o->r, &h, FIRST, SNP_HOLD_MAP);
		snp_range_release(o->r, &h);
		break;
	}
	return o->step > 4;
}

static void waiting_conversion_goes_before_new_maps(struct kunit *test)
{
	struct snp_range r;
	struct other o = { .test = test, .r = &r };
	struct snp_excl e;

	snp_range_init(&r);
	snp_range_hold(&r, &o.map[0], FIRST, SNP_HOLD_MAP);
	snp_range_hold(&r, &o.map[1], FIRST + 1, SNP_HOLD_MAP);
	KUNIT_ASSERT_EQ(test, 0, snp_range_lock_wait(&r, &e, FIRST, 2, 60 * HZ,
						     other_side, &o));
	KUNIT_EXPECT_EQ_MSG(test, -EAGAIN, o.new_map, "a new map did not step back");
	KUNIT_EXPECT_EQ_MSG(test, -EBUSY, o.after_grant,
			    "the range was not granted when the last map had gone");
	KUNIT_EXPECT_EQ(test, 1, snp_range_count(&r, SNP_HOLD_EXCL));
	snp_range_unlock(&r, &e);
	KUNIT_EXPECT_TRUE(test, snp_range_empty(&r));
}

static bool enough(void *data)
{
	return true;
}

static void waiting_conversion_can_give_up(struct kunit *test)
{
	struct kvm_gfn_hold map;
	struct snp_range r;
	struct snp_excl e;

	snp_range_init(&r);
	snp_range_hold(&r, &map, FIRST, SNP_HOLD_MAP);
	KUNIT_EXPECT_EQ(test, -ETIMEDOUT, snp_range_lock_wait(&r, &e, FIRST, 1, 1, NULL, NULL));
	KUNIT_EXPECT_EQ(test, -EINTR, snp_range_lock_wait(&r, &e, FIRST, 1, HZ, enough, NULL));
	KUNIT_EXPECT_EQ_MSG(test, 0, try(&r, SNP_HOLD_MAP, FIRST, 1),
			    "maps still step back for it");
	snp_range_release(&r, &map);
	KUNIT_EXPECT_TRUE(test, snp_range_empty(&r));
}

static struct kunit_case snp_range_cases[] = {
	KUNIT_CASE(conflicts_are_as_in_the_table),
	KUNIT_CASE(many_maps_of_one_frame),
	KUNIT_CASE(pages_are_busy_from_publication_to_unlock),
	KUNIT_CASE(waiting_conversion_goes_before_new_maps),
	KUNIT_CASE(waiting_conversion_can_give_up),
	{}
};

static struct kunit_suite snp_range_suite = {
	.name = "snp_range",
	.test_cases = snp_range_cases,
};

kunit_test_suite(snp_range_suite);
