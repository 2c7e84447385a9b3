package sweeper

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// That a later job was worked on is remembered from sweep to sweep, of as many owners as there is room for in a note.
func TestClaimsAreRemembered(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 59, 0, 0, time.UTC)
	var m jobsMemory
	m.noteClaims(map[string]time.Time{"anna": now.Add(-time.Hour)}, now.Add(-24*time.Hour))
	m.noteClaims(map[string]time.Time{"anna": now.Add(-2 * time.Hour), "ben": now}, now.Add(-24*time.Hour))
	for _, c := range []struct {
		owner string
		sent  time.Duration // before now
		want  bool
	}{
		{"anna", 70 * time.Minute, true},
		{"anna", 64 * time.Minute, false}, // not by so much
		{"anna", 0, false},
		{"ben", 6 * time.Minute, true},
		{"carl", 20 * time.Hour, false},
	} {
		w := waiting{Job: job.Job{Owner: c.owner}, announced: now.Add(-c.sent)}
		if got := m.overtook(w, 5*time.Minute); got != c.want {
			t.Errorf("%s's job of %v ago was overtaken: %t", c.owner, c.sent, got)
		}
	}
	if m.noteClaims(nil, now.Add(-30*time.Minute)); len(m.Claimed) != 1 {
		t.Errorf("later: %v", m.Claimed)
	}
	many := map[string]time.Time{}
	for i := range 2 * mostClaimed {
		many[fmt.Sprint("owner ", i)] = now.Add(time.Duration(i) * time.Second)
	}
	m.noteClaims(many, now.Add(-24*time.Hour))
	note, err := json.Marshal(m)
	if err != nil || len(m.Claimed) != mostClaimed || len(note) > 32<<10 {
		t.Errorf("%d owners in %d bytes, %v", len(m.Claimed), len(note), err)
	}
	youngest := waiting{Job: job.Job{Owner: fmt.Sprint("owner ", 2*mostClaimed-1)}, announced: now}
	if !m.overtook(youngest, 5*time.Minute) {
		t.Error("the youngest is not among them")
	}
}

// What is missing is known when a round ends, and sent again by the sweeps of the next, each of which looks at a part.
func TestShortfallsOverManySweeps(t *testing.T) {
	var m jobsMemory
	step := func(first, complete bool, counted, messages, missing, shortfalls int) {
		t.Helper()
		m.Counted = counted
		if m.compare(&round{first: first}, complete, messages); m.Missing != missing || m.Shortfalls != shortfalls {
			t.Errorf("%d jobs and %d messages: %d are missing in %d comparisons, want %d in %d", counted, messages, m.Missing, m.Shortfalls, missing, shortfalls)
		}
	}
	step(true, false, 300, 1000, 0, 0)     // there may be others
	step(false, false, 1200, 1000, 200, 1) // now it is known
	step(false, true, 1500, 1000, 500, 2)
	step(true, false, 300, 1000, 500, 2) // and stays so, though this part alone shows nothing
	step(false, false, 1200, 400, 500, 3)
	m.Missing -= 300 // were sent again
	step(false, true, 1500, 1300, 200, 4)
	step(true, false, 300, 1500, 200, 4)
	step(false, true, 1500, 1500, 0, 0)
	step(true, false, 900, 1500, 0, 0)
	step(false, true, 1400, 1000, 0, 0) // 500 have finished since the round began, of which some were counted
}
