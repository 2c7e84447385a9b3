// Package protocol is what the decoder's two sides send each other: a line of JSON
// for each request and each reply, over the program's standard input and output. The
// pictures themselves are in two memory files, which both sides have open.
package protocol

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// The descriptors under which a decoder has the memory files.
const (
	InputFD  = 3 // the pictures of the request, one after the other
	OutputFD = 4 // what became of them, one after the other
)

// MaxLine is the longest line in bytes.
const MaxLine = 16 << 10

// Held is how much memory in bytes a decoder holds on to while it waits: one that has grown
// by more marks all that is free as such (MADV_FREE), for the system to take when it needs it.
const Held = 24 << 20

// A Request asks for the pictures in the input.
type Request struct {
	Limits  imageio.Limits `json:"limits"`
	Photo   Picture        `json:"photo"`
	Style   Picture        `json:"style"`   // of 0 bytes: there is none
	Preview int            `json:"preview"` // longest edge of the photograph's preview; 0: none is wanted
	Memory  int64          `json:"memory"`  // that decoding may take, in bytes
	Output  int64          `json:"output"`  // the most bytes that may be written to the output
}

// A Picture is one of a request.
type Picture struct {
	Bytes   int64 `json:"bytes"`
	Longest int   `json:"longest"` // the edge to which it is fitted; of the style's, its central square
	Fitted  Size  `json:"fitted"`  // what that makes of it
}

// A Reply says what is in the output: the photograph's pixels, the style's, both as
// RGBA without gaps, and the preview, a JPEG file.
type Reply struct {
	Photo   Size   `json:"photo"`
	Style   Size   `json:"style"`
	Preview int64  `json:"preview"` // bytes
	Grown   int64  `json:"grown"`   // bytes that the process holds above what it began with
	Error   *Error `json:"error,omitempty"`
}

// Size is in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Bytes is what the pixels take.
func (s Size) Bytes() int64 { return 4 * int64(s.Width) * int64(s.Height) }

// An Error is one of the errors of imageio.
type Error struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

var sentinels = []struct {
	code string
	err  error
}{
	{"unsupported", job.ErrUnsupportedImage},
	{"damaged", job.ErrDamagedImage},
	{"bytes", job.ErrTooManyBytes},
	{"pixels", job.ErrTooManyPixels},
}

// maxDetail leaves room for the rest of a line, however the detail is escaped.
const maxDetail = 1000

// ErrorOf is err on its way to the other side; nil is nil.
func ErrorOf(err error) *Error {
	if err == nil {
		return nil
	}
	e := &Error{Detail: fmt.Sprintf("%.*s", maxDetail, err.Error())}
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			e.Code = s.code
			break
		}
	}
	return e
}

// Err is the error that was sent: it wraps the sentinel that it did before.
func (e *Error) Err() error {
	if e == nil {
		return nil
	}
	for _, s := range sentinels {
		if s.code == e.Code {
			return &received{e.Detail, s.err}
		}
	}
	return errors.New(e.Detail)
}

// received reads as the error did on the other side.
type received struct {
	detail   string
	sentinel error
}

func (e *received) Error() string { return e.detail }
func (e *received) Unwrap() error { return e.sentinel }
