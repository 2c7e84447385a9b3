package sweeper_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// All jobs that are too old fail in one sweep, however many they are.
func TestAllOldJobsTimeOut(t *testing.T) {
	st := newStreet(t)
	var old []job.ID
	for range 700 {
		old = append(old, st.submit(maxAge+time.Hour, false))
	}
	st.sweeps(1)
	waiting := 0
	for _, id := range old {
		if j := st.job(id); j.State != job.Failed || j.Error.Code != job.CodeTimedOut {
			waiting++
		}
	}
	if waiting > 0 {
		t.Errorf("%d of %d jobs have not timed out", waiting, len(old))
	}
}

// The dead-letter queue is empty after a sweep, however many messages it had.
func TestAllDeadLettersAreRead(t *testing.T) {
	st := newStreet(t)
	over := st.submit(0, false)
	if _, err := st.store.Cancel(over); err != nil {
		t.Fatal(err)
	}
	for range 350 {
		if err := st.dead.Send(t.Context(), job.Message{Job: over, Run: 1}); err != nil {
			t.Fatal(err)
		}
	}
	st.sweeps(1)
	if d, err := st.dead.Depth(t.Context()); err != nil || d.Total() != 0 {
		t.Errorf("%+v are left, %v", d, err)
	}
}

// The dead letter of a job whose processes died while they had other jobs too is no reason to give it up.
func TestDeadLetterOfAnInnocentJob(t *testing.T) {
	st := newStreet(t)
	id := st.submit(0, false)
	for n := range store.DefaultMaxAttempts {
		claim := st.store.Claim
		if n == store.DefaultMaxAttempts-1 {
			claim = st.store.ClaimShared
		}
		if _, err := claim(t.Context(), id, 1, "tester"); err != nil {
			t.Fatal(err)
		}
		st.age("jobs/*/*/*/*/"+string(id)+"/claim.*", time.Hour)
	}
	if err := st.dead.Send(t.Context(), job.Message{Job: id, Run: 1}); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if j, ms := st.job(id), st.messages(); j.State.Finished() || len(ms) == 0 {
		t.Errorf("%s, %+v; on the queue: %v", j.State, j.Error, ms)
	}
}

// A sweep removes all jobs whose retention is over, and the next ones look no more until an hour later.
func TestRetentionKeepsUp(t *testing.T) {
	const jobs = 1100
	dir := t.TempDir()
	expireIn(t, dir, jobs)
	st := newStreetIn(t, store.Config{Dir: dir})
	st.sweeps(1)
	if left := st.expired(jobs); left > 0 {
		t.Errorf("%d of %d jobs are left after a sweep", left, jobs)
	}
	if task := st.memory().Tasks["retention"]; !task.Done || task.After != "" {
		t.Errorf("the retention has come as far as %+v", task)
	}
}

// Jobs that can't be removed don't hold up younger ones, however many they are.
func TestRetentionIsNotBlocked(t *testing.T) {
	dir := t.TempDir()
	expireIn(t, dir, 1)
	at := time.Now().Add(-70 * 24 * time.Hour)
	for i := range 2500 { // folders without anything in them
		ms := at.UnixMilli()
		id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4))
		if err := os.MkdirAll(filepath.Join(dir, "jobs", id.Folder(), string(id)), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	st := newStreetIn(t, store.Config{Dir: dir})
	st.sweeps(1)
	done, err := filepath.Glob(filepath.Join(dir, "gone/*/*/*/*/*"))
	if err != nil || len(done) != 1 {
		t.Errorf("removed: %v, %v; want the one that can be", done, err)
	}
}

// What a sweep has seen of the jobs is known to the next, although it hangs and is killed in its housekeeping; and what
// hangs there keeps other housekeeping from nothing.
func TestSweepThatIsKilledInItsHousekeeping(t *testing.T) {
	dir := t.TempDir()
	expireIn(t, dir, 1)
	killed := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(killed)
	cfg := store.Config{Dir: dir, Unpublish: func([]string) error { <-killed; return errors.New("killed") }}
	st := newStreetIn(t, cfg)
	lost := st.submit(20*time.Minute, false)
	old := filepath.Join(dir, "keys", "a", "bc", fmt.Sprintf("abc%061x", 1))
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o750), os.WriteFile(old, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	st.age("keys/*/*/*", 48*time.Hour)
	for n := 1; n <= 2; n++ {
		sweep := st.newSweeper(newStreetIn(t, cfg).store)
		all.Go(func() { _ = sweep.Sweep(t.Context()) })
		until(t, "the jobs were looked at", func() bool { return st.memory().Jobs.Shortfalls == n })
		until(t, "the keys were forgotten", func() bool { return st.memory().Tasks["idempotency keys"].Done })
		st.age("sweep/turn.*", every)
	}
	all.Go(func() { _ = st.sweep.Sweep(t.Context()) })
	var ms []job.Message
	until(t, "the lost job was sent again", func() bool { ms = append(ms, st.messages()...); return len(ms) > 0 })
	if ms[0].Job != lost {
		t.Errorf("sent again: %v", ms)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old key: %v", err)
	}
}

// newStreetIn is a street with a store of its own.
func newStreetIn(t *testing.T, cfg store.Config) *street {
	t.Helper()
	st := &street{T: t, queue: queuefake.New(queuefake.Config{})}
	var err error
	if st.store, err = store.Open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.store.Close() })
	st.sweep = st.newSweeper(st.store)
	return st
}

func (st *street) newSweeper(in *store.Store) *sweeper.Sweeper {
	st.Helper()
	s, err := sweeper.New(sweeper.Config{Store: in, Queue: st.queue, Times: sweeper.Times{Every: every}})
	if err != nil {
		st.Fatal(err)
	}
	return s
}

// A memory is the part of a sweep's note that the tests look at.
type memory struct {
	Jobs  struct{ Shortfalls int }
	Tasks map[string]struct {
		After string
		Done  bool
	}
}

func (st *street) memory() (m memory) {
	st.Helper()
	b, err := st.store.Note(store.SweepNote)
	if err == nil && b != nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		st.Fatal(err)
	}
	return m
}

// until waits for something that another goroutine does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it was not so within 30 s: %s", what)
		}
	}
}
