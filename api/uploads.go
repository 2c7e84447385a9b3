package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// uploads are pictures in a bucket that clients have put there, as the API needs them:
// across a network. Names are those of store.Upload.
type uploads interface {
	// Sign signs a PUT of exactly so many bytes, once.
	Sign(ctx context.Context, name string, bytes int64, valid time.Duration) (url string, header http.Header, err error)
	// Open returns job.ErrUploadIncomplete where nothing was put.
	Open(ctx context.Context, name string) (r io.ReadCloser, bytes int64, err error)
	Remove(ctx context.Context, name string) error
}

const (
	// putTime is how long a link can be used: a transfer that has begun goes on.
	linkValidity = 15 * time.Minute
	// fetchTime bounds the reading of a job's uploads. A function has 30 s for a request.
	fetchTimeout = 20 * time.Second
	// signTime bounds the wait for credentials, and for the removal of an upload.
	signTimeout = 2 * time.Second
)

// An uploadInput asks for an upload.
type uploadInput struct {
	Body struct {
		Bytes int64 `json:"bytes" minimum:"1" doc:"The picture's size, exactly"`
	}
}

type uploadOutput struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		UploadID  string            `json:"upload_id" doc:"For a submission by the same owner, as upload_id in place of image or as style_upload_id in place of style_image: once, and within a day"`
		Method    string            `json:"method" enum:"PUT"`
		URL       string            `json:"url" format:"uri" doc:"Where the picture goes, in full. Send no API key there"`
		Headers   map[string]string `json:"headers" doc:"To be sent as they are, besides the Content-Length that was declared"`
		ExpiresAt time.Time         `json:"expires_at" doc:"When the request must have begun"`
	}
}

func uploadOperation() huma.Operation {
	return huma.Operation{
		OperationID: "create-upload", Method: http.MethodPost, Path: "/v1/uploads", Tags: []string{"jobs"},
		Summary: "Where to put a picture that is too large for a submission", DefaultStatus: http.StatusCreated,
		Description: "A submission that comes by AWS Lambda can have 4.5 MB. Larger pictures go to S3 first: ask for an upload, send the picture as the answer says " +
			"(200 stores it; 412 says that it is there already; 403 that expires_at is over or the size another), and then submit with upload_id, or with style_upload_id for a style picture. " +
			"A submission is refused with upload_incomplete before the picture is there, with upload_taken once a job was made of it, and with upload_expired after a day. " +
			"Until then it counts as a pending upload and towards the owner's stored bytes, for a day at most. " +
			"Where the server has no bucket the answer is 404 uploads_unavailable: submit the picture itself.",
		Security: needs(keyring.Submit), Responses: problems(400, 401, 404, 408, 413, 415, 422),
	}
}

// createUpload grants an upload and signs the request that stores it.
func (s *Server) createUpload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	const doing = "grant an upload"
	owner := callerOf(ctx).owner
	switch {
	case s.Uploads == nil:
		return nil, newProblem(http.StatusNotFound, "uploads_unavailable", "this server has no bucket for uploads: submit the picture itself, as image")
	case in.Body.Bytes > s.Limits.Bytes:
		return nil, s.problem(ctx, doing, pictureTooLarge(s.Limits.Bytes))
	}
	u, err := s.Store.GrantUpload(owner, in.Body.Bytes)
	if err != nil {
		return nil, s.problem(ctx, doing, unavailableUnlessQuota(err))
	}
	expires := time.Now().Add(linkValidity)
	signing, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	url, header, err := s.Uploads.Sign(signing, u.Name, u.Bytes, linkValidity)
	if err != nil {
		return nil, s.problem(ctx, doing, fmt.Errorf("%w: %w", errUnavailable, errors.Join(err, s.Store.EndUpload(owner, u))))
	}
	out := &uploadOutput{Cache: "no-store"}
	out.Body.UploadID, out.Body.Method, out.Body.URL = string(u.ID), http.MethodPut, url
	out.Body.Headers = map[string]string{}
	for name := range header {
		out.Body.Headers[name] = header.Get(name)
	}
	out.Body.ExpiresAt = expires.UTC().Truncate(time.Second)
	return out, nil
}

// unlessQuota makes the store's being away of an error that is not about its quotas.
func unavailableUnlessQuota(err error) error {
	if errors.Is(err, job.ErrQuota) || errors.Is(err, job.ErrDiskFull) || errors.Is(err, job.ErrBacklog) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}

// An awaited picture of a form is in an upload.
type uploadRef struct {
	field  string // in whose place
	id     job.ID
	upload store.Upload // once it was looked for
}

// awaitedBy are the uploads that a spec is to take.
func uploadsOf(spec *job.Spec) (all []*uploadRef) {
	if spec.Upload != "" {
		all = append(all, &uploadRef{field: "image", id: spec.Upload})
	}
	if spec.StyleUpload != "" {
		all = append(all, &uploadRef{field: "style_image", id: spec.StyleUpload})
	}
	return all
}

// refused is whether a picture was inspected and refused, as it would be whatever is asked for.
func (w *uploadRef) wasRefused(spec *job.Spec) bool {
	noPicture := spec.Input == (job.Input{})
	if w.field == "image" {
		return noPicture
	}
	return !noPicture && spec.StyleInput == nil
}

// takeUploads makes a job of a form that names uploads.
func (s *Server) createJobFromUploads(ctx context.Context, a *transfer, spec *job.Spec, f *form, key string) (job.Job, error) {
	repeat := func() (job.Job, error) {
		if key == "" {
			return job.Job{}, job.ErrUploadNotFound
		}
		j, made, err := s.Store.Repeated(spec, f.files["image"], f.files["style_image"], key)
		if !errors.Is(err, job.ErrUploadNotFound) { // what is left to do needs no picture
			f.releaseMemory()
			j, err = s.enqueueKeyed(ctx, j, made, err)
		}
		if err == nil {
			for _, u := range store.UploadsOf(spec) {
				s.removeUpload(ctx, a.owner, u)
			}
		}
		return j, err
	}
	if j, err := repeat(); !errors.Is(err, job.ErrUploadNotFound) {
		return j, err
	}
	wanted := uploadsOf(spec)
	fetched := map[string][]byte{}
	for _, w := range wanted {
		content, err := s.findUpload(ctx, a, w, fetchTimeout/time.Duration(len(wanted)))
		if errors.Is(err, job.ErrUploadTaken) { // by an equal request, which has begun since
			if j, err := repeat(); !errors.Is(err, job.ErrUploadNotFound) {
				return j, err
			}
		}
		if err != nil {
			return job.Job{}, err
		}
		fetched[w.field] = content
	}
	maps.Copy(f.files, fetched)
	j, err := s.createJob(ctx, spec, f, key)
	for _, w := range wanted {
		if err == nil || w.wasRefused(spec) {
			s.removeUpload(ctx, a.owner, w.upload)
		}
	}
	return j, err
}

// find looks for an upload, and reads its picture within the limit.
func (s *Server) findUpload(ctx context.Context, a *transfer, w *uploadRef, limit time.Duration) (content []byte, err error) {
	if w.upload, err = s.Store.Upload(a.owner, w.id); err == nil {
		content, err = s.readUpload(ctx, a, w.upload, limit)
	}
	if errors.Is(err, job.ErrUploadIncomplete) { // or was it taken meanwhile
		if _, uerr := s.Store.Upload(a.owner, w.id); uerr != nil {
			err = uerr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.field, err)
	}
	return content, nil
}

// fetch reads an upload. It holds as much of the memory for submissions as if the picture had
// come with the request.
func (s *Server) readUpload(ctx context.Context, a *transfer, u store.Upload, limit time.Duration) ([]byte, error) {
	if u.Bytes > s.Limits.Bytes { // which has changed since
		return nil, pictureTooLarge(s.Limits.Bytes)
	}
	if err := a.reserveMore(ctx, u.Bytes); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, size, err := s.Uploads.Open(ctx, u.Name)
	if errors.Is(err, job.ErrUploadIncomplete) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	defer func() { _ = r.Close() }() // read only
	if size != u.Bytes {
		return nil, fmt.Errorf("%w: %d bytes were put, and %d declared", job.ErrUploadIncomplete, size, u.Bytes)
	}
	content := make([]byte, u.Bytes)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, fmt.Errorf("%w: read upload %s: %w", errUnavailable, u.ID, err)
	}
	return content, nil
}

// endUpload removes an upload that nobody needs any more: its object last, so that where
// that is missing it is known why. Where it fails, what is left goes after a day.
func (s *Server) removeUpload(ctx context.Context, owner string, u store.Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signTimeout)
	defer cancel()
	if err := errors.Join(s.Store.EndUpload(owner, u), s.Uploads.Remove(ctx, u.Name)); err != nil {
		s.Log.Warn("an upload is left behind", "upload", u.ID, "error", err)
	}
}
