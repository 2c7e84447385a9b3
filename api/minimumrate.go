package api

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// The body of a submission, which occupies one of a few places, may stall for Config.Stall in total
// and must otherwise arrive at minimumRate or faster. It is aborted after maxTransferTime.
const (
	minimumRate     = 16 << 10 // bytes a second
	maxTransferTime = 5 * time.Minute
)

// A minimumRateReader reads a request's body. A read returns os.ErrDeadlineExceeded if the body
// arrives too slowly.
type minimumRateReader struct {
	io.ReadCloser
	conn  *http.ResponseController
	began time.Time
	stall time.Duration
	read  atomic.Int64
}

// enforceMinimumRate makes r.Body a minimumRateReader. The caller calls done after it has read the
// body to its end: what follows has no minimum rate. If it does not read to the end, the server
// discards the rest at the same minimum rate.
func enforceMinimumRate(w http.ResponseWriter, r *http.Request, stall time.Duration) (p *minimumRateReader, done func()) {
	conn := http.NewResponseController(w)
	p = &minimumRateReader{ReadCloser: r.Body, conn: conn, began: time.Now(), stall: stall}
	r.Body = p
	return p, func() { _ = conn.SetReadDeadline(time.Time{}) }
}

func (p *minimumRateReader) Read(b []byte) (int, error) {
	allowed := p.stall + time.Duration(p.read.Load())*time.Second/minimumRate
	// An error means that there is no connection: a function receives whole requests.
	_ = p.conn.SetReadDeadline(p.began.Add(min(allowed, maxTransferTime)))
	n, err := p.ReadCloser.Read(b)
	p.read.Add(int64(n))
	return n, err
}
