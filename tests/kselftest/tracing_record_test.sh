#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tracing/record and tracing/snp-watch beside a guest that does a known number of
# everything: the report has its events, the live view its faults.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
debug=/sys/kernel/debug
command -v trace-cmd >/dev/null || { echo "SKIP: no trace-cmd"; exit 4; }
[ -e $debug/rmp/counters ] || { echo "SKIP: no $debug/rmp (CONFIG_SNP_PAGE_STATE, SNP host)"; exit 4; }
[ -e $debug/rmp_fault_test/write ] || { echo "SKIP: insmod rmp_fault_test.ko"; exit 4; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
n=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n $text"; else echo "not ok $n $text"; fi
}
equal() { [ "$1" = "$2" ] || { echo "# is '$1', should be '$2'"; return 1; }; }
refuses() { # RE COMMAND...
	local re=$1 rc=0 out
	shift
	out=$("$@" 2>&1 </dev/null) || rc=$?
	[[ $rc -eq 1 && $(wc -l <<<"$out") -eq 1 && $out =~ $re ]] ||
		{ echo "# status $rc: $out"; return 1; }
}
echo 1..13

# Watched while it is recorded
"$here/tracing/snp-watch" 2 >watch 2>watch.err &
watch=$!
for _ in {1..60}; do
	! grep -q 'last faults' watch || break
	sleep 1
done
cp $debug/rmp/counters before
# Two more pictures while the guest stands still, then a status to be told from others
cat >still <<-'END'
	end=$(($(grep -c 'last faults' watch) + 2))
	for i in {1..60}; do
		[ "$(grep -c 'last faults' watch)" -lt $end ] || exit 7
		sleep 1
	done
END
rc=0
"$here/tracing/record" -s -o trace.dat "$here/build/kselftest/trace_guest" "bash still" >facts 2>err || rc=$?
cp $debug/rmp/counters after
kill -INT $watch 2>/dev/null || true
kill -TERM $watch
watched=0
wait $watch || watched=$?
grep -hv 'Random seed' err watch.err | sed 's/^/# /' || true
check "record: the status is the command's" equal $rc 7

trace-cmd report -i trace.dat >events 2>/dev/null
events() { grep -c " $1: " events || true; }
fact() { awk -v k="$1" '$1 == k { print $2 }' facts; }
sum() { awk -v c="$1" '$1 == "psc" { n += $c } END { print n }' facts; }
delta() { awk -v s="$1" '$0 ~ s { n += FNR == NR ? -$NF : $NF } END { print n + 0 }' before after; }
check "record: nothing was lost" equal "$(grep -c 'EVENTS DROPPED\|overrun: [1-9]' events || true)" 0
check "report: an event for each fault, verdict and wrong request" \
	equal "$(events rmp_fault) $(events rmp_verdict) $(events snp_guest_error)" \
	"$(fact faults) $(fact faults) $(fact guest_errors)"
check "report: with -s, a stack for each fault and for nothing else" \
	equal "$(events kernel_stack)" "$(fact faults)"
check "report: an event for each range of a page-state change" equal "$(events snp_psc)" "$(sum 6)"
check "report: an event for each RMPUPDATE the kernel counts" \
	equal "$(events rmp_update)" "$(delta '^rmpupdate')"
check "report: verdicts and the writing function are words" \
	equal "$(grep -c 'verdict=flip-4K outcome=recovered' events) $(grep -c 'ip=rmp_fault_test_insn+0x0' events)" \
	"$(fact faults) $(fact faults)"
check "report: conversions are words" \
	equal "$(grep -c 'form=nae to=shared size=2M gfn=0x40200 pages=1024' events)" 1

check "snp-watch: ends by a signal with status 0" equal $watched 0
check "snp-watch: gives the terminal back" equal "$(tail -c 14 watch | od -An -c | tr -d ' \n')" \
	"$(printf '\033[?25h\033[?1049l' | od -An -c | tr -d ' \n')"
check "snp-watch: leaves no trace instance" test ! -e /sys/kernel/tracing/instances/snp-watch
# The last picture, line by line; a cell is up to three bytes.
awk 'BEGIN { RS = "\033\\[H" } { f = $0 } END { printf "%s", f }' watch |
	sed 's/\x1b\[[?0-9;]*[a-zA-Z]//g; s/[·▒█░▓▚]/x/g' >last
check "snp-watch: fits 80x24, and shows the guest's last faults" \
	equal "$(($(wc -l <last) < 24)) $(awk 'length($0) > 80' last) $(sed '1,/^last faults/d' last | awk '{ print $3, $5 }' | tr '\n' ';')" \
	"1  $(awk '$1 == "lost" { printf "pfn=%s gpa=%s;", $2, $3 }' facts)"
check "snp-watch: not root: one line, status 1" refuses 'needs root' \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$here/tracing/snp-watch"
