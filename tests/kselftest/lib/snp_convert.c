// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conversions as a guest sees them, which are the same whether its VMM does them or
 * the kernel: a page becomes shared, guest and host each find what the other wrote,
 * and it becomes private again. The guest says when it is the host's turn, stage 1.
 */
#include "test_util.h"
#include "snp_convert.h"

u64 *snp_host_page(struct snp_guest *g, u64 page)
{
	return snp_hva(g, snp_test_gpa(page));
}

/* The host's turn at a shared page: it reads the guest's words, leaves its own. */
void snp_host_answers(struct snp_guest *g, u64 page)
{
	u64 *p = snp_host_page(g, page);
	int i;

	for (i = 0; i < PAGE_SIZE / 8; i++) {
		TEST_ASSERT(p[i] == GUEST + i, "page %lu, word %d: %#lx", page, i, p[i]);
		p[i] = HOST + i;
	}
}

/* By the MSR protocol; the page is private, not yet validated, and at last validated. */
void snp_there_and_back(u64 page)
{
	snp_validate_pages(page, 1, true);
	snp_fill(snp_private(page), 1, PRIVATE);

	snp_validate_pages(page, 1, false);
	snp_assert_eq(snp_psc_msr(snp_test_gpa(page), SNP_PSC_SHARED), 0);
	snp_fill(snp_shared(page), 1, GUEST);
	snp_sync(1, page, 0, 0);
	snp_assert_eq(snp_holds(snp_shared(page), 1, HOST), true);

	snp_assert_eq(snp_psc_msr(snp_test_gpa(page), SNP_PSC_PRIVATE), 0);
	snp_validate_pages(page, 1, true);
	snp_fill(snp_private(page), 1, PRIVATE);
}

void snp_scattered_entries(int operation)
{
	int i;

	for (i = 0; i < SNP_SCATTERED; i++)
		snp_psc_entry(i, snp_test_gpa(SNP_SCATTERED_PAGE(i)), operation, SNP_4K);
}

/* A whole guest: one request for all of them, there and back */
void snp_guest_scattered(void)
{
	u64 page;
	int i;

	snp_guest_init();
	snp_validate_pages(0, SNP_SCATTERED_PAGE(SNP_SCATTERED), true);
	snp_fill(snp_private(0), SNP_SCATTERED_PAGE(SNP_SCATTERED), PRIVATE);
	for (i = 0; i < SNP_SCATTERED; i++)
		snp_validate_pages(SNP_SCATTERED_PAGE(i), 1, false);
	snp_scattered_entries(SNP_PSC_SHARED);
	snp_assert_eq(snp_psc(SNP_SCATTERED), 0);
	snp_assert_eq(snp_psc_buffer()->cur_entry, SNP_SCATTERED);
	for (i = 0; i < SNP_SCATTERED; i++) {
		snp_assert_eq(snp_psc_buffer()->entry[i].cur_page, 1);
		snp_fill(snp_shared(SNP_SCATTERED_PAGE(i)), 1, GUEST);
	}
	snp_sync(1, 0, 0, 0);
	for (i = 0; i < SNP_SCATTERED; i++)
		snp_assert_eq(snp_holds(snp_shared(SNP_SCATTERED_PAGE(i)), 1, HOST), true);

	snp_scattered_entries(SNP_PSC_PRIVATE);
	snp_assert_eq(snp_psc(SNP_SCATTERED), 0);
	for (i = 0; i < SNP_SCATTERED; i++)
		snp_validate_pages(SNP_SCATTERED_PAGE(i), 1, true);
	/* The neighbours were private throughout. */
	for (i = 0; i < SNP_SCATTERED; i++) {
		page = SNP_SCATTERED_PAGE(i) + 1;
		snp_assert_eq(snp_holds(snp_private(page), 1, PRIVATE + page * PAGE_SIZE / 8),
			      true);
	}
	snp_done();
}
