package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Cancel cancels a job, and returns it. It retries while the API is busy or can't be reached. The
// error is an [ErrConflict] if the job has succeeded or failed.
func (c *Client) Cancel(ctx context.Context, id job.ID) (*Job, error) {
	j, _, err := c.change(ctx, http.MethodPost, id, "/cancel")
	return j, err
}

// RetryJob begins the next run of a job that has failed or was canceled, and returns the job.
// before is the job as the caller has read it. It retries like [Client.Cancel]. The error is an
// [ErrConflict] if the job is in another state.
func (c *Client) RetryJob(ctx context.Context, before *Job) (*Job, error) {
	j, repeated, err := c.change(ctx, http.MethodPost, before.ID, "/retry")
	if repeated && errors.Is(err, ErrConflict) {
		// The response to an earlier try was lost. If the job is in a later run, that try
		// started it, and it has been claimed since.
		if now, rerr := c.Job(ctx, before.ID); rerr == nil && now.Run > before.Run {
			return now, nil
		}
	}
	return j, err
}

// Delete erases a job with its pictures. It retries like [Client.Cancel].
func (c *Client) Delete(ctx context.Context, id job.ID) error {
	_, repeated, err := c.change(ctx, http.MethodDelete, id, "")
	if s, ok := errors.AsType[*StatusError](err); ok && repeated && s.Status == http.StatusGone {
		return nil // erased by an earlier try, whose response was lost
	}
	return err
}

// change sends a request that changes a job and does no harm if it is sent repeatedly. repeated
// reports whether it was: an earlier try may then have made the change, although its response was
// lost.
func (c *Client) change(ctx context.Context, method string, id job.ID, action string) (j *Job, repeated bool, err error) {
	j, err = Retry(ctx, func() (*Job, error) {
		return c.changeOnce(ctx, method, id, action)
	}, Temporary, func(err error, delay time.Duration) {
		repeated = true
		c.onRetry(err, delay)
	})
	return j, repeated, err
}

// changeOnce sends a POST with an action such as "/cancel" and returns the job, or sends a DELETE
// and returns no job.
func (c *Client) changeOnce(ctx context.Context, method string, id job.ID, action string) (*Job, error) {
	ctx, cancel := withSmallTimeout(ctx)
	defer cancel()
	resp, err := c.send(ctx, method, jobAddress(id)+action, nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case method != http.MethodDelete:
		return c.parseJobOf(resp, id)
	case resp.StatusCode != http.StatusNoContent:
		return nil, c.malformed("asked to erase job %s, it responded %s", id, statusText(resp))
	}
	return nil, nil
}

func (c *Client) onRetry(err error, delay time.Duration) {
	if c.config.OnRetry != nil {
		c.config.OnRetry(err, delay)
	}
}
