package api_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// usual returns examples of the responses that operations have in common, for those that are
// described.
func (o operation) usual(name string, first example) (all []example) {
	add := func(status int, code string, change func(*scene), check func(*scene, *http.Response, []byte)) {
		if first.arrange != nil {
			change = both(first.arrange, change)
		}
		all = append(all, example{status, code, change, check})
	}
	has := func(status string) bool { _, ok := o.Responses[status]; return ok }

	add(403, "cross_origin", both(with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "no-cors")), nil)
	add(429, "too_many_at_once", fullOf("keyless"), retryAfter(true))
	add(503, "unavailable", both(fullOf("right"), as("admin")), retryAfter(true))
	if !strings.HasPrefix(name, "get ") {
		add(429, "rate_limited", rateUsedUp, retryAfter(true))
	}
	if has("401") {
		closed := func(*scene) {}
		if len(o.Security) > 1 { // without a key too, of what is public
			closed = in(job.Succeeded, private)
		}
		add(401, "unauthorized", both(closed, func(s *scene) { s.as = "none" }), nil)
		add(403, "forbidden", both(closed, func(s *scene) { s.as = o.without() }), challenges)
	}
	if strings.Contains(name, "{id}") {
		add(404, "not_found", func(s *scene) { s.id = s.keyless.in("unknown") }, nil)
		add(404, "not_found", func(s *scene) { s.id = job.ID(strings.ToUpper(string(s.id))) }, nil)
		add(404, "not_found", func(s *scene) { s.id = "..%2f..%2fetc" }, nil)
		add(410, "gone", func(s *scene) { s.id = s.keyless.in("gone") }, nil)
		if strings.HasPrefix(name, "delete ") { // what can't be read can be erased
			add(204, "", damagedJob, nil)
			add(500, "internal", damagedDisk, nil)
		} else {
			add(500, "internal", damagedJob, nil)
		}
	}
	if !strings.Contains(name, "/v1/styles") {
		add(503, "unavailable", storeUnavailable, nil)
	}
	if has("206") {
		add(206, "", with("Range", "bytes=0-7"), eightBytes)
		add(304, "", with("If-None-Match", "*"), nil)
		add(412, "precondition_failed", with("If-Match", `"another"`), nil)
		add(416, "range_not_satisfiable", with("Range", "bytes=1000000000-"), nil)
	}
	return all
}

// without returns a caller without the scope.
func (o operation) without() string {
	for _, way := range o.Security {
		if slices.Contains(way["key"], "read") {
			return "submit"
		}
	}
	return "read"
}

func challenges(s *scene, resp *http.Response, _ []byte) {
	s.Helper()
	if got := resp.Header.Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer error="insufficient_scope", scope="`) {
		s.Errorf("WWW-Authenticate: %q", got)
	}
}

func eightBytes(s *scene, resp *http.Response, body []byte) {
	s.Helper()
	if got := resp.Header.Get("Content-Range"); len(body) != 8 || !strings.HasPrefix(got, "bytes 0-7/") {
		s.Errorf("got %d bytes, Content-Range: %s", len(body), got)
	}
}

func as(caller string) func(*scene) { return func(s *scene) { s.as = caller } }

// fullOf is a server that allows one request at a time and is handling one of the caller.
func fullOf(caller string) func(*scene) {
	return func(s *scene) {
		one := func(c *api.Config) { c.Shares.Requests = 1 }
		at := s.beside(one, func(c *api.Config) { c.Keys = s.ring })
		if caller == "keyless" {
			at = s.beside(one)
			s.keyless = at
		} else {
			s.service = at
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(at.url, "http://"))
		if err != nil {
			s.Fatal(err)
		}
		s.Cleanup(func() { conn.Close() })
		fmt.Fprintf(conn, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: multipart/form-data; boundary=x\r\n"+
			"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n", s.keys[caller])
		if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, " 100 ") {
			s.Fatal(line, err)
		}
	}
}

// rateUsedUp is a server that allows no further change.
func rateUsedUp(s *scene) {
	s.keyless = s.beside(slow)
	s.keyless.send("POST", "/v1/jobs/nonsense/cancel", "")
}

func storeUnavailable(s *scene) {
	away := s.store.Dir() + ".away"
	if err := os.Rename(s.store.Dir(), away); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.RemoveAll(away) })
}

// damagedJob overwrites the records of the job.
func damagedJob(s *scene) {
	folder := jobDir(s.T, s.store.Dir(), s.id)
	entries, err := os.ReadDir(folder)
	if err != nil {
		s.Fatal(err)
	}
	for _, e := range entries {
		if err := os.WriteFile(filepath.Join(folder, e.Name()), []byte("{"), 0o600); err != nil {
			s.Fatal(err)
		}
	}
}

// damagedDisk makes the job's status unreadable: a lease on the file makes opening it an error of
// the file system.
func damagedDisk(s *scene) {
	s.id = s.keyless.in(job.Succeeded)
	f, err := os.OpenFile(filepath.Join(jobDir(s.T, s.store.Dir(), s.id), "status.json"), os.O_RDWR, 0)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { f.Close() })
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		s.Fatal(err)
	}
}

// erasedUnderKey is a submission whose job is erased while it is made.
func erasedUnderKey(s *scene) {
	both(submission(), underKey("one"), again("post /v1/jobs"))(s)
	jobs, _, err := s.store.List(store.Query{Limit: 1})
	if err != nil {
		s.Fatal(err)
	}
	records, err := filepath.Glob(filepath.Join(s.store.Dir(), "keys", "*", "*", "*"))
	if err != nil || len(records) != 1 {
		s.Fatal(records, err)
	}
	record, err := os.ReadFile(records[0])
	if err == nil {
		err = s.store.Erase(jobs[0].ID, store.Erased)
	}
	if err == nil {
		err = os.WriteFile(records[0], record, 0o600) // as if the erasure had not come to it yet
	}
	if err != nil {
		s.Fatal(err)
	}
}

// goodBut returns the fields of a valid submission with some replaced.
func (s *service) goodBut(fields ...field) []field {
	s.Helper()
	for _, good := range []field{{"image", "p.jpg", jpegPicture(s.T)}, {name: "style", value: style.Names()[0]}} {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == good.name }) {
			fields = append(fields, good)
		}
	}
	return fields
}

// stall sends a request whose body never ends to a server with a short Stall.
func (s *scene) stall(method, path string, header []string) (*http.Response, []byte) {
	s.Helper()
	h, err := api.New(api.Config{Store: s.store, Queue: s.queue, Stall: 50 * time.Millisecond})
	if err != nil {
		s.Fatal(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Config.ReadTimeout = 50 * time.Millisecond
	server.Start()
	s.Cleanup(server.Close)
	begun, rest := io.Pipe()
	s.Cleanup(func() { rest.Close() })
	req, err := http.NewRequestWithContext(s.Context(), method, server.URL+path, io.MultiReader(bytes.NewReader(s.body), begun))
	if err != nil {
		s.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return s.do(req)
}
