// Package photograph provides the pictures that measurements submit.
package photograph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"

	"github.com/atelier-go/atelier/pkg/imageio"
)

// quality is the quality of the JPEG files.
const quality = 90

// All returns the sample photographs in dir (installed by scripts/setup) as JPEG files of exactly w
// x h pixels, cropped to that shape.
func All(dir string, w, h int) ([][]byte, error) {
	if dir == "" {
		return nil, errors.New("no photographs: run scripts/setup")
	}
	var all [][]byte
	for _, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		whole, _, err := imageio.Decode(context.Background(), b, imageio.DefaultLimits())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.CatmullRom.Scale(img, img.Rect, whole, middle(whole.Rect, w, h), draw.Src, nil)
		var file bytes.Buffer
		if err := imageio.Encode(&file, img, "jpeg", quality); err != nil {
			return nil, err
		}
		all = append(all, file.Bytes())
	}
	return all, nil
}

// middle returns the largest centred part of r with the aspect ratio of w and h.
func middle(r image.Rectangle, w, h int) image.Rectangle {
	width, height := min(r.Dx(), r.Dy()*w/h), min(r.Dy(), r.Dx()*h/w)
	corner := r.Min.Add(image.Pt((r.Dx()-width)/2, (r.Dy()-height)/2))
	return image.Rectangle{Min: corner, Max: corner.Add(image.Pt(width, height))}
}
