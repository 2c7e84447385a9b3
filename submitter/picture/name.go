package picture

import (
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// longestName is how many bytes the name of a file may have on nearly every system.
const longestName = 255

// longestNumber is the longest text that a caller appends to the name of a result to make it
// unique.
const longestNumber = "-1000000"

// ResultName returns the name for the file of a result: the name of its source, then its styles.
// style is "" for the user's own style picture.
func ResultName(source, style, format string) string {
	stem := strings.TrimSuffix(filepath.Base(source), filepath.Ext(source))
	if source == Stdin || stem == "" {
		stem = "atelier"
	}
	styles := "own-style"
	if style != "" {
		var names []string
		for part := range strings.SplitSeq(style, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(part), ":")
			names = append(names, portable(name))
		}
		styles = strings.Join(names, "+")
	}
	end := "-" + styles + Extension(format)
	return truncate(stem, longestName-len(longestNumber)-len(end)) + end
}

// portable returns s without the characters that the names of files can't have on some system; each
// is replaced.
func portable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

// truncate shortens a name to at most limit bytes, but leaves at least one, and does not split a
// character.
func truncate(name string, limit int) string {
	limit = max(limit, 1)
	if len(name) <= limit {
		return name
	}
	for range utf8.UTFMax - 1 { // a name need not be UTF-8
		if limit > 1 && !utf8.RuneStart(name[limit]) {
			limit--
		}
	}
	return name[:limit]
}
