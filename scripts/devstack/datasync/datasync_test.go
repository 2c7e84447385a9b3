package datasync_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A mirror is a task between a directory and a bucket, with a proxy in front of S3 that can cause
// faults.
type mirror struct {
	*testing.T
	task datasync.Task
	s3   *bucket.Bucket // without the proxy
	odd  atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
	puts atomic.Int64
}

func TestTask(t *testing.T) {
	locked, cfg := ministacktest.Start(t)
	for i, test := range []struct {
		name string
		run  func(*mirror)
	}{
		{"the bucket becomes a mirror of the directory", testMirror},
		{"only regular files are copied", testNoFiles},
		{"like DataSync, a file with two names is copied once, and without a type", testFaithful},
		{"files without a picture's name are not copied", testOtherNames},
		{"files too large for a picture are not copied", testTooLarge},
		{"a file that fails doesn't stop the others", testFailures},
		{"unreadable files are not deleted", testUnreadable},
		{"the bucket becomes unavailable", testBucketAway},
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
	proxy := ministacktest.Proxy(t, endpoint)
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
	// The proxy passes the Host on, because it is signed.
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(by)}}
	m.task.From, m.task.To, m.task.Prefix = t.TempDir(), bucket.New(cfg, name), "pictures/"
	m.task.CacheControl = "max-age=60"
	return m
}

// named returns the name of the n-th picture; pictures are a day and an hour apart.
func named(folder string, n int, format string) string {
	ms := time.Date(2026, 11, 1, 0, 30, 0, 0, time.UTC).Add(time.Duration(n) * 25 * time.Hour).UnixMilli()
	id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n))
	for _, public := range []bool{true, false} {
		for _, name := range store.Published(id, format, public) {
			if strings.HasPrefix(name, folder+"/") {
				return name
			}
		}
	}
	panic("no folder " + folder)
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

// run makes an execution that must succeed.
func (m *mirror) run(want datasync.Report) {
	m.Helper()
	got, err := m.task.Run(m.Context())
	if err != nil || got != want {
		m.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// holds checks the content of the whole bucket, by key.
func (m *mirror) holds(want map[string]string) {
	m.Helper()
	for o, err := range m.s3.List(m.Context(), "") {
		if err != nil {
			m.Fatal(err)
		}
		content, ok := want[o.Key]
		if got := m.content(o.Key); !ok || got != content {
			m.Errorf("%s contains %.50q, want %.50q", o.Key, got, content)
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
	public, thumb, private, webp := named("public", 1, "jpeg"), named("thumbs", 1, "jpeg"), named("private", 2, "png"), named("private", 3, "webp")
	m.write(public, "a")
	m.write(thumb, "t")
	m.write(private, "b")
	m.write(webp, "w")
	m.run(datasync.Report{Transferred: 4})
	m.run(datasync.Report{Skipped: 4})
	m.holds(map[string]string{
		"index.html": "page", "pictures/" + public: "a", "pictures/" + thumb: "t", "pictures/" + private: "b", "pictures/" + webp: "w",
	})
	for name, contentType := range map[string]string{public: "image/jpeg", thumb: "image/jpeg", private: "image/png", webp: "image/webp"} {
		if o, err := m.s3.Head(m.Context(), "pictures/"+name); err != nil || o.ContentType != contentType || o.CacheControl != "max-age=60" {
			m.Errorf("stored as %+v, %v", o, err)
		}
	}

	m.write(public, "another length")
	m.write(thumb, "T")
	later := time.Now().Add(time.Second)
	if err := os.Chtimes(filepath.Join(m.task.From, thumb), later, later); err != nil {
		m.Fatal(err)
	}
	m.remove("private")
	m.run(datasync.Report{Transferred: 2, Deleted: 2})
	m.holds(map[string]string{"index.html": "page", "pictures/" + public: "another length", "pictures/" + thumb: "T"})
}

func testNoFiles(m *mirror) {
	sound := named("public", 0, "jpeg")
	m.write(sound, "a")
	secret := filepath.Join(m.TempDir(), "keys")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		m.Fatal(err)
	}
	hard := named("public", 4, "jpeg")
	for name, make := range map[string]func(string) error{
		named("public", 1, "jpeg"): func(path string) error { return os.Symlink(secret, path) },
		named("public", 2, "jpeg"): func(path string) error { return os.Symlink(filepath.Dir(secret), path) },
		named("public", 3, "jpeg"): func(path string) error { return syscall.Mkfifo(path, 0o600) },
		hard:                       func(path string) error { return os.Link(filepath.Join(m.task.From, sound), path) }, // like any file
	} {
		path := filepath.Join(m.task.From, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), make(path)); err != nil {
			m.Fatal(err)
		}
	}
	m.run(datasync.Report{Transferred: 2})
	m.holds(map[string]string{"pictures/" + sound: "a", "pictures/" + hard: "a"})
}

func testFaithful(m *mirror) {
	m.task.Faithful = true
	one, two := named("public", 1, "jpeg"), named("thumbs", 1, "jpeg")
	m.write(one, "a")
	path := filepath.Join(m.task.From, two)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.Link(filepath.Join(m.task.From, one), path)); err != nil {
		m.Fatal(err)
	}
	m.run(datasync.Report{Transferred: 1, Skipped: 1})
	m.holds(map[string]string{"pictures/" + one: "a"})
	if o, err := m.s3.Head(m.Context(), "pictures/"+one); err != nil || strings.HasPrefix(o.ContentType, "image/") || o.CacheControl != "" {
		m.Errorf("stored as %+v, %v", o, err)
	}
}

// Only pictures are copied, selected by name, whoever writes into the directory.
func testOtherNames(m *mirror) {
	var log bytes.Buffer
	m.task.Log = slog.New(slog.NewTextHandler(&log, nil))
	sound := named("public", 0, "jpeg")
	m.write(sound, "a")
	hour := filepath.Dir(sound)
	for _, name := range []string{
		"public/x/evil.html", "public/x/evil.js", "evil.js", "gallery.js",
		hour + "/evil.jpeg",
		strings.TrimSuffix(sound, "jpeg") + "html",
		strings.TrimSuffix(sound, "jpeg") + "svg",
		strings.TrimSuffix(sound, "jpeg") + "jpeg.html",
		strings.TrimSuffix(sound, ".jpeg"),
		strings.ToUpper(sound),
		"other/" + strings.TrimPrefix(sound, "public/"),
		"public/2020/01/01/00/" + filepath.Base(sound),
		"thumbs/" + strings.TrimSuffix(strings.TrimPrefix(sound, "public/"), "jpeg") + "png",
		"public/" + sound,
		hour + "/.nfs000000000000000100000001",
	} {
		m.write(name, "<script src=evil.js></script>")
	}
	m.run(datasync.Report{Transferred: 1})
	m.holds(map[string]string{"pictures/" + sound: "a"})
	if n := strings.Count(log.String(), "\n"); n == 0 || n > 5 || strings.Contains(log.String(), ".nfs") {
		m.Errorf("logged:\n%s", log.String())
	}
}

// A file that is too large for a picture is skipped and doesn't stop the others.
func testTooLarge(m *mirror) {
	var log bytes.Buffer
	m.task.Log = slog.New(slog.NewTextHandler(&log, nil))
	sound, large := named("public", 0, "jpeg"), named("public", 1, "png")
	m.write(sound, "a")
	m.write(large, "")
	if err := os.Truncate(filepath.Join(m.task.From, large), store.MaxPublished+1); err != nil {
		m.Fatal(err)
	}
	m.run(datasync.Report{Transferred: 1})
	m.holds(map[string]string{"pictures/" + sound: "a"})
	if !strings.Contains(log.String(), large) {
		m.Errorf("logged: %q", log.String())
	}
}
