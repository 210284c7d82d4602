// SPDX-License-Identifier: GPL-2.0-only
/*
 * Software SNP platform: RMPUPDATE and PSMASH, executed by the kernel.
 *
 * Other processors raise #UD on them. A die notifier looks at the bytes, does
 * what the instruction does and steps over it; so every user of the instructions,
 * upstream's or ours, in whatever context, runs unchanged. User mode keeps its
 * #UD, which is what an SNP processor gives it as well (#GP there, APM vol. 3; no
 * program depends on it).
 *
 * Called from exc_invalid_op() with IRQs off, under rcu_read_lock().
 */
#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>

#include <asm/sev.h>
#include <asm/trapnr.h>

#include "snp_soft_parts.h"

#define INSN_LEN	4

static const u8 insn_rmpupdate[INSN_LEN] = { 0xf2, 0x0f, 0x01, 0xfe };
static const u8 insn_psmash[INSN_LEN] = { 0xf3, 0x0f, 0x01, 0xff };

/* APM vol. 3: OF, SF, ZF, AF and PF are set from the result in EAX. */
static unsigned long result_flags(unsigned long flags, u8 result)
{
	flags &= ~(X86_EFLAGS_OF | X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF |
		   X86_EFLAGS_PF);
	if (!result)
		flags |= X86_EFLAGS_ZF;
	if (!(hweight8(result) & 1))
		flags |= X86_EFLAGS_PF;

	return flags;
}

static int __kprobes snp_soft_ud(struct notifier_block *nb, unsigned long cmd, void *data)
{
	struct die_args *args = data;
	struct pt_regs *regs = args->regs;
	struct rmp_state state = { };
	u8 insn[INSN_LEN];
	bool update;
	int ret;

	if (cmd != DIE_TRAP || args->trapnr != X86_TRAP_UD || user_mode(regs) ||
	    copy_from_kernel_nofault(insn, (void *)regs->ip, INSN_LEN))
		return NOTIFY_DONE;

	update = !memcmp(insn, insn_rmpupdate, INSN_LEN);
	if (!update && memcmp(insn, insn_psmash, INSN_LEN))
		return NOTIFY_DONE;

	/* Not readable: silicon raises #PF; the #UD will stop the kernel as well. */
	if (update && copy_from_kernel_nofault(&state, (void *)regs->cx, sizeof(state)))
		return NOTIFY_DONE;

	/*
	 * Where the instruction stood with IRQs on, other CPUs can be told to flush.
	 */
	if (regs->flags & X86_EFLAGS_IF)
		local_irq_enable();
	ret = update ? snp_soft_rmpupdate(regs->ax, &state) : snp_soft_psmash(regs->ax);
	if (regs->flags & X86_EFLAGS_IF)
		local_irq_disable();

	regs->ax = ret;
	regs->flags = result_flags(regs->flags, ret);
	regs->ip += INSN_LEN;
	return NOTIFY_STOP;
}

static struct notifier_block snp_soft_ud_nb = {
	.notifier_call = snp_soft_ud,
	.priority = INT_MAX,
};

int __init snp_soft_insn_init(void)
{
	return register_die_notifier(&snp_soft_ud_nb);
}
