package sweeper_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func TestOldJobsTimeOut(t *testing.T) {
	st := newSweepTest(t)
	waiting, running := st.submit(maxAge+time.Hour, false), st.submit(maxAge+time.Hour, true)
	l := st.claim(running)
	young := st.submit(maxAge-time.Hour, true)
	if err := st.store.RecordMessageSent(store.EntryOf(job.Job{ID: waiting})); err != nil { // this does not change its age
		t.Fatal(err)
	}
	st.sweeps(1)
	for _, id := range []job.ID{waiting, running} {
		if j := st.job(id); j.State != job.Failed || j.Error == nil || j.Error.Code != job.CodeTimedOut {
			t.Errorf("got %+v", j)
		}
	}
	if got := bytes.Count(st.log.Bytes(), []byte(`level=WARN msg="failed: not finished within the maximum age"`)); got != 2 {
		t.Errorf("%d of 2 jobs are in the log:\n%s", got, &st.log)
	}
	if err := l.Succeed([]byte("late"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the worker's commit: %v", err)
	}
	if j := st.job(young); j.State != job.Queued {
		t.Errorf("got %+v", j)
	}
	// The age counts from the retry.
	if _, _, err := st.store.Retry(waiting); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if j := st.job(waiting); j.State != job.Queued || j.Run != 2 {
		t.Errorf("after the retry: %+v", j)
	}
}

// The API server's clock may differ from the file server's.
func TestSubmittersClockIsIgnored(t *testing.T) {
	st := newSweepTest(t)
	for _, wrong := range []time.Duration{-2 * maxAge, 2 * maxAge} {
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: time.Now().Add(wrong).UTC()}
		if err := st.store.Create(&spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		st.sweeps(1)
		if j := st.job(id); j.State != job.Queued {
			t.Errorf("just submitted, with a clock that is %s off: %+v", wrong, j.Error)
		}
		st.age("jobs/*/*/*/*/"+string(id)+"/input", maxAge+time.Hour)
		st.sweeps(1)
		if j := st.job(id); j.State != job.Failed {
			t.Errorf("too old, with a clock that is %s off: %s", wrong, j.State)
		}
	}
}

// One sweep fails all jobs that are too old, however many they are.
func TestAllOldJobsTimeOut(t *testing.T) {
	st := newSweepTest(t)
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
