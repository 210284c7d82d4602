// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software secure processor: SNP commands.
 *
 * A guest's context lives where it lives on silicon: in the page that the host
 * donates with GCTX_CREATE. Context pages are immutable in the RMP, so the host
 * can neither write nor take them, and the page, not a table of ours, is what
 * ties a command to a guest: the number of guests is bounded by memory alone.
 *
 * Every page that a command touches is in one of the states of the firmware ABI
 * (5.2), judged by its RMP entry at that moment; the state decides, and the
 * command's last act is to move it on.
 *
 * Source of every check and its order: SEV-SNP firmware ABI 1.55, chapters 5 to
 * 8; section numbers are given per command.
 */
#define pr_fmt(fmt) "snp_soft: " fmt

#include <linux/bitfield.h>
#include <linux/cc_platform.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <crypto/gcm.h>
#include <crypto/hash.h>

#include <asm/sev.h>

#include "snp_soft_fw.h"

#define SNP_VMPLS		4
#define SNP_VMPCK_LEN		32
#define SNP_ID_LEN		32
#define SNP_PERM_ALL		(SNP_SOFT_PERM_R | SNP_SOFT_PERM_W | \
				 SNP_SOFT_PERM_UX | SNP_SOFT_PERM_SX)
#define SNP_SECRETS_VERSION	3
#define SNP_CPUID_MAX		64
#define SNP_ID_ALGO_P384	1

/* APM vol. 2, Table B-4: where a VMSA has what the host says about its clock */
#define VMSA_GUEST_TSC_SCALE	0x2f0
#define VMSA_GUEST_TSC_LEN	16	/* GUEST_TSC_SCALE, GUEST_TSC_OFFSET */

/* 4.3 Guest policy */
#define SNP_POLICY_ABI_MINOR	GENMASK_ULL(7, 0)
#define SNP_POLICY_ABI_MAJOR	GENMASK_ULL(15, 8)
#define SNP_POLICY_SMT		BIT_ULL(16)
#define SNP_POLICY_MUST_BE_ONE	BIT_ULL(17)
#define SNP_POLICY_MIGRATE_MA	BIT_ULL(18)
#define SNP_POLICY_DEBUG	BIT_ULL(19)
#define SNP_POLICY_RESERVED	GENMASK_ULL(63, 25)

/* 4.4 Guest state */
enum snp_gstate {
	SNP_GSTATE_INIT,
	SNP_GSTATE_LAUNCH,
	SNP_GSTATE_RUNNING,
};

/**
 * struct snp_gctx - what a Context page holds (4.1)
 * @state: GSTATE
 * @asid: 0 = not activated
 * @policy: as launched
 * @imi_en: launch of an incoming migration image
 * @vcek_dis: SNP_LAUNCH_FINISH
 * @tsc_khz: SNP_LAUNCH_START
 * @ld: launch digest, SHA-384 chained over PAGE_INFO structures
 * @imd: the same over the pages of the migration image
 * @gosvw: SNP_LAUNCH_START
 * @host_data: SNP_LAUNCH_FINISH
 * @report_id: drawn at launch
 * @vmpck: keys between guest and firmware, one per VMPL
 * @msg_count: messages exchanged under each of them
 */
struct snp_gctx {
	u32 state;
	u32 asid;
	u64 policy;
	bool imi_en;
	bool vcek_dis;
	u32 tsc_khz;
	u8 ld[SHA384_DIGEST_SIZE];
	u8 imd[SHA384_DIGEST_SIZE];
	u8 gosvw[16];
	u8 host_data[32];
	u8 report_id[SNP_ID_LEN];
	u8 vmpck[SNP_VMPLS][SNP_VMPCK_LEN];
	u64 msg_count[SNP_VMPLS];
};

/* 8.17.1, Table 69: PAGE_INFO, the unit of the launch digest */
struct snp_page_info {
	u8 digest_cur[SHA384_DIGEST_SIZE];
	u8 contents[SHA384_DIGEST_SIZE];
	u16 length;
	u8 page_type;
	u8 imi_page;
	u8 vmpl3_perms;
	u8 vmpl2_perms;
	u8 vmpl1_perms;
	u8 reserved;
	u64 gpa;
} __packed;

/* 8.17.2.6, Table 71: CPUID page; the structure Linux guests use is private to them */
struct snp_cpuid_entry {
	u32 eax_in;
	u32 ecx_in;
	u64 xcr0_in;
	u64 xss_in;
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
	u64 reserved;
} __packed;

struct snp_cpuid_page {
	u32 count;
	u32 reserved1;
	u64 reserved2;
	struct snp_cpuid_entry entry[SNP_CPUID_MAX];
} __packed;

/* 8.18, Table 75: ID block */
struct snp_id_block {
	u8 ld[SHA384_DIGEST_SIZE];
	u8 family_id[16];
	u8 image_id[16];
	u32 version;
	u32 guest_svn;
	u64 policy;
} __packed;

static struct crypto_shash *snp_sha384;

int __init snp_soft_fw_snp_init(void)
{
	BUILD_BUG_ON(sizeof(struct snp_gctx) > PAGE_SIZE);
	BUILD_BUG_ON(sizeof(struct snp_page_info) != 0x70);
	BUILD_BUG_ON(sizeof(struct snp_id_block) != 0x60);

	snp_sha384 = crypto_alloc_shash("sha384", 0, 0);
	return PTR_ERR_OR_ZERO(snp_sha384);
}

static void snp_digest(const void *data, size_t len, u8 out[SHA384_DIGEST_SIZE])
{
	/* Cannot fail: no key, no request beyond the algorithm's limits. */
	WARN_ON_ONCE(crypto_shash_tfm_digest(snp_sha384, data, len, out));
}

static void snp_set_page(u64 addr, const struct snp_soft_rmpe *e)
{
	u64 pfn = PHYS_PFN(snp_soft_fw_pa(addr));

	if (e->pagesize)
		pfn = ALIGN_DOWN(pfn, PTRS_PER_PMD);
	WARN_ON_ONCE(snp_soft_rmp_set(pfn, e));
}

/* ---- platform ---------------------------------------------------------------- */

/* 8.8 SNP_INIT_EX: RANGE_LIST, at most one page */
static u32 snp_fix_ranges(u64 list)
{
	struct sev_data_range_list *l = (void *)snp_soft_fw.page;
	const struct snp_soft_rmpe fixed = { .immutable = 1 };
	u32 status, i;
	u64 pfn, end;

	if (!PAGE_ALIGNED(list))
		return SEV_RET_INVALID_ADDRESS;
	status = snp_soft_fw_read(list, l, PAGE_SIZE);
	if (status)
		return status;
	if (l->rsvd || struct_size(l, ranges, l->num_elements) > PAGE_SIZE)
		return SEV_RET_INVALID_PARAM;

	for (i = 0; i < l->num_elements; i++) {
		if (l->ranges[i].rsvd || !PAGE_ALIGNED(l->ranges[i].base))
			return SEV_RET_INVALID_PARAM;
		pfn = PHYS_PFN(snp_soft_fw_pa(l->ranges[i].base));
		end = pfn + l->ranges[i].page_count;
		for (; pfn < end && snp_soft_rmp_covers(pfn); pfn++)
			snp_soft_rmp_set(pfn, &fixed);
	}
	return SEV_RET_SUCCESS;
}

/*
 * Every page to the hypervisor, the RMP itself to the firmware. The first time
 * the host has cleared the table just before.
 */
static void snp_format_rmp(u64 base, u64 end)
{
	const struct snp_soft_rmpe clear = { .pagesize = 1 };
	const struct snp_soft_rmpe own = { .assigned = 1, .pagesize = 1, .immutable = 1 };
	static bool again;
	u64 pfn;

	for (pfn = 0; again && snp_soft_rmp_covers(pfn + PTRS_PER_PMD - 1); pfn += PTRS_PER_PMD)
		snp_soft_rmp_set(pfn, &clear);
	again = true;

	for (pfn = PHYS_PFN(base); pfn < PHYS_PFN(end); pfn += PTRS_PER_PMD)
		snp_soft_rmp_set(pfn, &own);
}

static u32 snp_start(bool init_rmp, bool list_en, u64 list)
{
	u64 base = 0, end = 0;
	u32 status;

	if (snp_soft_fw.snp || snp_soft_fw.sev != SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!init_rmp && !snp_soft_fw.rmp)
		return SEV_RET_RMP_INIT_REQUIRED;
	if (list_en && !init_rmp)
		return SEV_RET_INVALID_PARAM;
	if (!cc_platform_has(CC_ATTR_HOST_SEV_SNP))
		return SEV_RET_INVALID_CONFIG;

	snp_soft_rmp_msrs(&base, &end);
	if (!base || !IS_ALIGNED(base, SZ_1M) || !IS_ALIGNED(end + 1, SZ_1M))
		return SEV_RET_INVALID_CONFIG;

	if (init_rmp) {
		snp_format_rmp(base, end);
		status = list_en ? snp_fix_ranges(list) : SEV_RET_SUCCESS;
		if (status)
			return SEV_RET_RMP_INITIALIZATION_FAILED;
	}

	snp_soft_fw_asids_dirty();
	snp_soft_fw.snp_guests = 0;
	snp_soft_fw.rmp = true;
	snp_soft_fw.snp = true;
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_init() - SNP_INIT (8.7)
 * @c: no command buffer
 *
 * What silicon checks in MSRs (SYSCFG, HWCR.SmmLock, VM_HSAVE_PA = 0 on all
 * cores) is taken for granted: the platform's CPUs have only some of them.
 *
 * Return: status code.
 */
u32 snp_soft_snp_init(struct snp_soft_call *c)
{
	return snp_start(true, false, 0);
}

/**
 * snp_soft_snp_init_ex() - SNP_INIT_EX (8.8)
 * @c: struct sev_data_snp_init_ex
 *
 * Return: status code.
 */
u32 snp_soft_snp_init_ex(struct snp_soft_call *c)
{
	struct sev_data_snp_init_ex *d = c->buf;

	if (d->rsvd || d->rsvd1 || memchr_inv(d->rsvd2, 0, sizeof(d->rsvd2)))
		return SEV_RET_INVALID_PARAM;
	return snp_start(d->init_rmp, d->list_paddr_en, d->list_paddr);
}

/* @d: NULL for SNP_SHUTDOWN */
static u32 snp_stop(const struct sev_data_snp_shutdown_ex *d)
{
	u32 asid;

	if (snp_soft_fw.sev != SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!snp_soft_fw.snp)
		return SEV_RET_SUCCESS;

	for (asid = 1; asid <= SNP_SOFT_NR_ASIDS; asid++)
		if (snp_soft_fw.asid[asid].state != SNP_SOFT_ASID_CLEAN)
			return SEV_RET_DFFLUSH_REQUIRED;
	if (d && (d->len != sizeof(*d) || d->rsvd1))
		return SEV_RET_INVALID_PARAM;

	snp_soft_fw.snp = false;
	snp_soft_fw.snp_guests = 0;
	if (d && d->iommu_snp_shutdown)
		snp_soft_fw.rmp = false;
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_shutdown() - SNP_SHUTDOWN (8.9)
 * @c: no command buffer
 *
 * Return: status code. SEV_RET_DFFLUSH_REQUIRED also while a guest is active.
 */
u32 snp_soft_snp_shutdown(struct snp_soft_call *c)
{
	return snp_stop(NULL);
}

/**
 * snp_soft_snp_shutdown_ex() - SNP_SHUTDOWN_EX (8.10)
 * @c: struct sev_data_snp_shutdown_ex
 *
 * There is no IOMMU that would have to stop enforcing.
 *
 * Return: status code. SEV_RET_DFFLUSH_REQUIRED also while a guest is active.
 */
u32 snp_soft_snp_shutdown_ex(struct snp_soft_call *c)
{
	return snp_stop(c->buf);
}

/**
 * snp_soft_snp_platform_status() - SNP_PLATFORM_STATUS (8.3)
 * @c: struct sev_data_snp_addr
 *
 * The page stays a Firmware page, as with the published firmware; PAGE_RECLAIM
 * takes either state.
 *
 * Return: status code.
 */
u32 snp_soft_snp_platform_status(struct snp_soft_call *c)
{
	struct sev_user_data_snp_status s = {
		.api_major = SNP_SOFT_API_MAJOR,
		.api_minor = SNP_SOFT_API_MINOR,
		.build_id = SNP_SOFT_API_BUILD,
		.state = snp_soft_fw.snp,
		.is_rmp_initialized = snp_soft_fw.rmp,
		.mask_chip_id = snp_soft_fw.mask_chip_id,
		.mask_chip_key = snp_soft_fw.mask_chip_key,
		.guest_count = snp_soft_fw.snp_guests,
		.current_tcb_version = SNP_SOFT_TCB,
		.reported_tcb_version = snp_soft_fw.reported_tcb,
	};
	struct sev_data_snp_addr *d = c->buf;

	c->id = d->address;
	if (offset_in_page(d->address) + sizeof(s) > PAGE_SIZE)
		return SEV_RET_INVALID_PARAM;
	return snp_soft_fw_writable(d->address, sizeof(s)) ?:
	       snp_soft_fw_write(d->address, &s, sizeof(s));
}

/**
 * snp_soft_snp_config() - SNP_CONFIG (8.5)
 * @c: struct sev_user_data_snp_config
 *
 * Return: status code.
 */
u32 snp_soft_snp_config(struct snp_soft_call *c)
{
	struct sev_user_data_snp_config *d = c->buf;
	u64 tcb = d->reported_tcb ?: SNP_SOFT_TCB;
	unsigned int i;

	if (d->rsvd || memchr_inv(d->rsvd1, 0, sizeof(d->rsvd1)))
		return SEV_RET_INVALID_PARAM;

	/* One security version per byte; none may be newer than what runs. */
	for (i = 0; i < 64; i += 8)
		if ((tcb >> i & 0xff) > (SNP_SOFT_TCB >> i & 0xff))
			return SEV_RET_INVALID_PARAM;

	snp_soft_fw.reported_tcb = tcb;
	snp_soft_fw.mask_chip_id = d->mask_chip_id;
	snp_soft_fw.mask_chip_key = d->mask_chip_key;
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_commit() - SNP_COMMIT (8.6)
 * @c: struct sev_data_snp_commit
 *
 * Return: status code.
 */
u32 snp_soft_snp_commit(struct snp_soft_call *c)
{
	struct sev_data_snp_commit *d = c->buf;

	if (d->len != sizeof(*d))
		return SEV_RET_INVALID_PARAM;
	snp_soft_fw.reported_tcb = SNP_SOFT_TCB;
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_vlek_load() - SNP_VLEK_LOAD
 * @c: struct sev_user_data_snp_vlek_load
 *
 * No hashstick is wrapped by a chip key that does not exist: none authenticates.
 *
 * Return: status code, never success.
 */
u32 snp_soft_snp_vlek_load(struct snp_soft_call *c)
{
	struct sev_user_data_snp_vlek_load *d = c->buf;
	struct {
		u8 iv[12];
		u8 rsvd1[4];
		u8 wrapped[384];
		u64 tcb;
		u8 rsvd2[8];
		u8 tag[16];
	} __packed v;
	u32 status;

	BUILD_BUG_ON(sizeof(v) != sizeof(struct sev_user_data_snp_wrapped_vlek_hashstick));

	if (d->len != sizeof(*d) || d->vlek_wrapped_version ||
	    memchr_inv(d->rsvd, 0, sizeof(d->rsvd)))
		return SEV_RET_INVALID_PARAM;

	status = snp_soft_fw_read(d->vlek_wrapped_address, &v, sizeof(v));
	if (status)
		return status;
	return v.tcb == snp_soft_fw.reported_tcb ? SEV_RET_BAD_MEASUREMENT : SEV_RET_BAD_SVN;
}

/* ---- guest context ------------------------------------------------------------- */

/* The checks that every guest command starts with. */
static u32 snp_gctx_get(struct snp_soft_call *c, u64 addr, struct snp_gctx *g)
{
	struct snp_soft_rmpe e;
	u32 status;

	c->id = addr;
	if (!PAGE_ALIGNED(addr))
		return SEV_RET_INVALID_PARAM;
	if (!snp_soft_fw.snp)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!snp_soft_fw_ram(snp_soft_fw_pa(addr), PAGE_SIZE))
		return SEV_RET_INVALID_ADDRESS;
	if (snp_soft_fw_page(addr, &e) != SNP_SOFT_PAGE_CONTEXT)
		return SEV_RET_INVALID_GUEST;

	status = snp_soft_fw_read(addr, g, sizeof(*g));
	c->asid = g->asid;
	return status;
}

static void snp_gctx_put(u64 addr, const struct snp_gctx *g)
{
	snp_soft_fw_write(addr, g, sizeof(*g));
}

/**
 * snp_soft_snp_gctx_create() - SNP_GCTX_CREATE (8.13)
 * @c: struct sev_data_snp_addr
 *
 * Return: status code.
 */
u32 snp_soft_snp_gctx_create(struct snp_soft_call *c)
{
	struct sev_data_snp_addr *d = c->buf;
	struct snp_soft_rmpe e;
	u32 status;

	c->id = d->address;
	if (!PAGE_ALIGNED(d->address))
		return SEV_RET_INVALID_PARAM;
	if (!snp_soft_fw.snp)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (snp_soft_fw_page(d->address, &e) != SNP_SOFT_PAGE_FIRMWARE)
		return SEV_RET_INVALID_PAGE_STATE;
	if (e.pagesize)
		return SEV_RET_INVALID_PAGE_SIZE;

	BUILD_BUG_ON(SNP_GSTATE_INIT != 0);
	memset(snp_soft_fw.page, 0, PAGE_SIZE);
	status = snp_soft_fw_write(d->address, snp_soft_fw.page, PAGE_SIZE);
	if (status)
		return status;

	e.vmsa = 1;	/* Firmware -> Context */
	snp_set_page(d->address, &e);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_activate() - SNP_ACTIVATE (8.11)
 * @c: struct sev_data_snp_activate
 *
 * Return: status code. SEV_RET_INVALID_CONFIG if the RMP still assigns pages to
 * the ASID: its last guest has left some behind.
 */
u32 snp_soft_snp_activate(struct snp_soft_call *c)
{
	struct sev_data_snp_activate *d = c->buf;
	struct snp_gctx g;
	u32 status;

	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;
	c->asid = d->asid;
	if (g.state != SNP_GSTATE_LAUNCH && g.state != SNP_GSTATE_RUNNING)
		return SEV_RET_INVALID_GUEST_STATE;
	if (d->asid && snp_soft_rmp_asid_used(d->asid))
		return SEV_RET_INVALID_CONFIG;

	status = snp_soft_fw_asid_bind(d->asid, true, true, g.asid);
	if (status)
		return status;

	g.asid = d->asid;
	if (g.state == SNP_GSTATE_RUNNING)
		snp_soft_fw_asid_run(g.asid);
	snp_gctx_put(d->gctx_paddr, &g);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_decommission() - SNP_DECOMMISSION (8.12)
 * @c: struct sev_data_snp_addr
 *
 * Return: status code.
 */
u32 snp_soft_snp_decommission(struct snp_soft_call *c)
{
	struct sev_data_snp_addr *d = c->buf;
	struct snp_soft_rmpe e;
	struct snp_gctx g;
	u32 status;

	status = snp_gctx_get(c, d->address, &g);
	if (status)
		return status;

	snp_soft_fw_asid_unbind(g.asid);
	if (g.state != SNP_GSTATE_INIT)
		snp_soft_fw.snp_guests--;

	memzero_explicit(&g, sizeof(g));
	snp_gctx_put(d->address, &g);
	snp_soft_fw_page(d->address, &e);
	e.vmsa = 0;	/* Context -> Firmware */
	snp_set_page(d->address, &e);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_guest_status() - SNP_GUEST_STATUS (8.15)
 * @c: struct sev_data_snp_guest_status
 *
 * Return: status code.
 */
u32 snp_soft_snp_guest_status(struct snp_soft_call *c)
{
	struct sev_data_snp_guest_status *d = c->buf;
	struct {
		u64 policy;
		u32 asid;
		u8 state;
		u8 vcek_dis;
		u8 rsvd[18];
	} __packed s = { };
	struct snp_gctx g;
	u32 status;

	if (offset_in_page(d->address) + sizeof(s) > PAGE_SIZE)
		return SEV_RET_INVALID_PARAM;
	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;

	s.policy = g.policy;
	s.asid = g.asid;
	s.state = g.state;
	s.vcek_dis = g.vcek_dis;
	return snp_soft_fw_writable(d->address, sizeof(s)) ?:
	       snp_soft_fw_write(d->address, &s, sizeof(s));
}

/* ---- launch ---------------------------------------------------------------------- */

/* 8.16 SNP_LAUNCH_START; one socket, SMT taken as on */
static bool snp_policy_ok(u64 policy)
{
	u32 major = FIELD_GET(SNP_POLICY_ABI_MAJOR, policy);
	u32 minor = FIELD_GET(SNP_POLICY_ABI_MINOR, policy);

	if (!(policy & SNP_POLICY_MUST_BE_ONE) || !(policy & SNP_POLICY_SMT) ||
	    policy & SNP_POLICY_RESERVED)
		return false;
	return major < SNP_SOFT_API_MAJOR ||
	       (major == SNP_SOFT_API_MAJOR && minor <= SNP_SOFT_API_MINOR);
}

/**
 * snp_soft_snp_launch_start() - SNP_LAUNCH_START (8.16)
 * @c: struct sev_data_snp_launch_start
 *
 * Migration agents are not modelled; asking for one is a policy failure.
 *
 * Return: status code.
 */
u32 snp_soft_snp_launch_start(struct snp_soft_call *c)
{
	struct sev_data_snp_launch_start *d = c->buf;
	struct snp_gctx g;
	u32 status;

	if (d->rsvd || !PAGE_ALIGNED(d->ma_gctx_paddr))
		return SEV_RET_INVALID_PARAM;
	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;
	if (g.state != SNP_GSTATE_INIT)
		return SEV_RET_INVALID_GUEST_STATE;
	if (d->ma_en || !snp_policy_ok(d->policy))
		return SEV_RET_POLICY_FAILURE;

	g.policy = d->policy;
	g.imi_en = d->imi_en;
	g.tsc_khz = d->desired_tsc_khz;
	memcpy(g.gosvw, d->gosvw, sizeof(g.gosvw));
	get_random_bytes(g.report_id, sizeof(g.report_id));
	get_random_bytes(g.vmpck, sizeof(g.vmpck));
	g.state = SNP_GSTATE_LAUNCH;
	snp_soft_fw.snp_guests++;
	snp_gctx_put(d->gctx_paddr, &g);
	return SEV_RET_SUCCESS;
}

/* 8.17.2.5: the guest's way to talk to the firmware */
static void snp_fill_secrets(const struct snp_gctx *g, struct snp_secrets_page *s)
{
	memset(s, 0, sizeof(*s));
	s->version = SNP_SECRETS_VERSION;
	s->imien = g->imi_en;
	s->fms = cpuid_eax(1);
	memcpy(s->gosvw, g->gosvw, sizeof(s->gosvw));
	memcpy(s->vmpck0, g->vmpck[0], sizeof(s->vmpck0));
	memcpy(s->vmpck1, g->vmpck[1], sizeof(s->vmpck1));
	memcpy(s->vmpck2, g->vmpck[2], sizeof(s->vmpck2));
	memcpy(s->vmpck3, g->vmpck[3], sizeof(s->vmpck3));
}

/*
 * 8.17.2.6: form only. Silicon also compares each function with what the CPU
 * can do, by a policy that is a document of its own (PPR, CPUID policies).
 */
static u32 snp_check_cpuid(const struct snp_cpuid_page *p)
{
	u32 i;

	if (p->reserved1 || p->reserved2 || p->count > SNP_CPUID_MAX)
		return SEV_RET_INVALID_PARAM;
	for (i = 0; i < p->count; i++)
		if (p->entry[i].reserved)
			return SEV_RET_INVALID_PARAM;
	return SEV_RET_SUCCESS;
}

/*
 * One 4K page of the launch: its contents as the guest will find them, and the
 * digest of those that are measured. Works on snp_soft_fw.page.
 */
static u32 snp_launch_page(const struct snp_gctx *g, u32 type, u64 addr, u8 digest[])
{
	u8 *tsc = snp_soft_fw.page + VMSA_GUEST_TSC_SCALE;
	u8 saved[VMSA_GUEST_TSC_LEN];
	u32 status;

	status = snp_soft_fw_read(addr, snp_soft_fw.page, PAGE_SIZE);
	if (status)
		return status;

	memset(digest, 0, SHA384_DIGEST_SIZE);
	switch (type) {
	case SNP_PAGE_TYPE_NORMAL:
		snp_digest(snp_soft_fw.page, PAGE_SIZE, digest);
		return SEV_RET_SUCCESS;
	case SNP_PAGE_TYPE_VMSA:
		/* Measured as if the host had not chosen the guest's clock. */
		memcpy(saved, tsc, sizeof(saved));
		memset(tsc, 0, sizeof(saved));
		snp_digest(snp_soft_fw.page, PAGE_SIZE, digest);
		memcpy(tsc, saved, sizeof(saved));
		return SEV_RET_SUCCESS;
	case SNP_PAGE_TYPE_ZERO:
		memset(snp_soft_fw.page, 0, PAGE_SIZE);
		break;
	case SNP_PAGE_TYPE_SECRET:
		snp_fill_secrets(g, (void *)snp_soft_fw.page);
		break;
	case SNP_PAGE_TYPE_CPUID:
		return snp_check_cpuid((void *)snp_soft_fw.page);
	default:
		return SEV_RET_SUCCESS;
	}
	return snp_soft_fw_write(addr, snp_soft_fw.page, PAGE_SIZE);
}

static u32 snp_launch_check(const struct sev_data_snp_launch_update *d,
			    const struct snp_soft_rmpe *e)
{
	if (e->pagesize != d->page_size)
		return SEV_RET_INVALID_PAGE_SIZE;
	if (d->page_size && !IS_ALIGNED(snp_soft_fw_pa(d->address), PMD_SIZE))
		return SEV_RET_INVALID_ADDRESS;

	switch (d->page_type) {
	case SNP_PAGE_TYPE_NORMAL:
	case SNP_PAGE_TYPE_ZERO:
	case SNP_PAGE_TYPE_UNMEASURED:
		return SEV_RET_SUCCESS;
	case SNP_PAGE_TYPE_VMSA:
	case SNP_PAGE_TYPE_SECRET:
	case SNP_PAGE_TYPE_CPUID:
		return d->page_size ? SEV_RET_INVALID_PAGE_SIZE : SEV_RET_SUCCESS;
	default:
		return SEV_RET_INVALID_PARAM;
	}
}

/**
 * snp_soft_snp_launch_update() - SNP_LAUNCH_UPDATE (8.17)
 * @c: struct sev_data_snp_launch_update
 *
 * Pre-Guest -> Guest-Valid; the launch digest grows by one PAGE_INFO per 4K.
 *
 * Return: status code. On failure the page stays Pre-Guest.
 */
u32 snp_soft_snp_launch_update(struct snp_soft_call *c)
{
	struct sev_data_snp_launch_update *d = c->buf;
	struct snp_page_info info = {
		.length = sizeof(info),
		.page_type = d->page_type,
		.imi_page = d->imi_page,
		.vmpl3_perms = d->vmpl3_perms,
		.vmpl2_perms = d->vmpl2_perms,
		.vmpl1_perms = d->vmpl1_perms,
	};
	enum snp_soft_page_state state;
	struct snp_soft_rmpe e;
	u64 off, size, addr;
	struct snp_gctx g;
	u32 status;

	if (!PAGE_ALIGNED(d->address) || d->rsvd || d->rsvd2 || d->rsvd3 || d->rsvd4)
		return SEV_RET_INVALID_PARAM;
	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;
	addr = snp_soft_fw_pa(d->address);
	c->id = addr;
	if (!snp_soft_fw_ram(addr, PAGE_SIZE))
		return SEV_RET_INVALID_ADDRESS;

	state = snp_soft_fw_page(addr, &e);
	if (state != SNP_SOFT_PAGE_PRE_GUEST)
		return SEV_RET_INVALID_PAGE_STATE;
	status = snp_launch_check(d, &e);
	if (status)
		return status;
	if (g.state != SNP_GSTATE_LAUNCH)
		return SEV_RET_INVALID_GUEST_STATE;
	if (!g.asid)
		return SEV_RET_INACTIVE;
	if (e.asid != g.asid)
		return SEV_RET_INVALID_PAGE_OWNER;
	if (g.imi_en && !d->imi_page)
		return SEV_RET_INVALID_PARAM;

	size = d->page_size ? PMD_SIZE : PAGE_SIZE;
	for (off = 0; off < size; off += PAGE_SIZE) {
		status = snp_launch_page(&g, d->page_type, addr + off, info.contents);
		if (status)
			return status;

		info.gpa = PFN_PHYS(e.gpa) + off;
		memcpy(info.digest_cur, g.ld, sizeof(g.ld));
		snp_digest(&info, sizeof(info), g.ld);
		if (d->imi_page) {
			memcpy(info.digest_cur, g.imd, sizeof(g.imd));
			snp_digest(&info, sizeof(info), g.imd);
		}
	}
	snp_gctx_put(d->gctx_paddr, &g);

	e.perms[0] = SNP_PERM_ALL;
	e.perms[1] = d->vmpl1_perms;
	e.perms[2] = d->vmpl2_perms;
	e.perms[3] = d->vmpl3_perms;
	e.vmsa = d->page_type == SNP_PAGE_TYPE_VMSA;
	e.validated = 1;
	e.immutable = 0;
	snp_set_page(addr, &e);
	return SEV_RET_SUCCESS;
}

/*
 * 8.18, ID block. Digest, policy and algorithms are compared; a signature can't
 * be verified here, so a block that matches so far is refused as unsupported,
 * rather than taken on trust.
 */
static u32 snp_check_id_block(const struct sev_data_snp_launch_finish *d,
			      const struct snp_gctx *g)
{
	struct snp_id_block b;
	u32 algo[2], status;

	status = snp_soft_fw_read(d->id_block_paddr, &b, sizeof(b)) ?:
		 snp_soft_fw_read(d->id_auth_paddr, algo, sizeof(algo));
	if (status)
		return status;
	if (memcmp(b.ld, g->ld, sizeof(b.ld)))
		return SEV_RET_BAD_MEASUREMENT;
	if (b.policy != g->policy)
		return SEV_RET_POLICY_FAILURE;
	if (algo[0] != SNP_ID_ALGO_P384 || (d->auth_key_en && algo[1] != SNP_ID_ALGO_P384))
		return SEV_RET_INVALID_PARAM;
	return SEV_RET_UNSUPPORTED;
}

/**
 * snp_soft_snp_launch_finish() - SNP_LAUNCH_FINISH (8.18)
 * @c: struct sev_data_snp_launch_finish
 *
 * Return: status code.
 */
u32 snp_soft_snp_launch_finish(struct snp_soft_call *c)
{
	struct sev_data_snp_launch_finish *d = c->buf;
	struct snp_gctx g;
	u32 status;

	if (d->rsvd)
		return SEV_RET_INVALID_PARAM;
	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;
	if (g.state != SNP_GSTATE_LAUNCH || g.imi_en)
		return SEV_RET_INVALID_GUEST_STATE;
	if (!g.asid)
		return SEV_RET_INACTIVE;
	if (d->id_block_en) {
		status = snp_check_id_block(d, &g);
		if (status)
			return status;
	}

	memcpy(g.host_data, d->host_data, sizeof(g.host_data));
	g.vcek_dis = d->vcek_disabled;
	g.state = SNP_GSTATE_RUNNING;
	snp_gctx_put(d->gctx_paddr, &g);
	snp_soft_fw_asid_run(g.asid);
	return SEV_RET_SUCCESS;
}

/* ---- guest messages ---------------------------------------------------------------- */

/* 7.6, Table 98: message header; additional authenticated data from @algo on */
#define SNP_MSG_AAD_LEN		(sizeof(struct snp_guest_msg_hdr) - \
				 offsetof(struct snp_guest_msg_hdr, algo))
#define SNP_MSG_ALGO_GCM	1
#define SNP_MSG_HDR_VERSION	1
#define SNP_MSG_TAG_LEN		16
#define SNP_MSG_REPORT_LEN	0x4a0	/* ATTESTATION_REPORT */

/* 7.3, Tables 21 and 24 */
struct snp_msg_report_req {
	u8 report_data[64];
	u32 vmpl;
	u32 key_sel;
	u8 rsvd[24];
} __packed;

/* 7.3, Table 22: ATTESTATION_REPORT version 2, unsigned */
struct snp_report {
	u32 version;
	u32 guest_svn;
	u64 policy;
	u8 family_id[16];
	u8 image_id[16];
	u32 vmpl;
	u32 signature_algo;
	u64 current_tcb;
	u64 platform_info;
	u32 key_info;
	u32 rsvd1;
	u8 report_data[64];
	u8 measurement[SHA384_DIGEST_SIZE];
	u8 host_data[32];
	u8 id_key_digest[48];
	u8 author_key_digest[48];
	u8 report_id[SNP_ID_LEN];
	u8 report_id_ma[SNP_ID_LEN];
	u64 reported_tcb;
	u8 rsvd2[24];
	u8 chip_id[64];
	u64 committed_tcb;
	u8 current_version[4];		/* build, minor, major, 0 */
	u8 committed_version[4];
	u64 launch_tcb;
	u8 rsvd3[168];
	u8 signature[512];
} __packed;

struct snp_msg_report_rsp {
	u32 status;
	u32 report_size;
	u8 rsvd[24];
	struct snp_report report;
} __packed;

#define SNP_KEY_INFO_UNSIGNED	(7 << 2)	/* SIGNING_KEY: none */

static void snp_fill_report(const struct snp_gctx *g, const struct snp_msg_report_req *req,
			    u32 vmpck, struct snp_msg_report_rsp *rsp)
{
	static const u8 version[4] = {
		SNP_SOFT_API_BUILD, SNP_SOFT_API_MINOR, SNP_SOFT_API_MAJOR,
	};
	struct snp_report *r = &rsp->report;

	BUILD_BUG_ON(sizeof(*r) != SNP_MSG_REPORT_LEN);

	memset(rsp, 0, sizeof(*rsp));
	rsp->report_size = sizeof(*r);
	if (memchr_inv(req->rsvd, 0, sizeof(req->rsvd)) || req->vmpl < vmpck ||
	    req->vmpl >= SNP_VMPLS) {
		rsp->status = SEV_RET_INVALID_PARAM;
		return;
	}
	if (req->key_sel) {
		rsp->status = SEV_RET_INVALID_KEY;
		return;
	}

	r->version = 2;
	r->policy = g->policy;
	r->vmpl = req->vmpl;
	r->key_info = SNP_KEY_INFO_UNSIGNED;
	r->platform_info = BIT(0);	/* SMT */
	r->current_tcb = SNP_SOFT_TCB;
	r->reported_tcb = snp_soft_fw.reported_tcb;
	r->committed_tcb = SNP_SOFT_TCB;
	r->launch_tcb = SNP_SOFT_TCB;
	memcpy(r->current_version, version, sizeof(version));
	memcpy(r->committed_version, version, sizeof(version));
	memcpy(r->report_data, req->report_data, sizeof(r->report_data));
	memcpy(r->measurement, g->ld, sizeof(r->measurement));
	memcpy(r->host_data, g->host_data, sizeof(r->host_data));
	memcpy(r->report_id, g->report_id, sizeof(r->report_id));
	memset(r->report_id_ma, 0xff, sizeof(r->report_id_ma));
}

/* Seal @rsp into @msg as the answer to the message with header @req. */
static void snp_msg_answer(const struct aesgcm_ctx *gcm, const struct snp_guest_msg_hdr *req,
			   const struct snp_msg_report_rsp *rsp, struct snp_guest_msg *msg)
{
	u8 iv[GCM_AES_IV_SIZE] = {};

	memset(msg, 0, sizeof(*msg));
	msg->hdr.msg_seqno = req->msg_seqno + 1;
	msg->hdr.algo = SNP_MSG_ALGO_GCM;
	msg->hdr.hdr_version = SNP_MSG_HDR_VERSION;
	msg->hdr.hdr_sz = sizeof(msg->hdr);
	msg->hdr.msg_type = SNP_MSG_REPORT_RSP;
	msg->hdr.msg_version = 1;
	msg->hdr.msg_sz = sizeof(*rsp);
	msg->hdr.msg_vmpck = req->msg_vmpck;
	memcpy(iv, &msg->hdr.msg_seqno, sizeof(msg->hdr.msg_seqno));
	aesgcm_encrypt(gcm, msg->payload, (const u8 *)rsp, sizeof(*rsp), &msg->hdr.algo,
		       SNP_MSG_AAD_LEN, iv, msg->hdr.authtag);
}

static bool snp_msg_header_ok(const struct snp_guest_msg_hdr *h)
{
	return h->hdr_version == SNP_MSG_HDR_VERSION && h->hdr_sz == sizeof(*h) &&
	       h->algo == SNP_MSG_ALGO_GCM && h->msg_sz && IS_ALIGNED(h->msg_sz, 16) &&
	       h->msg_sz <= sizeof_field(struct snp_guest_msg, payload) &&
	       h->msg_vmpck < SNP_VMPLS;
}

static u32 snp_guest_message(struct snp_gctx *g, struct snp_guest_msg *msg)
{
	struct snp_guest_msg_hdr hdr = msg->hdr;
	u8 iv[GCM_AES_IV_SIZE] = {};
	static struct snp_msg_report_rsp rsp;	/* too big for the stack */
	struct snp_msg_report_req req;
	struct aesgcm_ctx gcm;
	u32 status;
	u64 *count;

	if (!snp_msg_header_ok(&hdr))
		return SEV_RET_INVALID_PARAM;

	memcpy(iv, &hdr.msg_seqno, sizeof(hdr.msg_seqno));
	aesgcm_expandkey(&gcm, g->vmpck[hdr.msg_vmpck], SNP_VMPCK_LEN, SNP_MSG_TAG_LEN);

	status = SEV_RET_BAD_MEASUREMENT;
	if (!aesgcm_decrypt(&gcm, msg->payload, msg->payload, hdr.msg_sz, &hdr.algo,
			    SNP_MSG_AAD_LEN, iv, hdr.authtag))
		goto out;

	status = SEV_RET_AEAD_OFLOW;
	count = &g->msg_count[hdr.msg_vmpck];
	if (*count == U64_MAX - 1 || hdr.msg_seqno != *count + 1)
		goto out;

	status = SEV_RET_INVALID_PARAM;
	if (hdr.msg_type != SNP_MSG_REPORT_REQ || hdr.msg_version != 1 ||
	    hdr.msg_sz != sizeof(req))
		goto out;

	memcpy(&req, msg->payload, sizeof(req));
	snp_fill_report(g, &req, hdr.msg_vmpck, &rsp);
	snp_msg_answer(&gcm, &hdr, &rsp, msg);
	*count += 2;
	status = SEV_RET_SUCCESS;
out:
	memzero_explicit(&gcm, sizeof(gcm));
	return status;
}

/**
 * snp_soft_snp_guest_request() - SNP_GUEST_REQUEST (8.14)
 * @c: struct sev_data_snp_guest_request
 *
 * The message is unwrapped and authenticated with the guest's VMPCK. Of the
 * message types, MSG_REPORT_REQ is answered, with an unsigned report; others
 * are refused as unknown.
 *
 * Return: status code. SEV_RET_AEAD_OFLOW for a wrong sequence number.
 */
u32 snp_soft_snp_guest_request(struct snp_soft_call *c)
{
	struct snp_guest_msg *msg = (void *)snp_soft_fw.page;
	struct sev_data_snp_guest_request *d = c->buf;
	enum snp_soft_page_state state;
	struct snp_soft_rmpe e;
	struct snp_gctx g;
	u32 status;

	BUILD_BUG_ON(sizeof(*msg) > PAGE_SIZE);

	status = snp_gctx_get(c, d->gctx_paddr, &g);
	if (status)
		return status;
	state = snp_soft_fw_page(d->res_paddr, &e);
	if (state != SNP_SOFT_PAGE_FIRMWARE)
		return SEV_RET_INVALID_PAGE_STATE;
	if (e.pagesize)
		return SEV_RET_INVALID_PAGE_SIZE;
	snp_soft_fw_page(d->req_paddr, &e);
	if (e.pagesize)
		return SEV_RET_INVALID_PAGE_SIZE;
	if (g.state != SNP_GSTATE_RUNNING)
		return SEV_RET_INVALID_GUEST_STATE;
	if (!PAGE_ALIGNED(d->req_paddr) || !PAGE_ALIGNED(d->res_paddr))
		return SEV_RET_INVALID_PARAM;

	status = snp_soft_fw_read(d->req_paddr, msg, sizeof(*msg)) ?:
		 snp_guest_message(&g, msg) ?:
		 snp_soft_fw_write(d->res_paddr, msg, sizeof(*msg));
	if (!status)
		snp_gctx_put(d->gctx_paddr, &g);
	return status;
}

/* ---- debug -------------------------------------------------------------------------- */

static u32 snp_dbg_guest(struct snp_soft_call *c, const struct sev_data_snp_dbg *d,
			 struct snp_gctx *g)
{
	if (!PAGE_ALIGNED(d->src_addr) || !PAGE_ALIGNED(d->dst_addr))
		return SEV_RET_INVALID_PARAM;
	return snp_gctx_get(c, d->gctx_paddr, g);
}

static u32 snp_dbg_copy(const struct sev_data_snp_dbg *d, const struct snp_gctx *g, u32 asid)
{
	if (asid != g->asid)
		return SEV_RET_INVALID_PAGE_OWNER;
	if (!(g->policy & SNP_POLICY_DEBUG))
		return SEV_RET_POLICY_FAILURE;
	if (!g->asid)
		return SEV_RET_INACTIVE;
	return snp_soft_fw_copy(d->dst_addr, d->src_addr, PAGE_SIZE);
}

/**
 * snp_soft_snp_dbg_decrypt() - SNP_DBG_DECRYPT (8.27)
 * @c: struct sev_data_snp_dbg
 *
 * Return: status code.
 */
u32 snp_soft_snp_dbg_decrypt(struct snp_soft_call *c)
{
	struct sev_data_snp_dbg *d = c->buf;
	struct snp_soft_rmpe src, dst;
	struct snp_gctx g;
	u32 status;

	status = snp_dbg_guest(c, d, &g);
	if (status)
		return status;
	if (snp_soft_fw_page(d->src_addr, &src) < SNP_SOFT_PAGE_PRE_GUEST ||
	    snp_soft_fw_page(d->dst_addr, &dst) != SNP_SOFT_PAGE_FIRMWARE)
		return SEV_RET_INVALID_PAGE_STATE;
	return snp_dbg_copy(d, &g, src.asid);
}

/**
 * snp_soft_snp_dbg_encrypt() - SNP_DBG_ENCRYPT (8.28)
 * @c: struct sev_data_snp_dbg
 *
 * Return: status code.
 */
u32 snp_soft_snp_dbg_encrypt(struct snp_soft_call *c)
{
	struct sev_data_snp_dbg *d = c->buf;
	enum snp_soft_page_state state;
	struct snp_soft_rmpe dst;
	struct snp_gctx g;
	u32 status;

	status = snp_dbg_guest(c, d, &g);
	if (status)
		return status;
	state = snp_soft_fw_page(d->dst_addr, &dst);
	if (state != SNP_SOFT_PAGE_PRE_GUEST && state != SNP_SOFT_PAGE_PRE_SWAP)
		return SEV_RET_INVALID_PAGE_STATE;
	return snp_dbg_copy(d, &g, dst.asid);
}

/* ---- page states ----------------------------------------------------------------------- */

/**
 * snp_soft_snp_page_reclaim() - SNP_PAGE_RECLAIM (8.24)
 * @c: struct sev_data_snp_page_reclaim; bit 0 of the address is the page size
 *
 * Metadata, Firmware -> Reclaim; Pre-Guest -> Guest-Invalid; Pre-Swap ->
 * Guest-Valid. A page that is not immutable is left alone, with success. In
 * every case the host may then take it back by RMPUPDATE.
 *
 * Return: status code.
 */
u32 snp_soft_snp_page_reclaim(struct snp_soft_call *c)
{
	struct sev_data_snp_page_reclaim *d = c->buf;
	u64 pa = snp_soft_fw_pa(d->paddr) & PAGE_MASK;
	bool large = d->paddr & 1;
	struct snp_soft_rmpe e;

	c->id = pa;
	if (d->paddr & GENMASK(11, 1))
		return SEV_RET_INVALID_PARAM;
	if (!snp_soft_fw.snp)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!snp_soft_fw_ram(pa, large ? PMD_SIZE : PAGE_SIZE))
		return SEV_RET_INVALID_ADDRESS;

	switch (snp_soft_fw_page(pa, &e)) {
	case SNP_SOFT_PAGE_INVALID:
	case SNP_SOFT_PAGE_DEFAULT:
	case SNP_SOFT_PAGE_HV_FIXED:
	case SNP_SOFT_PAGE_CONTEXT:
		return SEV_RET_INVALID_PAGE_STATE;
	default:
		break;
	}
	c->asid = e.asid;
	if (e.pagesize != large)
		return SEV_RET_INVALID_PAGE_SIZE;
	if (large && !IS_ALIGNED(pa, PMD_SIZE))
		return SEV_RET_INVALID_ADDRESS;
	if (!e.immutable)
		return SEV_RET_SUCCESS;

	e.immutable = 0;
	snp_set_page(pa, &e);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_snp_page_unsmash() - SNP_PAGE_UNSMASH (8.25)
 * @c: struct sev_data_snp_page_unsmash
 *
 * 512 Pre-Guest or Pre-Swap pages that look like one 2M page become one.
 *
 * Return: status code.
 */
u32 snp_soft_snp_page_unsmash(struct snp_soft_call *c)
{
	struct sev_data_snp_page_unsmash *d = c->buf;
	u64 pa = snp_soft_fw_pa(d->paddr);
	struct snp_soft_rmpe first, e;
	u64 i;

	c->id = pa;
	if (!IS_ALIGNED(pa, PMD_SIZE))
		return SEV_RET_INVALID_PARAM;
	if (!snp_soft_fw.snp)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!snp_soft_fw_ram(pa, PMD_SIZE))
		return SEV_RET_INVALID_ADDRESS;

	for (i = 0; i < PTRS_PER_PMD; i++) {
		snp_soft_fw_page(pa + i * PAGE_SIZE, &e);
		if (!i)
			first = e;
		if (e.pagesize || !e.immutable || e.vmsa || !e.asid || e.asid != first.asid ||
		    e.validated != first.validated || e.hi != first.hi ||
		    e.gpa != first.gpa + i || first.gpa % PTRS_PER_PMD)
			return SEV_RET_INVALID_PAGE_STATE;
	}

	c->asid = first.asid;
	first.pagesize = 1;
	snp_set_page(pa, &first);
	return SEV_RET_SUCCESS;
}
