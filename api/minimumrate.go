package api

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// A submission occupies one of few places while its body arrives. The body may stall for
// Config.Stall in total, and must otherwise arrive at minimumRate or faster. After maxTransferTime
// it is aborted.
const (
	minimumRate     = 16 << 10 // bytes a second
	maxTransferTime = 5 * time.Minute
)

// A minimumRateReader reads the body of a request. Read returns os.ErrDeadlineExceeded if the body
// arrives too slowly.
type minimumRateReader struct {
	io.ReadCloser
	conn  *http.ResponseController
	began time.Time
	stall time.Duration
	read  atomic.Int64
}

// enforceMinimumRate replaces r.Body by a minimumRateReader. The caller calls done when it has read
// the body to its end; from then on there is no minimum rate. If the caller stops reading earlier,
// the server discards the rest of the body, at the same minimum rate.
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
