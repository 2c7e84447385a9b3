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
	maxFieldBytes = 1 << 10  // of one text field
	maxParts      = 32       // more than there are fields
	formOverhead  = 64 << 10 // part headers and text fields of one form
)

// A form is the body of a submission: text fields by their names, and the pictures.
type form struct {
	fields map[string]string
	files  map[string][]byte // in buffer, one after the other

	buffer    []byte
	onRelease func() // called by releaseMemory
}

// memory returns how many bytes the pictures occupy.
func (f *form) memory() int64 { return int64(cap(f.buffer)) }

// releaseMemory frees the memory of the pictures, once they are stored.
func (f *form) releaseMemory() {
	f.files, f.buffer = nil, nil
	if f.onRelease != nil {
		f.onRelease()
	}
}

// textFields and fileFields are the names of a submission's fields; submitForm describes them.
var (
	textFields = []string{"style", "strength", "size", "format", "quality", "preserve_colors", "public", "upload_id", "style_upload_id"}
	fileFields = []string{"image", "style_image"}
)

// maxFormBytes returns the size of the largest form in bytes, if each file may have maxFile bytes.
func maxFormBytes(maxFile int64) int64 { return int64(len(fileFields))*maxFile + formOverhead }

func pictureTooLarge(maxFile int64) error {
	return fmt.Errorf("%w: at most %s for each picture", job.ErrTooManyBytes, mebibytes(maxFile))
}

// formSize returns how many bytes a multipart body has at most: its declared size, or the largest
// allowed size if it declares none. It returns an error if the declared size is over the limit, or
// if the body is not multipart.
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

// readForm reads a multipart body of at most size bytes into memory of that size, part by part. It
// writes no temporary file, and returns an error as soon as the body exceeds the limit.
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
		if err == io.EOF { //nolint:errorlint // the closing boundary; a truncated body is a wrapped EOF
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

// readPart reads one part. A part with an unknown name is an error: if a misspelt setting were
// ignored, the wrong picture would be painted.
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
		return &job.FieldError{Field: fmt.Sprintf("%.40q", name), Problem: "is not a field of a job; the fields are " + strings.Join(slices.Concat(fileFields, textFields), ", ")}
	}
	return nil
}

// readFile appends a picture to the buffer.
func (f *form) readFile(part io.Reader, name string, maxFile int64) error {
	into := f.buffer[len(f.buffer):cap(f.buffer)]
	if int64(len(into)) > maxFile+1 {
		into = into[:maxFile+1]
	}
	for n := 0; n < len(into); { // a complete body is longer than its pictures
		more, err := part.Read(into[n:])
		n += more
		if err == io.EOF { // of the part; a truncated body is another error
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

// trim copies the pictures into a smaller buffer if they fill only a small part of theirs. That is
// the case if the body did not declare its size, because its buffer then has the largest allowed
// size.
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

// formError returns the error of reading a form as an error of the client or of the connection.
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

// number returns a numeric field, or def if the form does not have it. If it is not a number, it
// appends an error to bad.
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

// integer is like number, for a whole number.
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

// boolean is like number, for true or false.
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

// text returns a text field, or def if the form does not have it.
func (f *form) text(name, def string) string {
	if s, ok := f.fields[name]; ok {
		return s
	}
	return def
}

// A cappedReader returns err when more than left bytes are read. io.LimitReader would report the
// end of the body there.
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
