// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware's refusals that no ioctl can reach, and page states after it acted
 *
 * KVM and the ccp driver never send a command that the firmware has to refuse if
 * they can help it. This module does, by the driver's own sev_do_cmd(): wrong
 * page states, owners and sizes, ASIDs out of range or not flushed, commands out
 * of order. Sections are those of the SEV-SNP firmware ABI and of the SEV API.
 * Reading /sys/kernel/debug/snp_fw_test/results runs all cases and prints TAP.
 *
 * Uses ASIDs behind KVM's back: run it while no SEV guest exists. It leaves them
 * flushed and all pages shared.
 */
#include <linux/mm.h>
#include <linux/psp-sev.h>

#include <asm/sev.h>
#include <asm/snp_soft.h>

#include "results.h"

#define GPA		0x40000000ULL
#define ASID		5	/* the last for SNP: KVM starts with the first */
#define SEV_ASID	15
#define POLICY		(BIT_ULL(17) | BIT_ULL(16))
#define POLICY_DEBUG	BIT_ULL(19)
#define SEV_POLICY_ES	BIT(2)
#define SEV_HANDLES	64

/* No status code: the driver refused. */
#define NOT_SENT	0x10000

static struct seq_file *out;
static bool ok;

static u32 fw(int cmd, void *data)
{
	int err = 0, ret = sev_do_cmd(cmd, data, &err);

	return ret && !err ? NOT_SENT : err;
}

static void expect(u32 want, u32 got, const char *what, int line)
{
	if (want == got)
		return;
	seq_printf(out, "# line %d: %s is %#x, want %#x\n", line, what, got, want);
	ok = false;
}

#define EXPECT(want, got) expect(want, got, #got, __LINE__)

/* ---- pages ------------------------------------------------------------------- */

static u64 pfn_of(unsigned int page)
{
	return page_to_pfn(region) + page;
}

static u64 pa_of(unsigned int page)
{
	return PFN_PHYS(pfn_of(page));
}

static void assign(unsigned int page, u32 asid, bool immutable)
{
	u64 gpa = asid ? GPA + page * PAGE_SIZE : 0;

	EXPECT(0, rmp_make_private(pfn_of(page), gpa, PG_LEVEL_4K, asid, immutable));
}

static void assign_2m(u32 asid, bool immutable)
{
	EXPECT(0, rmp_make_private(pfn_of(0), asid ? GPA : 0, PG_LEVEL_2M, asid, immutable));
}

static bool filled(unsigned int page, u8 value)
{
	return !memchr_inv(page_address(region + page), value, PAGE_SIZE);
}

static u32 reclaim(u64 paddr)
{
	return fw(SEV_CMD_SNP_PAGE_RECLAIM, &(struct sev_data_snp_page_reclaim) { paddr });
}

/* RMPUPDATE to shared; upstream's wrapper is loud about a refusal. */
static int take(unsigned int page)
{
	return snp_soft_rmpupdate(pa_of(page), &(struct rmp_state) { });
}

static void share(unsigned int page)
{
	EXPECT(0, reclaim(pa_of(page)));
	EXPECT(0, rmp_make_shared(pfn_of(page), PG_LEVEL_4K));
}

static void share_2m(void)
{
	EXPECT(0, reclaim(pa_of(0) | 1));
	EXPECT(0, rmp_make_shared(pfn_of(0), PG_LEVEL_2M));
}

/* assigned, immutable, validated, vmsa, 2M as five digits; then the ASID */
static u32 entry(unsigned int page)
{
	struct snp_soft_rmpe e = { };

	snp_soft_rmp_read(pfn_of(page), &e);
	return e.assigned << 20 | e.immutable << 16 | e.validated << 12 | e.vmsa << 8 |
	       e.pagesize << 4 | e.asid;
}

#define SHARED		0x000000
#define RECLAIM		0x100000
#define FIRMWARE	0x110000
#define CONTEXT		0x110100
#define PRE_GUEST	(0x110000 | ASID)
#define GUEST_INVALID	(0x100000 | ASID)
#define GUEST_VALID	(0x101000 | ASID)
#define VMSA		0x000100
#define LARGE		0x000010

/* ---- SNP guests ---------------------------------------------------------------- */

static u32 gctx_create(u64 gctx)
{
	return fw(SEV_CMD_SNP_GCTX_CREATE, &(struct sev_data_snp_addr) { gctx });
}

static u32 decommission(u64 gctx)
{
	return fw(SEV_CMD_SNP_DECOMMISSION, &(struct sev_data_snp_addr) { gctx });
}

static u32 start(u64 gctx, u64 policy)
{
	struct sev_data_snp_launch_start d = { .gctx_paddr = gctx, .policy = policy };

	return fw(SEV_CMD_SNP_LAUNCH_START, &d);
}

static u32 activate(u64 gctx, u32 asid)
{
	struct sev_data_snp_activate d = { .gctx_paddr = gctx, .asid = asid };

	return fw(SEV_CMD_SNP_ACTIVATE, &d);
}

static u32 update(u64 gctx, u64 paddr, u32 type, bool large)
{
	struct sev_data_snp_launch_update d = {
		.gctx_paddr = gctx, .address = paddr, .page_type = type, .page_size = large,
	};

	return fw(SEV_CMD_SNP_LAUNCH_UPDATE, &d);
}

static u32 finish(u64 gctx)
{
	struct sev_data_snp_launch_finish d = { .gctx_paddr = gctx };

	return fw(SEV_CMD_SNP_LAUNCH_FINISH, &d);
}

static u32 df_flush(void)
{
	return fw(SEV_CMD_SNP_DF_FLUSH, NULL);
}

/* A guest context in page @page of the region. */
static u64 guest_new(unsigned int page)
{
	assign(page, 0, true);
	EXPECT(0, gctx_create(pa_of(page)));
	return pa_of(page);
}

static u64 guest_started(unsigned int page, u64 policy)
{
	u64 g = guest_new(page);

	EXPECT(0, start(g, policy));
	EXPECT(0, df_flush());
	EXPECT(0, activate(g, ASID));
	return g;
}

static void guest_end(unsigned int page)
{
	EXPECT(0, decommission(pa_of(page)));
	share(page);
}

/* 8.13 */
static void context_is_made_of_a_4k_firmware_page(void)
{
	EXPECT(SEV_RET_INVALID_PAGE_STATE, gctx_create(pa_of(1)));
	EXPECT(SEV_RET_INVALID_PARAM, gctx_create(pa_of(1) + 8));
	assign(1, 0, true);
	EXPECT(FIRMWARE, entry(1));
	EXPECT(0, gctx_create(pa_of(1)));
	EXPECT(CONTEXT, entry(1));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, gctx_create(pa_of(1)));
	EXPECT(0, decommission(pa_of(1)));
	EXPECT(FIRMWARE, entry(1));
	share(1);

	assign_2m(0, true);
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, gctx_create(pa_of(0)));
	share_2m();
}

/* 5.2: immutable, so that the host can't take it */
static void context_page_stays_with_the_firmware(void)
{
	u64 g = guest_new(1);

	EXPECT(SEV_RET_INVALID_PAGE_STATE, reclaim(g));
	EXPECT(SNP_SOFT_FAIL_PERMISSION, take(1));
	EXPECT(CONTEXT, entry(1));
	guest_end(1);
}

static void commands_want_a_context_page(void)
{
	assign(1, 0, true);
	EXPECT(SEV_RET_INVALID_GUEST, start(pa_of(1), POLICY));
	EXPECT(SEV_RET_INVALID_GUEST, activate(pa_of(1), ASID));
	EXPECT(SEV_RET_INVALID_GUEST, update(pa_of(1), pa_of(2), SNP_PAGE_TYPE_NORMAL, false));
	EXPECT(SEV_RET_INVALID_GUEST, finish(pa_of(1)));
	EXPECT(SEV_RET_INVALID_GUEST, decommission(pa_of(1)));
	EXPECT(SEV_RET_INVALID_PARAM, start(pa_of(1) + 1, POLICY));
	share(1);
	EXPECT(SEV_RET_INVALID_GUEST, start(pa_of(1), POLICY));
}

/* 4.4 */
static void guest_goes_through_its_states_in_order(void)
{
	u64 g = guest_new(1);

	assign(2, ASID, true);
	EXPECT(SEV_RET_INVALID_GUEST_STATE, activate(g, ASID));
	EXPECT(SEV_RET_INVALID_GUEST_STATE, finish(g));
	EXPECT(SEV_RET_INVALID_GUEST_STATE, update(g, pa_of(2), SNP_PAGE_TYPE_NORMAL, false));

	EXPECT(0, start(g, POLICY));
	EXPECT(SEV_RET_INVALID_GUEST_STATE, start(g, POLICY));
	EXPECT(SEV_RET_INACTIVE, finish(g));
	EXPECT(SEV_RET_INACTIVE, update(g, pa_of(2), SNP_PAGE_TYPE_NORMAL, false));
	share(2);

	EXPECT(0, df_flush());
	EXPECT(0, activate(g, ASID));
	EXPECT(0, finish(g));
	EXPECT(SEV_RET_INVALID_GUEST_STATE, start(g, POLICY));
	EXPECT(SEV_RET_INVALID_GUEST_STATE, finish(g));
	guest_end(1);
}

/* 4.3, 8.16 */
static void policy_is_checked(void)
{
	u64 g = guest_new(1);

	EXPECT(SEV_RET_POLICY_FAILURE, start(g, 0));
	EXPECT(SEV_RET_POLICY_FAILURE, start(g, BIT_ULL(16)));
	EXPECT(SEV_RET_POLICY_FAILURE, start(g, BIT_ULL(17)));
	EXPECT(SEV_RET_POLICY_FAILURE, start(g, POLICY | BIT_ULL(40)));
	EXPECT(SEV_RET_POLICY_FAILURE, start(g, POLICY | 2 << 8));
	EXPECT(0, start(g, POLICY | 1 << 8));
	guest_end(1);
}

/* 8.11 */
static void asid_is_checked(void)
{
	u64 a = guest_new(1), b = guest_new(2);

	EXPECT(0, start(a, POLICY));
	EXPECT(0, start(b, POLICY));
	EXPECT(0, df_flush());
	EXPECT(SEV_RET_INVALID_ASID, activate(a, 0));
	EXPECT(SEV_RET_INVALID_ASID, activate(a, SNP_SOFT_MIN_SEV_ASID));
	EXPECT(SEV_RET_INVALID_ASID, activate(a, SNP_SOFT_NR_ASIDS + 1));
	EXPECT(0, activate(a, ASID));
	EXPECT(SEV_RET_ASID_OWNED, activate(b, ASID));
	EXPECT(SEV_RET_ACTIVE, activate(a, ASID - 1));

	assign(3, ASID - 1, false);
	EXPECT(SEV_RET_INVALID_CONFIG, activate(b, ASID - 1));
	share(3);
	EXPECT(0, activate(b, ASID - 1));
	guest_end(1);
	guest_end(2);
}

static void asid_that_ran_wants_a_flush(void)
{
	u64 g = guest_started(1, POLICY);

	EXPECT(0, finish(g));
	guest_end(1);

	g = guest_new(1);
	EXPECT(0, start(g, POLICY));
	EXPECT(SEV_RET_DFFLUSH_REQUIRED, activate(g, ASID));
	EXPECT(0, df_flush());
	EXPECT(0, activate(g, ASID));
	guest_end(1);

	/* This one never ran. */
	g = guest_new(1);
	EXPECT(0, start(g, POLICY));
	EXPECT(0, activate(g, ASID));
	guest_end(1);
}

/* 8.17 */
static void update_wants_pre_guest_pages(void)
{
	const u32 type = SNP_PAGE_TYPE_NORMAL;
	u64 g = guest_started(1, POLICY), p = pa_of(2);

	EXPECT(SEV_RET_INVALID_PAGE_STATE, update(g, p, type, false));
	assign(2, 0, true);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, update(g, p, type, false));
	EXPECT(0, reclaim(p));
	EXPECT(RECLAIM, entry(2));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, update(g, p, type, false));
	assign(2, ASID, false);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, update(g, p, type, false));
	assign(2, ASID - 1, true);
	EXPECT(SEV_RET_INVALID_PAGE_OWNER, update(g, p, type, false));
	share(2);

	assign(2, ASID, true);
	EXPECT(PRE_GUEST, entry(2));
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, update(g, p, type, true));
	EXPECT(SEV_RET_INVALID_PARAM, update(g, p, 0, false));
	EXPECT(SEV_RET_INVALID_PARAM, update(g, p, 7, false));
	EXPECT(SEV_RET_INVALID_PARAM, update(g, p + 16, type, false));
	EXPECT(PRE_GUEST, entry(2));
	EXPECT(0, update(g, p, type, false));
	EXPECT(GUEST_VALID, entry(2));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, update(g, p, type, false));
	share(2);
	guest_end(1);
}

static void update_marks_vmsa_pages(void)
{
	u64 g = guest_started(1, POLICY);

	assign(2, ASID, true);
	EXPECT(0, update(g, pa_of(2), SNP_PAGE_TYPE_VMSA, false));
	EXPECT(GUEST_VALID | VMSA, entry(2));
	share(2);
	guest_end(1);
}

static void update_zeroes_or_keeps_the_page(void)
{
	u64 g = guest_started(1, POLICY);

	memset(page_address(region + 2), 0x5a, 2 * PAGE_SIZE);
	assign(2, ASID, true);
	assign(3, ASID, true);
	EXPECT(0, update(g, pa_of(2), SNP_PAGE_TYPE_ZERO, false));
	EXPECT(0, update(g, pa_of(3), SNP_PAGE_TYPE_UNMEASURED, false));
	EXPECT(true, filled(2, 0));
	EXPECT(true, filled(3, 0x5a));
	share(2);
	share(3);
	guest_end(1);
}

/* The context lies elsewhere, since the whole region is one page here. */
static void update_of_2m(void)
{
	void *page = snp_alloc_firmware_page(GFP_KERNEL);
	u64 g = page ? __pa(page) : 0;

	EXPECT(true, !!page);
	if (!page)
		return;

	EXPECT(0, gctx_create(g));
	EXPECT(0, start(g, POLICY));
	EXPECT(0, df_flush());
	EXPECT(0, activate(g, ASID));
	assign_2m(ASID, true);
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, update(g, pa_of(0), SNP_PAGE_TYPE_NORMAL, false));
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, update(g, pa_of(0), SNP_PAGE_TYPE_VMSA, true));
	EXPECT(SEV_RET_INVALID_ADDRESS, update(g, pa_of(1), SNP_PAGE_TYPE_NORMAL, true));
	EXPECT(0, update(g, pa_of(0), SNP_PAGE_TYPE_NORMAL, true));
	EXPECT(GUEST_VALID | LARGE, entry(0));
	EXPECT(GUEST_VALID | LARGE, entry(511));
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, reclaim(pa_of(0)));
	share_2m();
	EXPECT(0, decommission(g));
	snp_free_firmware_page(page);
}

/* 8.24 */
static void reclaim_gives_pages_back(void)
{
	EXPECT(0, reclaim(pa_of(2)));
	EXPECT(SHARED, entry(2));
	EXPECT(SEV_RET_INVALID_PARAM, reclaim(pa_of(2) + 2));
	EXPECT(SEV_RET_INVALID_PAGE_SIZE, reclaim(pa_of(0) | 1));

	assign(2, 0, true);
	EXPECT(SNP_SOFT_FAIL_PERMISSION, take(2));
	EXPECT(0, reclaim(pa_of(2)));
	EXPECT(RECLAIM, entry(2));
	EXPECT(0, reclaim(pa_of(2)));
	EXPECT(0, rmp_make_shared(pfn_of(2), PG_LEVEL_4K));

	assign(2, ASID, true);
	EXPECT(0, reclaim(pa_of(2)));
	EXPECT(GUEST_INVALID, entry(2));
	EXPECT(0, rmp_make_shared(pfn_of(2), PG_LEVEL_4K));

	assign_2m(0, true);
	EXPECT(SEV_RET_INVALID_ADDRESS, reclaim(pa_of(1) | 1));
	EXPECT(0, reclaim(pa_of(0) | 1));
	EXPECT(RECLAIM | LARGE, entry(1));
	EXPECT(0, rmp_make_shared(pfn_of(0), PG_LEVEL_2M));
}

/* 8.25 */
static void unsmash_joins_what_belongs_together(void)
{
	struct sev_data_snp_page_unsmash d = { pa_of(0) };
	unsigned int i;

	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(SEV_CMD_SNP_PAGE_UNSMASH, &d));
	for (i = 0; i < PTRS_PER_PMD; i++)
		assign(i, ASID, true);
	share(7);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(SEV_CMD_SNP_PAGE_UNSMASH, &d));
	assign(7, ASID - 1, true);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(SEV_CMD_SNP_PAGE_UNSMASH, &d));
	share(7);
	assign(7, ASID, true);
	d.paddr = pa_of(1);
	EXPECT(SEV_RET_INVALID_PARAM, fw(SEV_CMD_SNP_PAGE_UNSMASH, &d));
	d.paddr = pa_of(0);
	EXPECT(0, fw(SEV_CMD_SNP_PAGE_UNSMASH, &d));
	EXPECT(PRE_GUEST | LARGE, entry(0));
	EXPECT(PRE_GUEST | LARGE, entry(511));
	share_2m();
}

static u32 dbg(int cmd, u64 gctx, u64 src, u64 dst)
{
	struct sev_data_snp_dbg d = { .gctx_paddr = gctx, .src_addr = src, .dst_addr = dst };

	return fw(cmd, &d);
}

/* 8.27, 8.28 */
static void debugging_needs_policy_and_page_states(void)
{
	const int dec = SEV_CMD_SNP_DBG_DECRYPT, enc = SEV_CMD_SNP_DBG_ENCRYPT;
	u64 g = guest_started(1, POLICY);

	memset(page_address(region + 2), 0x5a, PAGE_SIZE);
	memset(page_address(region + 3), 0, PAGE_SIZE);
	assign(2, ASID, true);
	assign(3, 0, true);
	EXPECT(SEV_RET_POLICY_FAILURE, dbg(dec, g, pa_of(2), pa_of(3)));
	guest_end(1);

	g = guest_new(1);
	EXPECT(0, start(g, POLICY | POLICY_DEBUG));
	EXPECT(SEV_RET_INVALID_PAGE_OWNER, dbg(dec, g, pa_of(2), pa_of(3)));
	share(2);
	EXPECT(0, activate(g, ASID));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, dbg(dec, g, pa_of(2), pa_of(3)));
	assign(2, ASID, true);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, dbg(dec, g, pa_of(2), pa_of(4)));
	EXPECT(SEV_RET_INVALID_PARAM, dbg(dec, g, pa_of(2) + 16, pa_of(3)));
	EXPECT(0, dbg(dec, g, pa_of(2), pa_of(3)));
	EXPECT(true, filled(3, 0x5a));

	memset(page_address(region + 4), 0xa5, PAGE_SIZE);
	EXPECT(0, dbg(enc, g, pa_of(4), pa_of(2)));
	EXPECT(true, filled(2, 0xa5));
	EXPECT(0, reclaim(pa_of(2)));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, dbg(enc, g, pa_of(4), pa_of(2)));
	share(2);
	share(3);
	guest_end(1);
}

/* 8.3, 8.15: what the firmware writes must be its own */
static void answers_go_to_firmware_pages(void)
{
	struct sev_data_snp_guest_status s = { .address = pa_of(2) };
	struct sev_data_snp_addr p = { pa_of(2) };
	u64 g = guest_started(1, POLICY);
	u8 *page = page_address(region + 2);

	s.gctx_paddr = g;
	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(SEV_CMD_SNP_PLATFORM_STATUS, &p));
	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(SEV_CMD_SNP_GUEST_STATUS, &s));
	assign(2, 0, true);
	EXPECT(0, fw(SEV_CMD_SNP_PLATFORM_STATUS, &p));
	EXPECT(1, ((struct sev_user_data_snp_status *)page)->state);
	EXPECT(1, ((struct sev_user_data_snp_status *)page)->guest_count);
	EXPECT(0, fw(SEV_CMD_SNP_GUEST_STATUS, &s));
	EXPECT(ASID, *(u32 *)(page + 8));
	EXPECT(1, page[12]);
	EXPECT(0, finish(g));
	EXPECT(0, fw(SEV_CMD_SNP_GUEST_STATUS, &s));
	EXPECT(2, page[12]);
	p.address += PAGE_SIZE - 8;
	EXPECT(SEV_RET_INVALID_PARAM, fw(SEV_CMD_SNP_PLATFORM_STATUS, &p));
	share(2);
	guest_end(1);
}

/* 8.14, 7.6 */
static void guest_messages_must_authenticate(void)
{
	struct snp_guest_msg_hdr *h = page_address(region + 2);
	struct sev_data_snp_guest_request d = {
		.gctx_paddr = pa_of(1), .req_paddr = pa_of(2), .res_paddr = pa_of(3),
	};
	const int cmd = SEV_CMD_SNP_GUEST_REQUEST;
	u64 g = guest_started(1, POLICY);

	memset(h, 0, PAGE_SIZE);
	EXPECT(SEV_RET_INVALID_PAGE_STATE, fw(cmd, &d));
	assign(3, 0, true);
	EXPECT(SEV_RET_INVALID_GUEST_STATE, fw(cmd, &d));
	EXPECT(0, finish(g));
	EXPECT(SEV_RET_INVALID_PARAM, fw(cmd, &d));

	h->algo = 1;
	h->hdr_version = 1;
	h->hdr_sz = sizeof(*h);
	h->msg_type = SNP_MSG_REPORT_REQ;
	h->msg_version = 1;
	h->msg_seqno = 1;
	h->msg_sz = 96;
	EXPECT(SEV_RET_BAD_MEASUREMENT, fw(cmd, &d));
	h->msg_sz = 95;
	EXPECT(SEV_RET_INVALID_PARAM, fw(cmd, &d));
	h->msg_sz = PAGE_SIZE;
	EXPECT(SEV_RET_INVALID_PARAM, fw(cmd, &d));
	h->msg_sz = 96;
	h->msg_vmpck = 4;
	EXPECT(SEV_RET_INVALID_PARAM, fw(cmd, &d));
	share(3);
	guest_end(1);
}

/* ---- the platform ------------------------------------------------------------------ */

static void platform_starts_once_and_stops_last(void)
{
	struct sev_data_snp_shutdown_ex stop = { .len = sizeof(stop) };
	struct sev_data_snp_init_ex init_ex = { .init_rmp = 1 };
	struct sev_data_init init = { };

	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_INIT, &init));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_SNP_INIT, NULL));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_SNP_INIT_EX, &init_ex));
	init_ex.rsvd1 = 1;
	EXPECT(SEV_RET_INVALID_PARAM, fw(SEV_CMD_SNP_INIT_EX, &init_ex));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_SNP_SHUTDOWN, NULL));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_SNP_SHUTDOWN_EX, &stop));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_FACTORY_RESET, NULL));
	EXPECT(SEV_RET_INVALID_PARAM,
	       fw(SEV_CMD_SNP_COMMIT, &(struct sev_data_snp_commit) { 3 }));
}

static void unknown_commands_are_refused(void)
{
	EXPECT(SEV_RET_INVALID_COMMAND, fw(0, NULL));
	EXPECT(SEV_RET_INVALID_COMMAND, fw(SEV_CMD_SNP_PAGE_MOVE, NULL));
	EXPECT(SEV_RET_INVALID_COMMAND, fw(0x7ff, NULL));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, fw(SEV_CMD_SNP_DOWNLOAD_FIRMWARE_EX, NULL));
}

/* ---- SEV guests ---------------------------------------------------------------------- */

static u32 sev_start(u32 policy, u32 *handle)
{
	struct sev_data_launch_start d = { .policy = policy };
	u32 status = fw(SEV_CMD_LAUNCH_START, &d);

	*handle = d.handle;
	return status;
}

static u32 sev_activate(u32 handle, u32 asid)
{
	return fw(SEV_CMD_ACTIVATE, &(struct sev_data_activate) { handle, asid });
}

static u32 sev_deactivate(u32 handle)
{
	return fw(SEV_CMD_DEACTIVATE, &(struct sev_data_deactivate) { handle });
}

static u32 sev_decommission(u32 handle)
{
	return fw(SEV_CMD_DECOMMISSION, &(struct sev_data_decommission) { handle });
}

static u32 sev_update(int cmd, u32 handle, u32 len)
{
	struct sev_data_launch_update_data d = {
		.handle = handle, .address = pa_of(2), .len = len,
	};

	return fw(cmd, &d);
}

/* SEV API, 6.1 to 6.3 */
static void sev_guests_come_and_go(void)
{
	u32 h;

	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, sev_activate(1, SEV_ASID));
	EXPECT(0, sev_start(0, &h));
	EXPECT(0, df_flush());
	EXPECT(SEV_RET_INVALID_GUEST, sev_activate(h + 1, SEV_ASID));
	EXPECT(SEV_RET_INVALID_GUEST, sev_activate(0, SEV_ASID));
	EXPECT(SEV_RET_INVALID_ASID, sev_activate(h, 0));
	EXPECT(SEV_RET_INVALID_ASID, sev_activate(h, ASID));
	EXPECT(SEV_RET_INVALID_ASID, sev_activate(h, SEV_ASID + 1));
	EXPECT(SEV_RET_INACTIVE, sev_deactivate(h));
	EXPECT(SEV_RET_INACTIVE, sev_update(SEV_CMD_LAUNCH_UPDATE_DATA, h, PAGE_SIZE));

	EXPECT(0, sev_activate(h, SEV_ASID));
	EXPECT(SEV_RET_ACTIVE, sev_activate(h, SEV_ASID - 1));
	EXPECT(SEV_RET_ACTIVE, sev_decommission(h));
	EXPECT(0, sev_update(SEV_CMD_LAUNCH_UPDATE_DATA, h, PAGE_SIZE));
	EXPECT(SEV_RET_UNSUPPORTED, sev_update(SEV_CMD_LAUNCH_UPDATE_VMSA, h, PAGE_SIZE));
	EXPECT(0, sev_deactivate(h));
	EXPECT(0, sev_decommission(h));
	EXPECT(SEV_RET_INVALID_PLATFORM_STATE, sev_decommission(h));
}

static void sev_es_guests_have_vmsas(void)
{
	u32 h;

	EXPECT(0, sev_start(SEV_POLICY_ES, &h));
	EXPECT(SEV_RET_INVALID_ASID, sev_activate(h, SEV_ASID));
	EXPECT(0, df_flush());
	EXPECT(0, sev_activate(h, ASID));
	EXPECT(SEV_RET_INVALID_LEN, sev_update(SEV_CMD_LAUNCH_UPDATE_VMSA, h, 2048));
	EXPECT(0, sev_update(SEV_CMD_LAUNCH_UPDATE_VMSA, h, PAGE_SIZE));
	EXPECT(0, sev_deactivate(h));
	EXPECT(0, sev_decommission(h));
}

static void handles_are_limited(void)
{
	u32 h, n;

	for (n = 0; n < SEV_HANDLES; n++)
		EXPECT(0, sev_start(0, &h));
	EXPECT(SEV_RET_RESOURCE_LIMIT, sev_start(0, &h));
	for (n = 1; n <= SEV_HANDLES; n++)
		EXPECT(0, sev_decommission(n));
	EXPECT(0, sev_start(0, &h));
	EXPECT(0, sev_decommission(h));
}

/* ---- all of them ------------------------------------------------------------------------ */

#define CASE(name)	{ #name, name }

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	CASE(context_is_made_of_a_4k_firmware_page),
	CASE(context_page_stays_with_the_firmware),
	CASE(commands_want_a_context_page),
	CASE(guest_goes_through_its_states_in_order),
	CASE(policy_is_checked),
	CASE(asid_is_checked),
	CASE(asid_that_ran_wants_a_flush),
	CASE(update_wants_pre_guest_pages),
	CASE(update_marks_vmsa_pages),
	CASE(update_zeroes_or_keeps_the_page),
	CASE(update_of_2m),
	CASE(reclaim_gives_pages_back),
	CASE(unsmash_joins_what_belongs_together),
	CASE(debugging_needs_policy_and_page_states),
	CASE(answers_go_to_firmware_pages),
	CASE(guest_messages_must_authenticate),
	CASE(platform_starts_once_and_stops_last),
	CASE(unknown_commands_are_refused),
	CASE(sev_guests_come_and_go),
	CASE(sev_es_guests_have_vmsas),
	CASE(handles_are_limited),
};

static int results_show(struct seq_file *m, void *unused)
{
	unsigned int i;

	out = m;
	seq_printf(m, "TAP version 13\n1..%zu\n", ARRAY_SIZE(cases));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ok = true;
		cases[i].run();
		EXPECT(0, df_flush());
		seq_printf(m, "%sok %u %s\n", ok ? "" : "not ", i + 1, cases[i].name);
	}
	return 0;
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refusals of the software firmware that no ioctl can reach");
