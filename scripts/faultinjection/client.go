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
	"mime/multipart"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client submits jobs to one of several servers, and polls them, as a careful program does: it tries again, and
// with another server.
type client struct {
	servers []string // addresses
	key     string   // for the API; "" is none
	http    *http.Client
}

func newClient(servers []string, key string) *client {
	return &client{servers, key, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// A refusal is a response with an error.
type refusal struct {
	status int
	body   string
}

func (e *refusal) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// do makes one request, and returns the response's header and body. A response with an error is a [refusal].
func (c *client) do(ctx context.Context, method, path string, body []byte, header http.Header) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.servers[rand.IntN(len(c.servers))]+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	r, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err == nil && r.StatusCode >= 300 {
		err = &refusal{r.StatusCode, string(b)}
	}
	return r.Header, b, err
}

// submit submits a picture until it is accepted or ctx ends: under an idempotency key the same request again, and
// without one a new one each time, as a client must that got no response.
func (c *client) submit(ctx context.Context, p *picture, key string) (id job.ID, err error) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	w, err := m.CreateFormFile("image", "picture.png")
	if err == nil {
		_, err = w.Write(p.file)
	}
	if err = errors.Join(err, m.WriteField("style", styleName), m.WriteField("format", "png"), m.Close()); err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {m.FormDataContentType()}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	for {
		_, b, err := c.do(ctx, http.MethodPost, "/v1/jobs", form.Bytes(), header)
		var refused *refusal
		switch {
		case err == nil:
			var j job.Job
			err = json.Unmarshal(b, &j)
			return j.ID, err
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.As(err, &refused) && refused.status < 500 && refused.status != http.StatusTooManyRequests:
			return "", err
		}
		if err := pause(ctx, 50*time.Millisecond+rand.N(200*time.Millisecond)); err != nil {
			return "", err
		}
	}
}

// job reads a job, however often that takes. An error is that there is no such job, or ctx has ended.
func (c *client) job(ctx context.Context, id job.ID) (j job.Job, err error) {
	_, b, err := c.get(ctx, "/v1/jobs/"+string(id))
	if err == nil {
		err = json.Unmarshal(b, &j)
	}
	return j, err
}

// get reads from an address, again until that succeeds or it is not there.
func (c *client) get(ctx context.Context, path string) (http.Header, []byte, error) {
	for {
		h, b, err := c.do(ctx, http.MethodGet, path, nil, nil)
		var refused *refusal
		if err == nil || ctx.Err() != nil || errors.As(err, &refused) && refused.status < 500 && refused.status != http.StatusTooManyRequests {
			return h, b, err
		}
		if perr := pause(ctx, 100*time.Millisecond); perr != nil {
			return h, b, errors.Join(perr, err)
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
