// Hook: do_set_pmd() in memory.c: may this folio be mapped as one?
// Expect: rmp_keep_split 1

@@ @@
 #include <linux/rmap.h>
+#include <linux/rmp_user.h>

@@
identifier folio, ret;
@@
 do_set_pmd(...)
 {
 ...
 if (unlikely(folio_test_has_hwpoisoned(folio)))
	return ret;
+	if (rmp_keep_split(folio))
+		return ret;
 ...
 }
