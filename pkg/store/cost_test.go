package store

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// The numbers of calls are those of the table in DESIGN.md, "What each operation costs".
func TestFileOperations(t *testing.T) {
	sc := newScene(t).withQuotas(Quotas{Unfinished: 5000, Stored: 51200, Daily: 100_000, Runs: 20})
	own := func() *job.Spec {
		spec := sc.spec()
		spec.Owner, spec.Style, spec.StyleInput = "anna", job.CustomStyle, &job.Input{}
		return spec
	}
	// These jobs make the folders that the first job of an hour, of an owner, and of the erased
	// ones makes.
	if err := sc.Erase(sc.create(), Erased); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sc.CreateOnce(own(), []byte("picture"), []byte("style"), "first"); err != nil {
		t.Fatal(err)
	}
	for _, public := range []bool{false, true} {
		if err := paint(sc.createAndClaimAs(public), "x"); err != nil {
			t.Fatal(err)
		}
	}
	submit := func(t *testing.T) {
		sc.makeKeyFolder(keyHash("anna", t.Name()))
		if _, made, err := sc.CreateOnce(own(), []byte("picture"), []byte("style"), t.Name()); err != nil || !made {
			t.Fatal(made, err)
		}
	}
	var id job.ID
	finish := func(t *testing.T) {
		l, err := sc.Claim(t.Context(), id, 1, "tester")
		if err == nil {
			_, _, err = sc.Pictures(&l.Spec)
		}
		if err == nil {
			err = l.StorePreview([]byte("preview"))
		}
		if err == nil {
			err = paint(l, "painted")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	poll := func(t *testing.T) {
		if _, err := sc.Job(id); err != nil {
			t.Fatal(err)
		}
	}
	end := func(change func(job.ID) error) func(t *testing.T) {
		return func(t *testing.T) {
			id = sc.create()
			if err := change(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		most    int
		prepare func(t *testing.T)
		do      func(t *testing.T)
	}{
		{"submit with everything", 21, nil, submit},
		{"submit without a key", 13, nil, func(t *testing.T) { sc.create() }},
		{"submit to a process that does not know the owner", 13 + 10, forgetOwner(sc), func(t *testing.T) { sc.create() }},
		{"submit when it is time to count again", 13 + 2, makeCountsOld(sc), func(t *testing.T) { sc.create() }},
		{"retry", 15, end(func(id job.ID) error { _, err := sc.Cancel(id); return err }), func(t *testing.T) {
			if _, _, err := sc.Retry(id); err != nil {
				t.Fatal(err)
			}
		}},
		{"cancel", 14, func(*testing.T) { id = sc.create() }, func(t *testing.T) {
			if _, err := sc.Cancel(id); err != nil {
				t.Fatal(err)
			}
		}},
		{"erase", 26, func(t *testing.T) { id = sc.create(); finish(t) }, func(t *testing.T) {
			if err := sc.Erase(id, Erased); err != nil {
				t.Fatal(err)
			}
		}},
		{"result", 4, func(t *testing.T) { id = sc.create(); finish(t) }, func(t *testing.T) {
			if _, err := sc.content(sc.Result(id)); err != nil {
				t.Fatal(err)
			}
		}},
		{"finish in the worker", 24, func(*testing.T) { id = sc.create() }, finish},
		{"finish a public job in the worker", 27, func(*testing.T) { id = sc.createAs(true) }, finish},
		{"poll a queued job", 4, func(*testing.T) { id = sc.create() }, poll},
		{"poll a running job", 4, func(*testing.T) { id = sc.createAndClaim().Spec.ID }, poll},
		{"poll a finished job", 3, func(t *testing.T) { id = sc.create(); finish(t) }, poll},
		{"poll a canceled job", 4, end(func(id job.ID) error { _, err := sc.Cancel(id); return err }), poll},
		{"poll an unknown job", 13, func(*testing.T) { id = sc.spec().ID }, func(t *testing.T) {
			if _, err := sc.Job(id); !errors.Is(err, job.ErrNotFound) {
				t.Fatal(err)
			}
		}},
		{"poll a job that is gone", 3, end(func(id job.ID) error { return sc.Erase(id, Erased) }), func(t *testing.T) {
			if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
				t.Fatal(err)
			}
		}},
		{"renew a lease", 3, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.do == nil {
				l := sc.createAndClaim()
				c.do = func(t *testing.T) {
					if err := l.Renew(); err != nil {
						t.Fatal(err)
					}
				}
			}
			// The cost must not depend on the number of jobs.
			var counts []int
			for range 3 {
				for range 20 {
					sc.create()
				}
				if c.prepare != nil {
					c.prepare(t)
				}
				var calls []string
				var mu sync.Mutex
				sc.step = func(op, path string, call func() error) error {
					mu.Lock()
					defer mu.Unlock()
					rel, _ := filepath.Rel(sc.dir, path)
					calls = append(calls, op+" "+filepath.Base(rel))
					return call()
				}
				c.do(t)
				sc.step = nil
				counts = append(counts, len(calls))
				if len(calls) > c.most {
					t.Errorf("%d calls, and at most %d are allowed:\n%s", len(calls), c.most, strings.Join(calls, "\n"))
				}
				if testing.Verbose() && len(counts) == 1 {
					t.Logf("%d calls: %s", len(calls), strings.Join(calls, ", "))
				}
				if strings.HasPrefix(c.name, "submit with") {
					break // a key can be used for one job only
				}
			}
			if slices.Max(counts) != slices.Min(counts) {
				t.Errorf("the cost grows with the number of jobs: %v", counts)
			}
		})
	}
}

// forgetOwner makes the store one of a process that has not counted the owner yet.
func forgetOwner(sc scene) func(*testing.T) {
	return func(*testing.T) { sc.allCounts.byFolder = nil }
}

// makeCountsOld makes the counts too old to be used.
func makeCountsOld(sc scene) func(*testing.T) {
	return func(*testing.T) {
		o := sc.ownerCounts(ownerFolder(""))
		o.active.began = o.active.began.Add(-countAge)
		for _, c := range o.open {
			c.began = c.began.Add(-countAge)
		}
	}
}
