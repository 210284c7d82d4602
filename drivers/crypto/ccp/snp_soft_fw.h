/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware model, inside: what snp_soft_fw.c (platform, SEV and SEV-ES
 * guests) and snp_soft_fw_snp.c (SNP guests and page states) share.
 */
#ifndef __SNP_SOFT_FW_H__
#define __SNP_SOFT_FW_H__

#include <linux/bits.h>
#include <linux/mm.h>
#include <linux/psp-sev.h>
#include <crypto/sha2.h>

#include <asm/snp_soft.h>

#define SNP_SOFT_API_MAJOR	1
#define SNP_SOFT_API_MINOR	55
#define SNP_SOFT_API_BUILD	21

/* Security version of the model's parts: SEV-SNP firmware ABI 3.2, TCB_VERSION */
#define SNP_SOFT_TCB		0xd516000000000004ULL

/* No command buffer is longer. */
#define SNP_SOFT_CMD_MAX	128

/**
 * struct snp_soft_call - one command being executed
 * @cmd: command number
 * @buf: the firmware's own copy of the command buffer, written back after
 *	 commands that answer in it
 * @id:	 what the trace shows: handle, context or page address
 * @asid: what the trace shows
 */
struct snp_soft_call {
	int cmd;
	void *buf;
	u64 id;
	u32 asid;
};

/*
 * Life of an ASID, SEV API "ASID lifecycle": after INIT every ASID is dirty.
 * (DF_FLUSH) -> clean -> (ACTIVATE) -> allocated -> (LAUNCH_FINISH) -> in use
 * -> (DEACTIVATE) -> dirty; an allocated one that never ran stays clean.
 */
enum snp_soft_asid_state {
	SNP_SOFT_ASID_DIRTY,
	SNP_SOFT_ASID_CLEAN,
	SNP_SOFT_ASID_ALLOCATED,
	SNP_SOFT_ASID_IN_USE,
};

struct snp_soft_asid {
	u8 state;
	bool snp;
};

/* SEV-SNP firmware ABI, 5.2 Page States */
enum snp_soft_page_state {
	SNP_SOFT_PAGE_INVALID,
	SNP_SOFT_PAGE_DEFAULT,		/* not covered by the RMP */
	SNP_SOFT_PAGE_HYPERVISOR,
	SNP_SOFT_PAGE_HV_FIXED,
	SNP_SOFT_PAGE_RECLAIM,
	SNP_SOFT_PAGE_FIRMWARE,
	SNP_SOFT_PAGE_CONTEXT,
	SNP_SOFT_PAGE_METADATA,
	SNP_SOFT_PAGE_PRE_GUEST,
	SNP_SOFT_PAGE_PRE_SWAP,
	SNP_SOFT_PAGE_GUEST_INVALID,
	SNP_SOFT_PAGE_GUEST_VALID,
};

/**
 * struct snp_soft_fw - the state that the firmware keeps in its own memory
 * @sev: PSTATE of SEV: UNINIT, INIT, WORKING
 * @snp: SNP is in its INIT state
 * @rmp: the RMP has been initialised since the last full shutdown
 * @es: INIT was told to provide for SEV-ES
 * @sev_guests: guests with a handle
 * @snp_guests: guests launched and not yet decommissioned
 * @reported_tcb: SNP_CONFIG
 * @mask_chip_id: SNP_CONFIG
 * @mask_chip_key: SNP_CONFIG
 * @asid: by number; readable without a lock, written under sev_cmd_mutex
 * @page: a page to work in
 */
struct snp_soft_fw {
	enum sev_state sev;
	bool snp;
	bool rmp;
	bool es;
	u32 sev_guests;
	u32 snp_guests;
	u64 reported_tcb;
	bool mask_chip_id;
	bool mask_chip_key;
	struct snp_soft_asid asid[SNP_SOFT_NR_ASIDS + 1];
	u8 page[PAGE_SIZE];
};

extern struct snp_soft_fw snp_soft_fw;

int snp_soft_fw_init(void);
u32 snp_soft_fw_command(int cmd, u64 buf_pa);

/* Memory as the firmware sees it: system physical addresses, C-bit ignored. */
static inline u64 snp_soft_fw_pa(u64 addr)
{
	return addr & ~SNP_SOFT_C_MASK;
}

bool snp_soft_fw_ram(u64 pa, u64 len);
u32 snp_soft_fw_read(u64 addr, void *dst, size_t len);
u32 snp_soft_fw_write(u64 addr, const void *src, size_t len);
u32 snp_soft_fw_copy(u64 dst, u64 src, size_t len);

enum snp_soft_page_state snp_soft_fw_page(u64 addr, struct snp_soft_rmpe *e);
u32 snp_soft_fw_writable(u64 addr, u64 len);

u32 snp_soft_fw_asid_bind(u32 asid, bool es, bool snp, bool bound);
void snp_soft_fw_asid_run(u32 asid);
void snp_soft_fw_asid_unbind(u32 asid);
void snp_soft_fw_asids_dirty(void);

/* snp_soft_fw_snp.c */
int snp_soft_fw_snp_init(void);
u32 snp_soft_snp_init(struct snp_soft_call *c);
u32 snp_soft_snp_init_ex(struct snp_soft_call *c);
u32 snp_soft_snp_shutdown(struct snp_soft_call *c);
u32 snp_soft_snp_shutdown_ex(struct snp_soft_call *c);
u32 snp_soft_snp_platform_status(struct snp_soft_call *c);
u32 snp_soft_snp_config(struct snp_soft_call *c);
u32 snp_soft_snp_commit(struct snp_soft_call *c);
u32 snp_soft_snp_vlek_load(struct snp_soft_call *c);
u32 snp_soft_snp_gctx_create(struct snp_soft_call *c);
u32 snp_soft_snp_activate(struct snp_soft_call *c);
u32 snp_soft_snp_decommission(struct snp_soft_call *c);
u32 snp_soft_snp_guest_status(struct snp_soft_call *c);
u32 snp_soft_snp_guest_request(struct snp_soft_call *c);
u32 snp_soft_snp_launch_start(struct snp_soft_call *c);
u32 snp_soft_snp_launch_update(struct snp_soft_call *c);
u32 snp_soft_snp_launch_finish(struct snp_soft_call *c);
u32 snp_soft_snp_dbg_decrypt(struct snp_soft_call *c);
u32 snp_soft_snp_dbg_encrypt(struct snp_soft_call *c);
u32 snp_soft_snp_page_reclaim(struct snp_soft_call *c);
u32 snp_soft_snp_page_unsmash(struct snp_soft_call *c);

#endif /* __SNP_SOFT_FW_H__ */
