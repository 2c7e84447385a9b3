package api

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
)

// Shares bounds what requests may take of this server process, in all and of one owner,
// so that no owner shuts the others out. Without keys the one user of the machine may
// take all. Its tags are for kong; zero values are the defaults, but of Rate.
type Shares struct {
	Rate         float64 `default:"20" env:"ATELIER_RATE" help:"Changes a second that each owner may ask of this server process (submit, cancel, retry, erase, redrive), in a burst ten times as many; 0 is no limit."`
	Uploads      int     `default:"64" env:"ATELIER_UPLOADS" help:"Submissions that this server process receives at the same time; an owner at most a quarter of what the others leave."`
	UploadMemory int     `default:"192" env:"ATELIER_UPLOAD_MEMORY" help:"Memory for the submissions that this server process receives, in MiB; an owner at most half of what the others leave."`
	Waits        int     `default:"200" env:"ATELIER_WAITS" help:"Requests with ?wait that this server process keeps waiting at the same time, and answers at once beyond that; an owner at most a quarter of what the others leave."`
	Requests     int     `default:"1024" env:"ATELIER_REQUESTS" help:"Requests that this server process answers at the same time; an owner at most a quarter of what the others leave."`
}

func (s *Shares) setDefaults() {
	s.Uploads = cmp.Or(s.Uploads, 64)
	s.UploadMemory = cmp.Or(s.UploadMemory, 192)
	s.Waits = cmp.Or(s.Waits, 200)
	s.Requests = cmp.Or(s.Requests, 1024)
}

// Validate is called by kong once the flags are read.
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

// bytes is UploadMemory in bytes.
func (s *Shares) bytes() int64 { return int64(s.UploadMemory) << 20 }

// pools are what Shares bounds, besides the rate.
type pools struct {
	uploads  *pool // submissions being received
	memory   *pool // bytes for them
	waits    *pool // requests that wait for a job to change
	requests *pool // requests of every kind
	lists    *pool // listings, each of which reads many jobs
}

// concurrentLists bounds the listings at a time, each of which may read hundreds of
// jobs.
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

// inShare answers a request if there is room for one more of that owner's.
func (s *Server) inShare(owner string, w http.ResponseWriter, r *http.Request, answer func()) {
	if err := s.pools.requests.try(owner, 1); err != nil {
		if p := (*Problem)(nil); errors.As(s.problem(r.Context(), "let a request in", err), &p) {
			writeProblem(w, p)
		}
		return
	}
	defer s.pools.requests.release(owner, 1)
	answer()
}

// everybody is the owner of requests that ask for no key: it can't be one's name.
const everybody = "for everybody"

// sharePage bounds the requests for the page and the API's description, which are
// answered slowly to who reads slowly. Those of the API have their owner's share, and
// whether the server is alive is always answered.
func (s *Server) sharePage(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/v1/openapi") {
			next.ServeHTTP(w, r)
			return
		}
		s.inShare(everybody, w, r, func() { next.ServeHTTP(w, r) })
	})
}
