#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debugfs rmp/map and rmp/pages against the platform's own list of the same RMP,
# page by page, and rmp/counters against what a guest did.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
map=/sys/kernel/debug/rmp/map
pages=/sys/kernel/debug/rmp/pages
counters=/sys/kernel/debug/rmp/counters
[ -e $map ] || { echo "SKIP: no $map (CONFIG_SNP_PAGE_STATE, SNP host)"; exit 4; }
[ -e /sys/kernel/debug/rmp_fault_test/write ] || { echo "SKIP: insmod rmp_fault_test.ko"; exit 4; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n $text"; else echo "not ok $n $text"; fi
}
equal() { [ "$1" = "$2" ] || { echo "# is '$1', should be '$2'"; return 1; }; }

cp $counters "$tmp/before"
cp /sys/kernel/debug/snp_soft/counts "$tmp/counts.before"
cat >"$tmp/snapshot" <<-END
	cat /sys/kernel/debug/snp_soft/rmp >$tmp/soft
	cat $map >$tmp/map
	cat $pages >$tmp/pages
	cat /sys/kernel/debug/snp_soft/counts >$tmp/counts
	dd if=$map iflag=skip_bytes skip=\$((0x1234)) bs=4096 count=1 status=none >$tmp/seek
	dd if=$map iflag=skip_bytes skip=\$((1 << 50)) bs=4096 count=1 status=none >$tmp/beyond
	dd if=$map bs=23 status=none >$tmp/short
END
"$here/build/kselftest/trace_guest" "bash -e $tmp/snapshot" >"$tmp/facts" 2>"$tmp/err" || {
	sed 's/^/# /' "$tmp/err"
	echo "not ok 1 trace_guest"
	exit 1
}
cp $counters "$tmp/after"
cp /sys/kernel/debug/snp_soft/counts "$tmp/counts.after"
echo 1..13

# pfn gpa asid size and flags of each assigned page, both ways
# shellcheck disable=SC2016
expand='
function num(h,   i, v) {
	for (i = 3; i <= length(h); i++) v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
	return v + 0
}
$3 != "shared" && $3 != "hole" && $3 != "hv-fixed" {
	pfn = num($1); gpa = num($6)
	for (i = 0; i < $2; i++)
		printf "%d %d %d %s %s\n", pfn + i, $5 ? gpa + i * 4096 : 0, $5, $4, $3
}'
awk "$expand" "$tmp/map" >"$tmp/ours"
# shellcheck disable=SC2016
awk 'function num(h,   i, v) {
	for (i = 1; i <= length(h); i++) v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
	return v + 0
}
{
	im = / immutable/; va = / validated/; vm = / vmsa/
	if (!$6) s = im ? "firmware" : "reclaim"
	else if (im) s = va ? "pre-swap" : "pre-guest"
	else if (vm) s = "vmsa"
	else s = va ? "valid" : "invalid"
	printf "%d %d %d %s %s\n", num($2), $6 ? num($4) : 0, $6, $8, s
}' "$tmp/soft" >"$tmp/theirs"
same_pages() { diff "$tmp/theirs" "$tmp/ours" >"$tmp/diff" || { head -n 5 "$tmp/diff" | sed 's/^/# /'; return 1; }; }
check "rmp/map has the pages the platform lists, no other, each in its state" same_pages
check "among them are valid, invalid, VMSA and firmware pages" \
	equal "$(awk '{ print $5 }' "$tmp/ours" | sort -u | tr '\n' ' ')" "firmware invalid valid vmsa "

# shellcheck disable=SC2016
gapless='
function num(h,   i, v) {
	for (i = 3; i <= length(h); i++) v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
	return v + 0
}
num($1) != at { print "gap at " $1; exit }
{ at += $2 }
END { if (at) print "whole" }'
check "its lines follow each other without a gap" equal "$(awk "$gapless" "$tmp/map")" whole
check "neighbours are told apart only where they differ" \
	equal "$(awk '$3 ~ /shared|hole/ { k = $3 $7; if (k == l) n++; l = k; next } { l = "" } END { print n + 0 }' "$tmp/map")" 0
check "a read from a page on starts at this page" \
	equal "$(head -n 1 "$tmp/seek" | cut -d ' ' -f 1)" 0x1234
check "a read far beyond memory is empty" equal "$(wc -c <"$tmp/beyond")" 0
check "reads shorter than a line give the same text" cmp -s "$tmp/map" "$tmp/short"

total() { awk -v s="$1" '$1 == "pages" && $2 ~ s { n += $NF } END { print n + 0 }' "$tmp/pages"; }
fact() { awk -v k="$1" '$1 == k { print $2 }' "$tmp/counts"; }
check "rmp/pages has the platform's totals" \
	equal "$(total 'state=(invalid|valid|vmsa|pre)') $(total 'state=vmsa') $(total 'state=(f|r|i|v|p)')" \
	"$(fact guest) $(fact vmsa) $(fact assigned)"

# name and labels, difference
delta() { awk 'NR == FNR { v = $NF; $NF = ""; b[$0] = v; next } { v = $NF; $NF = ""; if (v != b[$0]) print $0 v - b[$0] }' "$tmp/before" "$tmp/after"; }
delta >"$tmp/delta"
check "rmp/counters: page-state changes are those of the guest" \
	equal "$(grep '^psc' "$tmp/delta" | sort | tr '\n' ';')" \
	"$(awk '$1 == "psc" { l = " form=" $2 " to=" $3 " size=" $4
		print "psc" l, $6; print "psc_pages" l, $7 }' "$tmp/facts" | sort | tr '\n' ';')"
check "rmp/counters: its faults and wrong requests, and no other" \
	equal "$(grep '^fault\|^flipped\|^guest\|^leaked' "$tmp/delta" | tr '\n' ';')" \
	"$(awk '$1 == "faults" { f = $2 } $1 == "guest_errors" { e = $2 }
		END { printf "fault outcome=recovered %d;flipped_pages %d;guest_error %d;", f, f, e }' "$tmp/facts")"
# RMPUPDATE is the only way to and from the guest's state.
sum() { awk -v s="$1" '$0 ~ s { n += $NF * (/2M/ ? 512 : 1) } END { print n + 0 }' "$tmp/delta"; }
assigned() { awk '$1 == "assigned" { print $2 }' "$tmp/$1"; }
check "rmp/counters: RMPUPDATE took as many pages as it gave, less those assigned now" \
	equal "$(($(sum 'rmpupdate to=private.*ok') - $(sum 'rmpupdate to=shared.*ok')))" \
	"$(($(assigned counts.after) - $(assigned counts.before)))"
check "rmp/counters: RMPUPDATE changed pages, and none was refused" \
	equal "$(($(sum 'rmpupdate to=private.*ok') > 300)) $(sum 'refused|overlap|in-use')" "1 0"

# Readers while a guest is born, converts, and is killed with its pages private
ends() { while [ ! -e "$tmp/stop" ]; do tail -n 1 $map | cut -d ' ' -f 1,2 >>"$tmp/ends"; sleep 0.2; done; }
ends &
reader=$!
# shellcheck disable=SC2016 # by the shell of system()
"$here/build/kselftest/trace_guest" 'kill -9 $PPID' >"$tmp/killed" 2>&1 || true
touch "$tmp/stop"
wait $reader
grep -q ^asid "$tmp/killed" || echo "# the guest did not get that far"
tail -n 1 "$tmp/map" | cut -d ' ' -f 1,2 >"$tmp/end"
check "reads while a guest lives and is killed end where the RMP ends" \
	equal "$(grep -c ^asid "$tmp/killed") $(sort -u "$tmp/ends")" "1 $(cat "$tmp/end")"
