// Package protocol defines the messages between pkg/decoder and its processes: a line of JSON for
// each request and each reply, over the program's standard input and output. The pictures
// themselves are in two memory files, which both sides have open.
package protocol

import (
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// The file descriptors of the memory files in the decoder process.
const (
	InputFD  = 3 // the pictures of the request, concatenated
	OutputFD = 4 // the decoded pictures, concatenated
)

// MaxLine is the longest line in bytes.
const MaxLine = 16 << 10

// Held is how much memory, in bytes, an idle decoder keeps. A process that has grown by more marks
// all unused memory as free (MADV_FREE), so that the system can reclaim it.
const Held = 24 << 20

// A Request describes the pictures in the input.
type Request struct {
	Limits  imageio.Limits `json:"limits"`
	Photo   Picture        `json:"photo"`
	Style   Picture        `json:"style"`   // 0 bytes mean that there is none
	Preview int            `json:"preview"` // longest edge of the photograph's preview; 0: no preview
	Memory  int64          `json:"memory"`  // limit for decoding, in bytes
	Output  int64          `json:"output"`  // limit of the output, in bytes
}

// A Picture describes one picture of a request.
type Picture struct {
	Bytes   int64 `json:"bytes"`
	Longest int   `json:"longest"` // the longest edge to which it is fitted; for the style, the edge of its central square
	Fitted  Size  `json:"fitted"`  // its size after that
}

// A Reply describes the output: the photograph's pixels, the style's, both as RGBA without gaps, and
// the preview, a JPEG file.
type Reply struct {
	Photo   Size   `json:"photo"`
	Style   Size   `json:"style"`
	Preview int64  `json:"preview"` // bytes
	Grown   int64  `json:"grown"`   // bytes that the process holds in addition to what it had at its start
	Error   *Error `json:"error,omitempty"`
}

// Size is a size in pixels.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// Bytes returns how many bytes the pixels take as RGBA.
func (s Size) Bytes() int64 { return 4 * int64(s.Width) * int64(s.Height) }

// An Error is an error of imageio in a reply.
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

// ErrorOf returns the message for err, or nil if err is nil.
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

// Err returns the error that the decoder sent. It wraps the same sentinel error of package job as
// there.
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

// A received error has the text of the error that the decoder sent, and wraps its sentinel error.
type received struct {
	detail   string
	sentinel error
}

func (e *received) Error() string { return e.detail }
func (e *received) Unwrap() error { return e.sentinel }
