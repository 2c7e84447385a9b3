package client

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A delayedConn reports a failed write a moment later. A server that rejects a picture for
// its size responds and closes while the picture is still being sent; net/http would report
// the failed write and drop the response. During the delay, the response that has arrived is
// read.
type delayedConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

const writeErrorDelay = time.Second

func newDelayedConn(c net.Conn) *delayedConn {
	return &delayedConn{Conn: c, closed: make(chan struct{})}
}

func (c *delayedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		t := time.NewTimer(writeErrorDelay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.closed:
		}
	}
	return n, err
}

// Close also ends a delay.
func (c *delayedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
