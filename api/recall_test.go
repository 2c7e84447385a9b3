package api

import (
	"strconv"
	"testing"
	"time"
)

func TestRecall(t *testing.T) {
	now := time.Now()
	r := newRecall(3, time.Minute)
	for i := range 4 {
		r.add(strconv.Itoa(i), now)
	}
	r.add("1", now) // the latest now
	r.add("4", now)
	for name, want := range map[string]bool{"0": false, "1": true, "2": false, "3": true, "4": true, "5": false} {
		if got := r.has(name, now); got != want {
			t.Errorf("has %s: %v", name, got)
		}
	}
	if r.has("1", now.Add(time.Minute)) {
		t.Error("it is remembered beyond its time")
	}
	r.forget("1")
	r.forget("5")
	if r.has("1", now) || len(r.by) != 2 || r.order.Len() != 2 {
		t.Errorf("forgotten, it is remembered: %v", r.by)
	}
}
