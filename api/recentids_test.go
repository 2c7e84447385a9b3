package api

import (
	"strconv"
	"testing"
	"time"
)

func TestRecentIDs(t *testing.T) {
	now := time.Now()
	r := newRecentIDs(3, time.Minute)
	for i := range 4 {
		r.add(strconv.Itoa(i), now)
	}
	r.add("1", now) // now the latest
	r.add("4", now)
	for id, want := range map[string]bool{"0": false, "1": true, "2": false, "3": true, "4": true, "5": false} {
		if got := r.has(id, now); got != want {
			t.Errorf("has %s: %v", id, got)
		}
	}
	if r.has("1", now.Add(time.Minute)) {
		t.Error("an identifier is kept beyond its age")
	}
	r.remove("1")
	r.remove("5")
	if r.has("1", now) || r.expires.Len() != 2 {
		t.Errorf("after the removal there are %v", r.expires.Keys())
	}
	// Looking an identifier up does not keep it longer.
	r.has("3", now)
	r.add("6", now)
	r.add("7", now)
	if r.has("3", now) {
		t.Error("an identifier that was looked up replaced one that was added later")
	}
}
