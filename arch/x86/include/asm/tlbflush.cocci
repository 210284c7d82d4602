// Hook: pte_flags_need_flush() in tlbflush.h: which bit of an entry does no TLB know?
//       (The platform's, which says that the RMP took the write permission.)
// Expect: snp_soft_write_bits 1

@@
expression diff;
@@
 pte_flags_need_flush(...)
 {
 <...
 diff &= ~software_flags;
+diff &= ~(snp_soft_write_bits() ^ _PAGE_RW);
 ...>
 }
