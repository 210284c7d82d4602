// Hook: sev_handle_rmp_fault() in sev.c: who gives the guest its page back
//       after the host took it?
// Expect: snp_refault_page 1

@snp_refault_header@
@@
 #include "svm.h"
+#include "snp_refault.h"

@snp_refault_hook@
expression kvm, slot, gfn, pfn, order, ret, assigned, rmp_level;
@@
 sev_handle_rmp_fault(...)
 {
 <...
 ret = kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, &order);
 ...
 ret = snp_lookup_rmpentry(pfn, &assigned, &rmp_level);
+if (snp_refault_page(kvm, gfn, pfn, order))
+	goto out;
 ...>
 }

// Hook: sev_hardware_setup: C-bit and ASID ranges.
// Expect: snp_soft_cpuid 1

@@ @@
 #include <asm/sev.h>
+#include <asm/snp_soft.h>

@@
identifier eax, ebx, ecx, edx;
@@
 sev_hardware_setup(...)
 {
 ...
 cpuid(0x8000001f, &eax, &ebx, &ecx, &edx);
+	snp_soft_cpuid(0x8000001f, 0, &eax, &ebx, &ecx, &edx);
 ...
 }
