package main_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// photo returns a picture of stripes; large ones can be interrupted while they are painted.
func photo(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i / width / 6)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise returns a picture that no format compresses well.
func noise(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio444)
	chance := rand.NewChaCha8([32]byte{})
	for _, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
		_, _ = chance.Read(plane) // it never fails
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 40}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// form returns a submission; fields are names and values in turn, which replace or add to the
// default fields.
func form(t *testing.T, picture []byte, fields ...string) (contentType string, body []byte) {
	t.Helper()
	values := map[string]string{"style": style.Names()[0], "size": "0"}
	for i := 0; i < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("image", "photo.jpg")
	if err == nil {
		_, err = part.Write(picture)
	}
	for field, value := range values {
		if err == nil {
			err = form.WriteField(field, value)
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.Bytes()
}

// A response is an HTTP response, read to its end.
type response struct {
	*http.Response
	body []byte
}

// ask sends a request; headers are names and values in turn, which may include Host.
func (d *demo) ask(method, path string, body io.Reader, headers ...string) response {
	d.Helper()
	req, err := http.NewRequestWithContext(d.Context(), method, d.base+path, body)
	if err != nil {
		d.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		d.Fatal(err)
	}
	return response{resp, b}
}

// reaches returns whether a path is served with success.
func (d *demo) reaches(path string) bool {
	resp, err := http.Get(d.base + path)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only the status matters
	return resp.StatusCode == http.StatusOK
}

// refused checks that a response is a problem with a status and a code.
func (d *demo) refused(a response, status int, code string) {
	d.Helper()
	var p struct{ Code string }
	err := json.Unmarshal(a.body, &p)
	if err != nil || a.StatusCode != status || p.Code != code || a.Header.Get("Content-Type") != "application/problem+json" {
		d.Errorf("got %s, %s: %.300s, %v; want %d with code %s", a.Status, a.Header.Get("Content-Type"), a.body, err, status, code)
	}
}

// submit sends a picture, with fields as in [form].
func (d *demo) submit(picture []byte, fields ...string) job.ID {
	d.Helper()
	contentType, body := form(d.T, picture, fields...)
	return d.decode(d.ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType), http.StatusAccepted).ID
}

func (d *demo) read(id job.ID) job.Job {
	d.Helper()
	return d.decode(d.ask(http.MethodGet, "/v1/jobs/"+string(id), nil), http.StatusOK)
}

func (d *demo) decode(a response, status int) (j job.Job) {
	d.Helper()
	if a.StatusCode != status {
		d.Fatalf("%s: %s", a.Status, a.body)
	}
	if err := json.Unmarshal(a.body, &j); err != nil {
		d.Fatal(err)
	}
	return j
}

// painted waits for a job's end, which must be a success and its only outcome.
func (d *demo) painted(id job.ID) job.Job {
	d.Helper()
	var j job.Job
	waitFor(d.T, func() bool { j = d.read(id); return j.State.Finished() })
	if j.State != job.Succeeded {
		d.Errorf("job %s: %+v", id, j)
	}
	d.oneOutcome(id)
	return j
}
