package store

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Published files of jobs of other times cost nothing: a day of many jobs has 86,400 folders of
// each kind.
func TestChangedFoldersReadsItsTimeOnly(t *testing.T) {
	sc := newScene(t)
	now := time.Now().UTC()
	hour := now.Add(-3 * time.Hour).Truncate(time.Hour)
	for i := range 1000 {
		folder := filepath.Join(sc.PublishedDir(), publicDir, job.Second.Folder(hour.Add(time.Duration(i)*time.Second)))
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	calls := func(first, last time.Time) (n int64, folders []string) {
		t.Helper()
		var counted atomic.Int64
		sc.step = func(_, _ string, call func() error) error { counted.Add(1); return call() }
		defer func() { sc.step = nil }()
		folders, err := sc.allChanged(t, first, last, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return counted.Load(), folders
	}
	if n, folders := calls(now.Add(-15*time.Minute), time.Time{}); n >= 50 || len(folders) > 0 {
		t.Errorf("beside 1,000 folders of older jobs: %d calls, %q", n, folders)
	}
	first, last := hour.Add(5*time.Minute+7*time.Second), hour.Add(5*time.Minute+9*time.Second)
	n, folders := calls(first, last)
	var want []string
	for _, of := range []string{job.Hour.Folder(first), job.Minute.Folder(first), job.Second.Folder(first), job.Second.Folder(first.Add(time.Second))} {
		want = append(want, path.Join(publicDir, of))
	}
	if n >= 50 || !slices.Equal(folders, want) {
		t.Errorf("of two seconds: %d calls, %q, want %q", n, folders, want)
	}
	if n, folders := calls(time.Time{}, hour); n >= 50 || len(folders) > 0 {
		t.Errorf("before all: %d calls, %q", n, folders)
	}
	if hours, err := sc.PublishedHours(false); err != nil || !slices.Equal(hours, []string{job.Hour.Folder(hour)}) {
		t.Errorf("hours: %q, %v", hours, err)
	}
	if hours, err := sc.PublishedHours(true); err != nil || len(hours) > 0 {
		t.Errorf("hours of thumbnails: %q, %v", hours, err)
	}
}

// A listing by prefix has the pictures of a folder and not those of finer folders in it.
func TestPublishedPrefix(t *testing.T) {
	for _, when := range []string{"2026-11-23T16:04:59Z", "2031-02-28T23:59:59Z"} {
		at, err := time.Parse(time.RFC3339, when)
		if err != nil {
			t.Fatal(err)
		}
		names := map[job.Grain]string{}
		for grain := job.Hour; grain <= job.Second; grain++ {
			ms := at.UnixMilli()
			id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, int(grain)))
			names[grain] = Published(id, "jpeg", true)[0]
		}
		for grain, name := range names {
			prefix := PublishedPrefix(path.Dir(name))
			for other, of := range names {
				if strings.HasPrefix(of, prefix) != (other == grain) {
					t.Errorf("%s: a listing of %q has %s: %t", when, prefix, of, strings.HasPrefix(of, prefix))
				}
			}
		}
	}
	if got := PublishedPrefix("public"); got != "public/" {
		t.Errorf("of no folder of times: %q", got)
	}
}
