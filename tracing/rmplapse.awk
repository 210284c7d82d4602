# SPDX-License-Identifier: GPL-2.0-only
# The drawing half of rmplapse: events of a trace in, an SVG that moves out. After
# rmp.awk. First all events are kept, since the range and the time are known at the end.

BEGIN { n = 0 }

function field(name,   v) {
	if (!match($0, " " name "=[^ ]*"))
		return ""
	return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
}

/ rmp_update: / && field("result") == "0" {
	if (!match($0, /[0-9]+\.[0-9]+: rmp_update: /))
		next
	when = substr($0, RSTART) + 0
	pfn = num(field("pfn"))
	pages = field("level") == "2M" ? 512 : 1
	at = pfn
	if (field("assigned") == "1") {
		kind = field("asid") == "0" ? "firmware" : field("immutable") == "1" ? "busy" : pages > 1 ? "p2" : "p4"
		if (asid != "") {
			if (field("asid") != asid)
				next
			at = num(field("gpa")) / 4096
			# of a VMSA, far beyond all memory
			if (last < 0 && at == vmsa_frame)
				next
			# which frame it is when the page goes back
			for (i = 0; i < pages; i++)
				frame[pfn + i] = at + i
		}
	} else {
		kind = "shared"
		if (asid != "") {
			if (!(pfn in frame))
				next
			at = frame[pfn]
		}
	}
	if (at + pages - 1 < first || last >= 0 && at > last)
		next
	if (!n || at < low) low = at
	if (at + pages > high) high = at + pages
	time[n] = when
	start[n] = at
	count[n] = pages
	became[n++] = kind
}

# The kind of a cell's pages, or mixed; pages of which nothing is known do not count.
function kind_of_cell(c,   k, i, found) {
	for (i = 1; i <= nkinds; i++) {
		k = kinds[i]
		if (has[c, k] > 0) {
			if (found != "")
				return "mixed"
			found = k
		}
	}
	return found
}

function page_becomes(p, kind,   c) {
	c = int((p - low) / cell)
	if (p in state)
		has[c, state[p]]--
	state[p] = kind
	has[c, kind]++
	touched[c] = 1
}

# What the cells look like at the end of a frame
function end_frame(f,   c, k) {
	for (c in touched) {
		k = kind_of_cell(c)
		if (k != look[c]) {
			look[c] = k
			used[k] = 1
			times[c] = times[c] ";" sprintf("%.4f", f / (frames + 1))
			values[c] = values[c] ";" fills[k]
		}
	}
	split("", touched)
}

END {
	if (!n) {
		print "rmplapse: nothing there" > "/dev/stderr"
		exit 1
	}
	if (last >= 0) {
		low = first
		high = last + 1
	}
	if (!cell) {
		cell = 1
		while ((high - low) / cell > 4096)
			cell *= 2
	}
	low -= low % cell
	ncells = int((high - low + cell - 1) / cell)
	if (ncells > 65536) {
		printf "rmplapse: %d cells, more than 65536: a larger -c\n", ncells > "/dev/stderr"
		exit 1
	}
	frames = 100
	span = time[n - 1] - time[0]
	f = 1
	for (e = 0; e < n; e++) {
		now = span > 0 ? 1 + int((time[e] - time[0]) * (frames - 1) / span) : 1
		for (; f < now; f++)
			end_frame(f)
		for (p = start[e]; p < start[e] + count[e]; p++)
			if (p >= low && p < high)
				page_becomes(p, became[e])
	}
	end_frame(f)
	draw()
}

function legend(px, y, fill, words) {
	printf "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
	       px + 12, y - 10, fill, px + 30, y, words
}

function draw(   side, px, c, k, y) {
	side = 1
	while (side * side < ncells)
		side *= 2
	px = side > 64 ? 4 : side > 16 ? 8 : 16
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n",
	       side * px + 180, side * px < 240 ? 260 : side * px + 20
	printf "<title>%s from 0x%s, a cell is %s, %.6f s</title>\n",
	       asid != "" ? "Guest of ASID " asid : "Physical memory", hex(low * 4096), size(cell), span
	for (c = 0; c < ncells; c++) {
		hilbert(side, c)
		printf "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#ffffff\">", hx * px, hy * px, px, px
		if (c in values)
			printf "<animate attributeName=\"fill\" dur=\"%ds\" repeatCount=\"indefinite\" calcMode=\"discrete\" keyTimes=\"0%s\" values=\"#ffffff%s\"/>",
			       seconds, times[c], values[c]
		print "</rect>"
	}
	printf "<rect x=\"0\" y=\"%d\" height=\"6\" width=\"0\"><animate attributeName=\"width\" dur=\"%ds\" repeatCount=\"indefinite\" from=\"0\" to=\"%d\"/></rect>\n",
	       side * px + 6, seconds, side * px
	y = 16
	for (k = 1; k <= nkinds; k++) {
		if (used[kinds[k]]) {
			legend(side * px, y, fills[kinds[k]], texts[kinds[k]])
			y += 20
		}
	}
	printf "<text x=\"%d\" y=\"%d\">white: not seen</text>\n", side * px + 12, y
	printf "<text x=\"%d\" y=\"%d\">a cell is %s</text>\n", side * px + 12, y + 20, size(cell)
	printf "<text x=\"%d\" y=\"%d\">%.3f s of time</text>\n</svg>\n", side * px + 12, y + 40, span
}
