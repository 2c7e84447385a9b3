package datasync

import (
	"log/slog"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Whatever is being copied, its note can be read again.
func TestStateOfManyFolders(t *testing.T) {
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	c := &Copier{Config: Config{Task: "task", Store: st, Log: slog.New(slog.DiscardHandler)}}
	now := time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name     string
		apart    time.Duration
		of       job.Grain
		want     int
		wantMany bool
	}{
		{"seconds of fifty minutes", time.Second, job.Second, 100, false},
		{"minutes of two days", time.Minute, job.Minute, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var names []string
			for i := range 3000 {
				folder := test.of.Folder(now.Add(time.Duration(i) * test.apart))
				names = append(names, "public/"+folder+"/x.png", "thumbs/"+folder+"/x.jpeg")
			}
			s := state{Task: "task"}
			s.begin("execution", now, true)
			s.Folders, s.Many = foldersOf(names)
			if err := c.save(&s); err != nil {
				t.Fatal(err)
			}
			got, err := c.load()
			if err != nil || got.Execution != "execution" || len(got.Folders) != test.want || got.Many != test.wantMany {
				t.Errorf("got %+v, %v; want %d folders, many: %t", got, err, test.want, test.wantMany)
			}
		})
	}
}

// What one step has no time for the next goes on with, and nothing is noted before all of it is copied.
func TestStateOfALookInParts(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 30, 4, minute, 0, 0, time.UTC) }
	s := state{Looking: looking{Began: at(1), Which: 1, At: "x"}}
	s.begin("a part", at(2), true)
	s.end(at(3), true)
	if !s.Copied[0].IsZero() || s.Looking.At != "x" {
		t.Errorf("after a part: %+v", s)
	}
	s.begin("the rest", at(4), true)
	s.Looking, s.Look, s.Looked = looking{}, 1, at(1)
	s.end(at(5), true)
	if s.Copied[0] != at(1) || s.Copied[1] != at(1) || !s.Copied[2].IsZero() {
		t.Errorf("after the rest: %+v", s)
	}
	s.Looking = looking{Began: at(6), At: "x"}
	s.begin("another part", at(6), true)
	s.end(at(7), false)
	if s.Looking != (looking{}) || s.Copied[0] != at(1) {
		t.Errorf("after a part that was not copied: %+v", s)
	}
}
