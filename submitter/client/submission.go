package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/atelier-go/atelier/submitter/picture"
)

// A Submission is what is sent with one Idempotency-Key. It becomes one job, however often it is
// sent. It is not safe for concurrent use.
type Submission struct {
	client   *Client
	fields   [][2]string
	pictures map[string]*picture.File // by form field
	key      string
	form     *form     // with all pictures
	uploads  []*upload // of the pictures that are too large for the form
}

// maxGrants is how often one call of [Submission.Send] requests an upload for the same picture: an
// upload may expire or get lost.
const maxGrants = 3

// NewSubmission prepares a submission of a photograph and, unless style is nil, a style picture.
// The pictures must stay open while the submission is used. key has 1 to 255 visible ASCII
// characters; the API remembers it for a day.
func (c *Client) NewSubmission(options *Options, photograph, style *picture.File, key string) (*Submission, error) {
	pictures := map[string]*picture.File{imageField: photograph}
	if style != nil {
		pictures[styleField] = style
	}
	fields := options.Fields()
	f, err := newForm(fields, pictures)
	if err != nil {
		return nil, err
	}
	return &Submission{c, fields, pictures, key, f, planUploads(pictures, f.size)}, nil
}

// Size returns how many bytes are to be sent.
func (s *Submission) Size() int64 { return s.form.size }

// Send submits once; to retry, use [Retry]. Large pictures are first uploaded separately if the API
// supports that. A picture that an earlier call has uploaded is not sent again. Unless progress is
// nil, it is called with the number of bytes sent so far, possibly concurrently and after Send has
// returned. After an error, uncertain reports whether the submission may have become a job.
func (s *Submission) Send(ctx context.Context, progress func(sent int64)) (j *Job, uncertain bool, err error) {
	if len(s.uploads) == 0 || s.client.noUploads.Load() {
		return s.client.submit(ctx, s.form, s.key, progress)
	}
	for grants := 1; ; grants++ {
		err = s.upload(ctx, progress)
		if s.client.noUploads.Load() {
			return s.client.submit(ctx, s.form, s.key, progress)
		}
		if err == nil {
			j, uncertain, err = s.submitUploaded(ctx)
		}
		if err == nil || !uploadLost(err) || grants == maxGrants || errors.Is(err, ErrMalformed) {
			return j, uncertain, err
		}
		status := (*StatusError)(nil)
		for _, u := range s.uploads {
			if errors.As(err, &status) || !u.done { // the API does not say which upload is lost
				u.grant, u.done = nil, false
			}
		}
	}
}

// submitUploaded submits the ids of the uploads, together with the pictures that were not uploaded.
func (s *Submission) submitUploaded(ctx context.Context) (j *Job, uncertain bool, err error) {
	fields, others := slices.Clone(s.fields), maps.Clone(s.pictures)
	for _, u := range s.uploads {
		fields = append(fields, [2]string{u.idField, u.grant.UploadID})
		delete(others, u.pictureField)
	}
	f, err := newForm(fields, others)
	if err != nil {
		return nil, false, err
	}
	return s.client.submit(ctx, f, s.key, nil)
}

// expectFrom is the size of a body, in bytes, from which the API is asked whether it accepts the
// body before the body is sent.
const expectFrom = 1 << 20

// submit sends a form once. progress and uncertain are explained at [Submission.Send].
func (c *Client) submit(ctx context.Context, f *form, key string, progress func(sent int64)) (j *Job, uncertain bool, err error) {
	body := &progressReader{r: f.body(), size: f.size, progress: progress}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.JoinPath("v1/jobs").String(), body)
	if err != nil {
		return nil, false, err
	}
	req.ContentLength = f.size
	req.Header.Set("Content-Type", f.contentType)
	req.Header.Set("Idempotency-Key", key)
	if f.size > expectFrom {
		req.Header.Set("Expect", "100-continue")
	}
	resp, err := c.do(req)
	var status *StatusError
	switch {
	case errors.As(err, &status):
		return nil, status.Status >= 500, err
	case err != nil && body.failed.Load() != nil:
		return nil, false, fmt.Errorf("the picture could not be read while it was sent: %w", *body.failed.Load())
	case err != nil:
		// The counter is atomic, because net/http may still be reading in another goroutine.
		return nil, !Refused(err) && body.read.Load() >= f.size, err
	}
	defer resp.Body.Close()
	j, err = c.parseJob(resp)
	return j, err != nil, err
}
