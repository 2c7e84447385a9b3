package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/atelier-go/atelier/pkg/job"
	catalogue "github.com/atelier-go/atelier/pkg/style"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "5": 5 * time.Second, "-3": 0, "soon": 0, "3601": time.Hour, "99999999999999": time.Hour, strings.Repeat("9", 100): time.Hour,
		"-" + strings.Repeat("9", 100): 0, "NaN": 0, "1e9": 0, "Fri, 31 Dec 9999 23:59:59 GMT": time.Hour,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
			t.Errorf("retryAfter(%q): got %v, want %v", value, got, want)
		}
	}
	date := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	if got := retryAfter(http.Header{"Retry-After": {date}}); got < 59*time.Minute || got > time.Hour {
		t.Errorf("retryAfter(in an hour): got %v", got)
	}
}

func TestNextLook(t *testing.T) {
	for _, c := range []struct {
		asked     time.Duration
		unchanged int
		want      time.Duration
	}{
		{0, 0, firstLook},
		{0, 1, firstLook * 5 / 4},
		{0, 1000, longestDelay},
		{time.Second, 2, firstLook * 25 / 16},
		{time.Minute, 0, time.Minute},
		{time.Hour, 0, longestLook},
	} {
		if got := nextLook(c.asked, c.unchanged); got != c.want {
			t.Errorf("nextLook(%v, %d): got %v, want %v", c.asked, c.unchanged, got, c.want)
		}
	}
}

func TestPauseHonoursRetryAfter(t *testing.T) {
	for failures := 1; failures < 100; failures++ {
		err := &refusal{status: 503, retryAfter: 4 * time.Second}
		if got := pause(err, failures); got < 4*time.Second || got > 2*longestDelay {
			t.Errorf("pause after %d failures: got %v", failures, got)
		}
	}
}

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("disk full"), 1},
		{&refusal{status: 409}, 7},
		{&refusal{status: 307}, 1},
		{faultf(errUsage, "x"), 2},
		{faultf(errFailed, "x"), 3},
		{&refusal{status: 404}, 4},
		{&refusal{status: 410}, 4},
		{&refusal{status: 400}, 5},
		{&refusal{status: 401}, 8},
		{&refusal{status: 403}, 5},
		{&refusal{status: 403, code: "forbidden"}, 8},
		{&refusal{status: 422}, 5},
		{&refusal{status: 429}, 6},
		{&refusal{status: 500}, 6},
		{&refusal{status: 503}, 6},
		{faultf(errInterrupted, "x"), 130},
		{faultf(errSeveral, "x"), 9},
		{&resumableError{fmt.Errorf("x: %w", faultf(errInterrupted, "x")), "y"}, 130},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%#v): got %d, want %d", c.err, got, c.want)
		}
	}
}

// What would go wrong with every picture ends a batch; what is one's own does not.
func TestHopeless(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&refusal{status: 415}, false},
		{&refusal{status: 500}, false},
		{&refusal{status: 503}, true},
		{&refusal{status: 401}, true},
		{faultf(errFailed, "x"), false},
		{faultf(errAway, "x%w", silent{errDamaged}), false},
		{faultf(errAway, "x"), true},
		{faultf(errInterrupted, "x"), true},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, false},
		{&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, true},
	} {
		if got := hopeless(c.err); got != c.want {
			t.Errorf("hopeless(%#v): got %v, want %v", c.err, got, c.want)
		}
	}
}

// No two results have one name, whichever letters a file system tells apart, and
// whatever the pictures are called.
func TestNameResults(t *testing.T) {
	cmd := submitCommand{Style: "mosaic", Format: "jpeg", outputFlags: outputFlags{Out: "out"}}
	var inputs []*input
	for _, below := range []string{"cat.jpg", "CAT.png", "sea/cat.jpg", "cat.gif", "-", "atelier.jpg", "cat-mosaic-2.x", "ÄÖ.jpg", "äö.png"} {
		inputs = append(inputs, &input{below: below})
	}
	cmd.nameResults(inputs)
	want := []path{
		"out/cat-mosaic.jpg", "out/CAT-mosaic-2.jpg", "out/sea/cat-mosaic.jpg", "out/cat-mosaic-3.jpg", "out/atelier-mosaic.jpg",
		"out/atelier-mosaic-2.jpg", "out/cat-mosaic-2-mosaic.jpg", "out/ÄÖ-mosaic.jpg", "out/äö-mosaic-2.jpg",
	}
	for i, in := range inputs {
		if in.Result != want[i] {
			t.Errorf("the result of %s: got %s, want %s", in.below, in.Result, want[i])
		}
	}
}

// A picture that shrinks while it is sent is at fault, not the API.
// TestLongNames: a result fits into a file's name wherever its photograph did.
func TestLongNames(t *testing.T) {
	cmd := &submitCommand{Style: catalogue.Names()[0], Format: "jpeg", outputFlags: outputFlags{Out: t.TempDir()}}
	var inputs []*input
	for _, stem := range []string{strings.Repeat("a", 251), strings.Repeat("a", 250) + "b", strings.Repeat("写", 83), strings.Repeat("é", 125), strings.Repeat("\xa9", 251)} {
		inputs = append(inputs, &input{below: stem + ".jpg"})
	}
	cmd.nameResults(inputs)
	seen := map[path]bool{}
	for _, in := range inputs {
		if seen[in.Result] || strings.ToValidUTF8(in.below, "") == in.below && !utf8.ValidString(string(in.Result)) {
			t.Errorf("%.10q... goes to %q", in.below, in.Result)
		}
		seen[in.Result] = true
		to := &destination{path: string(in.Result)}
		if err := to.put(io.Discard, func(f *os.File) error { _, err := f.WriteString("x"); return err }); err != nil {
			t.Errorf("%.10q...: %v", in.below, err)
		}
	}
}

func TestShrinkingPicture(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer api.Close()
	c, err := newClient(api.URL, credential{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := spool(t.Context(), "a reader", strings.NewReader("PICTURE"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	p.size += 10
	f, err := newForm(nil, map[string]*picture{"image": p})
	if err != nil {
		t.Fatal(err)
	}
	_, unclear, err := c.submit(t.Context(), f, "key", nil)
	if err == nil || unclear || passing(err) || !strings.Contains(err.Error(), "it has become shorter") {
		t.Errorf("got %v, unclear %v; want an error about the picture", err, unclear)
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"out.jpg": "out.jpg", "": "''", "the cat.jpg": "'the cat.jpg'", "it's": `'it'\''s'`,
		"a;b": "'a;b'", "a\x1b[31m": `$'a\x1b[31m'`,
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q): got %s, want %s", in, got, want)
		}
	}
}

func TestResultName(t *testing.T) {
	for _, c := range []struct {
		photo string
		cmd   submitCommand
		want  string
	}{
		{"a/cat.png", submitCommand{Style: "mosaic", Format: "jpeg"}, "cat-mosaic.jpg"},
		{"cat", submitCommand{Style: "a:0.7, b:0.3", Format: "png"}, "cat-a+b.png"},
		{"-", submitCommand{Style: "../x", Format: "webp"}, "atelier-___x.webp"},
		{".jpg", submitCommand{StyleImage: "tiles.png", Format: "jpeg"}, "atelier-own-style.jpg"},
	} {
		if got := c.cmd.resultName(c.photo); got != c.want {
			t.Errorf("the result of %s is called %s, want %s", c.photo, got, c.want)
		}
	}
}

// A form can be read again, is as long as it says, and holds its fields first.
func TestForm(t *testing.T) {
	p, err := spool(t.Context(), "a reader", strings.NewReader("PICTURE"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.file.Close()
	f, err := newForm([][2]string{{"style", "mosaic"}}, map[string]*picture{"image": p})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		b, err := io.ReadAll(f.body())
		if err != nil || int64(len(b)) != f.size {
			t.Fatalf("read %d bytes of %d, error %v", len(b), f.size, err)
		}
		style, image := strings.Index(string(b), "mosaic"), strings.Index(string(b), "PICTURE")
		if style < 0 || image < style {
			t.Errorf("got style at %d and image at %d, want the style first", style, image)
		}
	}
}

// The help pages name styles that there are.
func TestHelpNamesStyles(t *testing.T) {
	for _, name := range []string{"watercolour", "stained-glass", "mosaic"} {
		if _, err := catalogue.Lookup(name); err != nil {
			t.Error(err)
		}
		if !strings.Contains(description+submitCommand{}.Help(), name) {
			t.Errorf("the help no longer names %s: change this test", name)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", 59 * time.Second: "59s", 61 * time.Second: "1m", 59 * time.Minute: "59m",
		23 * time.Hour: "23h", 24 * time.Hour: "1d", 400 * 24 * time.Hour: "400d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v): got %s, want %s", d, got, want)
		}
	}
}

// What a link of the API's leads to is not the API: that it fails says nothing of
// the job, or the key, and may pass.
func TestLinkThatFails(t *testing.T) {
	for _, status := range []int{403, 404, 503} {
		s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer s3.Close()
		api := httptest.NewServer(http.RedirectHandler(s3.URL+"/bucket/key?X-Amz-Signature=secret", http.StatusSeeOther))
		defer api.Close()
		c, err := newClient(api.URL, credential{key: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.get(t.Context(), "v1/jobs/x/result", nil)
		if !errors.Is(err, errAway) || !strings.Contains(err.Error(), s3.URL) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: got %v", status, err)
		}
	}
}

// The key goes to the API and to nobody else, whatever the API's answers name.
func TestKeyGoesToTheAPIAlone(t *testing.T) {
	seen := make(chan string, 10)
	note := func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }
	elsewhere := httptest.NewServer(http.HandlerFunc(note)) // the same machine's other port
	defer elsewhere.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusSeeOther)
		case "/around":
			http.Redirect(w, r, "/", http.StatusSeeOther)
		default:
			note(w, r)
		}
	}))
	defer api.Close()
	c, err := newClient(api.URL, credential{key: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"": "Bearer secret", "around": "Bearer secret", "away": "", elsewhere.URL: "",
	} {
		resp, err := c.get(t.Context(), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := <-seen; got != want {
			t.Errorf("%q: the key was sent as %q, want %q", address, got, want)
		}
	}
}

// From https nothing leads to http, whether a job's result names it or a redirect.
func TestLinksStayEncrypted(t *testing.T) {
	asked := false
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer plain.Close()
	api := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusSeeOther))
	defer api.Close()
	c, err := newClient(api.URL, credential{key: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = api.Client().Transport
	for _, address := range []string{"v1/jobs/x/result", plain.URL} {
		if _, err := c.get(t.Context(), address, nil); !errors.Is(err, errDamaged) || asked {
			t.Errorf("%s: got %v, asked %v", address, err, asked)
		}
	}
}

// What an error of the network quotes is shown in one line.
func TestNetworkErrors(t *testing.T) {
	c, err := newClient("https://x", credential{})
	if err != nil {
		t.Fatal(err)
	}
	got := c.networkError(t.Context(), errors.New("x509: certificate is valid for a\n\u009b31m"+strings.Repeat("b", 10_000)))
	if text := got.Error(); escape(text) != text || len(text) > 2*longestText || !errors.Is(got, errAway) {
		t.Errorf("got %q", text)
	}
}

// However wide its characters are, a line of the table is one of the terminal.
func TestTableFits(t *testing.T) {
	w := &watcher{app: &app{screen: &screen{w: io.Discard}}}
	width, _ := w.screen.size()
	for _, style := range []string{"mosaic", strings.Repeat("写", 1000), strings.Repeat("x", 1000), strings.Repeat("e\u0301", 1000)} {
		w.jobs = append(w.jobs, &job.Job{ID: oneID, State: job.Running, Style: style, CreatedAt: time.Now()})
	}
	for line := range strings.Lines(w.table()) {
		if got := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); got >= width {
			t.Errorf("%d columns, the terminal has %d: %.60q", got, width, line)
		}
	}
}

// Empty pages are followed at once, then with pauses, and not for ever.
func TestEmptyPages(t *testing.T) {
	c := &client{base: &url.URL{Scheme: "http", Host: "api.test"}}
	synctest.Test(t, func(t *testing.T) {
		var empty emptyPages
		waited := func(things int) time.Duration {
			began := time.Now()
			if err := empty.after(t.Context(), c, things); err != nil {
				t.Fatal(err)
			}
			return time.Since(began)
		}
		for range 3 {
			for n := 1; n <= 30; n++ {
				want := min(time.Duration(max(0, n-9))*100*time.Millisecond, time.Second)
				if got := waited(0); got != want {
					t.Errorf("after %d empty pages: waited %s, want %s", n, got, want)
				}
			}
			if got := waited(1); got != 0 {
				t.Errorf("after a page with a job: waited %s", got)
			}
		}
		for range 9_999 {
			waited(0)
		}
		err := empty.after(t.Context(), c, 0)
		if exitCode(err) != 6 || !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "10000 empty pages") {
			t.Errorf("got %v", err)
		}
	})
}
