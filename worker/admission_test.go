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

func TestTheEngineRunsSoManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 2 })
		var ms []job.Message
		var results []<-chan error
		for range 5 {
			m := b.submit(photo(t, 8, 8), nil)
			ms, results = append(ms, m), append(results, b.handle(t.Context(), m))
		}
		synctest.Wait()
		if inside, _ := e.now(); inside != 2 {
			t.Errorf("%d in the engine, want 2", inside)
		}
		// Those that wait have been claimed and hold on to it, far beyond a lease.
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
		if e.most != 2 {
			t.Errorf("%d at once, want 2", e.most)
		}
	})
}

// A job that may have killed its process gets the next one for itself: it waits
// until nobody is at work, and meanwhile nobody else begins.
func TestAfterACrashAJobRunsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 3 })
		crasher, second := b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)
		b.crash(crasher)
		b.crash(second)
		first := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()

		var lone []<-chan error
		for _, m := range []job.Message{crasher, second} {
			lone = append(lone, b.handle(t.Context(), m))
			synctest.Wait()
		}
		late := b.submit(photo(t, 8, 8), nil)
		last := b.handle(t.Context(), late)
		expect := func(when string, inside, begun int) {
			t.Helper()
			synctest.Wait()
			if i, n := e.now(); i != inside || n != begun {
				t.Errorf("%s: %d in the engine, %d begun; want %d and %d", when, i, n, inside, begun)
			}
		}
		expect("while the neighbour paints", 1, 1)
		// Whoever waits for the gate has no lease that a crash could cost an attempt.
		for m, attempts := range map[job.Message]int{crasher: 1, second: 1, late: 0} {
			if j := b.job(m); j.Attempts != attempts {
				t.Errorf("outside the gate: %s after %d attempts, want %d", j.State, j.Attempts, attempts)
			}
		}
		// The second crasher lets those in that came before it asked to be alone.
		for i, r := range []<-chan error{first, lone[0], last, lone[1]} {
			expect(fmt.Sprint("before end ", i+1), 1, i+1)
			e.finish <- struct{}{}
			if err := <-r; err != nil {
				t.Errorf("end %d: %v", i+1, err)
			}
		}
		if j := b.job(crasher); j.State != job.Succeeded || j.Attempts != 2 {
			t.Errorf("the crasher: %s after %d attempts", j.State, j.Attempts)
		}
	})
}

// A run that was abandoned is still at work, and could fall with the process.
func TestALoneJobWaitsForAbandonedRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 2 })
		crasher := b.submit(photo(t, 8, 8), nil)
		b.crash(crasher)
		ctx, cancel := context.WithCancel(t.Context())
		first := b.handle(ctx, b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		cancel()
		<-first
		lone := b.handle(t.Context(), crasher)
		synctest.Wait()
		if inside, _ := e.now(); inside != 1 {
			t.Errorf("%d in the engine", inside)
		}
		close(e.finish)
		if err := <-lone; err != nil || e.most != 1 {
			t.Errorf("%v, %d at once", err, e.most)
		}
	})
}

// The others go on when a lone job is called off while it waits, and it is still
// alone when it comes again.
func TestALoneJobThatIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBenchWith(t, 0, e.paint, func(c *worker.Config) { c.Concurrent = 3 })
		crasher := b.submit(photo(t, 8, 8), nil)
		b.crash(crasher)
		first := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		lone := b.handle(ctx, crasher)
		synctest.Wait()
		second := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		cancel()
		if err := <-lone; err == nil {
			t.Error("called off, and its message would be deleted")
		}
		synctest.Wait()
		if inside, _ := e.now(); inside != 2 {
			t.Errorf("%d in the engine, want 2: the one behind the lone one too", inside)
		}
		lone = b.handle(t.Context(), crasher)
		synctest.Wait()
		if inside, _ := e.now(); inside != 2 {
			t.Error("it is not alone when it comes again")
		}
		close(e.finish)
		for _, r := range []<-chan error{first, second, lone} {
			if err := <-r; err != nil {
				t.Error(err)
			}
		}
		if e.most != 2 {
			t.Errorf("%d at once", e.most)
		}
	})
}

// At its limit a crasher is given up on the spot, whoever is at work.
// Of which of several jobs a process has died nobody knows: the attempt counts for none, and each is alone in the
// next process. One that was alone counts.
func TestDeathOfAProcessCountsForALoneJobOnly(t *testing.T) {
	for concurrent, want := range map[int]int{1: 2, 2: 1} {
		t.Run(fmt.Sprintf("%d at once", concurrent), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEasel()
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
					<-r // the lease is lost
				}
			})
		})
	}
}

func TestACrasherIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEasel()
		b := newBench(t, 0, e.paint)
		m := b.submit(photo(t, 8, 8), nil)
		for range store.DefaultMaxAttempts {
			b.crash(m)
		}
		neighbour := b.handle(t.Context(), b.submit(photo(t, 8, 8), nil))
		synctest.Wait()
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if j := b.job(m); j.State != job.Failed || j.Error.Code != job.CodeGaveUp || j.Attempts != store.DefaultMaxAttempts {
			t.Errorf("%s after %d attempts: %v", j.State, j.Attempts, j.Error)
		}
		if inside, _ := e.now(); inside != 1 {
			t.Error("it waited for its neighbour")
		}
		close(e.finish)
		if err := <-neighbour; err != nil {
			t.Error(err)
		}
	})
}
