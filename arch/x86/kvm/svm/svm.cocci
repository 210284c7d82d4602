// Hook: svm_vcpu_pre_run: may this vCPU enter the guest? SEV vCPUs need their hardware VMCB first.
// Expect: snp_soft_vcpu_prepare 1
// Hook: svm_vcpu_free: the vCPU is gone, so is its hardware VMCB.
// Expect: snp_soft_vcpu_free 1
// Hook: svm_vcpu_enter_exit: does the CPU swap the VMSA by itself? Not on the software platform.
// Expect: snp_soft_enabled 1
// Hook: svm_vcpu_run: is this exit one that silicon would take, or does it stay in the guest?
// Expect: snp_soft_vmrun_begin 1
// Expect: snp_soft_vmrun_end 1
// Hook: svm_enable_virtualization_cpu: how many ASIDs are there?
// Expect: snp_soft_nr_asids 1

@ include @
@@
 #include "svm_ops.h"
+#include "snp_soft_run.h"

@ pre_run @
@@
 svm_vcpu_pre_run(...)
 {
 ...
-return 1;
+return snp_soft_vcpu_prepare(vcpu);
 }

@ free @
@@
 svm_vcpu_free(...)
 {
 ...
 sev_free_vcpu(vcpu);
+snp_soft_vcpu_free(vcpu);
 ...
 }

@ swap @
@@
 svm_vcpu_enter_exit(...)
 {
 ...
-if (sev_es_guest(vcpu->kvm))
+if (sev_es_guest(vcpu->kvm) && !snp_soft_enabled())
 __svm_sev_es_vcpu_run(...);
 else
 __svm_vcpu_run(...);
 ...
 }

@ run @
expression E;
@@
 svm_vcpu_run(...)
 {
 ...
-svm_vcpu_enter_exit(vcpu, E);
+do {
+	if (snp_soft_vmrun_begin(vcpu))
+		svm_vcpu_enter_exit(vcpu, E);
+} while (snp_soft_vmrun_end(vcpu));
 ...
 }

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
