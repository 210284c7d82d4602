// SPDX-License-Identifier: GPL-2.0-only
// File: arch/x86/mm/rmp_fault.c
// Expect: X86_PF_RMP 1

@@
identifier f;
@@
 rmp_fault_verdict(const struct rmp_fault *f)
 {
 <...
-if (f->error_code != (X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP))
+if (f->error_code != (X86_PF_PROT | X86_PF_WRITE | X86_PF_RMP) &&
+    (f->error_code & ~X86_PF_RMP) != X86_PF_WRITE)
	return RMP_VERDICT_STOCK;
 ...>
 }
