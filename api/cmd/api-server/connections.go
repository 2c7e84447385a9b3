package main

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// connections limits the number of open connections of a server. If there would be one too many, it
// closes the connection that has been idle longest. So clients that open many connections, and send
// little or nothing, don't keep others out. It is safe for concurrent use.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request is being handled
	idle list.List                  // of net.Conn, the longest idle first
}

// newConnections returns a limit of this number of connections.
func newConnections(limit int) *connections {
	return &connections{limit: limit, open: map[net.Conn]*list.Element{}}
}

type connKey struct{}

// install makes the server keep to the limit. The server's handler must be set before.
func (c *connections) install(server *http.Server) {
	next := server.Handler
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, conn)
	}
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			c.add(conn)
		case http.StateClosed, http.StateHijacked:
			c.remove(conn)
		}
	}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(connKey{}).(net.Conn)
		c.markBusy(conn)
		defer c.markIdle(conn)
		next.ServeHTTP(w, r)
	})
}

func (c *connections) add(conn net.Conn) {
	c.mu.Lock()
	c.open[conn] = c.idle.PushBack(conn)
	var surplus net.Conn
	if len(c.open) > c.limit {
		surplus = c.idle.Remove(c.idle.Front()).(net.Conn) // at least conn is idle
		delete(c.open, surplus)
	}
	c.mu.Unlock()
	if surplus != nil {
		_ = surplus.Close() // the server notices that
	}
}

func (c *connections) remove(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.open[conn]; e != nil {
		c.idle.Remove(e)
	}
	delete(c.open, conn)
}

// markBusy and markIdle are called at the start and the end of a request. They ignore a connection that
// was closed in the meantime.
func (c *connections) markBusy(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.open[conn]; ok {
		c.idle.Remove(e)
		c.open[conn] = nil
	}
}

func (c *connections) markIdle(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.open[conn]; ok {
		c.open[conn] = c.idle.PushBack(conn)
	}
}
