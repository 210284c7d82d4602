# SPDX-License-Identifier: GPL-2.0-only
## make run            build, boot, launch an SNP guest and tell what happens
## make test           every test, on the debug kernel (CONFIG=run: on the everyday one)
## make test-all       on both
## make kernel         unpack, graft, build
## make graft KDIR=D   put this tree onto the 6.12 source in D; ungraft takes it off
## make vm CMD='...'   run a command in the VM, its status is ours; no CMD: a shell
##                     SMP= MEM= APPEND= TIMEOUT= ICOUNT=1 EXPECT_OOPS=1 SOFT=off CPU= TCG=multi
## make mutants        put each bug back (tests/mutants), see a test catch it; N='name...'
## make races          the tests that race, on a KCSAN kernel
## make bench          what it costs: a table, and build/bench.csv; first, for all of it:
##                     make modules CONFIG=host, CONFIG=stock and CONFIG=notrace
## make watch          live view of the page states, beside a guest (Ctrl-C ends)
## make selftests      upstream's KVM selftests and ours
## make modules        test modules
## make models         lock orders as spin models, the rejected ones too
## make check          shellcheck, checkpatch, sparse, W=1
## make clean          remove build/
## CONFIG=debug        on any of them: with the debug kernel
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
TOP := $(CURDIR)
BUILD := $(TOP)/build
CONFIG ?= run
ifeq ($(filter run debug kcsan host stock notrace,$(CONFIG)),)
$(error CONFIG=$(CONFIG): there are run, debug, kcsan and, for comparison, host, stock and notrace)
endif
SOURCE := /usr/src/linux-source-6.12.tar.xz
KSRC := $(BUILD)/linux-source-6.12
# In the source: compilers then see relative paths, and ccache knows a file
# wherever the tree stands.
KOBJ := $(KSRC)/obj-$(CONFIG)
IMAGE := $(KOBJ)/arch/x86/boot/bzImage
MODULES := $(BUILD)/modules-$(CONFIG)
KSELFTEST := $(BUILD)/kselftest
FRAGMENTS := tools/config/base.config $(wildcard tools/config/$(filter-out run,$(CONFIG)).config)
# make test runs these of upstream's.
UPSTREAM := sev_smoke_test sev_init2_tests sev_migrate_tests sync_regs_test state_test \
	svm_vmcall_test userspace_msr_exit_test xen_shinfo_test xen_vmcall_test \
	private_mem_conversions_test

# The same image from the same source, whoever builds it and when.
export KBUILD_BUILD_TIMESTAMP = 1 Jan 2026
export KBUILD_BUILD_USER = build
export KBUILD_BUILD_HOST = localhost
export KBUILD_BUILD_VERSION = 1
export LC_ALL = C.UTF-8
# A $ in a command is the shell's in the VM, not make's.
override CMD := $(value CMD)
override APPEND := $(value APPEND)
export CONFIG SMP MEM APPEND ICOUNT TIMEOUT EXPECT_OOPS SOFT CPU TCG CMD UPSTREAM
JOBS := $(shell echo $$(($$(nproc) + 1)))
# KCSAN watches what a Kbuild of ours names, no more.
WATCHED := $(if $(filter kcsan,$(CONFIG)),KCSAN_SANITIZE=n)
# The everyday kernel with our tracepoints as empty functions (linux/tracepoint.h), and
# upstream's as they are. sev.o and set_memory.o have files of ours in them; there is a
# sev.o in boot/, too, which needs the -I. A file left out here does not link.
SILENT := $(if $(filter notrace,$(CONFIG)),CFLAGS_sev.o="-DNOTRACE -Iarch/x86/lib" \
	$(patsubst %,CFLAGS_%.o=-DNOTRACE,rmp_fault rmp_fault_user rmp_count set_memory \
	$(addprefix svm/snp_,range convert ghcb in_place trace)))
RACES := snp_in_place_race_test snp_migrate_test snp_slots_test snp_in_place_vcpus_test sev_migrate_stress_test xen_lock_test
# Kbuild must not see the variables of our command line.
SUBMAKE := env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u CONFIG -u CMD -u MODULES make -j$(JOBS)
KMAKE := $(SUBMAKE) -C $(KSRC) O=$(KOBJ) CC="ccache gcc" $(WATCHED) $(SILENT)

.PHONY: help install source graft ungraft kernel selftests modules vm vm-run run watch picture test test-all test-on races mutants bench models check clean
kernel:

help:
	@sed -n 's/^## //p' Makefile

install:
	@tools/install

ifdef KDIR
graft:
	@tools/graft $(KDIR)
ungraft:
	@tools/graft -u $(KDIR)
else
graft: source
	@tools/graft $(KSRC)
ungraft:
	@tools/graft -u $(KSRC)
endif

# By size and date, not by "newer": a release may be older than our copy of the
# one before it.
source: install
	@tools/unpack $(SOURCE) $(KSRC)

kernel: graft
	@$(MAKE) -s $(IMAGE)

$(KOBJ)/.config: $(FRAGMENTS) $(KSRC)/.graft/kconfig.stamp tools/kconfig
	@tools/kconfig $(KSRC) $(KOBJ) $(FRAGMENTS)

# "modules" for Module.symvers: there are none but ours.
$(IMAGE): $(KOBJ)/.config $(KSRC)/.graft/stamp
	@tools/progress $(BUILD)/log/kernel-$(CONFIG).log BUILD $(KMAKE) bzImage modules
	@touch $@

$(KSRC)/usr/include/linux/kvm.h: $(KSRC)/.graft/uapi.stamp
	@tools/progress $(BUILD)/log/headers.log HEADERS $(KMAKE) headers
	@cp -r $(KOBJ)/usr/include/. $(KSRC)/usr/include && touch $@

selftests: kernel
	@$(MAKE) -s $(KSRC)/usr/include/linux/kvm.h
	@tools/progress $(BUILD)/log/upstream.log KVMTEST $(SUBMAKE) -C $(KSRC)/tools/testing/selftests/kvm \
		ARCH=x86 CC="ccache gcc" LDFLAGS="-static -pthread -no-pie" OUTPUT=$(KSELFTEST)/kvm \
		$(UPSTREAM:%=$(KSELFTEST)/kvm/x86_64/%)
	@[ ! -e tests/kselftest/Makefile ] || tools/progress $(BUILD)/log/kselftest.log TESTS \
		$(SUBMAKE) -C tests/kselftest KSRC=$(KSRC) OUTPUT=$(KSELFTEST)

# Kbuild leaves its files beside the sources, so they get a folder of links.
modules: kernel
	@mkdir -p $(MODULES)/tests/modules && ln -sfn $(TOP)/Kbuild $(MODULES)/Kbuild
	@find $(MODULES) -xtype l -delete
	@[ ! -d tests/modules ] || cp -rsf $(TOP)/tests/modules $(MODULES)/tests/
	@tools/progress $(BUILD)/log/modules-$(CONFIG).log MODULES $(KMAKE) M=$(MODULES) modules

# make itself can only end with 2; see tools/exitstatus.c.
ifneq ($(filter vm,$(MAKECMDGOALS)),)
-load $(BUILD)/exitstatus.so
endif
$(BUILD)/exitstatus.so: tools/exitstatus.c
	@mkdir -p $(BUILD) && gcc -O2 -Wall -shared -fPIC -o $@ $< 2>/dev/null
VMSTATUS := $(BUILD)/vm/status.$(shell echo $$PPID)
vm-run:
	@mkdir -p $(BUILD)/vm && $(MAKE) kernel >&2
	@rc=0; tools/vm $(IMAGE) "$$CMD" || rc=$$?; echo $$rc >$(VMSTATUS)
vm: vm-run
	$(eval RC := $(shell cat $(VMSTATUS); rm -f $(VMSTATUS)))$(if \
		$(filter-out 0,$(RC)),$(exit-status $(RC)))@exit $(RC)

run: selftests modules
	@tools/story

watch: selftests modules
	@TTY_CMD=tools/watch-in-vm tools/vm $(IMAGE)

# The picture in docs/, from a real guest
picture: selftests modules
	@tools/vm $(IMAGE) 'insmod $$MODULES/rmp_fault_test.ko; build/kselftest/snp_story /tmp/pfn \
		"tracing/rmpmap -s -a \$$ASID -r 40000-403ff >/tmp/rmp.svg" >/dev/null 2>&1 && cat /tmp/rmp.svg' \
		>docs/rmp.svg.new && mv docs/rmp.svg.new docs/rmp.svg

# Both kernels from nothing take two cores more than half an hour; the debug
# kernel is the one that sees more.
test:
	@$(MAKE) test-on KERNELS=$(if $(filter command line environment,$(origin CONFIG)),$(CONFIG),debug)
test-all:
	@$(MAKE) test-on KERNELS="run debug"
test-on:
	@set -e; for c in $(KERNELS); do $(MAKE) CONFIG=$$c selftests modules; done
	@tests/run $(KERNELS)

bench: CONFIG = run
bench: selftests modules
	@tests/bench/run $(N)

races:
	@$(MAKE) CONFIG=kcsan selftests modules
	@$(MAKE) CONFIG=kcsan vm CMD='tests/run -i modules $(RACES)'

mutants: CONFIG = run
mutants: selftests modules
	@tests/mutants/run $(N)

# No kernel in these.
models: install
	@CC="ccache gcc" tests/models/run $(BUILD)/models

check: kernel
	@tools/check $(KSRC)
	@tests/xen_lock_patch $(KSRC)

clean:
	rm -rf $(BUILD)

print-%:
	@echo '$($*)'
