package imageio

import (
	"image"

	"github.com/kovidgoyal/imaging"
)

// Fit shrinks img so that its longest side has at most longest pixels, keeping the ratio as closely
// as whole pixels allow, each side at least 1. It never enlarges. It returns img itself if there is
// nothing to do, also for a longest of 0 or less; otherwise the result is opaque and at the origin.
//
// It filters with Catmull-Rom in sRGB, on all processors. Times for 12 megapixels to 1024 (two
// cores of an AMD EPYC): 0.12 s; with Lanczos 0.16 s; golang.org/x/image/draw's Catmull-Rom 0.30 s
// on one core; its ApproxBiLinear takes 0.02 s and aliases. The results of the first two look the
// same.
func Fit(img *image.RGBA, longest int) *image.RGBA {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	if min(width, height) <= 0 {
		return img
	}
	w, h := Fitted(width, height, longest)
	if w == width && h == height {
		return img
	}
	// Pictures of this package are opaque. Declaring it saves the library a check of
	// every pixel and a quarter of the work; it then returns 3 bytes a pixel.
	const opaque = true
	return render(imaging.ResizeWithOpacity(img, w, h, imaging.CatmullRom, opaque), 1, nil)
}

// Square returns the central square of img, shrunk to edge if it is larger, with the filter of
// [Fit]. The result is opaque and at the origin.
func Square(img *image.RGBA, edge int) *image.RGBA {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	side := min(width, height)
	at := img.Rect.Min.Add(image.Pt((width-side)/2, (height-side)/2))
	square, _ := img.SubImage(image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}).(*image.RGBA)
	if side <= edge {
		return render(square, 1, nil)
	}
	const opaque = true
	return render(imaging.ResizeWithOpacity(square, edge, edge, imaging.CatmullRom, opaque), 1, nil)
}

// Fitted returns the size of the picture that [Fit] returns.
func Fitted(width, height, longest int) (w, h int) {
	switch {
	case longest <= 0 || max(width, height) <= longest:
		return width, height
	case width >= height:
		return longest, max(1, (height*longest+width/2)/width)
	}
	return max(1, (width*longest+height/2)/height), longest
}
