package picture

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// HeadSize is the number of bytes of a file that [FormatOfContent] needs.
const HeadSize = 512

// FormatOfContent returns the format of a picture that begins with head: jpeg, png, webp or
// gif; "" for anything else.
func FormatOfContent(head []byte) string {
	format, ok := strings.CutPrefix(http.DetectContentType(head), "image/")
	if ok && slices.Contains([]string{"jpeg", "png", "webp", "gif"}, format) {
		return format
	}
	return ""
}

// FormatOfName returns the format of results that the extension of a file's name stands
// for; "" if it stands for none.
func FormatOfName(path string) string {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".jpg", ".jpeg":
		return "jpeg"
	case ".png", ".webp":
		return ext[1:]
	}
	return ""
}

// Extension returns the extension of files of a format; "" for an unknown format.
func Extension(format string) string {
	switch format {
	case "jpeg":
		return ".jpg"
	case "png", "webp":
		return "." + format
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
	if FormatOfName(path) != "" || strings.EqualFold(filepath.Ext(path), ".gif") {
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
