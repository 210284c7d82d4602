// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software secure processor: the firmware. This file holds what every
 * command needs (dispatch, memory, page states, ASIDs) and the commands of the
 * SEV API: platform management, SEV and SEV-ES guests.
 *
 * The model keeps the states that the specifications define and refuses what
 * they refuse, in their order: platform state, handle, guest state, parameters,
 * page states. What it does not have is keys: guest memory is not encrypted, so
 * "encrypt in place" leaves the bytes as they are, and whatever needs a key pair
 * or a certificate chain is refused after all the checks that need none.
 * Measurements are really computed; without a session from a guest owner, the
 * transport keys are all zero, as on silicon.
 *
 * Invariant: one command at a time. The driver's sev_cmd_mutex guarantees it,
 * and in a panic only its holder, or nobody, gets here. PAGE_RECLAIM for the
 * buffers of another command comes before or after that one, never inside.
 * Only the state of ASIDs is read by others (VMRUN), without a lock.
 *
 * Nothing here sleeps, so that the panic path can shut the platform down.
 *
 * Sources: SEV API 0.24 (AMD publication 55766), SEV-SNP firmware ABI 1.55
 * (56860), and where both are silent the firmware published by AMD.
 */
#define pr_fmt(fmt) "snp_soft: " fmt

#include <linux/cc_platform.h>
#include <linux/ioport.h>
#include <linux/memblock.h>
#include <linux/mmzone.h>
#include <linux/random.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <crypto/aes.h>
#include <crypto/algapi.h>
#include <crypto/utils.h>

#include "snp_soft_fw.h"

#define CREATE_TRACE_POINTS
#include <trace/events/snp_soft_fw.h>

#define SEV_HANDLES		64
#define SEV_CERT_LEN		0x824	/* SEV API, C.1 SEV certificate */
#define SEV_CERT_CHAIN_LEN	(3 * SEV_CERT_LEN)
#define SEV_SESSION_LEN		0x80	/* SEV API, 6.2 session buffer */
#define SEV_ID_LEN		64
#define SEV_NV_LEN		SZ_32K
#define SEV_TMR_LEN		SZ_1M
#define SEV_TMR_LEN_SNP		SZ_2M
#define SEV_KEY_LEN		16	/* TIK, TEK */
#define SEV_NONCE_LEN		16

/* SEV API, Table 2: guest policy */
#define SEV_POLICY_NODBG	BIT(0)
#define SEV_POLICY_NOKS		BIT(1)
#define SEV_POLICY_ES		BIT(2)
#define SEV_POLICY_NOSEND	BIT(3)

/* SEV API, Table 22: what an HMAC is about */
#define SEV_MAC_SECRET		0x01
#define SEV_MAC_MEASURE		0x04

#define SEV_SIG_NONE		0x1000	/* usage of a signature that isn't there */

/* SEV API, Table 43: GSTATE */
enum sev_gstate {
	GSTATE_UNINIT,
	GSTATE_LUPDATE,
	GSTATE_LSECRET,
	GSTATE_RUNNING,
	GSTATE_SUPDATE,
	GSTATE_RUPDATE,
	GSTATE_SENT,
};

/**
 * struct sev_guest - guest context of a SEV or SEV-ES guest
 * @state: GSTATE; UNINIT = this handle is free
 * @policy: as launched
 * @asid: 0 = not activated
 * @sha: launch digest in the making
 * @ld: launch digest, final after LAUNCH_MEASURE
 * @measure: what LAUNCH_MEASURE answered; binds LAUNCH_SECRET to it
 */
struct sev_guest {
	enum sev_gstate state;
	u32 policy;
	u32 asid;
	struct sha256_state sha;
	u8 ld[SHA256_DIGEST_SIZE];
	u8 measure[SHA256_DIGEST_SIZE];
};

struct snp_soft_fw snp_soft_fw;
static struct sev_guest sev_guests[SEV_HANDLES];	/* handle - 1 */

/* ---- memory ---------------------------------------------------------------- */

/**
 * snp_soft_fw_ram() - may the firmware be pointed at this memory?
 * @pa: system physical address, without C-bit
 * @len: bytes
 *
 * Return: true if all of it is RAM and none of it is the RMP itself.
 */
bool snp_soft_fw_ram(u64 pa, u64 len)
{
	u64 rmp_base = 0, rmp_end = 0, pfn, last = pa + len - 1;

	if (!len || last < pa)
		return false;

	snp_soft_rmp_msrs(&rmp_base, &rmp_end);
	if (rmp_end && pa <= rmp_end && last >= rmp_base)
		return false;

	for (pfn = PHYS_PFN(pa); pfn <= PHYS_PFN(last); pfn++)
		if (!pfn_valid(pfn) || !page_is_ram(pfn))
			return false;
	return true;
}

/**
 * snp_soft_fw_read() - read memory that a command names
 * @addr: system physical address, C-bit ignored
 * @dst: where to
 * @len: bytes
 *
 * Return: SEV_RET_SUCCESS or SEV_RET_INVALID_ADDRESS.
 */
u32 snp_soft_fw_read(u64 addr, void *dst, size_t len)
{
	u64 pa = snp_soft_fw_pa(addr);

	if (!snp_soft_fw_ram(pa, len))
		return SEV_RET_INVALID_ADDRESS;
	snp_soft_phys_read(pa, dst, len);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_fw_write() - write memory that a command names
 * @addr: system physical address, C-bit ignored
 * @src: what
 * @len: bytes
 *
 * The caller has checked the page state: the firmware itself is not bound by
 * the RMP.
 *
 * Return: SEV_RET_SUCCESS or SEV_RET_INVALID_ADDRESS.
 */
u32 snp_soft_fw_write(u64 addr, const void *src, size_t len)
{
	u64 pa = snp_soft_fw_pa(addr);

	if (!snp_soft_fw_ram(pa, len))
		return SEV_RET_INVALID_ADDRESS;
	snp_soft_phys_write(pa, src, len);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_fw_copy() - what is left of a decryption or encryption without keys
 * @dst: system physical address, C-bit ignored
 * @src: system physical address, C-bit ignored
 * @len: bytes
 *
 * Return: SEV_RET_SUCCESS or SEV_RET_INVALID_ADDRESS.
 */
u32 snp_soft_fw_copy(u64 dst, u64 src, size_t len)
{
	void *page = snp_soft_fw.page;
	u32 status;
	size_t n;

	for (; len; len -= n, src += n, dst += n) {
		n = min(len, PAGE_SIZE);
		status = snp_soft_fw_read(src, page, n) ?: snp_soft_fw_write(dst, page, n);
		if (status)
			return status;
	}
	return SEV_RET_SUCCESS;
}

/* ---- page states ------------------------------------------------------------- */

/**
 * snp_soft_fw_page() - state of a page
 * @addr: system physical address, C-bit ignored
 * @e: its RMP entry as it applies to this 4K page; zero for a Default page
 *
 * Source: SEV-SNP firmware ABI, 5.2 Page States.
 */
enum snp_soft_page_state snp_soft_fw_page(u64 addr, struct snp_soft_rmpe *e)
{
	memset(e, 0, sizeof(*e));
	if (!snp_soft_rmp_read(PHYS_PFN(snp_soft_fw_pa(addr)), e))
		return SNP_SOFT_PAGE_DEFAULT;

	if (!e->assigned) {
		if (e->validated || e->asid)
			return SNP_SOFT_PAGE_INVALID;
		return e->immutable ? SNP_SOFT_PAGE_HV_FIXED : SNP_SOFT_PAGE_HYPERVISOR;
	}

	if (e->asid) {
		if (e->immutable)
			return e->validated ? SNP_SOFT_PAGE_PRE_SWAP : SNP_SOFT_PAGE_PRE_GUEST;
		return e->validated ? SNP_SOFT_PAGE_GUEST_VALID : SNP_SOFT_PAGE_GUEST_INVALID;
	}

	if (e->validated)
		return SNP_SOFT_PAGE_INVALID;
	if (!e->immutable)
		return SNP_SOFT_PAGE_RECLAIM;
	if (e->gpa)
		return SNP_SOFT_PAGE_METADATA;
	return e->vmsa ? SNP_SOFT_PAGE_CONTEXT : SNP_SOFT_PAGE_FIRMWARE;
}

/**
 * snp_soft_fw_writable() - may the firmware write its answer here?
 * @addr: system physical address, C-bit ignored
 * @len: bytes
 *
 * While SNP is initialised, memory that a command writes has to be Firmware or
 * Default pages (SEV-SNP firmware ABI, 5.3.10 and the legacy commands).
 *
 * Return: SEV_RET_SUCCESS, SEV_RET_INVALID_ADDRESS or SEV_RET_INVALID_PAGE_STATE.
 */
u32 snp_soft_fw_writable(u64 addr, u64 len)
{
	u64 pa = snp_soft_fw_pa(addr), at;
	enum snp_soft_page_state state;
	struct snp_soft_rmpe e;

	if (!snp_soft_fw_ram(pa, len))
		return SEV_RET_INVALID_ADDRESS;
	if (!snp_soft_fw.snp)
		return SEV_RET_SUCCESS;

	for (at = ALIGN_DOWN(pa, PAGE_SIZE); at < pa + len; at += PAGE_SIZE) {
		state = snp_soft_fw_page(at, &e);
		if (state != SNP_SOFT_PAGE_FIRMWARE && state != SNP_SOFT_PAGE_DEFAULT)
			return SEV_RET_INVALID_PAGE_STATE;
	}
	return SEV_RET_SUCCESS;
}

/* ---- ASIDs --------------------------------------------------------------------- */

/**
 * snp_soft_fw_asid_active() - would silicon run a guest with this ASID?
 * @asid: any number
 * @snp: the guest is an SNP guest
 *
 * Context: any; no locks.
 *
 * Return: true once a guest of that kind has been activated with @asid and its
 * launch is finished. Before that, the ASID is marked invalid in the CPU and
 * VMRUN fails.
 */
bool snp_soft_fw_asid_active(u32 asid, bool snp)
{
	const struct snp_soft_asid *a;

	if (!asid || asid > SNP_SOFT_NR_ASIDS)
		return false;

	a = &snp_soft_fw.asid[asid];
	/* Pairs with snp_soft_fw_asid_run(): @snp was set before. */
	return smp_load_acquire(&a->state) == SNP_SOFT_ASID_IN_USE && a->snp == snp;
}

/**
 * snp_soft_fw_asid_bind() - ACTIVATE, the part that SEV and SNP have in common
 * @asid: asked for
 * @es: the guest's registers are encrypted (SEV-ES, SNP)
 * @snp: the guest is an SNP guest
 * @bound: the guest has an ASID already
 *
 * Return: SEV_RET_SUCCESS, SEV_RET_INVALID_ASID, SEV_RET_ASID_OWNED,
 * SEV_RET_ACTIVE or SEV_RET_DFFLUSH_REQUIRED.
 * Source: SEV API, 6.2 ACTIVATE; CPUID Fn8000_001F[EDX] parts the ranges.
 */
u32 snp_soft_fw_asid_bind(u32 asid, bool es, bool snp, bool bound)
{
	bool es_range = asid < SNP_SOFT_MIN_SEV_ASID;
	struct snp_soft_asid *a;

	if (!asid || asid > SNP_SOFT_NR_ASIDS)
		return SEV_RET_INVALID_ASID;

	a = &snp_soft_fw.asid[asid];
	if (a->state == SNP_SOFT_ASID_ALLOCATED || a->state == SNP_SOFT_ASID_IN_USE)
		return SEV_RET_ASID_OWNED;
	if (bound)
		return SEV_RET_ACTIVE;
	if (a->state == SNP_SOFT_ASID_DIRTY)
		return SEV_RET_DFFLUSH_REQUIRED;
	if (es != es_range)
		return SEV_RET_INVALID_ASID;

	a->snp = snp;
	WRITE_ONCE(a->state, SNP_SOFT_ASID_ALLOCATED);
	return SEV_RET_SUCCESS;
}

/**
 * snp_soft_fw_asid_run() - the guest of a bound ASID has finished its launch
 * @asid: 0 = not bound yet, nothing to do
 */
void snp_soft_fw_asid_run(u32 asid)
{
	if (asid)
		/* Pairs with snp_soft_fw_asid_active(). */
		smp_store_release(&snp_soft_fw.asid[asid].state, SNP_SOFT_ASID_IN_USE);
}

/**
 * snp_soft_fw_asid_unbind() - the guest gives its ASID back
 * @asid: 0 = has none, nothing to do
 *
 * One that ran may have left data in caches: dirty until the next DF_FLUSH.
 */
void snp_soft_fw_asid_unbind(u32 asid)
{
	struct snp_soft_asid *a = &snp_soft_fw.asid[asid];
	bool ran = a->state == SNP_SOFT_ASID_IN_USE;

	if (asid)
		WRITE_ONCE(a->state, ran ? SNP_SOFT_ASID_DIRTY : SNP_SOFT_ASID_CLEAN);
}

/**
 * snp_soft_fw_asids_dirty() - a platform that starts knows nothing about caches
 */
void snp_soft_fw_asids_dirty(void)
{
	u32 asid;

	for (asid = 1; asid <= SNP_SOFT_NR_ASIDS; asid++)
		WRITE_ONCE(snp_soft_fw.asid[asid].state, SNP_SOFT_ASID_DIRTY);
}

/*
 * DF_FLUSH, SNP_DF_FLUSH. WBINVD_REQUIRED can't be modelled: nothing tells us
 * of a WBINVD, and caches of this machine hold no guest-tagged lines.
 */
static u32 df_flush(struct snp_soft_call *c)
{
	struct snp_soft_asid *a;
	u32 asid;

	for (asid = 1; asid <= SNP_SOFT_NR_ASIDS; asid++) {
		a = &snp_soft_fw.asid[asid];
		if (a->state == SNP_SOFT_ASID_DIRTY)
			WRITE_ONCE(a->state, SNP_SOFT_ASID_CLEAN);
	}
	return SEV_RET_SUCCESS;
}

/* ---- platform -------------------------------------------------------------------- */

static u32 sev_reserve_tmr(u64 addr, u32 len)
{
	u32 min = snp_soft_fw.rmp ? SEV_TMR_LEN_SNP : SEV_TMR_LEN;

	if (!IS_ALIGNED(snp_soft_fw_pa(addr), min))
		return SEV_RET_INVALID_ADDRESS;
	if (len < min)
		return SEV_RET_INVALID_LEN;
	return snp_soft_fw_writable(addr, len);
}

/* SEV API, 5.1 INIT; what INIT and INIT_EX have in common */
static u32 sev_init_platform(u32 flags, u64 tmr, u32 tmr_len)
{
	u32 status;

	/* With SNP on in the CPUs, the RMP has to be set up first. */
	if (cc_platform_has(CC_ATTR_HOST_SEV_SNP) && !snp_soft_fw.rmp)
		return SEV_RET_INVALID_PLATFORM_STATE;

	if (flags & SEV_INIT_FLAGS_SEV_ES) {
		status = sev_reserve_tmr(tmr, tmr_len);
		if (status)
			return status;
	}

	if (!snp_soft_fw.snp)
		snp_soft_fw_asids_dirty();

	snp_soft_fw.es = flags & SEV_INIT_FLAGS_SEV_ES;
	snp_soft_fw.sev = SEV_STATE_INIT;
	return SEV_RET_SUCCESS;
}

static u32 sev_init(struct snp_soft_call *c)
{
	struct sev_data_init *d = c->buf;

	if (snp_soft_fw.sev != SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->flags & ~SEV_INIT_FLAGS_SEV_ES || d->reserved)
		return SEV_RET_INVALID_CONFIG;

	return sev_init_platform(d->flags, d->tmr_address, d->tmr_len);
}

/* SEV API, 5.1.6 INIT_EX: the NV area stays as it is, there are no keys to keep */
static u32 sev_init_ex(struct snp_soft_call *c)
{
	struct sev_data_init_ex *d = c->buf;
	u32 status;

	if (snp_soft_fw.sev != SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->flags & ~SEV_INIT_FLAGS_SEV_ES || d->reserved)
		return SEV_RET_INVALID_CONFIG;
	if (d->length != sizeof(*d))
		return SEV_RET_INVALID_LEN;

	if (d->nv_address) {
		if (!PAGE_ALIGNED(d->nv_address))
			return SEV_RET_INVALID_ADDRESS;
		if (d->nv_len != SEV_NV_LEN)
			return SEV_RET_INVALID_LEN;
		status = snp_soft_fw_writable(d->nv_address, d->nv_len);
		if (status)
			return status;
	}

	return sev_init_platform(d->flags, d->tmr_address, d->tmr_len);
}

/* SEV API, 5.2 SHUTDOWN: allowed in every state, forgets all guests */
static u32 sev_shutdown(struct snp_soft_call *c)
{
	struct sev_guest *g;

	for (g = sev_guests; g < sev_guests + SEV_HANDLES; g++) {
		snp_soft_fw_asid_unbind(g->asid);
		memset(g, 0, sizeof(*g));
	}
	snp_soft_fw.sev_guests = 0;
	snp_soft_fw.es = false;
	snp_soft_fw.sev = SEV_STATE_UNINIT;
	return SEV_RET_SUCCESS;
}

static u32 sev_factory_reset(struct snp_soft_call *c)
{
	if (snp_soft_fw.sev != SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	return SEV_RET_SUCCESS;
}

static u32 sev_platform(struct snp_soft_call *c)
{
	struct sev_user_data_status *d = c->buf;

	memset(d, 0, sizeof(*d));
	d->api_major = SNP_SOFT_API_MAJOR;
	d->api_minor = SNP_SOFT_API_MINOR;
	d->build = SNP_SOFT_API_BUILD;
	d->state = snp_soft_fw.sev;
	d->flags = snp_soft_fw.es ? SEV_STATUS_FLAGS_CONFIG_ES : 0;
	d->guest_count = snp_soft_fw.sev_guests;
	return SEV_RET_SUCCESS;
}

static u32 sev_pek_gen(struct snp_soft_call *c)
{
	if (snp_soft_fw.sev != SEV_STATE_INIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	return SEV_RET_UNSUPPORTED;
}

static u32 sev_pdh_gen(struct snp_soft_call *c)
{
	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	return SEV_RET_UNSUPPORTED;
}

static u32 sev_pek_csr(struct snp_soft_call *c)
{
	struct sev_data_pek_csr *d = c->buf;

	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->len < SEV_CERT_LEN) {
		d->len = SEV_CERT_LEN;
		return SEV_RET_INVALID_LEN;
	}
	return snp_soft_fw_writable(d->address, d->len) ?: SEV_RET_UNSUPPORTED;
}

static u32 sev_pek_cert_import(struct snp_soft_call *c)
{
	struct sev_data_pek_cert_import *d = c->buf;

	if (snp_soft_fw.sev != SEV_STATE_INIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->pek_cert_len != SEV_CERT_LEN || d->oca_cert_len != SEV_CERT_LEN)
		return SEV_RET_INVALID_LEN;
	/* No certificate is about a PEK that does not exist. */
	return SEV_RET_INVALID_CERTIFICATE;
}

static u32 sev_pdh_cert_export(struct snp_soft_call *c)
{
	struct sev_data_pdh_cert_export *d = c->buf;

	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->pdh_cert_len < SEV_CERT_LEN || d->cert_chain_len < SEV_CERT_CHAIN_LEN) {
		d->pdh_cert_len = SEV_CERT_LEN;
		d->cert_chain_len = SEV_CERT_CHAIN_LEN;
		return SEV_RET_INVALID_LEN;
	}
	return snp_soft_fw_writable(d->pdh_cert_address, d->pdh_cert_len) ?:
	       snp_soft_fw_writable(d->cert_chain_address, d->cert_chain_len) ?:
	       SEV_RET_UNSUPPORTED;
}

static u32 sev_download_firmware(struct snp_soft_call *c)
{
	if (snp_soft_fw.sev != SEV_STATE_UNINIT || snp_soft_fw.snp)
		return SEV_RET_INVALID_PLATFORM_STATE;
	return SEV_RET_UNSUPPORTED;
}

static u32 sev_get_id(struct snp_soft_call *c)
{
	static const u8 id[SEV_ID_LEN] = "snp_soft: software platform, no chip ID";
	struct sev_data_get_id *d = c->buf;
	u32 status;

	if (d->len < sizeof(id)) {
		d->len = sizeof(id);
		return SEV_RET_INVALID_LEN;
	}

	status = snp_soft_fw_writable(d->address, d->len) ?:
		 snp_soft_fw_write(d->address, id, sizeof(id));
	if (!status)
		d->len = sizeof(id);
	return status;
}

/* ---- SEV guests ------------------------------------------------------------------- */

static struct sev_guest *sev_guest(struct snp_soft_call *c, u32 handle)
{
	struct sev_guest *g;

	c->id = handle;
	if (!handle || handle > SEV_HANDLES)
		return NULL;

	g = &sev_guests[handle - 1];
	if (g->state == GSTATE_UNINIT)
		return NULL;

	c->asid = g->asid;
	return g;
}

/* The checks that nearly every guest command starts with. */
static u32 sev_guest_get(struct snp_soft_call *c, u32 handle, struct sev_guest **g)
{
	if (snp_soft_fw.sev != SEV_STATE_WORKING)
		return SEV_RET_INVALID_PLATFORM_STATE;
	*g = sev_guest(c, handle);
	return *g ? SEV_RET_SUCCESS : SEV_RET_INVALID_GUEST;
}

static u32 sev_guest_in(struct snp_soft_call *c, u32 handle, enum sev_gstate state,
			struct sev_guest **g)
{
	u32 status = sev_guest_get(c, handle, g);

	if (!status && (*g)->state != state)
		status = SEV_RET_INVALID_GUEST_STATE;
	return status;
}

/* SEV API, 6.1 DECOMMISSION */
static u32 sev_decommission(struct snp_soft_call *c)
{
	struct sev_data_decommission *d = c->buf;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_get(c, d->handle, &g);
	if (status)
		return status;
	if (g->asid)
		return SEV_RET_ACTIVE;

	memset(g, 0, sizeof(*g));
	if (!--snp_soft_fw.sev_guests)
		snp_soft_fw.sev = SEV_STATE_INIT;
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.2 ACTIVATE */
static u32 sev_activate(struct snp_soft_call *c)
{
	struct sev_data_activate *d = c->buf;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_get(c, d->handle, &g);
	if (status)
		return status;
	c->asid = d->asid;
	if (g->state == GSTATE_SENT)
		return SEV_RET_INVALID_GUEST_STATE;

	status = snp_soft_fw_asid_bind(d->asid, g->policy & SEV_POLICY_ES, false, g->asid);
	if (status)
		return status;

	g->asid = d->asid;
	if (g->state == GSTATE_RUNNING || g->state == GSTATE_SUPDATE)
		snp_soft_fw_asid_run(g->asid);
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.3 DEACTIVATE */
static u32 sev_deactivate(struct snp_soft_call *c)
{
	struct sev_data_deactivate *d = c->buf;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_get(c, d->handle, &g);
	if (status)
		return status;
	if (!g->asid)
		return SEV_RET_INACTIVE;

	snp_soft_fw_asid_unbind(g->asid);
	g->asid = 0;
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.6 GUEST_STATUS: an unknown handle is no error but GSTATE.UNINIT */
static u32 sev_guest_status(struct snp_soft_call *c)
{
	struct sev_data_guest_status *d = c->buf;
	struct sev_guest *g;

	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;

	g = sev_guest(c, d->handle);
	d->state = g ? g->state : GSTATE_UNINIT;
	if (g) {
		d->policy = g->policy;
		d->asid = g->asid;
	}
	return SEV_RET_SUCCESS;
}

/* A new guest wants the memory key of an existing one: SEV API, 6.8 and 6.18 */
static u32 sev_share_key(struct snp_soft_call *c, u32 handle, u32 policy)
{
	struct sev_guest *g;

	if (!handle)
		return SEV_RET_SUCCESS;
	g = sev_guest(c, handle);
	if (!g)
		return SEV_RET_INVALID_GUEST;
	if (g->policy != policy || policy & SEV_POLICY_NOKS)
		return SEV_RET_POLICY_FAILURE;
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.8 LAUNCH_START */
static u32 sev_launch_start(struct snp_soft_call *c)
{
	struct sev_data_launch_start *d = c->buf;
	struct sev_guest *g;
	u32 status;

	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;

	if (d->dh_cert_address) {
		if (d->session_len != SEV_SESSION_LEN || d->dh_cert_len != SEV_CERT_LEN)
			return SEV_RET_INVALID_LEN;
		/* No PDH, so nobody can have made a session with it. */
		return SEV_RET_INVALID_CERTIFICATE;
	}

	status = sev_share_key(c, d->handle, d->policy);
	if (status)
		return status;

	for (g = sev_guests; g->state != GSTATE_UNINIT; )
		if (++g == sev_guests + SEV_HANDLES)
			return SEV_RET_RESOURCE_LIMIT;

	if (d->policy & SEV_POLICY_ES && !snp_soft_fw.es)
		return SEV_RET_UNSUPPORTED;

	g->policy = d->policy;
	g->state = GSTATE_LUPDATE;
	sha256_init(&g->sha);
	snp_soft_fw.sev_guests++;
	snp_soft_fw.sev = SEV_STATE_WORKING;
	d->handle = g - sev_guests + 1;
	c->id = d->handle;
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.9 LAUNCH_UPDATE_DATA, 6.10 LAUNCH_UPDATE_VMSA: same layout */
static u32 sev_launch_update(struct snp_soft_call *c, bool vmsa)
{
	struct sev_data_launch_update_data *d = c->buf;
	u64 addr = d->address;
	struct sev_guest *g;
	u32 status, left, n;

	status = sev_guest_in(c, d->handle, GSTATE_LUPDATE, &g);
	if (status)
		return status;
	if (vmsa && !(g->policy & SEV_POLICY_ES))
		return SEV_RET_UNSUPPORTED;
	if (!g->asid)
		return SEV_RET_INACTIVE;
	if (!IS_ALIGNED(addr, 16))
		return SEV_RET_INVALID_ADDRESS;
	if (!d->len || !IS_ALIGNED(d->len, 16))
		return SEV_RET_INVALID_LEN;
	status = snp_soft_fw_writable(addr, d->len);
	if (status)
		return status;

	for (left = d->len; left; left -= n, addr += n) {
		n = min_t(u32, left, PAGE_SIZE);
		status = snp_soft_fw_read(addr, snp_soft_fw.page, n);
		if (status)
			return status;
		sha256_update(&g->sha, snp_soft_fw.page, n);
	}
	return SEV_RET_SUCCESS;
}

static u32 sev_launch_update_data(struct snp_soft_call *c)
{
	return sev_launch_update(c, false);
}

static u32 sev_launch_update_vmsa(struct snp_soft_call *c)
{
	struct sev_data_launch_update_vmsa *d = c->buf;

	BUILD_BUG_ON(sizeof(*d) != sizeof(struct sev_data_launch_update_data));

	if (d->len != PAGE_SIZE)
		return SEV_RET_INVALID_LEN;
	return sev_launch_update(c, true);
}

/*
 * HMAC-SHA-256 with the guest's TIK, which is zero: without a session there is
 * no guest owner who could have sent one (SEV API, 2.2.1).
 */
static void sev_hmac_start(struct sha256_state *sha)
{
	u8 pad[SHA256_BLOCK_SIZE];

	memset(pad, 0x36, sizeof(pad));
	sha256_init(sha);
	sha256_update(sha, pad, sizeof(pad));
}

static void sev_hmac_end(struct sha256_state *sha, u8 mac[SHA256_DIGEST_SIZE])
{
	u8 pad[SHA256_BLOCK_SIZE];

	sha256_final(sha, mac);
	memset(pad, 0x5c, sizeof(pad));
	sha256_init(sha);
	sha256_update(sha, pad, sizeof(pad));
	sha256_update(sha, mac, SHA256_DIGEST_SIZE);
	sha256_final(sha, mac);
}

/* SEV API, 6.5.1 LAUNCH_MEASURE */
static u32 sev_launch_measure(struct snp_soft_call *c)
{
	static const u8 what[] = {
		SEV_MAC_MEASURE, SNP_SOFT_API_MAJOR, SNP_SOFT_API_MINOR, SNP_SOFT_API_BUILD,
	};
	struct sev_data_launch_measure *d = c->buf;
	struct {
		u8 mac[SHA256_DIGEST_SIZE];
		u8 nonce[SEV_NONCE_LEN];
	} m;
	struct sha256_state sha;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_in(c, d->handle, GSTATE_LUPDATE, &g);
	if (status)
		return status;
	if (d->len < sizeof(m)) {
		d->len = sizeof(m);
		return SEV_RET_INVALID_LEN;
	}
	status = snp_soft_fw_writable(d->address, d->len);
	if (status)
		return status;

	sha256_final(&g->sha, g->ld);
	get_random_bytes(m.nonce, sizeof(m.nonce));

	sev_hmac_start(&sha);
	sha256_update(&sha, what, sizeof(what));
	sha256_update(&sha, (u8 *)&g->policy, sizeof(g->policy));
	sha256_update(&sha, g->ld, sizeof(g->ld));
	sha256_update(&sha, m.nonce, sizeof(m.nonce));
	sev_hmac_end(&sha, m.mac);

	memcpy(g->measure, m.mac, sizeof(g->measure));
	g->state = GSTATE_LSECRET;
	d->len = sizeof(m);
	return snp_soft_fw_write(d->address, &m, sizeof(m));
}

/* SEV API, Table 55: packet header */
struct sev_packet_header {
	u32 flags;
	u8 iv[SEV_NONCE_LEN];
	u8 mac[SHA256_DIGEST_SIZE];
} __packed;

/* AES-128-CTR with the guest's TEK: zero, like its TIK. */
static void sev_crypt(u8 *data, u32 len, u8 iv[AES_BLOCK_SIZE])
{
	static const u8 tek[SEV_KEY_LEN];
	u8 stream[AES_BLOCK_SIZE];
	struct crypto_aes_ctx aes;

	aes_expandkey(&aes, tek, sizeof(tek));
	for (; len; len -= AES_BLOCK_SIZE, data += AES_BLOCK_SIZE) {
		aes_encrypt(&aes, stream, iv);
		crypto_xor(data, stream, AES_BLOCK_SIZE);
		crypto_inc(iv, AES_BLOCK_SIZE);
	}
	memzero_explicit(&aes, sizeof(aes));
}

/* SEV API, 6.12 LAUNCH_SECRET */
static u32 sev_launch_secret(struct snp_soft_call *c)
{
	struct sev_data_launch_secret *d = c->buf;
	struct sev_packet_header hdr;
	u8 mac[SHA256_DIGEST_SIZE];
	struct sha256_state sha;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_in(c, d->handle, GSTATE_LSECRET, &g);
	if (status)
		return status;
	if (!g->asid)
		return SEV_RET_INACTIVE;
	if (!IS_ALIGNED(d->guest_address, 16))
		return SEV_RET_INVALID_ADDRESS;
	if (d->hdr_len != sizeof(hdr) || !d->guest_len || d->guest_len > PAGE_SIZE ||
	    !IS_ALIGNED(d->guest_len, AES_BLOCK_SIZE) || d->guest_len != d->trans_len)
		return SEV_RET_INVALID_LEN;

	status = snp_soft_fw_writable(d->guest_address, d->guest_len) ?:
		 snp_soft_fw_read(d->hdr_address, &hdr, sizeof(hdr)) ?:
		 snp_soft_fw_read(d->trans_address, snp_soft_fw.page, d->trans_len);
	if (status)
		return status;

	sev_hmac_start(&sha);
	sha256_update(&sha, (const u8[]) { SEV_MAC_SECRET }, 1);
	sha256_update(&sha, (u8 *)&hdr.flags, sizeof(hdr.flags));
	sha256_update(&sha, hdr.iv, sizeof(hdr.iv));
	sha256_update(&sha, (u8 *)&d->guest_len, sizeof(d->guest_len));
	sha256_update(&sha, (u8 *)&d->trans_len, sizeof(d->trans_len));
	sha256_update(&sha, snp_soft_fw.page, d->trans_len);
	sha256_update(&sha, g->measure, sizeof(g->measure));
	sev_hmac_end(&sha, mac);
	if (crypto_memneq(mac, hdr.mac, sizeof(mac)))
		return SEV_RET_BAD_MEASUREMENT;
	if (hdr.flags)	/* compressed */
		return SEV_RET_UNSUPPORTED;

	sev_crypt(snp_soft_fw.page, d->trans_len, hdr.iv);
	return snp_soft_fw_write(d->guest_address, snp_soft_fw.page, d->trans_len);
}

/* SEV API, 6.13 LAUNCH_FINISH */
static u32 sev_launch_finish(struct snp_soft_call *c)
{
	struct sev_data_launch_finish *d = c->buf;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_in(c, d->handle, GSTATE_LSECRET, &g);
	if (status)
		return status;

	snp_soft_fw_asid_run(g->asid);
	g->state = GSTATE_RUNNING;
	return SEV_RET_SUCCESS;
}

/* SEV API, 6.8.1 ATTESTATION; the signature is absent and says so */
static u32 sev_attestation(struct snp_soft_call *c)
{
	struct sev_data_attestation_report *d = c->buf;
	struct {
		u8 mnonce[SEV_NONCE_LEN];
		u8 ld[SHA256_DIGEST_SIZE];
		u32 policy;
		u32 sig_usage;
		u32 sig_algo;
		u32 reserved;
		u8 sig[144];
	} __packed report = { .sig_usage = SEV_SIG_NONE };
	struct sev_guest *g;
	u32 status;

	status = sev_guest_get(c, d->handle, &g);
	if (status)
		return status;
	if (g->state == GSTATE_LUPDATE || g->state == GSTATE_RUPDATE)
		return SEV_RET_INVALID_GUEST_STATE;
	if (d->len < sizeof(report)) {
		d->len = sizeof(report);
		return SEV_RET_INVALID_LEN;
	}

	memcpy(report.mnonce, d->mnonce, sizeof(report.mnonce));
	memcpy(report.ld, g->ld, sizeof(report.ld));
	report.policy = g->policy;

	status = snp_soft_fw_writable(d->address, d->len) ?:
		 snp_soft_fw_write(d->address, &report, sizeof(report));
	if (!status)
		d->len = sizeof(report);
	return status;
}

/*
 * Migration between machines. The session needs certificates that the other
 * side can verify; there are none, so it never gets beyond START, and every
 * later step is refused by the guest's state.
 */
static u32 sev_send_start(struct snp_soft_call *c)
{
	struct sev_data_send_start *d = c->buf;
	struct sev_guest *g;
	u32 status;

	status = sev_guest_get(c, d->handle, &g);
	if (status)
		return status;
	if (d->session_len != SEV_SESSION_LEN) {
		d->session_len = SEV_SESSION_LEN;
		return SEV_RET_INVALID_LEN;
	}
	if (g->state != GSTATE_RUNNING)
		return SEV_RET_INVALID_GUEST_STATE;
	if (g->policy & SEV_POLICY_NOSEND)
		return SEV_RET_POLICY_FAILURE;
	if (d->pdh_cert_len != SEV_CERT_LEN)
		return SEV_RET_INVALID_LEN;
	return SEV_RET_INVALID_CERTIFICATE;
}

static u32 sev_receive_start(struct snp_soft_call *c)
{
	struct sev_data_receive_start *d = c->buf;

	if (snp_soft_fw.sev == SEV_STATE_UNINIT)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (d->session_len != SEV_SESSION_LEN || d->pdh_cert_len != SEV_CERT_LEN)
		return SEV_RET_INVALID_LEN;
	return SEV_RET_INVALID_CERTIFICATE;
}

/* SEND_UPDATE_*, SEND_FINISH, SEND_CANCEL: the handle comes first in all */
static u32 sev_send(struct snp_soft_call *c)
{
	struct sev_data_send_finish *d = c->buf;
	struct sev_guest *g;

	return sev_guest_in(c, d->handle, GSTATE_SUPDATE, &g) ?: SEV_RET_UNSUPPORTED;
}

/* RECEIVE_UPDATE_*, RECEIVE_FINISH */
static u32 sev_receive(struct snp_soft_call *c)
{
	struct sev_data_receive_finish *d = c->buf;
	struct sev_guest *g;

	return sev_guest_in(c, d->handle, GSTATE_RUPDATE, &g) ?: SEV_RET_UNSUPPORTED;
}

/* SEV API, 7.1 DBG_DECRYPT, 7.2 DBG_ENCRYPT: without keys both are copies */
static u32 sev_dbg(struct snp_soft_call *c)
{
	struct sev_data_dbg *d = c->buf;
	struct sev_guest *g;

	if (snp_soft_fw.sev != SEV_STATE_WORKING)
		return SEV_RET_INVALID_PLATFORM_STATE;
	if (!IS_ALIGNED(d->src_addr, 16) || !IS_ALIGNED(d->dst_addr, 16))
		return SEV_RET_INVALID_ADDRESS;
	if (!d->len || !IS_ALIGNED(d->len, 16))
		return SEV_RET_INVALID_LEN;
	g = sev_guest(c, d->handle);
	if (!g)
		return SEV_RET_INVALID_GUEST;
	if (g->policy & SEV_POLICY_NODBG)
		return SEV_RET_POLICY_FAILURE;
	if (!g->asid)
		return SEV_RET_INACTIVE;

	return snp_soft_fw_writable(d->dst_addr, d->len) ?:
	       snp_soft_fw_copy(d->dst_addr, d->src_addr, d->len);
}

/* ---- dispatch ------------------------------------------------------------------------ */

/* What the firmware does with the command buffer afterwards */
enum { CMD_IN, CMD_OUT, CMD_OUT_LEN };

struct snp_soft_cmd {
	const char *name;
	u32 (*run)(struct snp_soft_call *c);
	u8 len;
	u8 answer;	/* CMD_OUT_LEN: also with INVALID_LEN, to tell the length */
};

#define CMD(_name, _run, _len, _answer)					\
	[SEV_CMD_##_name] = {						\
		.name = #_name, .run = (_run), .len = (_len), .answer = (_answer), \
	}

static const struct snp_soft_cmd snp_soft_cmds[SEV_CMD_MAX] = {
	CMD(INIT, sev_init, sizeof(struct sev_data_init), CMD_IN),
	CMD(INIT_EX, sev_init_ex, sizeof(struct sev_data_init_ex), CMD_IN),
	CMD(SHUTDOWN, sev_shutdown, 0, CMD_IN),
	CMD(FACTORY_RESET, sev_factory_reset, 0, CMD_IN),
	CMD(PLATFORM_STATUS, sev_platform, sizeof(struct sev_user_data_status), CMD_OUT),
	CMD(PEK_GEN, sev_pek_gen, 0, CMD_IN),
	CMD(PEK_CSR, sev_pek_csr, sizeof(struct sev_data_pek_csr), CMD_OUT_LEN),
	CMD(PEK_CERT_IMPORT, sev_pek_cert_import, sizeof(struct sev_data_pek_cert_import),
	    CMD_IN),
	CMD(PDH_CERT_EXPORT, sev_pdh_cert_export, sizeof(struct sev_data_pdh_cert_export),
	    CMD_OUT_LEN),
	CMD(PDH_GEN, sev_pdh_gen, 0, CMD_IN),
	CMD(DF_FLUSH, df_flush, 0, CMD_IN),
	CMD(DOWNLOAD_FIRMWARE, sev_download_firmware, sizeof(struct sev_data_download_firmware),
	    CMD_IN),
	CMD(GET_ID, sev_get_id, sizeof(struct sev_data_get_id), CMD_OUT_LEN),

	CMD(DECOMMISSION, sev_decommission, sizeof(struct sev_data_decommission), CMD_IN),
	CMD(ACTIVATE, sev_activate, sizeof(struct sev_data_activate), CMD_IN),
	CMD(DEACTIVATE, sev_deactivate, sizeof(struct sev_data_deactivate), CMD_IN),
	CMD(GUEST_STATUS, sev_guest_status, sizeof(struct sev_data_guest_status), CMD_OUT),
	CMD(LAUNCH_START, sev_launch_start, sizeof(struct sev_data_launch_start), CMD_OUT),
	CMD(LAUNCH_UPDATE_DATA, sev_launch_update_data,
	    sizeof(struct sev_data_launch_update_data), CMD_IN),
	CMD(LAUNCH_UPDATE_VMSA, sev_launch_update_vmsa,
	    sizeof(struct sev_data_launch_update_vmsa), CMD_IN),
	CMD(LAUNCH_MEASURE, sev_launch_measure, sizeof(struct sev_data_launch_measure),
	    CMD_OUT_LEN),
	CMD(LAUNCH_UPDATE_SECRET, sev_launch_secret, sizeof(struct sev_data_launch_secret),
	    CMD_IN),
	CMD(LAUNCH_FINISH, sev_launch_finish, sizeof(struct sev_data_launch_finish), CMD_IN),
	CMD(ATTESTATION_REPORT, sev_attestation, sizeof(struct sev_data_attestation_report),
	    CMD_OUT_LEN),
	CMD(SEND_START, sev_send_start, sizeof(struct sev_data_send_start), CMD_OUT_LEN),
	CMD(SEND_UPDATE_DATA, sev_send, sizeof(struct sev_data_send_update_data), CMD_OUT_LEN),
	CMD(SEND_UPDATE_VMSA, sev_send, sizeof(struct sev_data_send_update_vmsa), CMD_OUT_LEN),
	CMD(SEND_FINISH, sev_send, sizeof(struct sev_data_send_finish), CMD_IN),
	CMD(SEND_CANCEL, sev_send, sizeof(struct sev_data_send_cancel), CMD_IN),
	CMD(RECEIVE_START, sev_receive_start, sizeof(struct sev_data_receive_start), CMD_OUT),
	CMD(RECEIVE_UPDATE_DATA, sev_receive, sizeof(struct sev_data_receive_update_data),
	    CMD_IN),
	CMD(RECEIVE_UPDATE_VMSA, sev_receive, sizeof(struct sev_data_receive_update_vmsa),
	    CMD_IN),
	CMD(RECEIVE_FINISH, sev_receive, sizeof(struct sev_data_receive_finish), CMD_IN),
	CMD(DBG_DECRYPT, sev_dbg, sizeof(struct sev_data_dbg), CMD_IN),
	CMD(DBG_ENCRYPT, sev_dbg, sizeof(struct sev_data_dbg), CMD_IN),

	CMD(SNP_INIT, snp_soft_snp_init, 0, CMD_IN),
	CMD(SNP_INIT_EX, snp_soft_snp_init_ex, sizeof(struct sev_data_snp_init_ex), CMD_IN),
	CMD(SNP_SHUTDOWN, snp_soft_snp_shutdown, 0, CMD_IN),
	CMD(SNP_SHUTDOWN_EX, snp_soft_snp_shutdown_ex, sizeof(struct sev_data_snp_shutdown_ex),
	    CMD_IN),
	CMD(SNP_PLATFORM_STATUS, snp_soft_snp_platform_status, sizeof(struct sev_data_snp_addr),
	    CMD_IN),
	CMD(SNP_DF_FLUSH, df_flush, 0, CMD_IN),
	CMD(SNP_CONFIG, snp_soft_snp_config, sizeof(struct sev_user_data_snp_config), CMD_IN),
	CMD(SNP_COMMIT, snp_soft_snp_commit, sizeof(struct sev_data_snp_commit), CMD_IN),
	CMD(SNP_VLEK_LOAD, snp_soft_snp_vlek_load, sizeof(struct sev_user_data_snp_vlek_load),
	    CMD_IN),
	CMD(SNP_DOWNLOAD_FIRMWARE_EX, sev_download_firmware, 0, CMD_IN),
	CMD(SNP_GCTX_CREATE, snp_soft_snp_gctx_create, sizeof(struct sev_data_snp_addr), CMD_IN),
	CMD(SNP_ACTIVATE, snp_soft_snp_activate, sizeof(struct sev_data_snp_activate), CMD_IN),
	CMD(SNP_DECOMMISSION, snp_soft_snp_decommission, sizeof(struct sev_data_snp_addr), CMD_IN),
	CMD(SNP_GUEST_STATUS, snp_soft_snp_guest_status, sizeof(struct sev_data_snp_guest_status),
	    CMD_IN),
	CMD(SNP_GUEST_REQUEST, snp_soft_snp_guest_request,
	    sizeof(struct sev_data_snp_guest_request), CMD_IN),
	CMD(SNP_LAUNCH_START, snp_soft_snp_launch_start, sizeof(struct sev_data_snp_launch_start),
	    CMD_IN),
	CMD(SNP_LAUNCH_UPDATE, snp_soft_snp_launch_update,
	    sizeof(struct sev_data_snp_launch_update), CMD_IN),
	CMD(SNP_LAUNCH_FINISH, snp_soft_snp_launch_finish,
	    sizeof(struct sev_data_snp_launch_finish), CMD_IN),
	CMD(SNP_DBG_DECRYPT, snp_soft_snp_dbg_decrypt, sizeof(struct sev_data_snp_dbg), CMD_IN),
	CMD(SNP_DBG_ENCRYPT, snp_soft_snp_dbg_encrypt, sizeof(struct sev_data_snp_dbg), CMD_IN),
	CMD(SNP_PAGE_RECLAIM, snp_soft_snp_page_reclaim, sizeof(struct sev_data_snp_page_reclaim),
	    CMD_IN),
	CMD(SNP_PAGE_UNSMASH, snp_soft_snp_page_unsmash, sizeof(struct sev_data_snp_page_unsmash),
	    CMD_IN),
};

/* A command that answers in its buffer hands the page back: Firmware -> Reclaim. */
static void snp_soft_fw_release(u64 addr)
{
	struct snp_soft_rmpe e;

	if (snp_soft_fw_page(addr, &e) != SNP_SOFT_PAGE_FIRMWARE)
		return;
	e.immutable = 0;
	snp_soft_rmp_set(PHYS_PFN(snp_soft_fw_pa(addr)), &e);
}

static u32 snp_soft_fw_execute(const struct snp_soft_cmd *cmd, struct snp_soft_call *c,
			       u64 buf_pa)
{
	u32 status;

	if (cmd->len) {
		status = snp_soft_fw_read(buf_pa, c->buf, cmd->len);
		if (status)
			return status;
	}
	if (cmd->answer == CMD_IN)
		return cmd->run(c);

	status = snp_soft_fw_writable(buf_pa, cmd->len);
	if (status)
		return status;

	status = cmd->run(c);
	if (!status || (status == SEV_RET_INVALID_LEN && cmd->answer == CMD_OUT_LEN))
		snp_soft_fw_write(buf_pa, c->buf, cmd->len);
	if (snp_soft_fw.snp)
		snp_soft_fw_release(buf_pa);
	return status;
}

/**
 * snp_soft_fw_command() - execute one firmware command
 * @id: command number (enum sev_cmd)
 * @buf_pa: system physical address of the command buffer, 0 = none
 *
 * Context: one at a time (sev_cmd_mutex, or alone in a panic); never sleeps.
 *
 * Return: status code of the SEV API or the SEV-SNP firmware ABI.
 * SEV_RET_INVALID_COMMAND for those the model does not know: COPY, SWAP_*,
 * ACTIVATE_EX, RING_BUFFER, SNP_PAGE_SWAP_*, SNP_PAGE_MOVE, SNP_PAGE_MD_INIT,
 * SNP_PAGE_SET_STATE, SNP_FEATURE_INFO; Linux 6.12 issues none of them.
 */
u32 snp_soft_fw_command(int id, u64 buf_pa)
{
	u64 buf[SNP_SOFT_CMD_MAX / sizeof(u64)] = {};
	struct snp_soft_call c = { .cmd = id, .buf = buf };
	const struct snp_soft_cmd *cmd = NULL;
	u32 status = SEV_RET_INVALID_COMMAND;

	if (id >= 0 && id < ARRAY_SIZE(snp_soft_cmds) && snp_soft_cmds[id].run)
		cmd = &snp_soft_cmds[id];
	if (cmd)
		status = snp_soft_fw_execute(cmd, &c, buf_pa);

	trace_snp_soft_fw_cmd(cmd ? cmd->name : "unknown", id, status, c.id, c.asid);
	return status;
}

/**
 * snp_soft_fw_init() - power on
 *
 * Context: process context, once, before the first command. May sleep.
 *
 * Return: 0, or the error with which no SHA-384 could be had.
 */
int __init snp_soft_fw_init(void)
{
	int id;

	for (id = 0; id < ARRAY_SIZE(snp_soft_cmds); id++)
		if (WARN_ON(snp_soft_cmds[id].len > SNP_SOFT_CMD_MAX))
			return -EINVAL;

	snp_soft_fw.reported_tcb = SNP_SOFT_TCB;
	return snp_soft_fw_snp_init();
}
