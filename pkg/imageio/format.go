package imageio

import (
	"image"
	"image/jpeg"
	"io"

	"github.com/atelier-go/atelier/pkg/formats"
)

// codec is the code for one format, except its decoder (see [decoderOf]). Package formats says what
// a new format needs.
type codec struct {
	formats.Format
	// parse walks the file's structure to its end; see header.
	parse func(data []byte) (header, error)
	// encode is nil for a format that is read but not written.
	encode func(w io.Writer, img *image.RGBA, quality int) error
}

var codecs = []codec{
	{Format: formats.ByName("jpeg"), parse: parseJPEG, encode: encodeJPEG},
	{Format: formats.ByName("png"), parse: parsePNG, encode: encodePNG},
	{Format: formats.ByName("webp"), parse: parseWebP, encode: encodeWebP},
	{Format: formats.ByName("gif"), parse: parseGIF},
}

// A header is what parse finds out about a file.
type header struct {
	width, height int // as stored, both positive
	// cost is the most memory that a decode takes for each pixel, in bytes: 4 for the result, and
	// what the format's decoder needs. extra is the memory that does not depend on the number of
	// pixels: tables, and a copy of the colour profile if there is one.
	cost, extra int64
	// orientation is EXIF's, 1 to 8; 1 if the file has none.
	orientation int
	// profile returns the embedded colour profile, unchecked but of bounded size. It is a
	// function so that only Decode decompresses it. It is nil if the file has no profile, and
	// returns nil if the profile can't be decompressed.
	profile func() []byte
	// oddSampling reports that a JPEG file's chroma is sampled in a way that the standard
	// library's decoder refuses.
	oddSampling bool
}

// codecOf returns the codec of the format that data begins with; nil if it is not a supported one.
func codecOf(data []byte) *codec { return codecNamed(formats.Detect(data).Name) }

func codecNamed(name string) *codec {
	for i := range codecs {
		if codecs[i].Name == name {
			return &codecs[i]
		}
	}
	return nil
}

// ContentType returns the media type of a supported format, given by the name that [Info] uses, or
// "" for an unknown name.
func ContentType(format string) string { return formats.ByName(format).ContentType }

func encodeJPEG(w io.Writer, img *image.RGBA, quality int) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: quality})
}
