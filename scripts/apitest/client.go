// Package apitest calls the HTTP API of running programs, for tests.
package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Client calls an API for a test. If the API does not respond, the test fails.
type Client struct {
	*testing.T
	Base string // URL of the API
	Key  string // API key; "" for none
}

// A Response is an HTTP response, read to its end.
type Response struct {
	*http.Response
	Body []byte
}

// Ask sends a request and returns the response. headers are names and values in turn; they may
// include Host.
func (c *Client) Ask(method, path string, body io.Reader, headers ...string) Response {
	c.Helper()
	r, err := c.Try(0, method, path, body, headers...)
	if err != nil {
		c.Fatal(err)
	}
	return r
}

// Try is like Ask, for a server that may not respond in time: it returns an error then. A timeout
// of 0 is none.
func (c *Client) Try(timeout time.Duration, method, path string, body io.Reader, headers ...string) (Response, error) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.Base+path, body)
	if err != nil {
		c.Fatal(err)
	}
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	resp, err := (&http.Client{Timeout: timeout}).Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return Response{resp, b}, err
}

// Reaches reports whether a GET of a path succeeds.
func (c *Client) Reaches(path string) bool {
	resp, err := http.Get(c.Base + path)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only the status matters
	return resp.StatusCode == http.StatusOK
}

// Refused checks that a response is a problem with this status and code.
func (c *Client) Refused(r Response, status int, code string) {
	c.Helper()
	var p struct{ Code string }
	err := json.Unmarshal(r.Body, &p)
	if err != nil || r.StatusCode != status || p.Code != code || r.Header.Get("Content-Type") != "application/problem+json" {
		c.Errorf("got %s, %s: %.300s, %v; want %d with code %s", r.Status, r.Header.Get("Content-Type"), r.Body, err, status, code)
	}
}

// Submit submits a picture, with fields as for [Form], and returns the id of the job.
func (c *Client) Submit(picture []byte, fields ...string) job.ID {
	c.Helper()
	contentType, body := Form(c.T, picture, fields...)
	return c.Decode(c.Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType), http.StatusAccepted).ID
}

// Read returns a job.
func (c *Client) Read(id job.ID) job.Job {
	c.Helper()
	return c.Decode(c.Ask(http.MethodGet, "/v1/jobs/"+string(id), nil), http.StatusOK)
}

// Decode returns the job in a response. If the response does not have this status, the test fails.
func (c *Client) Decode(r Response, status int) (j job.Job) {
	c.Helper()
	if r.StatusCode != status {
		c.Fatalf("%s: %s", r.Status, r.Body)
	}
	if err := json.Unmarshal(r.Body, &j); err != nil {
		c.Fatal(err)
	}
	return j
}

// Wait calls ok at an interval until it returns true. After the limit it fails the test with the
// text that why returns.
func Wait(t *testing.T, interval, limit time.Duration, ok func() bool, why func() string) {
	t.Helper()
	deadline := time.After(limit)
	again := time.NewTicker(interval)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("the condition was not met within %s: %s", limit, why())
		case <-again.C:
		}
	}
}
