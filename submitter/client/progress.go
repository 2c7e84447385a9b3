package client

import (
	"errors"
	"io"
	"sync/atomic"
)

// A progressReader counts the bytes that are read from it, and remembers whether reading failed.
// read and failed may be loaded while another goroutine reads.
type progressReader struct {
	r        io.Reader
	size     int64 // the expected number of bytes
	read     atomic.Int64
	failed   atomic.Pointer[error]
	progress func(int64) // is called with the number of bytes read so far; may be nil
}

func (p *progressReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	total := p.read.Add(int64(n))
	if p.progress != nil {
		p.progress(total)
	}
	if err != nil && total < p.size {
		if errors.Is(err, io.EOF) {
			err = errors.New("it has become shorter")
		}
		p.failed.Store(&err)
	}
	return n, err
}

// offset returns a function that calls progress with a larger number: bytes is added. If progress
// is nil it returns nil.
func offset(progress func(int64), bytes int64) func(int64) {
	if progress == nil {
		return nil
	}
	return func(sent int64) { progress(bytes + sent) }
}
