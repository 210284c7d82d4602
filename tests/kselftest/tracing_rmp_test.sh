#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# debugfs rmp/map and rmp/pages against the platform's own list of the same RMP,
# page by page, while a guest stands still; rmp/counters against what the guest
# did; what rmpmap and snp-metrics say of both.
# shellcheck source=tests/kselftest/lib/tap.sh
. "${0%/*}/lib/tap.sh"
map=$debug/rmp/map
need_rmp
need_host_write

cp $debug/rmp/counters before
cp $debug/snp_soft/counts counts.before
# Direct-map merges go on in the background: the short reads are to come between two
# readings of the whole that are the same.
cat >snapshot <<-END
	cat $debug/snp_soft/rmp >soft
	cat $map >map.again
	for i in {1..20}; do
		mv map.again map
		dd if=$map bs=23 status=none >short
		cat $map >map.again
		! cmp -s map map.again || break
	done
	cat $debug/rmp/pages >pages
	cat $debug/snp_soft/counts >counts
	dd if=$map iflag=skip_bytes skip=\$((0x1234)) bs=4096 count=1 status=none >seek
	dd if=$map iflag=skip_bytes skip=\$((1 << 50)) bs=4096 count=1 status=none >beyond
	$here/tracing/rmpmap -n -a \$(awk '\$1 == "asid" { print \$2 }' facts) -r 4003c-4003d -c 1 >picture
END
guest "bash -e snapshot" || { echo "not ok 1 trace_guest"; exit 1; }
cp $debug/rmp/counters after
cp $debug/snp_soft/counts counts.after
echo 1..18

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
awk "$expand" map >ours
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
}' soft >theirs
check "rmp/map stood still when it was read" cmp -s map map.again
check "rmp/map has the pages the platform lists, no other, each in its state" same theirs ours
check "among them are valid, invalid, VMSA and firmware pages" \
	equal "$(awk '{ print $5 }' ours | sort -u | tr '\n' ' ')" "firmware invalid valid vmsa "

# shellcheck disable=SC2016
gapless='
function num(h,   i, v) {
	for (i = 3; i <= length(h); i++) v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
	return v + 0
}
num($1) != at { print "gap at " $1; exit }
{ at += $2 }
END { if (at) print "whole" }'
check "its lines follow each other without a gap" equal "$(awk "$gapless" map)" whole
check "neighbours are told apart only where they differ" \
	equal "$(awk '$3 ~ /shared|hole/ { k = $3 $7; if (k == l) n++; l = k; next } { l = "" } END { print n + 0 }' map)" 0
check "a read from a page on starts at this page" \
	equal "$(head -n 1 seek | cut -d ' ' -f 1)" 0x1234
check "a read far beyond memory is empty" equal "$(wc -c <beyond)" 0
check "reads shorter than a line give the same text" cmp -s map short

total() { awk -v s="$1" '$1 == "pages" && $2 ~ s { n += $NF } END { print n + 0 }' pages; }
platform() { awk -v k="$1" '$1 == k { print $2 }' counts; }
check "rmp/pages has the platform's totals" \
	equal "$(total 'state=(invalid|valid|vmsa|pre)') $(total 'state=vmsa') $(total 'state=(f|r|i|v|p)')" \
	"$(platform guest) $(platform vmsa) $(platform assigned)"

check "rmp/pages has the guest's, and whose it is" \
	equal "$(awk '$1 == "guest_pages" { n += $NF; w = $2 " " $3 } END { print w, n }' pages)" \
	"asid=$(fact asid) pid=$(fact pid) $(platform guest)"

# name and labels, difference
awk 'NR == FNR { v = $NF; $NF = ""; b[$0] = v; next } { v = $NF; $NF = ""; if (v != b[$0]) print $0 v - b[$0] }' before after >grown
check "rmp/counters: page-state changes are those of the guests" \
	equal "$(grep '^psc' grown | sort | tr '\n' ';')" \
	"$(awk '$1 == "psc" { l = " form=" $2 " to=" $3 " size=" $4; r[l] += $6; p[l] += $7 }
		END { for (l in r) { print "psc" l, r[l]; print "psc_pages" l, p[l] } }' facts | sort | tr '\n' ';')"
check "rmp/counters: their faults, leaked pages and wrong requests, and no other" \
	equal "$(grep '^fault\|^flipped\|^guest\|^leaked' grown | tr '\n' ';')" \
	"fault_verdict verdict=flip-4K $(facts lost);fault outcome=recovered $(facts lost);flipped_pages $(facts lost);leaked_pages $(facts leaked);guest_error $(fact guest_errors);"
check "rmp/counters: conversions in place, the map that one met, the cache revoked, migrations" \
	equal "$(grep '^in_place\|^refault\|^contended\|^revoked\|^migration' grown | tr '\n' ';')" \
	"in_place_pages to=shared $(fact in_place_shared);in_place_pages to=private $(fact in_place_private);contended 1;revoked $(fact revoked);migration result=ok $(fact migrated);migration result=refused $(fact migration_refused);"
# RMPUPDATE is the only way to and from the guest's state.
sum() { awk -v s="$1" '$0 ~ s { n += $NF * (/2M/ ? 512 : 1) } END { print n + 0 }' grown; }
assigned() { awk '$1 == "assigned" { print $2 }' "$1"; }
check "rmp/counters: RMPUPDATE took as many pages as it gave, less those assigned now" \
	equal "$(($(sum 'rmpupdate to=private.*ok') - $(sum 'rmpupdate to=shared.*ok')))" \
	"$(($(assigned counts.after) - $(assigned counts.before)))"
check "rmp/counters: RMPUPDATE changed pages, and none was refused but by the test" \
	equal "$(($(sum 'rmpupdate to=private.*ok') > 300)) $(sum '^rmpupdate.*(refused|overlap|in-use)')" \
	"1 $(fact rmpupdate_refused)"

check "rmpmap: a guest's lost pages are not validated any more" \
	equal "$(sed -n 's/^ *4003c000 //p' picture)" "░░"
check "snp-metrics: the faults are among them" \
	equal "$("$here/tracing/snp-metrics" -p | sed -n 's/^snp_fault_total{outcome="recovered"} //p')" \
	"$(sed -n 's/^fault outcome=recovered //p' after)"

# Readers while a guest is born, converts, and is killed with its pages private
ends() { until [ -e stop ]; do tail -n 1 $map >>ends; sleep 0.2; done; }
ends &
reader=$!
# shellcheck disable=SC2016 # by the shell of system()
"$here/build/kselftest/trace_guest" 'kill -9 $PPID' >killed 2>&1 || true
touch stop
wait $reader
check "reads while a guest lives and is killed end where the RMP ends" \
	equal "$(grep -c ^asid killed) $(cut -d ' ' -f 1,2 ends | sort -u)" "1 $(tail -n 1 map | cut -d ' ' -f 1,2)"
