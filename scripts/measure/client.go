package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/atelier-go/atelier/pkg/job"
)

// A client submits photographs and fetches their results over persistent connections.
type client struct {
	base string // http://127.0.0.1:8080
	http *http.Client
	kind string   // content type of the forms
	form [][]byte // one submission for each photograph
}

// newClient prepares the requests, so that they take no time later. at is the number of requests at
// once.
func newClient(base string, photos [][]byte, at int) (*client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.DisableCompression = at, true
	c := &client{base: base, http: &http.Client{Transport: transport}}
	for _, photo := range photos {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		if err := form.SetBoundary("a-picture-and-a-style"); err != nil {
			return nil, err
		}
		file, err := form.CreateFormFile("image", "photograph.jpg")
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(photo); err != nil {
			return nil, err
		}
		if err := form.WriteField("style", named(nil, 0).Mix.String()); err != nil {
			return nil, err
		}
		if err := form.Close(); err != nil {
			return nil, err
		}
		c.kind = form.FormDataContentType()
		c.form = append(c.form, body.Bytes())
	}
	return c, nil
}

// submit sends the nth submission to a path and returns the response's body.
func (c *client) submit(ctx context.Context, path string, n int) ([]byte, error) {
	return c.do(ctx, http.MethodPost, path, c.form[n%len(c.form)])
}

func (c *client) do(ctx context.Context, method, path string, form []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(form))
	if err != nil {
		return nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", c.kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.300s", method, path, resp.Status, b)
	}
	return b, err
}

// paint submits a photograph and waits until it is painted.
func (c *client) paint(ctx context.Context, n int) (job.Job, error) {
	var j job.Job
	b, err := c.submit(ctx, "/v1/jobs", n)
	for ; ; b, err = c.do(ctx, http.MethodGet, "/v1/jobs/"+string(j.ID)+"?wait=20", nil) {
		if err != nil {
			return j, err
		}
		if err := json.Unmarshal(b, &j); err != nil {
			return j, err
		}
		if j.State.Finished() {
			return j, succeeded(j)
		}
	}
}

// succeeded returns an error if a job has no picture.
func succeeded(j job.Job) error {
	switch {
	case j.State == job.Succeeded:
		return nil
	case j.Error != nil:
		return fmt.Errorf("job %s: %w", j.ID, j.Error)
	}
	return fmt.Errorf("job %s is %s", j.ID, j.State)
}

// paintAndFetch is like paint, and also fetches the picture.
func (c *client) paintAndFetch(ctx context.Context, n int) error {
	j, err := c.paint(ctx, n)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodGet, "/v1/jobs/"+string(j.ID)+"/result", nil)
	return err
}
