// Hook: adjust_direct_map() in sev.c: where are the accessors that work in a
//       fault handler? (a file of ours, included as the table is static here)
// Expect: rmp_repair 1
// Hook: rmpupdate() in sev.c: is the direct map ready for this entry?
// Expect: rmp_update_begin 1
// Hook: rmpupdate() in sev.c: who wants to know what RMPUPDATE said?
// Expect: rmp_updated 1
// Hook: psmash() in sev.c: may 4K entries appear below this mapping?
// Expect: rmp_psmash_split 1
// Hook: psmash() in sev.c: who wants to know what PSMASH said?
// Expect: rmp_psmashed 1
// Hook: snp_leak_pages() in sev.c: who wants to know that pages are lost?
// Expect: rmp_leaked 1

@rmp_fault_header@
@@
 #include <asm/iommu.h>
+#include <asm/rmp_count.h>
+#include <asm/rmp_fault.h>

@rmp_repair_file@
@@
 static int adjust_direct_map(...)
 {
 ...
 }
+
+#include "rmp_repair.c"

@rmp_update_hook@
typedef u64;
identifier pfn, state, ret, level;
@@
 static int rmpupdate(u64 pfn, struct rmp_state *state)
 {
 ...
-if (adjust_direct_map(pfn, level))
+if (rmp_update_begin(pfn, state))
	return -EFAULT;
 ...
+rmp_updated(pfn, state, ret);
 if (ret) {
 	pr_err(...);
	...
 }
 return 0;
 }

@rmp_psmash_hook@
typedef u64;
identifier pfn, ret;
@@
 int psmash(u64 pfn)
 {
 ...
 if (!pfn_valid(pfn))
	return -EINVAL;
+if (rmp_psmash_split(pfn))
+	return -ENOMEM;
 ...
+rmp_psmashed(pfn, ret);
 return ret;
 }

@rmp_leak_hook@
typedef u64;
identifier pfn, npages;
@@
 void snp_leak_pages(u64 pfn, unsigned int npages)
 {
 ...
 pr_warn(...);
+rmp_leaked(pfn, npages);
 ...
 }

// Hook: snp_probe_rmptable_info: where is the RMP? The two MSRs exist on SNP processors only.
// Expect: snp_soft_rmp_msrs 1

@@ @@
 #include <asm/sev.h>
+#include <asm/snp_soft.h>

@@
identifier rmp_base, rmp_end;
@@
 snp_probe_rmptable_info(...)
 {
 ...
 rdmsrl(MSR_AMD64_RMP_END, rmp_end);
+	snp_soft_rmp_msrs(&rmp_base, &rmp_end);
 ...
 if (rmp_base > rmp_end) { ... }
 ...
 }

// Hook: rmpupdate() in sev.c: which user mappings must learn of it?
// Expect: snp_soft_rmp_updated 1

@@
typedef u64;
identifier pfn, state;
@@
 static int rmpupdate(u64 pfn, struct rmp_state *state)
 {
 ...
+	snp_soft_rmp_updated(pfn, state);
 return 0;
 }
