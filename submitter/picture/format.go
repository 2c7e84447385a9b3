package picture

import (
	"errors"
	"io"
	"os"

	"github.com/atelier-go/atelier/pkg/formats"
)

// HeadSize is the number of bytes of a file that [FormatOfContent] needs.
const HeadSize = formats.HeadLength

// FormatOfContent returns the name of the format of a picture that begins with head; "" for
// anything else.
func FormatOfContent(head []byte) string { return formats.Detect(head).Name }

// FormatOfName returns the name of the format of results that the extension of a file's name
// stands for; "" if it stands for none.
func FormatOfName(path string) string {
	if f := formats.ByFileName(path); f.Output {
		return f.Name
	}
	return ""
}

// Extension returns the extension of results of a format; "" for a format that results can't
// have.
func Extension(format string) string {
	if f := formats.ByName(format); f.Output {
		return f.Extension()
	}
	return ""
}

// Is reports whether a file is a picture that the API reads, by its content or its name. A
// file that is one by name only, or can't be opened, counts too: it is better refused by
// name than skipped silently.
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
