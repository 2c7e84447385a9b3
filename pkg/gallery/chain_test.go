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
				t.Errorf("%q is a span: %t", text, got)
			}
			if got, ok := spanOf(manifestKey(text)); ok != want || ok && got != text {
				t.Errorf("of the key of %q: %q, %t", text, got, ok)
			}
		}
	}
	check(true, "2026/11/23/16", "2026/11/23/16/0", "2026/11/23/16/5", "2026/11/23/16/59", "2026/11/23/16/59/5", "2026/11/23/16/59/59")
	check(false, "", "2026/11/23", "2026/11/23/24", "2026/11/23/16/", "2026/11/23/16/6", "2026/11/23/16/60", "2026/11/23/16/59/6",
		"2026/11/23/16/pages", "2026/11/23/16/59/59/0", "../../../../x")
	for _, span := range []string{"2026/11/23/16", "2026/11/23/16/4"} {
		for _, part := range partsOf(span) {
			if !isSpan(part) || len(part) != finer(span) {
				t.Errorf("%q is a part of %q", part, span)
			}
		}
	}
	if n := finer("2026/11/23/16/59/59"); n != 0 {
		t.Errorf("a second is divided at %d", n)
	}
	if hour, ok := spanOf(ledgerKey("2026/11/23/16")); ok {
		t.Errorf("a ledger is taken for the page %q", hour)
	}
}

func TestChain(t *testing.T) {
	c := chain{Hours: map[string]link{
		"2026/11/23/10": {Newest: "2026/11/23/10"},
		"2026/11/23/11": {Due: true}, // has no pages yet
		"2026/11/23/12": {Newest: "2026/11/23/12/5", Older: "2026/11/23/10", Due: true},
		"2026/11/23/14": {Newest: "2026/11/23/14", Older: "2026/11/23/12/5", Due: true},
	}}
	if got := c.before("2026/11/23/12"); got != "2026/11/23/10" {
		t.Errorf("before 12 is %q", got)
	}
	if got := c.before("2026/11/23/10"); got != "" {
		t.Errorf("before all is %q", got)
	}
	if got := c.top(); got != "2026/11/23/14" {
		t.Errorf("the newest is %q", got)
	}
	if got := c.after("2026/11/23/10"); got != "2026/11/23/12" {
		t.Errorf("after 10 comes %q", got)
	}
	if got := c.after("2026/11/23/14"); got != "" {
		t.Errorf("after all comes %q", got)
	}
	// Each has its turn, beginning with the one before the last that was looked at.
	c.At = "2026/11/23/13"
	var turns []string
	tried := map[string]bool{}
	for hour := c.due(tried); hour != ""; hour = c.due(tried) {
		tried[hour] = true
		c.At = hour
		turns = append(turns, hour)
	}
	if want := []string{"2026/11/23/12", "2026/11/23/11", "2026/11/23/14"}; !slices.Equal(turns, want) {
		t.Errorf("the turns are %q, want %q", turns, want)
	}
}
