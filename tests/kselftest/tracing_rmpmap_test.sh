#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tracing/rmpmap draws what the map says, a known map cell by cell, and tracing/rmplapse
# what a known trace says. (tracing_rmp_test and tracing_tools_test have a guest drawn.)
# shellcheck source=tests/kselftest/lib/tap.sh
. "${0%/*}/lib/tap.sh"
rmpmap=$here/tracing/rmpmap
need_rmp
echo 1..21

cat >known <<-END
	0x0 1 hv-fixed - 0 0x0 4K
	0x1 15 shared - 0 0x0 4K
	0x10 8 valid 4K 2 0x40000000 4K
	0x18 4 invalid 4K 2 0x40008000 4K
	0x1c 1 vmsa 4K 2 0xfffffffff000 4K
	0x1d 1 firmware 4K 0 0x0 4K
	0x1e 1 pre-guest 4K 3 0x1000 4K
	0x1f 33 shared - 0 0x0 4K
	0x40 448 hole - 0 0x0 -
	0x200 512 valid 2M 2 0x40200000 2M
END
row() { # ADDRESS ARGUMENT...: the cells of one row
	local a=$1
	shift
	"$rmpmap" -n -f known "$@" | sed -n "s/^ *$a //p"
}
s15=··············· s33=·································
check "each state has its sign" equal "$(row 0 -c 1)" "#$s15▒▒▒▒▒▒▒▒░░░░VF!$s33"
check "a cell of several pages is mixed where they differ" equal "$(row 0 -c 4 -r 0-3f)" "▚···▒▒░▚········"
check "a range begins and ends where it should" equal "$(row 17000 -c 1 -r 17-18)" "▒░"
check "holes are empty, and rows of them left out" \
	equal "$("$rmpmap" -n -f known -c 1 | sed -n '3,4s/█*$//p' | tr '\n' ' ')" "...       200000  "
check "a guest's memory is in its own order" equal "$(row 40000000 -a 2 -r 40000-4000f -c 1)" "▒▒▒▒▒▒▒▒░░░░    "
check "... from its first to its last page, without KVM's VMSA" equal \
	"$("$rmpmap" -n -f known -a 2 | sed -n '1p; $p' | tr -s ' ' | tr '\n' ' ')" \
	"guest of ASID 2, a cell is 4K, a row 256K  ▒ private 4K █ private 2M ░ not validated 4K "
check "totals by owner" equal "$("$rmpmap" -t -f known | awk '{ print $1, $(NF - 1) }' | tr '\n' ' ')" \
	"ASID 8 ASID 512 ASID 4 ASID 1 ASID 1 firmware 1 host 48 host 1 "
check "80 columns are enough" equal "$("$rmpmap" -n -f known -c 1 | awk 'length($0) > 13 + 3 * 64 + 3')" ""
# Each page has one cell, at its place on the curve: 0 to 3 are the corner.
svg() { "$rmpmap" -s -f known -c 1 -r 0-3f | grep -c "^<rect.*width=\"8\".*$1" || true; }
check "the SVG picture has a square for each page, in the colour of its state" \
	equal "$(svg '#74c476') $(svg '#fdae6b') $(svg '#6a51a3') $(svg '#d9d9d9')" "8 4 1 48"
# and the legend's
dots() { "$rmpmap" -s -f known -c 1 -r "$1" | grep -c '^<rect.*width="2" height="2"/>' || true; }
check "... and a dot where the direct map has it in 4K" equal "$(dots 0-3f) $(dots 200-23f)" "65 1"
check "no such range: one line, status 1" refuses 'nothing there' "$rmpmap" -f known -r 99999-9999a
check "a range backwards: one line, status 1" refuses 'ends before' "$rmpmap" -f known -r 9-1
check "too many cells: one line, status 1" refuses 'larger -c' "$rmpmap" -r 0-fffff -c 1
check "not root: one line, status 1" refuses 'needs root' \
	as_nobody "$rmpmap"
# A quarter of a kilobyte each, if they were kept
awk 'BEGIN { for (i = 0; i < 60000; i++) printf "0x%x 1 valid 4K 2 0x%x 4K\n", 2 * i, 8192 * i }' >scattered
check "memory is that of the picture, however many runs there are" equal \
	"$( (ulimit -v 16000; "$rmpmap" -n -f scattered -l 1) 2>&1 | tail -n 1 | tr -s ' ')" " ▒ private 4K"
check "no debugfs rmp/: one line, status 1" refuses 'not an SNP host' without $debug/rmp "$rmpmap"
check "all that can be named: 16 rows at most, memory is at the beginning" equal \
	"$("$rmpmap" -n -r 0-fffffffffffff | awk 'NR == 2 { print ($2 ~ /^▚ *$/) } END { print (NR <= 18) }' | tr '\n' ' ')" "1 1 "
check "a guest that there is not: one line, status 1" refuses 'nothing there' "$rmpmap" -a 999999

# A second from first to last: a frame is a hundredth. The third failed, and changes nothing.
event() { echo "     guest-1 [000] $1: rmp_update: pfn=$2 level=4K assigned=$3 asid=$4 gpa=$5 immutable=$6 result=$7"; }
{
	event 10.000000 0x10 1 2 0x40000000 1 0
	event 10.500000 0x10 1 2 0x40000000 0 0
	event 10.600000 0x11 1 2 0x40001000 0 4
	event 10.700000 0x12 1 3 0x1000 0 0
	event 11.000000 0x10 0 0 0x0 0 0
} >trace
moves() { "$here/tracing/rmplapse" "$@" trace | sed -n 's/.*keyTimes="\([^"]*\)" values="\([^"]*\)".*/\1 \2/p'; }
check "rmplapse: each page takes the colours of the trace, at its times" equal "$(moves)" \
	"0;0.0099;0.4950;0.9901 #ffffff;#de2d26;#74c476;#d9d9d9
0;0.6931 #ffffff;#74c476"
check "rmplapse: of one guest, by its frames; the page goes back by its number" equal \
	"$(moves -a 2 -r 40000-40001)" "0;0.0099;0.4950;0.9901 #ffffff;#de2d26;#74c476;#d9d9d9"
check "rmplapse: nothing of the guest in the trace: one line, status 1" refuses 'nothing there' \
	"$here/tracing/rmplapse" -a 7 trace
