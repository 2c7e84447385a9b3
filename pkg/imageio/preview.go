package imageio

import (
	"bytes"
	"image"
)

// PreviewEdge is the longest edge of a preview, in pixels.
const PreviewEdge = 1024

// previewQuality is lower than a result's, because previews are only viewed.
const previewQuality = 85

// Preview returns img, which must be opaque, as a JPEG file of at most longest pixels on the
// longest side.
func Preview(img *image.RGBA, longest int) ([]byte, error) {
	var out bytes.Buffer
	if err := Encode(&out, Fit(img, longest), "jpeg", previewQuality); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
