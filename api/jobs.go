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

// retryUnfinished is the number of seconds after which to look at an
// unfinished job again.
const retryUnfinished = 1

type jobInput struct {
	ID string `path:"id" doc:"The job's id"`
}

// The answers in which there is a job: as it stands, on its way, and changed.
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

// jobReplies are the answers of getJob that huma does not see in its output.
func jobReplies() replies {
	all := problems(401, 404, 410, 422, 500)
	all["304"] = reply("It is what If-None-Match names", nil, "ETag", "Cache-Control", "Retry-After")
	return all
}

type getJobInput struct {
	ID          string `path:"id" doc:"The job's id"`
	Wait        int    `query:"wait" minimum:"0" maximum:"20" doc:"Answer after so many seconds at most, and as soon as the job changes: with If-None-Match against that ETag, without against the state at arrival. A server may wait less"`
	IfNoneMatch string `header:"If-None-Match"`
}

// getJob answers a job as it stands, or, with wait, as it stands next.
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

// accepted answers a job that is on its way, at where.
func accepted(j job.Job, where string) *acceptedOutput {
	return &acceptedOutput{Location: where, RetryAfter: retryAfter(j), Cache: "no-store", Body: withURLs(j)}
}

func retryAfter(j job.Job) string {
	if j.State.Finished() {
		return ""
	}
	return strconv.Itoa(retryUnfinished)
}

// read reads a job that the caller may see.
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

// addressed fills in a job's addresses.
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

// matches is If-None-Match's comparison, RFC 9110: weak, over a list, or any.
func etagMatches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

// etag names what is answered of a job by its content, so that it stands for the
// same bytes for ever, whatever program reads the job. Its place in the queue is
// left out on purpose.
func etagOfJob(j job.Job) string {
	j.QueuePosition = nil
	b, err := json.Marshal(j)
	if err != nil {
		panic(err) // strings, numbers and times: huma could not answer it either
	}
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
