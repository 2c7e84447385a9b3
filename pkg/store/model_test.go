package store

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/pkg/job"
)

// A model is the expected state of one job, without files.
type model struct {
	state    job.State
	run      int
	attempts int  // of this run; those that count
	claims   int  // of all runs
	holder   int  // the claim that the state comes from; 0 if there is none in this run
	expired  bool // the holder's lease has expired
	crashed  bool // the last attempt that counts ended without an outcome
	gone     bool
}

func (st *model) ended() bool { return st.state.Finished() }

// A heldLease is a lease with the number of its claim.
type heldLease struct {
	*Lease
	number int
	run    int
}

// The store is compared with the state diagram: for any order of calls by users, workers and the
// sweeper, a job takes only the transitions of the diagram, and every call returns what the model
// expects.
func TestStatesFollowTheDiagram(t *testing.T) {
	sc := newScene(t)
	rapid.Check(t, func(t *rapid.T) {
		sc := scene{sc.T, sc.Store, sc.submission, sc.running}
		spec := sc.spec()
		spec.Public = rapid.Bool().Draw(t, "public")
		if err := sc.Create(spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		id := spec.ID
		st := &model{state: job.Queued, run: 1}
		var leases []heldLease
		// want checks an error against the model's.
		want := func(what string, got, should error) {
			t.Helper()
			if !errors.Is(got, should) || should == nil && got != nil {
				t.Fatalf("%s: got %v, want %v; the model is %+v", what, got, should, *st)
			}
		}
		pick := func(t *rapid.T) heldLease {
			if len(leases) == 0 {
				t.Skip("no leases yet")
			}
			return leases[rapid.IntRange(0, len(leases)-1).Draw(t, "lease")]
		}
		end := func(l heldLease, state job.State, commit error) {
			switch {
			case st.gone || st.ended() || l.run != st.run:
				want("the end of a lost lease", commit, job.ErrLeaseLost)
			default: // also of an earlier worker: the first link decides
				want("the end", commit, nil)
				st.state, st.attempts = state, l.Attempt
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"claim": func(t *rapid.T) {
				run := max(1, st.run+rapid.IntRange(-1, 1).Draw(t, "run offset"))
				l, err := sc.Claim(sc.Context(), id, run, "model")
				standing := st.holder > 0 && !st.expired && st.state == job.Running
				switch {
				case st.gone:
					want("claim", err, job.ErrGone)
				case run > st.run:
					want("claim of a run to come", err, job.ErrNotFound)
				case run < st.run || st.ended():
					want("claim of what has ended", err, job.ErrFinished)
				case standing:
					want("claim of what another has", err, job.ErrBusy)
				case st.attempts == DefaultMaxAttempts:
					want("claim beyond the limit", err, job.ErrFinished)
					st.state = job.Failed
				default:
					want("claim", err, nil)
					st.crashed = st.holder > 0 && (st.state == job.Running || st.crashed)
					if l.Crashed != st.crashed {
						t.Fatalf("Crashed is %t; the model is %+v", l.Crashed, *st)
					}
					st.claims++
					st.attempts++
					st.state, st.holder, st.expired = job.Running, st.claims, false
					if l.Attempt != st.attempts {
						t.Fatalf("attempt %d; the model is %+v", l.Attempt, *st)
					}
					leases = append(leases, heldLease{l, st.claims, run})
				}
			},
			"renew": func(t *rapid.T) {
				l := pick(t)
				err := l.Renew()
				if st.gone || st.ended() || l.run != st.run || l.number != st.claims || l.closed.Load() {
					want("renewal of a lost lease", err, job.ErrLeaseLost)
					return
				}
				want("renewal", err, nil)
				st.expired = false
			},
			"succeed": func(t *rapid.T) {
				l := pick(t)
				if l.closed.Load() {
					t.Skip("used up")
				}
				thumbnail := rapid.SampledFrom([][]byte{nil, []byte("small")}).Draw(t, "thumbnail")
				end(l, job.Succeeded, l.Succeed([]byte("painted"), thumbnail, job.Result{}, job.Receipt{}))
			},
			"fail": func(t *rapid.T) {
				l := pick(t)
				if l.closed.Load() {
					t.Skip("used up")
				}
				end(l, job.Failed, l.Fail(job.Failure{Code: "damaged_image"}))
			},
			"release": func(t *rapid.T) {
				l, counted := pick(t), rapid.Bool().Draw(t, "counted")
				if l.closed.Load() {
					t.Skip("used up")
				}
				err := l.Release(counted)
				if st.gone || l.run != st.run || st.ended() || l.number != st.claims {
					want("release of a lost lease", err, job.ErrLeaseLost)
					return
				}
				want("release", err, nil)
				st.state = job.Queued
				if counted {
					st.crashed = false
				} else {
					st.attempts--
				}
			},
			"cancel": func(*rapid.T) {
				_, err := sc.Cancel(id)
				switch {
				case st.gone:
					want("cancel", err, job.ErrGone)
				case st.state == job.Succeeded || st.state == job.Failed:
					want("cancel", err, job.ErrFinished)
				default:
					want("cancel", err, nil)
					st.state = job.Canceled
				}
			},
			"retry": func(*rapid.T) {
				_, _, err := sc.Retry(id)
				switch {
				case st.gone:
					want("retry", err, job.ErrGone)
				case st.state == job.Failed || st.state == job.Canceled:
					want("retry", err, nil)
					st.run++
					st.state, st.attempts, st.holder, st.expired, st.crashed = job.Queued, 0, 0, false, false
				case st.state == job.Queued && st.run > 1 && st.attempts == 0:
					want("a retry once more", err, nil)
				default:
					want("retry", err, job.ErrNotRetryable)
				}
			},
			"leases run out": func(t *rapid.T) {
				if st.gone || st.state != job.Running {
					t.Skip("no worker has a lease")
				}
				sc.expire(id)
				st.expired = true
			},
			"sweep": func(*rapid.T) {
				now, err := sc.serverNow()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := sc.Checkup(EntryOf(job.Job{ID: id}), now, time.Hour); err != nil &&
					!errors.Is(err, job.ErrFinished) && !errors.Is(err, job.ErrGone) {
					t.Fatal(err)
				}
			},
			"erase": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "one in ten") > 0 {
					t.Skip("not now")
				}
				want("erase", sc.Erase(id, Erased), nil)
				st.gone = true
			},
			"": func(*rapid.T) { // after each of the others
				for _, path := range sc.publishedPaths(id, spec.Format, spec.Public) {
					there, err := sc.exists(path)
					if want := st.state == job.Succeeded && !st.gone; err != nil || there != want {
						t.Fatalf("published as %s: %t, %v; the model is %+v", path, there, err, *st)
					}
				}
				j, err := sc.Job(id)
				if st.gone {
					want("read", err, job.ErrGone)
					return
				}
				if err != nil || j.State != st.state || j.Run != st.run || j.Attempts != st.attempts {
					t.Fatalf("the job is %+v, %v; the model is %+v", j, err, *st)
				}
				if (j.Result != nil) != (j.State == job.Succeeded) || (j.Error != nil) != (j.State == job.Failed) ||
					(j.FinishedAt != nil) != j.State.Finished() {
					t.Fatalf("a %s job with result %v, error %v, finished at %v", j.State, j.Result, j.Error, j.FinishedAt)
				}
				r, err := sc.readFromEvents(id)
				if err != nil || asJSON(sc.T, r.public()) != asJSON(sc.T, j) {
					t.Fatalf("the status is\n%+v\nand the events show\n%+v, %v", j, r, err)
				}
				active, err := sc.exists(sc.activePath("", id))
				if err != nil || !active && !st.ended() {
					t.Fatalf("active: %t, %v; the model is %+v", active, err, *st)
				}
			},
		})
	})
}
