// SPDX-License-Identifier: GPL-2.0-only
/*
 * No test: what a conversion costs, for tests/bench/convert.
 *
 *	snp_convert_bench convert|guest_memfd	the same guest and VMM, in place or as
 *						upstream has it
 *	snp_convert_bench size MIB		in place, in a memslot of that size
 *	snp_convert_bench vcpus			in place, by one vCPU and by two at once
 *	snp_convert_bench memory in_place|punching|keeping
 *	snp_convert_bench floor			see tests/modules/snp_convert_bench.c
 *	snp_convert_bench map			with SNP: see tests/modules/snp_bench.c
 *	snp_convert_bench map_ordinary		of an ordinary VM, on any kernel
 *
 * Prints "NAME VALUE" lines: ns per page, which are instructions if the VM's clock
 * counts those; for memory, bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "snp.h"

#define PAGES	253ul
#define BIG	SNP_PAGES_2M		/* the test memory but for its first 2M */
#define BIGS	3ul
#define SMASH	3			/* a hint: the request without the conversion */
#define EMPTY	100			/* report of nothing */

#define MORE_GPA	0x100000000ul
#define MORE_GVA	0x200000000ul
#define MORE_SHARED	0x300000000ul
#define MORE_SLOT	2
/* What a guest costs however small it is must not be what is measured. */
#define MORE_PAGES	32768ul

/* What is converted, and how; VMM to guest, before launch */
static struct shape {
	const char *name;
	u64 batch;		/* 0: MSR protocol */
	int size;
} shapes[] = {
	{ "msr",	0,	SNP_4K },
	{ "nae_1",	1,	SNP_4K },
	{ "nae_16",	16,	SNP_4K },
	{ "nae_253",	253,	SNP_4K },
	{ "2m",		BIGS,	SNP_2M },
};

static u64 stride;

/* ---- guest ------------------------------------------------------------- */

static u64 pages_of(const struct shape *s)
{
	return s->size == SNP_2M ? BIGS : PAGES;
}

static u64 page_of(const struct shape *s, u64 i)
{
	return s->size == SNP_2M ? BIG + i * SNP_PAGES_2M : i;
}

static void request(const struct shape *s, int op)
{
	u64 i, n = pages_of(s), k;

	if (!s->batch) {
		for (i = 0; i < n; i++)
			if (op == SMASH)
				snp_msr_request(SNP_MSR_FEATURES_REQ);
			else
				snp_assert_eq(snp_psc_msr(snp_test_gpa(i), op), 0);
		return;
	}
	for (i = 0; i < n; i += k) {
		for (k = 0; k < s->batch && i + k < n; k++)
			snp_psc_entry(k, snp_test_gpa(page_of(s, i + k)), op, s->size);
		snp_assert_eq(snp_psc(k), 0);
	}
}

static void validate(const struct shape *s, bool yes)
{
	u64 i;

	for (i = 0; i < pages_of(s); i++) {
		u64 page = page_of(s, i);

		if (s->size == SNP_4K)
			snp_validate_pages(page, 1, yes);
		else if (snp_pvalidate(snp_private(page), SNP_2M, yes))
			snp_validate_pages(page, SNP_PAGES_2M, yes);
	}
}

static void touch(const struct shape *s, u64 gva)
{
	u64 i, k, per = s->size == SNP_2M ? SNP_PAGES_2M : 1;

	for (i = 0; i < pages_of(s); i++)
		for (k = 0; k < per; k++)
			*(volatile u64 *)(gva + (page_of(s, i) + k) * PAGE_SIZE) = i;
}

enum stage {
	TO_PRIVATE = 1, TOUCH_PRIVATE, INVALIDATE, TO_SHARED, TOUCH_SHARED, HINTS, NOTHING, END
};

static void guest_converts(void)
{
	unsigned int i, round;

	snp_guest_init();
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];

		/* The first brings memory and tables. */
		for (round = 0; round < 2; round++) {
			snp_sync(TO_PRIVATE, 0, 0, 0);
			request(s, SNP_PSC_PRIVATE);
			snp_sync(TOUCH_PRIVATE, 0, 0, 0);
			validate(s, true);
			touch(s, SNP_PRIVATE_GVA);
			snp_sync(INVALIDATE, 0, 0, 0);
			validate(s, false);
			snp_sync(TO_SHARED, 0, 0, 0);
			request(s, SNP_PSC_SHARED);
			snp_sync(TOUCH_SHARED, 0, 0, 0);
			touch(s, SNP_SHARED_GVA);
			snp_sync(HINTS, 0, 0, 0);
			request(s, SMASH);
			snp_sync(NOTHING, 0, 0, 0);
			snp_sync(END, 0, 0, 0);
		}
	}
	snp_done();
}

static void guest_converts_far(void)
{
	int op, round;
	u64 i;

	snp_guest_init();
	for (round = 0; round < 2; round++) {
		for (op = SNP_PSC_PRIVATE; op <= SNP_PSC_SHARED; op++) {
			for (i = 0; i < PAGES; i++)
				snp_psc_entry(i, MORE_GPA + i * stride, op, SNP_4K);
			snp_sync(TO_PRIVATE, 0, 0, 0);
			snp_assert_eq(snp_psc(PAGES), 0);
			snp_sync(END, 0, 0, 0);
		}
	}
	snp_done();
}

/* For any vCPU: no GHCB, no reports */
static void convert_by_msr(u64 first)
{
	int op;
	u64 i;

	for (op = SNP_PSC_PRIVATE; op <= SNP_PSC_SHARED; op++)
		for (i = first; i < first + PAGES; i++)
			if (snp_psc_msr(snp_test_gpa(i), op))
				snp_terminate(SNP_TERM_SET, SNP_TERM_PROTOCOL);
}

static void first_converts(void)
{
	snp_guest_init();
	convert_by_msr(0);
	convert_by_msr(PAGES);
	snp_sync(TO_PRIVATE, 0, 0, 0);
	convert_by_msr(0);
	snp_sync(NOTHING, 0, 0, 0);
	convert_by_msr(0);
	snp_sync(END, 0, 0, 0);
	snp_done();
}

static void second_converts(void)
{
	convert_by_msr(PAGES);
	snp_terminate(SNP_TERM_SET, SNP_TERM_DONE);
}

/* All of it private, and half of it to shared and back, and all of it used. */
static void guest_uses_memory(void)
{
	u64 i, k, pass, n, end, op;

	snp_guest_init();
	for (pass = 0; pass < 3; pass++) {
		op = pass == 1 ? SNP_PSC_SHARED : SNP_PSC_PRIVATE;
		end = pass ? MORE_PAGES / 2 : MORE_PAGES;
		for (i = 0; i < end; i += n) {
			n = end - i < PAGES ? end - i : PAGES;
			for (k = 0; k < n; k++) {
				u64 gva = MORE_GVA + (i + k) * PAGE_SIZE;

				if (pass == 1)
					snp_assert_eq(snp_pvalidate(gva, SNP_4K, false), 0);
				snp_psc_entry(k, MORE_GPA + (i + k) * PAGE_SIZE, op, SNP_4K);
			}
			snp_assert_eq(snp_psc(n), 0);
			for (k = 0; k < n; k++) {
				u64 at = (i + k) * PAGE_SIZE;
				u64 gva = (pass == 1 ? MORE_SHARED : MORE_GVA) + at;

				if (pass != 1)
					snp_assert_eq(snp_pvalidate(gva, SNP_4K, true), 0);
				*(volatile u64 *)gva = i;
			}
		}
	}
	snp_sync(END, 0, 0, 0);
	snp_done();
}

/* ---- VMM --------------------------------------------------------------- */

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ul + t.tv_nsec;
}

/* Of that, what the guest and the platform's VMRUN took */
static u64 guest_time(void)
{
	static int fd = -1;
	char text[40];
	u64 value;
	int n;

	if (fd < 0)
		fd = open("/sys/kernel/debug/snp_convert_bench/guest", O_RDONLY);
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[max(n, 0)] = 0;
	TEST_ASSERT(sscanf(text, "guest %lu", &value) == 1, "insmod snp_convert_bench.ko");
	return value;
}

/* By a real clock, nothing may take longer than something. */
static u64 per_page(u64 cost, u64 nothing, u64 pages)
{
	return cost > nothing ? (cost - nothing) / pages : 0;
}

static void measure_conversions(bool in_place)
{
	static const char *const names[] = {
		[TO_PRIVATE] = "private", [TOUCH_PRIVATE] = "touch_private",
		[INVALIDATE] = "invalidate", [TO_SHARED] = "shared",
		[TOUCH_SHARED] = "touch_shared", [HINTS] = "hints",
	};
	struct snp_guest *g = in_place ?
		snp_create_in_place(guest_converts, VM_MEM_SRC_ANONYMOUS_THP) :
		snp_create(guest_converts);
	u64 cost[END + 1], host[END + 1], then, guest;
	unsigned int i, round, stage;

	snp_launch(g);
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		for (round = 0; round < 2; round++) {
			snp_expect_sync(g, TO_PRIVATE);
			for (stage = TO_PRIVATE; stage < END; stage++) {
				guest = guest_time();
				then = now();
				snp_expect_sync(g, stage + 1);
				cost[stage] = now() - then;
				host[stage] = cost[stage] - (guest_time() - guest);
			}
		}
		for (stage = TO_PRIVATE; stage < END; stage++) {
			u64 n = pages_of(&shapes[i]);

			if (stage == NOTHING)
				continue;
			printf("%s_%s %lu\n", shapes[i].name, names[stage],
			       per_page(cost[stage], cost[NOTHING], n));
			printf("%s_%s_host %lu\n", shapes[i].name, names[stage],
			       per_page(host[stage], host[NOTHING], n));
		}
	}
	snp_expect_done(g);
	snp_free(g);
}

static struct snp_guest *with_more_memory(void (*guest)(void), bool in_place, u64 pages)
{
	struct snp_guest *g = in_place ? snp_create_in_place(guest, VM_MEM_SRC_ANONYMOUS) :
					 snp_create(guest);

	vm_userspace_mem_region_add(g->vm, VM_MEM_SRC_ANONYMOUS, MORE_GPA, MORE_SLOT, pages,
				    in_place ? 0 : KVM_MEM_GUEST_MEMFD);
	g->more_gpa = MORE_GPA;
	g->more_len = pages * PAGE_SIZE;
	return g;
}

static void measure_size(u64 mib)
{
	struct snp_guest *g;
	u64 then, cost, i;
	int op, round;

	g = with_more_memory(guest_converts_far, true, mib << 8);
	stride = (mib << 20) / PAGES & ~(PAGE_SIZE - 1);
	sync_global_to_guest(g->vm, stride);
	for (i = 0; i < PAGES; i++)
		*(volatile u64 *)snp_hva(g, MORE_GPA + i * stride) = i;
	snp_launch(g);
	for (round = 0; round < 2; round++) {
		for (op = SNP_PSC_PRIVATE; op <= SNP_PSC_SHARED; op++) {
			snp_expect_sync(g, TO_PRIVATE);
			then = now();
			snp_expect_sync(g, END);
			cost = (now() - then) / PAGES;
			if (round)
				printf("%s %lu\n",
				       op == SNP_PSC_PRIVATE ? "private" : "shared", cost);
		}
	}
	snp_expect_done(g);
	snp_free(g);
}

static void *run_to_its_end(void *vcpu)
{
	struct kvm_run *run = ((struct kvm_vcpu *)vcpu)->run;

	TEST_ASSERT(!__vcpu_run(vcpu) && run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
		    (run->system_event.data[0] >> 16 & 0xff) == SNP_TERM_DONE,
		    "second vCPU: %s", exit_reason_str(run->exit_reason));
	return NULL;
}

static void measure_vcpus(void)
{
	struct snp_guest *g = snp_create_in_place(first_converts, VM_MEM_SRC_ANONYMOUS);
	struct kvm_vcpu *second = vm_vcpu_add(g->vm, 1, second_converts);
	pthread_t thread;
	u64 then;

	snp_launch(g);
	snp_expect_sync(g, TO_PRIVATE);
	then = now();
	snp_expect_sync(g, NOTHING);
	printf("one %lu\n", (now() - then) / (2 * PAGES));
	then = now();
	TEST_ASSERT(!pthread_create(&thread, NULL, run_to_its_end, second), "no thread");
	snp_expect_sync(g, END);
	pthread_join(thread, NULL);
	printf("two %lu\n", (now() - then) / (4 * PAGES));
	snp_expect_done(g);
	snp_free(g);
}

/* MemFree leaves out what the CPUs keep for themselves: megabytes. */
static u64 free_memory(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY);
	char line[120];
	u64 pages = 0, n;
	FILE *f;

	/* What others gave back may take its time. */
	sleep(2);
	TEST_ASSERT(fd >= 0 && write(fd, "1", 1) == 1, "stat_refresh: %s", strerror(errno));
	close(fd);
	f = fopen("/proc/zoneinfo", "r");
	TEST_ASSERT(f, "/proc/zoneinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " pages free %lu", &n) == 1 ||
		    sscanf(line, " count: %lu", &n) == 1)
			pages += n;
	fclose(f);
	return pages * PAGE_SIZE;
}

/* Mappings of memory that the library does not know; see snp_in_place_race_test.c. */
static void map_more(struct kvm_vm *vm)
{
	const u64 flags = ~GENMASK_ULL(51, 12);
	u64 i;

	for (i = 0; i < MORE_PAGES; i++) {
		u64 *p, *s;

		virt_map(vm, MORE_GVA + i * PAGE_SIZE, SNP_TEST_GPA, 1);
		virt_map(vm, MORE_SHARED + i * PAGE_SIZE, SNP_TEST_GPA, 1);
		p = vm_get_page_table_entry(vm, MORE_GVA + i * PAGE_SIZE);
		s = vm_get_page_table_entry(vm, MORE_SHARED + i * PAGE_SIZE);
		*s = (*p & flags) | (MORE_GPA + i * PAGE_SIZE);
		*p = *s | vm->arch.c_bit;
	}
}

static void measure_memory(const char *how)
{
	bool in_place = !strcmp(how, "in_place");
	struct snp_guest *g = with_more_memory(guest_uses_memory, in_place, MORE_PAGES);
	u64 before;

	map_more(g->vm);
	if (!in_place)
		vm_mem_set_private(g->vm, MORE_GPA, MORE_PAGES * PAGE_SIZE);
	g->no_punching = !strcmp(how, "keeping");
	snp_launch(g);
	before = free_memory();
	snp_expect_sync(g, END);
	printf("used %lu\nguest %lu\n", before - free_memory(), MORE_PAGES << 12);
	snp_expect_done(g);
	snp_free(g);
}

static void ask(const char *file, const char *question, const char *prefix)
{
	char path[80], text[200], name[40], value[40];
	int fd, n, at = 0, len;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", file);
	fd = open(path, O_RDWR);
	len = strlen(question);
	TEST_ASSERT(fd >= 0 && write(fd, question, len) == len, "%s: %s", path, strerror(errno));
	len = pread(fd, text, sizeof(text) - 1, 0);
	text[max(len, 0)] = 0;
	while (sscanf(text + at, "%39s %39s%n", name, value, &n) == 2) {
		printf("%s_%s %s\n", prefix, name, value);
		at += n;
	}
	close(fd);
}

static void nobody(void)
{
}

static void measure_floor(void)
{
	struct snp_guest *g = snp_create_in_place(nobody, VM_MEM_SRC_ANONYMOUS);
	char question[60];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		snprintf(question, sizeof(question), "%d %lu %d", g->vm->fd,
			 max(shapes[i].batch, 1ul), shapes[i].size == SNP_2M ? 2 : 1);
		ask("snp_convert_bench/floor", question, shapes[i].name);
	}
	snp_free(g);
}

static void ask_map(struct kvm_vcpu *vcpu, u64 gpa, const char *prefix)
{
	char question[60];

	snprintf(question, sizeof(question), "%d %lu", vcpu->fd, gpa >> 12);
	ask("snp_bench/map", question, prefix);
}

static void measure_map_ordinary(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, nobody);

	ask_map(vcpu, addr_gva2gpa(vm, vm_vaddr_alloc_page(vm)), "ordinary");
	kvm_vm_free(vm);
}

static void measure_map(void)
{
	int in_place;

	for (in_place = 0; in_place < 2; in_place++) {
		struct snp_guest *g = in_place ?
			snp_create_in_place(nobody, VM_MEM_SRC_ANONYMOUS) : snp_create(nobody);

		ask_map(g->vcpu, SNP_TEST_GPA, in_place ? "held" : "plain");
		snp_free(g);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setlinebuf(stdout);
	if (!strcmp(what, "map_ordinary")) {
		measure_map_ordinary();
		return 0;
	}

	snp_require_in_place();
	if (!strcmp(what, "convert") || !strcmp(what, "guest_memfd"))
		measure_conversions(!strcmp(what, "convert"));
	else if (!strcmp(what, "size") && argc > 2)
		measure_size(atoi_positive("MiB", argv[2]));
	else if (!strcmp(what, "vcpus"))
		measure_vcpus();
	else if (!strcmp(what, "memory") && argc > 2)
		measure_memory(argv[2]);
	else if (!strcmp(what, "floor"))
		measure_floor();
	else if (!strcmp(what, "map"))
		measure_map();
	else
		return 1;
	return 0;
}
