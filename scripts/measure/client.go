package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
)

// A client submits photographs over persistent connections.
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

// submit sends the nth submission and reads the response.
func (c *client) submit(ctx context.Context, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v1/jobs", bytes.NewReader(c.form[n%len(c.form)]))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", c.kind)
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("submit: %s: %.300s", resp.Status, b)
	}
	return err
}
