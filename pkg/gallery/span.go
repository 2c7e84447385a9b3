package gallery

import (
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A span is a time whose pictures share a page: an hour, ten minutes, a minute, ten seconds or a
// second. It is written as the common prefix of its seconds: 2026/11/23/16 is an hour,
// 2026/11/23/16/0 its first ten minutes and 2026/11/23/16/04/5 ten seconds of it. So a text that
// begins with a span is in it, spans that don't overlap sort by time, and the pages that may show a
// job follow from its id.

// spanLengths are the lengths of spans as texts, longest time first.
var spanLengths = [...]int{hourLength, len("2006/01/02/15/0"), minuteLength, len("2006/01/02/15/04/0"), len(secondForm)}

const (
	hourLength   = len("2006/01/02/15")
	minuteLength = len("2006/01/02/15/04")
	secondForm   = "2006/01/02/15/04/05"
)

// secondOf returns the second in which a job was submitted.
func secondOf(id job.ID) string { return job.Second.Folder(id.Time()) }

// hourOf returns the hour of a span.
func hourOf(span string) string { return span[:min(hourLength, len(span))] }

// isSpan reports whether a text is a span.
func isSpan(text string) bool {
	const first = "0000/01/01/00/00/00"
	if !slices.Contains(spanLengths[:], len(text)) {
		return false
	}
	_, err := time.Parse(secondForm, text+first[len(text):])
	return err == nil
}

// isHour reports whether a text is the span of an hour.
func isHour(text string) bool { return len(text) == hourLength && isSpan(text) }

// partLength returns the length of the parts into which a span is divided; 0 for a second.
func partLength(span string) int {
	for _, n := range spanLengths {
		if n > len(span) {
			return n
		}
	}
	return 0
}

// partsOf returns the parts of a span of more than a minute.
func partsOf(span string) (parts []string) {
	digits := "0123456789"
	if len(span) == hourLength {
		span, digits = span+"/", "012345"
	}
	for _, digit := range digits {
		parts = append(parts, span+string(digit))
	}
	return parts
}

// manifestKey returns the key of a span's page.
func manifestKey(span string) string { return manifestPrefix + span + ".json" }

// spanOf returns the span whose page has the given key; ok is false for any other key.
func spanOf(key string) (span string, ok bool) {
	span, isJSON := strings.CutSuffix(strings.TrimPrefix(key, manifestPrefix), ".json")
	return span, isJSON && isSpan(span)
}

// ledgerKey returns the key of an hour's ledger.
func ledgerKey(hour string) string { return manifestPrefix + hour + "/pages.json" }
