// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest asks the firmware who it is: the launch measurement, out of an
 * attestation report. The message goes through the host (SNP Guest Request)
 * sealed with AES-256-GCM under the key that firmware left in the secrets
 * page, so what comes out is firmware's word and not the host's.
 *
 * SEV-SNP firmware ABI: secrets page (8.17.2.5), message header and its use
 * (7.6 and 8.14), report (7.3). Written for size; nothing here is secret or in
 * a hurry.
 */
#include "snp.h"

#define SECRETS_VMPCK0		0x20

#define MSG_REPORT_REQ		5
#define MSG_REPORT_RSP		6

struct message {
	u8 authtag[32];
	u64 seqno;
	u8 reserved1[8];
	/* authenticated from here */
	u8 algo;
	u8 hdr_version;
	u16 hdr_size;
	u8 type;
	u8 version;
	u16 size;
	u32 reserved2;
	u8 vmpck;
	u8 reserved3[35];
	u8 payload[4000];
} __packed;

#define AAD_OFFSET		0x30
#define AAD_BLOCKS		3
#define REQUEST_BLOCKS		6	/* report data, VMPL, key selection */
#define RESPONSE_BLOCKS		76	/* status, size, report */
#define RESPONSE_MEASUREMENT	(0x20 + 0x90)

/* ---- AES-256, FIPS 197 ---------------------------------------------------- */

static u8 sbox[256];
static u8 round_keys[15][16];

static u8 times(u8 a, u8 b)
{
	u8 product = 0;

	for (; b; b >>= 1) {
		if (b & 1)
			product ^= a;
		a = (u8)(a << 1) ^ (a & 0x80 ? 0x1b : 0);
	}
	return product;
}

static u8 rotate(u8 a, int n)
{
	return (u8)(a << n) | a >> (8 - n);
}

static void fill_sbox(void)
{
	int i, n;

	for (i = 0; i < 256; i++) {
		u8 inverse = 1;

		for (n = 0; n < 254; n++)
			inverse = times(inverse, i);
		sbox[i] = inverse ^ rotate(inverse, 1) ^ rotate(inverse, 2) ^
			  rotate(inverse, 3) ^ rotate(inverse, 4) ^ 0x63;
	}
}

static void expand_key(const u8 key[32])
{
	u8 *w = round_keys[0], rcon = 1, t[4];
	int i, j;

	for (i = 0; i < 32; i++)
		w[i] = key[i];
	for (i = 8; i < 60; i++) {
		for (j = 0; j < 4; j++)
			t[j] = w[4 * (i - 1) + j];
		if (i % 8 == 0) {
			u8 first = t[0];

			for (j = 0; j < 3; j++)
				t[j] = sbox[t[j + 1]];
			t[3] = sbox[first];
			t[0] ^= rcon;
			rcon = times(rcon, 2);
		} else if (i % 8 == 4) {
			for (j = 0; j < 4; j++)
				t[j] = sbox[t[j]];
		}
		for (j = 0; j < 4; j++)
			w[4 * i + j] = w[4 * (i - 8) + j] ^ t[j];
	}
}

static void encrypt_block(const u8 in[16], u8 out[16])
{
	u8 s[16], t[16];
	int round, i, c;

	for (i = 0; i < 16; i++)
		s[i] = in[i] ^ round_keys[0][i];
	for (round = 1; round < 15; round++) {
		/* SubBytes and ShiftRows */
		for (i = 0; i < 16; i++)
			t[i] = sbox[s[(i + 4 * (i % 4)) % 16]];
		for (c = 0; c < 16; c += 4) {
			for (i = 0; i < 4; i++)
				s[c + i] = round == 14 ? t[c + i] :
					   times(t[c + i], 2) ^
					   times(t[c + (i + 1) % 4], 3) ^
					   t[c + (i + 2) % 4] ^ t[c + (i + 3) % 4];
		}
		for (i = 0; i < 16; i++)
			s[i] ^= round_keys[round][i];
	}
	for (i = 0; i < 16; i++)
		out[i] = s[i];
}

/* ---- GCM with 96-bit IV, NIST SP 800-38D ------------------------------------ */

static u8 hash_key[16];

/* hash = (hash ^ block) times the hash key; bit 0 is the top bit of byte 0 */
static void ghash(u8 hash[16], const volatile u8 *block)
{
	u8 z[16] = { 0 }, v[16];
	int bit, i, carry;

	for (i = 0; i < 16; i++) {
		hash[i] ^= block[i];
		v[i] = hash_key[i];
	}
	for (bit = 0; bit < 128; bit++) {
		if (hash[bit / 8] & (0x80 >> bit % 8)) {
			for (i = 0; i < 16; i++)
				z[i] ^= v[i];
		}
		carry = v[15] & 1;
		for (i = 15; i > 0; i--)
			v[i] = v[i] >> 1 | (u8)(v[i - 1] << 7);
		v[0] = v[0] >> 1 ^ (carry ? 0xe1 : 0);
	}
	for (i = 0; i < 16; i++)
		hash[i] = z[i];
}

static void counter_block(u64 seqno, u32 counter, u8 out[16])
{
	u8 block[16] = { 0 };
	int i;

	for (i = 0; i < 8; i++)
		block[i] = seqno >> (8 * i);
	for (i = 0; i < 4; i++)
		block[15 - i] = counter >> (8 * i);
	encrypt_block(block, out);
}

/* Encrypts and decrypts, in place. */
static void crypt_payload(volatile struct message *m, int blocks)
{
	u8 stream[16];
	int b, i;

	for (b = 0; b < blocks; b++) {
		counter_block(m->seqno, b + 2, stream);
		for (i = 0; i < 16; i++)
			m->payload[16 * b + i] ^= stream[i];
	}
}

static void tag(volatile struct message *m, int blocks, u8 out[16])
{
	const u64 aad_bits = AAD_BLOCKS * 128, text_bits = blocks * 128;
	u8 hash[16] = { 0 }, mask[16], lengths[16];
	int i;

	for (i = 0; i < AAD_BLOCKS; i++)
		ghash(hash, (volatile u8 *)m + AAD_OFFSET + 16 * i);
	for (i = 0; i < blocks; i++)
		ghash(hash, m->payload + 16 * i);
	for (i = 0; i < 8; i++) {
		lengths[7 - i] = aad_bits >> (8 * i);
		lengths[15 - i] = text_bits >> (8 * i);
	}
	ghash(hash, lengths);
	counter_block(m->seqno, 1, mask);
	for (i = 0; i < 16; i++)
		out[i] = hash[i] ^ mask[i];
}

/* ---- the request --------------------------------------------------------------- */

static void set_key(u64 secrets_gva)
{
	static const u8 zero[16];

	fill_sbox();
	expand_key((const u8 *)secrets_gva + SECRETS_VMPCK0);
	encrypt_block(zero, hash_key);
}

static void seal_request(volatile struct message *m)
{
	u8 t[16];
	unsigned int i;

	for (i = 0; i < sizeof(*m); i++)
		((volatile u8 *)m)[i] = 0;
	m->seqno = 1;
	m->algo = 1;
	m->hdr_version = 1;
	m->hdr_size = 0x60;
	m->type = MSG_REPORT_REQ;
	m->version = 1;
	m->size = REQUEST_BLOCKS * 16;
	crypt_payload(m, REQUEST_BLOCKS);
	tag(m, REQUEST_BLOCKS, t);
	for (i = 0; i < 16; i++)
		m->authtag[i] = t[i];
}

/*
 * The launch digest of this guest, as firmware attests it; once per guest.
 * SNP_SECRETS_GPA must have been launched as secrets page. Any failure is the
 * guest's.
 */
void snp_attested_measurement(u8 measurement[SNP_MEASUREMENT_SIZE])
{
	volatile struct message *request = (void *)snp_channel.request_gva;
	/* Copied out of the host's reach before it is checked. */
	static struct message response;
	struct snp_exit e;
	u8 t[16];
	unsigned int i;

	set_key(SNP_SECRETS_GVA);
	seal_request(request);
	e = snp_vmgexit(SNP_EXIT_GUEST_REQUEST, snp_channel.request_gpa,
			snp_channel.request_gpa + PAGE_SIZE);
	snp_assert_eq(e.failed, 0);
	snp_assert_eq(e.info, 0);

	for (i = 0; i < sizeof(response); i++)
		((u8 *)&response)[i] =
			((volatile u8 *)request)[PAGE_SIZE + i];
	snp_assert_eq(response.seqno, 2);
	snp_assert_eq(response.type, MSG_REPORT_RSP);
	snp_assert_eq(response.size, RESPONSE_BLOCKS * 16);
	tag(&response, RESPONSE_BLOCKS, t);
	for (i = 0; i < 16; i++)
		snp_assert_eq(response.authtag[i], t[i]);
	crypt_payload(&response, RESPONSE_BLOCKS);
	/* MSG_REPORT_RSP.STATUS */
	snp_assert_eq(*(u32 *)response.payload, 0);
	for (i = 0; i < SNP_MEASUREMENT_SIZE; i++)
		measurement[i] = response.payload[RESPONSE_MEASUREMENT + i];
}
