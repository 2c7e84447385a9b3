package api_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/store"
)

// A client that sends a byte now and then does not keep its place.
func TestSlowBodyIsAborted(t *testing.T) {
	s := serve(t, func(c *api.Config) { c.Stall = 100 * time.Millisecond })
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// It never stalls for long, but is slower than the minimum rate.
	go func() {
		_, err := io.WriteString(conn, "POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n")
		for tick := time.NewTicker(10 * time.Millisecond); err == nil; <-tick.C {
			_, err = io.WriteString(conn, "-")
		}
	}()
	answer, err := io.ReadAll(conn)
	if !strings.Contains(string(answer), " 408 ") || !strings.Contains(string(answer), "too_slow") {
		t.Errorf("got %q, %v", answer, err)
	}
}

// The time limit of a body grows with its length.
func TestBodyAtMinimumRateIsAccepted(t *testing.T) {
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	h, err := api.New(api.Config{Store: st, Queue: &recordingQueue{}})
	if err != nil {
		t.Fatal(err)
	}
	contentType, body := form(t, field{"image", "p.jpg", make([]byte, 1<<20)}, field{name: "style", value: "x"})
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/jobs", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", contentType)
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	began := time.Now()
	h.ServeHTTP(w, r)
	if len(w.set) < 3 || !w.set[len(w.set)-1].IsZero() {
		t.Fatalf("deadlines: got %d, the last %v: want none after the body", len(w.set), w.set)
	}
	const atLeast = 60 * time.Second // a mebibyte at 16 KiB a second
	if first, last := w.set[0].Sub(began), w.set[len(w.set)-2].Sub(began); first > 20*time.Second || last < atLeast {
		t.Errorf("it may take %v at first, and %v at the end", first, last)
	}
}

type deadlines struct {
	http.ResponseWriter
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.set = append(d.set, t); return nil }
