// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Xen leaf lock under those who take it: vCPUs inside vcpu->mutex and
 * kvm->srcu (the hypercall page's MSR, vCPU attributes), VM ioctls, and
 * KVM_XEN_EVTCHN_RESET, which also waits for a grace period of kvm->srcu; beside
 * a VM ioctl that takes vcpu->mutex inside kvm->lock. Everybody must come to an
 * end, with lockdep or without.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "kselftest_harness.h"

#define RESETS		200
#define ROUNDS		200	/* at least, of the others */
#define HANG_SECONDS	60
#define TEST_SECONDS	90
#define PORTS		4
#define XEN_MSR		0x40000000
#define EVTCHN_IPI	5	/* EVTCHNSTAT_ipi of Xen's interface */
#define HYPERCALL_GPA	0x100000

#define REGION		(256 << 10)

struct shared {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	void *region;
	atomic_bool done;	/* all resets */
};

/* Everybody is there as long as there are resets. */
static bool goes_on(struct shared *s, int round)
{
	return round < ROUNDS || !s->done;
}

static void *write_msr(void *arg)
{
	struct shared *s = arg;
	struct {
		struct kvm_msrs h;
		struct kvm_msr_entry e;
	} msrs = { .h.nmsrs = 1, .e = { .index = XEN_MSR, .data = HYPERCALL_GPA } };
	int i;

	for (i = 0; goes_on(s, i); i++)
		TEST_ASSERT(ioctl(s->vcpu->fd, KVM_SET_MSRS, &msrs) == 1, "hypercall page: %s",
			    strerror(errno));
	return NULL;
}

static void *set_vcpu_attr(void *arg)
{
	struct shared *s = arg;
	struct kvm_xen_vcpu_attr a = {
		.type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID,
		.u.vcpu_id = 0,
	};
	int i;

	for (i = 0; goes_on(s, i); i++)
		TEST_ASSERT(!ioctl(s->vcpu->fd, KVM_XEN_VCPU_SET_ATTR, &a), "vCPU attribute: %s",
			    strerror(errno));
	return NULL;
}

static void *reset_ports(void *arg)
{
	struct shared *s = arg;
	struct kvm_xen_hvm_attr a = { .type = KVM_XEN_ATTR_TYPE_EVTCHN };
	int i, port;

	for (i = 0; i < RESETS; i++) {
		for (port = 1; port <= PORTS; port++) {
			memset(&a.u, 0, sizeof(a.u));
			a.u.evtchn.send_port = port;
			a.u.evtchn.type = EVTCHN_IPI;
			a.u.evtchn.deliver.port.port = port;
			a.u.evtchn.deliver.port.priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL;
			TEST_ASSERT(!ioctl(s->vm->fd, KVM_XEN_HVM_SET_ATTR, &a), "port %d: %s",
				    port, strerror(errno));
		}
		memset(&a.u, 0, sizeof(a.u));
		a.u.evtchn.flags = KVM_XEN_EVTCHN_RESET;
		TEST_ASSERT(!ioctl(s->vm->fd, KVM_XEN_HVM_SET_ATTR, &a), "reset: %s",
			    strerror(errno));
	}
	s->done = true;
	return NULL;
}

/* kvm->lock, then vcpu->mutex; refused under both, as the vCPU is debugged */
static void *stop_vcpus(void *arg)
{
	struct shared *s = arg;
	struct kvm_sev_cmd cmd = { .id = KVM_SEV_LAUNCH_UPDATE_VMSA, .sev_fd = -1 };
	int i;

	for (i = 0; goes_on(s, i); i++)
		TEST_ASSERT(ioctl(s->vm->fd, KVM_MEMORY_ENCRYPT_OP, &cmd) == -1 && errno == EINVAL,
			    "a debugged vCPU's VMSA was taken");
	return NULL;
}

/* Holds kvm->lock for long, so that others queue for it: then orders meet. */
static void *hog(void *arg)
{
	struct shared *s = arg;
	struct kvm_enc_region enc = { .addr = (u64)s->region, .size = REGION };
	int i;

	for (i = 0; goes_on(s, i); i++) {
		TEST_ASSERT(!ioctl(s->vm->fd, KVM_MEMORY_ENCRYPT_REG_REGION, &enc), "region: %s",
			    strerror(errno));
		TEST_ASSERT(!ioctl(s->vm->fd, KVM_MEMORY_ENCRYPT_UNREG_REGION, &enc), "region: %s",
			    strerror(errno));
	}
	return NULL;
}

static const struct {
	char name[32];
	void *(*fn)(void *arg);
} threads[] = {
	{ "MSR of the hypercall page", write_msr },
	{ "vCPU attribute", set_vcpu_attr },
	{ "KVM_XEN_EVTCHN_RESET", reset_ports },
	{ "kvm->lock, vcpu->mutex", stop_vcpus },
	{ "kvm->lock for long", hog },
};

FIXTURE(xen_lock) {
};

FIXTURE_SETUP(xen_lock)
{
}

FIXTURE_TEARDOWN(xen_lock)
{
}

TEST_F_TIMEOUT(xen_lock, everybody_who_takes_it_ends, TEST_SECONDS)
{
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | KVM_XEN_HVM_CONFIG_EVTCHN_SEND,
		.msr = XEN_MSR,
	};
	struct kvm_guest_debug debug = { .control = KVM_GUESTDBG_ENABLE };
	pthread_t t[ARRAY_SIZE(threads)];
	struct timespec until;
	struct shared s = { };
	int i, hung = 0;

	TEST_REQUIRE(kvm_check_cap(KVM_CAP_XEN_HVM) & KVM_XEN_HVM_CONFIG_EVTCHN_SEND);
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SEV_ES));

	s.region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, s.region);
	s.vm = vm_create_barebones();
	sev_es_vm_init(s.vm);
	vm_ioctl(s.vm, KVM_XEN_HVM_CONFIG, &config);
	vm_userspace_mem_region_add(s.vm, VM_MEM_SRC_ANONYMOUS, HYPERCALL_GPA, 0, 1, 0);
	s.vcpu = __vm_vcpu_add(s.vm, 0);
	vcpu_ioctl(s.vcpu, KVM_SET_GUEST_DEBUG, &debug);

	for (i = 0; i < ARRAY_SIZE(threads); i++)
		ASSERT_EQ(0, pthread_create(&t[i], NULL, threads[i].fn, &s));

	/* Not a measure of speed: it ends, or never does. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HANG_SECONDS;
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		if (!pthread_timedjoin_np(t[i], NULL, &until))
			continue;
		hung++;
		ksft_print_msg("this one hangs: %s\n", threads[i].name);
	}
	EXPECT_EQ(0, hung);
	if (hung)
		_exit(KSFT_FAIL);	/* what hangs can't be freed */
	kvm_vm_free(s.vm);
}

TEST_HARNESS_MAIN
