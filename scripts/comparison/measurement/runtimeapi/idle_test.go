package runtimeapi

import (
	"testing"
	"time"
)

// the returns the environment of a host that has one.
func the(t *testing.T, h *Host) *environment {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.environments) != 1 {
		t.Fatalf("%d environments, want 1", len(h.environments))
	}
	return h.environments[0]
}

// An environment ends after it has been idle for long enough, and not while it has an event. The next
// event starts another.
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

// One that is used again before it has been idle for so long is kept.
func TestKeptAlive(t *testing.T) {
	h := newHost(t, Config{Concurrency: 1, Environments: 2, Timeout: time.Minute, Idle: time.Hour}, "good")
	if _, err := invoke(t, h, ""); err != nil {
		t.Fatal(err)
	}
	e := the(t, h)
	if warm, err := invoke(t, h, ""); err != nil || warm.Cold || the(t, h) != e {
		t.Errorf("got %+v, %v", warm, err)
	}
}

// Close and the end of an idle environment may come together: the race detector fails this test if they
// touch the same memory. To wait for the second by a lock would hide that from it.
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
	h.free(first) // its removal moves the other
	h.Close()
	<-time.After(2 * idle)
}
