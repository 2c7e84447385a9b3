package sweeper_test

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// All jobs of a queue that was purged come back within the sweeps that it takes to be sure, however many they are.
func TestPurgedQueueComesBackWhole(t *testing.T) {
	st := newStreet(t)
	const jobs = 1500
	want := map[job.ID]bool{}
	for range jobs {
		want[st.submit(5*time.Minute, false)] = true
	}
	st.sweeps(3)
	for _, m := range st.messages() {
		delete(want, m.Job)
	}
	if len(want) > 0 {
		t.Errorf("%d of %d jobs were not sent again", len(want), jobs)
	}
}

// A message that is nobody's does not hide for ever that a job's is missing.
func TestForeignMessageHidesNoLostJob(t *testing.T) {
	st := newStreet(t)
	id := st.submit(20*time.Minute, false)
	if err := st.queue.SendRaw(t.Context(), "not ours", 0); err != nil {
		t.Fatal(err)
	}
	st.sweeps(3)
	ds, err := st.queue.Receive(t.Context(), 10, 0, time.Hour)
	found := false
	for _, d := range ds {
		found = found || strings.Contains(d.Body, string(id))
	}
	if err != nil || !found {
		t.Errorf("the lost job was not sent again: %v, %v", ds, err)
	}
}

// A job whose owner's later jobs are being painted has lost its message, whatever the queue counts.
func TestOvertakenJobIsSentAgain(t *testing.T) {
	st := newStreet(t)
	lost := st.submit(10*time.Minute, false)
	st.claim(st.submit(time.Minute, true))
	for range 100 { // of others, so that nothing seems to be missing
		if err := st.queue.SendRaw(t.Context(), "not ours", 0); err != nil {
			t.Fatal(err)
		}
	}
	st.sweeps(1)
	if !strings.Contains(st.log.String(), "sent again") || !strings.Contains(st.log.String(), string(lost)) {
		t.Errorf("the overtaken job was not sent again: %s", &st.log)
	}
}
