//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A submission is a request for a job.
type submission struct {
	picture *picture
	upload  string // the upload that is its picture; "": the picture is sent with it
	key     string // an idempotency key; "" is none
	private bool   // otherwise it is public if that is the server's default
}

// submit submits a job until it is accepted or refused for good, or ctx ends. With an idempotency key it repeats the
// same request. Without one each repetition may make another job: a client that got no response can do nothing else.
func (c *client) submit(ctx context.Context, s submission) (id job.ID, err error) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	fields := map[string]string{"style": styleName, "format": "png"}
	if s.private {
		fields["public"] = "false"
	}
	if s.upload != "" {
		fields["upload_id"] = s.upload
	} else {
		w, err := m.CreateFormFile("image", "picture.png")
		if err == nil {
			_, err = w.Write(s.picture.file)
		}
		if err != nil {
			return "", err
		}
	}
	for name, value := range fields {
		err = errors.Join(err, m.WriteField(name, value))
	}
	if err = errors.Join(err, m.Close()); err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {m.FormDataContentType()}}
	if s.key != "" {
		header.Set("Idempotency-Key", s.key)
	}
	_, b, err := c.repeat(ctx, http.MethodPost, "/v1/jobs", form.Bytes(), header)
	if err != nil {
		return "", err
	}
	var j job.Job
	err = json.Unmarshal(b, &j)
	return j.ID, err
}

// upload stores a picture in the bucket, and returns the upload's id. It returns "" if the picture can't be stored: a
// URL signed by a server whose clock is behind has already expired.
func (c *client) upload(ctx context.Context, p *picture) (string, error) {
	const tries = 3
	for range tries {
		body := fmt.Appendf(nil, `{"bytes":%d}`, len(p.file))
		_, b, err := c.repeat(ctx, http.MethodPost, "/v1/uploads", body, http.Header{"Content-Type": {"application/json"}})
		if err != nil {
			return "", err
		}
		var u struct {
			ID      string            `json:"upload_id"`
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		}
		if err := json.Unmarshal(b, &u); err != nil {
			return "", err
		}
		header := http.Header{}
		for name, value := range u.Headers {
			header.Set(name, value)
		}
		if stored, err := c.store(ctx, u.URL, p.file, header); stored || err != nil {
			return u.ID, err
		}
	}
	return "", nil
}

// store sends a picture to an upload's address. stored is false if the address is not valid any more.
func (c *client) store(ctx context.Context, address string, b []byte, header http.Header) (stored bool, err error) {
	for {
		_, _, err := c.request(ctx, http.MethodPut, address, b, header)
		var refused *refusal
		switch {
		case err == nil, refusedWith(err, http.StatusPreconditionFailed): // stored by an earlier request without a response
			return true, nil
		case errors.As(err, &refused) && refused.final():
			return false, nil
		}
		if err := pause(ctx, 50*time.Millisecond+rand.N(150*time.Millisecond)); err != nil {
			return false, err
		}
	}
}
