package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api/browsertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/store"
)

// The API and its page at an address that contains a stage's name.
func TestStagePrefix(t *testing.T) {
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"MessageId":"1"}`) })
	dir := t.TempDir()
	f := start(t, aws, "ATELIER_LOCAL=1", "ATELIER_QUEUE=http://queue/1/atelier", "ATELIER_DIR="+dir)
	base := lambdatest.Gateway(t, f, "prod")
	if !strings.HasSuffix(base, "/prod/") {
		t.Fatalf("the base address is %s", base)
	}

	resp := submit(t, base)
	at, err := resp.Location()
	if err != nil || resp.StatusCode != http.StatusAccepted || !strings.HasPrefix(at.String(), base+"v1/jobs/") {
		t.Fatalf("submit: %s, at %v, %v", resp.Status, at, err)
	}
	id := job.ID(strings.TrimPrefix(at.String(), base+"v1/jobs/"))
	paint(t, dir, id)
	status, body := get(t, at.String())
	var j job.Job
	if err := json.Unmarshal([]byte(body), &j); err != nil || status != http.StatusOK || j.Result == nil {
		t.Fatalf("%s: %d %s, %v", at, status, body, err)
	}
	relative, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{j.Result.URL, j.Result.ThumbnailURL, "v1/openapi.json", "v1/styles", "gallery", "gallery/", "main.js", "v1/styles/night-swirls/thumbnail"} {
		to, err := relative.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := get(t, to.String()); status != http.StatusOK {
			t.Errorf("%s: %d %.200s", to, status, body)
		}
	}
	if status, body := get(t, strings.TrimSuffix(base, "/")); status != http.StatusOK || !strings.Contains(body, "<html") {
		t.Errorf("the page without a slash at the end of its address: %d %.100s", status, body)
	}

	t.Run("in a browser", func(t *testing.T) {
		b := browsertest.Start(t)
		p := b.Open(t, strings.TrimSuffix(base, "/"))
		p.Until(`document.querySelectorAll('input[name=style]').length > 3`)
		if at := p.Str("location.href"); at != base {
			t.Errorf("the page is at %s, want %s", at, base)
		}
		g := b.Open(t, base+"gallery")
		g.Until(`document.querySelector('img.there')`)
		if src := g.Str(`document.querySelector('img.there').src`); !strings.HasPrefix(src, base+"v1/jobs/"+string(id)) {
			t.Errorf("the gallery shows %s", src)
		}
	})
}

func paint(t *testing.T, dir string, id job.ID) {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := s.Claim(t.Context(), id, 1, "stage test")
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Close()
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 16, 16)), nil); err != nil {
		t.Fatal(err)
	}
	if err := lease.Succeed(picture.Bytes(), nil, job.Result{Width: 16, Height: 16, ContentType: "image/jpeg"}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
}

func TestWithoutStage(t *testing.T) {
	for _, c := range []struct {
		rawPath, stage, path string
		ok                   bool
	}{
		{"/v1/jobs", "$default", "/v1/jobs", true},
		{"/$default/v1/jobs", "$default", "/$default/v1/jobs", true},
		{"/v1/jobs", "", "/v1/jobs", true},
		{"/prod/v1/jobs", "prod", "/v1/jobs", true},
		{"/prod/", "prod", "/", true},
		{"/prod", "prod", "", false},
		{"/prod/prod/x", "prod", "/prod/x", true},
		{"/production/x", "prod", "/production/x", true},
		{"/v1/jobs", "prod", "/v1/jobs", true}, // by a domain name of one's own
		{"/", "prod", "/", true},
	} {
		if path, ok := withoutStage(c.rawPath, c.stage); path != c.path || ok != c.ok {
			t.Errorf("%s in %s: got %q, %v, want %q, %v", c.rawPath, c.stage, path, ok, c.path, c.ok)
		}
	}
}
