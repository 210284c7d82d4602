#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# tap.sh: what the tests in shell of this folder begin with. To be sourced: the
# working directory is then an empty one in $tmp, which goes at the end; $here is
# the repository, $debug debugfs.
# shellcheck disable=SC2034 # for those who source it
set -eu
export LC_ALL=C.UTF-8
here=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
debug=/sys/kernel/debug
tmp=$(mktemp -d)
pids=()
# shellcheck disable=SC2329 # by the trap
at_exit() {
	[ ${#pids[@]} -eq 0 ] || kill -9 "${pids[@]}" 2>/dev/null || true
	rm -rf "$tmp"
}
trap at_exit EXIT
cd "$tmp"
n=0

# On the debug kernel it takes 0.4 s to start a program with shared libraries, and 0.1 s
# to start busybox. For the tests only: what they test has the host's.
for applet in awk cat cut grep head sort tail tr wc; do
	eval "$applet() { busybox $applet \"\$@\"; }"
done

skip() { echo "SKIP: $*"; exit 4; }
need_rmp() { [ -e $debug/rmp/map ] || skip "no $debug/rmp (CONFIG_SNP_PAGE_STATE, SNP host)"; }
need_host_write() {
	[ -e $debug/rmp_fault_test/write ] || skip "insmod rmp_fault_test.ko"
	[ -e $debug/snp_fail_test/fail ] || skip "insmod snp_fail_test.ko"
}

check() { # TEXT COMMAND...
	local text=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n $text"; else echo "not ok $n $text"; fi
}
equal() { [ "$1" = "$2" ] || { echo "# is '$1', should be '$2'"; return 1; }; }
same() { diff "$1" "$2" >differ || { head -n 5 differ | sed 's/^/# /'; return 1; }; }
refuses() { # RE COMMAND...: one line that says why, status 1
	local re=$1 rc=0 out
	shift
	out=$("$@" 2>&1 </dev/null) || rc=$?
	[[ $rc -eq 1 && $out != *$'\n'* && $out =~ $re ]] || { echo "# status $rc: $out"; return 1; }
}
as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# With an empty folder in the place of DIRECTORY
without() { # DIRECTORY COMMAND...
	# shellcheck disable=SC2016 # by the inner shell
	unshare -m bash -c 'mount -t tmpfs none "$0" && exec "$@"' "$@"
}

# trace_guest COMMAND with its facts in the file facts; see trace_guest.c
guest() {
	local rc=0
	"$here/build/kselftest/trace_guest" "$@" >facts 2>guest.err || rc=$?
	grep -v 'Random seed' guest.err | sed 's/^/# /' || true
	return $rc
}
fact() { awk -v k="$1" '$1 == k { print $2 }' facts; }
# How many lines of that name there are
facts() { awk -v k="$1" '$1 == k { n++ } END { print n + 0 }' facts; }
# Column COLUMN of its conversions, of those whose FORM, TO, SIZE match RE
psc() { awk -v c="$1" -v re="${2:-.}" '$1 == "psc" && $2 " " $3 " " $4 ~ re { n += $c } END { print n + 0 }' facts; }
# By how much counters that match RE have grown, from file before to file after
delta() { awk -v re="$1" '$0 ~ re { n += FNR == NR ? -$NF : $NF } END { print n + 0 }' before after; }
