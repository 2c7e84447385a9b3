// Package formats lists the picture formats that Atelier reads and writes. API, page, submitter and
// pkg/imageio take names, content types, file name extensions and first bytes from here.
//
// A new format needs an entry in this list and, in pkg/imageio, an entry in codecs, a case in
// decoderOf and the removal of its signatures from lookslike.go. If results can have the format,
// scripts/deploy/template.yaml needs its media type too, because DataSync sets none. Tests compare
// codecs, the template and the documents with this list.
package formats

import (
	"path/filepath"
	"slices"
	"strings"
)

// A Format is a picture format.
type Format struct {
	Name        string   // in requests, specs and the names of published files
	Title       string   // in texts for users
	ContentType string   // the media type
	Extensions  []string // of file names, in lower case with the dot; results have the first
	// Signature is what every file of the format begins with, at most [HeadLength] bytes; ? stands for
	// any byte. A format with several signatures is not supported: for one, such as AVIF, this must
	// become a list.
	Signature string
	// Output reports whether results can have the format. All formats can be submitted.
	Output bool
}

var all = []Format{
	{Name: "jpeg", Title: "JPEG", ContentType: "image/jpeg", Extensions: []string{".jpg", ".jpeg"}, Signature: "\xff\xd8", Output: true},
	{Name: "png", Title: "PNG", ContentType: "image/png", Extensions: []string{".png"}, Signature: "\x89PNG", Output: true},
	{Name: "webp", Title: "WebP", ContentType: "image/webp", Extensions: []string{".webp"}, Signature: "RIFF????WEBP", Output: true},
	{Name: "gif", Title: "GIF", ContentType: "image/gif", Extensions: []string{".gif"}, Signature: "GIF8"},
}

// HeadLength is the number of bytes, from the start of a file, that [Detect] needs.
const HeadLength = 12

// All returns the formats in the order in which texts list them.
func All() []Format { return slices.Clone(all) }

// Outputs returns the formats that results can have.
func Outputs() []Format { return slices.DeleteFunc(All(), func(f Format) bool { return !f.Output }) }

// ByName returns the format with the given name; the zero Format if there is none.
func ByName(name string) Format {
	return first(func(f *Format) bool { return f.Name == name })
}

// Detect returns the format whose signature data begins with; the zero Format if there is none. It
// examines the first [HeadLength] bytes only.
func Detect(data []byte) Format {
	return first(func(f *Format) bool { return f.begins(data) })
}

// ByFileName returns the format that the extension of a file's name stands for, in upper or lower
// case; the zero Format if it stands for none.
func ByFileName(name string) Format {
	extension := strings.ToLower(filepath.Ext(name))
	return first(func(f *Format) bool { return slices.Contains(f.Extensions, extension) })
}

func first(matches func(*Format) bool) Format {
	for i := range all {
		if matches(&all[i]) {
			return all[i]
		}
	}
	return Format{}
}

func (f *Format) begins(data []byte) bool {
	if len(data) < len(f.Signature) {
		return false
	}
	for i := range len(f.Signature) {
		if f.Signature[i] != '?' && f.Signature[i] != data[i] {
			return false
		}
	}
	return true
}

// Extension returns the extension of the names of results, with its dot; "" for the zero Format.
func (f Format) Extension() string {
	if len(f.Extensions) == 0 {
		return ""
	}
	return f.Extensions[0]
}

// Names returns the formats' names.
func Names(of []Format) []string { return list(of, func(f Format) string { return f.Name }) }

// ContentTypes returns the formats' media types.
func ContentTypes(of []Format) []string {
	return list(of, func(f Format) string { return f.ContentType })
}

// Titles returns the formats' titles as a list for texts, with the conjunction before the last one:
// "JPEG, PNG or GIF" for "or".
func Titles(of []Format, conjunction string) string {
	return sentence(list(of, func(f Format) string { return f.Title }), conjunction)
}

// NameList returns the formats' names as a list for texts, as [Titles] does.
func NameList(of []Format, conjunction string) string { return sentence(Names(of), conjunction) }

func list(of []Format, text func(Format) string) []string {
	texts := make([]string, len(of))
	for i, f := range of {
		texts[i] = text(f)
	}
	return texts
}

func sentence(words []string, conjunction string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}
