// SPDX-License-Identifier: GPL-2.0-only
// File: arch/x86/virt/svm/rmp_repair.c
// Expect: RMP_INUSE_TRIES -1
//
// The tries here are the first guard, those of the fault handler the second.

@@
expression tries;
@@
 rmp_try_again(...)
 {
 <...
-return tries < RMP_INUSE_TRIES;
+return false;
 ...>
 }
