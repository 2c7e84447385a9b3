package onnx

import (
	"fmt"
	"runtime/debug"

	"github.com/atelier-go/atelier/model/internal/pool"
)

// A sessionPool holds the sessions that paint, one for each image that is painted at the same time.
// Images don't share a session, so that none uses the arena of another, and a session can be
// destroyed when its image is done.
type sessionPool struct {
	file    []byte
	threads int
	pool    *pool.Pool[*pooledSession]
}

// A pooledSession is a session with its input and output planes.
type pooledSession struct {
	*session
	in, out []float32
	largest int // pixels of the largest picture that it has painted
}

// maxIdlePixels limits the memory of idle sessions, as the sum of the pixels of their largest
// pictures: 0.2 GB. Sessions beyond that are destroyed and loaded again when needed, which takes 15
// ms, whereas a picture of that size takes 200 ms or more.
const maxIdlePixels = 1 << 20

func newSessionPool(file []byte, threads, n int) sessionPool {
	return sessionPool{file, threads, pool.New[*pooledSession](n)}
}

// acquire waits for a session for a picture of this number of pixels; release returns it. A session
// that has painted only smaller pictures is replaced, because its arena would keep their memory,
// which is of no use for the larger picture, in addition to the memory that this one takes. The
// other idle sessions are destroyed as well, because the memory that was reserved for the larger
// picture does not include theirs.
func (ps sessionPool) acquire(pixels int) (*pooledSession, error) {
	p, ok := ps.pool.Acquire()
	if ok && (p.largest == 0 || pixels <= p.largest) {
		return p, nil
	}
	if ok {
		destroyAll(append(ps.pool.Idle(), p))
	}
	s, err := newSession(ps.file, []string{contentInput, vectorInput}, []string{pictureOutput}, ps.threads)
	if err != nil {
		ps.pool.Discard()
		return nil, fmt.Errorf("ONNX Runtime cannot load %s: %w", transformFile, err)
	}
	return &pooledSession{session: s}, nil
}

func (ps sessionPool) release(p *pooledSession, pixels int) {
	p.largest = max(p.largest, pixels)
	kept := ps.pool.Release(p, func(idle []*pooledSession) bool {
		all := p.largest
		for _, other := range idle {
			all += other.largest
		}
		return all <= maxIdlePixels
	})
	if !kept {
		destroyAll([]*pooledSession{p})
		ps.pool.Discard()
	}
}

// destroyAll destroys sessions, which frees their memory at once. The garbage collector does not
// know how much memory the sessions have outside of Go, and would let that of several pictures
// accumulate.
func destroyAll(ps []*pooledSession) {
	for _, p := range ps {
		_ = p.Destroy() // it never fails
		p.in, p.out = nil, nil
	}
	debug.FreeOSMemory()
}

// close waits until all sessions are released and destroys them.
func (ps sessionPool) close() {
	for _, p := range ps.pool.Close() {
		_ = p.Destroy()
	}
}

// grow gives each of the planes n numbers.
func (p *pooledSession) grow(n int) {
	if cap(p.in) < n {
		p.in, p.out = make([]float32, n), make([]float32, n)
	}
	p.in, p.out = p.in[:n], p.out[:n]
}
