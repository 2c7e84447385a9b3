package sweeper_test

import (
	"errors"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

func TestOneProcessSweepsAtATime(t *testing.T) {
	st := newSweepTest(t)
	lost := st.submit(0, true)
	st.claim(lost)
	st.messages()
	st.age("jobs/*/*/*/*/*/claim.1", time.Hour)
	st.age("active/*/*", time.Hour)
	other, err := sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Times: sweeper.Times{Every: every}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // one of them makes one sweep
		if err := errors.Join(st.sweep.Sweep(t.Context()), other.Sweep(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if ms := st.messages(); len(ms) != 1 || ms[0].Job != lost {
		t.Errorf("sent again: %v", ms)
	}
}

func TestSweepWithoutQueueDoesTheRest(t *testing.T) {
	st := newSweepTest(t)
	id := st.submit(maxAge+time.Hour, false)
	st.queue.Break(errors.New("unavailable"))
	err := st.sweep.Sweep(t.Context())
	if err == nil {
		t.Error("the sweep returned no error")
	}
	if j := st.job(id); j.State != job.Failed {
		t.Errorf("the parts that need no queue were not done: %+v", j)
	}
}

func TestStartedSweeperSweepsAndStops(t *testing.T) {
	st := newSweepTest(t)
	old := st.submit(maxAge+time.Hour, false)
	quick, err := sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Times: sweeper.Times{Every: time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	stop := quick.Start(t.Context())
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for deadline := time.After(30 * time.Second); st.job(old).State != job.Failed; {
		select {
		case <-deadline:
			t.Fatal("no sweep was made within 30 s")
		case <-again.C:
		}
	}
	stop()
}

func TestInvalidConfigs(t *testing.T) {
	st := newSweepTest(t)
	for _, cfg := range []sweeper.Config{{}, {Store: st.store}, {Queue: st.queue}, {Store: st.store, Queue: st.queue, Times: sweeper.Times{MaxAge: -1}}} {
		if _, err := sweeper.New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// If the file server's clock was ahead once, sweeps don't wait until that time.
func TestTurnInTheFutureIsIgnored(t *testing.T) {
	st := newSweepTest(t)
	old := st.submit(maxAge+time.Hour, false)
	st.sweeps(1)
	young := st.submit(0, false)
	st.age("jobs/*/*/*/*/"+string(young)+"/input", maxAge+time.Hour)
	st.age("sweep/turn.*", -1000*time.Hour)
	if err := st.sweep.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []job.ID{old, young} {
		if j := st.job(id); j.State != job.Failed {
			t.Errorf("job %s is %s", id, j.State)
		}
	}
}
