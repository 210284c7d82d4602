// Hook: fixup_user_fault() in gup.c: the page is faulted in; can it be written to?
// Expect: rmp_fault_fixup 1

@@ @@
 #include <linux/rmap.h>
+#include <linux/rmp_user.h>

@@
identifier mm, address, fault_flags, unlocked, vma, ret;
@@
 fixup_user_fault(struct mm_struct *mm, unsigned long address, unsigned int fault_flags,
		  bool *unlocked)
 {
 struct vm_area_struct *vma;
 ...
 if (ret & VM_FAULT_RETRY) { ... }
+
+	if (rmp_fault_fixup(vma, address, fault_flags))
+		return -EFAULT;
 return 0;
 }
