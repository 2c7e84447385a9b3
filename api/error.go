package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/pkg/formats"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A Problem is the body of every error response (RFC 9457). Programs rely on Code, which is stable;
// Detail is for people.
type Problem struct {
	Type   string         `json:"type" doc:"Always about:blank; the code identifies the problem"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail"`
	Code   string         `json:"code" doc:"Stable, for programs"`
	Errors []ProblemField `json:"errors,omitempty" doc:"The fields that are wrong"`

	header http.Header
}

// A ProblemField is one wrong field of a request.
type ProblemField struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error implements error; with GetStatus, GetHeaders and ContentType, huma writes a Problem as the
// response.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the additional headers of the response.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType returns the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// mapping maps errors to responses. The first entry that matches is used. hint is what the user can
// do. The cause is only logged. Errors with details of their own ([Problem], [job.FieldError] and
// [store.QuotaError]) are handled by problem instead.
var mapping = []struct {
	err    error
	status int
	code   string
	hint   string
}{
	{job.ErrBadID, 404, "not_found", ""},
	{job.ErrNotFound, 404, "not_found", ""},
	{job.ErrNoThumbnail, 404, "not_found", ""},
	{job.ErrNoPreview, 404, "not_found", ""},
	{job.ErrNotReady, 409, "not_ready", "try again in a moment"},
	{job.ErrGone, 410, "gone", ""},
	{job.ErrNotFinished, 409, "not_finished", "read the job for its state"},
	{job.ErrFinished, 409, "finished", ""},
	{job.ErrTooManyRuns, 409, "too_many_runs", "submit the picture again, as a new job"},
	{job.ErrNotRetryable, 409, "not_retryable", "only a failed or canceled job can be retried"},
	{job.ErrKeyReused, 422, "idempotency_key_reused", "use a new key for a new request"},
	{job.ErrUploadNotFound, 404, "upload_not_found", "create one with POST /v1/uploads"},
	{job.ErrUploadExpired, 410, "upload_expired", "create another with POST /v1/uploads"},
	{job.ErrUploadTaken, 409, "upload_taken", "to repeat a request, send it with its Idempotency-Key; for another job, create another upload"},
	{job.ErrUploadIncomplete, 409, "upload_incomplete", "send the picture to the upload's address, or create another upload with POST /v1/uploads, and submit again"},
	{job.ErrUnsupportedImage, 415, "unsupported_image", "send a " + formats.Titles(formats.All(), "or")},
	{job.ErrDamagedImage, 422, "damaged_image", "open it in a viewer and save it again"},
	{job.ErrTooManyBytes, 413, "too_many_bytes", "send a smaller file"},
	{job.ErrTooManyPixels, 413, "too_many_pixels", "scale it down first"},
	{job.ErrUnknownStyle, 422, "unknown_style", ""},
	{job.ErrBacklog, 503, "backlog_full", "nothing was accepted; existing jobs are being painted. Try again after the time in Retry-After"},
	{job.ErrDiskFull, 503, "disk_full", "nothing was accepted; try again later. Existing jobs can still be read and erased"},
	{errUnavailable, 503, "unavailable", "nothing was accepted; sending it again is safe"},
	{errMaybeStored, 503, "unavailable", "sending the same request again is safe and makes no second job"},
	{errCrowded, 503, "unavailable", "try again in a moment"},
	{errShareUsed, 429, "too_many_at_once", "try again when one of them has ended"},
	{errTooLarge, 503, "unavailable", "try again in a moment, or request parts of it (Range: bytes=0-4194303)"},
	{errTimeLimit, 503, "unavailable", "repeat the request for the rest"},
	{job.ErrBusy, 503, "busy", "try again in a moment"},
	{job.ErrStoreUnavailable, 503, "unavailable", "try again in a moment"},
	{errTooSlow, 408, "too_slow", "try again, or send a smaller picture"},
}

// errTooSlow means that the body of a request did not arrive in time.
var errTooSlow = errors.New("the upload took too long")

// errUnavailable means that the store or the queue is unavailable, and that nothing was stored.
var errUnavailable = errors.New("the service can't accept or return jobs at the moment")

// errMaybeStored means that the store or the queue is unavailable, and that the job or its run may
// be stored already. Nothing was confirmed to the client. Sending the same request again completes
// it.
var errMaybeStored = errors.New("the service can't accept jobs at the moment")

// errTimeLimit means that a request would take more time than a request may take.
var errTimeLimit = errors.New("this request would take longer than the time limit")

// withoutDetails are errors of which only the sentinel error's text is shown. What is wrapped
// around it, such as the failed operation, would not help the user, or would hide the sentence that
// does.
var withoutDetails = []error{job.ErrUploadNotFound, job.ErrUploadExpired, job.ErrUploadTaken, job.ErrUploadIncomplete, job.ErrNotFound, job.ErrGone, job.ErrNoPreview, job.ErrNotReady, job.ErrKeyReused, errTooSlow}

// untrustedDetails are errors that may wrap the text of a decoder process, even of one that
// crashed. Their details are shown only if they come from imageio.Inspect (see inspectionError).
var untrustedDetails = []error{job.ErrDamagedImage, job.ErrUnsupportedImage}

// An inspectionError is an error of imageio.Inspect. Its text can be shown to the user.
type inspectionError struct{ error }

func (e inspectionError) Unwrap() error { return e.error }

// problem returns the response for err. An error that is not in the table is a fault of the server:
// the client gets a general sentence, and the cause is logged.
func (s *Server) problem(ctx context.Context, operation string, err error) error {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if field, ok := errors.AsType[*job.FieldError](err); ok {
		return invalid(field)
	}
	if quota, ok := errors.AsType[*store.QuotaError](err); ok {
		return quotaProblem(quota)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return newProblem(499, "client_gone", "the client has disconnected") // it is not read
	}
	for _, m := range mapping {
		if !errors.Is(err, m.err) {
			continue
		}
		detail := err.Error()
		if m.status >= 500 && !errors.Is(m.err, errCrowded) && !errors.Is(m.err, job.ErrBacklog) { // these are no faults, and frequent
			s.log(ctx).Error("could not "+operation, "error", err)
		}
		hidden := slices.Contains(untrustedDetails, m.err) && !errors.As(err, new(inspectionError))
		if m.status >= 500 || hidden || slices.Contains(withoutDetails, m.err) {
			detail = m.err.Error()
		}
		if m.hint != "" {
			detail += "; " + m.hint
		}
		p := newProblem(m.status, m.code, detail)
		if errors.Is(m.err, job.ErrDiskFull) {
			p.header.Set("Retry-After", strconv.Itoa(retryDiskFull))
		}
		if b, ok := errors.AsType[*store.BacklogError](err); ok {
			p.header.Set("Retry-After", inSeconds(b.After))
		}
		return p
	}
	s.log(ctx).Error("could not "+operation, "error", err)
	return newProblem(http.StatusInternalServerError, "internal", "the server failed; your request is not the cause. The server's log has the reason")
}

// quotaProblem returns the problem for a request that would exceed an owner's quota.
func quotaProblem(q *store.QuotaError) *Problem {
	p := newProblem(http.StatusTooManyRequests, "quota_exceeded", q.Error())
	p.header = http.Header{"Retry-After": {inSeconds(q.After)}}
	return p
}

// retryDiskFull is the Retry-After, in seconds, while the disk is full. It is long, because jobs
// must be removed first.
const retryDiskFull = 60

// retryUnavailable is the Retry-After, in seconds, of other 503 and 429 responses.
const retryUnavailable = 5

func newProblem(status int, code, detail string) *Problem {
	title := http.StatusText(status)
	if title == "" {
		title = code
	}
	p := &Problem{Type: "about:blank", Title: title, Status: status, Detail: detail, Code: code}
	if code == "not_ready" {
		p.header = http.Header{"Retry-After": {strconv.Itoa(retryUnfinished)}}
	}
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		p.header = http.Header{"Retry-After": {strconv.Itoa(retryUnavailable)}}
	}
	return p
}

// invalid returns the problem for invalid fields, with their names and what is allowed.
func invalid(fields ...*job.FieldError) *Problem {
	p := newProblem(http.StatusUnprocessableEntity, "invalid_field", "")
	for i, f := range fields {
		if i > 0 {
			p.Detail += "; "
		}
		p.Detail += f.Error()
		p.Errors = append(p.Errors, ProblemField{f.Field, f.Problem})
	}
	return p
}

// useProblems makes huma use problems for its own error responses. It sets a global variable of
// huma, once, to a function without state.
var useProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		var fields []*job.FieldError
		for _, err := range errs {
			var d huma.ErrorDetailer // not an error by its methods
			if errors.As(err, &d) {
				fields = append(fields, fieldOf(d.ErrorDetail()))
			} else if err != nil {
				fields = append(fields, &job.FieldError{Field: "request", Problem: err.Error()})
			}
		}
		p := invalid(fields...)
		p.Status, p.Title, p.Code = status, http.StatusText(status), codeOf(status)
		if len(fields) == 0 {
			p.Detail = msg
		}
		return p
	}
})

// fieldOf returns the name that a field has in the request: wait where huma says query.wait, for
// example.
func fieldOf(d *huma.ErrorDetail) *job.FieldError {
	name := d.Location
	for _, place := range []string{"query.", "header.", "path.", "body."} {
		name = strings.TrimPrefix(name, place)
	}
	return &job.FieldError{Field: name, Problem: d.Message}
}

func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "malformed_request"
	case http.StatusRequestTimeout:
		return "too_slow"
	case http.StatusRequestEntityTooLarge:
		return "too_many_bytes"
	case http.StatusUnsupportedMediaType:
		return "not_json"
	case http.StatusUnprocessableEntity:
		return "invalid_field"
	}
	return "internal"
}
