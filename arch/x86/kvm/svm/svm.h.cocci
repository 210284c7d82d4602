// Hook: struct vcpu_svm: where does the platform keep what belongs to a vCPU?
// Expect: snp_soft_vcpu 1
// Expect: snp_soft_rip 1
// Expect: snp_soft_event 1

@@
@@
 struct vcpu_svm {
 ...
 bool guest_gif;
+struct snp_soft_vcpu *snp_soft;
+u64 snp_soft_rip;
+u32 snp_soft_event;
 };

// Hook: struct vcpu_svm: and what an in-place VM keeps for a vCPU?
// Expect: in_place 1
// Hook: struct vcpu_svm: since when does its page-state change last?
// Expect: psc_began 1

@@
@@
 struct vcpu_svm {
 ...
 bool guest_gif;
+struct snp_vcpu *in_place;
+u64 psc_began;
 ...
 };
