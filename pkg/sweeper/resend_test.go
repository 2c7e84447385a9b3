package sweeper_test

import (
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestJobOfADeadWorkerIsSentAgainOnce(t *testing.T) {
	st := newSweepTest(t)
	dead, alive, drained := st.submit(0, true), st.submit(0, true), st.submit(0, true)
	st.claim(dead)
	st.age("jobs/*/*/*/*/*/claim.1", 5*time.Minute)
	st.claim(alive)
	if err := st.claim(drained).Release(false); err != nil {
		t.Fatal(err)
	}
	st.age("active/*/*", 10*time.Minute)
	st.sweeps(1)
	if ms := st.messages(); len(ms) != 4 || ms[3].Job != dead {
		t.Errorf("in the queue: %v; the dead worker's job is %s", ms, dead)
	}
	st.sweeps(1)
	if ms := st.messages(); len(ms) != 0 {
		t.Errorf("sent again a second time: %v", ms)
	}
}

func TestLostMessagesAreSentAgain(t *testing.T) {
	st := newSweepTest(t)
	fresh := st.submit(time.Second, false)
	old := st.submit(10*time.Minute, false)
	st.submit(5*time.Minute, true) // the queue has a message for this job, so only those of the others are missing
	st.sweeps(2)
	if d, err := st.queue.Depth(t.Context()); err != nil || d.Total() != 1 {
		t.Fatalf("sent again before three comparisons: %+v, %v", d, err)
	}
	st.sweeps(1)
	var again []job.ID
	for _, m := range st.messages() {
		again = append(again, m.Job)
	}
	found := false
	for _, id := range again {
		found = found || id == old
		if id == fresh {
			t.Error("a job was sent again right after its submission")
		}
	}
	if !found {
		t.Errorf("in the queue: %v; the lost job is %s", again, old)
	}

	// The intervals double: it was sent after six minutes, so the next interval is six minutes.
	st.age("active/*/"+string(old), 4*time.Minute)
	st.sweeps(4)
	for _, m := range st.messages() {
		if m.Job == old {
			t.Error("sent again after half the interval")
		}
	}
	st.age("active/*/"+string(old), 11*time.Minute)
	st.sweeps(4)
	found = false
	for _, m := range st.messages() {
		found = found || m.Job == old
	}
	if !found {
		t.Error("not sent again after the interval")
	}
}

// With duplicates, such as from repeated requests, there are enough messages although those of
// other jobs are missing. These jobs are sent again all the same, each once.
func TestLostMessagesAreSentAgainDespiteDuplicates(t *testing.T) {
	st := newSweepTest(t)
	var lost []job.ID
	for range 3 {
		lost = append(lost, st.submit(20*time.Minute, false))
	}
	repeated := st.submit(time.Minute, true)
	const duplicates = 100
	for range duplicates {
		if err := st.queue.Send(t.Context(), job.Message{Job: repeated, Run: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for sweep := range 5 {
		st.sweeps(1)
		d, err := st.queue.Depth(t.Context())
		if most := 1 + duplicates + len(lost); err != nil || d.Total() > most {
			t.Errorf("%d messages after %d sweeps, want %d at most; %v", d.Total(), sweep+1, most, err)
		}
	}
	sent := map[job.ID]int{}
	for _, m := range st.messages() {
		sent[m.Job]++
	}
	for _, id := range lost {
		if sent[id] != 1 {
			t.Errorf("a lost job was sent %d times", sent[id])
		}
	}
}

// The job's worker died, the job was sent again, and that message was lost too.
func TestLostMessageAfterWorkerDied(t *testing.T) {
	st := newSweepTest(t)
	id := st.submit(time.Hour, true)
	st.claim(id)
	st.messages()
	st.age("jobs/*/*/*/*/*/claim.1", 50*time.Minute)
	st.age("active/*/*", time.Hour)
	st.sweeps(1)
	if ms := st.messages(); len(ms) != 1 { // which also deletes it
		t.Fatalf("sent again: %v", ms)
	}
	st.sweeps(5)
	if ms := st.messages(); len(ms) != 0 {
		t.Errorf("sent again before the interval was over: %v", ms)
	}
	st.age("active/*/*", 35*time.Minute)
	st.sweeps(5)
	if ms := st.messages(); len(ms) != 1 {
		t.Errorf("sent again after the interval: %v, want one message", ms)
	}
}
