package main_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// testEraseRead erases jobs while their results are read slowly from A: at B, and at A itself,
// which has the file open.
func testEraseRead(m *machines, _ *daemon) {
	// A small buffer, so that a picture does not fit into the buffers between server and reader.
	if err := os.WriteFile("/proc/sys/net/ipv4/tcp_wmem", []byte("4096 16384 65536"), 0o644); err != nil {
		m.Fatal(err)
	}
	picture := noise(m.T, 640, 480)
	for _, at := range []*demo{m.b, m.demo} {
		j := m.finished(m.submit(picture, "format", "png"), job.Succeeded, 1)
		want := m.result(j)
		r := m.readSlowly(j.ID)
		m.erase(at, j.ID)
		if got := r.rest(); !bytes.HasPrefix(want, got) {
			m.Errorf("the reader got %d bytes that were not the result's", len(got))
		} else if len(got) < len(want) {
			m.Logf("the reader got %d of %d bytes", len(got), len(want))
		}
		var left []string
		waitUntil(m.T, func() bool {
			left = m.mentions(string(j.ID))
			return len(left) == 0
		}, func() string { return fmt.Sprintf("an erased job still has %q", left) })
	}
}

// A slowReader requests a result and reads 1 KiB of it a second.
type slowReader struct {
	conn net.Conn
	body io.Reader
	got  bytes.Buffer
	stop chan struct{}
	done chan struct{}
}

func (d *demo) readSlowly(id job.ID) *slowReader {
	d.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.Base, "http://"))
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		d.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, d.Base+"/v1/jobs/"+string(id)+"/result", nil)
	if err == nil {
		err = req.Write(conn)
	}
	if err != nil {
		d.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		d.Fatal(err)
	}
	r := &slowReader{conn: conn, body: resp.Body, stop: make(chan struct{}), done: make(chan struct{})}
	if resp.StatusCode != http.StatusOK || resp.ContentLength < 256<<10 {
		d.Fatalf("a result to read slowly: %s, %d bytes", resp.Status, resp.ContentLength)
	}
	go func() {
		defer close(r.done)
		for {
			if _, err := io.CopyN(&r.got, r.body, 1024); err != nil {
				return
			}
			select {
			case <-r.stop:
				_, _ = io.Copy(&r.got, r.body) // only the received bytes matter
				return
			case <-time.After(time.Second):
			}
		}
	}()
	return r
}

// rest reads the remaining bytes as fast as possible, and returns all received bytes.
func (r *slowReader) rest() []byte {
	_ = r.conn.(*net.TCPConn).SetReadBuffer(1 << 20) // otherwise it would take minutes
	close(r.stop)
	<-r.done
	return r.got.Bytes()
}

// testExpired applies the retention on B as a sweeper does in two hours.
func testExpired(m *machines, _ *daemon) {
	m.daemonOn(m.shared)
	j := m.finished(m.submit(apitest.Stripes(m.T, 160, 120)), job.Succeeded, 1)
	s, err := store.Open(store.Config{Dir: m.onB})
	if err != nil {
		m.Fatal(err)
	}
	defer s.Close()
	if p, err := s.Expire(context.Background(), time.Now().Add(2*time.Hour), ""); err != nil || p.Count == 0 {
		m.Errorf("%d jobs have expired, %v", p.Count, err)
	}
	m.gone(j.ID)
	for _, d := range m.both() {
		if left := d.listed("/v1/jobs"); len(left) > 0 {
			m.Errorf("got %v, want no jobs", left)
		}
	}
}
