// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM's own memory: how much of it may be pinned, and pages that it brings only when
 * they are asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/userfaultfd.h>

#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"
#include "vmm_memory.h"

/* From now on limit_memlock() counts for us. */
void drop_ipc_lock(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	TEST_ASSERT(!syscall(SYS_capget, &h, d), "capget: %s", strerror(errno));
	d[0].effective &= ~(1u << CAP_IPC_LOCK);
	TEST_ASSERT(!syscall(SYS_capset, &h, d), "capset: %s", strerror(errno));
}

void limit_memlock(unsigned long pages)
{
	struct rlimit r = { .rlim_cur = pages * PAGE_SIZE, .rlim_max = RLIM_INFINITY };

	TEST_ASSERT(!setrlimit(RLIMIT_MEMLOCK, &r), "setrlimit: %s", strerror(errno));
}

/* Returns a descriptor that is readable when somebody waits for a page of it. */
int watch_memory(void *start, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (unsigned long)start, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	TEST_ASSERT(fd >= 0 && !ioctl(fd, UFFDIO_API, &api) && !ioctl(fd, UFFDIO_REGISTER, &reg),
		    "userfaultfd: %s", strerror(errno));
	return fd;
}
