package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// retryUnfinished is the Retry-After, in seconds, of a response with an unfinished job.
const retryUnfinished = 1

type jobInput struct {
	ID string `path:"id" doc:"The job's id"`
}

// The responses that contain a job: to reading it, to submitting or retrying it, and to canceling
// it.
type (
	jobOutput struct {
		RetryAfter string `header:"Retry-After"`
		ETag       string `header:"ETag"`
		Cache      string `header:"Cache-Control"`
		Body       job.Job
	}
	acceptedOutput struct {
		Location   string `header:"Location"`
		RetryAfter string `header:"Retry-After"`
		Cache      string `header:"Cache-Control"`
		Body       job.Job
	}
	changedOutput struct {
		Cache string `header:"Cache-Control"`
		Body  job.Job
	}
)

// jobReplies are the responses of getJob that huma does not derive from its output.
func jobReplies() replies {
	all := problems(401, 404, 410, 422, 500)
	all["304"] = reply("The job is unchanged since the response with the ETag of If-None-Match", nil, "ETag", "Cache-Control", "Retry-After")
	return all
}

type getJobInput struct {
	ID          string `path:"id" doc:"The job's id"`
	Wait        int    `query:"wait" minimum:"0" maximum:"20" doc:"Respond when the job changes, or after this number of seconds. A change is another ETag than that of If-None-Match, or, without that header, another state. A server may wait less"`
	IfNoneMatch string `header:"If-None-Match"`
}

// getJob returns a job. With ?wait, it first waits until the job has changed.
func (s *Server) getJob(ctx context.Context, in *getJobInput) (*jobOutput, error) {
	j, err := s.readJob(ctx, in.ID)
	if err == nil && in.Wait > 0 {
		j, err = s.waitForChange(ctx, j, in)
	}
	if err != nil {
		return nil, s.problem(ctx, "read a job", err)
	}
	out := &jobOutput{ETag: etagOfJob(j), Cache: "no-cache", RetryAfter: retryAfter(j), Body: j}
	if etagMatches(in.IfNoneMatch, out.ETag) {
		unchanged := newProblem(http.StatusNotModified, "", "") // huma's way to another status; it has no body
		unchanged.header = http.Header{"Etag": {out.ETag}, "Cache-Control": {out.Cache}}
		if out.RetryAfter != "" {
			unchanged.header.Set("Retry-After", out.RetryAfter)
		}
		return nil, unchanged
	}
	return out, nil
}

// accepted returns the response with a job that was queued. location is the job's address.
func accepted(j job.Job, location string) *acceptedOutput {
	return &acceptedOutput{Location: location, RetryAfter: retryAfter(j), Cache: "no-store", Body: withURLs(j)}
}

func retryAfter(j job.Job) string {
	if j.State.Finished() {
		return ""
	}
	return strconv.Itoa(retryUnfinished)
}

// readJob returns a job that the caller may see.
func (s *Server) readJob(ctx context.Context, text string) (job.Job, error) {
	id, err := job.ParseID(text)
	if err != nil {
		return job.Job{}, err
	}
	j, err := s.Store.Job(id)
	if err := s.hideFromOthers(ctx, id, j.Owner, err); err != nil {
		return job.Job{}, err
	}
	return withURLs(j), nil
}

// withURLs returns the job with the addresses of its result and thumbnail.
func withURLs(j job.Job) job.Job {
	if j.Result != nil {
		r := *j.Result
		r.URL = fmt.Sprintf("v1/jobs/%s/result", j.ID)
		if isPublicResult(&j) {
			r.ThumbnailURL = fmt.Sprintf("v1/jobs/%s/thumbnail", j.ID)
		}
		j.Result = &r
	}
	return j
}

// etagMatches reports whether an If-None-Match header matches an ETag, by RFC 9110: with a weak
// comparison, with any ETag of a list, or with "*".
func etagMatches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

// etagOfJob returns a hash of a job's JSON without the position in the queue. So the same ETag
// always stands for the same content except that position, whichever version of the program reads
// the job.
func etagOfJob(j job.Job) string {
	j.QueuePosition = nil
	b, err := json.Marshal(j)
	if err != nil {
		panic(err) // strings, numbers and times can be marshalled
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
