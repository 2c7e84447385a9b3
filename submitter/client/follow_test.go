package client

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A slowAPI responds to reads of one job, which fails after a minute. Its tests run in a
// synctest bubble.
type slowAPI struct {
	began    time.Time
	id       job.ID
	etags    bool
	limit    time.Duration // the longest wait
	cutoff   time.Duration // after which a gateway gives up; 0 for no gateway
	requests int
}

func (s *slowAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	s.requests++
	seconds, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	wait := min(time.Duration(seconds)*time.Second, s.limit, time.Until(s.began.Add(time.Minute)))
	if s.cutoff > 0 && wait > s.cutoff {
		time.Sleep(s.cutoff)
		return response(r, http.StatusGatewayTimeout, nil, nil), nil
	}
	time.Sleep(wait)
	j := job.Job{ID: s.id, State: job.Queued, Run: 1}
	header := http.Header{"Retry-After": {"1"}}
	if time.Since(s.began) >= time.Minute {
		j.State, header = job.Failed, http.Header{}
	}
	etag := `"` + string(j.State) + `"`
	if s.etags {
		header.Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			return response(r, http.StatusNotModified, header, nil), nil
		}
	}
	body, err := json.Marshal(j)
	return response(r, http.StatusOK, header, body), err
}

func response(r *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{Request: r, StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(bytes.NewReader(body))}
}

// However the API supports waiting, it is asked as seldom as possible, and the end of the job
// is noticed soon.
func TestFollowAsksSeldom(t *testing.T) {
	const id = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	for name, tt := range map[string]struct {
		api  slowAPI
		most int
		late time.Duration
	}{
		"it waits":           {slowAPI{etags: true, limit: time.Minute}, 4, 0},
		"it waits 5 s":       {slowAPI{etags: true, limit: 5 * time.Second}, 13, 0},
		"it does not wait":   {slowAPI{etags: true}, 18, longestDelay},
		"it has no ETags":    {slowAPI{}, 18, longestDelay},
		"a gateway gives up": {slowAPI{etags: true, limit: time.Minute, cutoff: 8 * time.Second}, 13, longestDelay},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := tt.api
				api.began, api.id = time.Now(), id
				c, err := New(Config{Address: "http://x", Transport: &api})
				if err != nil {
					t.Fatal(err)
				}
				j, err := c.Follow(t.Context(), &Job{Job: job.Job{ID: id, State: job.Queued, Run: 1}}, nil, func(*Job, bool) {})
				if err != nil || j.State != job.Failed {
					t.Fatalf("got %+v, %v", j, err)
				}
				if late := time.Since(api.began) - time.Minute; api.requests > tt.most || late > tt.late {
					t.Errorf("%d requests, and noticed %v late, want %d and %v at most", api.requests, late, tt.most, tt.late)
				}
			})
		})
	}
}

func TestPollDelay(t *testing.T) {
	for _, c := range []struct {
		asked     time.Duration
		unchanged int
		want      time.Duration
	}{
		{0, 0, firstPoll},
		{0, 1, firstPoll * 5 / 4},
		{0, 1000, longestDelay},
		{time.Second, 2, firstPoll * 25 / 16},
		{time.Minute, 0, time.Minute},
		{time.Hour, 0, longestPoll},
	} {
		if got := pollDelay(c.asked, c.unchanged); got != c.want {
			t.Errorf("pollDelay(%v, %d): got %v, want %v", c.asked, c.unchanged, got, c.want)
		}
	}
}
