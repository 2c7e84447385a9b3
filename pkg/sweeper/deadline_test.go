package sweeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// A function has a time limit, which may be too short for everything that must be removed.
func TestSweepKeepsItsDeadline(t *testing.T) {
	const jobs = 600
	const deadline = 2 * time.Second
	dir := t.TempDir()
	createExpired(t, dir, jobs)
	// The bucket is slow. Each job is in another hour, so each is unpublished in a call of its own:
	// with four at a time this takes 12 s for all jobs.
	var quick atomic.Bool
	unpublish := func([]string) error {
		if !quick.Load() {
			<-time.After(80 * time.Millisecond)
		}
		return nil
	}
	st := &sweepTest{T: t, queue: queuefake.New(queuefake.Config{})}
	var err error
	if st.store, err = store.Open(store.Config{Dir: dir, Unpublish: unpublish}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.store.Close() })
	st.sweep, err = sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Times: sweeper.Times{Every: every}})
	if err != nil {
		t.Fatal(err)
	}
	left := jobs
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		err := st.sweep.Sweep(ctx)
		if err != nil || ctx.Err() != nil {
			t.Fatalf("with %d jobs left: got %v, and the context's error is %v", left, err, ctx.Err())
		}
		cancel()
		now := st.remaining(jobs)
		if now >= left {
			t.Errorf("a sweep removed none of %d jobs", left)
		}
		left = now
		st.age("sweep/turn.*", every)
	}
	if left == 0 {
		t.Error("everything was removed within the first deadlines; the test needs more jobs")
	}
	quick.Store(true)
	for range 4 {
		if err := st.sweep.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		st.age("sweep/turn.*", every)
	}
	if left := st.remaining(jobs); left > 0 {
		t.Errorf("%d jobs are left", left)
	}
	for _, folder := range []string{"erasing", "tmp"} {
		if names, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || len(names) > 0 {
			t.Errorf("in %s: %v, %v", folder, names, err)
		}
	}
}

// remaining returns the number of jobs of which something is left. The test fails if there are more
// than most.
func (st *sweepTest) remaining(most int) (left int) {
	st.Helper()
	paths, err := filepath.Glob(filepath.Join(st.store.Dir(), "jobs/*/*/*/*/*"))
	graves, gerr := filepath.Glob(filepath.Join(st.store.Dir(), "jobs/*/*/*/*/.gone-*"))
	if err := errors.Join(err, gerr); err != nil || len(paths)+len(graves) > most {
		st.Fatal(len(paths), err)
	}
	return len(paths) + len(graves)
}

// finishedAt matches the time of the outcome in a record.
var finishedAt = regexp.MustCompile(`"finished_at":"[^"]*"`)

// createExpired makes n jobs that finished long ago, an hour apart.
func createExpired(t *testing.T, dir string, n int) {
	t.Helper()
	st, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	create := func(i int) error {
		at := time.Now().Add(-60*24*time.Hour - time.Duration(i)*time.Hour)
		ms := at.UnixMilli()
		id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4)) // in the folder of the hour
		spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: at.UTC()}
		if err := st.Create(&spec, []byte("picture"), nil); err != nil {
			return err
		}
		if _, err := st.Cancel(id); err != nil {
			return err
		}
		end := filepath.Join(dir, "jobs", id.Folder(), string(id), "final.1")
		record, err := os.ReadFile(end)
		if err != nil {
			return err
		}
		changed := finishedAt.ReplaceAll(record, []byte(`"finished_at":"`+at.Add(time.Minute).UTC().Format(time.RFC3339Nano)+`"`))
		if bytes.Equal(changed, record) {
			return fmt.Errorf("no finished_at in %s", record)
		}
		return os.WriteFile(end, changed, 0o600) // status.json is a link to the same file
	}
	errs := make([]error, n)
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := worker; i < n; i += 16 {
				errs[i] = create(i)
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}
