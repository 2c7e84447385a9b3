//go:build linux

package decoder_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// photo returns a PNG file of w x h pixels. words, if any, follow the picture.
func photo(t testing.TB, w, h int, words decodertest.Fault) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), words...) // bytes after the picture are allowed
}

func TestDecode(t *testing.T) {
	d := decodertest.New(t, nil)
	big, small := photo(t, 900, 600, ""), photo(t, 40, 1000, "")
	for name, r := range map[string]decoder.Request{
		"fitted":          {Photo: big, Longest: 300},
		"not fitted":      {Photo: big, Longest: 4096},
		"with a style":    {Photo: big, Longest: 300, Style: small},
		"with a preview":  {Photo: big, Longest: 300, Preview: true},
		"with everything": {Photo: big, Longest: 900, Style: big, Preview: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Decode(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			whole, _, err := imageio.Decode(t.Context(), r.Photo, imageio.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if want := imageio.Fit(whole, r.Longest); !bytes.Equal(got.Photo.Pix, want.Pix) || got.Photo.Rect != want.Rect {
				t.Error("the photograph differs from the one that imageio decodes")
			}
			if (got.Style == nil) != (r.Style == nil) {
				t.Errorf("a style %v for one of %d bytes", got.Style, len(r.Style))
			} else if got.Style != nil {
				whole, _, err := imageio.Decode(t.Context(), r.Style, imageio.DefaultLimits())
				if err != nil {
					t.Fatal(err)
				}
				if want := imageio.Square(whole, imageio.StyleEdge); got.Style.Rect != want.Rect || !bytes.Equal(got.Style.Pix, want.Pix) {
					t.Errorf("the style is %v, want the central square, %v", got.Style.Rect, want.Rect)
				}
			}
			if (got.Preview != nil) != r.Preview {
				t.Errorf("a preview of %d bytes, requested: %v", len(got.Preview), r.Preview)
			}
			if r.Preview {
				info, err := imageio.Inspect(got.Preview, imageio.DefaultLimits())
				if err != nil || info != (imageio.Info{Format: "jpeg", Width: 900, Height: 600}) {
					t.Errorf("the preview is %+v, %v", info, err)
				}
			}
		})
	}
}

// TestLargePhotographs covers the pictures that take the most memory: those that are shrunk only a
// little.
func TestLargePhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each picture")
	}
	d := decodertest.New(t, func(c *decoder.Config) { c.Idle = 1 })
	for _, c := range []struct {
		size    image.Point
		longest int
	}{{image.Pt(5000, 3785), 4096}, {image.Pt(3785, 5000), 4096}, {image.Pt(7300, 5400), 4096}, {image.Pt(7300, 5400), 1500}} {
		img := image.NewRGBA(image.Rectangle{Max: c.size})
		for i := range img.Pix {
			img.Pix[i] = uint8(i>>6) | uint8(i&3/3*255)
		}
		var file bytes.Buffer
		if err := jpeg.Encode(&file, img, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: file.Bytes(), Longest: c.longest, Preview: true}); err != nil {
			t.Errorf("%v to %d: %v", c.size, c.longest, err)
		}
	}
}

func TestInvalidPicturesAreRefused(t *testing.T) {
	d := decodertest.New(t, nil)
	good := photo(t, 30, 20, "")
	corrupt := bytes.Clone(good)
	corrupt[bytes.Index(corrupt, []byte("IDAT"))+20] ^= 0xff // makes its checksum wrong
	undecodable := webpWithoutPixels()
	for name, c := range map[string]struct {
		r    decoder.Request
		want error
	}{
		"not a picture":          {decoder.Request{Photo: []byte("<svg/>"), Longest: 100}, job.ErrUnsupportedImage},
		"no photograph":          {decoder.Request{Longest: 100}, job.ErrUnsupportedImage},
		"damaged":                {decoder.Request{Photo: corrupt, Longest: 100}, job.ErrDamagedImage},
		"corrupt pixels":         {decoder.Request{Photo: undecodable, Longest: 100}, job.ErrDamagedImage},
		"style is not a picture": {decoder.Request{Photo: good, Longest: 100, Style: []byte("x")}, job.ErrUnsupportedImage},
		"empty style":            {decoder.Request{Photo: good, Longest: 100, Style: []byte{}}, job.ErrUnsupportedImage},
		"corrupt style":          {decoder.Request{Photo: good, Longest: 100, Style: undecodable}, job.ErrDamagedImage},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := d.Decode(t.Context(), c.r); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// webpWithoutPixels returns a file that Inspect accepts, because it doesn't decompress pixels, and
// that can't be decoded.
func webpWithoutPixels() []byte {
	data := append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 16, 0, 16, 0}, make([]byte, 30)...)
	file := append([]byte("VP8 "), byte(len(data)), 0, 0, 0)
	file = append(append([]byte("WEBP"), file...), data...)
	return append([]byte{'R', 'I', 'F', 'F', byte(len(file)), 0, 0, 0}, file...)
}

// bounds sets short limits, so that the tests are fast.
func bounds(c *decoder.Config) {
	c.Bounds = decoder.Bounds{CPU: 500 * time.Millisecond, CPUPerMegapixel: time.Millisecond, Wait: time.Second}
}

// TestMisbehavingDecoders checks that a decode ends within its limits and with a reason, whatever
// the decoder does, and that concurrent and later pictures are decoded.
func TestMisbehavingDecoders(t *testing.T) {
	for fault, want := range map[decodertest.Fault]error{
		decodertest.Eats:    job.ErrUndecodable,
		decodertest.Spins:   job.ErrUndecodable,
		decodertest.Sleeps:  job.ErrUndecodable,
		decodertest.Crashes: job.ErrUndecodable,
		decodertest.Dies:    nil, // any error that does not blame the picture
		decodertest.Floods:  nil,
		decodertest.Lies:    nil,
		decodertest.Babbles: nil,
	} {
		t.Run(string(fault), func(t *testing.T) {
			d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c) })
			hostile, good := photo(t, 50, 50, fault), photo(t, 400, 300, "")
			done := make(chan error)
			go func() {
				_, err := d.Decode(t.Context(), decoder.Request{Photo: hostile, Longest: 100})
				done <- err
			}()
			var err error
			beside := 0
			for waiting := true; waiting; {
				select {
				case err = <-done:
					waiting = false
				default:
					if _, err := d.Decode(t.Context(), decoder.Request{Photo: good, Longest: 100, Preview: true}); err != nil {
						t.Fatalf("a concurrent picture: %v", err)
					}
					beside++
				}
			}
			if err == nil {
				t.Fatal("it was decoded")
			}
			if want != nil && !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if want == nil && job.FailureOf(err) != nil {
				t.Errorf("got %v, which blames the picture", err)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			t.Logf("%d concurrent pictures; %v", beside, err)
		})
	}
}

// TestCrashesAreLoggedWithTheJob checks that the log says which job's pictures crashed a process.
func TestCrashesAreLoggedWithTheJob(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c) })
	var log bytes.Buffer
	_, err := d.Decode(t.Context(), decoder.Request{
		Photo: photo(t, 50, 50, decodertest.Crashes), Longest: 100,
		Log: slog.New(slog.NewTextHandler(&log, nil)).With("job", "a-job"),
	})
	if !errors.Is(err, job.ErrUndecodable) {
		t.Errorf("got %v, want ErrUndecodable", err)
	}
	for _, want := range []string{
		`level=WARN msg="a decoder process crashed; the pictures are decoded once more, in a new process" job=a-job`,
		`level=WARN msg="a decoder process crashed again; the job fails or is tried again" job=a-job`,
	} {
		if !bytes.Contains(log.Bytes(), []byte(want)) {
			t.Errorf("the log does not contain %q:\n%s", want, &log)
		}
	}
}

// TestMemoryIsBounded checks the resident memory of a decoder that allocates endlessly, as the
// system counts it.
func TestMemoryIsBounded(t *testing.T) {
	d := decodertest.New(t, func(c *decoder.Config) { c.Program = decodertest.Rogue(t); bounds(c); c.Bounds.CPU = time.Minute })
	most := decodertest.PeakMemory(func() {
		if _, err := d.Decode(t.Context(), decoder.Request{Photo: photo(t, 50, 50, decodertest.Eats), Longest: 100}); !errors.Is(err, job.ErrUndecodable) {
			t.Errorf("got %v", err)
		}
	})
	// An allocation of 64 MiB exceeds the limit for a picture of 50 x 50.
	if limit := int64(64 << 20); most > limit {
		t.Errorf("it had %d bytes resident, want at most %d", most, limit)
	}
}
