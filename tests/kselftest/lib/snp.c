// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMM half of the SNP library: what a VMM does for an SNP guest, in the
 * order in which it must be done, and what a test wants to know of the host.
 *
 * All memory of the guest's program (slot 0) is private and measured, except
 * the GHCB and the pages for reports and for messages to firmware. Slot 1 is for
 * conversions: private by attribute, backed by guest_memfd, neither measured
 * nor validated. In an in-place guest there is no guest_memfd and there are no
 * attributes: slot 1 is shared, and becomes private when the guest uses it so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <asm/kvm_in_place.h>
#include <linux/kvm_para.h>
#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "files.h"
#include "snp.h"

#define SNP_SLOT0_PAGES		2048
#define VC_VECTOR		29
#define RMP_FILE		"/sys/kernel/debug/snp_soft/rmp"
#define RMP_COUNTS_FILE		"/sys/kernel/debug/snp_soft/counts"

void (*snp_step_hook)(enum snp_step step);

static void step(enum snp_step s)
{
	if (snp_step_hook)
		snp_step_hook(s);
}

/* Skip, naming what is missing. */
void snp_require(void)
{
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SNP_VM),
		       "KVM without SNP guests (platform off?)");
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_EXIT_HYPERCALL) &
		       BIT(KVM_HC_MAP_GPA_RANGE), "KVM_HC_MAP_GPA_RANGE exits");
}

/* Returns 0 or -errno; firmware's answer stays in @g. */
static int snp_ioctl(struct snp_guest *g, u32 id, void *data)
{
	struct kvm_sev_cmd cmd = {
		.id = id,
		.data = (u64)data,
		.sev_fd = g->vm->arch.sev_fd,
	};
	int ret = ioctl(g->vm->fd, KVM_MEMORY_ENCRYPT_OP, &cmd) ? -errno : 0;

	g->fw_error = cmd.error;
	return ret;
}

/* 0x8000001f of KVM, which need not be that of CPUID in user space. */
static void set_c_bit(struct kvm_vm *vm)
{
	snp_channel.c_bit = kvm_cpu_property(X86_PROPERTY_SEV_C_BIT);
	TEST_ASSERT(snp_channel.c_bit, "KVM names no C-bit");
	vm->arch.c_bit = BIT_ULL(snp_channel.c_bit);
	vm->gpa_tag_mask = vm->arch.c_bit;
}

/* A second view of the test memory, without the C-bit. */
static void map_shared_alias(struct kvm_vm *vm)
{
	u64 page;

	virt_map(vm, SNP_SHARED_GVA, SNP_TEST_GPA, SNP_TEST_PAGES);
	for (page = 0; page < SNP_TEST_PAGES; page++)
		*vm_get_page_table_entry(vm, snp_shared(page)) &= ~vm->arch.c_bit;
}

static void add_memory(struct snp_guest *g, enum vm_mem_backing_src_type program_memory,
		       enum vm_mem_backing_src_type test_memory)
{
	u32 flags = g->in_place ? 0 : KVM_MEM_GUEST_MEMFD;
	struct kvm_vm *vm = g->vm;

	vm_userspace_mem_region_add(vm, program_memory, 0, 0, SNP_SLOT0_PAGES, flags);
	vm_userspace_mem_region_add(vm, test_memory, SNP_TEST_GPA,
				    SNP_TEST_SLOT, SNP_TEST_PAGES, flags);

	kvm_vm_elf_load(vm, program_invocation_name);
	kvm_arch_vm_post_create(vm);
	/* Calibrated anew at each boot, and part of the measurement. */
	guest_tsc_khz = 0;
	sync_global_to_guest(vm, guest_tsc_khz);

	__vm_phy_pages_alloc(vm, SNP_TEST_PAGES, SNP_TEST_GPA, SNP_TEST_SLOT, true);
	virt_map(vm, SNP_PRIVATE_GVA, SNP_TEST_GPA, SNP_TEST_PAGES);
	map_shared_alias(vm);
	if (!g->in_place)
		vm_mem_set_private(vm, SNP_TEST_GPA, SNP_TEST_PAGES * PAGE_SIZE);
}

/* Gate 29 leads to our stub, all others to upstream's and from there to us. */
static void install_handlers(struct kvm_vm *vm)
{
	struct idt_entry *e = addr_gva2hva(vm, vm->arch.idt);
	u64 entry = (u64)snp_vc_entry;
	int vector;

	for (vector = 0; vector < 32; vector++)
		vm_install_exception_handler(vm, vector, snp_guest_exception);

	e[VC_VECTOR].offset0 = entry;
	e[VC_VECTOR].offset1 = entry >> 16;
	e[VC_VECTOR].offset2 = entry >> 32;
}

static void open_channel(struct snp_guest *g)
{
	struct kvm_vm *vm = g->vm;
	u64 gva;

	gva = vm_vaddr_alloc_shared(vm, 4 * PAGE_SIZE, KVM_UTIL_MIN_VADDR,
				    MEM_REGION_DATA);
	snp_channel.ghcb_gva = gva;
	snp_channel.ghcb_gpa = addr_gva2gpa(vm, gva);
	snp_channel.report_gva = gva + PAGE_SIZE;
	snp_channel.request_gva = gva + 2 * PAGE_SIZE;
	snp_channel.request_gpa = snp_channel.ghcb_gpa + 2 * PAGE_SIZE;
	g->report = addr_gva2hva(vm, gva + PAGE_SIZE);
	sync_global_to_guest(vm, snp_channel);
}

static struct kvm_vm *snp_vm(void)
{
	struct vm_shape shape = {
		.mode = VM_MODE_DEFAULT,
		.type = KVM_X86_SNP_VM,
	};

	return ____vm_create(shape);
}

static void enable_caps(struct snp_guest *g)
{
	vm_enable_cap(g->vm, KVM_CAP_EXIT_HYPERCALL, BIT(KVM_HC_MAP_GPA_RANGE));
	if (g->in_place)
		vm_enable_cap(g->vm, KVM_CAP_SNP_IN_PLACE, 0);
}

static struct snp_guest *create(void (*guest_code)(void), bool in_place,
				enum vm_mem_backing_src_type program_memory,
				enum vm_mem_backing_src_type test_memory)
{
	struct kvm_sev_init init = { 0 };
	struct snp_guest *g = calloc(1, sizeof(*g));
	int ret;

	TEST_ASSERT(g, "no memory");
	g->refuse_gpa = ~0ull;
	g->in_place = in_place;

	step(SNP_STEP_CREATE);
	g->vm = snp_vm();
	g->vm->arch.sev_fd = open_path_or_exit("/dev/sev", O_RDWR);
	set_c_bit(g->vm);

	step(SNP_STEP_INIT);
	ret = snp_ioctl(g, KVM_SEV_INIT2, &init);
	TEST_ASSERT(!ret, "KVM_SEV_INIT2: %d, firmware %#x", ret, g->fw_error);
	enable_caps(g);

	g->memory = g->vm;
	step(SNP_STEP_MEMORY);
	add_memory(g, program_memory, test_memory);
	install_handlers(g->vm);
	open_channel(g);

	step(SNP_STEP_VCPU);
	g->vcpu = vm_vcpu_add(g->vm, 0, guest_code);
	return g;
}

/* A guest with memory, one vCPU and a way to talk, ready for its launch. */
struct snp_guest *snp_create(void (*guest_code)(void))
{
	return create(guest_code, false, VM_MEM_SRC_ANONYMOUS, VM_MEM_SRC_ANONYMOUS);
}

/* The same, but its pages change their state in place; the test memory is such. */
struct snp_guest *snp_create_in_place(void (*guest_code)(void),
				      enum vm_mem_backing_src_type test_memory)
{
	return create(guest_code, true, VM_MEM_SRC_ANONYMOUS, test_memory);
}

/* And all of its memory is in memfds, for other processes to have it, too. */
struct snp_guest *snp_create_in_place_shared(void (*guest_code)(void))
{
	return create(guest_code, true, VM_MEM_SRC_SHMEM, VM_MEM_SRC_SHMEM);
}

/* A VM of this process for such a guest to move to, without memory and vCPUs. */
struct snp_guest *snp_create_empty(void)
{
	struct snp_guest *g = calloc(1, sizeof(*g));

	TEST_ASSERT(g, "no memory");
	g->in_place = true;
	g->vm = snp_vm();
	g->vm->arch.sev_fd = -1;
	enable_caps(g);
	vm_create_irqchip(g->vm);
	return g;
}

/* Memory and vCPUs as @of has them: the same addresses, also after fork(). */
struct snp_guest *snp_create_twin(struct snp_guest *of)
{
	struct snp_guest *g = snp_create_empty();
	struct userspace_mem_region *region;
	struct kvm_vcpu *vcpu;
	int ctr, i, n = 0, ret;

	hash_for_each(of->memory->regions.slot_hash, ctr, region, slot_node) {
		ret = __vm_set_user_memory_region(g->vm, region->region.slot, 0,
						  region->region.guest_phys_addr,
						  region->region.memory_size,
						  (void *)region->region.userspace_addr);
		TEST_ASSERT(!ret, "memslot: %s", strerror(errno));
	}
	list_for_each_entry(vcpu, &of->vm->vcpus, list)
		n++;
	for (i = 0; i < n; i++) {
		vcpu = __vm_vcpu_add(g->vm, i);
		vcpu_init_cpuid(vcpu, kvm_get_supported_cpuid());
		if (!i)
			g->vcpu = vcpu;
	}
	g->memory = of->memory;
	g->report = of->report;
	return g;
}

/*
 * A guest that has moved away: its VM is dead, and others may have its memory.
 * Whatever is left goes with the process.
 */
void snp_free_moved(struct snp_guest *g)
{
	if (g->vm->arch.sev_fd >= 0)
		close(g->vm->arch.sev_fd);
	kvm_vm_release(g->vm);
	if (g->memory != g->vm)
		free(g->vm);
	free(g);
}

void snp_require_in_place(void)
{
	snp_require();
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_SNP_IN_PLACE),
		       "KVM_CAP_SNP_IN_PLACE (CONFIG_SNP_PAGE_STATE)");
}

/* The module that splits, merges and breaks the direct map on demand */
void snp_require_dmap_module(void)
{
	const char *state;
	int err;

	snp_require();
	state = read_text("/sys/kernel/debug/rmp_dmap/state");
	__TEST_REQUIRE(!strcmp(state, "on\n"), "rmp_dmap/state: %s", state);
	err = load_module("dmap_test");
	__TEST_REQUIRE(err != ENOENT, "dmap_test.ko in $MODULES (make modules)");
	TEST_ASSERT(!err, "dmap_test.ko: %s", strerror(err));
}

int snp_launch_start(struct snp_guest *g, u64 policy)
{
	struct kvm_sev_snp_launch_start start = { .policy = policy };

	step(SNP_STEP_START);
	return snp_ioctl(g, KVM_SEV_SNP_LAUNCH_START, &start);
}

/* KVM may take less than all (the ioctl says how much) or ask to come again. */
int snp_launch_update(struct snp_guest *g, u64 gpa, void *src,
		      u64 len, u8 type)
{
	struct kvm_sev_snp_launch_update update = {
		.gfn_start = gpa / PAGE_SIZE,
		.uaddr = (u64)src,
		.len = len,
		.type = type,
	};
	int ret;

	do {
		ret = snp_ioctl(g, KVM_SEV_SNP_LAUNCH_UPDATE, &update);
	} while (ret == -EAGAIN || (!ret && update.len));
	return ret;
}

/* The program: every page of slot 0 that the page tables map as private. */
int snp_launch_update_all(struct snp_guest *g)
{
	struct userspace_mem_region *slot0 = memslot2region(g->vm, 0);
	sparsebit_idx_t first, last;
	int ret = 0;

	step(SNP_STEP_UPDATE);
	sparsebit_for_each_set_range(slot0->protected_phy_pages, first, last) {
		u64 gpa = first * PAGE_SIZE;
		u64 len = (last - first + 1) * PAGE_SIZE;

		if (!g->in_place)
			vm_mem_set_private(g->vm, gpa, len);
		if (!ret)
			ret = snp_launch_update(g, gpa, snp_hva(g, gpa), len,
						KVM_SEV_SNP_PAGE_TYPE_NORMAL);
	}
	g->vm->arch.is_pt_protected = true;
	return ret;
}

/* For snp_attested_measurement() */
int snp_launch_secrets(struct snp_guest *g)
{
	return snp_launch_update(g, SNP_SECRETS_GPA, snp_hva(g, SNP_SECRETS_GPA),
				 PAGE_SIZE, KVM_SEV_SNP_PAGE_TYPE_SECRETS);
}

int snp_launch_finish(struct snp_guest *g)
{
	struct kvm_sev_snp_launch_finish finish = { 0 };

	step(SNP_STEP_FINISH);
	return snp_ioctl(g, KVM_SEV_SNP_LAUNCH_FINISH, &finish);
}

void snp_launch(struct snp_guest *g)
{
	int ret = snp_launch_start(g, SNP_POLICY);

	TEST_ASSERT(!ret, "LAUNCH_START: %d, firmware %#x", ret, g->fw_error);
	ret = snp_launch_update_all(g);
	TEST_ASSERT(!ret, "LAUNCH_UPDATE: %d, firmware %#x", ret, g->fw_error);
	ret = snp_launch_finish(g);
	TEST_ASSERT(!ret, "LAUNCH_FINISH: %d, firmware %#x", ret, g->fw_error);
}

struct snp_guest *snp_create_launched(void (*guest_code)(void))
{
	struct snp_guest *g = snp_create(guest_code);

	snp_launch(g);
	return g;
}

void snp_free(struct snp_guest *g)
{
	if (!g)
		return;
	if (g->vm->arch.sev_fd >= 0)
		close(g->vm->arch.sev_fd);
	kvm_vm_free(g->vm);
	free(g);
}

/* The VMM loses its files in the middle of things: no orderly teardown. */
void snp_close_fds(struct snp_guest *g, bool vm_first)
{
	struct userspace_mem_region *region;
	int ctr;

	if (vm_first)
		close(g->vm->fd);
	if (g->vcpu) {
		munmap(g->vcpu->run,
		       ioctl(g->vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0));
		close(g->vcpu->fd);
	}
	hash_for_each(g->vm->regions.slot_hash, ctr, region, slot_node)
		if (!g->in_place)
			close(region->region.guest_memfd);
	close(g->vm->arch.sev_fd);
	if (!vm_first)
		close(g->vm->fd);
	close(g->vm->kvm_fd);
}

void *snp_hva(struct snp_guest *g, u64 gpa)
{
	return addr_gpa2hva(g->memory, gpa);
}

static bool in_memory(struct snp_guest *g, u64 gpa, u64 len)
{
	const u64 end0 = SNP_SLOT0_PAGES * PAGE_SIZE;
	const u64 end1 = SNP_TEST_GPA + SNP_TEST_PAGES * PAGE_SIZE;

	if (gpa >= g->more_gpa && gpa - g->more_gpa < g->more_len)
		return len <= g->more_len - (gpa - g->more_gpa);
	return len <= end1 && ((gpa < end0 && len <= end0 - gpa) ||
			       (gpa >= SNP_TEST_GPA && gpa < end1 &&
				len <= end1 - gpa));
}

/*
 * KVM_HC_MAP_GPA_RANGE: attributes first, so that a racing fault of the guest
 * sees the new state, then give the private copy back. Outside of memory, or
 * where a test wants it, refuse: the guest gets an error.
 */
static u64 map_gpa_range(struct snp_guest *g, u64 gpa, u64 pages, u64 flags)
{
	u64 len = pages * PAGE_SIZE;

	g->requests++;
	if (len / PAGE_SIZE != pages || !in_memory(g, gpa, len) ||
	    (g->refuse_gpa >= gpa && g->refuse_gpa < gpa + len))
		return -EINVAL;

	step(SNP_STEP_CONVERT);
	if (flags & KVM_MAP_GPA_RANGE_ENCRYPTED) {
		vm_mem_set_private(g->vm, gpa, len);
		g->to_private += pages;
	} else {
		vm_mem_set_shared(g->vm, gpa, len);
		if (!g->no_punching)
			vm_guest_mem_punch_hole(g->vm, gpa, len);
		g->to_shared += pages;
	}
	return 0;
}

/* Run until the test must look: page-state changes are answered here. */
enum snp_event snp_run(struct snp_guest *g)
{
	struct kvm_run *run = g->vcpu->run;
	int ret;

	step(SNP_STEP_RUN);
	for (;;) {
		run->exit_reason = KVM_EXIT_UNKNOWN;
		do {
			ret = __vcpu_run(g->vcpu);
		} while (ret && errno == EINTR);

		if (ret) {
			g->error = errno;
			return g->error == EFAULT &&
			       run->exit_reason == KVM_EXIT_MEMORY_FAULT ?
			       SNP_EVENT_MEMORY_FAULT : SNP_EVENT_RUN_ERROR;
		}

		switch (run->exit_reason) {
		case KVM_EXIT_HYPERCALL:
			if (run->hypercall.nr != KVM_HC_MAP_GPA_RANGE)
				return SNP_EVENT_OTHER;
			run->hypercall.ret = map_gpa_range(g, run->hypercall.args[0],
							   run->hypercall.args[1],
							   run->hypercall.args[2]);
			continue;
		case KVM_EXIT_IO:
			return run->io.port == SNP_REPORT_PORT ?
			       SNP_EVENT_REPORT : SNP_EVENT_OTHER;
		case KVM_EXIT_SYSTEM_EVENT:
			if (run->system_event.type != KVM_SYSTEM_EVENT_SEV_TERM)
				return SNP_EVENT_OTHER;
			g->term = run->system_event.data[0];
			return SNP_EVENT_TERM;
		default:
			return SNP_EVENT_OTHER;
		}
	}
}

static void fail_report(struct snp_report *r)
{
	u64 *a = r->arg;

	switch (r->kind) {
	case SNP_REPORT_SYNC:
		TEST_FAIL("guest: stage %lu (%#lx, %#lx, %#lx)", a[0], a[1], a[2], a[3]);
	case SNP_REPORT_DONE:
		TEST_FAIL("guest: done too early");
	case SNP_REPORT_ASSERT:
		r->text[sizeof(r->text) - 1] = 0;
		TEST_FAIL("guest, line %lu: %s: %#lx, %#lx", a[0], r->text, a[1], a[2]);
	case SNP_REPORT_VC:
		TEST_FAIL("guest: unexpected #VC(%#lx) at %#lx", a[0], a[1]);
	case SNP_REPORT_EXCEPTION:
		TEST_FAIL("guest: exception %lu(%#lx) at %#lx, CR2 %#lx",
			  a[0], a[1], a[2], a[3]);
	default:
		TEST_FAIL("guest: unknown report %lu", r->kind);
	}
}

static void expect_report(struct snp_guest *g)
{
	struct kvm_run *run = g->vcpu->run;

	switch (snp_run(g)) {
	case SNP_EVENT_REPORT:
		return;
	case SNP_EVENT_TERM:
		TEST_FAIL("guest ended itself, set %lu reason %lu",
			  (g->term >> 12) & 0xf, (g->term >> 16) & 0xff);
	case SNP_EVENT_MEMORY_FAULT:
		TEST_FAIL("memory fault at %#llx, flags %#llx",
			  run->memory_fault.gpa, run->memory_fault.flags);
	case SNP_EVENT_RUN_ERROR:
		TEST_FAIL("KVM_RUN: %s", strerror(g->error));
	default:
		TEST_FAIL("unexpected exit %s", exit_reason_str(run->exit_reason));
	}
}

/* The guest's next report is that stage. */
void snp_expect_sync(struct snp_guest *g, u64 stage)
{
	expect_report(g);
	if (g->report->kind != SNP_REPORT_SYNC || g->report->arg[0] != stage)
		fail_report(g->report);
}

void snp_expect_done(struct snp_guest *g)
{
	expect_report(g);
	if (g->report->kind != SNP_REPORT_DONE)
		fail_report(g->report);
}

/* Returns a place in the host's log for snp_log_complaint(). */
int snp_log_mark(void)
{
	int fd = open_path_or_exit("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	lseek(fd, 0, SEEK_END);
	return fd;
}

/* The first line since @mark that no clean run leaves, or NULL. */
const char *snp_log_complaint(int mark)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace", "KASAN", "UBSAN",
		"general protection", "possible circular", "INFO: task",
		"rcu: ", "nobody cared", "SEV: Unexpected RMP fault",
		"SEV: Failed", "RMPUPDATE failed", "Leaking PFN", "SEV: Unable",
		/* A guest's wrong request is for the trace, not for the log. */
		"vmgexit:", "guest rIP",
	};
	static char line[8192];
	ssize_t n;
	size_t i;

	for (;;) {
		n = read(mark, line, sizeof(line) - 1);
		if (n < 0 && errno == EPIPE)
			continue;
		if (n <= 0)
			return NULL;
		line[n] = 0;
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			if (strstr(line, bad[i]))
				return line;
		}
	}
}

static FILE *open_rmp(const char *path)
{
	FILE *f = fopen(path, "r");

	__TEST_REQUIRE(f, "%s (debugfs, CONFIG_SNP_SOFT)", path);
	return f;
}

void snp_rmp_counts(struct snp_rmp_counts *c)
{
	FILE *f = open_rmp(RMP_COUNTS_FILE);
	int n = fscanf(f, "assigned %lu guest %lu validated %lu vmsa %lu",
		       &c->assigned, &c->guest, &c->validated, &c->vmsa);

	TEST_ASSERT(n == 4, "%s: unknown format", RMP_COUNTS_FILE);
	fclose(f);
}

u64 snp_in_place_count(const char *name)
{
	FILE *f = open_rmp(SNP_IN_PLACE_COUNTS);
	char line[32];
	u64 value;

	while (fscanf(f, "%31s %lu", line, &value) == 2) {
		if (!strcmp(line, name)) {
			fclose(f);
			return value;
		}
	}
	TEST_FAIL("%s: no %s", SNP_IN_PLACE_COUNTS, name);
}

/*
 * What conversions in place have left behind, now that all VMs are gone, in words;
 * NULL: nothing. @leaked: pages that were, or had to be, lost.
 */
const char *snp_in_place_leftover(u64 leaked)
{
	static const char *const names[] = {
		"private", "pinned", "holds", "conversions", "waiting", "leaked",
	};
	static char text[256];
	u64 value;
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		value = snp_in_place_count(names[i]);
		if (!strcmp(names[i], "leaked"))
			value -= leaked;
		if (value)
			n += snprintf(text + n, sizeof(text) - n, " %s %ld", names[i], value);
	}
	return n ? text : NULL;
}

/* The page that backs @gpa of a guest; false: none, so it is not private. */
bool snp_rmp_find(u64 gpa, u64 *pfn, u64 *asid)
{
	FILE *f = open_rmp(RMP_FILE);
	u64 at;
	bool found = false;

	while (!found && fscanf(f, "pfn %lx gpa %lx asid %lu %*[^\n] ",
				pfn, &at, asid) == 3)
		found = *asid && at == gpa;
	fclose(f);
	return found;
}

bool snp_rmp_assigned(u64 pfn)
{
	FILE *f = open_rmp(RMP_FILE);
	u64 at, gpa, asid;
	bool found = false;

	while (!found && fscanf(f, "pfn %lx gpa %lx asid %lu %*[^\n] ",
				&at, &gpa, &asid) == 3)
		found = at == pfn;
	fclose(f);
	return found;
}

/* The kernel writes a byte to the page, through its direct map; 0 or -errno. */
int snp_host_write(u64 pfn, unsigned int offset, u8 value)
{
	char line[64];
	int fd, n, ret;

	fd = open(SNP_HOST_WRITE_FILE, O_WRONLY);
	__TEST_REQUIRE(fd >= 0, "%s (insmod rmp_fault_test.ko)", SNP_HOST_WRITE_FILE);
	n = snprintf(line, sizeof(line), "%#lx %u %u", pfn, offset, value);
	ret = write(fd, line, n) == n ? 0 : -errno;
	close(fd);
	return ret;
}
