package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A slowAPI answers reads of one job, which is finished after a minute, in a test
// whose time is its own.
type slowAPI struct {
	began  time.Time
	id     job.ID
	etags  bool
	limit  time.Duration // of a wait
	cutoff time.Duration // after which a gateway in between gives up; 0 for none
	asked  int
}

func (s *slowAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	seconds, _ := strconv.Atoi(r.URL.Query().Get("wait"))
	wait := min(time.Duration(seconds)*time.Second, s.limit, time.Until(s.began.Add(time.Minute)))
	if s.cutoff > 0 && wait > s.cutoff {
		time.Sleep(s.cutoff)
		return answer(r, http.StatusGatewayTimeout, nil, nil), nil
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
			return answer(r, http.StatusNotModified, header, nil), nil
		}
	}
	body, err := json.Marshal(j)
	return answer(r, http.StatusOK, header, body), err
}

func answer(r *http.Request, status int, header http.Header, body []byte) *http.Response {
	return &http.Response{Request: r, StatusCode: status, Status: http.StatusText(status), Header: header, Body: io.NopCloser(bytes.NewReader(body))}
}

// Whatever the API makes of a wish to wait, it is not asked more often than it
// has to be, and the job's end is heard of soon.
func TestWaitAsksSeldom(t *testing.T) {
	const id = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	for name, tt := range map[string]struct {
		api  slowAPI
		most int
		late time.Duration
	}{
		"it waits":              {slowAPI{etags: true, limit: time.Minute}, 4, 0},
		"it waits 5 s":          {slowAPI{etags: true, limit: 5 * time.Second}, 13, 0},
		"it does not wait":      {slowAPI{etags: true}, 18, longestDelay},
		"it has no ETags":       {slowAPI{}, 18, longestDelay},
		"a gateway has no time": {slowAPI{etags: true, limit: time.Minute, cutoff: 8 * time.Second}, 13, longestDelay},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := tt.api
				api.began, api.id = time.Now(), id
				a := &app{
					api:    &client{base: &url.URL{Scheme: "http", Host: "x", Path: "/"}, http: &http.Client{Transport: &api}},
					screen: &screen{w: io.Discard},
				}
				j, err := a.wait(t.Context(), &jobAnswer{Job: job.Job{ID: id, State: job.Queued, Run: 1}})
				if err != nil || j.State != job.Failed {
					t.Fatalf("got %+v, %v", j, err)
				}
				if late := time.Since(api.began) - time.Minute; api.asked > tt.most || late > tt.late {
					t.Errorf("asked %d times and heard of it %v late, want %d and %v at most", api.asked, late, tt.most, tt.late)
				}
			})
		})
	}
}
