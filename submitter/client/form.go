package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
)

// A picture is a file to send.
type picture struct {
	file *os.File
	size int64
}

// maxSpool bounds what is taken from a pipe before it is sent. It is no limit
// on pictures, which is the API's to set: it keeps an endless pipe from filling
// the disk.
const maxSpool = 1 << 30

// openPicture opens a file, or standard input for "-". Pipes are copied to a
// temporary file first, so that length and content hold still while the picture
// is sent, and it can be sent again. The caller closes the picture's file.
func openPicture(ctx context.Context, path string, stdin io.Reader) (*picture, error) {
	if path == "-" {
		if isTerminal(stdin) {
			return nil, faultf(errUsage, "standard input is a terminal: pipe a picture into it, or name a file")
		}
		return spool(ctx, "standard input", stdin)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such file", path)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder: name a picture in it", path)
	case !info.Mode().IsRegular():
		defer file.Close()
		return spool(ctx, path, file)
	case info.Size() == 0:
		err = fmt.Errorf("%s is empty", path)
	default:
		return &picture{file, info.Size()}, nil
	}
	_ = file.Close() // it was only opened
	return nil, err
}

func spool(ctx context.Context, name string, r io.Reader) (*picture, error) {
	file, err := unnamedFile()
	if err != nil {
		return nil, err
	}
	// A read from a pipe can't be interrupted: after a signal it is left behind,
	// and ends with the process.
	var n int64
	copied := make(chan error, 1)
	go func() {
		var err error
		n, err = io.Copy(file, io.LimitReader(r, maxSpool+1))
		copied <- err
	}()
	select {
	case err = <-copied:
	case <-ctx.Done():
		return nil, cmp.Or(stopped(ctx), ctx.Err())
	}
	switch {
	case err != nil:
		err = fmt.Errorf("read %s: %w", name, err)
	case n == 0:
		err = fmt.Errorf("%s is empty", name)
	case n > maxSpool:
		err = fmt.Errorf("%s does not end: more than a gibibyte came", name)
	default:
		return &picture{file, n}, nil
	}
	_ = file.Close() // and with that it is gone
	return nil, err
}

// unnamedFile makes a temporary file that nobody has to remove.
func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "submitter-*")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	return file, nil
}

// A form is the body of a submission. It can be read any number of times, and
// holds no picture in memory.
type form struct {
	contentType string
	pieces      []piece
	size        int64
}

type piece struct {
	content io.ReaderAt
	size    int64
}

// newForm puts the text fields first, so that the API can refuse them before
// the pictures have arrived.
func newForm(fields [][2]string, pictures map[string]*picture) (*form, error) {
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	f := &form{contentType: w.FormDataContentType()}
	add := func(content io.ReaderAt, size int64) {
		f.pieces = append(f.pieces, piece{content, size})
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
	for _, name := range []string{"style_image", "image"} {
		p := pictures[name]
		if p == nil {
			continue
		}
		// The file's own name stays here: it is nobody else's business.
		if _, err := w.CreateFormFile(name, name); err != nil {
			return nil, err
		}
		flush()
		add(p.file, p.size)
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	flush()
	return f, nil
}

// body reads the form from its beginning; each call is a reader of its own.
func (f *form) body() io.Reader {
	var readers []io.Reader
	for _, p := range f.pieces {
		readers = append(readers, io.NewSectionReader(p.content, 0, p.size))
	}
	return io.MultiReader(readers...)
}

// largeUpload is the size from which the API is asked before the body is sent.
const largeUpload = 1 << 20

// submit sends the form once, under an Idempotency-Key, which makes it safe to
// send again. progress is told how much has been read of it. After an error
// unclear says that it may have become a job.
func (c *client) submit(ctx context.Context, f *form, key string, progress func(sent int64)) (j *jobAnswer, unclear bool, err error) {
	body := &countingReader{r: f.body(), size: f.size, progress: progress}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath("v1/jobs").String(), body)
	if err != nil {
		return nil, false, err
	}
	req.ContentLength = f.size
	req.Header.Set("Content-Type", f.contentType)
	req.Header.Set("Idempotency-Key", key)
	if f.size > largeUpload {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.do(req)
	var answered *refusal
	switch {
	case errors.As(err, &answered):
		return nil, answered.status >= 500, err
	case err != nil && body.failed.Load() != nil:
		return nil, false, fmt.Errorf("the picture could not be read while it was sent: %w", *body.failed.Load())
	case err != nil:
		// net/http may still be reading in another goroutine: the counter is atomic.
		return nil, !refused(err) && body.read.Load() >= f.size, err
	}
	defer resp.Body.Close()
	j, err = c.readJob(resp)
	return j, err != nil, err
}
