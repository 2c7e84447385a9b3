package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

const (
	maxFieldBytes = 1 << 10  // of a text field
	maxParts      = 32       // more than there are fields
	formOverhead  = 64 << 10 // part headers and text fields of one form
)

// A form is a submission as it was sent: text fields by name, and the pictures.
type form struct {
	fields map[string]string
	files  map[string][]byte // one behind the other in room

	buffer    []byte
	onRelease func() // called by letGo
}

// size is how many bytes of memory the pictures take.
func (f *form) memory() int64 { return int64(cap(f.buffer)) }

// letGo is for pictures that are stored: their memory is free again.
func (f *form) releaseMemory() {
	f.files, f.buffer = nil, nil
	if f.onRelease != nil {
		f.onRelease()
	}
}

// textFields and fileFields are what a submission may hold.
var (
	textFields = []string{"style", "strength", "size", "format", "quality", "preserve_colors", "public", "upload_id", "style_upload_id"}
	fileFields = []string{"image", "style_image"}
)

// maxForm is how many bytes a form may have.
func maxFormBytes(maxFile int64) int64 { return int64(len(fileFields))*maxFile + formOverhead }

func pictureTooLarge(maxFile int64) error {
	return fmt.Errorf("%w: at most %s for each picture", job.ErrTooManyBytes, mebibytes(maxFile))
}

// formSize is how many bytes a multipart body has at most: as many as it says, or, where
// it doesn't, as many as one may have. What says that it has more is refused, as is what
// is no such body.
func formSize(r *http.Request, maxFile int64) (int64, error) {
	if _, err := boundaryOf(r); err != nil {
		return 0, err
	}
	switch most := maxFormBytes(maxFile); {
	case r.ContentLength < 0:
		return most, nil
	case r.ContentLength > most:
		return 0, pictureTooLarge(maxFile)
	}
	return r.ContentLength, nil
}

func boundaryOf(r *http.Request) (string, error) {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return "", newProblem(http.StatusUnsupportedMediaType, "not_multipart",
			`send the fields as multipart/form-data, such as curl -F image=@photo.jpg -F style=NAME`)
	}
	if params["boundary"] == "" {
		return "", newProblem(http.StatusBadRequest, "malformed_request", "the Content-Type names no boundary")
	}
	return params["boundary"], nil
}

// readForm reads a multipart body of at most size bytes part by part, in no more memory
// than that: no part goes to a temporary file, and a body over the limit is refused as
// soon as it is.
func readForm(r *http.Request, size, maxFile int64) (*form, error) {
	boundary, err := boundaryOf(r)
	if err != nil {
		return nil, err
	}
	body := &cappedReader{r: r.Body, left: size, err: pictureTooLarge(maxFile)}
	f := &form{fields: map[string]string{}, files: map[string][]byte{}, buffer: make([]byte, 0, size)}
	parts := multipart.NewReader(body, boundary)
	for n := 0; ; n++ {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // the closing boundary; a body that merely ends is a wrapped EOF
			f.trim()
			return f, nil
		}
		if err == nil && n == maxParts {
			err = errors.New("too many parts")
		}
		if err == nil {
			err = f.readPart(part, maxFile)
		}
		if err != nil {
			return nil, formError(err)
		}
	}
}

// read takes one part. Unknown names are refused, because a misspelt field
// that is ignored paints the wrong picture.
func (f *form) readPart(part *multipart.Part, maxFile int64) error {
	name := part.FormName()
	_, textTwice := f.fields[name]
	_, fileTwice := f.files[name]
	if textTwice || fileTwice {
		return &job.FieldError{Field: name, Problem: "was sent twice"}
	}
	switch {
	case slices.Contains(fileFields, name):
		return f.readFile(part, name, maxFile)
	case slices.Contains(textFields, name):
		data, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
		if err != nil {
			return err
		}
		if len(data) > maxFieldBytes {
			return &job.FieldError{Field: name, Problem: "is too long"}
		}
		f.fields[name] = string(data)
	default:
		return &job.FieldError{Field: fmt.Sprintf("%.40q", name), Problem: "is no field of a job; there are " + strings.Join(slices.Concat(fileFields, textFields), ", ")}
	}
	return nil
}

// readFile reads a picture behind the one that is there already.
func (f *form) readFile(part io.Reader, name string, maxFile int64) error {
	into := f.buffer[len(f.buffer):cap(f.buffer)]
	if int64(len(into)) > maxFile+1 {
		into = into[:maxFile+1]
	}
	for n := 0; n < len(into); { // a whole body is longer than the pictures in it
		more, err := part.Read(into[n:])
		n += more
		if err == io.EOF { // of the part: a body that merely ends is another error
			f.files[name] = into[:n:n]
			f.buffer = f.buffer[:len(f.buffer)+n]
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: %w: at most %s", name, job.ErrTooManyBytes, mebibytes(maxFile))
}

// trim leaves memory to the pictures alone where the body has said nothing of its size
// and had far less than it might.
func (f *form) trim() {
	if len(f.buffer) > cap(f.buffer)/4 {
		return
	}
	room := make([]byte, 0, len(f.buffer))
	for name, data := range f.files {
		begin := len(room)
		room = append(room, data...)
		f.files[name] = room[begin:len(room):len(room)]
	}
	f.buffer = room
}

// formError tells what the client sent wrong from what the transport did.
func formError(err error) error {
	var field *job.FieldError
	if errors.Is(err, job.ErrTooManyBytes) || errors.As(err, &field) {
		return err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow
	}
	return newProblem(http.StatusBadRequest, "malformed_request", "the multipart body can't be read: it is empty, cut short, or its boundary is wrong")
}

// number reads a numeric field; def where it is absent.
func (f *form) number(name string, def float64, bad *[]*job.FieldError) float64 {
	s, ok := f.fields[name]
	if !ok {
		return def
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		*bad = append(*bad, &job.FieldError{Field: name, Problem: fmt.Sprintf("must be a number, not %.40q", s)})
		return def
	}
	return v
}

// integer reads a whole number; def where it is absent.
func (f *form) integer(name string, def int, bad *[]*job.FieldError) int {
	s, ok := f.fields[name]
	if !ok {
		return def
	}
	v, err := strconv.Atoi(s)
	if err != nil {
		*bad = append(*bad, &job.FieldError{Field: name, Problem: fmt.Sprintf("must be a whole number, not %.40q", s)})
		return def
	}
	return v
}

// boolean reads true or false; def where it is absent.
func (f *form) boolean(name string, def bool, bad *[]*job.FieldError) bool {
	switch s, ok := f.fields[name]; {
	case !ok:
		return def
	case s == "true" || s == "1":
		return true
	case s == "false" || s == "0":
		return false
	default:
		*bad = append(*bad, &job.FieldError{Field: name, Problem: fmt.Sprintf("must be true or false, not %.40q", s)})
		return def
	}
}

// text reads a text field; def where it is absent.
func (f *form) text(name, def string) string {
	if s, ok := f.fields[name]; ok {
		return s
	}
	return def
}

// cappedReader fails with err once more than left bytes were read, where
// io.LimitReader would pretend that the body had ended.
type cappedReader struct {
	r    io.Reader
	left int64
	err  error
}

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, c.err
	}
	return n, err
}

func mebibytes(n int64) string { return fmt.Sprintf("%.4g MiB", float64(n)/(1<<20)) }
