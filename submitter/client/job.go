package client

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/picture"
)

// A Job is a job as the API has returned it.
type Job struct {
	job.Job
	JSON []byte `json:"-"` // the response, which may have more members than Job

	etag string
}

// Job reads a job. It retries while the API is unavailable.
func (c *Client) Job(ctx context.Context, id job.ID) (*Job, error) {
	return Retry(ctx, func() (*Job, error) {
		j, _, err := c.readJob(ctx, id, "", 0)
		return j, err
	}, Unavailable, nil)
}

// readJob reads a job once. If etag is that of an earlier response, it returns nil if the job has
// not changed; the API waits up to wait for a change before it responds so. The second result is
// the Retry-After of the response.
func (c *Client) readJob(ctx context.Context, id job.ID, etag string, wait time.Duration) (*Job, time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wait+smallTimeout, errRequestTimeout)
	defer cancel()
	address := jobAddress(id)
	if wait > 0 {
		address += "?wait=" + strconv.Itoa(int(wait/time.Second))
	}
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	resp, err := c.get(ctx, address, header)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified {
		return nil, retryAfter(resp.Header), nil
	}
	j, err := c.parseJobOf(resp, id)
	return j, retryAfter(resp.Header), err
}

func jobAddress(id job.ID) string { return "v1/jobs/" + string(id) }

func (c *Client) parseJob(resp *http.Response) (*Job, error) {
	j := &Job{etag: resp.Header.Get("ETag")}
	var err error
	if j.JSON, err = c.readJSON(resp, &j.Job); err != nil {
		return nil, err
	}
	return j, c.checkJob(&j.Job)
}

// parseJobOf parses a response that must contain the job with this id.
func (c *Client) parseJobOf(resp *http.Response, id job.ID) (*Job, error) {
	j, err := c.parseJob(resp)
	if err == nil && j.ID != id {
		err = c.malformed("asked for job %s, it returned job %s", id, j.ID)
	}
	return j, err
}

// checkJob returns an error if a job lacks what every job has.
func (c *Client) checkJob(j *job.Job) error {
	switch err := c.checkID(j.ID); {
	case err != nil:
		return err
	case !j.State.Valid():
		return c.malformed("job %s is in the state %.20q", j.ID, j.State)
	case j.State == job.Succeeded && j.Result == nil:
		return c.malformed("job %s has succeeded without a result", j.ID)
	}
	return nil
}

func (c *Client) checkID(id job.ID) error {
	if _, err := job.ParseID(string(id)); err != nil {
		return c.malformed("%w", err)
	}
	return nil
}

// maxCursor is the largest length, in bytes, of a cursor of a list that is accepted.
const maxCursor = 1000

// checkCursor returns an error if a text can't be a cursor of a list. An empty one is allowed.
func (c *Client) checkCursor(cursor string) error {
	if len(cursor) > maxCursor || strings.ContainsFunc(cursor, func(r rune) bool { return !visible(r) }) {
		return c.malformed("its list continues at %.20q", cursor)
	}
	return nil
}

// Err returns nil if the job has a result. Otherwise it says why not: [ErrJobFailed], [ErrNotFound]
// if the job has expired, or [ErrConflict] if it is unfinished.
func (j *Job) Err() error {
	switch {
	case j.State == job.Succeeded && j.Result != nil:
		return nil
	case j.State == job.Failed && j.Error != nil:
		return failuref(ErrJobFailed, nil, "job %s failed: %s (%s)", j.ID, j.Error.Message, j.Error.Code)
	case j.State == job.Failed, j.State == job.Canceled:
		return failuref(ErrJobFailed, nil, "job %s: it was %s", j.ID, j.State)
	case j.State == job.Expired:
		return failuref(ErrNotFound, nil, "job %s has expired, and its picture is erased: submit it again", j.ID)
	}
	return failuref(ErrConflict, nil, "job %s is still %s", j.ID, j.State)
}

// ResultName returns the file name for a job's result. If the job has an unknown format, the error
// is an [ErrMalformed].
func (c *Client) ResultName(j *Job) (string, error) {
	extension := picture.Extension(j.Format)
	if extension == "" {
		return "", c.malformed("the result of job %s has the format %.40q, and only %s are saved", j.ID, j.Format, formats.Titles(formats.Outputs(), "and"))
	}
	return "atelier-" + string(j.ID) + extension, nil
}
