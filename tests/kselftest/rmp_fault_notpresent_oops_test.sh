#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A !PRESENT fault on the direct map is not the RMP's: stock oops, as before.
# The writing process dies of it, perhaps the VM.
set -eu
run=/sys/kernel/debug/rmp_fault_test/run
count=/sys/kernel/debug/rmp_fault/recovered
[ -e "$run" ] || { echo "SKIP: no $run (insmod rmp_fault_test.ko)"; exit 4; }
before=$(cat "$count")
rc=0
bash -c 'echo oops_notpresent >"$1"' - "$run" || rc=$?

echo 1..3
[ "$rc" -eq 137 ] || printf 'not '
echo "ok 1 the writer is killed (status $rc)"
dmesg | grep -q '#PF: error_code(0x0002) - not-present page' || printf 'not '
echo "ok 2 the oops names the reason as a stock kernel does"
[ "$(cat "$count")" -eq "$before" ] || printf 'not '
echo "ok 3 nothing was recovered"
