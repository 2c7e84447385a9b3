package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// later has a process that went by what it knew of the backlog for a moment look again, some time after.
func (sc scene) later(by time.Duration) {
	sc.backlog.read = time.Time{}
	sc.backlog.changed = sc.backlog.changed.Add(-by)
}

// A backlog counts as long as sweeps count it anew, whatever the file server's clock says.
func TestBacklogByAnotherClock(t *testing.T) {
	for name, apart := range map[string]time.Duration{"behind": -time.Hour, "ahead": time.Hour} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			a := sc.with(Quotas{Backlog: 10})
			want := func(what string, refused bool) {
				t.Helper()
				if err := a.Admits("anna", ""); errors.Is(err, job.ErrBacklog) != refused || err != nil && !refused {
					t.Errorf("%s: %v", what, err)
				}
			}
			at := time.Now().Add(apart)
			sweep := func() {
				at = at.Add(time.Minute)
				if err := sc.SetBacklog(Backlog{At: at, Unfinished: 10}); err != nil {
					t.Fatal(err)
				}
			}
			want("before any sweep", false)
			sweep()
			a.later(backlogAge)
			want("the first note, by the file server's clock", apart > 0) // an hour old where that is this machine's
			for range 3 {
				sweep()
				a.later(time.Minute)
				want("while sweeps are made", true)
			}
			a.later(backlogStale)
			want("when they are not any more", false)
		})
	}
}

// A backlog that can't be read, or not any more, is what it was, for a while.
func TestBacklogThatCantBeRead(t *testing.T) {
	sc := newScene(t)
	a := sc.with(Quotas{Backlog: 10})
	if err := sc.SetBacklog(Backlog{At: time.Now(), Unfinished: 10}); err != nil {
		t.Fatal(err)
	}
	if err := a.Admits("anna", ""); !errors.Is(err, job.ErrBacklog) {
		t.Errorf("as it is: %v", err)
	}
	if err := os.WriteFile(filepath.Join(sc.dir, sweepDir, string(backlogNote)), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.later(time.Minute)
	if err := a.Admits("anna", ""); !errors.Is(err, job.ErrBacklog) {
		t.Errorf("damaged: %v", err)
	}
	a.later(backlogStale)
	if err := a.Admits("anna", ""); err != nil {
		t.Errorf("damaged for long: %v", err)
	}
}

// However slowly a backlog becomes shorter, who is refused is told a time that makes sense.
func TestBacklogThatHardlyMoves(t *testing.T) {
	for perSecond, want := range map[float64]time.Duration{-1: mostAfter, 0: mostAfter, 1e-15: mostAfter, 0.02: 500 * time.Second, 1e6: time.Minute} {
		sc := newScene(t)
		a := sc.with(Quotas{Backlog: 10})
		if err := sc.SetBacklog(Backlog{At: time.Now(), Unfinished: 19, PerSecond: perSecond}); err != nil {
			t.Fatal(err)
		}
		var b *BacklogError
		if err := a.Admits("anna", ""); !errors.As(err, &b) || b.After != want {
			t.Errorf("%g jobs a second: %v, %+v; want %v", perSecond, err, b, want)
		}
	}
}
