package sweeper_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
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

// A street is a store and a queue with a sweeper.
type street struct {
	*testing.T
	store *store.Store
	queue *queuefake.Queue
	dead  *queuefake.Queue
	sweep *sweeper.Sweeper
	log   bytes.Buffer
}

func newStreet(t *testing.T) *street {
	t.Helper()
	st := &street{T: t, queue: queuefake.New(queuefake.Config{MaxReceives: 10})}
	var err error
	if st.store, err = store.Open(store.Config{Dir: t.TempDir(), Lease: time.Minute}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.store.Close() })
	if st.dead, err = st.queue.Dead(t.Context()); err != nil {
		t.Fatal(err)
	}
	st.sweep, err = sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Dead: st.dead,
		Times: sweeper.Times{Every: every, MaxAge: maxAge, Retention: 48 * time.Hour}, Log: slog.New(slog.NewTextHandler(&st.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// submit makes a job that was submitted some time ago; its message is on the
// queue only where sent says so.
func (st *street) submit(ago time.Duration, sent bool) job.ID {
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

// age makes files look as old as waiting would.
func (st *street) age(pattern string, ago time.Duration) {
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

func (st *street) claim(id job.ID) *store.Lease {
	st.Helper()
	l, err := st.store.Claim(st.Context(), id, 1, "tester")
	if err != nil {
		st.Fatal(err)
	}
	return l
}

// sweeps makes a number of sweeps, each a turn after the last.
func (st *street) sweeps(n int) {
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

func (st *street) job(id job.ID) job.Job {
	st.Helper()
	j, err := st.store.Job(id)
	if err != nil {
		st.Fatal(err)
	}
	return j
}

// messages takes what is on the queue.
func (st *street) messages() (ms []job.Message) {
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

func TestTurns(t *testing.T) {
	st := newStreet(t)
	lost := st.submit(0, true)
	st.claim(lost)
	st.messages()
	st.age("jobs/*/*/*/*/*/claim.1", time.Hour)
	st.age("active/*/*", time.Hour)
	other, err := sweeper.New(sweeper.Config{Store: st.store, Queue: st.queue, Times: sweeper.Times{Every: every}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // one of them sweeps, once
		if err := errors.Join(st.sweep.Sweep(t.Context()), other.Sweep(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if ms := st.messages(); len(ms) != 1 || ms[0].Job != lost {
		t.Errorf("sent again: %v", ms)
	}
}

func TestJobOfADeadWorkerIsSentAgainOnce(t *testing.T) {
	st := newStreet(t)
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
		t.Errorf("on the queue: %v; the dead worker's job is %s", ms, dead)
	}
	st.sweeps(1)
	if ms := st.messages(); len(ms) != 0 {
		t.Errorf("sent again and again: %v", ms)
	}
}

func TestLostMessagesAreSentAgain(t *testing.T) {
	st := newStreet(t)
	fresh := st.submit(time.Second, false)
	old := st.submit(10*time.Minute, false)
	st.submit(5*time.Minute, true) // the queue still has this one, and one message is enough for one job
	st.sweeps(2)
	if d, err := st.queue.Depth(t.Context()); err != nil || d.Total() != 1 {
		t.Fatalf("sent again before it was sure: %+v, %v", d, err)
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
			t.Error("a job was sent again that was only just submitted")
		}
	}
	if !found {
		t.Errorf("on the queue: %v; the lost job is %s", again, old)
	}

	// The intervals double: announced after six minutes of waiting, it takes
	// another six.
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

// Messages that are on the queue more than once, as requests that are repeated make them,
// hide from the count that others are missing, and yet those are sent again, each once.
func TestLostMessagesAreSentAgainBesideDuplicates(t *testing.T) {
	st := newStreet(t)
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
			t.Errorf("%d messages after %d sweeps, and should be %d at most; %v", d.Total(), sweep+1, most, err)
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

func TestNothingStaysUnfinishedForEver(t *testing.T) {
	st := newStreet(t)
	waiting, running := st.submit(maxAge+time.Hour, false), st.submit(maxAge+time.Hour, true)
	l := st.claim(running)
	young := st.submit(maxAge-time.Hour, true)
	if err := st.store.Announced(store.EntryOf(job.Job{ID: waiting})); err != nil { // makes it no younger
		t.Fatal(err)
	}
	st.sweeps(1)
	for _, id := range []job.ID{waiting, running} {
		if j := st.job(id); j.State != job.Failed || j.Error == nil || j.Error.Code != job.CodeTimedOut {
			t.Errorf("%+v", j)
		}
	}
	if err := l.Succeed([]byte("late"), nil, job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("its worker: %v", err)
	}
	if j := st.job(young); j.State != job.Queued {
		t.Errorf("%+v", j)
	}
	// A retry begins a new age.
	if _, _, err := st.store.Retry(waiting); err != nil {
		t.Fatal(err)
	}
	st.sweeps(1)
	if j := st.job(waiting); j.State != job.Queued || j.Run != 2 {
		t.Errorf("after the retry: %+v", j)
	}
}

func TestDeadLetters(t *testing.T) {
	st := newStreet(t)
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
		t.Errorf("its attempts are used up: %+v", j)
	}
	// Receipts are no attempts: an outage costs many.
	if j, ms := st.job(waiting), st.messages(); j.State != job.Queued || len(ms) != 1 || ms[0].Job != waiting {
		t.Errorf("waiting: %+v; on the queue: %v", j, ms)
	}
	if j := st.job(finished); j.State != job.Succeeded {
		t.Errorf("finished: %+v", j)
	}
	if j := st.job(working); j.State != job.Running {
		t.Errorf("a worker is at it: %+v", j)
	}
	if d, err := st.dead.Depth(t.Context()); err != nil || d.Total() != 3 {
		t.Errorf("%+v, %v; the foreign, the unknown and the one that is worked on should stay", d, err)
	}
	for _, want := range []string{"not ours", "unknown job"} {
		if !bytes.Contains(st.log.Bytes(), []byte(want)) {
			t.Errorf("the log does not say %q:\n%s", want, &st.log)
		}
	}
	if err := lease.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Error(err)
	}
}

func TestHousekeeping(t *testing.T) {
	st := newStreet(t)
	old, unfinished := st.submit(72*time.Hour, false), st.submit(time.Hour, true)
	if err := st.claim(old).Succeed([]byte("x"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	dead, alive := rand.Text(), rand.Text() // as the store names them
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
	if err := os.WriteFile(filepath.Join(uploads, "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f.7"), nil, 0o600); err != nil { // of 2024
		t.Fatal(err)
	}
	st.sweeps(2)
	if left, err := os.ReadDir(uploads); err != nil || len(left) != 1 || left[0].Name() != string(pending.ID)+".7" {
		t.Errorf("pending uploads: %v, %v", left, err)
	}
	if left, err := os.ReadDir(filepath.Join(st.store.Dir(), "tmp")); err != nil || len(left) != 1 || left[0].Name() != alive {
		t.Errorf("in tmp: %v, %v", left, err)
	}
	// It finished just now, whenever it was made: nothing has expired yet.
	if j := st.job(old); j.State != job.Succeeded {
		t.Errorf("%+v", j)
	}
	if p, err := st.store.Expire(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil || p.Count != 1 {
		t.Errorf("expired: %d, %v", p.Count, err)
	}
	if _, err := st.store.Job(old); !errors.Is(err, job.ErrGone) {
		t.Errorf("after the retention: %v", err)
	}
	if j := st.job(unfinished); j.State != job.Queued {
		t.Errorf("%+v", j)
	}
}

func TestQueueAwayIsNoReasonToStop(t *testing.T) {
	st := newStreet(t)
	id := st.submit(maxAge+time.Hour, false)
	st.queue.Break(errors.New("away"))
	err := st.sweep.Sweep(t.Context())
	if err == nil {
		t.Error("no error")
	}
	if j := st.job(id); j.State != job.Failed {
		t.Errorf("what needs no queue was not done: %+v", j)
	}
}

func TestStartedSweeperSweepsAndStops(t *testing.T) {
	st := newStreet(t)
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
			t.Fatal("it does not sweep")
		case <-again.C:
		}
	}
	stop()
}

func TestRefusesWhatCantWork(t *testing.T) {
	st := newStreet(t)
	for _, cfg := range []sweeper.Config{{}, {Store: st.store}, {Queue: st.queue}, {Store: st.store, Queue: st.queue, Times: sweeper.Times{MaxAge: -1}}} {
		if _, err := sweeper.New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

// The worker of a job died, the job was sent again, and the queue lost that
// message too.
func TestMessageOfADeadWorkersJobIsLostToo(t *testing.T) {
	st := newStreet(t)
	id := st.submit(time.Hour, true)
	st.claim(id)
	st.messages()
	st.age("jobs/*/*/*/*/*/claim.1", 50*time.Minute)
	st.age("active/*/*", time.Hour)
	st.sweeps(1)
	if ms := st.messages(); len(ms) != 1 { // which takes it off the queue for good
		t.Fatalf("sent again: %v", ms)
	}
	st.sweeps(5)
	if ms := st.messages(); len(ms) != 0 {
		t.Errorf("sent again at once, and not after the interval: %v", ms)
	}
	st.age("active/*/*", 35*time.Minute)
	st.sweeps(5)
	if ms := st.messages(); len(ms) != 1 {
		t.Errorf("sent again after the message was lost: %v", ms)
	}
}

// The clock of the machine that took a job is not the file server's.
func TestClockOfTheSubmitterDoesNotMatter(t *testing.T) {
	st := newStreet(t)
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
			t.Errorf("just submitted, by a clock that is %s off: %+v", wrong, j.Error)
		}
		st.age("jobs/*/*/*/*/"+string(id)+"/input", maxAge+time.Hour)
		st.sweeps(1)
		if j := st.job(id); j.State != job.Failed {
			t.Errorf("too old, by a clock that is %s off: %s", wrong, j.State)
		}
	}
}

// A file server's clock that was wrong once, and is set right, does not put an end
// to sweeping until that time comes.
func TestTurnInTheFutureIsOver(t *testing.T) {
	st := newStreet(t)
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
