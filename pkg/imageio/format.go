package imageio

import (
	"image"
	"image/jpeg"
	"io"
	"strings"
)

// codec describes one format, except its decoder (see [decoderOf]). A new format needs an entry in
// codecs.
type codec struct {
	name        string
	title       string // for texts
	contentType string
	extension   string
	// magic is the start of each file of the format; ? matches any byte.
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
func codecOf(data []byte) *codec {
	for i := range codecs {
		if hasMagic(data, codecs[i].magic) {
			return &codecs[i]
		}
	}
	return nil
}

func hasMagic(data []byte, magic string) bool {
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

// FormatLength is how many bytes [FormatOf] needs.
const FormatLength = 12

// FormatOf returns the name of the format that data begins with, or "" if it is not supported. It
// checks the first bytes only.
func FormatOf(data []byte) string {
	if c := codecOf(data); c != nil {
		return c.name
	}
	return ""
}

// ContentType returns the media type of a supported format, given by the name that [Info] and
// [Formats] use, or "" for an unknown name.
func ContentType(format string) string {
	if c := codecNamed(format); c != nil {
		return c.contentType
	}
	return ""
}

// Extension returns a format's file name extension with its dot, or "" for an unknown format.
func Extension(format string) string {
	if c := codecNamed(format); c != nil {
		return c.extension
	}
	return ""
}

// inputFormats returns the list of supported formats for messages: "JPEG, PNG and GIF".
func inputFormats() string {
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
