package sweeper

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Claims are remembered from sweep to sweep, for as many owners as fit into a note.
func TestClaimsAreRemembered(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 59, 0, 0, time.UTC)
	var m jobsProgress
	m.recordClaims(map[string]time.Time{"anna": now.Add(-time.Hour)}, now.Add(-24*time.Hour))
	m.recordClaims(map[string]time.Time{"anna": now.Add(-2 * time.Hour), "ben": now}, now.Add(-24*time.Hour))
	for _, c := range []struct {
		owner string
		sent  time.Duration // before now
		want  bool
	}{
		{"anna", 70 * time.Minute, true},
		{"anna", 64 * time.Minute, false}, // not by more than five minutes
		{"anna", 0, false},
		{"ben", 6 * time.Minute, true},
		{"carl", 20 * time.Hour, false},
	} {
		w := waitingJob{Job: job.Job{Owner: c.owner}, messageSent: now.Add(-c.sent)}
		if got := m.wasOvertaken(w, 5*time.Minute); got != c.want {
			t.Errorf("%s's job of %v ago: got overtaken: %t", c.owner, c.sent, got)
		}
	}
	if m.recordClaims(nil, now.Add(-30*time.Minute)); len(m.Claimed) != 1 {
		t.Errorf("after the older ones are dropped: %v", m.Claimed)
	}
	many := map[string]time.Time{}
	for i := range 2 * maxClaimed {
		many[fmt.Sprint("owner ", i)] = now.Add(time.Duration(i) * time.Second)
	}
	m.recordClaims(many, now.Add(-24*time.Hour))
	note, err := json.Marshal(m)
	if err != nil || len(m.Claimed) != maxClaimed || len(note) > 32<<10 {
		t.Errorf("%d owners in %d bytes, %v", len(m.Claimed), len(note), err)
	}
	youngest := waitingJob{Job: job.Job{Owner: fmt.Sprint("owner ", 2*maxClaimed-1)}, messageSent: now}
	if !m.wasOvertaken(youngest, 5*time.Minute) {
		t.Error("the youngest claim was dropped")
	}
}

// The number of missing messages is known at the end of a pass. The sweeps of the next pass send
// them again, each for a part of the jobs.
func TestShortfallsOverManySweeps(t *testing.T) {
	var m jobsProgress
	step := func(first, complete bool, counted, messages, missing, shortfalls int) {
		t.Helper()
		m.Counted = counted
		if m.compareDepth(&findings{first: first}, complete, messages); m.Missing != missing || m.Shortfalls != shortfalls {
			t.Errorf("%d jobs and %d messages: got %d missing after %d shortfalls, want %d after %d", counted, messages, m.Missing, m.Shortfalls, missing, shortfalls)
		}
	}
	step(true, false, 300, 1000, 0, 0)     // not all jobs are counted yet
	step(false, false, 1200, 1000, 200, 1) // more jobs were counted than there are messages
	step(false, true, 1500, 1000, 500, 2)
	step(true, false, 300, 1000, 500, 2) // the number is kept, although this part of the pass shows no loss
	step(false, false, 1200, 400, 500, 3)
	m.Missing -= 300 // these were sent again
	step(false, true, 1500, 1300, 200, 4)
	step(true, false, 300, 1500, 200, 4)
	step(false, true, 1500, 1500, 0, 0)
	step(true, false, 900, 1500, 0, 0)
	step(false, true, 1400, 1000, 0, 0) // 500 have finished since the pass began, some of which were counted
}
