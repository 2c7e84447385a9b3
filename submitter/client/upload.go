package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// uploadFrom is the size of a form, in bytes, above which its largest pictures go to S3 first,
// where the API has a place for them: one behind AWS Lambda takes no more than 4.5 MB.
const uploadFrom = 4_000_000

// maxGrants is how many uploads of a picture one call of [submission.send] asks for: the first
// may have expired, or be lost.
const maxGrants = 3

// A submission is what is sent under one Idempotency-Key, as often as it takes.
type submission struct {
	api      *client
	fields   [][2]string
	pictures map[string]*picture
	key      string
	form     *form     // with the pictures in it
	uploads  []*upload // of pictures that are too large for it
}

// An upload is of one of a submission's pictures.
type upload struct {
	picture string // its field
	field   string // of the upload's id, in its place
	granted *grant // nil before the API was asked
	arrived bool   // the picture is where that says
}

func newSubmission(api *client, fields [][2]string, pictures map[string]*picture, key string) (*submission, error) {
	f, err := newForm(fields, pictures)
	if err != nil {
		return nil, err
	}
	return &submission{api, fields, pictures, key, f, uploadsOf(pictures, f.size)}, nil
}

// uploadsOf chooses the pictures that are uploaded, the largest first, so that the rest of a form
// of so many bytes can be sent.
func uploadsOf(pictures map[string]*picture, size int64) (uploads []*upload) {
	all := []*upload{{picture: "image", field: "upload_id"}}
	if pictures["style_image"] != nil {
		all = append(all, &upload{picture: "style_image", field: "style_upload_id"})
	}
	slices.SortStableFunc(all, func(a, b *upload) int {
		return cmp.Compare(pictures[b.picture].size, pictures[a.picture].size)
	})
	for _, u := range all {
		if size > uploadFrom {
			uploads = append(uploads, u)
			size -= pictures[u.picture].size
		}
	}
	return uploads
}

// send submits it once, as [client.submit] does; large pictures by way of uploads. What
// has been put there by an earlier call is not sent again.
func (s *submission) send(ctx context.Context, progress func(sent int64)) (j *jobAnswer, unclear bool, err error) {
	if len(s.uploads) == 0 || s.api.noUploads.Load() {
		return s.api.submit(ctx, s.form, s.key, progress)
	}
	for grants := 1; ; grants++ {
		err = s.put(ctx, progress)
		if s.api.noUploads.Load() {
			return s.api.submit(ctx, s.form, s.key, progress)
		}
		if err == nil {
			j, unclear, err = s.take(ctx)
		}
		if err == nil || !lostUpload(err) || grants == maxGrants || errors.Is(err, errDamaged) {
			return j, unclear, err
		}
		lost := (*refusal)(nil)
		for _, u := range s.uploads {
			if errors.As(err, &lost) || !u.arrived { // the API does not say which it lacks
				u.granted, u.arrived = nil, false
			}
		}
	}
}

// put has the pictures be in their uploads.
func (s *submission) put(ctx context.Context, progress func(int64)) (err error) {
	var before int64
	for _, u := range s.uploads {
		p := s.pictures[u.picture]
		fresh := u.granted == nil
		if fresh {
			if u.granted, err = s.api.grant(ctx, p.size); err != nil {
				return err
			}
		}
		if !u.arrived {
			err = s.api.put(ctx, u.granted, p, after(progress, before))
			u.arrived = err == nil
		}
		if fresh && errors.Is(err, errLinkOver) { // so soon it can't be: others would fare no better
			err = faultf(errAway, "%w%w", err, silent{errDamaged})
		}
		if err != nil {
			return err
		}
		before += p.size
	}
	return nil
}

// after reports progress behind so many bytes that were sent before; nil of nil.
func after(progress func(int64), before int64) func(int64) {
	if progress == nil {
		return nil
	}
	return func(sent int64) { progress(before + sent) }
}

// take submits what the uploads hold, and the rest.
func (s *submission) take(ctx context.Context) (j *jobAnswer, unclear bool, err error) {
	fields, others := slices.Clone(s.fields), maps.Clone(s.pictures)
	for _, u := range s.uploads {
		fields = append(fields, [2]string{u.field, u.granted.UploadID})
		delete(others, u.picture)
	}
	f, err := newForm(fields, others)
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
