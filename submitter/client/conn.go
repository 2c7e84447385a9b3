package client

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A delayedConn returns the error of a failed write only after a moment. A server that refuses a
// picture because of its size responds and closes the connection while the picture is still being
// sent. net/http would return the error of the write, and not the response. In the moment in
// between, it reads the response.
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

// Close closes the connection, and ends the delay of a failed write.
func (c *delayedConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
