package imageio

import (
	"bytes"
	"context"
)

// previewQuality: previews are looked at, not worked with.
const previewQuality = 85

// Preview returns data as a JPEG file that any browser shows rightly: upright,
// in sRGB, without metadata, at most longest pixels on the longest side (0: as
// it is). The errors are those of [Inspect]. It costs what [Decode] costs.
func Preview(data []byte, lim Limits, longest int) ([]byte, error) {
	img, _, err := Decode(context.Background(), data, lim)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := Encode(&out, Fit(img, longest), "jpeg", previewQuality); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
