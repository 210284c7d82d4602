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
// Hook: svm_x86_ops: who moves a SEV guest from another VM?
// Expect: snp_vm_move_enc_context_from 1
// Hook: svm_vcpu_create: does lockdep know the lock order yet?
// Expect: snp_prime_lock_order 1
// Hook: npf_interception: is this page in the state in which the guest uses it?
// Expect: snp_npf 1
// Hook: svm_vm_destroy: the VM ends, and its private pages?
// Expect: snp_vm_destroy 1
// Hook: svm_vcpu_free: what did an in-place VM keep for the vCPU?
// Expect: snp_vcpu_free 1
// Hook: svm_x86_ops: who guards KVM's maps of guest memory, who knows in-place VMs?
// Expect: snp_post_map_gfn 1
// Expect: snp_post_unmap_gfn 1
// Expect: SNP_IN_PLACE_OPS 1
// Hook: svm_init, __svm_exit: the module comes and goes, and with it its debugfs?
// Expect: snp_in_place_init 1
// Expect: snp_in_place_exit 1

@ include @
@@
 #include "svm_ops.h"
+#include "snp_soft_run.h"
+#include "snp_migrate.h"
+#include "snp_lock_order.h"
+#include "snp_in_place.h"

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
+snp_vcpu_free(vcpu);
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

@ move @
@@
 struct kvm_x86_ops svm_x86_ops = {
-.vm_move_enc_context_from = sev_vm_move_enc_context_from,
+.vm_move_enc_context_from = snp_vm_move_enc_context_from,
 };

@ prime @
@@
 svm_vcpu_create(struct kvm_vcpu *vcpu)
 {
 ...
 svm = to_svm(vcpu);
+snp_prime_lock_order(vcpu);
 ...
 }
@ npf @
expression vcpu, address, code;
identifier rc;
@@
 npf_interception(...)
 {
 ...
 trace_kvm_page_fault(vcpu, address, code);
+rc = snp_npf(vcpu, address, code);
+if (rc)
+	return rc;
 rc = kvm_mmu_page_fault(...);
 ...
 }

@ destroy @
@@
 svm_vm_destroy(...)
 {
 avic_vm_destroy(kvm);
+snp_vm_destroy(kvm);
 sev_vm_destroy(kvm);
 ...
 }

@ ops @
identifier svm_x86_ops;
@@
 struct kvm_x86_ops svm_x86_ops = {
 	.private_max_mapping_level = sev_private_max_mapping_level,
+	.post_map_gfn = snp_post_map_gfn,
+	.post_unmap_gfn = snp_post_unmap_gfn,
+	.in_place = SNP_IN_PLACE_OPS,
 };

@ load @
expression r;
@@
 svm_init(...)
 {
 ...
+snp_in_place_init();
 r = kvm_init(...);
 ...
 }

@ unload @
@@
 __svm_exit(...)
 {
 kvm_x86_vendor_exit();
+snp_in_place_exit();
 ...
 }
