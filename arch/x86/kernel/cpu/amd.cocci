// Hook: early_detect_mem_encrypt: has firmware enabled memory encryption, or must SEV go?
// Expect: snp_soft_detect 1

@@ @@
 #include <asm/sev.h>
+#include <asm/snp_soft.h>

@@
identifier c, msr;
@@
 early_detect_mem_encrypt(struct cpuinfo_x86 *c)
 {
 u64 msr;
+
+	if (snp_soft_detect(c))
+		return;
 ...
 }
