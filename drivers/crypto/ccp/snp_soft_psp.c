// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software secure processor: the device, not the firmware.
 *
 * The ccp driver talks to a PSP by a handful of 32-bit registers. On x86,
 * ioread32() and iowrite32() of ordinary memory are plain loads and stores, so
 * one zeroed page of RAM serves as the register page. It sits in a BAR-shaped
 * window at the offsets of a real part (sp-pci.c, pspv4), of which only that
 * page exists. A store to RAM wakes nobody; the driver's hook after the store
 * to the command register does, and the command runs to its end before the
 * hook returns.
 *
 * Invariant: when the doorbell returns, the command register holds the
 * response and, if the driver asked for an interrupt, its handler has run.
 * Called with sev_cmd_mutex held, or by the panic notifier with interrupts off.
 */
#define pr_fmt(fmt) "snp_soft: " fmt

#include <linux/bitfield.h>
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/irq.h>
#include <linux/platform_device.h>
#include <linux/psp.h>

#include "psp-dev.h"
#include "sev-dev.h"
#include "snp_soft_fw.h"
#include "snp_soft_psp.h"

#define SNP_SOFT_PSP_PAGE	0x10000		/* where in the BAR the page lies */

static const struct sev_vdata snp_soft_sev_vdata = {
	.cmdresp_reg		= 0x10980,	/* C2PMSG_32 */
	.cmdbuff_addr_lo_reg	= 0x109e0,	/* C2PMSG_56 */
	.cmdbuff_addr_hi_reg	= 0x109e4,	/* C2PMSG_57 */
};

static const struct psp_vdata snp_soft_psp_vdata = {
	.sev			= &snp_soft_sev_vdata,
	.feature_reg		= 0x109fc,	/* C2PMSG_63 */
	.inten_reg		= 0x10690,	/* P2CMSG_INTEN */
	.intsts_reg		= 0x10694,	/* P2CMSG_INTSTS */
};

static struct sp_dev_vdata snp_soft_sp_vdata = {
	.psp_vdata		= &snp_soft_psp_vdata,
};

static struct sp_device *snp_soft_sp;

static void snp_soft_set_master(struct sp_device *sp)
{
	snp_soft_sp = sp;
}

static struct sp_device *snp_soft_get_master(void)
{
	return snp_soft_sp;
}

static void snp_soft_clear_master(struct sp_device *sp)
{
	snp_soft_sp = NULL;
}

/* An interrupt that can be requested and that no hardware ever raises. */
static int __init snp_soft_irq(void)
{
	int irq = irq_alloc_desc(NUMA_NO_NODE);

	if (irq >= 0)
		irq_set_chip_and_handler(irq, &dummy_irq_chip, handle_simple_irq);
	return irq;
}

static int __init snp_soft_sp_add(struct device *dev, unsigned long regs, int irq)
{
	const union psp_cap_register capability = { .sev = 1 };
	struct sp_device *sp = sp_alloc_struct(dev);

	if (!sp)
		return -ENOMEM;

	sp->dev_vdata = &snp_soft_sp_vdata;
	sp->io_map = (void __iomem *)(regs - SNP_SOFT_PSP_PAGE);
	sp->psp_irq = irq;
	sp->get_psp_master_device = snp_soft_get_master;
	sp->set_psp_master_device = snp_soft_set_master;
	sp->clear_psp_master_device = snp_soft_clear_master;
	iowrite32(capability.raw, sp->io_map + snp_soft_psp_vdata.feature_reg);
	dev_set_drvdata(dev, sp);

	return sp_init(sp);
}

/**
 * __snp_soft_psp_init() - make the software secure processor appear
 *
 * Call before psp_pci_init(), which looks for the master PSP. On any failure
 * says so and leaves the machine without a PSP: KVM then runs without SEV.
 *
 * Context: process context, once, at init of the ccp driver. May sleep.
 */
void __init __snp_soft_psp_init(void)
{
	struct platform_device *pdev;
	unsigned long regs;
	int irq, ret;

	ret = snp_soft_fw_init();
	if (ret)
		goto err;

	ret = -ENOMEM;
	regs = get_zeroed_page(GFP_KERNEL);
	if (!regs)
		goto err;

	irq = snp_soft_irq();
	if (irq < 0) {
		ret = irq;
		goto err_page;
	}

	pdev = platform_device_register_simple("snp-soft-psp", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev)) {
		ret = PTR_ERR(pdev);
		goto err_irq;
	}

	ret = snp_soft_sp_add(&pdev->dev, regs, irq);
	if (!ret)
		return;

	platform_device_unregister(pdev);
err_irq:
	irq_free_desc(irq);
err_page:
	free_page(regs);
err:
	pr_err("no secure processor: error %d\n", ret);
}

/**
 * __snp_soft_psp_doorbell() - execute the command in the mailbox
 * @sev: the device whose command register has just been written
 *
 * Does nothing for another PSP than the software one.
 *
 * Context: sev_cmd_mutex held, or in a panic; never sleeps.
 */
void __snp_soft_psp_doorbell(struct sev_device *sev)
{
	void __iomem *regs = sev->io_regs;
	u32 reg, status;
	u64 buf;

	if (!snp_soft_sp || regs != snp_soft_sp->io_map)
		return;

	reg = ioread32(regs + sev->vdata->cmdresp_reg);
	buf = ioread32(regs + sev->vdata->cmdbuff_addr_lo_reg);
	buf |= (u64)ioread32(regs + sev->vdata->cmdbuff_addr_hi_reg) << 32;

	status = snp_soft_fw_command(FIELD_GET(SEV_CMDRESP_CMD, reg), buf);

	iowrite32(PSP_CMDRESP_RESP | FIELD_PREP(PSP_CMDRESP_STS, status),
		  regs + sev->vdata->cmdresp_reg);

	if (reg & SEV_CMDRESP_IOC)
		sev->psp->sev_irq_handler(snp_soft_sp->psp_irq, sev->psp->sev_irq_data,
					  SEV_CMD_COMPLETE);
}
