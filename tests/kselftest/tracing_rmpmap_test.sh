#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tracing/rmpmap draws what the map says: a known map cell by cell, then the RMP of
# a guest that stands still.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
rmpmap=$here/tracing/rmpmap
debug=/sys/kernel/debug
[ -e $debug/rmp/map ] || { echo "SKIP: no $debug/rmp (CONFIG_SNP_PAGE_STATE, SNP host)"; exit 4; }
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
check "totals by owner" equal "$("$rmpmap" -t -f known | awk '{ print $1, $(NF - 1) }' | tr '\n' ' ')" \
	"ASID 8 ASID 512 ASID 4 ASID 1 ASID 1 firmware 1 host 48 host 1 "
check "80 columns are enough" equal "$("$rmpmap" -n -f known -c 1 | awk 'length($0) > 13 + 3 * 64 + 3')" ""
# Each page has one cell, at its place on the curve: 0 to 3 are the corner.
svg() { "$rmpmap" -s -f known -c 1 -r 0-3f | grep -c "^<rect.*width=\"8\".*$1" || true; }
check "the SVG picture has a square for each page, in the colour of its state" \
	equal "$(svg '#74c476') $(svg '#fdae6b') $(svg '#6a51a3') $(svg '#d9d9d9')" "8 4 1 48"
check "no such range: one line, status 1" refuses 'nothing there' "$rmpmap" -f known -r 99999-9999a
check "a range backwards: one line, status 1" refuses 'ends before' "$rmpmap" -f known -r 9-1
check "too many cells: one line, status 1" refuses 'larger -c' "$rmpmap" -r 0-fffff -c 1
check "not root: one line, status 1" refuses 'needs root' \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$rmpmap"

# The pages that trace_guest.c lost, and that are assigned to it anew: 60 and 61.
cat >still <<-END
	asid=\$(awk '\$1 == "asid" { print \$2 }' facts)
	$rmpmap -n -a \$asid -r 4003c-4003d -c 1 >picture
END
"$here/build/kselftest/trace_guest" "bash still" >facts 2>err || sed 's/^/# /' err
check "a guest's lost pages are not validated any more" \
	equal "$(sed -n 's/^ *4003c000 //p' picture)" "░░"
