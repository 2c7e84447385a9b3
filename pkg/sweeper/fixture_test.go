package sweeper_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

const (
	every  = time.Minute
	maxAge = 24 * time.Hour
)

// A sweepTest is a store and a queue with a sweeper.
type sweepTest struct {
	*testing.T
	store *store.Store
	queue *queuefake.Queue
	dead  *queuefake.Queue
	sweep *sweeper.Sweeper
	log   bytes.Buffer
}

func newSweepTest(t *testing.T) *sweepTest {
	t.Helper()
	st := &sweepTest{T: t, queue: queuefake.New(queuefake.Config{MaxReceives: 10})}
	var err error
	if st.store, err = store.Open(store.Config{Dir: t.TempDir(), Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.store.Close() })
	if st.dead, err = st.queue.DeadLetterQueue(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.sweep, err = sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Dead: st.dead,
		Times: sweeper.Times{Every: every, MaxAge: maxAge, Retention: 48 * time.Hour}, Log: slog.New(slog.NewTextHandler(&st.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// inVirtualTime runs a test in a synctest bubble whose clock begins at the file server's time.
func inVirtualTime(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	now := time.Now()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(now))
		test(t)
	})
}

// submit makes a job that was submitted some time ago. Its message is in the queue only if sent is
// set.
func (st *sweepTest) submit(ago time.Duration, sent bool) job.ID {
	st.Helper()
	id, err := job.NewID()
	if err != nil {
		st.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: time.Now().Add(-ago).UTC()}
	if err := st.store.Create(&spec, []byte("picture"), nil); err != nil {
		st.Fatal(err)
	}
	st.age("active/*/"+string(id), ago)
	st.age("jobs/*/*/*/*/"+string(id)+"/input", ago)
	if sent {
		if err := st.queue.Send(st.Context(), job.Message{Job: id, Run: 1}); err != nil {
			st.Fatal(err)
		}
	}
	return id
}

// age sets the times of files to some time ago.
func (st *sweepTest) age(pattern string, ago time.Duration) {
	st.Helper()
	paths, err := filepath.Glob(filepath.Join(st.store.Dir(), pattern))
	at := time.Now().Add(-ago)
	for _, path := range paths {
		err = errors.Join(err, os.Chtimes(path, at, at))
	}
	if err != nil || len(paths) == 0 {
		st.Fatal(pattern, paths, err)
	}
}

func (st *sweepTest) claim(id job.ID) *store.Lease {
	st.Helper()
	l, err := st.store.Claim(st.Context(), id, 1, "tester")
	if err != nil {
		st.Fatal(err)
	}
	return l
}

// sweeps makes n sweeps, each in its own turn.
func (st *sweepTest) sweeps(n int) {
	st.Helper()
	for range n {
		if turns, _ := filepath.Glob(filepath.Join(st.store.Dir(), "sweep/turn.*")); len(turns) > 0 {
			st.age("sweep/turn.*", every)
		}
		if err := st.sweep.Sweep(st.Context()); err != nil {
			st.Fatal(err)
		}
	}
}

func (st *sweepTest) job(id job.ID) job.Job {
	st.Helper()
	j, err := st.store.Job(id)
	if err != nil {
		st.Fatal(err)
	}
	return j
}

// messages receives and deletes all visible messages of the queue.
func (st *sweepTest) messages() (ms []job.Message) {
	st.Helper()
	for {
		ds, err := st.queue.Receive(st.Context(), 10, 0, time.Hour)
		if err != nil {
			st.Fatal(err)
		}
		if len(ds) == 0 {
			return ms
		}
		for _, d := range ds {
			m, err := job.DecodeMessage(d.Body)
			if err = errors.Join(err, st.queue.Delete(st.Context(), d)); err != nil {
				st.Fatal(err)
			}
			ms = append(ms, m)
		}
	}
}

// newSweepTestIn returns a sweepTest with a store of the given configuration.
func newSweepTestIn(t *testing.T, cfg store.Config) *sweepTest {
	t.Helper()
	st := &sweepTest{T: t, queue: queuefake.New(queuefake.Config{})}
	var err error
	if st.store, err = store.Open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.store.Close() })
	st.sweep = st.newSweeper(st.store)
	return st
}

func (st *sweepTest) newSweeper(in *store.Store) *sweeper.Sweeper {
	st.Helper()
	s, err := sweeper.New(sweeper.Config{Store: in, Queue: st.queue, Times: sweeper.Times{Every: every}, Log: slog.New(slog.NewTextHandler(&st.log, nil))})
	if err != nil {
		st.Fatal(err)
	}
	return s
}

// savedProgress is the part of the sweeps' stored progress that tests read.
type savedProgress struct {
	Jobs  struct{ Shortfalls int }
	Tasks map[string]struct {
		After string
		Done  bool
	}
}

// setProgress replaces the sweeps' stored progress.
func (st *sweepTest) setProgress(format string, args ...any) {
	st.Helper()
	if err := st.store.SetNote(store.SweepNote, fmt.Appendf(nil, format, args...)); err != nil {
		st.Fatal(err)
	}
}

func (st *sweepTest) progress() (m savedProgress) {
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

// waitUntil waits for a condition that another goroutine fulfils.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}
