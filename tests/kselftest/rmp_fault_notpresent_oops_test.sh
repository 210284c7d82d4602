#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# CASE2: a direct map that is really broken still oopses, in the words of a stock
# kernel; a !PRESENT fault is not the RMP's. The writing process dies of it, perhaps
# the VM.
set -eu
run=/sys/kernel/debug/rmp_fault_test/run
counts=/sys/kernel/debug/rmp_fault
[ -e "$run" ] || { echo "SKIP: no $run (insmod rmp_fault_test.ko)"; exit 4; }
before=$(cat "$counts"/*)
dmesg >/tmp/before
rc=0
bash -c 'echo oops_notpresent >"$1"' - "$run" || rc=$?
dmesg | tail -n "+$(($(wc -l </tmp/before) + 1))" | sed 's/^\[[^]]*\] //' >/tmp/oops

# In this order, with nothing else of the #PF path between
stock='BUG: unable to handle page fault for address: [0-9a-f]{16}
#PF: supervisor write access in kernel mode
#PF: error_code\(0x0002\) - not-present page
PGD .*
Oops: Oops: 0002 .*'

echo 1..4
[ "$rc" -eq 137 ] || printf 'not '
echo "ok 1 the writer is killed (status $rc)"
grep -m 1 -A 4 '^BUG: unable to handle' /tmp/oops | paste -sd'~' |
	grep -qxE -- "$(paste -sd'~' <<<"$stock")" || { sed 's/^/# /' /tmp/oops | head -n 20; printf 'not '; }
echo "ok 2 CASE2: a broken direct map oopses with the stock message"
if grep -qE 'RMP' /tmp/oops; then printf 'not '; fi
echo "ok 3 nothing about the RMP is said"
[ "$(cat "$counts"/*)" = "$before" ] || printf 'not '
echo "ok 4 nothing was counted, nothing recovered"
