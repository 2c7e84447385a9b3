package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
)

// Connections without a complete request give way to new ones; a connection whose request is being
// handled does not.
func TestConnectionsAreLimited(t *testing.T) {
	l, err := listen("127.0.0.1:0", false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	begun, finish := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- serve(ctx, l, handler, 8, func() {}) }()
	var all []net.Conn
	send := func(text string) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			_, err = io.WriteString(conn, text)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn)
		return conn
	}
	answered := func(conn net.Conn) bool {
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		return err == nil && resp.StatusCode == http.StatusOK
	}

	slow := send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	kept := send("GET / HTTP/1.1\r\nHost: x\r\n\r\n") // and nothing more on it
	if !answered(kept) {
		t.Fatal("it does not answer")
	}
	silent := send("")
	for range 50 {
		send("GET / HTTP/1.1\r\nX: ")
		if !answered(send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) {
			t.Error("with others open it does not answer")
		}
	}
	for name, conn := range map[string]net.Conn{"kept alive": kept, "silent": silent} {
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("the connection that was %s is open still", name)
		}
	}
	close(finish)
	if !answered(slow) {
		t.Error("the request that was being answered was cut off")
	}
	for _, conn := range all {
		conn.Close()
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
