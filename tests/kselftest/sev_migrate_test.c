// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM: the guest runs on in the destination, the
 * source is dead, the charge of the ASID is where the ASID is, and every error
 * has its cause and leaves both VMs as they were. Upstream's sev_migrate_tests
 * has the rest; none of its guests ever runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "svm.h"
#include "kselftest_harness.h"
#include "sev_move.h"

/* More than the platform has ASIDs of a kind */
#define MANY		20

static int migrate(struct kvm_vm *dst, int src_fd)
{
	return sev_move(dst->fd, src_fd);
}

static int mirror(struct kvm_vm *dst, struct kvm_vm *src)
{
	return __vm_enable_cap(dst, KVM_CAP_VM_COPY_ENC_CONTEXT_FROM, src->fd) ? -errno : 0;
}

static struct kvm_vm *plain_vm(int nr_vcpus)
{
	struct kvm_vm *vm = vm_create_barebones();
	int i;

	for (i = 0; i < nr_vcpus; i++)
		__vm_vcpu_add(vm, i);
	return vm;
}

static struct kvm_vm *sev_vm(bool es, int nr_vcpus)
{
	struct kvm_vm *vm = vm_create_barebones();
	int i;

	if (es)
		sev_es_vm_init(vm);
	else
		sev_vm_init(vm);
	for (i = 0; i < nr_vcpus; i++)
		__vm_vcpu_add(vm, i);
	sev_vm_launch(vm, es ? SEV_POLICY_ES : 0);
	return vm;
}

/* How many VMs of the type can be started on top of what there is? */
static int free_asids(bool es)
{
	struct kvm_vm *vms[MANY];
	struct kvm_sev_cmd cmd = { .id = es ? KVM_SEV_ES_INIT : KVM_SEV_INIT };
	int n = 0, i;

	while (n < ARRAY_SIZE(vms)) {
		vms[n] = vm_create_barebones();
		n++;
		if (ioctl(vms[n - 1]->fd, KVM_MEMORY_ENCRYPT_OP, &cmd))
			break;
	}
	for (i = 0; i < n; i++)
		kvm_vm_free(vms[i]);
	return n - 1;
}

FIXTURE(migrate)
{
	/* The root has no misc.current, so all happens below @top. */
	char top[64], home[80], x[80], y[80];
	int sev_asids, es_asids;
};

FIXTURE_SETUP(migrate)
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_VM_MOVE_ENC_CONTEXT_FROM));
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SEV));
	TEST_REQUIRE(kvm_cpu_has(X86_FEATURE_SEV_ES));

	cgroup_write(CGROUPS, "cgroup.subtree_control", "+misc");
	snprintf(self->top, sizeof(self->top), CGROUPS "/migrate.%d", getpid());
	snprintf(self->home, sizeof(self->home), "%s/home", self->top);
	snprintf(self->x, sizeof(self->x), "%s/x", self->top);
	snprintf(self->y, sizeof(self->y), "%s/y", self->top);
	ASSERT_EQ(0, mkdir(self->top, 0755));
	cgroup_write(self->top, "cgroup.subtree_control", "+misc");
	ASSERT_EQ(0, mkdir(self->home, 0755));
	ASSERT_EQ(0, mkdir(self->x, 0755));
	ASSERT_EQ(0, mkdir(self->y, 0755));
	self->sev_asids = free_asids(false);
	self->es_asids = free_asids(true);
	cgroup_enter(self->home);
}

/* Whatever a test did: nothing stays charged, and no ASID is lost. */
FIXTURE_TEARDOWN(migrate)
{
	EXPECT_EQ(0, cgroup_charged(self->top, "sev")) TH_LOG("a charge was left behind");
	EXPECT_EQ(0, cgroup_charged(self->top, "sev_es")) TH_LOG("a charge was left behind");
	cgroup_enter(CGROUPS);
	EXPECT_EQ(self->sev_asids, free_asids(false)) TH_LOG("SEV guests that can be started");
	EXPECT_EQ(self->es_asids, free_asids(true)) TH_LOG("SEV-ES guests that can be started");
	cgroup_remove(self->home);
	cgroup_remove(self->x);
	cgroup_remove(self->y);
	cgroup_remove(self->top);
}

/* ---- charges ------------------------------------------------------------- */

static void charge_moves(struct __test_metadata *_metadata, struct _test_data_migrate *self,
			 bool es)
{
	const char *type = es ? "sev_es" : "sev", *other = es ? "sev" : "sev_es";
	struct kvm_vm *src, *dst, *dst2;

	cgroup_enter(self->x);
	src = sev_vm(es, 1);
	dst = plain_vm(1);
	dst2 = plain_vm(1);
	EXPECT_EQ(1, cgroup_charged(self->x, type));

	cgroup_enter(self->y);
	ASSERT_EQ(0, migrate(dst, src->fd));
	EXPECT_EQ(0, cgroup_charged(self->x, type)) TH_LOG("the source's cgroup is still charged");
	EXPECT_EQ(1, cgroup_charged(self->y, type))
		TH_LOG("the destination's cgroup is not charged");
	EXPECT_EQ(0, cgroup_charged(self->x, other))
		TH_LOG("the source's cgroup has a charge of the other kind");
	EXPECT_EQ(0, cgroup_charged(self->y, other))
		TH_LOG("the destination's cgroup has a charge of the other kind");

	/* Within one cgroup there is nothing to charge. */
	ASSERT_EQ(0, migrate(dst2, dst->fd));
	EXPECT_EQ(1, cgroup_charged(self->y, type));

	kvm_vm_free(src);
	kvm_vm_free(dst);
	EXPECT_EQ(1, cgroup_charged(self->y, type))
		TH_LOG("a dead source gave back what it no longer had");
	kvm_vm_free(dst2);
	EXPECT_EQ(0, cgroup_charged(self->y, type));
}

TEST_F_TIMEOUT(migrate, sev_charge_moves_to_the_callers_cgroup, 120)
{
	charge_moves(_metadata, self, false);
}

TEST_F_TIMEOUT(migrate, sev_es_charge_moves_to_the_callers_cgroup, 120)
{
	charge_moves(_metadata, self, true);
}

TEST_F_TIMEOUT(migrate, refused_charge_leaves_both_as_they_were, 120)
{
	struct kvm_vm *src, *dst;

	cgroup_enter(self->x);
	src = sev_vm(false, 1);
	dst = plain_vm(1);

	cgroup_write(self->y, "misc.max", "sev 0");
	cgroup_enter(self->y);
	ASSERT_EQ(-EBUSY, migrate(dst, src->fd));
	EXPECT_EQ(1, cgroup_charged(self->x, "sev"));
	EXPECT_EQ(0, cgroup_charged(self->y, "sev"));

	cgroup_write(self->y, "misc.max", "sev max");
	EXPECT_EQ(0, migrate(dst, src->fd));

	kvm_vm_free(src);
	kvm_vm_free(dst);
}

/* 6.12 charges the cgroup for a mirror's move and never gives it back. */
TEST_F_TIMEOUT(migrate, mirror_borrows_its_asid_wherever_it_moves, 240)
{
	struct kvm_vm *owner = sev_vm(false, 0), *from, *to;
	long before = cgroup_charged(self->top, "sev");
	int i;

	from = plain_vm(0);
	ASSERT_EQ(0, mirror(from, owner));
	EXPECT_EQ(before, cgroup_charged(self->top, "sev"));

	for (i = 0; i < MANY; i++) {
		cgroup_enter(i % 2 ? self->x : self->y);
		to = plain_vm(0);
		ASSERT_EQ(0, migrate(to, from->fd)) TH_LOG("move %d", i);
		kvm_vm_free(from);
		from = to;
	}
	EXPECT_EQ(before, cgroup_charged(self->top, "sev")) TH_LOG("moved mirrors are charged for");
	kvm_vm_free(from);

	EXPECT_EQ(before, cgroup_charged(self->top, "sev"))
		TH_LOG("a dead mirror left a charge behind");
	EXPECT_EQ(self->sev_asids - 1, free_asids(false));
	kvm_vm_free(owner);
}

TEST_F_TIMEOUT(migrate, mirrors_follow_their_owner, 120)
{
	struct kvm_vm *owner = sev_vm(false, 0), *dst = plain_vm(0);
	struct kvm_vm *m = plain_vm(0), *m2 = plain_vm(0);
	struct kvm_sev_guest_status status;

	ASSERT_EQ(0, mirror(m, owner));
	ASSERT_EQ(0, migrate(dst, owner->fd));
	kvm_vm_free(owner);
	/* The mirror's ASID lives on in the destination, and it can still move. */
	m->arch.sev_fd = open_sev_dev_path_or_exit();
	EXPECT_EQ(0, __vm_sev_ioctl(m, KVM_SEV_GUEST_STATUS, &status));
	ASSERT_EQ(0, migrate(m2, m->fd));
	/* The owner may go first: a mirror holds it. */
	kvm_vm_free(dst);
	EXPECT_EQ(1, cgroup_charged(self->top, "sev"));
	kvm_vm_free(m);
	kvm_vm_free(m2);
	EXPECT_EQ(0, cgroup_charged(self->top, "sev"));
}

/* ---- errors -------------------------------------------------------------- */

TEST_F_TIMEOUT(migrate, ebadf_for_what_is_no_vm, 60)
{
	struct kvm_vm *src = sev_vm(false, 1), *dst = plain_vm(1);
	struct kvm_vcpu *vcpu = list_first_entry(&src->vcpus, struct kvm_vcpu, list);
	int null = open("/dev/null", O_RDWR), p[2];

	ASSERT_EQ(0, pipe(p));
	EXPECT_EQ(-EBADF, migrate(dst, -1));
	EXPECT_EQ(-EBADF, migrate(dst, 1 << 20));
	EXPECT_EQ(-EBADF, migrate(dst, null));
	EXPECT_EQ(-EBADF, migrate(dst, p[0]));
	EXPECT_EQ(-EBADF, migrate(dst, src->kvm_fd));
	EXPECT_EQ(-EBADF, migrate(dst, vcpu->fd));
	close(null);
	EXPECT_EQ(-EBADF, migrate(dst, null));
	EXPECT_EQ(0, migrate(dst, src->fd));

	close(p[0]);
	close(p[1]);
	kvm_vm_free(src);
	kvm_vm_free(dst);
}

TEST_F_TIMEOUT(migrate, einval_for_a_pair_that_cannot_be, 120)
{
	struct kvm_vm *sev = sev_vm(false, 1), *es = sev_vm(true, 2), *dst = plain_vm(0);
	struct kvm_vm *plain = plain_vm(1), *other, *no_vmsa, *ids;
	struct kvm_sev_init init = { };

	EXPECT_EQ(-EINVAL, migrate(sev, sev->fd)) TH_LOG("onto itself");
	EXPECT_EQ(-EINVAL, migrate(plain, plain->fd)) TH_LOG("onto itself");
	EXPECT_EQ(-EINVAL, migrate(dst, plain->fd)) TH_LOG("from a VM without SEV");
	EXPECT_EQ(-EINVAL, migrate(sev, es->fd)) TH_LOG("onto a SEV VM");
	EXPECT_EQ(-EINVAL, migrate(es, sev->fd)) TH_LOG("onto a SEV-ES VM");
	EXPECT_EQ(-EINVAL, migrate(plain, es->fd)) TH_LOG("fewer vCPUs than a SEV-ES guest has");

	other = vm_create_barebones_type(KVM_X86_SEV_VM);
	EXPECT_EQ(-EINVAL, migrate(other, sev->fd)) TH_LOG("onto a VM of another type");
	EXPECT_EQ(-EINVAL, migrate(dst, other->fd)) TH_LOG("from a VM of another type");

	ids = plain_vm(0);
	__vm_vcpu_add(ids, 1);
	__vm_vcpu_add(ids, 0);
	EXPECT_EQ(-EINVAL, migrate(ids, es->fd)) TH_LOG("vCPUs in another order");

	no_vmsa = vm_create_barebones();
	sev_es_vm_init(no_vmsa);
	__vm_vcpu_add(no_vmsa, 0);
	EXPECT_EQ(-EINVAL, migrate(plain, no_vmsa->fd)) TH_LOG("vCPU without VMSA");

	kvm_vm_free(ids);
	kvm_vm_free(other);
	if (kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SNP_VM)) {
		struct kvm_vm *snp = vm_create_barebones_type(KVM_X86_SNP_VM);

		other = vm_create_barebones_type(KVM_X86_SNP_VM);
		snp->arch.sev_fd = open_sev_dev_path_or_exit();
		vm_sev_ioctl(snp, KVM_SEV_INIT2, &init);
		EXPECT_EQ(-EINVAL, migrate(other, snp->fd)) TH_LOG("from an SNP guest");
		kvm_vm_free(snp);
		kvm_vm_free(other);
	}

	/* And none of it has hurt these. */
	EXPECT_EQ(0, migrate(dst, sev->fd));

	kvm_vm_free(sev);
	kvm_vm_free(es);
	kvm_vm_free(dst);
	kvm_vm_free(plain);
	kvm_vm_free(no_vmsa);
}

/* A VMM may say so at any time: the vCPU runs a nested guest. */
static int set_nested_guest(struct kvm_vcpu *vcpu, bool nested)
{
	struct kvm_nested_state *state = calloc(1, sizeof(*state) + KVM_STATE_NESTED_SVM_VMCB_SIZE);
	struct vmcb *vmcb = (void *)state->data.svm[0].vmcb12;
	int ret;

	state->size = sizeof(*state) + KVM_STATE_NESTED_SVM_VMCB_SIZE;
	state->format = KVM_STATE_NESTED_FORMAT_SVM;
	state->flags = KVM_STATE_NESTED_GIF_SET;
	if (nested)
		state->flags |= KVM_STATE_NESTED_GUEST_MODE;
	state->hdr.svm.vmcb_pa = PAGE_SIZE;
	vmcb->control.intercept = 1ull << INTERCEPT_VMRUN;
	vmcb->control.asid = 1;
	vmcb->save.efer = EFER_SVME;
	vmcb->save.cr0 = X86_CR0_PE | X86_CR0_PG;
	ret = __vcpu_ioctl(vcpu, KVM_SET_NESTED_STATE, state) ? -errno : 0;
	free(state);
	return ret;
}

/* Of a vCPU that nobody has set up: it may have SVM, and has it on. */
static void enable_svm(struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());
	vcpu_sregs_get(vcpu, &sregs);
	sregs.efer |= EFER_SVME;
	vcpu_sregs_set(vcpu, &sregs);
}

TEST_F_TIMEOUT(migrate, einval_while_a_vcpu_runs_a_nested_guest, 60)
{
	struct kvm_vm *sev = sev_vm(false, 1), *dst = plain_vm(1);
	struct kvm_vm *es = vm_create_barebones(), *dst_es = plain_vm(1);
	struct kvm_vcpu *vcpu = list_first_entry(&dst->vcpus, struct kvm_vcpu, list);

	enable_svm(vcpu);
	ASSERT_EQ(0, set_nested_guest(vcpu, true));
	EXPECT_EQ(-EINVAL, migrate(dst, sev->fd)) TH_LOG("the destination's");
	ASSERT_EQ(0, set_nested_guest(vcpu, false));
	EXPECT_EQ(0, migrate(dst, sev->fd));

	sev_es_vm_init(es);
	vcpu = __vm_vcpu_add(es, 0);
	enable_svm(vcpu);
	ASSERT_EQ(0, set_nested_guest(vcpu, true));
	sev_vm_launch(es, SEV_POLICY_ES);
	EXPECT_EQ(-EINVAL, migrate(dst_es, es->fd)) TH_LOG("the source's, which has the VMSA");
	ASSERT_EQ(0, set_nested_guest(vcpu, false));
	EXPECT_EQ(0, migrate(dst_es, es->fd));

	kvm_vm_free(sev);
	kvm_vm_free(es);
	kvm_vm_free(dst);
	kvm_vm_free(dst_es);
}

TEST_F_TIMEOUT(migrate, source_is_dead_and_its_memory_its_owners, 60)
{
	struct kvm_vm *src = sev_vm(true, 1), *dst = plain_vm(1), *third = plain_vm(1);
	struct kvm_vcpu *vcpu = list_first_entry(&src->vcpus, struct kvm_vcpu, list);
	struct kvm_sev_guest_status status;
	struct kvm_sev_cmd cmd = { .id = KVM_SEV_GUEST_STATUS, .data = (u64)&status };
	struct kvm_userspace_memory_region region = { .slot = 7 };
	struct kvm_enc_region enc;
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	size_t len = 2 << 20;
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	memset(p, 1, len);
	enc.addr = (u64)p;
	enc.size = len;
	ASSERT_EQ(0, ioctl(src->fd, KVM_MEMORY_ENCRYPT_REG_REGION, &enc));
	ASSERT_EQ(0, migrate(dst, src->fd));

#define EXPECT_EIO(what) do { EXPECT_EQ(-1, what); EXPECT_EQ(EIO, errno) TH_LOG(#what); } while (0)
	EXPECT_EIO(ioctl(vcpu->fd, KVM_RUN, NULL));
	EXPECT_EIO(ioctl(vcpu->fd, KVM_GET_REGS, &regs));
	EXPECT_EIO(ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp));
	EXPECT_EIO(ioctl(src->fd, KVM_MEMORY_ENCRYPT_OP, &cmd));
	EXPECT_EIO(ioctl(src->fd, KVM_SET_USER_MEMORY_REGION, &region));
	EXPECT_EIO(ioctl(src->fd, KVM_CREATE_VCPU, 5));
	EXPECT_EIO(ioctl(src->fd, KVM_MEMORY_ENCRYPT_UNREG_REGION, &enc));
	EXPECT_EQ(-EIO, migrate(src, dst->fd));
	EXPECT_EQ(-EIO, migrate(third, src->fd));

	/* The region went along; the memory is unmapped and freed as any other. */
	EXPECT_EQ(0, ioctl(dst->fd, KVM_MEMORY_ENCRYPT_UNREG_REGION, &enc));
	EXPECT_EQ(0, munmap(p, len));

	kvm_vm_free(src);
	kvm_vm_free(dst);
	kvm_vm_free(third);
}

/* ---- the guest runs on --------------------------------------------------- */

static volatile u64 guest_count;

/* A termination request is the exit that needs no GHCB; nobody is terminated. */
static void guest_es_counts(void)
{
	for (;;) {
		guest_count++;
		wrmsr(MSR_AMD64_SEV_ES_GHCB, GHCB_MSR_TERM_REQ | guest_count << 16);
		__asm__ __volatile__("rep; vmmcall" ::: "memory");
	}
}

static void guest_sev_counts(void)
{
	for (;;) {
		guest_count++;
		GUEST_SYNC(guest_count);
	}
}

/* The guest's count as its exit tells it */
static u64 run_to_count(struct kvm_vcpu *vcpu, bool es)
{
	struct ucall uc;

	vcpu_run(vcpu);
	if (!es) {
		TEST_ASSERT_EQ(get_ucall(vcpu, &uc), UCALL_SYNC);
		return uc.args[1];
	}
	TEST_ASSERT(vcpu->run->exit_reason == KVM_EXIT_SYSTEM_EVENT, "exit: %s",
		    exit_reason_str(vcpu->run->exit_reason));
	return vcpu->run->system_event.data[0] >> 16 & 0xff;
}

/* A VM that sees the same memory, as another VMM would by a shared file */
static struct kvm_vm *twin(struct kvm_vm *of, unsigned long type, struct kvm_vcpu **vcpu)
{
	struct kvm_vm *vm = vm_create_barebones_type(type);
	struct userspace_mem_region *region;
	int i;

	hash_for_each(of->regions.slot_hash, i, region, slot_node)
		TEST_ASSERT(!__vm_set_user_memory_region(vm, region->region.slot, 0,
							 region->region.guest_phys_addr,
							 region->region.memory_size,
							 (void *)region->region.userspace_addr),
			    "memslot: %s", strerror(errno));
	*vcpu = __vm_vcpu_add(vm, 0);
	vcpu_init_cpuid(*vcpu, kvm_get_supported_cpuid());
	return vm;
}

static void guest_runs_on(struct __test_metadata *_metadata, unsigned long type)
{
	bool es = type == KVM_X86_SEV_ES_VM;
	struct kvm_vcpu *vcpu, *next;
	struct kvm_vm *vm, *vms[4];
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	u64 count = 0;
	int i, j;

	vm = vm_sev_create_with_one_vcpu(type, es ? guest_es_counts : guest_sev_counts, &vcpu);
	vm_sev_launch(vm, es ? SEV_POLICY_ES : 0, NULL);
	vms[0] = vm;

	for (i = 1; i < ARRAY_SIZE(vms); i++) {
		for (j = 0; j < 5; j++)
			ASSERT_EQ(++count, run_to_count(vcpu, es)) TH_LOG("in VM %d", i - 1);
		vms[i] = twin(vm, type, &next);
		if (!es) {
			/* complete the exit first: the answer is state, too */
			vcpu->run->immediate_exit = 1;
			__vcpu_run(vcpu);
			vcpu->run->immediate_exit = 0;
			vcpu_regs_get(vcpu, &regs);
			vcpu_sregs_get(vcpu, &sregs);
		}
		ASSERT_EQ(0, migrate(vms[i], vms[i - 1]->fd));
		if (!es) {
			vcpu_sregs_set(next, &sregs);
			vcpu_regs_set(next, &regs);
			/* get_ucall() looks the ucall up in the VM's memory */
			next->vm = vm;
		}
		vcpu = next;
	}
	ASSERT_EQ(++count, run_to_count(vcpu, es)) TH_LOG("in the last VM");

	for (i = ARRAY_SIZE(vms) - 1; i > 0; i--) {
		list_for_each_entry(vcpu, &vms[i]->vcpus, list)
			vcpu->vm = vms[i];
		kvm_vm_free(vms[i]);
	}
	/* Not kvm_vm_free(): it deletes memslots by ioctl, and this VM is dead. */
	kvm_vm_release(vm);
}

TEST_F_TIMEOUT(migrate, sev_guest_runs_on, 120)
{
	guest_runs_on(_metadata, KVM_X86_SEV_VM);
}

TEST_F_TIMEOUT(migrate, sev_es_guest_runs_on, 120)
{
	guest_runs_on(_metadata, KVM_X86_SEV_ES_VM);
}

TEST_HARNESS_MAIN
