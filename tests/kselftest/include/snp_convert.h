/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests of conversions share, whoever converts. See lib/snp_convert.c. */
#ifndef SELFTEST_SNP_CONVERT_H
#define SELFTEST_SNP_CONVERT_H

#include "snp.h"

/* What a page holds: from its guest, private or shared, or from the host */
#define PRIVATE		0x5050505000000000ul
#define GUEST		0x6060606000000000ul
#define HOST		0x7070707000000000ul

/* Every third page, so that no two entries can be taken together. */
#define SNP_SCATTERED		16
#define SNP_SCATTERED_PAGE(i)	(3 * (i))

/* VMM */
u64 *snp_host_page(struct snp_guest *g, u64 page);
void snp_host_answers(struct snp_guest *g, u64 page);

/* Guest */
void snp_there_and_back(u64 page);
void snp_scattered_entries(int operation);
void snp_guest_scattered(void);

#endif /* SELFTEST_SNP_CONVERT_H */
