package sweeper_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// After a purge of the queue all jobs are sent again by the third sweep, however many they are.
func TestAllJobsOfPurgedQueueAreSentAgain(t *testing.T) {
	st := newSweepTest(t)
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

// A foreign message does not hide without end that a job's message is missing.
func TestForeignMessageHidesNoLostJob(t *testing.T) {
	st := newSweepTest(t)
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

// If a much later job of its owner is running, a job's message is lost, whatever the queue's counts
// are.
func TestOvertakenJobIsSentAgain(t *testing.T) {
	st := newSweepTest(t)
	lost := st.submit(10*time.Minute, false)
	st.claim(st.submit(time.Minute, true))
	for range 100 { // foreign messages, so that by the counts none is missing
		if err := st.queue.SendRaw(t.Context(), "not ours", 0); err != nil {
			t.Fatal(err)
		}
	}
	st.sweeps(1)
	if !strings.Contains(st.log.String(), "sent again") || !strings.Contains(st.log.String(), string(lost)) {
		t.Errorf("the overtaken job was not sent again: %s", &st.log)
	}
}

// After a purge all jobs are sent again even if a sweep has no time to check all jobs.
func TestPurgedQueueIsRefilledOverSeveralSweeps(t *testing.T) {
	st := newSweepTest(t)
	st.sweep.Limit(20, 1)
	want := map[job.ID]bool{}
	for minute := range 100 {
		for n := range 3 {
			want[st.submitIn(time.Now().Add(-3*time.Hour+time.Duration(minute)*time.Minute), n)] = true
		}
	}
	jobs := len(want)
	for range 3 + 2*4 { // each sweep checks 32 folders
		st.sweeps(1)
		for _, m := range st.messages() {
			delete(want, m.Job)
		}
	}
	if len(want) > 0 {
		t.Errorf("%d of %d jobs were not sent again", len(want), jobs)
	}
}

// submitIn makes a job of a given time, in the folder of its minute. Its message is not in the
// queue.
func (st *sweepTest) submitIn(at time.Time, n int) job.ID {
	st.Helper()
	ms := at.UnixMilli()
	id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n<<4|int(job.Minute)))
	spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: at.UTC()}
	if err := st.store.Create(&spec, []byte("picture"), nil); err != nil {
		st.Fatal(err)
	}
	st.age("active/*/*/"+string(id), time.Since(at))
	st.age("jobs/*/*/*/*/*/"+string(id)+"/input", time.Since(at))
	return id
}

// Sending a job again does not make its run younger. So if it is running, that does not show that
// other jobs were overtaken.
func TestJobThatWasSentAgainOvertakesNoOther(t *testing.T) {
	st := newSweepTest(t)
	var ids []job.ID
	for range 50 {
		ids = append(ids, st.submit(10*time.Minute, true))
	}
	st.claim(ids[25])
	if err := st.store.RecordMessageSent(store.EntryOf(job.Job{ID: ids[25]})); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if n := strings.Count(st.log.String(), "sent again"); n != 0 {
		t.Errorf("%d jobs were sent again: %s", n, &st.log)
	}
}
