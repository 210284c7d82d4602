// SPDX-License-Identifier: GPL-2.0-only
/*
 * The firmware's state machines as user space can reach them, through
 * KVM_MEMORY_ENCRYPT_OP and /dev/sev: what the SEV API and the SEV-SNP firmware
 * ABI refuse is refused with the status code that they name, digests and MACs
 * are those that anybody can compute, and nothing is lost over many guests.
 *
 * No guest runs here. What KVM itself refuses before it asks the firmware is
 * another test's business; so is KVM's errno, which is EIO for every refusal.
 *
 *	CYCLES=n	how many guests of each kind come and go, for long runs (20)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/psp-sev.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "sev.h"
#include "kselftest_harness.h"
#include "files.h"

/* SEV API, Table 2: guest policy */
#define POLICY_NODBG		BIT(0)
#define POLICY_NOKS		BIT(1)
#define POLICY_ES		BIT(2)
#define POLICY_NOSEND		BIT(3)

#define CERT_LEN		0x824
#define SESSION_LEN		0x80
#define ID_LEN			64
#define REPORT_LEN		208
#define HASH_LEN		32
#define NONCE_LEN		16

/* SEV-SNP firmware ABI, 4.3: guest policy; SMT allowed, and the bit that is one */
#define SNP_POLICY		(BIT_ULL(17) | BIT_ULL(16))
#define SNP_POLICY_ABI(major, minor)	((major) << 8 | (minor))

#define SNP_GPA			0x100000ul
#define SNP_PAGES		16ul
#define SNP_SLOT		1

/* CPUID Fn8000_001F: 1..5 are for SEV-ES and SNP, 6..15 for SEV */
#define ES_ASIDS		5
#define SEV_ASIDS		10
/* More than there are ASIDs: if each guest lost one, none would be left. */
#define CYCLES			(2 * SEV_ASIDS)

/* What the platform is while no guest exists, and with one */
#define PSTATE_INIT		1
#define PSTATE_WORKING		2

static int sev_fd = -1;

/* A guest and the firmware's answer to the last command about it. */
struct guest {
	struct kvm_vm *vm;
	u32 fw;
};

static int guest_cmd(struct guest *g, u32 id, void *data)
{
	struct kvm_sev_cmd cmd = { .id = id, .data = (u64)data, .sev_fd = sev_fd };
	int ret = ioctl(g->vm->fd, KVM_MEMORY_ENCRYPT_OP, &cmd) ? -errno : 0;

	g->fw = cmd.error;
	return ret;
}

/* The firmware's status code, or -1 if the command never got that far. */
static int fw_status(struct guest *g, u32 id, void *data)
{
	int ret = guest_cmd(g, id, data);

	return ret && !g->fw ? -1 : (int)g->fw;
}

static void guest_create(struct guest *g, unsigned long type)
{
	struct kvm_sev_init init = { };

	g->vm = vm_create_barebones_type(type);
	TEST_ASSERT_EQ(guest_cmd(g, KVM_SEV_INIT2, &init), 0);
}

static void guest_free(struct guest *g)
{
	if (g->vm)
		kvm_vm_free(g->vm);
	g->vm = NULL;
}

static int guest_start(struct guest *g, u32 policy)
{
	struct kvm_sev_launch_start start = { .policy = policy };

	return fw_status(g, KVM_SEV_LAUNCH_START, &start);
}

static int guest_update(struct guest *g, void *p, u32 len)
{
	struct kvm_sev_launch_update_data d = { .uaddr = (u64)p, .len = len };

	return fw_status(g, KVM_SEV_LAUNCH_UPDATE_DATA, &d);
}

static int guest_measure(struct guest *g, u8 *m)
{
	struct kvm_sev_launch_measure d = { .uaddr = (u64)m, .len = 256 };

	return fw_status(g, KVM_SEV_LAUNCH_MEASURE, &d);
}

static int guest_finish(struct guest *g)
{
	return fw_status(g, KVM_SEV_LAUNCH_FINISH, NULL);
}

static u32 guest_state(struct guest *g)
{
	struct kvm_sev_guest_status s = { };

	TEST_ASSERT_EQ(fw_status(g, KVM_SEV_GUEST_STATUS, &s), 0);
	return s.state;
}

/* A guest in RUNNING state, as far as the firmware is concerned. */
static void guest_launch(struct guest *g, u32 policy)
{
	u8 m[256];

	TEST_ASSERT_EQ(guest_start(g, policy), 0);
	TEST_ASSERT_EQ(guest_measure(g, m), 0);
	TEST_ASSERT_EQ(guest_finish(g), 0);
}

static int platform_cmd(u32 id, void *data, u32 *fw)
{
	struct sev_issue_cmd cmd = { .cmd = id, .data = (u64)data };
	int ret = ioctl(sev_fd, SEV_ISSUE_CMD, &cmd) ? -errno : 0;

	*fw = cmd.error;
	return ret;
}

static int platform_status(u32 id, void *data)
{
	u32 fw;
	int ret = platform_cmd(id, data, &fw);

	return ret && !fw ? -1 : (int)fw;
}

static void sev_status(struct sev_user_data_status *s)
{
	TEST_ASSERT_EQ(platform_status(SEV_PLATFORM_STATUS, s), 0);
}

static void *alloc_page(u8 fill)
{
	void *p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	TEST_ASSERT(p != MAP_FAILED, "no memory");
	memset(p, fill, PAGE_SIZE);
	return p;
}

/* ---- SHA-256 and HMAC, FIPS 180-4 and 198-1 ------------------------------- */

struct sha256 {
	u32 h[8];
	u8 block[64];
	u64 len;
};

static u32 ror(u32 x, int n)
{
	return x >> n | x << (32 - n);
}

static void sha256_block(struct sha256 *s)
{
	static const u32 k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
		0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
		0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
		0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
		0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
		0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
		0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
		0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
		0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
		0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	};
	u32 w[64], v[8], t1, t2;
	int i;

	for (i = 0; i < 16; i++)
		w[i] = s->block[4 * i] << 24 | s->block[4 * i + 1] << 16 |
		       s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
	for (; i < 64; i++)
		w[i] = (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10) + w[i - 7] +
		       (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 16];

	memcpy(v, s->h, sizeof(v));
	for (i = 0; i < 64; i++) {
		t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
		     ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
		t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) +
		     ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		s->h[i] += v[i];
}

static void sha256_start(struct sha256 *s)
{
	static const u32 h[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memset(s, 0, sizeof(*s));
	memcpy(s->h, h, sizeof(h));
}

static void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	const u8 *p = data;

	while (len--) {
		s->block[s->len++ % 64] = *p++;
		if (!(s->len % 64))
			sha256_block(s);
	}
}

static void sha256_end(struct sha256 *s, u8 out[HASH_LEN])
{
	u64 bits = s->len * 8;
	int i;

	sha256_add(s, "\x80", 1);
	while (s->len % 64 != 56)
		sha256_add(s, "", 1);
	for (i = 56; i >= 0; i -= 8)
		sha256_add(s, (u8[]) { bits >> i }, 1);
	for (i = 0; i < HASH_LEN; i++)
		out[i] = s->h[i / 4] >> (24 - 8 * (i % 4));
}

/* All keys here are zero: there is no session with a guest owner. */
static void hmac_pad(struct sha256 *s, u8 pad)
{
	u8 block[64];

	memset(block, pad, sizeof(block));
	sha256_start(s);
	sha256_add(s, block, sizeof(block));
}

static void hmac(const void *msg, size_t len, u8 out[HASH_LEN])
{
	struct sha256 s;

	hmac_pad(&s, 0x36);
	sha256_add(&s, msg, len);
	sha256_end(&s, out);
	hmac_pad(&s, 0x5c);
	sha256_add(&s, out, HASH_LEN);
	sha256_end(&s, out);
}

/* ---- SEV and SEV-ES guests ---------------------------------------------------- */

FIXTURE(sev)
{
	struct guest g;
};

FIXTURE_SETUP(sev)
{
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SEV_VM),
		       "KVM without SEV guests (platform off?)");
	sev_fd = open("/dev/sev", O_RDWR);
	ASSERT_LE(0, sev_fd);
	guest_create(&self->g, KVM_X86_SEV_VM);
}

FIXTURE_TEARDOWN(sev)
{
	struct sev_user_data_status s;

	guest_free(&self->g);
	sev_status(&s);
	EXPECT_EQ(0, s.guest_count);
	EXPECT_EQ(PSTATE_INIT, s.state);
	close(sev_fd);
}

/* KVM knows the firmware's file only from LAUNCH_START; until then it is fd 0. */
TEST_F(sev, commands_before_the_first_start_meet_an_idle_platform)
{
	u8 *page = alloc_page(0), m[256];

	ASSERT_EQ(0, dup2(sev_fd, 0));
	EXPECT_EQ(SEV_RET_INVALID_PLATFORM_STATE, guest_update(&self->g, page, PAGE_SIZE));
	EXPECT_EQ(SEV_RET_INVALID_PLATFORM_STATE, guest_measure(&self->g, m));
	EXPECT_EQ(SEV_RET_INVALID_PLATFORM_STATE, guest_finish(&self->g));
	EXPECT_EQ(SEV_GUEST_STATE_UNINITIALIZED, guest_state(&self->g));
}

TEST_F(sev, commands_before_start_name_no_guest)
{
	u8 *page = alloc_page(0), m[256];
	struct guest other;

	guest_create(&other, KVM_X86_SEV_VM);
	ASSERT_EQ(0, guest_start(&other, 0));
	ASSERT_EQ(0, dup2(sev_fd, 0));
	EXPECT_EQ(SEV_RET_INVALID_GUEST, guest_update(&self->g, page, PAGE_SIZE));
	EXPECT_EQ(SEV_RET_INVALID_GUEST, guest_measure(&self->g, m));
	EXPECT_EQ(SEV_RET_INVALID_GUEST, guest_finish(&self->g));
	guest_free(&other);
}

TEST_F(sev, launch_goes_through_its_states_in_one_order_only)
{
	u8 *page = alloc_page(0), m[256];

	ASSERT_EQ(0, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_GUEST_STATE_LAUNCH_UPDATE, guest_state(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_finish(&self->g));
	EXPECT_EQ(0, guest_update(&self->g, page, PAGE_SIZE));

	EXPECT_EQ(0, guest_measure(&self->g, m));
	EXPECT_EQ(SEV_GUEST_STATE_LAUNCH_SECRET, guest_state(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_update(&self->g, page, PAGE_SIZE));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_measure(&self->g, m));

	EXPECT_EQ(0, guest_finish(&self->g));
	EXPECT_EQ(SEV_GUEST_STATE_RUNNING, guest_state(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_finish(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_measure(&self->g, m));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, guest_update(&self->g, page, PAGE_SIZE));
}

TEST_F(sev, second_start_finds_the_asid_owned)
{
	ASSERT_EQ(0, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_RET_ASID_OWNED, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_GUEST_STATE_LAUNCH_UPDATE, guest_state(&self->g));
}

TEST_F(sev, asid_ranges_part_sev_from_sev_es)
{
	struct guest es;

	EXPECT_EQ(SEV_RET_INVALID_ASID, guest_start(&self->g, POLICY_ES));
	guest_create(&es, KVM_X86_SEV_ES_VM);
	EXPECT_EQ(SEV_RET_INVALID_ASID, guest_start(&es, 0));
	EXPECT_EQ(0, guest_start(&es, POLICY_ES));
	guest_free(&es);
}

TEST_F(sev, data_must_be_aligned_to_16_bytes)
{
	u8 *page = alloc_page(0);

	ASSERT_EQ(0, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_RET_INVALID_ADDRESS, guest_update(&self->g, page + 8, 16));
	EXPECT_EQ(SEV_RET_INVALID_LEN, guest_update(&self->g, page, 24));
	EXPECT_EQ(0, guest_update(&self->g, page + 16, 32));
}

TEST_F(sev, key_is_shared_by_policy_only)
{
	struct kvm_sev_launch_start start = { .handle = 0x7fff };
	struct guest other, third;

	guest_create(&other, KVM_X86_SEV_VM);
	EXPECT_EQ(SEV_RET_INVALID_GUEST, fw_status(&self->g, KVM_SEV_LAUNCH_START, &start));

	start.handle = 0;
	ASSERT_EQ(0, fw_status(&self->g, KVM_SEV_LAUNCH_START, &start));
	start.policy = POLICY_NOSEND;
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, fw_status(&other, KVM_SEV_LAUNCH_START, &start));
	start.policy = 0;
	EXPECT_EQ(0, fw_status(&other, KVM_SEV_LAUNCH_START, &start));

	guest_create(&third, KVM_X86_SEV_VM);
	start = (struct kvm_sev_launch_start) { .policy = POLICY_NOKS };
	ASSERT_EQ(0, fw_status(&third, KVM_SEV_LAUNCH_START, &start));
	guest_free(&other);
	guest_create(&other, KVM_X86_SEV_VM);
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, fw_status(&other, KVM_SEV_LAUNCH_START, &start));
	guest_free(&third);
	guest_free(&other);
}

TEST_F(sev, session_needs_certificates_that_do_not_exist)
{
	struct kvm_sev_launch_start start = {
		.dh_uaddr = (u64)alloc_page(0), .dh_len = 100,
		.session_uaddr = (u64)alloc_page(0), .session_len = SESSION_LEN,
	};
	struct kvm_sev_receive_start receive = {
		.pdh_uaddr = (u64)alloc_page(0), .pdh_len = CERT_LEN,
		.session_uaddr = (u64)alloc_page(0), .session_len = SESSION_LEN - 1,
	};

	EXPECT_EQ(SEV_RET_INVALID_LEN, fw_status(&self->g, KVM_SEV_LAUNCH_START, &start));
	start.dh_len = CERT_LEN;
	EXPECT_EQ(SEV_RET_INVALID_CERTIFICATE,
		  fw_status(&self->g, KVM_SEV_LAUNCH_START, &start));

	EXPECT_EQ(SEV_RET_INVALID_LEN, fw_status(&self->g, KVM_SEV_RECEIVE_START, &receive));
	receive.session_len = SESSION_LEN;
	EXPECT_EQ(SEV_RET_INVALID_CERTIFICATE,
		  fw_status(&self->g, KVM_SEV_RECEIVE_START, &receive));
}

TEST_F(sev, guest_can_not_be_sent)
{
	struct kvm_sev_send_start d = { };

	guest_launch(&self->g, 0);
	EXPECT_EQ(SEV_RET_INVALID_LEN, fw_status(&self->g, KVM_SEV_SEND_START, &d));
	EXPECT_EQ(SESSION_LEN, d.session_len);

	d.pdh_cert_uaddr = (u64)alloc_page(0);
	d.pdh_cert_len = CERT_LEN;
	d.plat_certs_uaddr = d.pdh_cert_uaddr;
	d.plat_certs_len = 64;
	d.amd_certs_uaddr = d.pdh_cert_uaddr;
	d.amd_certs_len = 64;
	d.session_uaddr = (u64)alloc_page(0);
	EXPECT_EQ(SEV_RET_INVALID_CERTIFICATE, fw_status(&self->g, KVM_SEV_SEND_START, &d));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, fw_status(&self->g, KVM_SEV_SEND_FINISH, NULL));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, fw_status(&self->g, KVM_SEV_SEND_CANCEL, NULL));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, fw_status(&self->g, KVM_SEV_RECEIVE_FINISH, NULL));
}

TEST_F(sev, guest_that_forbids_it_is_not_sent)
{
	struct kvm_sev_send_start d = {
		.pdh_cert_uaddr = (u64)alloc_page(0), .pdh_cert_len = CERT_LEN,
		.plat_certs_uaddr = (u64)alloc_page(0), .plat_certs_len = 64,
		.amd_certs_uaddr = (u64)alloc_page(0), .amd_certs_len = 64,
		.session_uaddr = (u64)alloc_page(0), .session_len = SESSION_LEN,
	};

	guest_launch(&self->g, POLICY_NOSEND);
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, fw_status(&self->g, KVM_SEV_SEND_START, &d));
}

static int dbg(struct guest *g, u32 id, void *src, void *dst)
{
	struct kvm_sev_dbg d = { .src_uaddr = (u64)src, .dst_uaddr = (u64)dst, .len = 64 };

	return fw_status(g, id, &d);
}

TEST_F(sev, debugging_copies_where_the_policy_allows_it)
{
	u8 *from = alloc_page(0x5a), *to = alloc_page(0);

	guest_launch(&self->g, 0);
	EXPECT_EQ(0, dbg(&self->g, KVM_SEV_DBG_DECRYPT, from, to));
	EXPECT_EQ(0, memcmp(from, to, 64));
	EXPECT_EQ(0, to[64]);
	EXPECT_EQ(0, dbg(&self->g, KVM_SEV_DBG_ENCRYPT, from, to + 128));
	EXPECT_EQ(0, memcmp(from, to + 128, 64));
}

TEST_F(sev, debugging_is_refused_where_the_policy_forbids_it)
{
	u8 *from = alloc_page(0x5a), *to = alloc_page(0);

	guest_launch(&self->g, POLICY_NODBG);
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, dbg(&self->g, KVM_SEV_DBG_DECRYPT, from, to));
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, dbg(&self->g, KVM_SEV_DBG_ENCRYPT, from, to));
	EXPECT_EQ(0, to[0]);
}

TEST_F(sev, lengths_are_told_when_asked_for)
{
	struct kvm_sev_attestation_report r = { };
	struct kvm_sev_launch_measure m = { };
	u8 buf[256];

	ASSERT_EQ(0, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_RET_INVALID_LEN, fw_status(&self->g, KVM_SEV_LAUNCH_MEASURE, &m));
	EXPECT_EQ(HASH_LEN + NONCE_LEN, m.len);
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE,
		  fw_status(&self->g, KVM_SEV_GET_ATTESTATION_REPORT, &r));

	m = (struct kvm_sev_launch_measure) { .uaddr = (u64)buf, .len = sizeof(buf) };
	EXPECT_EQ(0, fw_status(&self->g, KVM_SEV_LAUNCH_MEASURE, &m));
	EXPECT_EQ(HASH_LEN + NONCE_LEN, m.len);
	EXPECT_EQ(SEV_RET_INVALID_LEN,
		  fw_status(&self->g, KVM_SEV_GET_ATTESTATION_REPORT, &r));
	EXPECT_EQ(REPORT_LEN, r.len);
}

/* SEV API, 6.5.1: the measurement, from what the host knows. */
static void expect_measurement(struct __test_metadata *_metadata, const u8 *ld, u32 policy,
			       const u8 *m)
{
	struct sev_user_data_status s;
	u8 msg[8 + HASH_LEN + NONCE_LEN], mac[HASH_LEN];

	sev_status(&s);
	msg[0] = 4;
	msg[1] = s.api_major;
	msg[2] = s.api_minor;
	msg[3] = s.build;
	memcpy(msg + 4, &policy, 4);
	memcpy(msg + 8, ld, HASH_LEN);
	memcpy(msg + 8 + HASH_LEN, m + HASH_LEN, NONCE_LEN);
	hmac(msg, sizeof(msg), mac);
	EXPECT_EQ(0, memcmp(mac, m, sizeof(mac)));
}

TEST_F(sev, measurement_is_that_of_the_memory)
{
	u8 *page = alloc_page(0x5a), m[256] = { }, ld[HASH_LEN], report[256];
	struct kvm_sev_attestation_report r = {
		.mnonce = "nobody knows it", .uaddr = (u64)report, .len = sizeof(report),
	};
	struct sha256 s;

	ASSERT_EQ(0, guest_start(&self->g, POLICY_NOSEND));
	ASSERT_EQ(0, guest_update(&self->g, page, PAGE_SIZE));
	ASSERT_EQ(0, guest_update(&self->g, page, 48));
	ASSERT_EQ(0, guest_measure(&self->g, m));

	sha256_start(&s);
	sha256_add(&s, page, PAGE_SIZE);
	sha256_add(&s, page, 48);
	sha256_end(&s, ld);
	expect_measurement(_metadata, ld, POLICY_NOSEND, m);

	ASSERT_EQ(0, fw_status(&self->g, KVM_SEV_GET_ATTESTATION_REPORT, &r));
	EXPECT_EQ(0, memcmp(report, r.mnonce, NONCE_LEN));
	EXPECT_EQ(0, memcmp(report + NONCE_LEN, ld, HASH_LEN));
	EXPECT_EQ(POLICY_NOSEND, *(u32 *)(report + NONCE_LEN + HASH_LEN));
}

/* SEV API, 6.12. The secret is one block; AES-128 of zero under a zero key: */
static const u8 keystream[16] = {
	0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b,
	0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e,
};

static const char secret[16] = "open the door!!";

static void seal_secret(u8 hdr[52], u8 trans[16], const u8 *measure)
{
	u8 msg[1 + 4 + 16 + 4 + 4 + 16 + HASH_LEN] = { 1 };
	int i;

	for (i = 0; i < 16; i++)
		trans[i] = secret[i] ^ keystream[i];
	memset(hdr, 0, 20);
	msg[21] = 16;
	msg[25] = 16;
	memcpy(msg + 29, trans, 16);
	memcpy(msg + 45, measure, HASH_LEN);
	hmac(msg, sizeof(msg), hdr + 20);
}

TEST_F(sev, secret_is_taken_if_it_belongs_to_the_measurement)
{
	u8 *page = alloc_page(0), *hdr = alloc_page(0), *trans = alloc_page(0), m[256];
	struct kvm_sev_launch_secret d = {
		.hdr_uaddr = (u64)hdr, .hdr_len = 52,
		.guest_uaddr = (u64)page + 64, .guest_len = 16,
		.trans_uaddr = (u64)trans, .trans_len = 16,
	};

	ASSERT_EQ(0, guest_start(&self->g, 0));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, fw_status(&self->g, KVM_SEV_LAUNCH_SECRET, &d));
	ASSERT_EQ(0, guest_measure(&self->g, m));

	seal_secret(hdr, trans, m);
	hdr[51] ^= 1;
	EXPECT_EQ(SEV_RET_BAD_MEASUREMENT, fw_status(&self->g, KVM_SEV_LAUNCH_SECRET, &d));
	EXPECT_EQ(0, page[64]);
	hdr[51] ^= 1;
	d.hdr_len = 51;
	EXPECT_EQ(SEV_RET_INVALID_LEN, fw_status(&self->g, KVM_SEV_LAUNCH_SECRET, &d));
	d.hdr_len = 52;
	EXPECT_EQ(0, fw_status(&self->g, KVM_SEV_LAUNCH_SECRET, &d));
	EXPECT_EQ(0, memcmp(page + 64, secret, sizeof(secret)));

	EXPECT_EQ(0, guest_finish(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, fw_status(&self->g, KVM_SEV_LAUNCH_SECRET, &d));
}

/* ---- the platform ---------------------------------------------------------------- */

FIXTURE(platform)
{
};

FIXTURE_SETUP(platform)
{
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SEV_VM),
		       "KVM without SEV guests (platform off?)");
	sev_fd = open("/dev/sev", O_RDWR);
	ASSERT_LE(0, sev_fd);
}

FIXTURE_TEARDOWN(platform)
{
	close(sev_fd);
}

TEST_F(platform, state_follows_the_guests)
{
	struct sev_user_data_status s;
	struct guest a, b;

	sev_status(&s);
	EXPECT_EQ(1, s.api_major);
	EXPECT_LE(52, s.api_minor);
	EXPECT_EQ(PSTATE_INIT, s.state);
	EXPECT_EQ(SEV_STATUS_FLAGS_CONFIG_ES, s.flags);

	guest_create(&a, KVM_X86_SEV_VM);
	guest_create(&b, KVM_X86_SEV_ES_VM);
	ASSERT_EQ(0, guest_start(&a, 0));
	ASSERT_EQ(0, guest_start(&b, POLICY_ES));
	sev_status(&s);
	EXPECT_EQ(PSTATE_WORKING, s.state);
	EXPECT_EQ(2, s.guest_count);

	guest_free(&a);
	sev_status(&s);
	EXPECT_EQ(PSTATE_WORKING, s.state);
	EXPECT_EQ(1, s.guest_count);

	guest_free(&b);
	sev_status(&s);
	EXPECT_EQ(PSTATE_INIT, s.state);
	EXPECT_EQ(0, s.guest_count);
}

TEST_F(platform, there_are_no_keys_and_it_says_so)
{
	struct sev_user_data_pek_cert_import import = {
		.pek_cert_address = (u64)alloc_page(0), .pek_cert_len = CERT_LEN,
		.oca_cert_address = (u64)alloc_page(0), .oca_cert_len = CERT_LEN - 1,
	};
	struct sev_user_data_pdh_cert_export export = { };
	struct sev_user_data_pek_csr csr = { };
	struct guest g;

	EXPECT_EQ(SEV_RET_UNSUPPORTED, platform_status(SEV_PEK_GEN, NULL));
	EXPECT_EQ(SEV_RET_UNSUPPORTED, platform_status(SEV_PDH_GEN, NULL));

	EXPECT_EQ(SEV_RET_INVALID_LEN, platform_status(SEV_PEK_CSR, &csr));
	EXPECT_EQ(CERT_LEN, csr.length);
	csr.address = (u64)alloc_page(0);
	EXPECT_EQ(SEV_RET_UNSUPPORTED, platform_status(SEV_PEK_CSR, &csr));

	EXPECT_EQ(SEV_RET_INVALID_LEN, platform_status(SEV_PDH_CERT_EXPORT, &export));
	EXPECT_EQ(CERT_LEN, export.pdh_cert_len);
	EXPECT_EQ(3 * CERT_LEN, export.cert_chain_len);

	EXPECT_EQ(SEV_RET_INVALID_LEN, platform_status(SEV_PEK_CERT_IMPORT, &import));
	import.oca_cert_len = CERT_LEN;
	EXPECT_EQ(SEV_RET_INVALID_CERTIFICATE, platform_status(SEV_PEK_CERT_IMPORT, &import));

	guest_create(&g, KVM_X86_SEV_VM);
	ASSERT_EQ(0, guest_start(&g, 0));
	EXPECT_EQ(SEV_RET_INVALID_PLATFORM_STATE, platform_status(SEV_PEK_GEN, NULL));
	EXPECT_EQ(SEV_RET_UNSUPPORTED, platform_status(SEV_PDH_GEN, NULL));
	EXPECT_EQ(SEV_RET_INVALID_PLATFORM_STATE,
		  platform_status(SEV_PEK_CERT_IMPORT, &import));
	guest_free(&g);
}

TEST_F(platform, id_has_a_length)
{
	struct sev_user_data_get_id2 id = { };
	char buf[ID_LEN] = { };

	EXPECT_EQ(SEV_RET_INVALID_LEN, platform_status(SEV_GET_ID2, &id));
	EXPECT_EQ(ID_LEN, id.length);
	id.address = (u64)buf;
	EXPECT_EQ(0, platform_status(SEV_GET_ID2, &id));
	EXPECT_NE(0, buf[0]);
}

/* The driver shuts SEV down first; the next guest brings it up again. */
TEST_F(platform, factory_reset_waits_for_the_guests)
{
	struct sev_user_data_status s;
	struct guest g;
	u32 fw;

	guest_create(&g, KVM_X86_SEV_VM);
	ASSERT_EQ(0, guest_start(&g, 0));
	EXPECT_EQ(-EBUSY, platform_cmd(SEV_FACTORY_RESET, NULL, &fw));
	guest_free(&g);

	EXPECT_EQ(0, platform_status(SEV_FACTORY_RESET, NULL));
	sev_status(&s);
	EXPECT_EQ(0, s.state);
	EXPECT_EQ(0, s.flags);

	guest_create(&g, KVM_X86_SEV_ES_VM);
	sev_status(&s);
	EXPECT_EQ(PSTATE_INIT, s.state);
	EXPECT_EQ(SEV_STATUS_FLAGS_CONFIG_ES, s.flags);
	EXPECT_EQ(0, guest_start(&g, POLICY_ES));
	guest_free(&g);
}

/* ---- SNP ----------------------------------------------------------------------------- */

FIXTURE(snp)
{
	struct guest g;
	u8 *page;
};

static void snp_create(struct guest *g)
{
	guest_create(g, KVM_X86_SNP_VM);
	vm_userspace_mem_region_add(g->vm, VM_MEM_SRC_ANONYMOUS, SNP_GPA, SNP_SLOT,
				    SNP_PAGES, KVM_MEM_GUEST_MEMFD);
	vm_mem_set_private(g->vm, SNP_GPA, SNP_PAGES * PAGE_SIZE);
}

static int snp_start(struct guest *g, u64 policy)
{
	struct kvm_sev_snp_launch_start d = { .policy = policy };

	return fw_status(g, KVM_SEV_SNP_LAUNCH_START, &d);
}

static int snp_update(struct guest *g, u64 page, void *src, u8 type)
{
	struct kvm_sev_snp_launch_update d = {
		.gfn_start = SNP_GPA / PAGE_SIZE + page, .uaddr = (u64)src,
		.len = PAGE_SIZE, .type = type,
	};

	return fw_status(g, KVM_SEV_SNP_LAUNCH_UPDATE, &d);
}

static int snp_finish(struct guest *g)
{
	struct kvm_sev_snp_launch_finish d = { };

	return fw_status(g, KVM_SEV_SNP_LAUNCH_FINISH, &d);
}

static void snp_status(struct sev_user_data_snp_status *s)
{
	TEST_ASSERT_EQ(platform_status(SNP_PLATFORM_STATUS, s), 0);
}

FIXTURE_SETUP(snp)
{
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(KVM_X86_SNP_VM),
		       "KVM without SNP guests (platform off?)");
	sev_fd = open("/dev/sev", O_RDWR);
	ASSERT_LE(0, sev_fd);
	snp_create(&self->g);
	self->page = alloc_page(0x5a);
}

FIXTURE_TEARDOWN(snp)
{
	struct sev_user_data_snp_status s;

	guest_free(&self->g);
	snp_status(&s);
	EXPECT_EQ(0, s.guest_count);
	close(sev_fd);
}

TEST_F(snp, guests_are_counted_from_their_launch)
{
	struct sev_user_data_snp_status s;

	snp_status(&s);
	EXPECT_EQ(1, s.state);
	EXPECT_EQ(1, (u32)s.is_rmp_initialized);
	EXPECT_EQ(0, s.guest_count);
	ASSERT_EQ(0, snp_start(&self->g, SNP_POLICY));
	snp_status(&s);
	EXPECT_EQ(1, s.guest_count);
}

TEST_F(snp, policy_for_newer_firmware_is_refused)
{
	struct sev_user_data_snp_status s;

	snp_status(&s);
	EXPECT_EQ(SEV_RET_POLICY_FAILURE,
		  snp_start(&self->g, SNP_POLICY |
				      SNP_POLICY_ABI(s.api_major, s.api_minor + 1)));
	EXPECT_EQ(SEV_RET_POLICY_FAILURE,
		  snp_start(&self->g, SNP_POLICY | SNP_POLICY_ABI(s.api_major + 1, 0)));
	snp_status(&s);
	EXPECT_EQ(0, s.guest_count);
	EXPECT_EQ(0, snp_start(&self->g,
			       SNP_POLICY | SNP_POLICY_ABI(s.api_major, s.api_minor)));
}

TEST_F(snp, update_ends_with_finish)
{
	ASSERT_EQ(0, snp_start(&self->g, SNP_POLICY));
	EXPECT_EQ(0, snp_update(&self->g, 0, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(0, snp_finish(&self->g));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE,
		  snp_update(&self->g, 1, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(SEV_RET_INVALID_GUEST_STATE, snp_finish(&self->g));
}

TEST_F(snp, firmware_never_sees_memory_that_is_not_private)
{
	ASSERT_EQ(0, snp_start(&self->g, SNP_POLICY));
	vm_mem_set_shared(self->g.vm, SNP_GPA, PAGE_SIZE);
	EXPECT_EQ(-1, snp_update(&self->g, 0, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(0, snp_update(&self->g, 1, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(-1, snp_update(&self->g, 1, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
}

TEST_F(snp, malformed_cpuid_page_is_refused_and_given_back)
{
	u32 *page = (u32 *)self->page;

	memset(page, 0, PAGE_SIZE);
	page[0] = 65;
	ASSERT_EQ(0, snp_start(&self->g, SNP_POLICY));
	EXPECT_EQ(SEV_RET_INVALID_PARAM,
		  snp_update(&self->g, 0, page, KVM_SEV_SNP_PAGE_TYPE_CPUID));
	EXPECT_EQ(65, page[0]);
	page[0] = 1;
	page[1] = 1;
	EXPECT_EQ(SEV_RET_INVALID_PARAM,
		  snp_update(&self->g, 0, page, KVM_SEV_SNP_PAGE_TYPE_CPUID));
	page[1] = 0;
	page[14] = 1;	/* the function's reserved field */
	EXPECT_EQ(SEV_RET_INVALID_PARAM,
		  snp_update(&self->g, 0, page, KVM_SEV_SNP_PAGE_TYPE_CPUID));
	page[14] = 0;
	EXPECT_EQ(0, snp_update(&self->g, 0, page, KVM_SEV_SNP_PAGE_TYPE_CPUID));
}

/* SEV-SNP firmware ABI, 8.18: ID_BLOCK */
struct id_block {
	u8 ld[48];
	u8 family_id[16];
	u8 image_id[16];
	u32 version;
	u32 guest_svn;
	u64 policy;
};

static int finish_as(struct guest *g, struct id_block *b, u32 algo)
{
	u32 auth[4096 / 4] = { algo };
	struct kvm_sev_snp_launch_finish d = {
		.id_block_uaddr = (u64)b, .id_auth_uaddr = (u64)auth, .id_block_en = 1,
	};

	return fw_status(g, KVM_SEV_SNP_LAUNCH_FINISH, &d);
}

/*
 * The digest of two pages, by hand: SHA-384 over PAGE_INFO of a ZERO page at
 * 0x100000, then over PAGE_INFO of a NORMAL page full of 0x5a at 0x101000.
 */
static const u8 launch_digest[48] = {
	0x5b, 0x9f, 0xe9, 0xc3, 0xe7, 0x42, 0x6c, 0x0c, 0xa5, 0x1f, 0xd8, 0x19,
	0x15, 0xb9, 0xf1, 0x33, 0x3a, 0x0a, 0x1c, 0x40, 0x5c, 0xe6, 0xe3, 0x3f,
	0x49, 0xc0, 0x83, 0xe4, 0x20, 0x98, 0x5f, 0x06, 0x46, 0xbf, 0x56, 0xdb,
	0x67, 0xaa, 0xfc, 0xcb, 0x24, 0xaf, 0xf2, 0x30, 0xce, 0x02, 0x29, 0xbe,
};

/* An ID block that matches gets as far as its signature, which nobody can check. */
TEST_F(snp, id_block_is_compared_with_the_launch)
{
	struct id_block b = { .policy = SNP_POLICY };

	memcpy(b.ld, launch_digest, sizeof(b.ld));
	ASSERT_EQ(0, snp_start(&self->g, SNP_POLICY));
	ASSERT_EQ(0, snp_update(&self->g, 0, NULL, KVM_SEV_SNP_PAGE_TYPE_ZERO));
	EXPECT_EQ(SEV_RET_BAD_MEASUREMENT, finish_as(&self->g, &b, 1));
	ASSERT_EQ(0, snp_update(&self->g, 1, self->page, KVM_SEV_SNP_PAGE_TYPE_NORMAL));
	EXPECT_EQ(SEV_RET_UNSUPPORTED, finish_as(&self->g, &b, 1));
	EXPECT_EQ(SEV_RET_INVALID_PARAM, finish_as(&self->g, &b, 2));
	b.policy++;
	EXPECT_EQ(SEV_RET_POLICY_FAILURE, finish_as(&self->g, &b, 1));
	EXPECT_EQ(0, snp_finish(&self->g));
}

TEST_F(snp, configuration_can_not_claim_newer_firmware)
{
	struct sev_user_data_snp_config c = { };
	struct sev_user_data_snp_status s;

	snp_status(&s);
	c.reported_tcb = s.current_tcb_version + 1;
	EXPECT_EQ(SEV_RET_INVALID_PARAM, platform_status(SNP_SET_CONFIG, &c));
	c.reported_tcb = s.current_tcb_version - 1;
	c.mask_chip_id = 1;
	EXPECT_EQ(0, platform_status(SNP_SET_CONFIG, &c));
	snp_status(&s);
	EXPECT_EQ(c.reported_tcb, s.reported_tcb_version);
	EXPECT_EQ(1, (u32)s.mask_chip_id);

	c.rsvd = 1;
	EXPECT_EQ(SEV_RET_INVALID_PARAM, platform_status(SNP_SET_CONFIG, &c));
	c = (struct sev_user_data_snp_config) { };
	EXPECT_EQ(0, platform_status(SNP_SET_CONFIG, &c));
	EXPECT_EQ(0, platform_status(SNP_COMMIT, NULL));
}

TEST_F(snp, no_hashstick_is_taken)
{
	struct sev_user_data_snp_wrapped_vlek_hashstick stick = { };
	struct sev_user_data_snp_vlek_load d = {
		.len = sizeof(d), .vlek_wrapped_address = (u64)&stick,
	};
	struct sev_user_data_snp_status s;

	EXPECT_EQ(SEV_RET_BAD_SVN, platform_status(SNP_VLEK_LOAD, &d));
	snp_status(&s);
	memcpy(stick.data + 400, &s.reported_tcb_version, 8);
	EXPECT_EQ(SEV_RET_BAD_MEASUREMENT, platform_status(SNP_VLEK_LOAD, &d));
	d.rsvd[0] = 1;
	EXPECT_EQ(SEV_RET_INVALID_PARAM, platform_status(SNP_VLEK_LOAD, &d));
}

/* ---- nothing is lost -------------------------------------------------------------------- */

static void launch(struct guest *g, unsigned long type)
{
	switch (type) {
	case KVM_X86_SNP_VM:
		snp_create(g);
		TEST_ASSERT_EQ(snp_start(g, SNP_POLICY), 0);
		TEST_ASSERT_EQ(snp_update(g, 0, NULL, KVM_SEV_SNP_PAGE_TYPE_ZERO), 0);
		TEST_ASSERT_EQ(snp_finish(g), 0);
		break;
	default:
		guest_create(g, type);
		guest_launch(g, type == KVM_X86_SEV_ES_VM ? POLICY_ES : 0);
		break;
	}
}

/* All ASIDs of a range can be had at once, and not one more. */
static void expect_asids(struct __test_metadata *_metadata, unsigned long type, int n)
{
	struct kvm_sev_init init = { };
	struct guest g[SEV_ASIDS], one;
	int i;

	for (i = 0; i < n; i++)
		launch(&g[i], type);
	one.vm = vm_create_barebones_type(type);
	EXPECT_EQ(-EBUSY, guest_cmd(&one, KVM_SEV_INIT2, &init));
	guest_free(&one);
	for (i = 0; i < n; i++)
		guest_free(&g[i]);
}

FIXTURE(asid)
{
};

FIXTURE_VARIANT(asid)
{
	unsigned long type;
	int asids;
};

FIXTURE_VARIANT_ADD(asid, sev)
{
	.type = KVM_X86_SEV_VM,
	.asids = SEV_ASIDS,
};

FIXTURE_VARIANT_ADD(asid, sev_es)
{
	.type = KVM_X86_SEV_ES_VM,
	.asids = ES_ASIDS,
};

FIXTURE_VARIANT_ADD(asid, snp)
{
	.type = KVM_X86_SNP_VM,
	.asids = ES_ASIDS,
};

FIXTURE_SETUP(asid)
{
	__TEST_REQUIRE(kvm_check_cap(KVM_CAP_VM_TYPES) & BIT(variant->type),
		       "KVM without this type of guest (platform off?)");
	sev_fd = open("/dev/sev", O_RDWR);
	ASSERT_LE(0, sev_fd);
}

FIXTURE_TEARDOWN(asid)
{
	close(sev_fd);
}

TEST_F_TIMEOUT(asid, many_guests_leave_all_asids_free, 300)
{
	struct sev_user_data_snp_status snp;
	struct sev_user_data_status sev;
	struct guest g;
	long i, cycles = env_number("CYCLES", CYCLES);

	for (i = 0; i < cycles; i++) {
		launch(&g, variant->type);
		guest_free(&g);
	}
	expect_asids(_metadata, variant->type, variant->asids);

	sev_status(&sev);
	EXPECT_EQ(0, sev.guest_count);
	snp_status(&snp);
	EXPECT_EQ(0, snp.guest_count);
}

/* One that never starts, one that starts, one that is measured, and so on. */
static void launch_in_part(struct guest *g, unsigned long type, int steps)
{
	bool snp = type == KVM_X86_SNP_VM;
	u8 m[256];

	if (snp)
		snp_create(g);
	else
		guest_create(g, type);
	if (steps > 0 && snp)
		TEST_ASSERT_EQ(snp_start(g, SNP_POLICY), 0);
	else if (steps > 0)
		TEST_ASSERT_EQ(guest_start(g, type == KVM_X86_SEV_ES_VM ? POLICY_ES : 0), 0);
	if (steps > 1 && snp)
		TEST_ASSERT_EQ(snp_update(g, 0, NULL, KVM_SEV_SNP_PAGE_TYPE_ZERO), 0);
	else if (steps > 1)
		TEST_ASSERT_EQ(guest_measure(g, m), 0);
}

TEST_F_TIMEOUT(asid, unfinished_launches_leave_all_asids_free, 300)
{
	struct guest g;
	int i;

	for (i = 0; i < 3 * variant->asids; i++) {
		launch_in_part(&g, variant->type, i % 3);
		guest_free(&g);
	}
	expect_asids(_metadata, variant->type, variant->asids);
}

TEST_HARNESS_MAIN
