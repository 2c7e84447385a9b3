package sweeper_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

func TestHousekeeping(t *testing.T) {
	st := newSweepTest(t)
	old, unfinished := st.submit(72*time.Hour, false), st.submit(time.Hour, true)
	if err := st.claim(old).Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	dead, alive := rand.Text(), rand.Text() // the store's form of names
	for _, name := range []string{dead, alive} {
		if err := os.WriteFile(filepath.Join(st.store.Dir(), "tmp", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st.age("tmp/"+dead, time.Hour)
	pending, err := st.store.GrantUpload("", 7)
	if err != nil {
		t.Fatal(err)
	}
	uploads := filepath.Join(st.store.Dir(), "uploads", filepath.Dir(pending.Name))
	if err := os.WriteFile(filepath.Join(uploads, "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f.7"), nil, 0o600); err != nil { // an id made in 2024
		t.Fatal(err)
	}
	st.sweeps(2)
	if left, err := os.ReadDir(uploads); err != nil || len(left) != 1 || left[0].Name() != string(pending.ID)+".7" {
		t.Errorf("pending uploads: %v, %v", left, err)
	}
	if left, err := os.ReadDir(filepath.Join(st.store.Dir(), "tmp")); err != nil || len(left) != 1 || left[0].Name() != alive {
		t.Errorf("in tmp/: %v, %v", left, err)
	}
	// The retention counts from the outcome, so nothing has expired yet.
	if j := st.job(old); j.State != job.Succeeded {
		t.Errorf("got %+v", j)
	}
	if p, err := st.store.Expire(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil || p.Count != 1 {
		t.Errorf("expired: %d, %v", p.Count, err)
	}
	if _, err := st.store.Job(old); !errors.Is(err, job.ErrGone) {
		t.Errorf("after the retention: %v", err)
	}
	if j := st.job(unfinished); j.State != job.Queued {
		t.Errorf("got %+v", j)
	}
}

// One sweep removes all jobs whose retention is over, and completes the pass.
func TestRetentionKeepsUp(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const jobs = 1100
		dir := t.TempDir()
		createExpired(t, dir, jobs)
		st := newSweepTestIn(t, store.Config{Dir: dir})
		st.sweeps(1)
		if left := st.remaining(jobs); left > 0 {
			t.Errorf("%d of %d jobs are left after a sweep", left, jobs)
		}
		if task := st.progress().Tasks["retention"]; !task.Done || task.After != "" {
			t.Errorf("the progress of the retention is %+v", task)
		}
	})
}

// The retention has a pace, so it is normal that many jobs take several sweeps. No sweep removes
// more jobs than the pace allows, or logs a warning that it was too short.
func TestRetentionOverSeveralSweeps(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const jobs, perSecond = 250, 300
		const deadline = time.Second / 2
		dir := t.TempDir()
		createExpired(t, dir, jobs)
		st := newSweepTestIn(t, store.Config{Dir: dir})
		sweeps := 0
		for left := jobs; left > 0; sweeps++ {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			err := st.sweep.Sweep(ctx)
			cancel()
			now := st.remaining(jobs)
			if removed := left - now; err != nil || removed == 0 || removed > int(perSecond*deadline.Seconds()) {
				t.Fatalf("a sweep removed %d jobs: %v", removed, err)
			}
			left = now
			st.age("sweep/turn.*", every)
		}
		if sweeps < 2 {
			t.Error("one sweep has removed all jobs; the test needs more")
		}
		if strings.Contains(st.log.String(), "WARN") {
			t.Errorf("the log has %s", &st.log)
		}
	})
}

// The report and the log show an operator that the retention does not keep up.
func TestRetentionReportsThatItIsBehind(t *testing.T) {
	dir := t.TempDir()
	createExpired(t, dir, 1)
	away := true
	st := newSweepTestIn(t, store.Config{Dir: dir, Unpublish: func([]string) error {
		if away {
			return job.ErrStoreUnavailable
		}
		return nil
	}})
	var report sweeper.Report
	st.sweep.Swept = func(r sweeper.Report) { report = r }
	for _, c := range []struct {
		began time.Duration // before the sweep
		warns bool
	}{{2 * time.Hour, false}, {30 * time.Hour, true}} {
		st.setProgress(`{"tasks": {"retention": {"began": %q}}}`, time.Now().Add(-c.began).Format(time.RFC3339))
		_ = st.sweep.Sweep(t.Context()) // the report has the error
		warned := strings.Contains(st.log.String(), "the retention is behind")
		if report.Behind.Round(time.Minute) != c.began || report.Err == nil || warned != c.warns {
			t.Errorf("%v after the start of the pass: %+v; the log has %s", c.began, report, &st.log)
		}
		st.age("sweep/turn.*", every)
	}
	away = false
	st.sweeps(1)
	if report.Behind != 0 || report.Expired != 1 {
		t.Errorf("after all jobs were removed: %+v", report)
	}
}

// Jobs that can't be removed don't block younger ones, however many they are.
func TestRetentionIsNotBlocked(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		dir := t.TempDir()
		createExpired(t, dir, 1)
		at := time.Now().Add(-70 * 24 * time.Hour)
		for i := range 2500 { // empty folders
			ms := at.UnixMilli()
			id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4))
			if err := os.MkdirAll(filepath.Join(dir, "jobs", id.Folder(), string(id)), 0o750); err != nil {
				t.Fatal(err)
			}
		}
		st := newSweepTestIn(t, store.Config{Dir: dir})
		st.sweeps(1)
		left, err := filepath.Glob(filepath.Join(dir, "jobs/*/*/*/*/*"))
		if err != nil || len(left) != 2500 {
			t.Errorf("%d folders are left, %v; want the 2500 that can't be removed", len(left), err)
		}
	})
}

// If a sweep hangs in its housekeeping and is killed, its results from the active jobs are saved,
// and the other tasks of housekeeping are done.
func TestSweepKilledInHousekeeping(t *testing.T) {
	dir := t.TempDir()
	createExpired(t, dir, 1)
	killed := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(killed)
	cfg := store.Config{Dir: dir, Unpublish: func([]string) error { <-killed; return errors.New("killed") }}
	st := newSweepTestIn(t, cfg)
	lost := st.submit(10*time.Minute, false)
	old := filepath.Join(dir, "keys", "a", "bc", fmt.Sprintf("abc%061x", 1))
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o750), os.WriteFile(old, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	st.age("keys/*/*/*", 48*time.Hour)
	for n := 1; n <= 2; n++ {
		sweep := st.newSweeper(newSweepTestIn(t, cfg).store)
		all.Go(func() { _ = sweep.Sweep(t.Context()) })
		waitUntil(t, "the jobs are checked", func() bool { return st.progress().Jobs.Shortfalls == n })
		// A task that ends later would replace the progress of the next sweep.
		waitUntil(t, "the other tasks are done", func() bool {
			tasks := st.progress().Tasks
			return !slices.ContainsFunc([]string{"reconciliation", "last reconciliation", "idempotency keys", "uploads", "tombstones"},
				func(name string) bool { return !tasks[name].Done })
		})
		st.age("sweep/turn.*", every)
	}
	all.Go(func() { _ = st.sweep.Sweep(t.Context()) })
	var ms []job.Message
	waitUntil(t, "the lost job is sent again", func() bool { ms = append(ms, st.messages()...); return len(ms) > 0 })
	if ms[0].Job != lost {
		t.Errorf("sent again: %v", ms)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old key: %v", err)
	}
}
