//go:build linux

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// server returns a client of an API server that gives the same response to all requests.
func server(t *testing.T, status int, body string) *client {
	t.Helper()
	return clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func clientOf(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return newClient([]string{s.Listener.Addr().String()}, "")
}

// The way in which a job has ended is compared with the way in which it must end.
func TestFollow(t *testing.T) {
	const id = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c"
	usual := &picture{sha256: "aa"}
	painted := func(run int, sha string) string {
		return fmt.Sprintf(`{"id":%q,"state":"succeeded","run":%d,"result":{"sha256":%q}}`, id, run, sha)
	}
	const canceled = `{"id":"` + id + `","state":"canceled","run":1}`
	for _, c := range []struct {
		name   string
		ends   job.State
		run    int
		status int
		body   string
		want   string // "" is nothing
	}{
		{"a job has succeeded", job.Succeeded, 1, 200, painted(1, "aa"), ""},
		{"its result is another", job.Succeeded, 1, 200, painted(1, "bb"), "not that of an undisturbed run"},
		{"a canceled job was painted", job.Canceled, 1, 200, painted(1, "aa"), "was to be canceled"},
		{"a job was canceled", job.Canceled, 1, 200, canceled, ""},
		{"a job was canceled by nobody", job.Succeeded, 1, 200, canceled, "was to be succeeded"},
		{"a job was retried", job.Succeeded, 2, 200, painted(2, "aa"), ""},
		{"a retry was lost", job.Succeeded, 2, 200, painted(1, "aa"), "was to in run 2"},
		{"a run began by itself", job.Succeeded, 1, 200, painted(2, "aa"), "was to in run 1"},
		{"a job is lost", job.Succeeded, 1, 404, `{"code":"not_found"}`, "is lost"},
		{"a job was erased", erased, 1, 410, `{"code":"gone"}`, ""},
		{"an erased job is unknown", erased, 1, 404, `{"code":"not_found"}`, "is not 410"},
		{"an erased job is there", erased, 1, 200, painted(1, "aa"), "is not 410"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &finding{Ended: map[string]int{}}
			l := &load{client: server(t, c.status, c.body)}
			f.follow(t.Context(), l, &accepted{submission: submission{picture: usual}, id: id, ends: c.ends, run: c.run})
			if got := strings.Join(f.Wrong, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// It is reported when two submissions with one upload are both accepted, or both refused.
func TestUploadTakenTwice(t *testing.T) {
	const taken = `{"code":"upload_taken"}`
	for name, c := range map[string]struct {
		refused int64 // how many of the two submissions are refused
		body    string
		ok      bool
	}{
		"one is accepted":              {1, taken, true},
		"both are accepted":            {0, "", false},
		"both are refused":             {2, taken, false},
		"one is refused for no upload": {1, `{"code":"upload_not_found"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			var submissions atomic.Int64
			api := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/v1/uploads":
					fmt.Fprintf(w, `{"upload_id":"u","url":"http://%s/object","headers":{"If-None-Match":"*"}}`, r.Host)
				case r.URL.Path == "/object" && r.Header.Get("If-None-Match") == "*":
				case r.URL.Path == "/v1/jobs" && submissions.Add(1) > c.refused:
					fmt.Fprint(w, `{"id":"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c"}`)
				default:
					w.WriteHeader(http.StatusConflict)
					fmt.Fprint(w, c.body)
				}
			})
			l := &load{client: api}
			a := l.submitUpload(t.Context(), submission{picture: &picture{file: []byte("x")}, key: "k"})
			if (a != nil) != c.ok || (len(l.errs) == 0) != c.ok {
				t.Errorf("got %+v, %v", a, l.errs)
			}
		})
	}
}

// While a network is held, requests wait until it is connected; while it is cut, they are refused.
func TestNetwork(t *testing.T) {
	var connected atomic.Bool
	n, err := newNetwork(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if !connected.Load() {
			t.Error("a held request has arrived")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	c := newClient([]string{n.address}, "")
	request := func() error { _, _, err := c.do(t.Context(), http.MethodGet, "/", nil, nil); return err }
	n.hold()
	ended := make(chan error, 1)
	go func() { ended <- request() }()
	connected.Store(true)
	n.connect()
	if err := <-ended; err != nil {
		t.Errorf("a request that was held: %v", err)
	}
	n.cut()
	if request() == nil {
		t.Error("a request has passed a cut network")
	}
	n.connect()
	if err := request(); err != nil {
		t.Errorf("after a cut: %v", err)
	}
}
