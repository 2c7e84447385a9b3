//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client sends requests to an API server, for several owners. It is safe for concurrent use.
type client struct {
	base    string
	keys    []string // by the owner's number; empty: the server has no keys
	picture []byte
	http    *http.Client
}

func newClient(base string, keys []string, picture []byte) *client {
	return &client{base, keys, picture, &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
}

// do sends a request for an owner, given by number, and returns the response's body. A status of 300 or more is an
// error.
func (c *client) do(ctx context.Context, owner int, method, path string, body []byte, header http.Header) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	if len(c.keys) > 0 {
		req.Header.Set("Authorization", "Bearer "+c.keys[owner])
	}
	r, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err == nil && r.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: status %d: %.300s", method, path, r.StatusCode, b)
	}
	return b, err
}

func (c *client) get(ctx context.Context, owner int, path string) ([]byte, error) {
	return c.do(ctx, owner, http.MethodGet, path, nil, nil)
}

// submit submits the client's picture, with the idempotency key unless that is "".
func (c *client) submit(ctx context.Context, owner int, key string) (job.ID, error) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	w, err := m.CreateFormFile("image", "picture.png")
	if err == nil {
		_, err = w.Write(c.picture)
	}
	if err = errors.Join(err, m.WriteField("style", styleName), m.Close()); err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {m.FormDataContentType()}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	b, err := c.do(ctx, owner, http.MethodPost, "/v1/jobs", form.Bytes(), header)
	if err != nil {
		return "", err
	}
	var j job.Job
	err = json.Unmarshal(b, &j)
	return j.ID, err
}
