// Hook: set_memory.c: where are the splitter and the merger of the RMP? (a file of
//       ours, included as cpa_lock and split_page_count() are static here)
// Expect: dmap_rmp 1

@dmap_rmp_file@
@@
 int set_memory_4k(...)
 {
 ...
 }
+
+#include "dmap_rmp.c"
