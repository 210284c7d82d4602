// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a moved mirror is charged, and nobody uncharges it (6.12)
// File: arch/x86/kvm/svm/snp_migrate.c
// Test: sev_migrate_test
// Caught: not ok .*mirror_borrows_its_asid_wherever_it_moves
// Limit: 60
// Expect: snp_is_mirror -1
//
// With each mirror that was ever moved one SEV guest less can be started.

@@
@@
 snp_charge_asid(...)
 {
 ...
-if (snp_is_mirror(...))
-	return 0;
 ...
 }
