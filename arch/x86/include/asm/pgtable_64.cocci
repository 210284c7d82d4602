// Hook: native_set_pte() in pgtable_64.h: does the RMP refuse writes by this entry?
// Expect: snp_soft_user_pte 1
// Hook: native_set_pmd() in pgtable_64.h: likewise
// Expect: snp_soft_user_pmd 1

@@ @@
 #include <asm/fixmap.h>
+#include <asm/snp_soft_pte.h>

@@
typedef pte_t;
identifier ptep, pte;
@@
 native_set_pte(pte_t *ptep, pte_t pte)
 {
+	if (snp_soft_user_pte(ptep, pte))
+		return;
 WRITE_ONCE(*ptep, pte);
 }

@@
typedef pmd_t;
identifier pmdp, pmd;
@@
 native_set_pmd(pmd_t *pmdp, pmd_t pmd)
 {
+	if (snp_soft_user_pmd(pmdp, pmd))
+		return;
 WRITE_ONCE(*pmdp, pmd);
 }
