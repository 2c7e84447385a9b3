package store

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// beginErasures puts jobs into the state in which a process leaves them that has begun to erase
// them and dies.
func (sc scene) beginErasures(ids []job.ID) {
	sc.Helper()
	for _, id := range ids {
		if err := sc.createEmpty(sc.erasureMark(id, Erased)); err != nil {
			sc.Fatal(err)
		}
	}
}

// marked returns the jobs with a mark in erasing/.
func (sc scene) marked() (ids []job.ID) {
	sc.Helper()
	names, err := sc.list(filepath.Join(sc.dir, erasingDir))
	if err != nil {
		sc.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		ids = append(ids, job.ID(name[:len(name)-len("."+Erased)]))
	}
	return ids
}

// refuseCopiesOf makes it impossible to remove the copies of some jobs.
func (sc scene) refuseCopiesOf(ids []job.ID) error {
	refused := errors.New("refused")
	sc.unpublish = func(names []string) error {
		for _, name := range names {
			if _, id, _, _ := ParsePublished(name); slices.Contains(ids, id) {
				return refused
			}
		}
		return nil
	}
	return refused
}

// Erasures that can't be completed, however many they are, don't hold up later ones: each call
// continues where the last one stopped.
func TestErasuresContinue(t *testing.T) {
	sc := newScene(t)
	ids := sc.canceledInSeconds(3, 80)
	sc.beginErasures(ids)
	stuck, others := ids[:160], ids[160:]
	refused := sc.refuseCopiesOf(stuck)
	var p Progress
	parts, completed := 0, 0
	for ; !p.Done && parts < 40; parts++ {
		sc.withinCalls(2000, func(ctx context.Context) {
			var err error
			if p, err = sc.EndErasures(ctx, p.After); err != nil && !errors.Is(err, refused) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		})
		completed += p.Count
	}
	if !p.Done || p.After != "" || parts < 2 || completed != len(others) {
		t.Errorf("%d parts, %d completed, %+v; want all %d in several parts", parts, completed, p, len(others))
	}
	if got := sc.marked(); !slices.Equal(got, stuck) {
		t.Errorf("%d are still marked, want the %d that can't be completed", len(got), len(stuck))
	}
	sc.unpublish = nil
	if p, err := sc.EndErasures(t.Context(), ""); err != nil || !p.Done || p.Count != len(stuck) {
		t.Errorf("%+v, %v", p, err)
	}
	if got := sc.marked(); len(got) > 0 {
		t.Errorf("%d are still marked", len(got))
	}
}

// A job whose copies can't be removed does not hold up those that are erased or expire together
// with it.
func TestRefusedCopyHoldsUpNoOtherJob(t *testing.T) {
	t.Run("erasure", func(t *testing.T) {
		sc := newScene(t)
		ids := sc.canceledInSeconds(1, 20)
		sc.beginErasures(ids)
		refused := sc.refuseCopiesOf(ids[7:8])
		if p, err := sc.EndErasures(t.Context(), ""); !errors.Is(err, refused) || p.Count != 19 {
			t.Errorf("%+v, %v", p, err)
		}
		if got := sc.marked(); !slices.Equal(got, ids[7:8]) {
			t.Errorf("still marked are %v", got)
		}
	})
	t.Run("retention", func(t *testing.T) {
		sc := newScene(t)
		ids := sc.canceledInSeconds(1, 20)
		refused := sc.refuseCopiesOf(ids[7:8])
		if p, err := sc.Expire(t.Context(), ids[19].Time().Add(2*time.Hour), ""); !errors.Is(err, refused) || p.Count != 20 {
			t.Errorf("%+v, %v; want 19 of the second and the one before", p, err)
		}
	})
}
