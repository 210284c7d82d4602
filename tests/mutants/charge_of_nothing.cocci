// SPDX-License-Identifier: GPL-2.0-only
// Mutant: no new pin is refused where the limit is exceeded already
// File: arch/x86/kvm/svm/snp_table.c
// Test: snp_in_place_test
// Caught: not ok .*memlock_limit_stops_conversions
// Limit: 60
// Expect: pages -1
//
// A guest that asks for what it has stops, once the VMM has lowered its limit.

@@ @@
 snp_charge(...)
 {
 ...
-if (!pages)
-	return 0;
 ...
 }
