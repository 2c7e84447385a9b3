package datasync

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A saved state can be loaded, however long its lists are.
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
			s.beginExecution("execution", "manifest", now)
			s.Folders, s.ManyFolders = foldersOf(names)
			// The longest lists.
			for range maxUnread {
				s.Unread = append(s.Unread, "private/2026/11/30/04/00/00")
			}
			for range maxAside {
				s.Aside = append(s.Aside, aside{Name: store.Published(job.ID("0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"), "webp", false)[0], Tries: 1000, Again: now})
			}
			s.Pending.add("execution", Change{Folders: s.Folders})
			_, version, err := st.NoteVersion(store.CopyNote)
			s.version = version
			if err := errors.Join(err, c.save(&s)); err != nil {
				t.Fatal(err)
			}
			got, err := c.recorded()
			if err != nil || got.Execution != "execution" || len(got.Folders) != test.want || got.ManyFolders != test.wantMany {
				t.Errorf("got %+v, %v; want %d folders, many: %t", got, err, test.want, test.wantMany)
			}
		})
	}
}

// Times in the future are replaced when the state is loaded, with one warning.
func TestFutureTimes(t *testing.T) {
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	var log strings.Builder
	c := &Copier{Config: Config{Task: "task", Store: st, Log: slog.New(slog.NewTextHandler(&log, nil))}}
	future := time.Now().Add(30 * time.Hour)
	s := state{
		Task: "task", Scans: newScans(future), Execution: "execution", Began: future, Next: newScans(future),
		Aside: []aside{{Name: "picture", Again: future}}, NotBefore: future, MissingSince: future,
	}
	if err := c.save(&s); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, now, err := c.load()
		if err != nil || got.Execution != "execution" || len(got.Aside) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		for what, at := range map[string]time.Time{
			"scan": got.Scans[0].Copied, "next scan": got.Next[0].Copied, "start of the execution": got.Began,
			"picture that is put aside": got.Aside[0].Again, "not before": got.NotBefore, "missing since": got.MissingSince,
		} {
			if at.IsZero() || at.After(now) {
				t.Errorf("%s: got %v, at %v", what, at, now)
			}
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, log.String())
	}
}
