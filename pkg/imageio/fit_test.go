package imageio

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	for _, tt := range []struct {
		name          string
		width, height int
		longest       int
		want          image.Point
	}{
		{"landscape", 400, 300, 100, image.Pt(100, 75)},
		{"portrait", 300, 400, 100, image.Pt(75, 100)},
		{"square", 64, 64, 16, image.Pt(16, 16)},
		{"rounded", 1000, 333, 100, image.Pt(100, 33)},
		{"at least one pixel high", 1000, 1, 10, image.Pt(10, 1)},
		{"at least one pixel wide", 1, 1000, 10, image.Pt(1, 10)},
		{"one pixel", 100, 50, 1, image.Pt(1, 1)},
		{"one side only", 101, 100, 100, image.Pt(100, 99)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src := image.NewRGBA(image.Rect(0, 0, tt.width, tt.height))
			for i := range src.Pix {
				src.Pix[i] = 255
			}
			img := Fit(src, tt.longest)
			if img.Rect != (image.Rectangle{Max: tt.want}) {
				t.Errorf("got %v, want %v", img.Rect, tt.want)
			}
			wantPixel(t, img, 0, 0, white, 0)
			if img.Pix[3] != 255 {
				t.Errorf("alpha: got %d, want 255", img.Pix[3])
			}
		})
	}
	for _, longest := range []int{0, -1, 400, 401, math.MaxInt} {
		img := image.NewRGBA(image.Rect(0, 0, 400, 300))
		if got := Fit(img, longest); got != img {
			t.Errorf("longest %d: got another image, want the same", longest)
		}
	}
	empty := image.NewRGBA(image.Rectangle{})
	if Fit(empty, 5) != empty {
		t.Error("an empty image: got another, want the same")
	}
}

func TestFitKeepsContent(t *testing.T) {
	img := render(quarters(), 1, nil)
	got := Fit(img, 16)
	wantPixel(t, got, 2, 1, red, 2)
	wantPixel(t, got, 13, 1, green, 2)
	wantPixel(t, got, 2, 6, blue, 2)
	wantPixel(t, got, 13, 6, white, 2)
	part := img.SubImage(image.Rect(16, 0, 32, 16)).(*image.RGBA)
	wantPixel(t, Fit(part, 8), 3, 1, green, 2)
}

// TestFitAntialiases checks that stripes too fine for the result become their average, not coarser
// stripes.
func TestFitAntialiases(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 400, 400))
	for y := range 400 {
		for x := range 400 {
			img.SetRGBA(x, y, color.RGBA{uint8(x % 2 * 255), uint8(x % 2 * 255), uint8(x % 2 * 255), 255})
		}
	}
	got := Fit(img, 90)
	for x := 5; x < 85; x++ {
		wantPixel(t, got, x, 45, color.RGBA{128, 128, 128, 255}, 8)
	}
}

func TestFittedKeepsTheRatio(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 65535).Draw(t, "width")
		height := rapid.IntRange(1, 65535).Draw(t, "height")
		longest := rapid.IntRange(1, max(width, height)).Draw(t, "longest")
		w, h := Fitted(width, height, longest)
		if max(w, h) != longest || min(w, h) < 1 {
			t.Fatalf("got %d x %d, want a longest side of %d and none below 1", w, h, longest)
		}
		// At most half a pixel of rounding on the short side, unless it is 1.
		short, ideal := float64(h), float64(height)*float64(longest)/float64(width)
		if width < height {
			short, ideal = float64(w), float64(width)*float64(longest)/float64(height)
		}
		if math.Abs(short-max(ideal, 1)) > 0.5 && short != 1 {
			t.Fatalf("got %d x %d of %d x %d, want a short side of %.2f", w, h, width, height, ideal)
		}
	})
}

// TestSquare compares Square with Fit of the central square, for pictures of several shapes.
func TestSquare(t *testing.T) {
	for _, tt := range []struct{ width, height, edge, want int }{
		{60, 40, 20, 20}, {40, 60, 20, 20}, {41, 60, 100, 41}, {300, 1, 20, 1}, {1, 300, 20, 1}, {50, 50, 50, 50}, {7, 8, 3, 3},
	} {
		img := photo(tt.width, tt.height)
		side := min(tt.width, tt.height)
		middle := image.NewRGBA(image.Rect(0, 0, side, side))
		for y := range side {
			from := img.PixOffset((tt.width-side)/2, (tt.height-side)/2+y)
			copy(middle.Pix[y*middle.Stride:], img.Pix[from:from+4*side])
		}
		got, want := Square(img, tt.edge), Fit(middle, tt.edge)
		if got.Rect != image.Rect(0, 0, tt.want, tt.want) || got.Stride != 4*tt.want || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%+v: got %v, which differs from Fit of the central square, %v", tt, got.Rect, want.Rect)
		}
	}
}
