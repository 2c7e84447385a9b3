package imageio

import (
	"image"
	"image/color"
	"testing"

	"pgregory.net/rapid"
)

func TestThumbnail(t *testing.T) {
	for _, tt := range []struct {
		width, height int
		want          Info
	}{
		{1024, 768, Info{"jpeg", 400, 300}},
		{600, 1000, Info{"jpeg", 240, 400}},
		{401, 401, Info{"jpeg", 400, 400}},
		{400, 300, Info{"jpeg", 400, 300}},
		{16, 1, Info{"jpeg", 16, 1}},
		{4096, 1, Info{"jpeg", 400, 1}},
	} {
		data, err := Thumbnail(photo(tt.width, tt.height))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := Inspect(data, DefaultLimits()); err != nil || info != tt.want {
			t.Errorf("of %d x %d: got %+v, %v, want %+v", tt.width, tt.height, info, err, tt.want)
		}
	}
}

func TestThumbnailKeepsContent(t *testing.T) {
	// Part of a larger picture, whose rows have a gap between them.
	img := image.NewRGBA(image.Rect(0, 0, 1300, 900))
	part := img.SubImage(image.Rect(100, 50, 1100, 850)).(*image.RGBA)
	for y := 50; y < 850; y++ {
		for x := 100; x < 1100; x++ {
			img.SetRGBA(x, y, [2][2]color.RGBA{{red, green}, {blue, white}}[(y-50)/400][(x-100)/500])
		}
	}
	data, err := Thumbnail(part)
	if err != nil {
		t.Fatal(err)
	}
	got := mustDecode(t, data)
	wantPixel(t, got, 50, 50, red, 12)
	wantPixel(t, got, 350, 50, green, 12)
	wantPixel(t, got, 50, 270, blue, 12)
	wantPixel(t, got, 350, 270, white, 12)
}

// TestAreaAverage compares with another way to average: the picture is first enlarged so that each
// pixel of the result covers whole pixels.
func TestAreaAverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(1, 20).Draw(t, "width"), rapid.IntRange(1, 20).Draw(t, "height")
		w, h := rapid.IntRange(1, width).Draw(t, "w"), rapid.IntRange(1, height).Draw(t, "h")
		img := noise(width, height)
		got := areaAverage(img, w, h)
		for y := range h {
			for x := range w {
				var sum [3]int
				for v := y * height; v < (y+1)*height; v++ {
					for u := x * width; u < (x+1)*width; u++ {
						p := img.RGBAAt(u/w, v/h)
						sum[0], sum[1], sum[2] = sum[0]+int(p.R), sum[1]+int(p.G), sum[2]+int(p.B)
					}
				}
				area := width * height
				round := func(sum int) uint8 { return uint8((sum + area/2) / area) }
				if p, want := got.RGBAAt(x, y), (color.RGBA{round(sum[0]), round(sum[1]), round(sum[2]), 255}); p != want {
					t.Fatalf("%d x %d to %d x %d: at %d, %d got %v, want %v", width, height, w, h, x, y, p, want)
				}
			}
		}
	})
}
