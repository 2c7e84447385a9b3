package runtimeapi

import (
	"testing"
	"time"
)

// onlyEnvironment returns the environment of a host that has exactly one.
func onlyEnvironment(t *testing.T, h *Host) *environment {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.environments) != 1 {
		t.Fatalf("%d environments, want 1", len(h.environments))
	}
	return h.environments[0]
}

// An environment ends after it has been idle for the set time, but not while it has an event. The
// next event starts another one.
func TestIdle(t *testing.T) {
	h := newHost(t, Config{Concurrency: 1, Environments: 1, Timeout: time.Minute, Idle: 50 * time.Millisecond}, "good")
	first, err := invoke(t, h, "work")
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	all := h.environments
	h.mu.Unlock()
	for _, e := range all {
		<-e.ended
	}
	second, err := invoke(t, h, "work")
	if err != nil {
		t.Fatal(err)
	}
	if !first.Cold || !second.Cold || string(first.Response) == string(second.Response) {
		t.Errorf("got %+v and then %+v, want two cold starts", first, second)
	}
}

// An environment that is used again in time is kept.
func TestKeptAlive(t *testing.T) {
	h := newHost(t, Config{Concurrency: 1, Environments: 2, Timeout: time.Minute, Idle: time.Hour}, "good")
	if _, err := invoke(t, h, ""); err != nil {
		t.Fatal(err)
	}
	e := onlyEnvironment(t, h)
	if warm, err := invoke(t, h, ""); err != nil || warm.Cold || onlyEnvironment(t, h) != e {
		t.Errorf("got %+v, %v", warm, err)
	}
}

// Close and the end of an idle environment may happen at the same time: the race detector fails
// this test if they use the same memory. Waiting for the second with a lock would hide the race.
func TestCloseWhileIdle(t *testing.T) {
	const idle = 50 * time.Millisecond
	h := newHost(t, Config{Concurrency: 1, Environments: 2, Timeout: time.Minute, Idle: idle}, "good")
	var first *environment
	for range 2 {
		e, err := h.place(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = e
		}
	}
	h.free(first) // its removal moves the other one in the slice
	h.Close()
	<-time.After(2 * idle)
}
