package client

import (
	"bytes"
	"io"
	"mime/multipart"

	"github.com/atelier-go/atelier/submitter/picture"
)

// A form is the body of a submission. It can be read repeatedly, and keeps no picture in memory.
type form struct {
	contentType string
	parts       []part
	size        int64 // bytes
}

type part struct {
	content io.ReaderAt
	size    int64
}

// The form fields that hold pictures.
const (
	imageField = "image"
	styleField = "style_image"
)

// newForm returns a form with these text fields and pictures. The text fields come first, so that
// the API can refuse them before the pictures have arrived.
func newForm(fields [][2]string, pictures map[string]*picture.File) (*form, error) {
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	f := &form{contentType: w.FormDataContentType()}
	add := func(content io.ReaderAt, size int64) {
		f.parts = append(f.parts, part{content, size})
		f.size += size
	}
	flush := func() {
		add(bytes.NewReader(bytes.Clone(text.Bytes())), int64(text.Len()))
		text.Reset()
	}
	for _, field := range fields {
		if err := w.WriteField(field[0], field[1]); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{styleField, imageField} {
		p := pictures[name]
		if p == nil {
			continue
		}
		// The file's own name is not sent: it is private.
		if _, err := w.CreateFormFile(name, name); err != nil {
			return nil, err
		}
		flush()
		add(p, p.Size)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	flush()
	return f, nil
}

// body returns a reader of the whole form. Each call returns another one.
func (f *form) body() io.Reader {
	var readers []io.Reader
	for _, p := range f.parts {
		readers = append(readers, io.NewSectionReader(p.content, 0, p.size))
	}
	return io.MultiReader(readers...)
}
