// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel writes to a private page by a user address, at an instruction without a
 * fixup: a bug, and an oops, not a loop. The writer dies of it, perhaps the VM.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#define MODULE	"/sys/kernel/debug/rmp_user_test"

static int tell(int fd, const char *word, void *address)
{
	char line[64];

	snprintf(line, sizeof(line), "%s %lx", word, (unsigned long)address);
	return write(fd, line, strlen(line)) < 0 ? -1 : 0;
}

/* Exit status 0 would mean that it survived. */
static void writer(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open(MODULE, O_RDWR);

	if (p == MAP_FAILED || fd < 0)
		_exit(2);
	*p = 1;
	if (tell(fd, "private", p))
		_exit(3);
	tell(fd, "bare", p + 0x7c3);
	_exit(0);
}

int main(void)
{
	static char log[1 << 20];
	int status, n;
	pid_t pid;

	ksft_print_header();
	if (access(MODULE, F_OK))
		ksft_exit_skip("no " MODULE " (insmod rmp_user_test.ko)\n");
	ksft_set_plan(2);
	pid = fork();
	if (!pid)
		writer();
	waitpid(pid, &status, 0);
	ksft_test_result(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			 "the writer is killed (status %#x)\n", status);
	n = klogctl(3, log, sizeof(log) - 1);
	log[n > 0 ? n : 0] = '\0';
	ksft_test_result(!!strstr(log, "#PF: error_code(0x80000003) - RMP violation"),
			 "the oops names the reason as a stock kernel does\n");
	ksft_finished();
}
