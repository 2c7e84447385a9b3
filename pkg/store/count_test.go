package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// submitNow submits a job of Anna's as a server does, after Admits. Its id has the time of the
// synctest bubble, because uuid does not go back after it has seen a later time.
func (sc scene) submitNow() (job.ID, error) {
	sc.Helper()
	if err := sc.Admits("anna", ""); err != nil {
		return "", err
	}
	spec := sc.specAt(time.Now())
	spec.Owner = "anna"
	return spec.ID, sc.Create(spec, []byte("picture"), nil)
}

// calls returns how many calls to the file server f makes.
func (sc scene) calls(f func()) (n int, all string) {
	var mu sync.Mutex
	var made []string
	sc.step = func(op, path string, call func() error) error {
		mu.Lock()
		rel, _ := filepath.Rel(sc.dir, path)
		made = append(made, op+" "+rel)
		mu.Unlock()
		return call()
	}
	defer func() { sc.step = nil }()
	f()
	return len(made), strings.Join(made, "\n")
}

// A submission to a process that has counted its owner's use before costs at most two calls more
// than without quotas, at any time and with any amount free. It costs four only if it is the last
// within a quota and another count is due.
func TestQuotasCostTwoCalls(t *testing.T) {
	for name, c := range map[string]struct {
		quotas Quotas
		keep   int // unfinished jobs at a time; others are canceled
		most   int // further calls
	}{
		"far below":           {Quotas{Unfinished: 5000, Stored: 51200, Daily: 100_000}, 10, 2},
		"near one":            {Quotas{Unfinished: 20, Stored: 51200, Daily: 100_000}, 10, 2},
		"near all":            {Quotas{Unfinished: 20, Stored: 25, Daily: 250}, 10, 2},
		"with one alone":      {Quotas{Daily: 1000}, 10, 2},
		"at the limit of one": {Quotas{Unfinished: 12, Stored: 51200, Daily: 100_000}, 9, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sc := newScene(t)
				free, bound := sc.withQuotas(Quotas{}), sc.withQuotas(c.quotas)
				var ids []job.ID
				submit := func(to scene) (int, string) {
					return to.calls(func() {
						id, err := to.submitNow()
						if err != nil {
							t.Fatal(err)
						}
						ids = append(ids, id)
					})
				}
				submit(bound) // from now on this process has counted the owner
				more := map[int]int{}
				for _, rounds := range []struct {
					n     int
					pause time.Duration
				}{{5, time.Millisecond}, {5, time.Second}, {20, 7 * time.Minute}, {15, 11 * time.Minute}, {8, 25 * time.Minute}} {
					for range rounds.n {
						time.Sleep(rounds.pause)
						submit(free) // makes the hour's folders
						plain, _ := submit(free)
						n, all := submit(bound)
						more[n-plain]++
						if n-plain > c.most {
							t.Errorf("%s after the last: %d calls, and %d without quotas:\n%s", rounds.pause, n, plain, all)
						}
						for ; len(ids) > c.keep; ids = ids[1:] {
							if _, err := bound.Cancel(ids[0]); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
				t.Logf("numbers of submissions by the further calls that each of them cost: %v", more)
			})
		})
	}
}

// Processes that submit in turn exceed a quota by no more than DESIGN.md allows, and refuse nothing
// that is within it.
func TestOvershootOfProcessesInTurn(t *testing.T) {
	const (
		processes = 4
		uncounted = maxDeferred
		kib       = 97
	)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 0))
				sc := newScene(t)
				q := Quotas{Unfinished: 10 + random.IntN(300), Stored: 1 + random.IntN(30), Daily: 20 + random.IntN(400)}
				process := make([]scene, processes)
				for i := range process {
					process[i] = sc.withQuotas(q)
				}
				most := use{
					int64(q.Unfinished + processes*(q.Unfinished/100+uncounted)),
					int64(q.Daily + processes*(q.Daily/100+uncounted)),
					int64(q.Stored<<10 + processes*(q.Stored<<10/100+uncounted*kib)),
					0,
				}
				type made struct {
					id    job.ID
					hour  time.Time
					ended bool
					gone  bool
				}
				var jobs []made
				there := func() (u use) {
					for _, j := range jobs {
						if !j.ended {
							u.unfinished++
						}
						if !j.gone {
							u.kib += kib
						}
						if !j.hour.Before(time.Now().Add(-day).Truncate(time.Hour)) {
							u.daily++
						}
					}
					return u
				}
				accepted, refused := 0, 0
				pauses := []time.Duration{time.Second, time.Second, time.Second, time.Second, time.Minute, 13 * time.Minute}
				for range 500 {
					time.Sleep(pauses[random.IntN(len(pauses))])
					if random.IntN(200) == 0 {
						time.Sleep(time.Duration(random.Int64N(int64(30 * time.Hour))))
					}
					p := process[random.IntN(processes)]
					if random.IntN(50) == 0 {
						p.allCounts.byFolder = nil // as after a start
					}
					switch before := there(); {
					case len(jobs) > 0 && random.IntN(4) == 0:
						j := &jobs[random.IntN(len(jobs))]
						if random.IntN(2) == 0 && !j.ended {
							_, err := p.Cancel(j.id)
							if err != nil {
								t.Fatal(err)
							}
							j.ended = true
						} else if !j.gone {
							if err := p.Erase(j.id, Erased); err != nil {
								t.Fatal(err)
							}
							j.ended, j.gone = true, true
						}
					default:
						id, err := p.submitNow()
						if errors.Is(err, job.ErrQuota) {
							refused++
							if before.plus(use{1, 1, kib, 0}).within(q.limit()) {
								t.Errorf("%v while %+v of %+v are used", err, before, q)
							}
							continue
						}
						if err != nil {
							t.Fatal(err)
						}
						accepted++
						jobs = append(jobs, made{id: id, hour: time.Now().Truncate(time.Hour)})
						if now := there(); !now.within(most) {
							t.Errorf("%+v are used of %+v, and at most %+v are allowed", now, q, most)
						}
					}
				}
				if accepted == 0 || refused == 0 {
					t.Errorf("%d accepted, %d refused: nothing was tried", accepted, refused)
				}
				t.Logf("%+v: %d accepted, %d refused", q, accepted, refused)
			})
		})
	}
}

// The worst order for counts that are seldom made: every process counts while nearly all is free,
// and then each in turn submits as much as it can.
func TestOvershootOfProcessesThatCountedEarly(t *testing.T) {
	const quota, processes = 200, 4
	for name, q := range map[string]Quotas{
		"unfinished jobs": {Unfinished: quota, Stored: 51200, Daily: 100_000},
		"submissions":     {Unfinished: 5000, Stored: 51200, Daily: quota},
		"stored bytes":    {Unfinished: 5000, Stored: quota * 97 >> 10, Daily: 100_000},
		"all":             {Unfinished: quota, Stored: quota * 97 >> 10, Daily: quota},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(55 * time.Minute) // from then on two hours of the index may get jobs
				sc := newScene(t)
				var process []scene
				for range processes {
					p := sc.withQuotas(q)
					if err := p.Admits("anna", ""); err != nil {
						t.Fatal(err)
					}
					process = append(process, p)
				}
				accepted := int64(0)
				for _, p := range process {
					for {
						time.Sleep(time.Millisecond)
						if _, err := p.submitNow(); errors.Is(err, job.ErrQuota) {
							break
						} else if err != nil {
							t.Fatal(err)
						}
						accepted++
					}
				}
				least := int64(quota)
				if q.Stored < 51200 {
					least = int64(q.Stored) << 10 / 97
				}
				if most := least + processes*(quota/recountFraction+maxDeferred); accepted < least || accepted > most {
					t.Errorf("%d accepted, want %d to %d", accepted, least, most)
				}
				t.Logf("%d accepted of %d", accepted, quota)
			})
		})
	}
}
