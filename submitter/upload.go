package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// uploadFrom is the size of a form, in bytes, above which its picture goes to S3 first,
// where the API has a place for it: one behind AWS Lambda takes no more than 4.5 MB.
const uploadFrom = 4_000_000

// maxGrants is how many uploads one call of [submission.send] asks for: the first may have
// expired, or be lost.
const maxGrants = 3

// A submission is what is sent under one Idempotency-Key, as often as it takes.
type submission struct {
	api      *client
	fields   [][2]string
	pictures map[string]*picture
	key      string
	form     *form // with the pictures in it

	granted *grant // nil without an upload
	arrived bool   // the image is where that says
}

func newSubmission(api *client, fields [][2]string, pictures map[string]*picture, key string) (*submission, error) {
	f, err := newForm(fields, pictures)
	return &submission{api: api, fields: fields, pictures: pictures, key: key, form: f}, err
}

// send submits it once, as [client.submit] does; a large picture by way of an upload. What
// has been put there by an earlier call is not sent again.
func (s *submission) send(ctx context.Context, progress func(sent int64)) (j *jobAnswer, unclear bool, err error) {
	if s.form.size <= uploadFrom || s.api.noUploads.Load() {
		return s.api.submit(ctx, s.form, s.key, progress)
	}
	for grants := 1; ; grants++ {
		fresh := s.granted == nil
		if err = s.put(ctx, progress); s.api.noUploads.Load() {
			return s.api.submit(ctx, s.form, s.key, progress)
		}
		if err == nil {
			j, unclear, err = s.take(ctx)
		}
		if fresh && errors.Is(err, errLinkOver) { // so soon it can't be: others would fare no better
			err = faultf(errAway, "%w%w", err, silent{errDamaged})
		}
		if err == nil || !lostUpload(err) || grants == maxGrants || errors.Is(err, errDamaged) {
			return j, unclear, err
		}
		s.granted, s.arrived = nil, false
	}
}

// put has the image be in an upload.
func (s *submission) put(ctx context.Context, progress func(int64)) (err error) {
	if s.granted == nil {
		if s.granted, err = s.api.grant(ctx, s.pictures["image"].size); err != nil {
			return err
		}
	}
	if !s.arrived {
		err = s.api.put(ctx, s.granted, s.pictures["image"], progress)
		s.arrived = err == nil
	}
	return err
}

// take submits what the upload holds.
func (s *submission) take(ctx context.Context) (j *jobAnswer, unclear bool, err error) {
	others := maps.Clone(s.pictures)
	delete(others, "image")
	f, err := newForm(append(s.fields[:len(s.fields):len(s.fields)], [2]string{"upload_id", s.granted.UploadID}), others)
	if err != nil {
		return nil, false, err
	}
	return s.api.submit(ctx, f, s.key, nil)
}

// errLinkOver: the link of an upload can't be used any more.
var errLinkOver = errors.New("the upload's link is over")

// lostUpload: another upload may do.
func lostUpload(err error) bool {
	var r *refusal
	if errors.As(err, &r) {
		return r.code == "upload_expired" || r.code == "upload_not_found" || r.code == "upload_incomplete"
	}
	return errors.Is(err, errLinkOver)
}

// A grant is where the API has a picture put.
type grant struct {
	UploadID string `json:"upload_id"`
	Method   string
	URL      string
	Headers  map[string]string
}

// grant asks for a place for a picture. That the API has none is noted in noUploads.
func (c *client) grant(ctx context.Context, bytes int64) (*grant, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	header := http.Header{"Content-Type": {"application/json"}}
	resp, err := c.send(ctx, http.MethodPost, "v1/uploads", header, strings.NewReader(fmt.Sprintf(`{"bytes":%d}`, bytes)))
	if r := (*refusal)(nil); errors.As(err, &r) && (r.status == http.StatusNotFound || r.status == http.StatusMethodNotAllowed) {
		c.noUploads.Store(true) // or it is of before there were any
	}
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	g := new(grant)
	if err := c.readGrant(resp, g); err != nil {
		return nil, err
	}
	return g, nil
}

// readGrant reads where a picture is to go. An API that means harm could have anything
// sent from here: so it is a PUT, to an address that is as safe as the API's own, with no
// other headers than S3's.
func (c *client) readGrant(resp *http.Response, g *grant) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJSON+1))
	switch {
	case err != nil:
		return c.networkError(resp.Request.Context(), err)
	case len(raw) > maxJSON || json.Unmarshal(raw, g) != nil: // not sanitized: it must be used as it is or not at all
		return c.notAtelier()
	case g.UploadID == "" || len(g.UploadID) > 100 || strings.ContainsFunc(g.UploadID, func(r rune) bool { return !visible(r) }):
		return c.damaged("the id of an upload is %.20q", g.UploadID)
	case g.Method != http.MethodPut:
		return c.damaged("it wants a picture sent by %.20q", g.Method)
	}
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" || u.User != nil || len(g.URL) > 8<<10 {
		return c.damaged("it wants a picture sent to %.40q", g.URL)
	}
	if err := c.checkLink(u); err != nil {
		return err
	}
	for name, value := range g.Headers {
		lower := strings.ToLower(name)
		known := lower == "if-none-match" || lower == "content-type" || strings.HasPrefix(lower, "x-amz-")
		if !known || strings.ContainsFunc(name+value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return c.damaged("it wants a picture sent with the header %.40q", name)
		}
	}
	return nil
}

// put sends a picture to where the API says, without the API's key.
func (c *client) put(ctx context.Context, g *grant, p *picture, progress func(int64)) error {
	body := &countingReader{r: io.NewSectionReader(p.file, 0, p.size), size: p.size, progress: progress}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, g.URL, body)
	if err != nil {
		return err
	}
	req.ContentLength = p.size
	for name, value := range g.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Expect", "100-continue")
	at := req.URL.Scheme + "://" + req.URL.Host
	resp, err := c.http.Do(req)
	switch {
	case err != nil && stopped(ctx) != nil:
		return stopped(ctx)
	case err != nil && body.failed.Load() != nil:
		return fmt.Errorf("the picture could not be read while it was sent: %w", *body.failed.Load())
	case err != nil:
		if u := (*url.Error)(nil); errors.As(err, &u) {
			err = u.Err // without the address, which opens something
		}
		return faultf(errAway, "the connection to %s, where the API has large pictures sent, failed: %s%w", at, shorten(escape(err.Error()), longestText), silent{err})
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode/100 == 2, resp.StatusCode == http.StatusPreconditionFailed: // it has arrived before, and the answer was lost
		return nil
	case resp.StatusCode == http.StatusForbidden:
		return faultf(errAway, "%s, where the API has large pictures sent, refuses this one%w", at, silent{errLinkOver})
	}
	return faultf(errAway, "%s, where the API has large pictures sent, answered %s", at, statusText(resp))
}
