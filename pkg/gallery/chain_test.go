package gallery

import (
	"slices"
	"testing"
)

func TestSpans(t *testing.T) {
	check := func(want bool, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if got := isSpan(text); got != want {
				t.Errorf("isSpan(%q) is %t", text, got)
			}
			if got, ok := spanOf(manifestKey(text)); ok != want || ok && got != text {
				t.Errorf("the key of %q: got %q, %t", text, got, ok)
			}
		}
	}
	check(true, "2026/11/23/16", "2026/11/23/16/0", "2026/11/23/16/5", "2026/11/23/16/59", "2026/11/23/16/59/5", "2026/11/23/16/59/59")
	check(false, "", "2026/11/23", "2026/11/23/24", "2026/11/23/16/", "2026/11/23/16/6", "2026/11/23/16/60", "2026/11/23/16/59/6",
		"2026/11/23/16/pages", "2026/11/23/16/59/59/0", "../../../../x")
	for _, span := range []string{"2026/11/23/16", "2026/11/23/16/4"} {
		for _, part := range partsOf(span) {
			if !isSpan(part) || len(part) != partLength(span) {
				t.Errorf("%q is a part of %q", part, span)
			}
		}
	}
	if n := partLength("2026/11/23/16/59/59"); n != 0 {
		t.Errorf("got %d for a second, want 0", n)
	}
	if hour, ok := spanOf(ledgerKey("2026/11/23/16")); ok {
		t.Errorf("the key of a ledger is read as the page %q", hour)
	}
}

func TestChain(t *testing.T) {
	c := chain{Hours: map[string]link{
		"2026/11/23/10": {Newest: "2026/11/23/10"},
		"2026/11/23/11": {Due: true}, // without pages yet
		"2026/11/23/12": {Newest: "2026/11/23/12/5", Older: "2026/11/23/10", Due: true},
		"2026/11/23/14": {Newest: "2026/11/23/14", Older: "2026/11/23/12/5", Due: true},
	}}
	if got := c.newestBefore("2026/11/23/12"); got != "2026/11/23/10" {
		t.Errorf("before 12: got %q", got)
	}
	if got := c.newestBefore("2026/11/23/10"); got != "" {
		t.Errorf("before all: got %q", got)
	}
	if got := c.newest(); got != "2026/11/23/14" {
		t.Errorf("the newest: got %q", got)
	}
	if got := c.hourAfter("2026/11/23/10"); got != "2026/11/23/12" {
		t.Errorf("after 10: got %q", got)
	}
	if got := c.hourAfter("2026/11/23/14"); got != "" {
		t.Errorf("after all: got %q", got)
	}
	// Each due hour gets its turn, beginning with the one before the last updated.
	c.LastDue = "2026/11/23/13"
	var turns []string
	tried := map[string]bool{}
	for hour := c.nextDue(tried); hour != ""; hour = c.nextDue(tried) {
		tried[hour] = true
		c.LastDue = hour
		turns = append(turns, hour)
	}
	if want := []string{"2026/11/23/12", "2026/11/23/11", "2026/11/23/14"}; !slices.Equal(turns, want) {
		t.Errorf("got the order %q, want %q", turns, want)
	}
}
