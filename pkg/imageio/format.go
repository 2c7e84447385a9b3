package imageio

import (
	"image"
	"image/jpeg"
	"io"

	"github.com/atelier-go/atelier/pkg/formats"
)

// codec is the code for one format, except its decoder (see [decoderOf]). A new format needs an entry
// in codecs and one in package formats.
type codec struct {
	formats.Format
	// parse walks the file's structure to its end; see header.
	parse func(data []byte) (header, error)
	// encode is nil for a format that is read but not written.
	encode func(w io.Writer, img *image.RGBA, quality int) error
}

var codecs = []codec{
	{Format: formats.Named("jpeg"), parse: parseJPEG, encode: encodeJPEG},
	{Format: formats.Named("png"), parse: parsePNG, encode: encodePNG},
	{Format: formats.Named("webp"), parse: parseWebP, encode: encodeWebP},
	{Format: formats.Named("gif"), parse: parseGIF},
}

// header is the result of parsing a file's structure.
type header struct {
	width, height int // as stored, both positive
	// cost is how many bytes a pixel a decode takes at most: 4 for the result, and the
	// decoder's own. extra is the memory that does not depend on the number of pixels: a copy
	// of the profile, if there is one, and tables.
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

// codecOf returns the codec for the format that data begins with, or nil.
func codecOf(data []byte) *codec { return codecNamed(formats.Of(data).Name) }

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
func ContentType(format string) string { return formats.Named(format).ContentType }

func encodeJPEG(w io.Writer, img *image.RGBA, quality int) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: quality})
}
