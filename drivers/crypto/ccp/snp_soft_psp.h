/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The software secure processor as the ccp driver sees it: one call that makes
 * the device appear, one that rings its doorbell. Both cost a static branch
 * where the platform is off.
 */
#ifndef __SNP_SOFT_PSP_H__
#define __SNP_SOFT_PSP_H__

#include <asm/snp_soft.h>

struct sev_device;

#ifdef CONFIG_SNP_SOFT

void __snp_soft_psp_init(void);
void __snp_soft_psp_doorbell(struct sev_device *sev);

static inline void snp_soft_psp_init(void)
{
	if (snp_soft_enabled())
		__snp_soft_psp_init();
}

static inline void snp_soft_psp_doorbell(struct sev_device *sev)
{
	if (snp_soft_enabled())
		__snp_soft_psp_doorbell(sev);
}

#else /* !CONFIG_SNP_SOFT */

static inline void snp_soft_psp_init(void) { }
static inline void snp_soft_psp_doorbell(struct sev_device *sev) { }

#endif /* CONFIG_SNP_SOFT */
#endif /* __SNP_SOFT_PSP_H__ */
