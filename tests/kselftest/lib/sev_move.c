// SPDX-License-Identifier: GPL-2.0-only
/* Moving a SEV guest's context, and the misc cgroup that its ASID is charged to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "test_util.h"
#include "sev_move.h"

/* 0 or -errno */
int sev_move(int dst_fd, int src_fd)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM,
		.args = { src_fd },
	};

	return ioctl(dst_fd, KVM_ENABLE_CAP, &cap) ? -errno : 0;
}

void cgroup_write(const char *dir, const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	TEST_ASSERT(fd >= 0, "%s: %s", path, strerror(errno));
	TEST_ASSERT(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		    "%s: '%s' refused: %s", path, text, strerror(errno));
	close(fd);
}

void cgroup_enter(const char *dir)
{
	cgroup_write(dir, "cgroup.procs", "0");
}

/* Whoever was in it and has ended may not be gone yet. */
void cgroup_remove(const char *dir)
{
	int tries = 0;

	while (rmdir(dir)) {
		TEST_ASSERT(errno == EBUSY && ++tries < 3000, "rmdir %s: %s", dir, strerror(errno));
		usleep(10000);
	}
}

/* What misc.current of @dir says about "sev" or "sev_es" */
long cgroup_charged(const char *dir, const char *type)
{
	char path[256], name[32];
	long value, found = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/misc.current", dir);
	f = fopen(path, "r");
	TEST_ASSERT(f, "%s: %s", path, strerror(errno));
	while (fscanf(f, "%31s %ld", name, &value) == 2) {
		if (!strcmp(name, type))
			found = value;
	}
	fclose(f);
	TEST_ASSERT(found >= 0, "%s: no line for %s", path, type);
	return found;
}
