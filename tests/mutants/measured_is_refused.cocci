// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a write to a page that firmware measures is not waited for
// File: arch/x86/mm/rmp_fault.c
// Test: rmp_fault_test
// Caught: not ok .*measured: a page that firmware is measuring
// Limit: 60
// Expect: EAGAIN -1
//
// A VMM that launches a guest and writes to its page by /proc/self/mem has the host oops.

@@
identifier ret;
@@
 rmp_fault_flip(...)
 {
 <...
-ret = -EAGAIN;
 ...>
 }
