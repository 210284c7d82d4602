/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's names of integers, for bpftrace on a kernel without BTF */
#ifndef BPFTRACE_HAVE_BTF
#define u8 unsigned char
#define u16 unsigned short
#define u32 unsigned int
#define u64 unsigned long long
#endif
