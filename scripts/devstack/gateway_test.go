package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// gatewayBefore starts a gateway in front of an HTTP API, and returns it with its address.
func gatewayBefore(t *testing.T, api http.HandlerFunc) (*gateway, string) {
	t.Helper()
	behind := httptest.NewServer(api)
	t.Cleanup(behind.Close)
	at, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	g, err := startGateway("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	g.api.Store(at)
	return g, g.address
}

// raw sends the bytes of a request and leaves the connection open.
func raw(t *testing.T, address, request string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn
}

func status(t *testing.T, conn net.Conn) int {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestGatewayRefusesOtherHosts(t *testing.T) {
	var passed atomic.Int32
	_, address := gatewayBefore(t, func(http.ResponseWriter, *http.Request) { passed.Add(1) })
	_, port, _ := net.SplitHostPort(address)
	for host, want := range map[string]int{
		"": 403, "evil.example": 403, "evil.example:" + port: 403, "localhost.evil.example": 403, "127.0.0.1.evil.example": 403, "0.0.0.0:" + port: 403,
		"127.0.0.1:" + port: 200, "localhost:" + port: 200, "LOCALHOST": 200, "[::1]:" + port: 200,
	} {
		if got := status(t, raw(t, address, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")); got != want {
			t.Errorf("Host %q: %d, want %d", host, got, want)
		}
	}
	if got := status(t, raw(t, address, "GET / HTTP/1.0\r\n\r\n")); got != 403 {
		t.Errorf("without a Host: %d", got)
	}
	if passed.Load() != 4 {
		t.Errorf("%d requests passed, want 4", passed.Load())
	}
}

// Clients can't influence the connections of the gateway to MiniStack.
func TestGatewayKeepsConnectionsApart(t *testing.T) {
	_, address := gatewayBefore(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q %q %q", r.Header["Upgrade"], r.Header["Connection"], r.Header["Origin"])
	})
	conn := raw(t, address, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nConnection: Upgrade, Origin\r\nUpgrade: websocket\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != `[] [] ["http://evil.example"]` {
		t.Errorf("received behind the gateway: %s, %v", b, err)
	}
}

// Requests whose bodies never arrive do not delay other requests.
func TestStalledRequestsTakeNoSlots(t *testing.T) {
	_, address := gatewayBefore(t, func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || int64(len(b)) != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", len(b), r.ContentLength, err)
		}
	})
	for range 2 * concurrentRequests {
		conn := raw(t, address, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
		// The gateway sends this when it begins to read the body.
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
			t.Fatalf("%q, %v", line, err)
		}
		if _, err := io.WriteString(conn, "the beginning"); err != nil {
			t.Fatal(err)
		}
	}
	if got := status(t, raw(t, address, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")); got != 200 {
		t.Errorf("beside stalled requests: %d", got)
	}
}

func TestGatewayWithoutSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{slots: make(chan struct{}, 1)}
		g.slots <- struct{}{}
		w, begun := httptest.NewRecorder(), time.Now()
		r := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
		ended := make(chan struct{})
		go func() {
			g.limited(http.NotFoundHandler()).ServeHTTP(w, r)
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("the response took more than a minute")
		}
		if waited := time.Since(begun); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || waited != 10*time.Second {
			t.Errorf("after %v: %d, %v", waited, w.Code, w.Header())
		}
	})
}

func TestKeysThatTheSiteServes(t *testing.T) {
	for path, want := range map[string]string{
		"/": "index.html", "/gallery.js": "gallery.js", "/gallery/index.json": "gallery/index.json", "/gallery/2026/11/29/14.json": "gallery/2026/11/29/14.json",
		"/gallery/2026/11/29/14/0.json": "gallery/2026/11/29/14/0.json", "/gallery/2026/11/29/14/04/59.json": "gallery/2026/11/29/14/04/59.json",
		"/gallery/2026/11/29/14/pages.json": "", "/gallery/2026/11/29/14/04/59/1.json": "",
		"/gallery/hours.json": "", "/other.js": "", "/pictures/public/x/evil.html": "", "/pictures/private/x": "", "/other/x": "",
		"/gallery/\x00": "", "/\x00": "", "/gallery/\n": "", "/gallery/\x7f": "", "/gallery/\xff": "", "/gallery/" + strings.Repeat("x", 1024): "",
		"/gallery/../pictures/private/x": "", "/..": "", "/gallery/./x": "",
	} {
		if got, _ := shownKey(path); got != want {
			t.Errorf("%.40q: %.40q, want %q", path, got, want)
		}
	}
}
