// Hook: svm_enable_virtualization_cpu: how many ASIDs are there?
// Expect: snp_soft_nr_asids 1

@ include @
@@
 #include "svm_ops.h"
+#include <asm/snp_soft.h>

@ asids @
expression sd;
@@
 svm_enable_virtualization_cpu(...)
 {
 ...
-sd->max_asid = cpuid_ebx(SVM_CPUID_FUNC) - 1;
+sd->max_asid = snp_soft_nr_asids(cpuid_ebx(SVM_CPUID_FUNC)) - 1;
 ...
 }
