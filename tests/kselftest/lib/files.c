// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files by which a kernel tells and is told: settings, counters, modules. Nothing
 * here asserts or skips, as tests with different harnesses share it; only a counter
 * that does not exist ends the program, because a comparison of two such would pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"

/*
 * All of it, until the next call; "" if there is no such file. Not a static array:
 * guests are this program's image, all of it, and are measured.
 */
char *read_text(const char *path)
{
	const size_t size = 1 << 20;
	static char *text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	if (!text)
		text = malloc(size);
	if (!text)
		abort();
	while (fd >= 0 && (got = read(fd, text + n, size - 1 - n)) > 0)
		n += got;
	if (fd >= 0)
		close(fd);
	text[n] = '\0';
	return text;
}

/* Returns 0 or errno. */
int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno;
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

long read_number(const char *path)
{
	char *text = read_text(path), *end;
	long value = strtol(text, &end, 0);

	if (end == text) {
		fprintf(stderr, "# %s: no number\n", path);
		exit(1);
	}
	return value;
}

/* $MODULES/@name.ko, unless it is loaded: 0 or errno; ENOENT: not built. */
int load_module(const char *name)
{
	const char *folder = getenv("MODULES");
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (!access(path, F_OK))
		return 0;
	snprintf(path, sizeof(path), "%s/%s.ko", folder ?: ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? errno : 0;
	close(fd);
	return ret;
}

/* How long a test is to be, from the environment */
long env_number(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s && atol(s) > 0 ? atol(s) : otherwise;
}
