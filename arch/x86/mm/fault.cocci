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
