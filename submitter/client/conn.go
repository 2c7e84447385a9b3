package main

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// A patientConn lets an answer be read that came before the request was
// finished. A server that refuses a picture for its size answers and closes
// while the picture is still being sent; net/http would report the broken write
// and drop the answer. So a broken write is reported a moment later: by then
// the reader has what had arrived.
type patientConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

const patience = time.Second

func newPatientConn(c net.Conn) *patientConn {
	return &patientConn{Conn: c, closed: make(chan struct{})}
}

func (c *patientConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.closed:
		}
	}
	return n, err
}

// Close also ends a pause of Write.
func (c *patientConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
