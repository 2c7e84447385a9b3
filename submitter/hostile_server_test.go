package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The tests of hostile servers run the real program against servers that are broken or malicious.

const (
	oneID   = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	otherID = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e10"
)

// evil begins a line that looks like one of list's, sets the terminal's title, clears
// the screen, colours in C1, changes the direction of text, and ends with bytes that are not UTF-8.
const evil = "evil\n" + otherID + "  succeeded   now  x\r\x1b]0;owned\a\x1b[2J\u009b31m\u0085\u202e\u2066\u2028\u2029\x7f\u200b\U000e0041\xff\xc2"

// quoted returns a JSON string in which only what JSON requires is escaped.
func quoted(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		case c == '"' || c == '\\':
			b.Write([]byte{'\\', c})
		default:
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

// jobWith returns the JSON of a job, with some of its members replaced.
func jobWith(members map[string]string) string {
	all := map[string]string{
		"id": quoted(oneID), "state": `"failed"`, "run": "1", "style": `"mosaic"`, "strength": "1", "size": "0", "format": `"jpeg"`,
		"quality": "90", "preserve_colors": "false", "public": "false", "created_at": `"2026-01-02T03:04:05Z"`, "started_at": "null",
		"finished_at": "null", "attempts": "1", "queue_position": "null", "error": `{"code":"gave_up","message":"no"}`, "result": "null",
		"receipt": "null",
	}
	maps.Copy(all, members)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, quoted(name)+":"+all[name])
	}
	return "{" + strings.Join(list, ",") + "}"
}

func pageOf(jobs ...string) string {
	return `{"jobs":[` + strings.Join(jobs, ",") + `],"next_cursor":null}`
}

func resultOfBytes(bytes int64, sum string) string {
	return fmt.Sprintf(`{"url":"v1/jobs/%s/result","width":80,"height":60,"bytes":%d,"content_type":"image/jpeg","sha256":%q}`, oneID, bytes, sum)
}

// A hostileServer has a handler for each kind of request, and "*" for the others.
type hostileServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // the requests, such as "POST /v1/jobs/ID/retry"
}

func newHostileServer(t *testing.T, answers map[string]http.HandlerFunc) *hostileServer {
	s := &hostileServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		answer := answers[requestKind(r)]
		if answer == nil {
			answer = answers["*"]
		}
		answer(w, r)
	}))
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

func (s *hostileServer) count(request string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.requests {
		if a == request {
			n++
		}
	}
	return n
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// respondRaw responds with bytes that need not be HTTP.
func respondRaw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// endless responds with the same bytes until the client closes the connection, and counts them.
func endless(head, again string, sent *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, head)
		block := strings.Repeat(again, 1+(1<<16)/len(again))
		for {
			n, err := io.WriteString(w, block)
			sent.Add(int64(n))
			if err != nil || sent.Load() > 1<<30 {
				return
			}
		}
	}
}
