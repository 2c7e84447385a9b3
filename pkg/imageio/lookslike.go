package imageio

import (
	"bytes"
	"unicode/utf8"
)

// signatures are the first bytes of unsupported formats that users are likely to send.
var signatures = []struct {
	offset int
	magic  string
	name   string
}{
	{8, "WAVE", "sound"},
	{8, "AVI ", "a video"},
	{4, "ftypavif", "AVIF"},
	{4, "ftypavis", "AVIF"},
	{4, "ftyphei", "HEIC"},
	{4, "ftyphev", "HEIC"},
	{4, "ftypmif1", "HEIC"},
	{4, "ftypmsf1", "HEIC"},
	{4, "ftypcrx", "a camera's raw file"},
	{4, "ftyp", "a video"},
	{0, "II*\x00", "TIFF or a camera's raw file"},
	{0, "MM\x00*", "TIFF or a camera's raw file"},
	{0, "BM", "BMP"},
	{0, "8BPS", "a Photoshop document"},
	{0, "\xff\x0a", "JPEG XL"},
	{0, "\x00\x00\x00\x0cJXL ", "JPEG XL"},
	{0, "\x00\x00\x00\x0cjP  ", "JPEG 2000"},
	{0, "\x00\x00\x01\x00", "an icon"},
	{0, "%PDF", "PDF"},
	{0, "PK\x03\x04", "a ZIP archive"},
	{0, "\x1f\x8b", "a gzip archive"},
	{0, "\x1aE\xdf\xa3", "a video"},
}

// looksLike says what data seems to be, as a part of an error message such as "this looks like HEIC".
// It examines the first kilobyte only, and nothing else depends on it.
func looksLike(data []byte) string {
	if len(data) == 0 {
		return "the file is empty"
	}
	head := data[:min(len(data), 1024)]
	for _, s := range signatures {
		if len(head) >= s.offset && bytes.HasPrefix(head[s.offset:], []byte(s.magic)) {
			return "this looks like " + s.name
		}
	}
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	switch {
	case bytes.HasPrefix(text, []byte("<")) && bytes.Contains(text, []byte("<svg")):
		return "this looks like SVG"
	case bytes.HasPrefix(text, []byte("<!doctype html")), bytes.HasPrefix(text, []byte("<html")):
		return "this looks like a web page"
	case isText(head, len(data) > len(head)):
		return "this looks like text"
	}
	return "the format is unknown"
}

// isText reports whether head is UTF-8 without control characters. If cut, head is the start of
// something longer, and its last rune may be incomplete.
func isText(head []byte, cut bool) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return cut && len(head) < utf8.UTFMax && !utf8.FullRune(head)
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' {
			return false
		}
		head = head[n:]
	}
	return true
}
