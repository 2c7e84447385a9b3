package api

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// A body of a submission may stall for Config.Stall in all, and else comes at
// slowest or faster; whatever it does, it is over after longest. It takes up one of
// few places meanwhile.
const (
	minimumRate     = 16 << 10 // bytes a second
	maxTransferTime = 5 * time.Minute
)

// paced reads a request's body and gives up on one that comes too slowly, with
// os.ErrDeadlineExceeded.
type minimumRateReader struct {
	io.ReadCloser
	conn  *http.ResponseController
	began time.Time
	stall time.Duration
	read  atomic.Int64
}

// pace makes r's body paced. done is to be called when it was read to its end: what
// comes after a body is under no pressure. Where it was not, the server looks for
// its end, and is under the same.
func enforceMinimumRate(w http.ResponseWriter, r *http.Request, stall time.Duration) (p *minimumRateReader, done func()) {
	conn := http.NewResponseController(w)
	p = &minimumRateReader{ReadCloser: r.Body, conn: conn, began: time.Now(), stall: stall}
	r.Body = p
	return p, func() { _ = conn.SetReadDeadline(time.Time{}) }
}

func (p *minimumRateReader) Read(b []byte) (int, error) {
	allowed := p.stall + time.Duration(p.read.Load())*time.Second/minimumRate
	// Where it can't be set there is no connection: a function gets its requests whole.
	_ = p.conn.SetReadDeadline(p.began.Add(min(allowed, maxTransferTime)))
	n, err := p.ReadCloser.Read(b)
	p.read.Add(int64(n))
	return n, err
}
