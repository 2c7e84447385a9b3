package api

import (
	"context"
	"errors"
	"math"
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

// A Problem is the body of every error answer, RFC 9457. Programs go by Code,
// which is stable; Detail is for people.
type Problem struct {
	Type   string         `json:"type" doc:"about:blank: the code says it all"`
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

// Error, GetStatus, GetHeaders and ContentType make a Problem an error that
// huma can answer with.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders are further headers of the answer.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType is RFC 9457's.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// mapping is the one table from error to answer. The first match counts. hint
// is what the user could do; the cause stays in the log.
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
	{job.ErrNotReady, 409, "not_ready", "ask again in a moment"},
	{job.ErrGone, 410, "gone", ""},
	{job.ErrNotFinished, 409, "not_finished", "read the job to see where it stands"},
	{job.ErrFinished, 409, "finished", ""},
	{job.ErrTooManyRuns, 409, "too_many_runs", "submit the picture again, as a new job"},
	{job.ErrNotRetryable, 409, "not_retryable", "only a job that failed or was canceled runs again"},
	{job.ErrKeyReused, 422, "idempotency_key_reused", "take a new key for a new request"},
	{job.ErrUploadNotFound, 404, "upload_not_found", "ask for one with POST /v1/uploads"},
	{job.ErrUploadExpired, 410, "upload_expired", "ask for another with POST /v1/uploads"},
	{job.ErrUploadTaken, 409, "upload_taken", "to repeat a request, send it under its Idempotency-Key; for another job, ask for another upload"},
	{job.ErrUploadIncomplete, 409, "upload_incomplete", "send the picture to the address that came with the upload_id, or ask for another with POST /v1/uploads, and submit again"},
	{job.ErrUnsupportedImage, 415, "unsupported_image", "send a " + formats.Titles(formats.All(), "or")},
	{job.ErrDamagedImage, 422, "damaged_image", "open it in a viewer and save it again"},
	{job.ErrTooManyBytes, 413, "too_many_bytes", "send a smaller file"},
	{job.ErrTooManyPixels, 413, "too_many_pixels", "scale it down first"},
	{job.ErrUnknownStyle, 422, "unknown_style", ""},
	{job.ErrBacklog, 503, "backlog_full", "nothing was accepted; existing jobs are being worked on. Retry-After tells when to try again"},
	{job.ErrDiskFull, 503, "disk_full", "nothing was accepted; try again later. Existing jobs can still be read and erased"},
	{errUnavailable, 503, "unavailable", "nothing was accepted, so that sending it again is safe"},
	{errMaybeStored, 503, "unavailable", "sending the same again is safe and makes no second job"},
	{errCrowded, 503, "unavailable", "try again in a moment"},
	{errShareUsed, 429, "too_many_at_once", "try again when one of them is over"},
	{errTooLarge, 503, "unavailable", "try again in a moment, or ask for parts of it (Range: bytes=0-4194303)"},
	{errTimeLimit, 503, "unavailable", "ask again for the rest"},
	{job.ErrBusy, 503, "busy", "try again in a moment"},
	{job.ErrStoreAway, 503, "unavailable", "try again in a moment"},
	{errTooSlow, 408, "too_slow", "try again, or send a smaller picture"},
}

// errTooSlow: the body did not come in time.
var errTooSlow = errors.New("the upload took too long")

// errUnavailable: the store or the queue is away, and nothing was kept.
var errUnavailable = errors.New("the service can't take or show jobs at the moment")

// errUnsure: the store or the queue is away, and what was asked for may be
// stored already. It was not promised; the same request again completes it.
var errMaybeStored = errors.New("the service can't take jobs at the moment")

// errOver: one request was asked for more than it has time for.
var errTimeLimit = errors.New("this request would take longer than the time limit")

// impersonal are the errors whose circumstances, such as what was done to find
// out, help nobody, or hide the sentence that does.
var withoutDetails = []error{job.ErrUploadNotFound, job.ErrUploadExpired, job.ErrUploadTaken, job.ErrUploadIncomplete, job.ErrNotFound, job.ErrGone, job.ErrNoPreview, job.ErrNotReady, job.ErrKeyReused, errTooSlow}

// opaque are the errors of which decoders, and what they say when they crash, may be the
// cause. Of these only an inspected one tells more than its sentence.
var untrustedDetails = []error{job.ErrDamagedImage, job.ErrUnsupportedImage}

// An inspected error is one of imageio.Inspect, whose text is made to be shown.
type inspectionError struct{ error }

func (e inspectionError) Unwrap() error { return e.error }

// problem turns err into an answer. What is not in the table is a fault of
// ours: the user gets a safe sentence, the log the cause.
func (s *Server) problem(ctx context.Context, doing string, err error) error {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	var field *job.FieldError
	if errors.As(err, &field) {
		return invalid(field)
	}
	var quota *store.QuotaError
	if errors.As(err, &quota) {
		return quotaProblem(quota)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return newProblem(499, "client_gone", "the client went away") // nobody reads it
	}
	for _, m := range mapping {
		if !errors.Is(err, m.err) {
			continue
		}
		detail := err.Error()
		if m.status >= 500 && !errors.Is(m.err, errCrowded) && !errors.Is(m.err, job.ErrBacklog) { // that is no fault, and comes often where it comes
			s.log(ctx).Error(doing, "error", err)
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
		if b := (*store.BacklogError)(nil); errors.As(err, &b) {
			p.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(b.After.Seconds()))))
		}
		return p
	}
	s.log(ctx).Error(doing, "error", err)
	return newProblem(http.StatusInternalServerError, "internal", "something went wrong here, not with your request; the log has the cause")
}

// quotaProblem is the answer to what is beyond an owner's quota.
func quotaProblem(q *store.QuotaError) *Problem {
	p := newProblem(http.StatusTooManyRequests, "quota_exceeded", q.Error())
	p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(q.After.Seconds())))}}
	return p
}

// retryDiskFull is the number of seconds after which to try again where pictures have
// to be removed first.
const retryDiskFull = 60

// retryUnavailable is the number of seconds after which to try again.
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

// invalid is the answer to wrong fields: which, and what is allowed.
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

// useProblems makes huma's own refusals look like ours. The hook is a global of
// huma's; it is set once, to a function without state.
var useProblems = sync.OnceFunc(func() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		var fields []*job.FieldError
		for _, err := range errs {
			var d huma.ErrorDetailer
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

// fieldOf names a field as the request does: wait for huma's query.wait.
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
