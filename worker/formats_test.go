package worker_test

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"io"
	"testing"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// TestFormatsInAndOut paints a WebP and a GIF and keeps the result as a WebP.
func TestFormatsInAndOut(t *testing.T) {
	flat := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range flat.Pix {
		flat.Pix[i] = []byte{30, 60, 90, 255}[i%4]
	}
	var webp, animated bytes.Buffer
	if err := imageio.Encode(&webp, flat, "webp", 90); err != nil {
		t.Fatal(err)
	}
	frame := image.NewPaletted(flat.Rect, color.Palette{color.White, color.Black})
	if err := gif.EncodeAll(&animated, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 0, red)
	for name, data := range map[string][]byte{"webp": webp.Bytes(), "gif": animated.Bytes()} {
		m := b.submit(data, func(s *job.Spec) { s.Format = "webp" })
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if j := b.job(m); j.State != job.Succeeded || j.Result.ContentType != "image/webp" || j.Result.Width != 32 || j.Result.Height != 24 {
			t.Fatalf("%s: the job: %+v %+v", name, j, j.Result)
		}
		f, _, err := b.store.Result(m.Job)
		if err != nil {
			t.Fatal(err)
		}
		painted, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		img, info, err := imageio.Decode(t.Context(), painted, imageio.DefaultLimits())
		if err != nil || info != (imageio.Info{Format: "webp", Width: 32, Height: 24}) {
			t.Fatalf("%s: the result: %+v, %v", name, info, err)
		}
		if c := img.RGBAAt(3, 3); c.R < 245 || c.G > 10 || c.B > 10 {
			t.Errorf("%s: a pixel of it is %v, want red", name, c)
		}
	}
}
