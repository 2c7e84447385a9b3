package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/readahead"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// The API and the worker as functions: everything over HTTP, on one stack.
func TestUseFunctions(t *testing.T) {
	d := start(t, "lambda", "ATELIER_LEASE=3s", "ATELIER_SWEEP_EVERY=2s", "ATELIER_COPY_EVERY=0")
	on := func(name string, f func(d *demo)) {
		t.Run(name, func(t *testing.T) { sub := *d; sub.T = t; f(&sub) })
	}
	on("submit and poll through the submitter", func(d *demo) { submitAndPoll(d, "lambda") })
	on("a message becomes a result", testMessageBecomesResult)
	on("logs have the request, and metrics", testLogs)
	on("the engine's files are read ahead", testReadAhead)
	on("a message that is delivered twice is painted once", testDuplicateMessage)
	on("a result too large for Lambda is served by S3", testLargeResult)
	on("the page and its files", testPage)
	on("problems", testProblems)
	on("a picture too large for Lambda is refused", testOversize)
	on("nothing listens beyond loopback", testLoopbackOnly)
	on("MiniStack refuses other programs", testLockedMiniStack)
	on("a killed function loses nothing", testKilledFunction)
	on("a killed MiniStack is restarted with the functions", testKilledMiniStack)
	noTemporaryFiles(t, d.dir)
	d.end(os.Kill)
}

// testReadAhead checks that the process that Lambda starts has read the files ahead and has become
// the worker.
func testReadAhead(d *demo) {
	waitFor(d.T, func() bool {
		for _, p := range d.processes() {
			if !strings.HasSuffix(p.args, "/worker-lambda") {
				continue
			}
			env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
			if err != nil {
				continue // ended meanwhile
			}
			_, paths, _ := strings.Cut(string(env), "ATELIER_READ_AHEAD=")
			paths, _, _ = strings.Cut(paths, "\x00")
			all := filepath.SplitList(paths)
			if len(all) != 2 {
				d.Fatalf("the worker has ATELIER_READ_AHEAD=%q, want the model and a list", paths)
			}
			for _, path := range all {
				if n, err := readahead.Start(path, 1<<30); err != nil || n == 0 {
					d.Errorf("%s: %d bytes, %v", path, n, err)
				}
			}
			return true
		}
		return false
	})
}

func testMessageBecomesResult(d *demo) {
	contentType, body := form(d.T, photo(d.T, 320, 240))
	a := d.ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType)
	j := d.decode(a, http.StatusAccepted)
	if at := a.Header.Get("Location"); at != "jobs/"+string(j.ID) {
		d.Errorf("Location: %q", at)
	}
	j = d.painted(j.ID)
	if j.Receipt == nil || j.Receipt.Worker != "lambda" || j.Attempts != 1 {
		d.Errorf("%+v, %+v", j, j.Receipt)
	}

	status := "/v1/jobs/" + string(j.ID)
	etag := d.ask(http.MethodGet, status, nil).Header.Get("ETag")
	if a := d.ask(http.MethodGet, status, nil, "If-None-Match", `"x", `+etag); etag == "" || a.StatusCode != http.StatusNotModified || len(a.body) > 0 {
		d.Errorf("ETag %s: %s, %d bytes", etag, a.Status, len(a.body))
	}

	result := "/" + j.Result.URL
	a = d.ask(http.MethodGet, result, nil)
	if sum := sha256.Sum256(a.body); hex.EncodeToString(sum[:]) != j.Result.SHA256 || a.Header.Get("ETag") != `"`+j.Result.SHA256+`"` {
		d.Errorf("the result is not what the job says: %s, %v", a.Status, a.Header)
	}
	if part := d.ask(http.MethodGet, result, nil, "Range", "bytes=2-9"); part.StatusCode != http.StatusPartialContent || !bytes.Equal(part.body, a.body[2:10]) {
		d.Errorf("a range: %s, %d bytes", part.Status, len(part.body))
	}
	if head := d.ask(http.MethodHead, result, nil); head.StatusCode != http.StatusOK || head.ContentLength != j.Result.Bytes || len(head.body) > 0 {
		d.Errorf("HEAD: %s, Content-Length %d", head.Status, head.ContentLength)
	}
}

// testLargeResult: in this stack only the api function copies results.
func testLargeResult(d *demo) {
	j := d.painted(d.submit(noise(d.T, 2200, 1900), "format", "png"))
	if j.Result.Bytes < 6<<20 {
		d.Fatalf("the result has %d bytes", j.Result.Bytes)
	}
	for range 2 {
		a := d.ask(http.MethodGet, "/"+j.Result.URL, nil)
		if sum := sha256.Sum256(a.body); a.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != j.Result.SHA256 || a.Header.Get("Content-Type") != "image/png" {
			d.Errorf("%s, %v: %d bytes", a.Status, a.Header, len(a.body))
		}
		if at := a.Request.URL; !strings.HasPrefix(at.Path, "/atelier/pictures/public/") || at.Query().Get("X-Amz-Security-Token") == "" {
			d.Errorf("it was served from %s", at)
		}
	}
	out := filepath.Join(d.TempDir(), "out.png")
	d.submitter("fetch", string(j.ID), "-o", out)
	if b, err := os.ReadFile(out); err != nil || int64(len(b)) != j.Result.Bytes {
		d.Errorf("the submitter wrote %d bytes, %v", len(b), err)
	}
	if keys := d.inBucket(j.ID); len(keys) != 1 {
		d.Errorf("the bucket has %q", keys)
	}
	// An erasure that a process has begun but not ended is completed by the maintenance function
	// with its own role.
	if err := os.WriteFile(filepath.Join(d.dir, "shared", "erasing", string(j.ID)+".erased"), nil, 0o600); err != nil {
		d.Fatal(err)
	}
	waitFor(d.T, func() bool { return len(d.inBucket(j.ID)) == 0 && len(d.mentions(string(j.ID))) == 0 })
	d.refused(d.ask(http.MethodGet, "/"+j.Result.URL, nil), http.StatusGone, "gone")

	other := d.painted(d.submit(photo(d.T, 320, 240)))
	if a := d.ask(http.MethodDelete, "/v1/jobs/"+string(other.ID), nil); a.StatusCode != http.StatusNoContent {
		d.Errorf("erased by the api function: %s: %s", a.Status, a.body)
	}
}

// testDuplicateMessage sends messages to the queue that SQS may deliver twice.
func testDuplicateMessage(d *demo) {
	id := d.submit(photo(d.T, 320, 240))
	cfg, err := d.miniStack().Config(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	q, err := queue.Open(d.Context(), cfg, "atelier")
	if err != nil {
		d.Fatal(err)
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if err := q.Send(d.Context(), job.Message{Job: id, Run: 1}); err != nil {
				d.Error(err)
			}
		})
	}
	both.Wait()
	after := d.painted(d.submit(photo(d.T, 320, 240))) // queued after the duplicates
	if j := d.painted(id); j.Attempts != 1 || after.Attempts != 1 {
		d.Errorf("painted %d and %d times", j.Attempts, after.Attempts)
	}
}

// miniStack returns the MiniStack of the stack, from its file aws.env.
func (d *demo) miniStack() ministack.Locked {
	d.Helper()
	l, err := ministack.ReadEnv(filepath.Join(d.dir, "aws.env"))
	if err != nil || l.Endpoint == "" {
		d.Fatal(l, err)
	}
	return l
}

// testLockedMiniStack calls MiniStack like a page in a browser can without a preflight.
func testLockedMiniStack(d *demo) {
	at := *d
	at.base = d.miniStack().Endpoint
	const function = `{"FunctionName":"x","Runtime":"provided.al2023","Handler":"bootstrap","Role":"arn:aws:iam::000000000000:role/worker-lambda","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`
	for path, body := range map[string]string{
		"/2015-03-31/functions":                                             function,
		"/2015-03-31/functions/worker-lambda/invocations":                   `{"Records":[]}`,
		"/?Action=PurgeQueue&QueueUrl=" + at.base + "/000000000000/atelier": "",
	} {
		if a := at.ask(http.MethodPost, path, strings.NewReader(body), "Content-Type", "text/plain", "Origin", "http://evil.example"); a.StatusCode != http.StatusForbidden {
			d.Errorf("%s: %s: %s", path, a.Status, a.body)
		}
	}
}

func testPage(d *demo) {
	page := d.ask(http.MethodGet, "/", nil)
	if page.StatusCode != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Content-Security-Policy") == "" {
		d.Fatalf("%s, %v", page.Status, page.Header)
	}
	files := regexp.MustCompile(`(?:src|href)="([a-z]+\.[a-z]+)"`).FindAllSubmatch(page.body, -1)
	if len(files) < 3 {
		d.Errorf("the page names %d files", len(files))
	}
	for _, f := range files {
		if a := d.ask(http.MethodGet, "/"+string(f[1]), nil); a.StatusCode != http.StatusOK || len(a.body) == 0 {
			d.Errorf("%s: %s", f[1], a.Status)
		}
	}
	for _, path := range []string{"/v1/styles", "/v1/styles/night-swirls/thumbnail", "/v1/openapi.json", "/healthz", "/readyz"} {
		if a := d.ask(http.MethodGet, path, nil, "Origin", d.base); a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "" {
			d.Errorf("%s: %s, %v", path, a.Status, a.Header)
		}
	}
}

func testProblems(d *demo) {
	id, err := job.NewID()
	if err != nil {
		d.Fatal(err)
	}
	unknown := "/v1/jobs/" + string(id)
	d.refused(d.ask(http.MethodGet, unknown, nil), http.StatusNotFound, "not_found")
	d.refused(d.ask(http.MethodGet, "/no%20such%2525?a=b&c", nil), http.StatusNotFound, "not_found")
	a := d.ask(http.MethodDelete, "/v1/styles", nil)
	d.refused(a, http.StatusMethodNotAllowed, "method_not_allowed")
	if a.Header.Get("Allow") == "" {
		d.Errorf("405 without Allow: %v", a.Header)
	}
	contentType, body := form(d.T, photo(d.T, 32, 32))
	d.refused(d.ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body[:len(body)-10]), "Content-Type", contentType), http.StatusBadRequest, "malformed_request")

	port := d.base[strings.LastIndex(d.base, ":"):]
	for _, headers := range [][]string{
		{"Origin", "http://evil.example"},
		{"Origin", "http://localhost" + port}, // another origin than 127.0.0.1
		{"Sec-Fetch-Site", "cross-site"},
		{"Host", "evil.example" + port},
		{"Host", "evil.example" + port, "Origin", "http://evil.example" + port},
		{"Host", "bucket.s3.localhost"},
	} {
		d.refused(d.ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), append(headers, "Content-Type", contentType)...), http.StatusForbidden, "cross_origin")
	}
	if a := d.ask(http.MethodGet, "/v1/styles", nil, "Host", "localhost"+port, "Origin", "http://localhost"+port); a.StatusCode != http.StatusOK {
		d.Errorf("as localhost: %s: %s", a.Status, a.body)
	}
}

func testOversize(d *demo) {
	contentType, body := form(d.T, make([]byte, 12<<20))
	d.refused(d.ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType), http.StatusRequestEntityTooLarge, "too_many_bytes")
	// With a length that is not known beforehand.
	d.refused(d.ask(http.MethodPost, "/v1/jobs", io.MultiReader(bytes.NewReader(body)), "Content-Type", contentType), http.StatusRequestEntityTooLarge, "too_many_bytes")
}

func testKilledFunction(d *demo) {
	large := photo(d.T, 2000, 1500)
	var ids []job.ID
	pid := 0
	waitFor(d.T, func() bool { // until a job is killed while it is painted
		ids = append(ids, d.submit(large))
		for _, id := range ids {
			if h, ok := d.hold(id); ok {
				pid = h.pid
				return true
			}
		}
		return false
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		d.Fatal(err)
	}
	again := 0
	for _, id := range ids {
		d.painted(id)
		claims := slices.DeleteFunc(d.files(id), func(name string) bool { return !isClaim(name) })
		again = max(again, len(claims))
	}
	if again < 2 {
		d.Error("no job had two attempts: the kill hit no job")
	}
}

func testKilledMiniStack(d *demo) {
	var functions, emulator []int
	for _, p := range d.processes() {
		if p.emulator() {
			emulator = append(emulator, p.pid)
		} else if p.function() {
			functions = append(functions, p.pid)
		}
	}
	if len(emulator) != 1 || len(functions) == 0 {
		d.Fatalf("MiniStack is %v, functions are %v", emulator, functions)
	}
	if err := syscall.Kill(emulator[0], syscall.SIGKILL); err != nil {
		d.Fatal(err)
	}
	waitFor(d.T, func() bool { // until it is deployed again, the API must not return 404
		a := d.ask(http.MethodGet, "/v1/styles", nil)
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusServiceUnavailable && a.StatusCode != http.StatusBadGateway {
			d.Fatalf("%s: %s", a.Status, a.body)
		}
		return a.StatusCode == http.StatusOK && strings.Contains(d.output.all(), "MiniStack is back")
	})
	for _, p := range d.processes() {
		for _, old := range functions {
			if p.pid == old {
				d.Errorf("function process %d still runs after the end of its MiniStack", old)
			}
		}
	}
	d.painted(d.submit(photo(d.T, 320, 240)))
}
