// SPDX-License-Identifier: GPL-2.0-only
// Mutant: slots_lock inside the range
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_slots_test
// Caught: possible circular locking|not ok .*memslots_change_while_pages_are_converted|no end after
// Limit: 60
// Expect: slots_lock 2
//
// A conversion reads kvm->srcu; whoever changes memslots holds slots_lock while it
// waits for that reader.

@@
@@
 convert_unit(...)
 {
 ...
+mutex_lock(&u->vm->kvm->slots_lock);
+mutex_unlock(&u->vm->kvm->slots_lock);
 ret = assign_unit(...);
 ...
 }
