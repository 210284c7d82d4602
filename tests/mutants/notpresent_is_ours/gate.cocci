// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the handler treats !PRESENT faults as its own
// File: arch/x86/include/asm/rmp_fault.h
// Test: rmp_fault_test
// Caught: not ok .*notpresent: a !PRESENT fault is not ours
// Limit: 60
// Expect: X86_PF_PROT 2
//
// Nothing maps the address, so it retries: a broken direct map never oopses, or
// late.

@@
identifier regs, error_code, address;
@@
 rmp_fault_kernel(struct pt_regs *regs, unsigned long error_code, unsigned long address)
 {
-if (likely(!(error_code & X86_PF_RMP)))
+if (likely((error_code & (X86_PF_RMP | X86_PF_PROT)) == X86_PF_PROT))
	return false;
 ...
 }
