// Hook: sp_mod_init: is there a secure processor that no bus can enumerate?
// Expect: snp_soft_psp_init 1
//
// Before psp_pci_init(), which picks the master PSP from the list that
// sp_init() fills.

@@ @@
 #include "sp-dev.h"
+#include "snp_soft_psp.h"

@@ @@
 sp_mod_init(...)
 {
 <...
+	snp_soft_psp_init();
 	psp_pci_init();
 ...>
 }
