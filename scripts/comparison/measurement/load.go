package measurement

import (
	"context"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A response is the result of a request.
type response struct {
	scheduled, began, ended time.Time
	code                    int
	header                  http.Header
	body                    []byte
	failed                  string // why the request failed; "" if it succeeded
}

// send sends one request at each of the arrivals, in seconds from now on, without waiting for
// earlier responses (an open loop). It returns when all have their response, in the order of the
// arrivals. The targets are used in turn. If ctx ends, it returns at once with ctx's error.
func send(ctx context.Context, arrivals []float64, targets []vegeta.Target, timeout time.Duration) (began time.Time, all []response, err error) {
	s := &schedule{arrivals: arrivals}
	attacker := vegeta.NewAttacker(vegeta.Timeout(timeout), vegeta.KeepAlive(true), vegeta.Connections(1000))
	results := attacker.Attack(vegeta.NewStaticTargeter(targets...), s, 0, "")
	all = make([]response, len(arrivals))
	for {
		select {
		case r, more := <-results:
			if !more {
				return s.began, all, nil
			}
			all[r.Seq] = response{
				scheduled: s.began.Add(seconds(arrivals[r.Seq])), began: r.Timestamp, ended: r.Timestamp.Add(r.Latency),
				code: int(r.Code), header: r.Headers, body: r.Body, failed: failure(r),
			}
		case <-ctx.Done():
			attacker.Stop()
			go func() {
				for range results { // drain the remaining results
				}
			}()
			return s.began, nil, ctx.Err()
		}
	}
}

// failure returns why a request failed, with the beginning of the response; "" if it succeeded.
func failure(r *vegeta.Result) string {
	if r.Error == "" {
		return ""
	}
	return r.Error + ": " + string(r.Body[:min(len(r.Body), 200)])
}

// A schedule paces vegeta by arrivals.
type schedule struct {
	arrivals []float64
	began    time.Time // begin of the load, set when the first request is paced
}

// Pace implements vegeta's Pacer.
func (s *schedule) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits == 0 {
		s.began = time.Now().Add(-elapsed)
	}
	if hits >= uint64(len(s.arrivals)) {
		return 0, true
	}
	return seconds(s.arrivals[hits]) - elapsed, false
}

// Rate implements vegeta's Pacer; it is never used.
func (s *schedule) Rate(time.Duration) float64 { return 0 }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
