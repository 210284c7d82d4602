// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a vCPU moves without the registers that its GHCB is still to be told (6.12)
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: snp_migrate_test
// Caught: not ok .*answer_of_the_last_exit_goes_along
// Limit: 60
// Expect: regs -3
//
// The guest reads a port and gets zero.

@@
@@
 snp_move_arch(...)
 {
 ...
-memcpy(dst->regs, src->regs, sizeof(dst->regs));
 ...
 }
