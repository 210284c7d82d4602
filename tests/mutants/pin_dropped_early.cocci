// SPDX-License-Identifier: GPL-2.0-only
// Mutant: a page is unpinned as soon as it is private
// File: arch/x86/kvm/svm/snp_convert.c
// Test: snp_in_place_race_test
// Args: RACE_SECONDS=10 RACES=userfaultfd
// Caught: vCPU [0-9]+: an exception, in round|vCPU [0-9]+, line|Bad page state|BUG: 
// Limit: 60
// Expect: unpin_user_page 1
// Expect: unpin_user_pages_dirty_lock -1
//
// Then nothing holds it when the VMM drops the memory: it is freed while private.

@@
identifier u, s;
iterator name for_each_set_bit;
@@
 snp_make_private(struct snp_unit *u, struct snp_scratch *s)
 {
 ...
+for_each_set_bit(hva, s->todo, u->done)
+	unpin_user_page(s->page[hva]);
 bitmap_clear(s->todo, 0, u->done);
 ...
 }

@@
identifier page;
@@
 let_go(...)
 {
 <...
-unpin_user_pages_dirty_lock(&page, 1, true);
+set_page_dirty_lock(page);
 ...>
 }
