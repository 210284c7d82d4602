// SPDX-License-Identifier: GPL-2.0-only
// Mutant: the ASID moves without its charge
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_test
// Caught: not ok .*sev_charge_moves_to_the_callers_cgroup
// Limit: 60
// Expect: snp_uncharge_asid -1
//
// The cgroup and the ASID part: the source's is charged for ever.

@@
@@
 snp_move_asid(...)
 {
 <...
-snp_uncharge_asid(...);
 ...>
 }
