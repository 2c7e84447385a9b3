package worker_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker"
)

func TestEngineRunsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 2 })
		var ms []job.Message
		var results []<-chan error
		for range 5 {
			m := b.submit(photo(t, 8, 8), nil)
			ms, results = append(ms, m), append(results, b.handle(t.Context(), m))
		}
		synctest.Wait()
		if running, _ := e.counts(); running != 2 {
			t.Errorf("%d in the engine, want 2", running)
		}
		// Those that wait have been claimed, and their leases are renewed.
		time.Sleep(3 * b.store.Lease())
		for _, m := range ms {
			if j := b.job(m); j.State != job.Running || j.Attempts != 1 {
				t.Errorf("%s after %d attempts, want running in its first", j.State, j.Attempts)
			}
		}
		close(e.finish)
		for i, r := range results {
			if err := <-r; err != nil || b.job(ms[i]).State != job.Succeeded {
				t.Errorf("%v, %s", err, b.job(ms[i]).State)
			}
		}
		if e.maxRunning != 2 {
			t.Errorf("%d at once, want 2", e.maxRunning)
		}
	})
}

// A suspect, a job that may have killed its process, is admitted alone: it waits until no other
// attempt is admitted, and no other is admitted meanwhile.
func TestSuspectRunsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 3 })
		suspect, second := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)
		b.crash(suspect)
		b.crash(second)
		first := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()

		var alone []<-chan error
		for _, m := range []job.Message{suspect, second} {
			alone = append(alone, b.handle(t.Context(), m))
			synctest.Wait()
		}
		late := b.submit(photo(t, 8, 8), nil)
		last := b.handle(t.Context(), late)
		expect := func(when string, running, started int) {
			t.Helper()
			synctest.Wait()
			if i, n := e.counts(); i != running || n != started {
				t.Errorf("%s: %d in the engine, %d started; want %d and %d", when, i, n, running, started)
			}
		}
		expect("while the first job paints", 1, 1)
		// An attempt that waits for admission has no lease, so that a crash can't count it.
		for m, attempts := range map[job.Message]int{suspect: 1, second: 1, late: 0} {
			if j := b.job(m); j.Attempts != attempts {
				t.Errorf("while it waits for admission: %s after %d attempts, want %d", j.State, j.Attempts, attempts)
			}
		}
		// Attempts that requested admission before the second suspect requested to be alone
		// are admitted before it.
		for i, r := range []<-chan error{first, alone[0], last, alone[1]} {
			expect(fmt.Sprint("before end ", i+1), 1, i+1)
			e.finish <- struct{}{}
			if err := <-r; err != nil {
				t.Errorf("end %d: %v", i+1, err)
			}
		}
		if j := b.job(suspect); j.State != job.Succeeded || j.Attempts != 2 {
			t.Errorf("the suspect: %s after %d attempts", j.State, j.Attempts)
		}
	})
}

// An abandoned run is still at work, and would die with the process.
func TestSuspectWaitsForAbandonedRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 2 })
		suspect := b.submit(photo(t, 8, 8), nil)
		b.crash(suspect)
		ctx, cancel := context.WithCancel(t.Context())
		first := b.handle(ctx, b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		cancel()
		<-first
		alone := b.handle(t.Context(), suspect)
		synctest.Wait()
		if running, _ := e.counts(); running != 1 {
			t.Errorf("%d in the engine, want 1", running)
		}
		close(e.finish)
		if err := <-alone; err != nil || e.maxRunning != 1 {
			t.Errorf("%v, %d at once", err, e.maxRunning)
		}
	})
}

// When a suspect that waits is interrupted, the attempts behind it are admitted; it is still alone when
// it is delivered again.
func TestInterruptedSuspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 3 })
		suspect := b.submit(photo(t, 8, 8), nil)
		b.crash(suspect)
		first := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		alone := b.handle(ctx, suspect)
		synctest.Wait()
		second := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		cancel()
		if err := <-alone; err == nil {
			t.Error("no error of the interrupted attempt, so its message would be deleted")
		}
		synctest.Wait()
		if running, _ := e.counts(); running != 2 {
			t.Errorf("%d in the engine, want 2: the one behind the suspect too", running)
		}
		alone = b.handle(t.Context(), suspect)
		synctest.Wait()
		if running, _ := e.counts(); running != 2 {
			t.Error("it is not alone when it is delivered again")
		}
		close(e.finish)
		for _, r := range []<-chan error{first, second, alone} {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
		if e.maxRunning != 2 {
			t.Errorf("%d at once", e.maxRunning)
		}
	})
}

// If a process with several jobs dies, the attempt counts for none of them, because the cause is not
// known, and each runs alone in its next process. If it had one job, the attempt counts.
func TestCrashCountsForASingleJobOnly(t *testing.T) {
	for concurrent, want := range map[int]int{1: 2, 2: 1} {
		t.Run(fmt.Sprintf("%d at once", concurrent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newFakeEngine()
				b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = concurrent })
				var ms []job.Message
				var results []<-chan error
				for range concurrent {
					m := b.submit(photo(t, 8, 8), nil)
					ms, results = append(ms, m), append(results, b.handle(t.Context(), m))
				}
				synctest.Wait()
				for _, m := range ms {
					b.expire(m)
					l, err := b.store.Claim(t.Context(), m.Job, m.Run, "next")
					if err != nil || l.Attempt != want || !l.Crashed {
						t.Errorf("the next attempt: %+v, %v; want attempt %d after a crash", l, err, want)
						continue
					}
					l.Close()
				}
				close(e.finish)
				for _, r := range results {
					<-r // an error, because the lease is lost
				}
			})
		})
	}
}

// At the limit of attempts a suspect is given up at once, without waiting to be alone.
func TestSuspectIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newFakeEngine()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		for range store.DefaultMaxAttempts {
			b.crash(m)
		}
		other := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if j := b.job(m); j.State != job.Failed || j.Error.Code != job.CodeGaveUp || j.Attempts != store.DefaultMaxAttempts {
			t.Errorf("%s after %d attempts: %v", j.State, j.Attempts, j.Error)
		}
		if running, _ := e.counts(); running != 1 {
			t.Error("it waited for the other job")
		}
		close(e.finish)
		if err := <-other; err != nil {
			t.Error(err)
		}
	})
}
