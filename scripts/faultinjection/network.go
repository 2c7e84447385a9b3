//go:build linux

package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A network is the way to a service. It can be cut: all connections are reset then, and new ones refused. It can also
// hold requests, as a service does that does not respond.
type network struct {
	address string
	handler http.Handler

	mu     sync.Mutex
	server *http.Server  // nil: it is cut
	held   chan struct{} // requests wait until it is closed; nil: they don't
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
	n.server = &http.Server{Handler: http.HandlerFunc(n.pass), ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(l) }(n.server) // until it is closed
}

// pass passes a request on, after it was held. One that was held is passed on also if its client has given up: it can
// still have its effect.
func (n *network) pass(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	held := n.held
	n.mu.Unlock()
	if held != nil {
		<-held
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	n.handler.ServeHTTP(w, r)
}

// hold has requests wait until connect is called.
func (n *network) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil && !n.closed {
		n.held = make(chan struct{})
	}
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

// connect ends a cut, and lets the requests pass that were held.
func (n *network) connect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release()
	for n.server == nil && !n.closed {
		if l, err := net.Listen("tcp", n.address); err == nil {
			n.serve(l)
			return
		}
		time.Sleep(10 * time.Millisecond) // another program has the port for a moment, as its own end of a connection
	}
}

func (n *network) release() {
	if n.held != nil {
		close(n.held)
		n.held = nil
	}
}

func (n *network) close() {
	n.cut()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	n.release()
}
