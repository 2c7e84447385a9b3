package api

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// Shares limits what requests may use of this server process, in total and for each owner, so that
// no owner can keep the others out. An owner uses at most a part of what the other owners don't
// use: half of UploadMemory, and a quarter of everything else. Without keys there is one owner, who
// may use everything.
type Shares struct {
	Rate         float64 // changes a second of each owner, in bursts of ten times as many; 0 is no limit
	Uploads      int     // submissions received at the same time; 0 is 64
	UploadMemory int     // memory for them, in MiB; 0 is 192
	Waits        int     // requests with ?wait that wait at the same time; 0 is 200
	Requests     int     // requests served at the same time; 0 is 1024
}

func (s *Shares) setDefaults() {
	s.Uploads = cmp.Or(s.Uploads, 64)
	s.UploadMemory = cmp.Or(s.UploadMemory, 192)
	s.Waits = cmp.Or(s.Waits, 200)
	s.Requests = cmp.Or(s.Requests, 1024)
}

// Validate checks the values. Its errors name the flags of the mains.
func (s *Shares) Validate() error {
	if s.Rate < 0 || s.Rate > 1e6 || math.IsNaN(s.Rate) {
		return fmt.Errorf("--rate must be from 0 to a million, not %g", s.Rate)
	}
	for _, flag := range []struct {
		name  string
		value int
	}{{"uploads", s.Uploads}, {"upload-memory", s.UploadMemory}, {"waits", s.Waits}, {"requests", s.Requests}} {
		if flag.value < 1 || flag.value > 1e6 {
			return fmt.Errorf("--%s must be from 1 to a million, not %d", flag.name, flag.value)
		}
	}
	return nil
}

// bytes returns UploadMemory in bytes.
func (s *Shares) bytes() int64 { return int64(s.UploadMemory) << 20 }

// pools are the resources that Shares limits, except the rate of changes.
type pools struct {
	uploads  *pool // places for submissions that are received
	memory   *pool // bytes for them
	waits    *pool // requests that wait for a job to change
	requests *pool // requests of every kind
	lists    *pool // listings
}

// concurrentLists limits how many lists are made at the same time. Each may read hundreds of jobs.
const concurrentLists = 4

func newPools(s Shares, shared bool) pools {
	of := func(size int64, part int64) *pool {
		if !shared {
			part = 1
		}
		return newPool(size, part)
	}
	return pools{
		uploads: of(int64(s.Uploads), 4), memory: of(s.bytes(), 2), waits: of(int64(s.Waits), 4),
		requests: of(int64(s.Requests), 4), lists: of(concurrentLists, 2),
	}
}

// withinShare calls handle if the owner may have one more request at the same time. Otherwise it
// responds with a problem.
func (s *Server) withinShare(owner string, w http.ResponseWriter, r *http.Request, handle func()) {
	if err := s.pools.requests.tryReserve(owner, 1); err != nil {
		if p := (*Problem)(nil); errors.As(s.problem(r.Context(), "accept a request", err), &p) {
			writeProblem(w, p)
		}
		return
	}
	defer s.pools.requests.release(owner, 1)
	handle()
}

// publicOwner is the owner of requests that need no key. No owner of a key can have this name,
// which contains a space.
const publicOwner = "for everybody"

// limitPageRequests limits how many requests for the page and the description of the API are
// handled at the same time, because a client that reads slowly makes their responses take long.
// Requests to the API are limited by authorize, for each owner. Health checks are not limited.
func (s *Server) limitPageRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/openapi") {
			next.ServeHTTP(w, r)
			return
		}
		s.withinShare(publicOwner, w, r, func() { next.ServeHTTP(w, r) })
	})
}
