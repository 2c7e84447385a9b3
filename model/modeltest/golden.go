package modeltest

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/style"
)

// Golden compares the pictures that the shipped model in dir paints with those in Testdata/golden.
// Every value may differ by 2 of 255, because engines and processors differ. With update it writes
// the files instead.
func (e Engine) Golden(t *testing.T, dir string, update bool) {
	m := e.open(t, model.Config{Dir: dir})
	contents := map[string]*image.RGBA{"drawn": drawn(), "cat": cat(t)}
	for _, g := range []struct {
		name       string // of the file, without extension
		content    string
		style      string // "" means a style picture of stripes
		strength   float64
		keepColors bool
	}{
		{"night-swirls", "cat", "night-swirls", 1, false},
		{"charcoal", "cat", "charcoal", 1, false},
		{"woodblock-wave", "cat", "woodblock-wave", 1, false},
		{"mosaic", "cat", "mosaic", 1, false},
		{"cubist", "drawn", "cubist", 1, false},
		{"watercolour", "drawn", "watercolour", 1, false},
		{"neon-night", "drawn", "neon-night", 1, false},
		{"blend", "cat", "night-swirls:0.6,charcoal:0.4", 1, false},
		{"half-strength", "cat", "sunset", 0.5, false},
		{"faded", "drawn", "mosaic", 0.125, false},
		{"own-colours", "cat", "cubist", 1, true},
		{"own-picture", "cat", "", 1, false},
	} {
		t.Run(g.name, func(t *testing.T) {
			req := style.Request{Content: contents[g.content], Strength: g.strength}
			if g.style == "" {
				req.Picture = stripes()
			} else {
				mix, err := style.ParseMix(g.style)
				if err != nil {
					t.Fatal(err)
				}
				req.Mix = mix
			}
			got := Stylize(t, m, req)
			if g.keepColors {
				if err := imageio.KeepColors(got, req.Content); err != nil {
					t.Fatal(err)
				}
			}
			e.wantGolden(t, g.name, got, update)
		})
	}
}

const tolerance = 2 // of 255

func (e Engine) wantGolden(t *testing.T, name string, got *image.RGBA, update bool) {
	t.Helper()
	const regenerate = "if the model was changed intentionally, check what this writes: go test ./model/tensorflow -run Golden -update"
	path := filepath.Join(e.Testdata, "golden", name+".png")
	if update {
		var file bytes.Buffer
		best := png.Encoder{CompressionLevel: png.BestCompression}
		if err := errors.Join(best.Encode(&file, got), os.WriteFile(path, file.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
		return
	}
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s: %s is missing; %s", name, path, regenerate)
	}
	if err != nil {
		t.Fatal(err)
	}
	kept, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	want := rgba(kept)
	if got.Rect != want.Rect {
		t.Fatalf("%s: got a picture of %v, want %v; %s", name, got.Rect, want.Rect, regenerate)
	}
	most, beyond, at := 0, 0, 0
	for i := range got.Pix {
		d := int(max(got.Pix[i], want.Pix[i]) - min(got.Pix[i], want.Pix[i]))
		if d > most {
			most, at = d, i/4
		}
		if d > tolerance {
			beyond++
		}
	}
	if beyond > 0 {
		w := got.Rect.Dx()
		t.Errorf("%s: %d of %d values differ from %s by more than %d of 255, the most by %d, at (%d,%d); %s",
			name, beyond, len(got.Pix)*3/4, path, tolerance, most, at%w, at/w, regenerate)
	}
}

// drawn returns a picture with edges, gradients, a disc and flat areas. Its sides are not multiples
// of 4.
func drawn() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 141, 106))
	for y := range 106 {
		for x := range 141 {
			c := color.RGBA{uint8(255 - y*2), uint8(120 + x/2), 200, 255} // a sky
			switch dx, dy := x-100, y-35; {
			case dx*dx+dy*dy < 400:
				c = color.RGBA{250, 210, uint8(80 + 3*dx), 255}
			case y > 75:
				c = color.RGBA{40, uint8(90 + (x/12*53+y/9*31)%60), 30, 255}
			case x > 15 && x < 60 && y > 40:
				c = color.RGBA{uint8(150 + (x/8+y/8)%2*70), 60, 50, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// stripes returns a striped picture to be used as a style.
func stripes() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 256, 256))
	for y := range 256 {
		for x := range 256 {
			c := color.RGBA{230, 220, 190, 255}
			if (x+y/2)/9%3 == 0 {
				c = color.RGBA{uint8(20 + y/4), 40, 120, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

// cat returns a part of one of the sample photographs that scripts/setup has put into the folder
// $ATELIER_SAMPLES.
func cat(t *testing.T) *image.RGBA {
	t.Helper()
	dir := os.Getenv("ATELIER_SAMPLES")
	if dir == "" {
		t.Fatal(`ATELIER_SAMPLES is not set: run scripts/setup, then eval "$(scripts/env)"`)
	}
	file, err := os.ReadFile(filepath.Join(dir, "chelsea.png"))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewRGBA(image.Rect(0, 0, 160, 120))
	draw.Draw(img, img.Rect, whole, image.Pt(130, 60), draw.Src)
	return img
}

// rgba returns a decoded picture in the form that the model takes.
func rgba(img image.Image) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Src)
	return out
}
