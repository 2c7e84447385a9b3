package datasync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A mirror is a task between a directory and a bucket, with something between it
// and S3 that can misbehave.
type mirror struct {
	*testing.T
	task datasync.Task
	s3   *bucket.Bucket // straight
	odd  atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
	puts atomic.Int64
}

func TestTask(t *testing.T) {
	locked, cfg := ministacktest.Start(t)
	for i, test := range []struct {
		name string
		run  func(*mirror)
	}{
		{"the bucket becomes what the directory is", testMirror},
		{"what is no file is not copied", testNoFiles},
		{"a file that fails doesn't keep the others", testFailures},
		{"what can't be read is not deleted", testUnreadable},
		{"the bucket goes away", testBucketAway},
		{"killed and run again", testInterrupted},
		{"one execution at a time", testOneAtATime},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newMirror(t, locked.Endpoint, cfg, fmt.Sprintf("bucket-%d", i)))
		})
	}
}

func newMirror(t *testing.T, endpoint string, cfg aws.Config, name string) *mirror {
	t.Helper()
	b, err := bucket.Create(t.Context(), cfg, name)
	if err != nil {
		t.Fatal(err)
	}
	m := &mirror{T: t, s3: b}
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			m.puts.Add(1)
		}
		if odd := m.odd.Load(); odd == nil || !(*odd)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	by, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	// As a proxy, since what is signed is the Host too.
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(by)}}
	m.task.From, m.task.To, m.task.Prefix = t.TempDir(), bucket.New(cfg, name), "pictures/"
	m.task.CacheControl = "max-age=60"
	return m
}

func (m *mirror) write(name, content string) {
	m.Helper()
	path := filepath.Join(m.task.From, name)
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o600)
	}
	if err != nil {
		m.Fatal(err)
	}
}

func (m *mirror) remove(name string) {
	m.Helper()
	if err := os.RemoveAll(filepath.Join(m.task.From, name)); err != nil {
		m.Fatal(err)
	}
}

// run makes an execution that must go well.
func (m *mirror) run(want datasync.Report) {
	m.Helper()
	got, err := m.task.Run(m.Context())
	if err != nil || got != want {
		m.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// holds checks the whole bucket; contents by key.
func (m *mirror) holds(want map[string]string) {
	m.Helper()
	for o, err := range m.s3.List(m.Context(), "") {
		if err != nil {
			m.Fatal(err)
		}
		content, ok := want[o.Key]
		if got := m.content(o.Key); !ok || got != content {
			m.Errorf("%s holds %.50q, want %.50q", o.Key, got, content)
		}
		delete(want, o.Key)
	}
	for key := range want {
		m.Errorf("%s is missing", key)
	}
}

func (m *mirror) content(key string) string {
	m.Helper()
	r, _, err := m.s3.Get(m.Context(), key)
	if err != nil {
		m.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		m.Fatal(err)
	}
	return string(b)
}

func testMirror(m *mirror) {
	if _, err := m.s3.Put(m.Context(), "index.html", bytes.NewReader([]byte("page")), bucket.Put{}); err != nil {
		m.Fatal(err)
	}
	m.run(datasync.Report{})
	m.write("public/2026/11/23/16/a.jpeg", "a")
	m.write("thumbs/2026/11/23/16/a.jpeg", "t")
	m.write("private/2026/11/23/17/b ü.png", "b")
	m.run(datasync.Report{Transferred: 3})
	m.run(datasync.Report{Skipped: 3})
	m.holds(map[string]string{
		"index.html":                             "page",
		"pictures/public/2026/11/23/16/a.jpeg":   "a",
		"pictures/thumbs/2026/11/23/16/a.jpeg":   "t",
		"pictures/private/2026/11/23/17/b ü.png": "b",
	})
	if o, err := m.s3.Head(m.Context(), "pictures/public/2026/11/23/16/a.jpeg"); err != nil || o.ContentType != "image/jpeg" || o.CacheControl != "max-age=60" {
		m.Errorf("stored as %+v, %v", o, err)
	}

	m.write("public/2026/11/23/16/a.jpeg", "another length")
	m.write("thumbs/2026/11/23/16/a.jpeg", "T")
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(m.task.From, "thumbs/2026/11/23/16/a.jpeg"), later, later); err != nil {
		m.Fatal(err)
	}
	m.remove("private")
	m.run(datasync.Report{Transferred: 2, Deleted: 1})
	m.holds(map[string]string{
		"index.html": "page", "pictures/public/2026/11/23/16/a.jpeg": "another length", "pictures/thumbs/2026/11/23/16/a.jpeg": "T",
	})
}

func testNoFiles(m *mirror) {
	m.write("public/a.jpeg", "a")
	secret := filepath.Join(m.TempDir(), "keys")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		m.Fatal(err)
	}
	for name, make := range map[string]func(string) error{
		"link.jpeg": func(path string) error { return os.Symlink(secret, path) },
		"folder":    func(path string) error { return os.Symlink(filepath.Dir(secret), path) },
		"pipe.jpeg": func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"hard.jpeg": func(path string) error { return os.Link(filepath.Join(m.task.From, "public/a.jpeg"), path) }, // a file as any
	} {
		if err := make(filepath.Join(m.task.From, "public", name)); err != nil {
			m.Fatal(err)
		}
	}
	m.run(datasync.Report{Transferred: 2})
	m.holds(map[string]string{"pictures/public/a.jpeg": "a", "pictures/public/hard.jpeg": "a"})
}

// Of one file that fails the others hear nothing.
func testFailures(m *mirror) {
	m.write("public/gone.jpeg", "gone")
	m.run(datasync.Report{Transferred: 1})
	for i := range 20 {
		m.write(fmt.Sprintf("public/%02d.jpeg", i), "x")
	}
	m.remove("public/gone.jpeg")
	refuse := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/07.jpeg") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	}
	m.odd.Store(&refuse)
	got, err := m.task.Run(m.Context())
	if want := (datasync.Report{Transferred: 19, Deleted: 1, Failed: 1}); got != want || err == nil || !strings.Contains(err.Error(), "07.jpeg") {
		m.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	m.odd.Store(nil)
	m.run(datasync.Report{Transferred: 1, Skipped: 19})
}

// What can't be seen is not taken for gone.
func testUnreadable(m *mirror) {
	if os.Getuid() == 0 {
		m.Log("root reads everything: only a directory that is away is tried")
	}
	m.write("public/a.jpeg", "a")
	m.write("thumbs/a.jpeg", "t")
	m.run(datasync.Report{Transferred: 2})
	whole := map[string]string{"pictures/public/a.jpeg": "a", "pictures/thumbs/a.jpeg": "t"}
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
		m.Errorf("the directory is away: got %+v, %v", got, err)
	}
	if err := os.Rename(away, m.task.From); err != nil {
		m.Fatal(err)
	}
	m.holds(whole)
}

func testBucketAway(m *mirror) {
	for i := range 100 {
		m.write(fmt.Sprintf("public/%02d.jpeg", i), "x")
	}
	var puts atomic.Int64
	away := func(w http.ResponseWriter, r *http.Request) bool {
		n := puts.Load()
		if r.Method == http.MethodPut {
			n = puts.Add(1) // and no other has this number
		}
		if n <= 30 {
			return false
		}
		w.WriteHeader(http.StatusForbidden) // 503 would be tried for long
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
		m.write(fmt.Sprintf("public/2026/11/%02d/%02d/%d.jpeg", i%30, i%24, i), "whole")
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
			m.Errorf("not whole: %+v, %v", o, err)
		}
	}
	m.odd.Store(nil)
	// What was on its way may or may not have arrived.
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
		m.write(fmt.Sprintf("public/%02d.jpeg", i), "x")
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
