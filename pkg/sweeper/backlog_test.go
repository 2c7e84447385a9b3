package sweeper_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// admission returns the error with which another process in the same directory refuses submissions,
// or nil.
func (st *sweepTest) admission() error {
	st.Helper()
	s, err := store.Open(store.Config{Dir: st.store.Dir(), Quotas: store.Quotas{Backlog: 1000}})
	if err != nil {
		st.Fatal(err)
	}
	defer s.Close()
	return s.Admits("anna", "")
}

// A few late jobs, whose messages are lost or which can't be read, don't make the API refuse
// submissions. Many late jobs do.
func TestManyLateJobsRefuseSubmissions(t *testing.T) {
	for late, refused := range map[int]bool{1: false, 99: false, 110: true} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			st := newSweepTest(t)
			for range late {
				st.submit(maxAge/2+time.Hour, true)
			}
			st.submit(maxAge/2-time.Hour, true)
			st.sweeps(1)
			if err := st.admission(); errors.Is(err, job.ErrBacklog) != refused {
				t.Errorf("%d jobs are late: %v", late, err)
			}
			b, known, err := st.store.Backlog()
			if err != nil || !known || b.Unfinished != late+1 || b.Late != late {
				t.Errorf("got %+v, %t, %v", b, known, err)
			}
		})
	}
}

// If sweeps fail, the last backlog stays valid.
func TestBacklogIsKeptWhileSweepsFail(t *testing.T) {
	st := newSweepTest(t)
	for range 3 {
		st.submit(0, true)
	}
	st.sweeps(1)
	// As if the processes of several sweeps had died since.
	old := time.Now().Add(-9 * time.Minute)
	var memory map[string]any
	note, err := st.store.Note(store.SweepNote)
	if err == nil {
		err = json.Unmarshal(note, &memory)
	}
	if err == nil {
		memory["jobs"].(map[string]any)["backlog"].(map[string]any)["at"] = old
		note, err = json.Marshal(memory)
	}
	if err := errors.Join(err, st.store.SetNote(store.SweepNote, note), st.store.SetBacklog(store.Backlog{At: old, Unfinished: 3})); err != nil {
		t.Fatal(err)
	}
	st.age("sweep/turn.*", every)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := st.sweep.Sweep(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a sweep with a canceled context: %v", err)
	}
	if b, _, err := st.store.Backlog(); err != nil || b.Unfinished != 3 || time.Since(b.At) > time.Minute {
		t.Errorf("got %+v, %v", b, err)
	}
}

// A sweep checks all jobs, in however many folders they are.
func TestSweepOfManyFolders(t *testing.T) {
	st := newSweepTest(t)
	const owners, minutes = 10, 40
	long := time.Now().Add(-maxAge - time.Hour)
	var ids []job.ID
	for i := range owners * minutes {
		ms := time.Now().Add(-time.Duration(i/owners) * time.Minute).UnixMilli()
		id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(job.Second)))
		spec := job.Spec{ID: id, Owner: fmt.Sprint(i % owners), Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: time.Now().UTC()}
		err := st.store.Create(&spec, []byte("picture"), nil)
		if err == nil {
			err = os.Chtimes(filepath.Join(st.store.Dir(), "jobs", id.Folder(), string(id), "input"), long, long)
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	st.sweeps(1)
	left := 0
	for _, id := range ids {
		if st.job(id).State != job.Failed {
			left++
		}
	}
	if left > 0 {
		t.Errorf("%d of %d jobs have not timed out", left, len(ids))
	}
	st.sweeps(2) // these remove the folders
	if left, err := filepath.Glob(filepath.Join(st.store.Dir(), "active/*")); err != nil || len(left) > 0 {
		t.Errorf("%d owners still have folders, %v", len(left), err)
	}
}
