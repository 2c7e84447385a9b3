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

// uploads gives access to pictures that clients have stored in a bucket, over a network. The names
// are those of store.Upload.
type uploads interface {
	// Sign returns the request with which a client stores an object of exactly this size, once.
	Sign(ctx context.Context, name string, bytes int64, valid time.Duration) (url string, header http.Header, err error)
	// Open returns job.ErrUploadIncomplete if there is no object.
	Open(ctx context.Context, name string) (r io.ReadCloser, bytes int64, err error)
	Remove(ctx context.Context, name string) error
}

const (
	// linkValidity is how long a client can begin to store an upload. One that has begun may take
	// longer.
	linkValidity = 15 * time.Minute
	// fetchTimeout limits how long reading a job's uploads may take. A function has 30 s for a
	// whole request.
	fetchTimeout = 20 * time.Second
	// signTimeout limits how long signing waits for credentials, and how long removing an upload
	// may take.
	signTimeout = 2 * time.Second
)

// An uploadInput is a request for an upload.
type uploadInput struct {
	Body struct {
		Bytes int64 `json:"bytes" minimum:"1" doc:"The exact size of the picture"`
	}
}

type uploadOutput struct {
	Cache string `header:"Cache-Control"`
	Body  struct {
		UploadID  string            `json:"upload_id" doc:"For one submission by the same owner within a day, as upload_id instead of image or as style_upload_id instead of style_image"`
		Method    string            `json:"method" enum:"PUT"`
		URL       string            `json:"url" format:"uri" doc:"The absolute address to which to send the picture. Send no API key there"`
		Headers   map[string]string `json:"headers" doc:"Send these headers unchanged, and the declared Content-Length"`
		ExpiresAt time.Time         `json:"expires_at" doc:"When the request must have started"`
	}
}

func uploadOperation() huma.Operation {
	return huma.Operation{
		OperationID: "create-upload", Method: http.MethodPost, Path: "/v1/uploads", Tags: []string{"jobs"},
		Summary: "Create an upload for a picture that is too large for a submission", DefaultStatus: http.StatusCreated,
		Description: "A submission through AWS Lambda can have 4.5 MB. Larger pictures are sent to S3 first: create an upload, send the picture as the response describes " +
			"(200: it is stored; 412: it was stored before; 403: expires_at has passed, or the size differs), and then submit with upload_id, or with style_upload_id for a style picture. " +
			"A submission is refused with upload_incomplete before the picture is stored, with upload_taken after a job was made of it, and with upload_expired after a day. " +
			"Until one of the last two, the upload counts as pending and towards the owner's stored bytes. " +
			"A server without a bucket returns 404 uploads_unavailable: submit the picture itself.",
		Security: needs(keyring.Submit), Responses: problems(400, 401, 404, 408, 413, 415, 422),
	}
}

// createUpload creates an upload, and returns the signed request with which the client stores the
// picture.
func (s *Server) createUpload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	const operation = "create an upload"
	owner := callerOf(ctx).owner
	switch {
	case s.Uploads == nil:
		return nil, newProblem(http.StatusNotFound, "uploads_unavailable", "this server has no bucket for uploads: submit the picture itself, as image")
	case in.Body.Bytes > s.Limits.Bytes:
		return nil, s.problem(ctx, operation, pictureTooLarge(s.Limits.Bytes))
	}
	u, err := s.Store.GrantUpload(owner, in.Body.Bytes)
	if err != nil {
		return nil, s.problem(ctx, operation, unavailableUnlessQuota(err))
	}
	expires := time.Now().Add(linkValidity)
	signing, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	url, header, err := s.Uploads.Sign(signing, u.Name, u.Bytes, linkValidity)
	if err != nil {
		return nil, s.problem(ctx, operation, fmt.Errorf("%w: %w", errUnavailable, errors.Join(err, s.Store.EndUpload(owner, u))))
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

// unavailableUnlessQuota wraps an error of the store in errUnavailable, unless it is about a quota
// or a full disk.
func unavailableUnlessQuota(err error) error {
	if errors.Is(err, job.ErrQuota) || errors.Is(err, job.ErrDiskFull) || errors.Is(err, job.ErrBacklog) {
		return err
	}
	return fmt.Errorf("%w: %w", errUnavailable, err)
}

// An uploadRef is a picture of a submission that is not in the form but in an upload.
type uploadRef struct {
	field  string // the field that it replaces
	id     job.ID
	upload store.Upload // set by findUpload
}

// uploadsOf returns the pictures that a spec takes from uploads.
func uploadsOf(spec *job.Spec) (all []*uploadRef) {
	if spec.Upload != "" {
		all = append(all, &uploadRef{field: "image", id: spec.Upload})
	}
	if spec.StyleUpload != "" {
		all = append(all, &uploadRef{field: "style_image", id: spec.StyleUpload})
	}
	return all
}

// wasRefused reports whether the picture was inspected and refused. Every other submission of it
// would be refused too.
func (w *uploadRef) wasRefused(spec *job.Spec) bool {
	noPicture := spec.Input == (job.Input{})
	if w.field == "image" {
		return noPicture
	}
	return !noPicture && spec.StyleInput == nil
}

// createJobFromUploads creates a job from a form that names uploads.
func (s *Server) createJobFromUploads(ctx context.Context, t *transfer, spec *job.Spec, f *form, key string) (job.Job, error) {
	repeat := func() (job.Job, error) {
		if key == "" {
			return job.Job{}, job.ErrUploadNotFound
		}
		j, created, err := s.Store.Repeated(spec, f.files["image"], f.files["style_image"], key)
		if !errors.Is(err, job.ErrUploadNotFound) { // the pictures are no longer needed
			f.releaseMemory()
			j, err = s.enqueueKeyed(ctx, j, created, err)
		}
		if err == nil {
			for _, u := range store.UploadsOf(spec) {
				s.removeUpload(ctx, t.owner, u)
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
		content, err := s.findUpload(ctx, t, w, fetchTimeout/time.Duration(len(wanted)))
		if errors.Is(err, job.ErrUploadTaken) { // perhaps by an equal request that started after the check above
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
			s.removeUpload(ctx, t.owner, w.upload)
		}
	}
	return j, err
}

// findUpload finds an upload and reads its picture within the time limit.
func (s *Server) findUpload(ctx context.Context, t *transfer, w *uploadRef, limit time.Duration) (content []byte, err error) {
	if w.upload, err = s.Store.Upload(t.owner, w.id); err == nil {
		content, err = s.readUpload(ctx, t, w.upload, limit)
	}
	if errors.Is(err, job.ErrUploadIncomplete) { // it may have been taken in the meantime
		if _, uerr := s.Store.Upload(t.owner, w.id); uerr != nil {
			err = uerr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.field, err)
	}
	return content, nil
}

// readUpload reads an upload. It reserves as much of the memory for submissions as if the picture
// were in the request. limit is how long it may take.
func (s *Server) readUpload(ctx context.Context, t *transfer, u store.Upload, limit time.Duration) ([]byte, error) {
	if u.Bytes > s.Limits.Bytes { // the limit may have been lowered after the upload was created
		return nil, pictureTooLarge(s.Limits.Bytes)
	}
	if err := t.reserveMore(ctx, u.Bytes); err != nil {
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
		return nil, fmt.Errorf("%w: it has %d bytes, and %d were declared", job.ErrUploadIncomplete, size, u.Bytes)
	}
	content := make([]byte, u.Bytes)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, fmt.Errorf("%w: read upload %s: %w", errUnavailable, u.ID, err)
	}
	return content, nil
}

// removeUpload removes an upload that is no longer needed. It removes the object last, so that the
// store can always say why an object is missing. What remains after an error is removed after a
// day.
func (s *Server) removeUpload(ctx context.Context, owner string, u store.Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signTimeout)
	defer cancel()
	if err := errors.Join(s.Store.EndUpload(owner, u), s.Uploads.Remove(ctx, u.Name)); err != nil {
		s.Log.Warn("could not remove an upload that is no longer needed; it expires after a day", "upload", u.ID, "error", err)
	}
}
