// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's kernel writes to private pages, in each context, by the module
 * tests/modules/rmp_fault_test.c. Here: that each write is counted and traced
 * as what it is, and that what must not be repaired is left to the stock path.
 *
 *	rmp_fault_test, with $MODULES the folder of rmp_fault_test.ko
 *
 * The module stays loaded: other tests write through it, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest.h"
#include "files.h"

#define MODULE		"/sys/kernel/debug/rmp_fault_test/"
#define COUNTERS	"/sys/kernel/debug/rmp_fault/"
#define POLICY		"/sys/module/kernel/parameters/rmp_fault"
#define TRACE		"/sys/kernel/tracing/instances/rmp_fault_test/"

enum { STOCK, RECOVERED, SPURIOUS, BUSY, REFUSED, STUCK, DECLINED, FLIPPED, NR_COUNTERS };
static const char * const counter_names[NR_COUNTERS] = {
	"stock", "recovered", "spurious", "busy", "refused", "stuck", "declined",
	"flipped_pages",
};

/* How the counters must move; ANY: no matter */
#define ANY	ULONG_MAX
struct expectation {
	const char *name;
	const char *property;
	unsigned long recovered, flipped;	/* exactly */
	unsigned long at_least;			/* recovered, if not exactly */
	unsigned long refused, declined, stuck;
	const char *trace;			/* what the verdict says, or NULL: no fault */
};

static const struct expectation cases[] = {
	{ "plain", "a write to a private page completes",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "irqoff", "with IRQs off",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "preempt", "with preemption off",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "spinlock", "with a spinlock held, IRQs off",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "hardirq", "in a hard interrupt",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "softirq", "in a softirq",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "nmi", "in an NMI",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "kprobe", "from a single-stepped kprobe",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "console", "with the lock of the console's port held",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "nested", "in an NMI that interrupts the repair of another",
	  .recovered = 2, .flipped = 2, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "case1", "CASE1: two threads fault on the same page, both continue",
	  .recovered = 2, .flipped = 2, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "allcpus", "on all CPUs at once, one page",
	  .recovered = ANY, .flipped = ANY, .at_least = 50,
	  .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "neighbours", "on all CPUs at once, neighbours of a page that stays private",
	  .recovered = ANY, .flipped = ANY, .at_least = 20 },
	{ "storm", "while its owner takes the page back again and again",
	  .recovered = ANY, .flipped = ANY, .at_least = 100,
	  .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "retaken", "6000 retries at one instruction, each with progress, do not reach the bound",
	  .recovered = 6000, .flipped = 6000,
	  .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "huge", "a 2M entry is flipped whole",
	  .recovered = 1, .flipped = 512 },
	{ "psmash", "after PSMASH one page is flipped alone, the direct map was split before",
	  .recovered = 1, .flipped = 1 },
	{ "uaccess", "copy_from_user() to a private page is a write, not a fixup",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=recovered result=0" },
	{ "read", "a read is allowed and flips nothing", .recovered = 0 },
	{ "notpresent", "a !PRESENT fault is not ours: the fixup answers", .recovered = 0 },
	{ "mmio", "a write-protected device is not ours: the fixup answers", .recovered = 0 },
	{ "noncanonical", "a non-canonical address is not ours: the fixup answers",
	  .recovered = 0 },
	{ "refused", "hardware refuses: the fixup answers, the page stays the firmware's",
	  .refused = 1, .trace = "verdict=flip-4K outcome=refused result=" },
	{ "measured", "a page that firmware is measuring: waits for it, then is flipped",
	  .recovered = 1, .flipped = 1, .trace = "verdict=flip-4K outcome=busy result=-11" },
	{ "stuck", "a repair that never succeeds ends in the fixup",
	  .stuck = 1 },
};

static void read_counters(unsigned long *c)
{
	char path[PATH_MAX];
	int i;

	for (i = 0; i < NR_COUNTERS; i++) {
		snprintf(path, sizeof(path), COUNTERS "%s", counter_names[i]);
		c[i] = read_number(path);
	}
}

/* The module's word on the last case, without the newline, and the pfn in it */
static unsigned long last_pfn(char *word, size_t size)
{
	char *text = read_text(MODULE "result");
	char *pfn = strstr(text, "pfn=0x");

	text[strcspn(text, "\n")] = '\0';
	snprintf(word, size, "%s", text);
	return pfn ? strtoul(pfn + 4, NULL, 16) : 0;
}

/* Line of @event about @pfn that contains @what, at or after @from */
static char *trace_line(char *from, const char *event, unsigned long pfn, const char *what)
{
	char want[64], about[64], line[512], *next;

	snprintf(want, sizeof(want), " %s: ", event);
	snprintf(about, sizeof(about), "pfn=0x%lx ", pfn);
	for (; from && *from; from = next) {
		next = strchr(from, '\n');
		next = next ? next + 1 : from + strlen(from);
		snprintf(line, sizeof(line), "%.*s", (int)(next - from), from);
		if (strstr(line, want) && strstr(line, about) && strstr(line, what))
			return from;
	}
	return NULL;
}

static int run_case(const char *name)
{
	write_text(TRACE "trace", "");
	return write_text(MODULE "run", name);
}

static bool moved(const struct expectation *e, const unsigned long *a, const unsigned long *b)
{
	unsigned long d[NR_COUNTERS];
	bool good;
	int i;

	for (i = 0; i < NR_COUNTERS; i++)
		d[i] = b[i] - a[i];
	good = !d[STOCK] && d[STUCK] == e->stuck && d[REFUSED] == e->refused &&
	       d[DECLINED] == e->declined &&
	       (e->recovered == ANY || d[RECOVERED] == e->recovered) &&
	       (e->flipped == ANY || d[FLIPPED] == e->flipped) &&
	       d[RECOVERED] >= e->at_least;
	if (!good)
		for (i = 0; i < NR_COUNTERS; i++)
			ksft_print_msg("counter %s: +%lu\n", counter_names[i], d[i]);
	return good;
}

static void test_case(const struct expectation *e)
{
	unsigned long before[NR_COUNTERS], after[NR_COUNTERS], pfn;
	char word[256], *trace;
	bool good;
	int err;

	read_counters(before);
	err = run_case(e->name);
	read_counters(after);
	pfn = last_pfn(word, sizeof(word));
	if (err == ENODEV) {
		ksft_test_result_skip("%s: %s: needs two CPUs, or a serial console\n",
				      e->name, e->property);
		return;
	}
	if (err == ENXIO) {
		ksft_test_result_skip("%s: %s: the page could not be made private\n",
				      e->name, e->property);
		return;
	}
	good = moved(e, before, after);
	if (err) {
		ksft_print_msg("%s: %s,%s\n", e->name, strerror(err), word);
		good = false;
	}
	trace = read_text(TRACE "trace");
	if (e->trace && !trace_line(trace, "rmp_verdict", pfn, e->trace)) {
		ksft_print_msg("no rmp_verdict of pfn 0x%lx with %s\n", pfn, e->trace);
		good = false;
	}
	if (!e->recovered && !e->refused && !e->declined && !e->stuck &&
	    strstr(trace, " rmp_fault: ")) {
		ksft_print_msg("a fault is in the trace\n");
		good = false;
	}
	ksft_test_result(good, "%s: %s\n", e->name, e->property);
}

/* One fault from end to end: assigned, faulted on, flipped, decided, in that order. */
static void test_trace(void)
{
	char want[256], word[256], *at;
	int err = run_case("plain");
	unsigned long pfn = last_pfn(word, sizeof(word));
	unsigned long gpa = 0x4000000000ul + (pfn << 12);

	snprintf(want, sizeof(want), "level=4K assigned=1 asid=15 gpa=0x%lx immutable=0 result=0",
		 gpa);
	at = trace_line(read_text(TRACE "trace"), "rmp_update", pfn, want);
	snprintf(want, sizeof(want),
		 "error_code=0x80000003 mapping=4K level=4K assigned=1 asid=15 gpa=0x%lx immutable=0 vmsa=0 validated=0 rmp=[0x",
		 gpa);
	at = trace_line(at, "rmp_fault", pfn, want);
	at = trace_line(at, "rmp_update", pfn,
			"level=4K assigned=0 asid=0 gpa=0x0 immutable=0 result=0");
	at = trace_line(at, "rmp_verdict", pfn, "verdict=flip-4K outcome=recovered result=0");
	if (!at)
		ksft_print_msg("trace:\n%s\n", read_text(TRACE "trace"));
	ksft_test_result(!err && at, "trace: update, fault, update, verdict, with their fields\n");

	err = run_case("psmash");
	pfn = last_pfn(word, sizeof(word));
	at = trace_line(read_text(TRACE "trace"), "rmp_update", pfn, "level=2M assigned=1");
	snprintf(want, sizeof(want), "rmp_psmash: pfn=0x%lx result=0\n", pfn);
	ksft_test_result(!err && at && strstr(at, want), "trace: PSMASH\n");
}

static void test_policy(void)
{
	static const struct expectation declined = {
		"declined", "rmp_fault=oops at run time: nothing is flipped",
		.declined = 1, .trace = "verdict=flip-4K outcome=declined result=0",
	};

	ksft_test_result(write_text(POLICY, "maybe") == EINVAL &&
			 !strcmp(read_text(POLICY), "recover\n"),
			 "policy: an unknown word changes nothing\n");
	if (write_text(POLICY, "oops"))
		ksft_exit_fail_msg(POLICY ": %s\n", strerror(errno));
	test_case(&declined);
	write_text(POLICY, "recover");
	test_case(&cases[0]);
}

static unsigned int log_lines(const char *with)
{
	static char log[1 << 20];
	int n = klogctl(3, log, sizeof(log) - 1);
	unsigned int count = 0;
	char *p;

	log[n > 0 ? n : 0] = '\0';
	for (p = log; (p = strstr(p, with)); p++)
		count++;
	return count;
}

static void test_log(void)
{
	unsigned int before;
	char word[256], want[64];
	int err;

	/* Past the interval of the rate limit */
	sleep(6);
	run_case("plain");
	snprintf(want, sizeof(want), "RMP fault: pfn 0x%lx, 4K entry 0x",
		 last_pfn(word, sizeof(word)));
	ksft_test_result(log_lines(want) >= 1 && log_lines("(ASID 15, GPA 0x") >= 1 &&
			 log_lines("written by rmp_fault_test_insn+0x0") >= 1,
			 "log: a line names pfn, entry, ASID, GPA and instruction\n");

	before = log_lines("RMP fault: pfn");
	err = run_case("retaken");
	ksft_test_result(!err && log_lines("RMP fault: pfn") - before < 100,
			 "log: a storm of faults is rate-limited\n");
}

static volatile char poke_value;

static void on_segv(int sig)
{
	_exit(sig == SIGSEGV ? 42 : 1);
}

enum poke { POKE_WRITE, POKE_READ, POKE_FETCH, NR_POKES };

/* The child's exit status: 42, it got SIGSEGV */
static int poke(unsigned long address, enum poke how)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, on_segv);
		if (how == POKE_WRITE)
			*(volatile char *)address = 1;
		else if (how == POKE_READ)
			poke_value = *(volatile char *)address;
		else
			((void (*)(void))address)();
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* U/S is checked before the RMP: a process can name a page, and flip nothing. */
static void test_user_pokes(void)
{
	unsigned long before[NR_COUNTERS], after[NR_COUNTERS], va = 0;
	static const struct expectation nothing = { .recovered = 0 };
	bool segv = true, efault = true;
	char word[256], *at;
	unsigned int i, how;
	int zero, err;

	read_counters(before);
	err = run_case("hold");
	last_pfn(word, sizeof(word));
	at = strstr(word, "va=0x");
	if (!err && at)
		va = strtoul(at + 3, NULL, 16);
	if (!va) {
		ksft_test_result_fail("user mode: no private page to poke at: %s\n", strerror(err));
		return;
	}

	const unsigned long where[] = { va, va + 4095, 1ul << 47, 1ul << 62, -8ul };

	for (i = 0; i < ARRAY_SIZE(where); i++) {
		for (how = 0; how < NR_POKES; how++) {
			if (poke(where[i], how) == 42)
				continue;
			ksft_print_msg("no SIGSEGV at %#lx, access %u\n", where[i], how);
			segv = false;
		}
	}
	zero = open("/dev/zero", O_RDONLY);
	if (syscall(SYS_read, zero, va, 1) != -1 || errno != EFAULT) {
		ksft_print_msg("read() into %#lx: %s\n", va, strerror(errno));
		efault = false;
	}
	close(zero);
	err = run_case("release");
	read_counters(after);
	if (err)
		ksft_print_msg("the page after it: %s, %s\n", strerror(err),
			       read_text(MODULE "result"));
	ksft_test_result(segv && efault && !err && moved(&nothing, before, after),
			 "user mode: kernel addresses are SIGSEGV or EFAULT, and nothing is flipped\n");
}

/* What this machine cannot show. */
static void test_giga(void)
{
	char *text = read_text("/proc/meminfo"), *at = strstr(text, "DirectMap1G:");

	if (!at || !strtoul(at + strlen("DirectMap1G:"), NULL, 10))
		ksft_test_result_skip("1G mapping: none here (KUnit has the verdict)\n");
	else
		ksft_test_result_skip("1G mapping: conversion splits it before any write\n");
}

int main(void)
{
	unsigned int i;
	int err;

	ksft_print_header();
	if (access(COUNTERS "recovered", F_OK))
		ksft_exit_skip("no " COUNTERS ": no SEV-SNP host, or CONFIG_SNP_PAGE_STATE off\n");
	err = load_module("rmp_fault_test");
	if (err == ENOENT)
		ksft_exit_skip("no rmp_fault_test.ko in $MODULES (make modules)\n");
	if (err)
		ksft_exit_fail_msg("rmp_fault_test.ko: %s\n", strerror(err));
	if (mkdir(TRACE, 0700) && errno != EEXIST)
		ksft_exit_fail_msg(TRACE ": %s\n", strerror(errno));
	if (write_text(TRACE "events/rmp/enable", "1"))
		ksft_exit_fail_msg(TRACE "events/rmp: %s\n", strerror(errno));

	ksft_set_plan(ARRAY_SIZE(cases) + 2 + 3 + 2 + 2);
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		test_case(&cases[i]);
	test_user_pokes();
	test_giga();
	test_trace();
	test_policy();
	test_log();

	write_text(TRACE "events/rmp/enable", "0");
	rmdir(TRACE);
	ksft_finished();
}
