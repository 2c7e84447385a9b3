package main

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// connections bounds how many connections there are. One more closes the one that has
// been longest without a request to answer, so that whoever opens many, and says nothing
// on them or little, keeps nobody out. It is safe for concurrent use.
type connections struct {
	limit int

	mu   sync.Mutex
	open map[net.Conn]*list.Element // nil while a request of it is answered
	idle list.List                  // of net.Conn, the longest idle first
}

func newConnections(most int) *connections {
	return &connections{limit: most, open: map[net.Conn]*list.Element{}}
}

type connKey struct{}

// bound has a server's connections counted. Its handler must be set already.
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
		surplus = c.idle.Remove(c.idle.Front()).(net.Conn) // there is one: conn, if no other
		delete(c.open, surplus)
	}
	c.mu.Unlock()
	if surplus != nil {
		_ = surplus.Close() // whose server notices
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

// busy and rest are for the beginning and the end of an answer. A connection that was
// closed meanwhile is in neither.
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
