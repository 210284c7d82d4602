// Hook: pte_write(), pmd_write(), pte_wrprotect(), pmd_wrprotect() in pgtable.h:
//       which bits of an entry say that it is writable?
// Expect: snp_soft_write_bits 4

@@ @@
 #include <asm/coco.h>
+#include <asm/snp_soft_pte.h>

@@
typedef pte_t;
identifier pte;
@@
 pte_write(pte_t pte)
 {
 ...
-return (pte_flags(pte) & _PAGE_RW) || pte_shstk(pte);
+return (pte_flags(pte) & snp_soft_write_bits()) || pte_shstk(pte);
 }

@@
typedef pmd_t;
identifier pmd;
@@
 pmd_write(pmd_t pmd)
 {
 ...
-return (pmd_flags(pmd) & _PAGE_RW) || pmd_shstk(pmd);
+return (pmd_flags(pmd) & snp_soft_write_bits()) || pmd_shstk(pmd);
 }

@@
typedef pte_t;
identifier pte;
@@
 pte_wrprotect(pte_t pte)
 {
 pte = pte_clear_flags(pte,
-	_PAGE_RW
+	snp_soft_write_bits()
	);
 ...
 }

@@
typedef pmd_t;
identifier pmd;
@@
 pmd_wrprotect(pmd_t pmd)
 {
 pmd = pmd_clear_flags(pmd,
-	_PAGE_RW
+	snp_soft_write_bits()
	);
 ...
 }
