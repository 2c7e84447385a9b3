package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/store"
)

// largePicture returns a picture of more than 4 MB, which is not sent directly.
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
	if b.Len() < 4_000_000 {
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
		faults func(d *fakeS3) []http.HandlerFunc
		puts   int
		code   int
		says   string // besides a failure
	}{
		"at once": {nil, 1, 0, ""},
		"broken off in the middle": {func(*fakeS3) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
				hangUp(w, r)
			}}
		}, 2, 0, "trying again"},
		"the answer is lost": {func(d *fakeS3) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				if status := d.store(r); status != http.StatusOK {
					t.Errorf("put: %d", status)
				}
				hangUp(w, r)
			}}
		}, 2, 0, "trying again"},
		"S3 is busy":         {func(*fakeS3) []http.HandlerFunc { return []http.HandlerFunc{respond(503, ""), respond(500, "")} }, 3, 0, "responded 503"},
		"the link is over":   {func(*fakeS3) []http.HandlerFunc { return []http.HandlerFunc{hangUp, respond(403, "")} }, 3, 0, "trying again"},
		"no link is any use": {func(*fakeS3) []http.HandlerFunc { return repeated(respond(403, ""), 50) }, 1, 6, "rejects this one"},
		"S3 is away":         {func(*fakeS3) []http.HandlerFunc { return repeated(hangUp, 50) }, 3, 6, "where the API has large pictures sent"},
		"it is lost": {func(d *fakeS3) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) { d.store(r); d.forget() }}
		}, 2, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newFakeS3(t)
			if c.faults != nil {
				d.faults = c.faults(d)
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

// wantPicture fails unless there is one job, of the given picture.
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
	d := newFakeS3(t)
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
	for name, answer := range map[string]http.HandlerFunc{"of an older API": respond(404, `{"code":"not_found","detail":"no such path"}`), "of something else": respond(405, "")} {
		t.Run(name, func(t *testing.T) {
			server := newHostileServer(t, map[string]http.HandlerFunc{"uploads": answer, "submit": respond(202, jobWith(map[string]string{"state": `"queued"`, "error": "null"}))})
			if ran := submitPicture(t, server.URL, large); ran.code != 0 || server.count("POST /v1/jobs") != 1 || server.count("POST /v1/uploads") != 1 {
				t.Errorf("exit status %d: %s", ran.code, ran.stderr)
			}
		})
	}
}

// Of a batch, only the large pictures are uploaded separately.
func TestBatchOfLargePictures(t *testing.T) {
	d := newFakeS3(t)
	address, jobs := uploadService(t, d)
	large := largePicture(t)
	ran := runProgram(t, address, large, nil, "submit", "-", "photo.jpg", "--style", "night-swirls", "--parallel", "2")
	list, _, err := jobs.List(store.Query{Limit: 10})
	if ran.code != 0 || err != nil || len(list) != 2 || len(d.requests()) != 1 {
		t.Errorf("exit status %d, %d jobs, put %d times: %s", ran.code, len(list), len(d.requests()), ran.stderr)
	}
}

// A hostile API has nothing sent but a PUT of the picture, by http or https, to an address
// that is as safe as its own.
func TestHostileUploads(t *testing.T) {
	large := largePicture(t)
	d := newFakeS3(t)
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
		"an faults id":       strings.Replace(grant("PUT", d.URL, "{}"), oneID, evil[:4]+"\\u001b]0;", 1),
		"no id":              strings.Replace(grant("PUT", d.URL, "{}"), oneID, "", 1),
		"too much":           grant("PUT", d.URL, "{}") + strings.Repeat(" ", 1<<20),
		"no JSON":            "<html>",
		"nothing":            "{}",
	} {
		t.Run(name, func(t *testing.T) {
			server := newHostileServer(t, map[string]http.HandlerFunc{"uploads": respond(201, body), "*": respond(500, "")})
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

// Redirects of uploads are not followed.
func TestUploadFollowsNoRedirect(t *testing.T) {
	elsewhere, d := newFakeS3(t), newFakeS3(t)
	d.faults = repeated(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, 50)
	address, _ := uploadService(t, d)
	if ran := submitPicture(t, address, largePicture(t)); ran.code == 0 || len(elsewhere.requests()) > 0 {
		t.Errorf("exit status %d, put elsewhere %d times: %s", ran.code, len(elsewhere.requests()), ran.stderr)
	}
}
