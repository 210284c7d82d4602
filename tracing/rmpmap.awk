# SPDX-License-Identifier: GPL-2.0-only
# The drawing half of rmpmap: runs of debugfs rmp/map in, a picture out. After rmp.awk.

BEGIN {
	max_cells = 65536
	want = mode == "svg" ? 4096 : rows * 64
	# Pages in a cell so far: as few as the picture may end with
	unit = cell ? cell : 1
}

function kind_of(state, level) {
	if (state == "hole") return "none"
	if (state == "shared") return "shared"
	if (state == "hv-fixed") return "fixed"
	if (state == "firmware") return "firmware"
	if (state == "vmsa") return "vmsa"
	if (state == "valid") return level == "2M" ? "p2" : "p4"
	if (state == "invalid") return level == "2M" ? "i2" : "i4"
	return "busy"
}

# Runs in the order of the picture: by pfn as they come, or by guest frame
NF >= 7 && $1 ~ /^0x/ {
	if (asid != "" && ($5 != asid || $3 == "firmware"))
		next
	at = asid != "" ? num($6) / 4096 : num($1)
	n = $2 + 0
	if (last >= 0 && at > last) {
		# By pfn, no more can follow.
		if (asid == "")
			exit
		next
	}
	if (at < first) {
		n -= first - at
		at = first
	}
	if (last >= 0 && at + n - 1 > last)
		n = last - at + 1
	if (n <= 0)
		next
	owner = $5 ? "ASID " $5 : ($3 == "firmware" || $3 == "reclaim" ? "firmware" : "host")
	total[owner, kind_of($3, $4)] += n
	owners[owner] = 1
	seen = 1
	# Where KVM puts the VMSAs that it makes, far beyond all memory
	if (asid != "" && last < 0 && mode != "totals" && at == vmsa_frame)
		next
	if (mode == "totals")
		next
	if (!drawn || at < low) low = at
	if (at + n > high) high = at + n
	drawn = 1
	while (!cell && (high - low) / unit > want)
		fold()
	# Too many already, see below
	if (cell && (high - low) / cell > max_cells)
		exit
	add_run(at, n, kind_of($3, $4), $7)
}

END {
	if (mode == "totals" ? !seen : !drawn) {
		print "rmpmap: nothing there" > "/dev/stderr"
		exit 1
	}
	if (mode == "totals") {
		draw_totals()
		exit 0
	}
	if (last >= 0) {
		low = first
		if (asid != "" || high < last + 1)
			high = last + 1
	}
	if (asid != "" && last < 0) {
		# The guest's holes are far apart; begin at a boundary.
		low -= low % 512
	}
	while (!cell && (high - low) / unit > want)
		fold()
	cell = unit
	low -= low % cell
	ncells = int((high - low + cell - 1) / cell)
	if (ncells > max_cells) {
		printf "rmpmap: more than %d cells: a larger -c\n", max_cells > "/dev/stderr"
		exit 1
	}
	place_cells()
	if (mode == "svg")
		draw_svg()
	else
		draw_text()
}

# A cell has the kind of all its pages, or it is mixed.
function add_cell(c, k, n, small) {
	if (!(c in kind))
		kind[c] = k
	else if (kind[c] != k && k != "none")
		kind[c] = kind[c] == "none" ? k : "mixed"
	count[c] += n
	if (small)
		split_at[c] = 1
}

function add_run(at, n, k, maps,   c, part) {
	for (c = int(at / unit); n > 0; c++) {
		part = (c + 1) * unit - at
		if (part > n)
			part = n
		add_cell(c, k, part, maps == "4K")
		at += part
		n -= part
	}
}

# Two cells into one: what was read is no more than the picture can show.
function fold(   c, n, was, kinds_was, counts_was, splits_was) {
	unit *= 2
	for (c in kind) {
		was[++n] = c
		kinds_was[n] = kind[c]
		counts_was[n] = count[c]
		splits_was[n] = c in split_at
	}
	split("", kind)
	split("", count)
	split("", split_at)
	for (; n > 0; n--)
		add_cell(int(was[n] / 2), kinds_was[n], counts_was[n], splits_was[n])
}

# By number of the cell in the picture
function place_cells(   c, k) {
	for (k in kind) {
		c = k - low / cell
		what[c] = kind[k]
		filled[c] = count[k]
		if (k in split_at)
			split_map[c] = 1
	}
	# Of a guest, what it does not own is absent, not shared.
	for (c = 0; c < ncells; c++) {
		if (!(c in what))
			what[c] = "none"
		else if (asid != "" && filled[c] < cell)
			what[c] = "mixed"
		used[what[c]]++
	}
}

function paint(kind, s) {
	return color ? "\033[" ansis[kind] "m" s "\033[0m" : s
}

# Rows of nothing are left out.
function draw_text(   r, c, line, any, skipped) {
	printf "%s, a cell is %s, a row %s\n", asid != "" ? "guest of ASID " asid : "physical memory",
	       size(cell), size(cell * 64)
	rows = int((ncells + 63) / 64)
	for (r = 0; r < rows; r++) {
		line = ""
		any = 0
		for (c = r * 64; c < r * 64 + 64 && c < ncells; c++) {
			any = any || what[c] != "none"
			line = line paint(what[c], glyphs[what[c]])
		}
		if (!any) {
			if (!skipped)
				print "..."
			skipped = 1
			continue
		}
		skipped = 0
		printf "%012s %s\n", hex((low + r * 64 * cell) * 4096), line
	}
	draw_legend()
}

function draw_legend(   k, line, words, width) {
	width = 13
	line = "             "
	for (k = 1; k <= nkinds; k++) {
		if (!used[kinds[k]] || kinds[k] == "none")
			continue
		words = texts[kinds[k]]
		if (kinds[k] == "mixed" && asid != "")
			words = "partly private"
		if (width + length(words) + 4 > 79) {
			print line
			line = "             "
			width = 13
		}
		line = line paint(kinds[k], glyphs[kinds[k]]) " " words "  "
		width += length(words) + 4
	}
	sub(/ *$/, "", line)
	print line
}

function draw_totals(   o, k, names, n, i, j, t) {
	for (o in owners)
		names[++n] = o
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && names[j - 1] > names[j]; j--) {
			t = names[j]
			names[j] = names[j - 1]
			names[j - 1] = t
		}
	for (i = 1; i <= n; i++)
		for (k = 1; k <= nkinds; k++)
			if (kinds[k] != "none" && total[names[i], kinds[k]])
				printf "%-9s %-17s %9d pages\n", names[i], texts[kinds[k]],
				       total[names[i], kinds[k]]
}

function draw_svg(   side, c, k, px, y) {
	side = 1
	while (side * side < ncells)
		side *= 2
	px = side > 64 ? 4 : 8
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n",
	       side * px + 180, side * px < 260 ? 260 : side * px
	printf "<title>%s from 0x%s, a cell is %s</title>\n",
	       asid != "" ? "Guest of ASID " asid : "Physical memory", hex(low * 4096), size(cell)
	for (c = 0; c < ncells; c++) {
		if (what[c] == "none")
			continue
		hilbert(side, c)
		printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
		       hx * px, hy * px, px, px, fills[what[c]]
		# The direct map is in 4K here.
		if (split_map[c] && asid == "")
			printf "<rect x=\"%d\" y=\"%d\" width=\"2\" height=\"2\"/>\n", hx * px, hy * px
	}
	y = 16
	for (k = 1; k <= nkinds; k++) {
		if (!used[kinds[k]] || kinds[k] == "none")
			continue
		printf "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
		       side * px + 12, y - 10, fills[kinds[k]], side * px + 30, y, texts[kinds[k]]
		y += 20
	}
	if (asid == "") {
		printf "<rect x=\"%d\" y=\"%d\" width=\"2\" height=\"2\"/><text x=\"%d\" y=\"%d\">direct map in 4K</text>\n",
		       side * px + 12, y - 6, side * px + 30, y
		y += 20
	}
	printf "<text x=\"%d\" y=\"%d\">a cell is %s</text>\n</svg>\n", side * px + 12, y + 8, size(cell)
}
