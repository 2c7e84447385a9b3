package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A depot is where the API has large pictures put: like S3, and odd on demand.
type depot struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string][]byte
	puts    []string           // URL and header of each request
	odd     []http.HandlerFunc // each for one PUT; after it the depot goes on unless it panics
}

func newDepot(t *testing.T) *depot {
	d := &depot{objects: map[string][]byte{}}
	d.Server = httptest.NewServer(http.HandlerFunc(d.put))
	t.Cleanup(d.Close)
	return d
}

func (d *depot) put(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.puts = append(d.puts, fmt.Sprint(r.URL, r.Header))
	var odd http.HandlerFunc
	if len(d.odd) > 0 {
		odd, d.odd = d.odd[0], d.odd[1:]
	}
	d.mu.Unlock()
	if odd != nil {
		odd(w, r)
		return
	}
	w.WriteHeader(d.take(r))
}

func (d *depot) take(r *http.Request) int {
	content, err := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, there := d.objects[r.URL.Path]
	switch {
	case err != nil:
		return http.StatusBadRequest
	case r.Method != http.MethodPut || r.URL.Query().Get("bytes") != fmt.Sprint(r.ContentLength) || r.Header.Get("If-None-Match") != "*":
		return http.StatusForbidden
	case there:
		return http.StatusPreconditionFailed
	}
	d.objects[r.URL.Path] = content
	return http.StatusOK
}

func (d *depot) Sign(_ context.Context, name string, bytes int64, _ time.Duration) (string, http.Header, error) {
	return fmt.Sprintf("%s/bucket/uploads/%s?bytes=%d", d.URL, name, bytes), http.Header{"If-None-Match": {"*"}}, nil
}

func (d *depot) Open(_ context.Context, name string) (io.ReadCloser, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	content, ok := d.objects["/bucket/uploads/"+name]
	if !ok {
		return nil, 0, job.ErrUploadIncomplete
	}
	return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
}

func (d *depot) Remove(context.Context, string) error { return nil }

func (d *depot) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.puts)
}

// lose forgets what was put.
func (d *depot) lose() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.objects)
}

// uploadService is the real API with a depot, or without.
func uploadService(t *testing.T, d *depot) (address string, jobs *store.Store) {
	t.Helper()
	jobs, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{Store: jobs, Queue: make(memoryQueue, 100), Version: "test"}
	if d != nil {
		cfg.Uploads = d
	}
	handler, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, jobs
}

// largePicture has more bytes than are sent directly.
func largePicture(t *testing.T) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 1400, 1100))
	_, _ = rand.NewChaCha8([32]byte{}).Read(img.Pix)
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if b.Len() < uploadFrom {
		t.Fatalf("it has %d bytes", b.Len())
	}
	return b.String()
}

func submitPicture(t *testing.T, address, picture string, more ...string) *ranProgram {
	t.Helper()
	return runProgram(t, address, picture, []string{"ATELIER_API_KEY=secret"}, append([]string{"submit", "-", "--style", "night-swirls"}, more...)...)
}

func TestLargePictureGoesByAnUpload(t *testing.T) {
	large := largePicture(t)
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, c := range map[string]struct {
		odd  func(d *depot) []http.HandlerFunc
		puts int
		code int
		says string // besides a failure
	}{
		"at once": {nil, 1, 0, ""},
		"broken off in the middle": {func(*depot) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
				hangUp(w, r)
			}}
		}, 2, 0, "trying again"},
		"the answer is lost": {func(d *depot) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				if status := d.take(r); status != http.StatusOK {
					t.Errorf("put: %d", status)
				}
				hangUp(w, r)
			}}
		}, 2, 0, "trying again"},
		"S3 is busy":         {func(*depot) []http.HandlerFunc { return []http.HandlerFunc{says(503, ""), says(500, "")} }, 3, 0, "answered 503"},
		"the link is over":   {func(*depot) []http.HandlerFunc { return []http.HandlerFunc{hangUp, says(403, "")} }, 3, 0, "trying again"},
		"no link is any use": {func(*depot) []http.HandlerFunc { return repeated(says(403, ""), 50) }, 1, 6, "refuses this one"},
		"S3 is away":         {func(*depot) []http.HandlerFunc { return repeated(hangUp, 50) }, 3, 6, "where the API has large pictures sent"},
		"it is lost": {func(d *depot) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { d.take(r); d.lose() }}
		}, 2, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t)
			if c.odd != nil {
				d.odd = c.odd(d)
			}
			address, jobs := uploadService(t, d)
			ran := submitPicture(t, address, large)
			if ran.code != c.code || !strings.Contains(ran.stderr, c.says) {
				t.Fatalf("got exit status %d, want %d: %s", ran.code, c.code, ran.stderr)
			}
			puts := d.requests()
			if len(puts) > c.puts || len(puts) < min(c.puts, 3) {
				t.Errorf("it was put %d times, want %d", len(puts), c.puts)
			}
			for _, r := range puts {
				if strings.Contains(r, "Authorization") || strings.Contains(r, "secret") {
					t.Errorf("the key went there: %s", r)
				}
			}
			if c.code != 0 {
				if !strings.Contains(ran.stderr, "nothing was submitted") {
					t.Errorf("it says %s", ran.stderr)
				}
				return
			}
			wantPicture(t, jobs, large)
		})
	}
}

func repeated(h http.HandlerFunc, n int) (all []http.HandlerFunc) {
	for range n {
		all = append(all, h)
	}
	return all
}

// wantPicture wants one job, of a picture.
func wantPicture(t *testing.T, jobs *store.Store, want string) {
	t.Helper()
	list, _, err := jobs.List(store.Query{Limit: 10})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d jobs, %v", len(list), err)
	}
	spec, err := jobs.Spec(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if photo, _, err := jobs.Pictures(&spec); err != nil || string(photo) != want {
		t.Errorf("the job's picture has %d bytes, want %d; %v", len(photo), len(want), err)
	}
}

func TestSmallPictureIsSentDirectly(t *testing.T) {
	d := newDepot(t)
	address, jobs := uploadService(t, d)
	small := string(pictureOf(t, "x.jpg"))
	if ran := submitPicture(t, address, small); ran.code != 0 || len(d.requests()) > 0 {
		t.Errorf("exit status %d, put %d times: %s", ran.code, len(d.requests()), ran.stderr)
	}
	wantPicture(t, jobs, small)
}

func TestLargePictureWhereThereAreNoUploads(t *testing.T) {
	large := largePicture(t)
	address, jobs := uploadService(t, nil)
	if ran := submitPicture(t, address, large); ran.code != 0 || ran.stderr != "" {
		t.Errorf("exit status %d: %s", ran.code, ran.stderr)
	}
	wantPicture(t, jobs, large)
	for name, answer := range map[string]http.HandlerFunc{"of an older API": says(404, `{"code":"not_found","detail":"no such path"}`), "of something else": says(405, "")} {
		t.Run(name, func(t *testing.T) {
			server := newHostileServer(t, map[string]http.HandlerFunc{"uploads": answer, "submit": says(202, jobWith(map[string]string{"state": `"queued"`, "error": "null"}))})
			if ran := submitPicture(t, server.URL, large); ran.code != 0 || server.count("POST /v1/jobs") != 1 || server.count("POST /v1/uploads") != 1 {
				t.Errorf("exit status %d: %s", ran.code, ran.stderr)
			}
		})
	}
}

// The server is asked once in a batch whether it has uploads.
func TestBatchOfLargePictures(t *testing.T) {
	d := newDepot(t)
	address, jobs := uploadService(t, d)
	large := largePicture(t)
	ran := runProgram(t, address, large, nil, "submit", "-", "photo.jpg", "--style", "night-swirls", "--parallel", "2")
	list, _, err := jobs.List(store.Query{Limit: 10})
	if ran.code != 0 || err != nil || len(list) != 2 || len(d.requests()) != 1 {
		t.Errorf("exit status %d, %d jobs, put %d times: %s", ran.code, len(list), len(d.requests()), ran.stderr)
	}
}

// A hostile API has nothing sent but a PUT of the picture, on the web, and to nothing less
// safe than itself.
func TestHostileUploads(t *testing.T) {
	large := largePicture(t)
	d := newDepot(t)
	grant := func(method, url, headers string) string {
		return fmt.Sprintf(`{"upload_id":%q,"method":%q,"url":%q,"headers":%s,"expires_at":"2026-01-02T03:04:05Z"}`, oneID, method, url, headers)
	}
	host := strings.TrimPrefix(d.URL, "http://")
	for name, body := range map[string]string{
		"a file":             grant("PUT", "file:///etc/passwd", "{}"),
		"gopher":             grant("PUT", "gopher://"+host+"/", "{}"),
		"no host":            grant("PUT", "http:///x", "{}"),
		"a relative address": grant("PUT", "v1/jobs", "{}"),
		"a password":         grant("PUT", "http://user:password@"+host+"/", "{}"),
		"nonsense":           grant("PUT", "http://%41:80/", "{}"),
		"an endless address": grant("PUT", d.URL+"/"+strings.Repeat("x", 9000), "{}"),
		"DELETE":             grant("DELETE", d.URL, "{}"),
		"no method":          grant("", d.URL, "{}"),
		"another host":       grant("PUT", d.URL, `{"Host":"metadata.internal"}`),
		"a cookie":           grant("PUT", d.URL, `{"Cookie":"x=1"}`),
		"a key":              grant("PUT", d.URL, `{"Authorization":"Bearer x"}`),
		"two headers in one": grant("PUT", d.URL, `{"X-Amz-Meta":"1\r\nCookie: x=1"}`),
		"an odd id":          strings.Replace(grant("PUT", d.URL, "{}"), oneID, evil[:4]+"\\u001b]0;", 1),
		"no id":              strings.Replace(grant("PUT", d.URL, "{}"), oneID, "", 1),
		"too much":           grant("PUT", d.URL, "{}") + strings.Repeat(" ", maxJSON),
		"no JSON":            "<html>",
		"nothing":            "{}",
	} {
		t.Run(name, func(t *testing.T) {
			server := newHostileServer(t, map[string]http.HandlerFunc{"uploads": says(201, body), "*": says(500, "")})
			ran := submitPicture(t, server.URL, large)
			if ran.code == 0 || server.count("POST /v1/jobs") > 0 || server.count("POST /v1/uploads") > 1 {
				t.Errorf("exit status %d: %s", ran.code, ran.stderr)
			}
		})
	}
	if len(d.requests()) > 0 {
		t.Errorf("it was put there %d times", len(d.requests()))
	}
}

// An upload's redirect is not followed.
func TestUploadFollowsNoRedirect(t *testing.T) {
	elsewhere, d := newDepot(t), newDepot(t)
	d.odd = repeated(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, 50)
	address, _ := uploadService(t, d)
	if ran := submitPicture(t, address, largePicture(t)); ran.code == 0 || len(elsewhere.requests()) > 0 {
		t.Errorf("exit status %d, put elsewhere %d times: %s", ran.code, len(elsewhere.requests()), ran.stderr)
	}
}

// With https it has nothing sent by http.
func TestUploadKeepsEncryption(t *testing.T) {
	for base, c := range map[string]struct {
		address string
		ok      bool
	}{
		"https://api.example": {"http://127.0.0.1/x", false}, "https://api.example/": {"https://bucket.example/x", true}, "http://127.0.0.1": {"http://127.0.0.1:9/x", true},
	} {
		client, err := newClient(base, credential{})
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"upload_id":"x","method":"PUT","url":%q}`, c.address)
		err = client.readGrant(&http.Response{Body: io.NopCloser(strings.NewReader(body)), Request: &http.Request{URL: &url.URL{}}}, new(grant))
		if (err == nil) != c.ok {
			t.Errorf("%s to %s: %v", base, c.address, err)
		}
	}
}

func TestUploadIsInterrupted(t *testing.T) {
	d := newDepot(t)
	begun, over := make(chan bool), make(chan bool)
	d.odd = []http.HandlerFunc{func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1)
		close(begun)
		<-over // the rest is not read
	}}
	address, _ := uploadService(t, d)
	c, err := newClient(address, credential{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	p, err := spool(t.Context(), "a reader", strings.NewReader(strings.Repeat(" ", 15<<20)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	s, err := newSubmission(c, nil, map[string]*picture{"image": p}, "key")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { _, _, err := s.send(ctx, nil); ended <- err }()
	<-begun
	cancel(errors.New("Ctrl-C"))
	defer close(over)
	if err := <-ended; !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
}
