package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"github.com/atelier-go/atelier/submitter/picture"
)

// uploadFrom is the size of a form, in bytes, from which its largest pictures are first uploaded to
// S3, if the API supports that. An API behind AWS Lambda accepts no more than 4.5 MB.
const uploadFrom = 4_000_000

// An upload is the separate upload of one picture of a submission.
type upload struct {
	pictureField string // the form field of the picture
	idField      string // the form field of the upload's id, in place of the picture
	grant        *grant // nil before the API was asked
	done         bool   // the picture has been uploaded
}

// planUploads returns the pictures of a form of this size in bytes that must be uploaded separately
// so that the rest can be sent: the largest ones.
func planUploads(pictures map[string]*picture.File, size int64) (uploads []*upload) {
	all := []*upload{{pictureField: imageField, idField: "upload_id"}}
	if pictures[styleField] != nil {
		all = append(all, &upload{pictureField: styleField, idField: "style_upload_id"})
	}
	slices.SortStableFunc(all, func(a, b *upload) int {
		return cmp.Compare(pictures[b.pictureField].Size, pictures[a.pictureField].Size)
	})
	for _, u := range all {
		if size > uploadFrom {
			uploads = append(uploads, u)
			size -= pictures[u.pictureField].Size
		}
	}
	return uploads
}

// errLinkExpired means that the address of an upload can no longer be used.
var errLinkExpired = errors.New("the upload's address has expired")

// uploadLost reports whether another upload of the picture may succeed after err.
func uploadLost(err error) bool {
	if s, ok := errors.AsType[*StatusError](err); ok {
		return s.Code == "upload_expired" || s.Code == "upload_not_found" || s.Code == "upload_incomplete"
	}
	return errors.Is(err, errLinkExpired)
}

// upload uploads those pictures that were not uploaded yet.
func (s *Submission) upload(ctx context.Context, progress func(int64)) (err error) {
	var before int64
	for _, u := range s.uploads {
		p := s.pictures[u.pictureField]
		fresh := u.grant == nil
		if fresh {
			if u.grant, err = s.client.requestUpload(ctx, p.Size); err != nil {
				return err
			}
		}
		if !u.done {
			err = s.client.put(ctx, u.grant, p, offset(progress, before))
			u.done = err == nil
		}
		if fresh && errors.Is(err, errLinkExpired) { // a new address can't have expired: others would fail too
			err = failuref(ErrMalformed, nil, "%w", err)
		}
		if err != nil {
			return err
		}
		before += p.Size
	}
	return nil
}

// put sends a picture to the address in a grant. It does not send the API key.
func (c *Client) put(ctx context.Context, g *grant, p *picture.File, progress func(int64)) error {
	body := &progressReader{r: io.NewSectionReader(p, 0, p.Size), size: p.Size, progress: progress}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, g.URL, body)
	if err != nil {
		return err
	}
	req.ContentLength = p.Size
	for name, value := range g.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Expect", "100-continue")
	at := req.URL.Scheme + "://" + req.URL.Host
	resp, err := c.http.Do(req)
	switch {
	case err != nil && callerEnded(ctx) != nil:
		return callerEnded(ctx)
	case err != nil && body.failed.Load() != nil:
		return fmt.Errorf("the picture could not be read while it was sent: %w", *body.failed.Load())
	case err != nil:
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address, which is a secret
		}
		return failuref(ErrUnavailable, err, "the connection to %s, where the API has large pictures sent, failed: %s", at, networkText(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode/100 == 2, resp.StatusCode == http.StatusPreconditionFailed: // it has arrived before, and the response was lost
		return nil
	case resp.StatusCode == http.StatusForbidden:
		return failuref(ErrUnavailable, errLinkExpired, "%s, where the API has large pictures sent, rejects this one", at)
	}
	return failuref(ErrUnavailable, nil, "%s, where the API has large pictures sent, responded %s", at, statusText(resp))
}
