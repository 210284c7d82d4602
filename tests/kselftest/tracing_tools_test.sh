#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The bpftrace tools of tracing/, all at once while one guest does a known number
# of everything (trace_guest.c): each one's counts are the guest's.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
trace=$here/tracing/snp-trace
debug=/sys/kernel/debug
tools=(rmpfaults psclat psctop rmpstate rmpsnoop)
command -v bpftrace >/dev/null || { echo "SKIP: no bpftrace"; exit 4; }
[ -e $debug/rmp/counters ] || { echo "SKIP: no $debug/rmp (CONFIG_SNP_PAGE_STATE, SNP host)"; exit 4; }
[ -e $debug/rmp_fault_test/write ] || { echo "SKIP: insmod rmp_fault_test.ko"; exit 4; }
tmp=$(mktemp -d)
pids=()
trap '[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}"; rm -rf "$tmp"' EXIT
cd "$tmp"
n=0
check() { # TEXT COMMAND...
	local text=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n $text"; else echo "not ok $n $text"; fi
}
equal() { [ "$1" = "$2" ] || { echo "# is '$1', should be '$2'"; return 1; }; }
echo 1..18

# What can't work says so in one line.
refuses() { # RE COMMAND...
	local re=$1 rc=0 out
	shift
	out=$("$@" 2>&1 </dev/null) || rc=$?
	[[ $rc -eq 1 && $(wc -l <<<"$out") -eq 1 && $out =~ $re ]] ||
		{ echo "# status $rc: $out"; return 1; }
}
check "no tracepoint: one line, status 1" refuses 'no tracepoint rmp:rmp_fault' \
	unshare -m sh -c "mount -t tmpfs none /sys/kernel/tracing/events/rmp && $trace rmpfaults"
check "no debugfs rmp/: one line, status 1" refuses 'not an SNP host' \
	unshare -m sh -c "mount -t tmpfs none $debug/rmp && $trace rmpstate"
check "not root: one line, status 1" refuses 'needs root' \
	setpriv --reuid 65534 --regid 65534 --clear-groups "$trace" psclat
check "no such tool: one line, status 1" refuses 'no such tool' "$trace" nosuch

for t in "${tools[@]}"; do
	# shellcheck disable=SC2094 # the tool's name is not read
	"$trace" "$t" >"$t" 2>"$t.err" </dev/null &
	pids+=($!)
done
for _ in {1..500}; do
	[ "$(grep -l 'Ctrl-C ends\|^TIME' "${tools[@]}" | wc -l)" -lt ${#tools[@]} ] || break
	sleep 1
done

cp $debug/rmp/counters before
# Two more samples of rmpstate while the guest stands still
cat >still <<-'END'
	cat /sys/kernel/debug/rmp/pages >pages
	n=$(grep -c ^version rmpstate)
	for i in {1..60}; do
		[ "$(grep -c ^version rmpstate)" -lt $((n + 2)) ] || exit 0
		sleep 1
	done
	exit 1
END
rc=0
"$here/build/kselftest/trace_guest" "bash still" >facts 2>guest.err || rc=$?
cp $debug/rmp/counters after
# A tool that is just about to wait for an event when the signal comes does not hear
# it (bpftrace 0.17); one that does no longer catches it. 2: SIGINT in the mask.
interrupt() {
	local p caught some=1
	for p in "${pids[@]}"; do
		caught=$(sed -n 's/^SigCgt:.*\(.\)$/0x\1/p' "/proc/$p/status" 2>/dev/null || true)
		[ $((${caught:-0} & 2)) -eq 0 ] || { kill -INT "$p" && some=0; }
	done
	return $some
}
for _ in {1..20}; do
	interrupt || break
	sleep 2
done
wait "${pids[@]}" || true
pids=()
sed 's/^/# /' guest.err ./*.err | grep -v 'Random seed' || true
check "the guest did what it was to do" equal $rc 0

fact() { awk -v k="$1" '$1 == k { print $2 }' facts; }
delta() { awk -v s="$1" '$0 ~ s { n += FNR == NR ? -$NF : $NF } END { print n + 0 }' before after; }
# Lines "form, size, to" of facts column $1, and of a map of psclat's
told() { awk -v c="$1" '$1 == "psc" { printf "[%s, %s, %s]: %s\n", $2, $4, $3, $c }' facts | sort; }
map() { sed -n "s/^@$1\\[/[/p" "$2" | sort; }

check "rmpfaults: the faults, by verdict, outcome, process and ASID" \
	equal "$(map faults rmpfaults)" \
	"[flip-4K, recovered, trace_guest, $(fact pid), $(fact asid)]: $(fact faults)"
check "rmpfaults: all from one stack, and in the function that writes" \
	equal "$(grep -c '^@stacks\[' rmpfaults) $(grep '^, ' rmpfaults)" \
	"1 , trace_guest, rmp_fault_test_insn]: $(fact faults)"
check "rmpfaults: the stack leads from write() to that function" \
	equal "$(grep -oE '^ +(rmp_fault_test_insn|poke_write|vfs_write)' rmpfaults | tr -d '\n ')" \
	rmp_fault_test_insnpoke_writevfs_write

check "psclat: requests by form, size and direction" equal "$(map requests psclat)" "$(told 5)"
check "psclat: ranges" equal "$(map ranges psclat)" "$(told 6)"
check "psclat: pages" equal "$(map total_pages psclat)" "$(told 7)"
timed() {
	awk '/^@/ { k = "" } /^@us\[/ { k = $0; sub("@us", "", k); sub(/ *$/, "", k); next }
		k != "" && match($0, /[0-9]+ *\|/) { v[k] += substr($0, RSTART) }
		END { for (k in v) print k, v[k] }' psclat | sort
}
check "psclat: each request is timed once" equal "$(timed)" "$(told 5)"

sum() { awk -v c="$1" -v d="$2" '$1 == "psc" && $3 ~ d { n += $c } END { print n }' facts; }
who="[$(fact pid), trace_guest]:"
check "psctop: ranges and pages of the guest, and of no other" \
	equal "$(grep -h '^@all' psctop | sort | tr '\n' ';')" \
	"@all_ranges$who $(sum 6 .);@all_to_private$who $(sum 7 private);@all_to_shared$who $(sum 7 shared);"

check "rmpstate: RMPUPDATEs are those the kernel counts" \
	equal "$(map all_update rmpstate | tr '\n' ';')" \
	"$(for to in private shared; do for size in 2M 4K; do
		d=$(delta "rmpupdate to=$to size=$size result=ok")
		[ "$d" -eq 0 ] || echo "[$to, $size, ok]: $d"
	done; done | sort | tr '\n' ';')"
sampled() {
	awk 'NR == FNR { want = want $0 "\n"; next } /^version/ { got = "" }
		{ got = got $0 "\n"; if (got == want) f = 1 } END { exit !f }' pages rmpstate
}
check "rmpstate: a sample shows the pages as they are while the guest stands still" sampled

check "rmpsnoop: a line for each range, fault, verdict and wrong request" \
	equal "$(for e in psc fault verdict error; do awk -v e=$e '$4 == e { n++ } END { printf "%d ", n }' rmpsnoop; done)" \
	"$(sum 6 .) $(fact faults) $(fact faults) $(fact guest_errors) "
check "rmpsnoop: the faults are on the pages the guest lost" \
	equal "$(awk '$4 == "fault" { print $6, $8 }' rmpsnoop)" \
	"$(awk '$1 == "lost" { print "pfn=" $2, "gpa=" $3 }' facts)"
check "rmpsnoop: a line for each RMPUPDATE the kernel counts" \
	equal "$(awk '$4 == "update" { n++ } END { print n }' rmpsnoop)" "$(delta '^rmpupdate')"
