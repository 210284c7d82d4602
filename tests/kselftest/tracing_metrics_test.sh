#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tracing/snp-metrics says what the kernel says, in a format Prometheus takes; the
# alert rules fire when they should. promtool is asked where it is installed.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
metrics=$here/tracing/snp-metrics
debug=/sys/kernel/debug
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
same() { diff "$1" "$2" >differ || { head -n 5 differ | sed 's/^/# /'; return 1; }; }
echo 1..12

"$here/build/kselftest/trace_guest" true >facts 2>err || sed 's/^/# /' err
mkdir kernel out
# Direct-map merges go on by themselves: all readings of one moment
for _ in {1..20}; do
	cat $debug/rmp/counters >kernel/counters
	cat $debug/rmp/pages >kernel/pages
	"$metrics" >prom
	"$metrics" out
	cat $debug/rmp/counters $debug/rmp/pages >now
	! cat kernel/counters kernel/pages | cmp -s - now || break
	sleep 1
done
# Back to the kernel's form
{
	echo version 1
	sed -n 's/^snp_\(.*\)_total\({.*}\)\? \([0-9]*\)$/\1 \2 \3/p' prom
	echo version 1
	sed -n '/_total/d; s/^snp_\([a-z_]*\)\({.*}\)\? \([0-9]*\)$/\1 \2 \3/p' prom
} | tr -d '{}"' | tr ',' ' ' | tr -s ' ' >back
cat kernel/counters kernel/pages >both
check "every number of the kernel's is there with its labels, and no other" same both back
check "among them the faults of a guest" test \
	"$(sed -n 's/^snp_fault_total{outcome="recovered"} //p' prom)" -ge "$(awk '$1 == "faults" { print $2 }' facts)"
check "each name has a type and a help text before its first sample" equal \
	"$(awk '/^# TYPE/ { t[$3] = 1; next } /^# HELP/ { h[$3] = NF > 4; next }
		{ sub(/[{ ].*/, ""); if (!t[$0] || !h[$0]) print }' prom)" ""

check "what the alerts and the dashboard ask for exists" equal \
	"$(grep -oh 'snp_[a-z_]*' "$here"/tracing/{alerts.yml,dashboard.json} | sort -u |
		while read -r m; do grep -q "^${m}[{ ]" prom || echo "$m"; done)" ""

check "the file for node_exporter is what is printed, and alone" equal \
	"$(cmp prom out/snp.prom 2>&1; ls -A out)" snp.prom
sed -i '1s/1/2/' kernel/counters
check "an unknown format: one line, status 1" refuses 'unknown format' env SNP_METRICS_FROM=kernel "$metrics" out
check "... and the file before it stays whole" equal "$(cmp prom out/snp.prom 2>&1; ls -A out)" snp.prom
sed -i '1s/2/1/; $a newer_thing a=b c=d 5' kernel/counters
check "a newer kernel's counter comes along" equal \
	"$(SNP_METRICS_FROM=kernel "$metrics" -p | grep '^snp_newer')" 'snp_newer_thing_total{a="b",c="d"} 5'
check "not root: one line, status 1" refuses 'needs root' \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$metrics"
check "no debugfs rmp/: one line, status 1" refuses 'not an SNP host' \
	unshare -m sh -c "mount -t tmpfs none $debug/rmp && $metrics"

if command -v promtool >/dev/null; then
	check "promtool finds nothing wrong with the format" equal "$(promtool check metrics <prom 2>&1)" ""
	rules() { promtool test rules "$here/tracing/alerts_test.yml" >verdict 2>&1 || { sed 's/^/# /' verdict; return 1; }; }
	check "promtool: the alerts fire when they should, and only then" rules
else
	echo "ok 11 promtool finds nothing wrong with the format # SKIP no promtool (package prometheus)"
	echo "ok 12 promtool: the alerts fire when they should # SKIP no promtool (package prometheus)"
fi
