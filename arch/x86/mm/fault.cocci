// Hook: do_kern_addr_fault() in fault.c: is this the RMP's fault, and mended?
// Expect: rmp_fault_kernel 1

@rmp_fault_header@
@@
 #include <asm/irq_stack.h>
+#include <asm/rmp_fault.h>

@rmp_fault_kernel_hook@
expression regs, code, address;
@@
 do_kern_addr_fault(...)
 {
 <...
 if (is_f00f_bug(regs, code, address))
	return;
+if (rmp_fault_kernel(regs, code, address))
+	return;
 ...>
 }

// Hook: do_user_addr_fault() in fault.c: is this the RMP's fault, and final? (Asked
//       before flags say who faulted: the compiler decides by them at once, and a
//       branch between the two costs every fault.)
// Expect: rmp_fault_user 1

@rmp_fault_user_hook@
identifier regs, error_code, address;
@@
 do_user_addr_fault(struct pt_regs *regs, unsigned long error_code, unsigned long address)
 {
 ...
 perf_sw_event(PERF_COUNT_SW_PAGE_FAULTS, 1, regs, address);
+	if (rmp_fault_user(regs, error_code, address)) {
+		do_sigbus(regs, error_code, address, VM_FAULT_SIGBUS);
+		return;
+	}
+
 ...
 }

// Hook: handle_page_fault: which error code does this fault have on SNP hardware?
// Expect: snp_soft_fault_code 1

@@ @@
 #include <asm/fred.h>
+#include <asm/snp_soft.h>

@@
identifier regs, error_code, address;
@@
 handle_page_fault(struct pt_regs *regs, unsigned long error_code, unsigned long address)
 {
+	error_code = snp_soft_fault_code(regs, error_code, address);
 trace_page_fault_entries(regs, error_code, address);
 ...
 }
