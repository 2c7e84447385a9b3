package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A tampered is a job whose files an attacker has changed who can write to the shared directory,
// such as a compromised worker.
type tampered struct {
	*service
	id     job.ID
	folder string
	secret string // a picture of another owner
}

func tamper(t *testing.T) *tampered {
	t.Helper()
	s := serve(t)
	x := &tampered{service: s, id: s.in(job.Succeeded)}
	x.folder = jobDir(t, s.store.Dir(), x.id)
	x.secret = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(x.secret, append(jpegPicture(t), "the secret"...), 0o600); err != nil {
		t.Fatal(err)
	}
	return x
}

// put replaces a file of the job.
func (x *tampered) put(name string, make func(path string) error) {
	x.Helper()
	path := filepath.Join(x.folder, name)
	if err := os.RemoveAll(path); err != nil {
		x.Fatal(err)
	}
	if err := make(path); err != nil {
		x.Fatal(err)
	}
}

func linkTo(to string) func(string) error {
	return func(path string) error { return os.Symlink(to, path) }
}

func holding(b []byte) func(string) error {
	return func(path string) error { return os.WriteFile(path, b, 0o600) }
}

func pipe(path string) error { return syscall.Mkfifo(path, 0o600) }

// sparse makes a file of a gigabyte that uses no space.
func sparse(path string) error {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Truncate(path, 1<<30)
}

// rewrite changes records of the job, by default those of its outcome.
func (x *tampered) rewrite(change func(r map[string]any), names ...string) {
	x.Helper()
	if names == nil {
		names = []string{"final.1", "status.json"}
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(x.folder, name))
		var r map[string]any
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err != nil {
			x.Fatal(err)
		}
		change(r)
		if b, err = json.Marshal(r); err != nil {
			x.Fatal(err)
		}
		x.put(name, holding(b))
	}
}

func result(field string, value any) func(map[string]any) {
	return func(r map[string]any) { r["result"].(map[string]any)[field] = value }
}

// ask sends a request, which must be answered soon.
func (x *tampered) ask(method, path string) (*http.Response, string) {
	x.Helper()
	ctx, cancel := context.WithTimeout(x.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, x.url+path, nil)
	if err != nil {
		x.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		x.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		x.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, string(b)
}

// An attacker who can write to the shared directory can't reach, through it, other files of the
// API's machine, its memory, or its users' browsers.
func TestHostileSharedDirectory(t *testing.T) {
	html := "<html><script>alert(1)</script></html>"
	for name, c := range map[string]struct {
		do     func(x *tampered)
		reads  bool // the job is answered as it is
		serves bool // and its result is
	}{
		"as it was": {func(*tampered) {}, true, true},
		"the result is a link to another file": {func(x *tampered) {
			x.put("out.1", linkTo(x.secret))
			x.rewrite(result("bytes", size(x.T, x.secret)))
		}, true, false},
		"the result is a link to /etc/passwd": {func(x *tampered) {
			x.put("out.1", linkTo("/etc/passwd"))
			x.rewrite(result("bytes", size(x.T, "/etc/passwd")))
		}, true, false},
		"the result is another name of another file": {func(x *tampered) {
			passwd := filepath.Join(x.store.Dir(), "keys.txt") // a link to a file of root's may be refused
			if err := os.WriteFile(passwd, []byte("root:the secret"), 0o600); err != nil {
				x.Fatal(err)
			}
			x.put("out.1", func(path string) error { return os.Link(passwd, path) })
			x.rewrite(result("bytes", size(x.T, passwd)))
		}, true, false},
		"the result is a pipe": {func(x *tampered) { x.put("out.1", pipe) }, true, false},
		"the result is a folder": {func(x *tampered) {
			x.put("out.1", func(path string) error { return os.Mkdir(path, 0o700) })
		}, true, false},
		"the result is a gigabyte": {func(x *tampered) { x.put("out.1", sparse) }, true, false},
		"the result is a gigabyte, and said to be": {func(x *tampered) {
			x.put("out.1", sparse)
			x.rewrite(result("bytes", 1<<30))
		}, false, false},
		"the result is a page": {func(x *tampered) {
			x.put("out.1", holding([]byte(html)))
			x.put("thumb.1", holding([]byte(html)))
			x.rewrite(func(r map[string]any) {
				result("content_type", "text/html")(r)
				result("bytes", len(html))(r)
				r["thumb"] = true
			})
		}, true, false},
		"the result is said to be a page": {func(x *tampered) { x.rewrite(result("content_type", "text/html")) }, true, true},
		"addresses lead elsewhere": {func(x *tampered) {
			x.rewrite(func(r map[string]any) {
				result("url", "javascript:alert(1)")(r)
				result("thumbnail_url", "javascript:alert(1)")(r)
			})
		}, true, true},
		"the outcome names another output": {func(x *tampered) {
			x.put("out.2", holding([]byte("another")))
			x.rewrite(func(r map[string]any) { r["claim"] = 2 })
		}, true, false},
		"the outcome names an output beyond all numbers": {func(x *tampered) { x.rewrite(func(r map[string]any) { r["claim"] = 1e15 }) }, false, false},
		"the status is a link":                           {func(x *tampered) { x.put("status.json", linkTo("/etc/passwd")) }, true, true},
		"the status is a link to the outcome":            {func(x *tampered) { x.put("status.json", linkTo("final.1")) }, true, true},
		"the status is a pipe":                           {func(x *tampered) { x.put("status.json", pipe) }, true, true},
		"the status is a gigabyte":                       {func(x *tampered) { x.put("status.json", sparse) }, true, true},
		"the status is nothing":                          {func(x *tampered) { x.put("status.json", holding(nil)) }, true, true},
		"the status is in no state": {func(x *tampered) {
			x.rewrite(func(r map[string]any) { r["state"] = "<script>" }, "status.json")
		}, true, true},
		"the status is of another job": {func(x *tampered) {
			x.rewrite(func(r map[string]any) { r["id"] = string(x.good().ID) }, "status.json")
		}, true, true},
		"a success without a result": {func(x *tampered) { x.rewrite(func(r map[string]any) { r["result"] = nil }) }, false, false},
		"a success without an end":   {func(x *tampered) { x.rewrite(func(r map[string]any) { r["finished_at"] = nil }) }, false, false},
		"a format that is a path": {func(x *tampered) {
			x.rewrite(func(r map[string]any) { r["format"] = "../../../../etc/passwd" })
		}, false, false},
		"a style that clears the screen": {func(x *tampered) { x.rewrite(func(r map[string]any) { r["style"] = "\x1b[2J" }) }, false, false},
		"an outcome of another run": {func(x *tampered) {
			x.rewrite(func(r map[string]any) { r["run"] = 7 }, "final.1")
			x.put("status.json", holding(nil))
		}, false, false},
		"all records are pipes": {func(x *tampered) {
			for _, name := range []string{"status.json", "final.1", "claim.1", "spec.json", "input"} {
				x.put(name, pipe)
			}
		}, false, false},
		"the spec is a gigabyte":    {func(x *tampered) { x.put("spec.json", sparse) }, true, true},
		"the picture is a link":     {func(x *tampered) { x.put("input", linkTo(x.secret)) }, true, true},
		"the picture is a pipe":     {func(x *tampered) { x.put("input", pipe) }, true, true},
		"the picture is too large":  {func(x *tampered) { x.put("input", sparse) }, true, true},
		"the preview is a link":     {func(x *tampered) { x.put("preview", linkTo(x.secret)) }, true, true},
		"the preview is a pipe":     {func(x *tampered) { x.put("preview", pipe) }, true, true},
		"the preview is a gigabyte": {func(x *tampered) { x.put("preview", sparse) }, true, true},
		"the preview is a page":     {func(x *tampered) { x.put("preview", holding([]byte(html))) }, true, true},
		"the folder is a link": {func(x *tampered) {
			elsewhere := filepath.Join(x.TempDir(), "elsewhere")
			if err := os.Rename(x.folder, elsewhere); err != nil {
				x.Fatal(err)
			}
			if err := os.Symlink(elsewhere, x.folder); err != nil {
				x.Fatal(err)
			}
		}, false, false},
		"the folder is a file": {func(x *tampered) {
			x.put("../"+string(x.id), holding(nil))
		}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			x := tamper(t)
			neighbour := x.in(job.Succeeded)
			c.do(x)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)

			path := "/v1/jobs/" + string(x.id)
			resp, body := x.ask("GET", path)
			if (resp.StatusCode == http.StatusOK) != c.reads {
				t.Errorf("the job: %s %s", resp.Status, body)
			}
			var j job.Job
			if c.reads {
				if err := json.Unmarshal([]byte(body), &j); err != nil || j.State != job.Succeeded || j.Result.ContentType != "image/jpeg" ||
					strings.Contains(body, "javascript:") || strings.Contains(body, "text/html") {
					t.Errorf("the job: %s", body)
				}
			}
			resp, body = x.ask("GET", path+"/result")
			if (resp.StatusCode == http.StatusOK) != c.serves || c.serves && (body != string(jpegPicture(t)) || resp.Header.Get("Content-Type") != "image/jpeg") {
				t.Errorf("the result: %s %s, %d bytes", resp.Status, resp.Header.Get("Content-Type"), len(body))
			}
			for _, request := range []string{"GET ", "GET /result", "GET /thumbnail", "GET /preview", "POST /cancel", "POST /retry", "DELETE "} {
				method, sub, _ := strings.Cut(request, " ")
				resp, body := x.ask(method, path+sub)
				if kind := resp.Header.Get("Content-Type"); kind != "" && !slices.Contains([]string{"application/json", "application/problem+json", "image/jpeg"}, kind) ||
					kind != "" && resp.Header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s: %s, Content-Type %s, %v", request, resp.Status, kind, resp.Header)
				}
				if strings.Contains(body, "secret") || strings.Contains(body, "root:") || strings.Contains(body, "<script>") {
					t.Errorf("%s discloses: %.200q", request, body)
				}
			}
			// The others are none the worse for it.
			for _, list := range []string{"/v1/jobs", "/v1/gallery"} {
				if resp, body := x.ask("GET", list); resp.StatusCode != http.StatusOK || !strings.Contains(body, string(neighbour)) {
					t.Errorf("%s: %s %s", list, resp.Status, body)
				}
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 256<<20 {
				t.Errorf("%d MiB were allocated", got>>20)
			}
			if b, err := os.ReadFile(x.secret); err != nil || !bytes.HasSuffix(b, []byte("the secret")) {
				t.Errorf("the other file: %q, %v", b, err)
			}
		})
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
