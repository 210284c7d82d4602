// Hook: sev_issue_cmd_external_user() in sev-dev.c: may others do more than one thing
//       under its mutex? (a file of ours, included as that is static here)
// Expect: sev_work 1
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

@@ @@
 int sev_issue_cmd_external_user(...)
 {
 ...
 }
+
+#include "sev_work.c"
