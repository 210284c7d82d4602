// Hook: do_host_cpuid: what does the processor say in this leaf?
// Expect: snp_soft_cpuid 1
// Hook: do_host_cpuid: which is the processor's last extended leaf?
// Expect: snp_soft_cpuid_max 1

@@ @@
 #include <asm/sgx.h>
+#include <asm/snp_soft.h>

@@
struct kvm_cpuid_entry2 *entry;
@@
 cpuid_count(entry->function, entry->index,
	     &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);
+	snp_soft_cpuid(entry->function, entry->index,
+		       &entry->eax, &entry->ebx, &entry->ecx, &entry->edx);

@@ @@
 do_host_cpuid(...)
 {
 <...
-cpuid_eax(0x80000000)
+snp_soft_cpuid_max(cpuid_eax(0x80000000))
 ...>
 }
