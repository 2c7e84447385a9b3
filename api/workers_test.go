package api_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"net/http"
	"regexp"
	"strconv"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/style"
)

// A picture that the workers can't paint is refused at its submission, and the response says what
// to do.
func TestPicturesTooLargeForWorkers(t *testing.T) {
	photo := func(w, h int) field {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
			t.Fatal(err)
		}
		return field{"image", "p.jpg", b.Bytes()}
	}
	wide, tiny := photo(4096, 2048), photo(200, 100)
	for name, tt := range map[string]struct {
		workers api.Workers
		image   field
		size    string
		status  int
		says    string
	}{
		"2048 by default":            {api.Workers{}, wide, "2048", 202, ""},
		"as it is, by default":       {api.Workers{}, wide, "0", 202, ""},
		"more than the most":         {api.Workers{}, wide, "2049", 422, "16 to 2048"},
		"4096 where it is allowed":   {api.Workers{MaxSize: 4096, Memory: 8192}, wide, "4096", 202, ""},
		"a worker too small for it":  {api.Workers{MaxSize: 4096, Memory: 1024}, wide, "4096", 422, "1024 MB"},
		"as it is":                   {api.Workers{MaxSize: 4096, Memory: 1024}, wide, "0", 422, "at most"},
		"a small picture":            {api.Workers{MaxSize: 4096, Memory: 1024}, tiny, "4096", 202, ""},
		"too large to be decoded":    {api.Workers{Memory: 700}, wide, "16", 413, "smallest worker"},
		"ONNX Runtime needs less":    {api.Workers{Memory: 425, Engine: "onnx"}, wide, "1024", 202, ""},
		"but more for each pixel":    {api.Workers{MaxSize: 4096, Memory: 1280, Engine: "onnx"}, wide, "4096", 422, "MB"},
		"than TensorFlow, of 1.9 GB": {api.Workers{MaxSize: 4096, Memory: 1920}, wide, "4096", 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(c *api.Config) { c.Workers = tt.workers })
			resp, body := s.post(form(t, tt.image, field{name: "style", value: style.Names()[0]}, field{name: "size", value: tt.size}))
			if tt.status == http.StatusAccepted {
				if resp.StatusCode != tt.status {
					t.Errorf("got %s: %s", resp.Status, body)
				}
				return
			}
			code := map[int]string{422: "invalid_field", 413: "too_many_pixels"}[tt.status]
			wantProblem(t, resp, body, tt.status, code, tt.says)
			if len(s.queue.messages()) != 0 {
				t.Error("it was enqueued")
			}
		})
	}
}

// The size that a refusal proposes is accepted, and one pixel more is not.
func TestRefusalProposesSize(t *testing.T) {
	named := field{name: "style", value: style.Names()[0]}
	for _, side := range [][2]int{{4000, 2999}, {1801, 3001}, {3500, 3500}} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, side[0], side[1])), nil); err != nil {
			t.Fatal(err)
		}
		s := serve(t, func(c *api.Config) { c.Workers = api.Workers{MaxSize: 4096, Memory: 800} })
		ask := func(size string) (int, string) {
			resp, body := s.post(form(t, field{"image", "p.jpg", b.Bytes()}, named, field{name: "size", value: size}))
			return resp.StatusCode, string(body)
		}
		_, says := ask("0")
		proposed := regexp.MustCompile(`at most (\d+) for`).FindStringSubmatch(says)
		if proposed == nil {
			t.Fatalf("%v: got %s", side, says)
		}
		edge, _ := strconv.Atoi(proposed[1])
		if status, says := ask(strconv.Itoa(edge)); status != 202 {
			t.Errorf("%v: the proposed %d is refused: %s", side, edge, says)
		}
		if status, _ := ask(strconv.Itoa(edge + 1)); status != 422 {
			t.Errorf("%v: got %d for a pixel more than the proposed %d", side, status, edge)
		}
	}
}

// If the style picture is what makes a job too large, the refusal names it: the user does not want
// a smaller photograph.
func TestStylePictureTooLargeForWorkers(t *testing.T) {
	picture := func(name string, w, h int) field {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
			t.Fatal(err)
		}
		return field{name, "p.jpg", b.Bytes()}
	}
	s := serve(t, func(c *api.Config) { c.Workers = api.Workers{Memory: 767} })
	for _, side := range [][2]int{{200, 100}, {800, 800}} {
		photo := picture("image", side[0], side[1])
		resp, body := s.post(form(t, photo, picture("style_image", 6000, 4000)))
		wantProblem(t, resp, body, 413, "too_many_pixels", "style_image: ")
		resp, body = s.post(form(t, photo, picture("style_image", 300, 300)))
		if resp.StatusCode != http.StatusAccepted {
			t.Errorf("%v: with a small style, got %s: %s", side, resp.Status, body)
		}
	}
}

func TestInvalidWorkers(t *testing.T) {
	for _, w := range []api.Workers{{MaxSize: 15}, {MaxSize: 4097}, {MaxSize: -1}, {Memory: 300}, {Memory: -1}, {Engine: "caffe"}} {
		if _, err := api.New(api.Config{Store: serve(t).store, Queue: &recordingQueue{}, Workers: w}); err == nil {
			t.Errorf("%+v: no error", w)
		}
	}
}
