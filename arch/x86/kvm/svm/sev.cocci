// Hook: sev.c: what is said about a guest's wrong request goes to the trace, not to the log
// Expect: snp_guest_error 18
// Hook: sev_es_validate_vmgexit() in sev.c: may a bad request dump the GHCB?
// Expect: snp_guest_may_dump 1
// Hook: sev_handle_vmgexit() in sev.c: what does a guest get whose GHCB is not registered?
// Hook: sev_es_string_io() in sev.c: what for a count that can't be?
// Expect: snp_ghcb_refuse 3
// Hook: sev_handle_vmgexit_msr_protocol() in sev.c: may this page be a GHCB?
// Expect: snp_ghcb_register 1
// Hook: sev_handle_vmgexit() in sev.c: whose fault is a failed guest request?
// Expect: snp_guest_req_answer 2
// Hook: snp_begin_psc() in sev.c: are header and entry as defined? (And a half-done
//       2M entry is no part of a batch: its pages end before its neighbour begins.)
// Expect: snp_psc_hdr_bad 1
// Expect: snp_psc_entry_bad 2
// Hook: snp_begin_psc(), snp_begin_psc_msr() in sev.c: does a vCPU run on these pages?
// Expect: snp_psc_hits_vmsa 2
// Hook: sev_snp_ap_creation() in sev.c: can this page be a VMSA?
// Expect: snp_vmsa_gpa_bad 1
// Hook: sev_snp_reload_vmsa() in sev.c: is the page another vCPU's VMSA?
// Expect: snp_vmsa_claim 1
// Hook: sev_snp_init_protected_guest_state(), sev_free_vcpu() in sev.c: the vCPU leaves its VMSA
// Expect: snp_vmsa_release 2
// Hook: sev_gmem_invalidate() in sev.c: is a vCPU still on these pages?
// Expect: snp_vmsa_retire 1
// Hook: sev.c: whose mirror is this VM? Who moves one asks the same lock.
// Expect: snp_mirror_lock 1
// Hook: sev_issue_cmd() in sev.c: by whose descriptor does a guest that has moved ask
//       firmware?
// Expect: snp_issue_cmd 1

@snp_ghcb_header@
@@
 #include "trace.h"
+#include "snp_ghcb.h"

@guest_error_unimpl@
expression who;
expression list why;
@@
-vcpu_unimpl(who, why);
+snp_guest_error(who, why);

@guest_error_scratch@
expression list why;
identifier svm;
@@
 setup_vmgexit_scratch(struct vcpu_svm *svm, ...)
 {
 <...
-pr_err(why);
+snp_guest_error(&svm->vcpu, why);
 ...>
 }

@guest_error_jump_table@
expression list why;
@@
 sev_handle_vmgexit(struct kvm_vcpu *vcpu)
 {
 <...
-pr_err(why);
+snp_guest_error(vcpu, why);
 ...>
 }

@ghcb_dump_hook@
expression who;
@@
 sev_es_validate_vmgexit(...)
 {
 <...
-dump_ghcb(who);
+if (snp_guest_may_dump(dump_invalid_vmcb))
+	dump_ghcb(who);
 ...>
 }

@ghcb_not_registered_hook@
expression vm, gpa;
identifier svm;
@@
 sev_handle_vmgexit(...)
 {
 <...
 if (sev_snp_guest(vm) && !ghcb_gpa_is_registered(svm, gpa)) {
 ...
-return -EINVAL;
+return snp_ghcb_refuse(svm, GHCB_ERR_NOT_REGISTERED);
 }
 ...>
 }

@ghcb_string_io_hook@
identifier svm;
@@
 sev_es_string_io(struct vcpu_svm *svm, ...)
 {
 <...
-return -EINVAL;
+return snp_ghcb_refuse(svm, GHCB_ERR_INVALID_INPUT);
 ...>
 }

@ghcb_register_hook@
expression gfn;
identifier svm;
@@
 sev_handle_vmgexit_msr_protocol(...)
 {
 <...
-svm->sev_es.ghcb_registered_gpa = gfn_to_gpa(gfn);
+gfn = snp_ghcb_register(vcpu, gfn);
+svm->sev_es.ghcb_registered_gpa = gfn_to_gpa(gfn);
 ...>
 }

@guest_req_hook@
expression ret, vm, req, resp;
identifier handle = { snp_handle_guest_req, snp_handle_ext_guest_req };
@@
 sev_handle_vmgexit(...)
 {
 <...
-ret = handle(vm, req, resp);
+ret = snp_guest_req_answer(vm, handle(vm, req, resp));
 ...>
 }

@psc_header_hook@
expression end, max;
@@
 snp_begin_psc(...)
 {
 <...
-if (end >= max) {
+if (end >= max || snp_psc_hdr_bad(READ_ONCE(guest_psc->hdr.reserved))) {
 snp_complete_psc(...);
 return 1;
 }
 ...>
 }

@psc_entry_hook@
identifier start, npages, gfn;
@@
 snp_begin_psc(...)
 {
 <...
-if (start.cur_page > npages || !IS_ALIGNED(gfn, npages)) {
+if (start.cur_page > npages || !IS_ALIGNED(gfn, npages) || snp_psc_entry_bad(start)) {
 snp_complete_psc(...);
 return 1;
 }
 ...>
 }

@psc_batch_hook@
identifier start, entry;
expression a, b, huge;
@@
 snp_begin_psc(...)
 {
 <...
-if (entry.operation != start.operation || a != b || entry.cur_page || !!entry.pagesize != huge)
+if (entry.operation != start.operation || a != b || entry.cur_page || !!entry.pagesize != huge ||
+    start.cur_page || snp_psc_entry_bad(entry))
	break;
 ...>
 }

@psc_vmsa_hook@
identifier idx;
expression end;
statement S;
@@
 snp_begin_psc(struct vcpu_svm *svm)
 {
 <...
 while (++idx <= end) S
+if (snp_psc_hits_vmsa(vcpu, entry_start.operation, gfn, npages)) {
+	snp_complete_psc(svm, VMGEXIT_PSC_ERROR_GENERIC);
+	return 1;
+}
 ...>
 }

@psc_msr_vmsa_hook@
identifier op;
expression P, S;
@@
 snp_begin_psc_msr(...)
 {
 <...
-if (op != P && op != S) {
+if ((op != P && op != S) || snp_psc_hits_vmsa(vcpu, op, gpa_to_gfn(gpa), 1)) {
 ...
 }
 ...>
 }

@ap_creation_hook@
expression who, gpa;
@@
 sev_snp_ap_creation(...)
 {
 <...
-if (!page_address_valid(who, gpa)) {
+if (!page_address_valid(who, gpa) || snp_vmsa_gpa_bad(who, gpa)) {
 ...
 }
 ...>
 }

@vmsa_claim_hook@
expression kvm, slot, gfn, pfn;
@@
 sev_snp_reload_vmsa(...)
 {
 ...
 if (kvm_gmem_get_pfn(kvm, slot, gfn, &pfn, NULL))
	return;
+if (!snp_vmsa_claim(vcpu, pfn))
+	return;
 ...
 }

@vmsa_leave_hook@
identifier svm;
@@
 sev_snp_init_protected_guest_state(struct kvm_vcpu *vcpu)
 {
 ...
+snp_vmsa_release(vcpu);
 svm->sev_es.snp_ap_waiting_for_reset = false;
 ...
 }

@vmsa_free_hook@
identifier svm;
@@
 sev_free_vcpu(struct kvm_vcpu *vcpu)
 {
 ...
 svm = to_svm(vcpu);
+snp_vmsa_release(vcpu);
 ...
 }

@vmsa_retire_hook@
identifier pfn, huge;
expression rc, start, end;
@@
 sev_gmem_invalidate(...)
 {
 <...
+snp_vmsa_retire(pfn, huge ? PTRS_PER_PMD : 1);
 rc = rmp_make_shared(pfn, huge ? PG_LEVEL_2M : PG_LEVEL_4K);
 ...>
 }

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

@snp_migrate_header@
@@
 #include "snp_ghcb.h"
+#include "snp_migrate.h"

@issue_cmd_hook@
expression list args;
@@
 sev_issue_cmd(...)
 {
 ...
-return __sev_issue_cmd(args);
+return snp_issue_cmd(args);
 }

@mirror_lock_hook@
declarer name DEFINE_MUTEX;
@@
 static DEFINE_MUTEX(sev_mirror_lock);
+struct mutex *const snp_mirror_lock = &sev_mirror_lock;
// Hook: sev_handle_vmgexit(), sev_handle_vmgexit_msr_protocol(): who wants to know
//       that a page-state change begins?
// Expect: snp_psc_begin 2
// Hook: snp_complete_psc(), snp_complete_psc_msr(), snp_begin_psc_msr(): and that it ends?
// Expect: snp_psc_end 5

@snp_trace_header@
@@
 #include "snp_ghcb.h"
+#include "snp_trace.h"

@psc_begin_msr_hook@
expression ret, msr;
@@
 sev_handle_vmgexit_msr_protocol(...)
 {
 <...
+snp_psc_begin(svm, false);
 ret = snp_begin_psc_msr(svm, msr);
 ...>
 }

@psc_begin_hook@
expression ret;
@@
 sev_handle_vmgexit(...)
 {
 <...
+snp_psc_begin(svm, true);
 ret = snp_begin_psc(svm);
 ...>
 }

@psc_end_hook@
identifier result;
@@
 snp_complete_psc(struct vcpu_svm *svm, u64 result)
 {
 ...
+snp_psc_end(svm, true, result);
 ghcb_set_sw_exit_info_2(...);
 }

@psc_end_msr_hook@
identifier fn = { snp_complete_psc_msr, snp_begin_psc_msr };
expression answer;
@@
 fn(...)
 {
 <...
 set_ghcb_msr(svm, answer);
+snp_psc_end(svm, false, answer);
 ...>
 }

// Hook: snp_begin_psc_msr(), snp_begin_psc(): does the kernel change the state
//       itself?
// Expect: snp_psc_msr 1
// Expect: snp_psc_nae 1
// Hook: snp_launch_update(): where does the initial image lie?
// Expect: snp_launch_update_in_place 1
// Hook: sev_snp_reload_vmsa(): which page is the guest's VMSA, and which was it?
// Expect: snp_vmsa_pfn 1
// Expect: snp_vcpu_reload 1
// Hook: sev_handle_vmgexit(), sev_vcpu_deliver_sipi_vector(): does a vCPU in the AP
//       hold loop need its GHCB?
// Expect: snp_park_ghcb 1
// Expect: snp_unpark_ghcb 1

@snp_in_place_header@
@@
 #include "svm.h"
+#include "snp_in_place.h"

@snp_psc_msr_hook@
expression ret;
@@
 sev_handle_vmgexit_msr_protocol(...)
 {
 <...
+if (kvm_in_place(vcpu->kvm)) {
+	ret = snp_psc_msr(svm);
+	break;
+}
 ret = snp_begin_psc_msr(...);
 ...>
 }

@snp_psc_nae_hook@
expression ret;
@@
 sev_handle_vmgexit(...)
 {
 <...
+if (kvm_in_place(vcpu->kvm)) {
+	ret = snp_psc_nae(svm);
+	break;
+}
 ret = snp_begin_psc(svm);
 ...>
 }

@snp_launch_hook@
identifier memslot, params;
@@
 snp_launch_update(...)
 {
 ...
 memslot = gfn_to_memslot(kvm, params.gfn_start);
+if (kvm_in_place(kvm)) {
+	ret = snp_launch_update_in_place(kvm, argp, &params);
+	goto out;
+}
 ...
 }

@snp_vmsa_hook@
expression slot, gfn, pfn;
@@
 sev_snp_reload_vmsa(...)
 {
 ...
 vmcb_mark_all_dirty(svm->vmcb);
+snp_vcpu_reload(vcpu);
 ...
-if (kvm_gmem_get_pfn(vcpu->kvm, slot, gfn, pfn, NULL))
+if (snp_vmsa_pfn(vcpu, slot, gfn, pfn))
 return;
 ...
 }

@snp_park_hook@
expression ret;
@@
 sev_handle_vmgexit(...)
 {
 <...
 ret = kvm_emulate_ap_reset_hold(vcpu);
+snp_park_ghcb(svm);
 ...>
 }

@snp_unpark_hook@
@@
 sev_vcpu_deliver_sipi_vector(...)
 {
 <...
-ghcb_set_sw_exit_info_2(svm->sev_es.ghcb, 1);
+if (snp_unpark_ghcb(svm))
+	ghcb_set_sw_exit_info_2(svm->sev_es.ghcb, 1);
 ...>
 }
