# SPDX-License-Identifier: GPL-2.0-only
# What rmpmap.awk and rmplapse.awk share: numbers, kinds of pages, the curve. Any awk.

function num(h,   i, v) {
	v = 0
	for (i = 3; i <= length(h); i++)
		v = v * 16 + index("0123456789abcdef", substr(h, i, 1)) - 1
	return v
}

function hex(v,   s, d) {
	if (v == 0)
		return "0"
	while (v > 0) {
		d = v % 16
		s = substr("0123456789abcdef", d + 1, 1) s
		v = (v - d) / 16
	}
	return s
}

function size(pages) {
	if (pages % 262144 == 0) return pages / 262144 "G"
	if (pages % 256 == 0) return pages / 256 "M"
	return pages * 4 "K"
}

BEGIN {
	vmsa_frame = num("0xfffffffff")
	# kind, glyph, terminal colour, SVG colour, words
	define("none",     " ",  "0",     "#ffffff", "nothing")
	define("shared",   "·",  "90",    "#d9d9d9", "shared")
	define("p4",       "▒",  "32",    "#74c476", "private 4K")
	define("p2",       "█",  "32",    "#238b45", "private 2M")
	define("i4",       "░",  "33",    "#fdae6b", "not validated 4K")
	define("i2",       "▓",  "33",    "#e6550d", "not validated 2M")
	define("vmsa",     "V",  "35",    "#6a51a3", "VMSA")
	define("firmware", "F",  "34",    "#3182bd", "firmware")
	define("busy",     "!",  "31",    "#de2d26", "in transit")
	define("fixed",    "#",  "36",    "#636363", "hv-fixed")
	define("mixed",    "▚",  "1;37",  "#9e9ac8", "mixed")
}

function define(kind, glyph, ansi, fill, words) {
	kinds[++nkinds] = kind
	glyphs[kind] = glyph
	ansis[kind] = ansi
	fills[kind] = fill
	texts[kind] = words
}

# Hilbert curve of order 2^n: cell number -> column and row
function hilbert(side, d,   s, rx, ry, t) {
	hx = hy = 0
	for (s = 1; s < side; s *= 2) {
		rx = int(d / 2) % 2
		ry = (d + rx) % 2
		if (!ry) {
			if (rx) {
				hx = s - 1 - hx
				hy = s - 1 - hy
			}
			t = hx
			hx = hy
			hy = t
		}
		hx += s * rx
		hy += s * ry
		d = int(d / 4)
	}
}
