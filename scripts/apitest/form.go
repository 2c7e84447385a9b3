package apitest

import (
	"bytes"
	"image"
	"image/jpeg"
	"mime/multipart"
	"testing"

	"github.com/atelier-go/atelier/pkg/style"
)

// Stripes returns a JPEG of stripes. Painting a large one takes long enough for a test to interrupt
// it.
func Stripes(t *testing.T, width, height int) []byte {
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

// Form returns the body of a submission and its content type. A nil picture is left out. fields are
// names and values in turn; if a name occurs twice, the later value counts. The style is a default
// one, unless a field says otherwise.
func Form(t *testing.T, picture []byte, fields ...string) (contentType string, body []byte) {
	t.Helper()
	values := map[string]string{"style": style.Names()[0]}
	for i := 0; i < len(fields); i += 2 {
		values[fields[i]] = fields[i+1]
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if picture != nil {
		part, err := form.CreateFormFile("image", "picture")
		if err == nil {
			_, err = part.Write(picture)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for field, value := range values {
		if err := form.WriteField(field, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), b.Bytes()
}
