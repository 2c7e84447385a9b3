package datasync

import (
	"log/slog"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A saved state can be loaded, however many folders are being copied.
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
			s.beginExecution("execution", now, true)
			s.Folders, s.ManyFolders = foldersOf(names)
			if err := c.save(&s); err != nil {
				t.Fatal(err)
			}
			got, err := c.load()
			if err != nil || got.Execution != "execution" || len(got.Folders) != test.want || got.ManyFolders != test.wantMany {
				t.Errorf("got %+v, %v; want %d folders, many: %t", got, err, test.want, test.wantMany)
			}
		})
	}
}

// A scan in several steps is recorded only when the last part is copied.
func TestStateOfScanInParts(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 30, 4, minute, 0, 0, time.UTC) }
	s := state{Scan: scan{Began: at(1), Range: 1, LastFolder: "x"}}
	s.beginExecution("a part", at(2), true)
	s.endExecution(at(3), true)
	if !s.Copied[0].IsZero() || s.Scan.LastFolder != "x" {
		t.Errorf("after a part: %+v", s)
	}
	s.beginExecution("the rest", at(4), true)
	s.Scan, s.ScannedRange, s.ScanBegan = scan{}, 1, at(1)
	s.endExecution(at(5), true)
	if s.Copied[0] != at(1) || s.Copied[1] != at(1) || !s.Copied[2].IsZero() {
		t.Errorf("after the rest: %+v", s)
	}
	s.Scan = scan{Began: at(6), LastFolder: "x"}
	s.beginExecution("another part", at(6), true)
	s.endExecution(at(7), false)
	if s.Scan != (scan{}) || s.Copied[0] != at(1) {
		t.Errorf("after a part that was not copied: %+v", s)
	}
}
