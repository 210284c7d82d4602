#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tracing/snp-metrics says what the kernel says, in a format Prometheus takes, and
# node_exporter passes it on; the alert rules fire when they should.
# shellcheck source=tests/kselftest/lib/tap.sh
. "${0%/*}/lib/tap.sh"
metrics=$here/tracing/snp-metrics
need_rmp
echo 1..13

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
check "each name has a type and a help text before its first sample" equal \
	"$(awk '/^# TYPE/ { t[$3] = 1; next } /^# HELP/ { h[$3] = NF > 4; next }
		{ sub(/[{ ].*/, ""); if (!t[$0] || !h[$0]) print }' prom)" ""

# snp_guest_pages: here is no guest (tracing_rmp_test)
check "what the alerts and the dashboard ask for exists" equal \
	"$(grep -oh 'snp_[a-z_]*' "$here"/tracing/{alerts.yml,dashboard.json} | sort -u |
		grep -vx snp_guest_pages | while read -r m; do grep -q "^${m}[{ ]" prom || echo "$m"; done)" ""

check "the file for node_exporter is what is printed, and alone" equal \
	"$(cmp prom out/snp.prom 2>&1; ls -A out)" snp.prom
sed -i '1s/1/2/' kernel/counters
check "an unknown format: one line, status 1" refuses 'unknown format' env SNP_METRICS_FROM=kernel "$metrics" out
check "... and the file before it stays whole" equal "$(cmp prom out/snp.prom 2>&1; ls -A out)" snp.prom
sed -i '1s/2/1/; $a newer_thing a=b c=d 5' kernel/counters
check "a newer kernel's counter comes along" equal \
	"$(SNP_METRICS_FROM=kernel "$metrics" -p | grep '^snp_newer')" 'snp_newer_thing_total{a="b",c="d"} 5'
check "not root: one line, status 1" refuses 'needs root' \
	as_nobody "$metrics"
check "no debugfs rmp/: one line, status 1" refuses 'not an SNP host' \
	without $debug/rmp "$metrics"

# From Debian's package prometheus, unpacked by tools/install
PATH+=:$here/build/debian/usr/bin
check "promtool finds nothing wrong with the format" equal "$(promtool check metrics <prom 2>&1)" ""
rules() { promtool test rules "$here/tracing/alerts_test.yml" >verdict 2>&1 || { sed 's/^/# /' verdict; return 1; }; }
check "promtool: the alerts fire when they should, and only then" rules

# node_exporter takes the socket that it finds as number 3, so there need be no network.
# shellcheck disable=SC2016 # perl's
perl -MSocket -e '$^F = 3; socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket")) && listen(S, 5) &&
	fileno(S) == 3 || die "socket: $!"; $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 1; exec @ARGV' \
	prometheus-node-exporter --web.systemd-socket --collector.disable-defaults \
	--collector.textfile --collector.textfile.directory=out >exporter 2>&1 &
pids+=($!)
for _ in {1..60}; do
	[ ! -S socket ] || break
	sleep 0.5
done
# shellcheck disable=SC2016 # perl's
perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un("socket")) || die "socket: $!";
	syswrite(S, "GET /metrics HTTP/1.0\r\n\r\n"); print while <S>' >scraped 2>&1 || true
# It orders labels by name, adds empty ones, and writes large numbers with an exponent.
samples() {
	awk '/^snp_/ {
		gsub(/[{},]/, " "); m = $1
		for (i = 2; i < NF; i++) if ($i !~ /=""$/) for (j = 2; j < NF; j++) if (i != j && $j !~ /=""$/ && $j < $i) r[i]++
		k = 0; l = ""
		for (k = 0; k < NF; k++) for (i = 2; i < NF; i++) if ($i !~ /=""$/ && r[i] + 0 == k) l = l " " $i
		print m l, $NF + 0; split("", r) }' "$1" | sort
}
samples scraped >there
samples out/snp.prom >here
check "node_exporter's textfile collector passes each number on" same here there
check "... and has no complaint" equal \
	"$(grep '^node_textfile_scrape_error' scraped || sed 's/^/# /' exporter scraped)" "node_textfile_scrape_error 0"
