package imageio

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func keep(painted, photo color.RGBA) color.RGBA {
	a, b := image.NewRGBA(image.Rect(0, 0, 1, 1)), image.NewRGBA(image.Rect(0, 0, 1, 1))
	a.SetRGBA(0, 0, painted)
	b.SetRGBA(0, 0, photo)
	if err := KeepColors(a, b); err != nil {
		panic(err)
	}
	return a.RGBAAt(0, 0)
}

func gray(v uint8) color.RGBA { return color.RGBA{v, v, v, 255} }

func lumaOf(c color.RGBA) float64 {
	return 0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)
}

func TestKeepColors(t *testing.T) {
	for _, tt := range []struct {
		name                 string
		painted, photo, want color.RGBA
	}{
		{"grey photo, grey result", red, gray(9), gray(76)},
		{"grey paint, the photo's chroma", gray(100), color.RGBA{110, 100, 90, 255}, color.RGBA{108, 98, 88, 255}},
		{"black paint stays black", gray(0), red, gray(0)},
		{"white paint stays white", gray(255), red, gray(255)},
		// 255,0,0 has luma 76: at 150 only part of its chroma fits.
		{"out of gamut, chroma reduced", gray(150), red, color.RGBA{255, 105, 105, 255}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := keep(tt.painted, tt.photo); !near(got, tt.want, 1) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestKeepColorsProperties(t *testing.T) {
	drawColor := rapid.Custom(func(t *rapid.T) color.RGBA {
		return color.RGBA{rapid.Byte().Draw(t, "r"), rapid.Byte().Draw(t, "g"), rapid.Byte().Draw(t, "b"), 255}
	})
	rapid.Check(t, func(t *rapid.T) {
		painted, photo := drawColor.Draw(t, "painted"), drawColor.Draw(t, "photo")
		got := keep(painted, photo)
		if d := math.Abs(lumaOf(got) - lumaOf(painted)); d > 0.75 {
			t.Fatalf("got %v: its luma differs by %.2f from the painted one's", got, d)
		}
		if same := keep(photo, photo); same != photo {
			t.Fatalf("a picture with its own colours: got %v, want %v", same, photo)
		}
		// The chroma has the direction of the photo's and at most its length.
		y, own := lumaOf(got), lumaOf(photo)
		for _, c := range [3][2]uint8{{got.R, photo.R}, {got.G, photo.G}, {got.B, photo.B}} {
			g, p := float64(c[0])-y, float64(c[1])-own
			if g*p < 0 && math.Min(math.Abs(g), math.Abs(p)) > 1.5 || math.Abs(g) > math.Abs(p)+1.5 {
				t.Fatalf("got %v for the photo's %v: chroma %.1f, want between 0 and %.1f", got, photo, g, p)
			}
		}
	})
}

func TestKeepColorsWholePictures(t *testing.T) {
	painted, photo := noise(67, 41), render(gradient(67, 41), 1, nil)
	original, before := bytes.Clone(painted.Pix), bytes.Clone(photo.Pix)
	if err := KeepColors(painted, photo); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(photo.Pix, before) {
		t.Error("the photo was changed")
	}
	for i := 0; i < len(original); i += 4 {
		p, q := original[i:i+4], before[i:i+4]
		want := keep(color.RGBA{p[0], p[1], p[2], 255}, color.RGBA{q[0], q[1], q[2], 255})
		if got := painted.RGBAAt(i/4%67, i/4/67); got != want {
			t.Fatalf("pixel %d: got %v, want %v", i/4, got, want)
		}
	}
	t.Run("parts of pictures", func(t *testing.T) {
		a := noise(67, 41).SubImage(image.Rect(10, 10, 20, 15)).(*image.RGBA)
		b := photo.SubImage(image.Rect(30, 20, 40, 25)).(*image.RGBA)
		if err := KeepColors(a, b); err != nil {
			t.Fatal(err)
		}
		p := (noise(67, 41)).RGBAAt(10, 10)
		if got, want := a.RGBAAt(10, 10), keep(p, photo.RGBAAt(30, 20)); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("another size", func(t *testing.T) {
		before := bytes.Clone(painted.Pix)
		if KeepColors(painted, noise(67, 40)) == nil {
			t.Error("got nil, want an error")
		}
		if !bytes.Equal(painted.Pix, before) {
			t.Error("the picture was changed")
		}
	})
}
