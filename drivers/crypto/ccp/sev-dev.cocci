// Hook: __sev_do_cmd_locked: who executes the command just written to the mailbox?
// Expect: snp_soft_psp_doorbell 1
//
// A register page in RAM has nobody behind it that would notice the store.

@@ @@
 #include "sev-dev.h"
+#include "snp_soft_psp.h"

@@
expression reg, sev;
@@
 __sev_do_cmd_locked(...)
 {
 <...
 iowrite32(reg, sev->io_regs + sev->vdata->cmdresp_reg);
+snp_soft_psp_doorbell(sev);
 ...>
 }
