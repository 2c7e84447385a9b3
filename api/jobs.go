package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/atelier-go/atelier/pkg/job"
)

type jobInput struct {
	ID string `path:"id" doc:"The job's id"`
}

type getJobInput struct {
	ID          string `path:"id" doc:"The job's id"`
	IfNoneMatch string `header:"If-None-Match"`
}

// getJob answers a job as it stands.
func (s *Server) getJob(ctx context.Context, in *getJobInput) (*jobOutput, error) {
	j, err := s.read(in.ID)
	if err != nil {
		return nil, s.problem(ctx, "read a job", err)
	}
	out := &jobOutput{ETag: etag(j), Cache: "no-cache", Body: j}
	if !j.State.Finished() {
		out.RetryAfter = strconv.Itoa(retryUnfinished)
	}
	if matches(in.IfNoneMatch, out.ETag) {
		header := http.Header{"Etag": {out.ETag}, "Cache-Control": {out.Cache}}
		if out.RetryAfter != "" {
			header.Set("Retry-After", out.RetryAfter)
		}
		return nil, huma.ErrorWithHeaders(huma.Status304NotModified(), header)
	}
	return out, nil
}

// read reads a job and fills in its addresses.
func (s *Server) read(text string) (job.Job, error) {
	id, err := job.ParseID(text)
	if err != nil {
		return job.Job{}, err
	}
	j, err := s.Store.Job(id)
	if err != nil {
		return job.Job{}, err
	}
	if j.Result != nil {
		j.Result.URL = fmt.Sprintf("v1/jobs/%s/result", id)
	}
	return j, nil
}

// matches is If-None-Match's comparison, RFC 9110: weak, over a list, or any.
func matches(header, etag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == etag {
			return true
		}
	}
	return false
}

// etag names a job's version. Everything that can change about a job changes
// one of these three; its place in the queue is left out on purpose.
func etag(j job.Job) string { return fmt.Sprintf(`"%d-%d-%s"`, j.Run, j.Attempts, j.State) }
