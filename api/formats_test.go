package api_test

import (
	"bytes"
	"encoding/binary"
	"image/color/palette"
	"image/gif"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func webpPicture(t *testing.T) []byte {
	t.Helper()
	img, _, err := imageio.Decode(t.Context(), pngPicture(t), imageio.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := imageio.Encode(&b, img, "webp", 90); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, picture(), &gif.Options{NumColors: len(palette.Plan9)}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormats submits pictures of each format, and reads a WebP result.
func TestFormats(t *testing.T) {
	s := serve(t)
	for name, data := range map[string][]byte{"webp": webpPicture(t), "gif": gifPicture(t)} {
		t.Run(name, func(t *testing.T) {
			j := s.submit(field{"image", "p." + name, data}, field{name: "style", value: style.Names()[0]}, field{name: "format", value: "webp"})
			if j.Format != "webp" {
				t.Errorf("the job's format: got %q, want webp", j.Format)
			}
			path := "/v1/jobs/" + string(j.ID)
			lease, err := s.store.Claim(t.Context(), j.ID, 1, "test")
			if err != nil {
				t.Fatal(err)
			}
			painted := webpPicture(t)
			if err := lease.Succeed(painted, nil, job.Result{Width: 60, Height: 40, ContentType: "image/webp"}, job.Receipt{}); err != nil {
				t.Fatal(err)
			}
			resp, body := s.get(path + "/result")
			if got := resp.Header.Get("Content-Type"); !bytes.Equal(body, painted) || got != "image/webp" {
				t.Errorf("the result: %d bytes of %s, want %d of image/webp", len(body), got, len(painted))
			}
			if got, want := resp.Header.Get("Content-Disposition"), `inline; filename="atelier-`+string(j.ID)+`.webp"`; got != want {
				t.Errorf("Content-Disposition: got %s, want %s", got, want)
			}
		})
	}
	huge := webpPicture(t)
	binary.LittleEndian.PutUint16(huge[26:], 16383)
	binary.LittleEndian.PutUint16(huge[28:], 16383)
	cut := gifPicture(t)
	for name, tt := range map[string]struct {
		data   []byte
		status int
		code   string
		says   string
	}{
		"half a webp":              {webpPicture(t)[:200], http.StatusUnprocessableEntity, "damaged_image", "ends before"},
		"half a gif":               {cut[:len(cut)/2], http.StatusUnprocessableEntity, "damaged_image", "ends before"},
		"a webp of 268 megapixels": {huge, http.StatusRequestEntityTooLarge, "too_many_pixels", "16383 x 16383"},
		"sound":                    {[]byte("RIFF\x24\x00\x00\x00WAVEfmt "), http.StatusUnsupportedMediaType, "unsupported_image", "JPEG, PNG, WebP or GIF"},
		"avif":                     {[]byte("\x00\x00\x00\x1cftypavif"), http.StatusUnsupportedMediaType, "unsupported_image", "AVIF"},
	} {
		resp, body := s.post(form(t, field{"image", "p", tt.data}, field{name: "style", value: style.Names()[0]}))
		t.Run(name, func(t *testing.T) { wantProblem(t, resp, body, tt.status, tt.code, tt.says) })
	}
	_, doc := s.get("/v1/openapi.json")
	for _, says := range []string{`"enum":["jpeg","png","webp"]`, "JPEG, PNG, WebP or GIF", `"image/webp"`} {
		if !strings.Contains(string(doc), says) {
			t.Errorf("the OpenAPI document doesn't say %s", says)
		}
	}
}

// TestPageListsTheFormats: the page offers exactly the formats of package formats.
func TestPageListsTheFormats(t *testing.T) {
	_, body := serve(t).get("/")
	page := string(body)
	for text, n := range map[string]int{
		`accept="` + strings.Join(formats.ContentTypes(formats.All()), ",") + `"`: 2,
		`data-formats="` + formats.Titles(formats.All(), "or") + `"`:              1,
		`>` + formats.Titles(formats.All(), "or") + `, up to `:                    1,
		`name="format"`: len(formats.Outputs()),
	} {
		if got := strings.Count(page, text); got != n {
			t.Errorf("the page has %s %d times, want %d", text, got, n)
		}
	}
	for _, f := range formats.Outputs() {
		if choice := `name="format" value="` + f.Name + `"`; strings.Count(page, choice) != 1 {
			t.Errorf("the page has not one %s", choice)
		}
	}
	if strings.ContainsAny(page, "{}") {
		t.Error("the page has a placeholder that the server did not replace")
	}
}
