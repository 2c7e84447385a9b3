package gallery

import (
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A span is a time whose pictures share a page: an hour, ten minutes, a minute, ten seconds or a second. It is
// written as that with which its seconds begin: 2026/11/23/16 is an hour, 2026/11/23/16/0 its first ten minutes and
// 2026/11/23/16/04/5 ten seconds of it. So what begins with a span is in it, spans without a common part sort by
// time, and which pages may show a job follows from its id.

// spanLengths are those of spans, the longest time first.
var spanLengths = [...]int{hourLength, len("2006/01/02/15/0"), minuteLength, len("2006/01/02/15/04/0"), len(secondForm)}

const (
	hourLength   = len("2006/01/02/15")
	minuteLength = len("2006/01/02/15/04")
	secondForm   = "2006/01/02/15/04/05"
)

// secondOf is the second of a job.
func secondOf(id job.ID) string { return job.Second.Folder(id.Time()) }

// hourOf is the hour of a span.
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

// finer is the length of the spans into which one is divided; 0 if it is a second.
func finer(span string) int {
	for _, n := range spanLengths {
		if n > len(span) {
			return n
		}
	}
	return 0
}

// partsOf are the spans into which one of more than a minute is divided.
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

// manifestKey is the key of the page of a span.
func manifestKey(span string) string { return manifests + span + ".json" }

// spanOf is the span of a page's key.
func spanOf(key string) (span string, ok bool) {
	span, isJSON := strings.CutSuffix(strings.TrimPrefix(key, manifests), ".json")
	return span, isJSON && isSpan(span)
}

// ledgerKey is the key of an hour's ledger.
func ledgerKey(hour string) string { return manifests + hour + "/pages.json" }
