//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client sends requests to API servers, each to one chosen at random. Like a careful program, it repeats requests
// that fail; see repeat. It is safe for concurrent use.
type client struct {
	servers []string // addresses
	key     string   // for the API; "" is none
	http    *http.Client
}

func newClient(servers []string, key string) *client {
	return &client{servers, key, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// A refusal is a response with an error status.
type refusal struct {
	status int
	code   string // of the API's problem
	body   string
}

func (e *refusal) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// final reports whether it is useless to repeat the request.
func (e *refusal) final() bool { return e.status < 500 && e.status != http.StatusTooManyRequests }

// refusedWith reports whether an error is a refusal with this status.
func refusedWith(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// do sends one request to a server chosen at random, and returns the response's header and body. A status of 300 or
// more is an error, a [refusal].
func (c *client) do(ctx context.Context, method, path string, body []byte, header http.Header) (http.Header, []byte, error) {
	if c.key != "" {
		header = header.Clone()
		if header == nil {
			header = http.Header{}
		}
		header.Set("Authorization", "Bearer "+c.key)
	}
	return c.request(ctx, method, "http://"+c.servers[rand.IntN(len(c.servers))]+path, body, header)
}

// request is do for any address, and does not send the API key.
func (c *client) request(ctx context.Context, method, address string, body []byte, header http.Header) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	r, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err == nil && r.StatusCode >= 300 {
		var problem struct{ Code string }
		_ = json.Unmarshal(b, &problem) // others than the API's have none
		err = &refusal{r.StatusCode, problem.Code, string(b)}
	}
	return r.Header, b, err
}

// repeat sends a request until it succeeds or is refused for good, or ctx ends.
func (c *client) repeat(ctx context.Context, method, path string, body []byte, header http.Header) (http.Header, []byte, error) {
	for {
		h, b, err := c.do(ctx, method, path, body, header)
		var refused *refusal
		if err == nil || ctx.Err() != nil || errors.As(err, &refused) && refused.final() {
			return h, b, err
		}
		if perr := pause(ctx, 50*time.Millisecond+rand.N(150*time.Millisecond)); perr != nil {
			return h, b, errors.Join(perr, err)
		}
	}
}

// change sends a request for a job, whose path is the job's with what appended, and returns the job in the response. If
// the response has no body, as after an erasure, that is the zero job.
func (c *client) change(ctx context.Context, method string, id job.ID, what string) (j job.Job, err error) {
	_, b, err := c.repeat(ctx, method, "/v1/jobs/"+string(id)+what, nil, nil)
	if err == nil && len(b) > 0 {
		err = json.Unmarshal(b, &j)
	}
	return j, err
}

// job reads a job. It fails only if the request is refused for good, as for an unknown job, or ctx ends.
func (c *client) job(ctx context.Context, id job.ID) (job.Job, error) {
	return c.change(ctx, http.MethodGet, id, "")
}

// await reads a job until is returns true for its state.
func (c *client) await(ctx context.Context, id job.ID, is func(job.State) bool) (job.Job, error) {
	for what := ""; ; what = "?wait=5" {
		j, err := c.change(ctx, http.MethodGet, id, what)
		if err != nil || is(j.State) {
			return j, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
