package main_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

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

// form returns a submission with fields as in [apitest.Form]. By default the result has the picture's
// size.
func form(t *testing.T, picture []byte, fields ...string) (contentType string, body []byte) {
	t.Helper()
	return apitest.Form(t, picture, append([]string{"size", "0"}, fields...)...)
}

// submit sends a picture, with fields as in [form].
func (d *demo) submit(picture []byte, fields ...string) job.ID {
	d.Helper()
	return d.Submit(picture, append([]string{"size", "0"}, fields...)...)
}

// painted waits for a job's end, which must be a success and its only outcome.
func (d *demo) painted(id job.ID) job.Job {
	d.Helper()
	var j job.Job
	waitFor(d.T, func() bool { j = d.Read(id); return j.State.Finished() })
	if j.State != job.Succeeded {
		d.Errorf("job %s: %+v", id, j)
	}
	d.oneOutcome(id)
	return j
}
