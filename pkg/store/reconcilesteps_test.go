package store

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// withinCalls calls do with a context that ends after most calls to the file server.
func (sc scene) withinCalls(most int64, do func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(sc.Context())
	defer cancel()
	var calls atomic.Int64
	sc.step = func(_, _ string, call func() error) error {
		if calls.Add(1) > most {
			cancel()
		}
		return call()
	}
	do(ctx)
	sc.step = nil
}

// A reconciliation whose time is too short for the jobs of one second or minute continues where it
// stopped, until all are done.
func TestReconciliationContinuesWithinFolder(t *testing.T) {
	for name, grain := range map[string]job.Grain{"second": job.Second, "minute": job.Minute, "hour": job.Hour} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			ids := sc.canceledInSecondsAs(2, 150, grain)
			var lost []string
			for i, id := range ids {
				if i%10 != 0 {
					continue
				}
				spec, err := sc.Spec(id)
				lost = append(lost, sc.ownerEntry(&spec))
				if err = errors.Join(err, os.Remove(sc.ownerEntry(&spec))); err != nil {
					t.Fatal(err)
				}
			}
			later := time.Now().Add(72 * time.Hour)
			var p Progress
			repaired, parts := 0, 0
			for ; !p.Done && parts < 40; parts++ {
				sc.withinCalls(250, func(ctx context.Context) {
					var err error
					if p, err = sc.Reconcile(ctx, p.After, later, later, time.Hour); err != nil && !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
				})
				repaired += p.Count
			}
			if !p.Done || parts < 3 || repaired != len(lost) {
				t.Errorf("%d parts, %d repaired, %+v; want all %d in several parts", parts, repaired, p, len(lost))
			}
			for _, path := range lost {
				if there, err := sc.exists(path); err != nil || !there {
					t.Errorf("%s: %t, %v", path, there, err)
				}
			}
		})
	}
}

// A name in the owners' index is removed although neither its job nor the folder of its second
// exists.
func TestReconciliationOfMissingSecond(t *testing.T) {
	sc := newScene(t)
	ids := sc.canceledInSeconds(2, 1)
	spec, err := sc.Spec(ids[1])
	if err = errors.Join(err, os.RemoveAll(sc.jobsFolder(ids[1]))); err != nil {
		t.Fatal(err)
	}
	if err := sc.reconcileAll(time.Now().Add(72 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if there, err := sc.exists(sc.ownerEntry(&spec)); err != nil || there {
		t.Errorf("its name in the index: %t, %v", there, err)
	}
}
