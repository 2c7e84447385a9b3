//go:build linux

package main

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A network passes HTTP requests on to a service. While it is cut, connections are reset and new ones refused. While it
// is held, requests wait, as for a service that does not respond. It is safe for concurrent use.
type network struct {
	address string
	handler http.Handler

	mu     sync.Mutex
	server *http.Server  // nil: the network is cut
	held   chan struct{} // requests wait until this channel is closed; nil: they don't wait
	closed bool
}

// newNetwork serves h on a free local port. The caller closes it.
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

// pass waits while the network is held, and passes the request on. A request that was held is passed on even if its
// client has given up, since it can still have its effect.
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

// hold lets requests wait until connect is called.
func (n *network) hold() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil && !n.closed {
		n.held = make(chan struct{})
	}
}

// cut cuts the network. It does not wait for requests that have arrived.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server != nil {
		n.server.Close()
		n.server = nil
	}
}

// connect ends a cut, and passes on the requests that are held.
func (n *network) connect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release()
	for n.server == nil && !n.closed {
		if l, err := net.Listen("tcp", n.address); err == nil {
			n.serve(l)
			return
		}
		time.Sleep(10 * time.Millisecond) // a connection of another program has this port for a moment
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
