package picture

import (
	"errors"
	"io"
	"os"

	"github.com/atelier-go/atelier/pkg/formats"
)

// HeadSize is the number of bytes of a file that [FormatOfContent] needs.
const HeadSize = formats.HeadLength

// FormatOfContent returns the name of the format of a picture that begins with head; "" if it is
// not a known one.
func FormatOfContent(head []byte) string { return formats.Detect(head).Name }

// FormatOfName returns the name of the format that the extension of a file's name stands for, if
// results can have it; "" otherwise.
func FormatOfName(path string) string {
	if f := formats.ByFileName(path); f.Output {
		return f.Name
	}
	return ""
}

// Extension returns the extension for files of a format that results can have; "" for any other
// format.
func Extension(format string) string {
	if f := formats.ByName(format); f.Output {
		return f.Extension()
	}
	return ""
}

// Is reports whether a file is a picture that the API accepts, by its content or by its name. If
// only the name says so, or if the file can't be opened, it counts as a picture too: an error that
// names the file is better than to skip it silently.
func Is(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false // opening a pipe would block
	}
	if formats.ByFileName(path).Name != "" {
		return true
	}
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return true
	}
	return FormatOfContent(head[:n]) != ""
}
