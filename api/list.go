package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// listTimeout is how long a request for a list waits for a free place before it is refused.
const listTimeout = 5 * time.Second

type listInput struct {
	State  string `query:"state" enum:"queued,running,succeeded,failed,canceled,expired" doc:"Only jobs in this state"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Largest number of jobs"`
	Cursor string `query:"cursor" doc:"next_cursor of the previous response"`
}

type galleryInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"Largest number of jobs"`
	Cursor string `query:"cursor" doc:"next_cursor of the previous response"`
}

type listOutput struct {
	Cache string `header:"Cache-Control"`
	Body  jobList
}

// A jobList is one page of a list of jobs.
type jobList struct {
	Jobs       []job.Job `json:"jobs" nullable:"false" doc:"Newest first"`
	NextCursor *string   `json:"next_cursor" doc:"For the next request; null if there are no more jobs"`
}

const listDescription = "Newest first. One request examines a bounded number of jobs: a response may be short, even empty, and still have a next_cursor."

func (s *Server) listRoutes(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "list-jobs", Method: http.MethodGet, Path: "/v1/jobs", Tags: []string{"jobs"},
		Summary: "Your jobs", Description: listDescription,
		Security: needs(keyring.Read), Responses: problems(401, 422, 500),
	}, s.listJobs)
	huma.Register(api, huma.Operation{
		OperationID: "list-gallery", Method: http.MethodGet, Path: "/v1/gallery", Tags: []string{"jobs"},
		Summary: "The public results", Description: listDescription,
		Security: open(), Responses: problems(422, 500),
	}, s.listGallery)
}

// listJobs returns a page of the jobs that the caller may see.
func (s *Server) listJobs(ctx context.Context, in *listInput) (*listOutput, error) {
	q := store.Query{Limit: in.Limit}
	if c := callerOf(ctx); !c.seesAll {
		q.Owner = c.owner
	}
	if in.State != "" {
		q.Keep = func(j *job.Job) bool { return string(j.State) == in.State }
	}
	return s.list(ctx, q, in.Cursor)
}

// listGallery returns a page of the public jobs. Their JSON does not contain their owners.
func (s *Server) listGallery(ctx context.Context, in *galleryInput) (*listOutput, error) {
	return s.list(ctx, store.Query{
		Limit: in.Limit, Keep: isPublicResult,
	}, in.Cursor)
}

// isPublicResult reports whether a job has a result that is public.
func isPublicResult(j *job.Job) bool { return j.Public && j.State == job.Succeeded }

func (s *Server) list(ctx context.Context, q store.Query, cursor string) (*listOutput, error) {
	var (
		jobs []job.Job
		next job.ID
		err  error
	)
	if cursor != "" {
		q.Before, err = parseCursor(cursor)
	}
	if err == nil {
		jobs, next, err = s.listWithinShare(ctx, q)
	}
	if err != nil {
		return nil, s.problem(ctx, "list jobs", err)
	}
	out := &listOutput{Cache: "no-store", Body: jobList{Jobs: make([]job.Job, len(jobs))}}
	for i, j := range jobs {
		out.Body.Jobs[i] = withURLs(j)
	}
	if next != "" {
		text := formatCursor(next)
		out.Body.NextCursor = &text
	}
	return out, nil
}

// listWithinShare lists jobs, as soon as fewer than concurrentLists lists are being made and the
// owner's share allows one more.
func (s *Server) listWithinShare(ctx context.Context, q store.Query) ([]job.Job, job.ID, error) {
	owner := callerOf(ctx).owner
	if err := s.pools.lists.reserve(ctx, owner, 1, listTimeout); err != nil {
		return nil, "", err
	}
	defer s.pools.lists.release(owner, 1)
	return s.Store.List(q)
}

// formatCursor returns a cursor for the jobs older than id: the id without its 62 random bits,
// because in the gallery it may be the id of a private job. So it says when the job was made, to
// 1/4096 of a millisecond. If two processes make a job in the same moment, and a page ends between
// the two, the list lacks the older one.
func formatCursor(id job.ID) string {
	u := uuid.MustParse(string(id))
	const random, variant = 8, 0x80 // the first byte with random bits; the two bits above them are the UUID's variant
	clear(u[random:])
	u[random] = variant
	return base64.RawURLEncoding.EncodeToString(u[:])
}

func parseCursor(text string) (job.ID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err == nil {
		var u uuid.UUID
		if u, err = uuid.FromBytes(b); err == nil {
			var id job.ID
			if id, err = job.ParseID(u.String()); err == nil {
				return id, nil
			}
		}
	}
	return "", &job.FieldError{Field: "cursor", Problem: "must be the next_cursor of the previous response"}
}
