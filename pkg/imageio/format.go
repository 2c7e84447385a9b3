package imageio

import (
	"image"
	"image/jpeg"
	"io"
	"strings"
)

// codec is all that this package knows of one format, but for its decoder (see
// [decoderOf]). Adding a format is adding an entry to codecs.
type codec struct {
	name        string
	title       string // for people
	contentType string
	extension   string
	// magic is what each of the format's files begins with; ? stands for any byte.
	magic string
	// parse walks the file's structure to its end; see header.
	parse func(data []byte) (header, error)
	// encode is nil for a format that is read but not written.
	encode func(w io.Writer, img *image.RGBA, quality int) error
}

var codecs = []codec{
	{
		name: "jpeg", title: "JPEG", contentType: "image/jpeg", extension: ".jpg",
		magic: "\xff\xd8", parse: parseJPEG, encode: encodeJPEG,
	},
	{
		name: "png", title: "PNG", contentType: "image/png", extension: ".png",
		magic: "\x89PNG", parse: parsePNG, encode: encodePNG,
	},
	{
		name: "webp", title: "WebP", contentType: "image/webp", extension: ".webp",
		magic: "RIFF????WEBP", parse: parseWebP, encode: encodeWebP,
	},
	{
		name: "gif", title: "GIF", contentType: "image/gif", extension: ".gif",
		magic: "GIF8", parse: parseGIF,
	},
}

// header is what a walk over a file's structure finds.
type header struct {
	width, height int // as stored, both positive
	// cost is how many bytes a pixel a decode takes at most: 4 of the result, and the
	// decoder's own. extra is what it takes besides, however many there are: a copy of
	// the profile, if there is one, and tables.
	cost, extra int64
	// orientation is EXIF's, 1 to 8; 1 where the file has none.
	orientation int
	// profile returns the embedded colour profile, unchecked but of bounded
	// size. It is a function so that only Decode pays for unpacking it. It is nil
	// where the file has none, and returns nil where it can't be unpacked.
	profile func() []byte
	// oddSampling: the chroma of this JPEG is sampled in a way that the standard
	// library's decoder refuses.
	oddSampling bool
}

// codecOf returns the codec that the data's first bytes call for, or nil.
func codecOf(data []byte) *codec {
	for i := range codecs {
		if begins(data, codecs[i].magic) {
			return &codecs[i]
		}
	}
	return nil
}

func begins(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != data[i] {
			return false
		}
	}
	return true
}

func codecNamed(name string) *codec {
	for i := range codecs {
		if codecs[i].name == name {
			return &codecs[i]
		}
	}
	return nil
}

// Formats returns the names of the formats that [Encode] writes.
func Formats() []string {
	var names []string
	for _, c := range codecs {
		if c.encode != nil {
			names = append(names, c.name)
		}
	}
	return names
}

// FormatLength is how many bytes [FormatOf] looks at.
const FormatLength = 12

// FormatOf returns the name of the format that data begins as a file of, and "" where
// it is none that is read. The rest may be anything.
func FormatOf(data []byte) string {
	if c := codecOf(data); c != nil {
		return c.name
	}
	return ""
}

// ContentType returns the media type of a format that is read or written, by
// the name that [Info] and [Formats] use, and "" for another name.
func ContentType(format string) string {
	if c := codecNamed(format); c != nil {
		return c.contentType
	}
	return ""
}

// Extension returns a format's file name extension with its dot, and "" for an
// unknown format.
func Extension(format string) string {
	if c := codecNamed(format); c != nil {
		return c.extension
	}
	return ""
}

// readable lists the formats that are read, for messages: "JPEG, PNG and GIF".
func readable() string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.title)
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func encodeJPEG(w io.Writer, img *image.RGBA, quality int) error {
	return jpeg.Encode(w, img, &jpeg.Options{Quality: quality})
}
