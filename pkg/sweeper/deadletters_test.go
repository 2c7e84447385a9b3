package sweeper_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func TestDeadLetters(t *testing.T) {
	st := newSweepTest(t)
	waiting, finished, working, erased := st.submit(0, false), st.submit(0, false), st.submit(0, false), st.submit(0, false)
	tired := st.submit(0, false)
	for range store.DefaultMaxAttempts {
		if err := st.claim(tired).Release(true); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.claim(finished).Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	lease := st.claim(working)
	if err := st.store.Erase(erased, store.Erased); err != nil {
		t.Fatal(err)
	}
	unknown, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []job.ID{waiting, tired, finished, working, erased, unknown} {
		if err := st.dead.Send(t.Context(), job.Message{Job: id, Run: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.dead.SendRaw(t.Context(), "hello", 0); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if j := st.job(tired); j.State != job.Failed || j.Error.Code != job.CodeGaveUp {
		t.Errorf("a job without attempts left: %+v", j)
	}
	// Only attempts count, because an outage causes many receives.
	if j, ms := st.job(waiting), st.messages(); j.State != job.Queued || len(ms) != 1 || ms[0].Job != waiting {
		t.Errorf("waiting: %+v; in the queue: %v", j, ms)
	}
	if j := st.job(finished); j.State != job.Succeeded {
		t.Errorf("finished: %+v", j)
	}
	if j := st.job(working); j.State != job.Running {
		t.Errorf("running: %+v", j)
	}
	if d, err := st.dead.Depth(t.Context()); err != nil || d.Total() != 3 {
		t.Errorf("%+v, %v; want the messages of no job, of the unknown job and of the running job", d, err)
	}
	for want, times := range map[string]int{
		"names no job": 1, "unknown job": 1,
		`level=WARN msg="failed: its message became a dead letter and its attempts are used up" job=` + string(tired) + " run=1 code=gave_up": 1,
		"msg=\"failed": 1,
	} {
		if got := bytes.Count(st.log.Bytes(), []byte(want)); got != times {
			t.Errorf("the log contains %q %d times, want %d:\n%s", want, got, times, &st.log)
		}
	}
	if err := lease.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Error(err)
	}
}

// One sweep empties the dead-letter queue, however many messages it has.
func TestAllDeadLettersAreRead(t *testing.T) {
	st := newSweepTest(t)
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
		t.Errorf("the dead-letter queue has %+v, %v", d, err)
	}
}

// An attempt that ended with the death of a process that had other jobs too does not count, so the
// job does not fail.
func TestDeadLetterOfJobNotToBlame(t *testing.T) {
	st := newSweepTest(t)
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
		t.Errorf("%s, %+v; in the queue: %v", j.State, j.Error, ms)
	}
}
