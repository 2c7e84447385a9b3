package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/picture"
)

// maxResult is the largest result, in bytes, that is downloaded. No result should be nearly as
// large: a PNG of 4096 x 4096 pixels of noise has 50 MB.
const maxResult = 256 << 20

// Download writes the result of a job to f, and replaces what is there. [Job.Err] must be nil. It
// checks the length, the SHA-256 and the format that the job names. It retries while the API is
// unavailable, and if the result is damaged.
func (c *Client) Download(ctx context.Context, j *Job, f *os.File) error {
	if err := c.checkResult(j); err != nil {
		return err
	}
	_, err := Retry(ctx, func() (struct{}, error) {
		return struct{}{}, c.download(ctx, j.Result, f)
	}, Unavailable, nil)
	if err != nil {
		return err
	}
	return c.checkPicture(j, f)
}

// checkResult returns an error if a job describes a result that can't exist.
func (c *Client) checkResult(j *Job) error {
	if _, err := c.ResultName(j); err != nil {
		return err
	}
	if n := j.Result.Bytes; n <= 0 || n > maxResult {
		return c.malformed("the result of job %s is said to have %d bytes, not 1 to %d", j.ID, n, maxResult)
	}
	if sum, err := hex.DecodeString(j.Result.SHA256); err != nil || len(sum) != sha256.Size {
		return c.malformed("the result of job %s has no SHA-256", j.ID)
	}
	return nil
}

// download downloads a result once.
func (c *Client) download(ctx context.Context, r *job.Result, f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	resp, err := c.get(ctx, r.URL, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close() // not drained: a body that is too long is not worth it
	hash := sha256.New()
	body := &failureReader{r: io.LimitReader(resp.Body, r.Bytes+1)}
	n, err := io.Copy(io.MultiWriter(f, hash), body)
	switch {
	case body.err != nil:
		return c.networkError(ctx, body.err)
	case err != nil:
		return err
	case n != r.Bytes:
		return failuref(ErrMalformed, nil, "the API returned a picture that has not the job's %d bytes; nothing was written", r.Bytes)
	case hex.EncodeToString(hash.Sum(nil)) != r.SHA256:
		return failuref(ErrMalformed, nil, "the API returned another picture than the job's: its SHA-256 differs; nothing was written")
	}
	return nil
}

// checkPicture returns an error if a downloaded file is not a picture of the job's format.
func (c *Client) checkPicture(j *Job, f *os.File) error {
	head := make([]byte, picture.HeadSize)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if picture.FormatOfContent(head[:n]) != j.Format {
		return c.malformed("the result of job %s is not a picture of the format %s; nothing was written", j.ID, j.Format)
	}
	return nil
}

// A failureReader remembers the error of a read, so that a failed connection can be distinguished
// from a failed write.
type failureReader struct {
	r   io.Reader
	err error
}

func (f *failureReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
