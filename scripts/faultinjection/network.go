//go:build linux

package main

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// A network is the way to the queue service, which can be cut: all connections are reset then, and new ones refused.
type network struct {
	address string
	handler http.Handler

	mu     sync.Mutex
	server *http.Server // nil: it is cut
	closed bool
}

func newNetwork(h http.Handler) (*network, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	n := &network{address: l.Addr().String(), handler: h}
	n.serve(l)
	return n, nil
}

func (n *network) serve(l net.Listener) {
	n.server = &http.Server{Handler: n.handler, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(n.server) // until it is closed
}

// cut cuts the network, and waits for no call.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server != nil {
		n.server.Close()
		n.server = nil
	}
}

// connect ends a cut.
func (n *network) connect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for n.server == nil && !n.closed {
		if l, err := net.Listen("tcp", n.address); err == nil {
			n.serve(l)
			return
		}
		time.Sleep(10 * time.Millisecond) // another program has the port for a moment, as its own end of a connection
	}
}

func (n *network) close() {
	n.cut()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
}
