package datasync_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
)

// A file that fails doesn't affect the others.
func testFailures(m *mirror) {
	m.write(named("public", 99, "jpeg"), "gone")
	m.run(datasync.Report{Transferred: 1})
	for i := range 20 {
		m.write(named("public", i, "jpeg"), "x")
	}
	m.remove(named("public", 99, "jpeg"))
	refuse := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, named("public", 7, "jpeg")) {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	m.odd.Store(&refuse)
	got, err := m.task.Run(m.Context())
	if want := (datasync.Report{Transferred: 19, Deleted: 1, Failed: 1}); got != want || err == nil || !strings.Contains(err.Error(), named("public", 7, "jpeg")) {
		m.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	m.odd.Store(nil)
	m.run(datasync.Report{Transferred: 1, Skipped: 19})
}

// Files that can't be seen are not treated as removed.
func testUnreadable(m *mirror) {
	if os.Getuid() == 0 {
		m.Log("root can read everything, so only a missing directory is tested")
	}
	a, thumb := named("public", 0, "jpeg"), named("thumbs", 0, "jpeg")
	m.write(a, "a")
	m.write(thumb, "t")
	m.run(datasync.Report{Transferred: 2})
	whole := map[string]string{"pictures/" + a: "a", "pictures/" + thumb: "t"}
	if os.Getuid() != 0 {
		public := filepath.Join(m.task.From, "public")
		if err := os.Chmod(public, 0); err != nil {
			m.Fatal(err)
		}
		if got, err := m.task.Run(m.Context()); err == nil || got != (datasync.Report{Skipped: 1, Failed: 1}) {
			m.Errorf("got %+v, %v", got, err)
		}
		if err := os.Chmod(public, 0o700); err != nil {
			m.Fatal(err)
		}
	}
	away := m.task.From + ".away"
	if err := os.Rename(m.task.From, away); err != nil {
		m.Fatal(err)
	}
	if got, err := m.task.Run(m.Context()); err == nil || got.Deleted > 0 {
		m.Errorf("missing directory: got %+v, %v", got, err)
	}
	if err := os.Rename(away, m.task.From); err != nil {
		m.Fatal(err)
	}
	m.holds(whole)
}

func testBucketAway(m *mirror) {
	for i := range 100 {
		m.write(named("public", i, "jpeg"), "x")
	}
	var puts atomic.Int64
	away := func(w http.ResponseWriter, r *http.Request) bool {
		n := puts.Load()
		if r.Method == http.MethodPut {
			n = puts.Add(1) // unique among the requests
		}
		if n <= 30 {
			return false
		}
		w.WriteHeader(http.StatusForbidden) // 503 would be retried for a long time
		return true
	}
	m.odd.Store(&away)
	got, err := m.task.Run(m.Context())
	if err == nil || got != (datasync.Report{Transferred: 30, Failed: 70}) {
		m.Errorf("got %+v, %v", got, err)
	}
	if _, err := m.task.Run(m.Context()); !errors.Is(err, bucket.ErrDenied) {
		m.Errorf("got %v, want ErrDenied", err)
	}
	m.odd.Store(nil)
	m.run(datasync.Report{Transferred: 70, Skipped: 30})
}

// An execution ends in the middle of a copy of 2,000 files.
func testInterrupted(m *mirror) {
	const n = 2000
	for i := range n {
		m.write(named("public", i, "jpeg"), "whole")
	}
	ctx, kill := context.WithCancel(m.Context())
	defer kill()
	strike := func(http.ResponseWriter, *http.Request) bool {
		if m.puts.Load() >= n/2 {
			kill()
		}
		return false
	}
	m.odd.Store(&strike)
	first, err := m.task.Run(ctx)
	if !errors.Is(err, context.Canceled) || first.Transferred < n/4 || first.Transferred > 3*n/4 {
		m.Fatalf("got %+v, %v", first, err)
	}
	for o, err := range m.s3.List(m.Context(), "pictures/") {
		if err != nil || o.Size != int64(len("whole")) {
			m.Errorf("incomplete: %+v, %v", o, err)
		}
	}
	m.odd.Store(nil)
	// Files whose copy was interrupted may be in the bucket or not.
	second, err := m.task.Run(m.Context())
	if err != nil || second.Transferred+second.Skipped != n || second.Skipped < first.Transferred {
		m.Errorf("got %+v, %v", second, err)
	}
	began := time.Now()
	m.run(datasync.Report{Skipped: n})
	m.Logf("%d unchanged files took %s", n, time.Since(began))
}

func testOneAtATime(m *mirror) {
	for i := range 50 {
		m.write(named("public", i, "jpeg"), "x")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := m.task.Run(m.Context()); err != nil {
				m.Error(err)
			}
		})
	}
	all.Wait()
	if n := m.puts.Load(); n != 50 {
		m.Errorf("50 files were copied %d times", n)
	}
}
