// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the source stays alive
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_test
// Caught: not ok .*source_is_dead_and_its_memory_its_owners
// Limit: 60
// Expect: kvm_vm_dead -1
//
// Its vCPUs run without their state.

@@
@@
 snp_move_context(...)
 {
 <...
-kvm_vm_dead(...);
 ...>
 }
