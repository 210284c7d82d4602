#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All that watches events, at once, while guests do a known number of everything
# (trace_guest.c): each bpftrace tool's counts are the guests', the recording has
# their events, the live view their faults.
# shellcheck source=tests/kselftest/lib/tap.sh
. "${0%/*}/lib/tap.sh"
trace=$here/tracing/snp-trace
tools=(rmpfaults psclat psctop rmpstate rmpsnoop gfnbusy)
command -v bpftrace >/dev/null || skip "no bpftrace"
command -v trace-cmd >/dev/null || skip "no trace-cmd"
need_rmp
need_host_write
echo 1..51

# What keeps bpftrace 0.17 from starting for minutes on the debug kernel. It reads
# available_events (here 1700 lines) again for each "args" of a program, ten times, so
# it gets those of ours alone. Where there is no BTF it asks two programs, modprobe for
# the kernel's headers and clang for folders; there are no modules here, and its own
# list of folders will do.
grep '^\(rmp\|snp_guest\):' /sys/kernel/tracing/available_events >few
mkdir quick
printf '#!/bin/busybox sh\nexit 1\n' >quick/modprobe
chmod +x quick/modprobe
for clang in /usr/bin/clang /usr/bin/clang-[0-9]*; do
	[ ! -e "$clang" ] || cp quick/modprobe "quick/${clang##*/}"
done
cp $debug/rmp/counters start
# All in one: bpftrace takes its time to start.
# shellcheck disable=SC2016 # by the inner shell
PATH=$tmp/quick:$PATH unshare -m bash -c 'mount --bind few "$0/available_events" &&
	mount --bind /dev/null "$0/available_filter_functions" && exec "$@"' \
	$debug/tracing "$trace" "${tools[@]}" >all 2>all.err </dev/null &
bpftrace=$!
pids+=("$bpftrace")

# What can't work says so in one line.
check "no tracepoint: one line, status 1" refuses 'no tracepoint rmp:rmp_fault' \
	without /sys/kernel/tracing/events/rmp "$trace" rmpfaults
check "no debugfs rmp/: one line, status 1" refuses 'not an SNP host' without $debug/rmp "$trace" rmpstate
check "not root: one line, status 1" refuses 'needs root' as_nobody "$trace" psclat
check "no such tool: one line, status 1" refuses 'no such tool' "$trace" nosuch
check "snp-watch: not root: one line, status 1" refuses 'needs root' as_nobody "$here/tracing/snp-watch"
check "snp-watch: no debugfs rmp/: one line, status 1" refuses 'not an SNP host' without $debug/rmp "$here/tracing/snp-watch"
check "record: not root: one line, status 1" refuses 'needs root' as_nobody "$here/tracing/record" true
check "record: no tracepoints: one line, status 1" refuses 'no rmp events' \
	without /sys/kernel/tracing/events/rmp "$here/tracing/record" true

wait_for() { # SECONDS COMMAND...
	local i
	for ((i = 0; i < $1; i++)); do
		! "${@:2}" || return 0
		kill -0 "$bpftrace" 2>/dev/null || break
		sleep 1
	done
	sed 's/^/# /' all all.err ./*.err
	echo "not ok $((n + 1)) ${*:2}"
	exit 1
}
all_tools_start() { [ "$(grep -c 'Ctrl-C ends\|^TIME' all)" -eq ${#tools[@]} ]; }
the_live_view_starts() { grep -q 'last faults' watch; }
wait_for 300 all_tools_start
"$here/tracing/snp-watch" 3 >watch 2>watch.err &
watch=$!
pids+=("$watch")
wait_for 100 the_live_view_starts
# On the debug kernel it keeps a CPU busy: not before it is needed again
kill -STOP "$watch"

cp $debug/rmp/counters before
# While the guest stands still: a sample of rmpstate and a picture of snp-watch more
# than had begun before; then a status to be told from others
export watch
cat >still <<-'END'
	kill -CONT "$watch"
	count() { grep -c "$1" "$2" || true; }
	pages=/sys/kernel/debug/rmp/pages
	for i in {1..100}; do
		# Direct-map merges of the guest before may still go on.
		if ! cat $pages | cmp -s - pages; then
			cat $pages >pages
			samples=$(($(count ^version all) + 2)) pictures=$(($(count 'last faults' watch) + 2))
		fi
		[ "$(count ^version all)" -lt $samples ] || [ "$(count 'last faults' watch)" -lt $pictures ] || exit 7
		sleep 1
	done
	exit 8
END
rc=0
"$here/tracing/record" -s -o trace.dat "$here/build/kselftest/trace_guest" "bash still" >facts 2>guest.err || rc=$?
cp $debug/rmp/counters after
kill -INT "$watch" 2>/dev/null || true
kill -TERM "$watch"
# The guests' regions are merged now, not while bpftrace lets go of one event after the other.
echo 1 >$debug/rmp_dmap/merge
sleep 1
# bpftrace 0.17 hears the signal only when it comes while it waits for an event, and dies
# by a second one that comes once it has heard the first, without its last maps. Being
# stopped and continued ends the wait as well, and kills nobody.
kill -INT "$bpftrace"
for _ in {1..60}; do
	sleep 1
	kill -STOP "$bpftrace" 2>/dev/null || break
	kill -CONT "$bpftrace"
done
ended=0
wait "$bpftrace" || ended=$?
cp $debug/rmp/counters end
# Each tool's maps under their own names, and what is printed by line
for t in "${tools[@]}"; do : >"$t"; done
awk '/^@[a-z]+_/ { t = $0; sub(/^@/, "", t); sub(/_.*/, "", t); sub(/^@[a-z]+_/, "@"); print >t; next }
	t != "" && /^(    |, |\]|\[)/ { print >t; next }
	{ t = ""; print >"lines" }' all
watched=0
wait "$watch" || watched=$?
pids=()
sed 's/^/# /' ./*.err | grep -v 'Random seed' || true
# Each process that need not start is a tenth of a second less on the debug kernel.
declare -A fact nr seen printed
while read -r name value _; do
	fact[$name]=$value
	nr[$name]=$((${nr[$name]:-0} + 1))
done <facts
read -r requests ranges private shared < <(awk '$1 == "psc" { r += $5; a += $6; n[$3] += $7 }
	END { print r, a, n["private"], n["shared"] }' facts)
# As on another machine: no events there, and no symbols of this kernel
# shellcheck disable=SC2016 # by the inner shell
without /sys bash -c 'mount --bind /dev/null /proc/kallsyms && exec trace-cmd report -i "$0"' \
	trace.dat >events 2>/dev/null
# The name comes after the time: "task-pid [cpu] time: name: "
while read -r name value; do seen[$name]=$value; done < <(awk '{
	if (match($0, /: [a-z_]+: /)) n[substr($0, RSTART + 2, RLENGTH - 4)]++ }
	END { for (e in n) print e, n[e] }' events)
while read -r name value; do printed[$name]=$value; done < <(awk '{ n[$4]++ } END { for (e in n) print e, n[e] }' lines)

check "record: the status is the command's" equal $rc 7
check "bpftrace: ends by the signal, with status 0" equal $ended 0

# Lines "form, size, to" of facts column $1, and of a map of psclat's
told() {
	awk -v c="$1" '$1 == "psc" { n["[" $2 ", " $4 ", " $3 "]:"] += $c } END { for (k in n) print k, n[k] }' facts | sort
}
map() { sed -n "s/^@$1\\[/[/p" "$2" | sort; }

check "rmpfaults: the faults, by verdict, outcome, process and ASID" \
	equal "$(map faults rmpfaults)" \
	"$(awk -v pid="${fact[pid]}" '$1 == "lost" { n[$4]++ } END { for (a in n)
		printf "[flip-4K, recovered, trace_guest, %d, %d, %d]: %d\n", pid, a, pid, n[a] }' facts | sort)"
check "rmpfaults: all from one stack, and in the function that writes" \
	equal "$(grep -c '^@stacks\[' rmpfaults) $(grep '^, ' rmpfaults)" \
	"1 , trace_guest, rmp_fault_test_insn]: ${nr[lost]}"
check "rmpfaults: the stack leads from write() to that function" \
	equal "$(grep -oE '^ +(rmp_fault_test_insn|poke_write|vfs_write)' rmpfaults | tr -d '\n ')" \
	rmp_fault_test_insnpoke_writevfs_write

check "psclat: requests by form, size and direction" equal "$(map requests psclat)" "$(told 5)"
check "psclat: ranges" equal "$(map ranges psclat)" "$(told 6)"
check "psclat: pages" equal "$(map total_pages psclat)" "$(told 7)"
# Of histogram MAP: key, how many are in it, the least and the most they can be in all
histogram() {
	awk -v map="@$1[" 'function n(s) { return s ~ /K/ ? s * 1024 : s + 0 }
		/^@/ { k = "" } !index($0, map) { if (k == "") next } index($0, map) { k = $0; sub(/^@[a-z_]*/, "", k); sub(/ *$/, "", k); next }
		/\|/ { one = $1 ~ /\]$/; split($0, b, /[^0-9K]+/); c = b[one ? 3 : 4]
			all[k] += c; least[k] += c * n(b[2]); most[k] += c * (one ? n(b[2]) : n(b[3]) - 1) }
		END { for (k in all) print k, all[k], least[k], most[k] }' psclat | sort
}
check "psclat: each request is timed once" equal "$(histogram us | sed 's/ [0-9]* [0-9]*$//')" "$(told 5)"
histogram pages_per_request >pages_of
check "psclat: the pages of each request are counted once" equal "$(sed 's/ [0-9]* [0-9]*$//' pages_of)" "$(told 5)"
check "psclat: ... and are as many as the guests asked for" equal \
	"$(told 7 | paste -d ' ' - pages_of | awk '$4 < $(NF - 1) || $4 > $NF')" ""

who="[${fact[pid]}]:"
check "psctop: ranges and pages of the guests, and of no other, in place or not" \
	equal "$(grep -h '^@all' psctop | sort | tr '\n' ';')" \
	"@all_ranges$who $ranges;@all_to_private$who $private;@all_to_shared$who $shared;"

# What the kernel counted meanwhile, in rmpstate's words
awk '$1 == "rmpupdate" { gsub(/[a-z]+=/, ""); k = "[" $2 ", " $3 ", " ($4 == "ok" ? "ok" : "failed") "]:"
		n[k] += FNR == NR ? -$NF : $NF }
	END { for (k in n) if (n[k]) print k, n[k] }' before after | sort >updates
updates=$(awk '{ n += $NF } END { print n }' updates)
check "rmpstate: RMPUPDATEs are those the kernel counts" equal "$(map all_update rmpstate)" "$(<updates)"
sampled() {
	awk 'NR == FNR { want = want $0 "\n"; next } /^version/ { got = "" }
		{ got = got $0 "\n"; if (got == want) f = 1 } END { exit !f }' pages lines
}
check "rmpstate: regions of the direct map that were split, as the kernel counts them" \
	equal "$(map all_regions rmpstate | sed -n 's/^\[split\]: //p')" "$(delta '^directmap_split')"
# Merges go on in the background: no fewer than while the guests ran, no more than since before.
check "rmpstate: ... and merged" equal "$(awk '$1 == "directmap_merge" && /merged/ { n[FILENAME] = $NF }
	$1 == "@all_regions[merged]:" { m = $2 }
	END { print (m >= n["after"] - n["before"] && m <= n["end"] - n["start"]) }' before after start end rmpstate)" 1
check "rmpstate: a sample shows the pages as they are while the guest stands still" sampled

check "rmpsnoop: a line for each range, fault, verdict and wrong request" \
	equal "${printed[psc]:-0} ${printed[fault]:-0} ${printed[verdict]:-0} ${printed[error]:-0}" \
	"$ranges ${nr[lost]} ${nr[lost]} ${fact[guest_errors]}"
check "rmpsnoop: the faults are on the pages the guest lost" \
	equal "$(awk '$4 == "fault" { print $6, $8 }' lines)" \
	"$(awk '$1 == "lost" { print "pfn=" $2, "gpa=" $3 }' facts)"
check "rmpsnoop: a line for each RMPUPDATE the kernel counts" \
	equal "${printed[update]:-0}" "$updates"
check "rmpsnoop: the map that was met, the one that was refused, the cache revoked" \
	equal "$(awk '$4 == "met" || $4 == "refused" { print $4, $6 } $4 == "revoke" { n++ } END { print n }' lines | tr '\n' ' ')" \
	"met gpa=${fact[contended]}000 refused gpa=${fact[refused]}000 ${fact[revoked]} "
check "rmpsnoop: the map that waited, each page that leaked" \
	equal "$(awk '$4 == "waits" || $4 == "leak" { print $4 " " $6 (NF > 6 ? " " $7 : "") }' lines)" \
	"waits gpa=${fact[waited]}000
$(awk '$1 == "leaked" { print "leak pfn=" $2 " pages=1" }' facts)"
check "rmpsnoop: the migrations, the one refused with its reason" \
	equal "$(awk '$4 == "migrate" { n[$5]++ } END { print n[0], n[-22] }' lines)" \
	"${fact[migrated]} ${fact[migration_refused]}"
check "rmpsnoop: splits and merges of the direct map, as the kernel counts them" \
	equal "$(awk '$4 == "split" { sub("regions=", "", $7); s += $7 } $4 == "merge" { m++ } END { print s + 0, m + 0 }' lines)" \
	"$(awk '$1 == "@all_regions[split]:" { s = $2 } $1 == "@all_regions[merged]:" { m = $2 } END { print s + 0, m + 0 }' rmpstate)"

check "gfnbusy: the frame that a conversion found mapped, and who held it" \
	equal "$(map met gfnbusy) $(grep -o '^@holders\[[^ ]* [^ ]*' gfnbusy)" \
	"[$((fact[contended])), map, ${fact[pid]}, trace_guest]: 1 @holders[$((fact[contended])), ${fact[pid]},"
check "gfnbusy: ... by which stack" equal \
	"$(sed -n '/^@holders/,/^\]/p' gfnbusy | grep -oE ' (kvm_in_place_map|sev_handle_vmgexit|kvm_vcpu_ioctl)' | tr -d '\n')" \
	" kvm_in_place_map sev_handle_vmgexit kvm_vcpu_ioctl"
check "gfnbusy: the frame on which a map waited, once" \
	equal "$(map waits gfnbusy)" "[$((fact[waited])), ${fact[pid]}, trace_guest]: 1"
check "gfnbusy: the private frame that KVM did not map" \
	equal "$(sed -n '/^@refused/,/^\]/p' gfnbusy | sed -n '1s/, $//p; $p')" \
	"@refused[$((fact[refused])), ${fact[pid]}, trace_guest
]: 1"

check "record: nothing was lost" equal "$(grep -c 'EVENTS DROPPED\|overrun: [1-9]' events || true)" 0
check "report: an event for each fault, verdict and wrong request" \
	equal "${seen[rmp_fault]:-0} ${seen[rmp_verdict]:-0} ${seen[snp_guest_error]:-0}" \
	"${nr[lost]} ${nr[lost]} ${fact[guest_errors]}"
check "report: with -s, a stack for each fault and for nothing else" \
	equal "${seen[kernel_stack]:-0}" "${nr[lost]}"
check "report: an event for each range of a page-state change, and each begins and ends" \
	equal "${seen[snp_psc]:-0} ${seen[snp_psc_begin]:-0} ${seen[snp_psc_end]:-0}" "$ranges $requests $requests"
check "report: none of these requests failed, each has its time" \
	equal "$(grep -c 'snp_psc_end: .* result=0x0 ns=[1-9]' events)" "$requests"
check "report: an event for each RMPUPDATE the kernel counts" \
	equal "${seen[rmp_update]:-0}" "$updates"
check "report: verdicts, the writing function, whose page: words and numbers" \
	equal "$(grep -c 'verdict=flip-4K outcome=recovered' events) $(grep -c "ip=rmp_fault_test_insn+0x0 .* owner=${fact[pid]}" events)" \
	"${nr[lost]} ${nr[lost]}"
check "report: conversions are words" \
	equal "$(grep -c 'form=nae to=shared size=2M gfn=0x40200 pages=1024' events)" 1
check "report: maps are held and let go; met, waiting and refused where the guest did it" \
	equal "$(grep -c 'what=held' events) $(sed -n 's/.* snp_contended: *//p; s/.* snp_map: *\(.*what=\(refused\|waits\)\)/\1/p' events)" \
	"$(grep -c 'what=released' events) gfn=${fact[contended]} pages=1 held=${fact[contended]} kind=map
gfn=${fact[waited]} kind=map what=waits
gfn=${fact[refused]} kind=map what=refused"
check "report: each page that leaked" \
	equal "$(sed -n 's/.* rmp_leak: *//p' events)" "$(awk '$1 == "leaked" { print "pfn=" $2, "pages=1" }' facts)"
check "report: a migration begins and ends, and so does one that is refused" \
	equal "${seen[snp_migrate_begin]:-0} $(grep -c 'snp_migrate_end: .*result=0 ' events) $(grep -c 'snp_migrate_end: .*result=-22' events)" \
	"2 ${fact[migrated]} ${fact[migration_refused]}"

# The lost pages, private from first to last but for a moment
"$here/tracing/rmplapse" -a "${fact[asid]}" -r 4003c-4003d -c 1 trace.dat >lapse || true
check "rmplapse: the pages that the guest lost become private, and go back when it ends" equal \
	"$(grep -o 'values="[^"]*"' lapse | sed 's/;.*;/ /' | tr '\n' ' ')" \
	'values="#ffffff #d9d9d9" values="#ffffff #d9d9d9" '

check "snp-watch: ends by a signal with status 0" equal $watched 0
check "snp-watch: gives the terminal back" equal "$(tail -c 14 watch | od -An -c | tr -d ' \n')" \
	"$(printf '\033[?25h\033[?1049l' | od -An -c | tr -d ' \n')"
check "snp-watch: leaves no trace instance" test ! -e /sys/kernel/tracing/instances/snp-watch
# The last picture, line by line; a cell is up to three bytes.
awk 'BEGIN { RS = "\033\\[H" } { f = $0 } END { printf "%s", f }' watch |
	sed 's/\x1b\[[?0-9;]*[a-zA-Z]//g; s/[·▒█░▓▚]/x/g' >last
check "snp-watch: fits 80x24, and shows the guest's last faults" \
	equal "$(($(wc -l <last) < 24)) $(awk 'length($0) > 80' last) $(sed '1,/^last faults/d' last | awk '{ print $3, $5 }' | tr '\n' ';')" \
	"1  $(awk '$1 == "lost" { print "pfn=" $2 " gpa=" $3 }' facts | tail -n 4 | tr '\n' ';')"
