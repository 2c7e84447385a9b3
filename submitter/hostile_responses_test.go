package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// A malformed response is an error, and nothing of it is printed, used or written.
func TestHostileAnswers(t *testing.T) {
	job := func(members map[string]string) http.HandlerFunc {
		j := jobWith(members)
		return func(w http.ResponseWriter, r *http.Request) {
			switch requestKind(r) {
			case "list":
				_, _ = io.WriteString(w, pageOf(j))
			case "redrive":
				id := oneID
				if members["id"] != "" {
					id = strings.Trim(members["id"], `"`)
				}
				_, _ = fmt.Fprintf(w, `{"retried":[%s],"skipped":[],"next_cursor":null}`, quoted(id))
			default:
				_, _ = io.WriteString(w, j)
			}
		}
	}
	var sent atomic.Int64
	all := []string(nil)
	ids, states := []string{"list", "status", "watch", "fetch", "cancel", "retry", "redrive", "submit"}, []string{"list", "status", "watch", "fetch", "cancel", "retry", "submit"}
	for name, c := range map[string]struct {
		answer   http.HandlerFunc
		commands []string
	}{
		"not modified, unasked": {respond(304, ""), all},
		"no content":            {respond(204, ""), append([]string{"styles"}, ids...)}, // right for delete
		"an empty answer":       {respond(200, ""), all},
		"null":                  {respond(200, "null"), all},
		"an empty object":       {respond(200, "{}"), all},
		"a list":                {respond(200, "[]"), all},
		"another type":          {respond(200, `{"id":5,"jobs":5,"styles":5,"retried":5}`), all},
		"too deep":              {respond(200, strings.Repeat(`{"jobs":[`, 100_000)), all},
		"endless":               {endless(`{"jobs":[{},`, `{},`, &sent), all},
		"an id that is a path":  {job(map[string]string{"id": `"../../../etc/passwd"`}), ids},
		"an empty id":           {job(map[string]string{"id": `""`}), ids},
		"an evil id":            {job(map[string]string{"id": quoted(oneID + "\x1b[31m")}), ids},
		"an id in capitals":     {job(map[string]string{"id": quoted(strings.ToUpper(oneID))}), ids},
		"an evil state":         {job(map[string]string{"state": quoted(evil)}), states},
		"an unknown state":      {job(map[string]string{"state": `"painted"`}), states},
		"no state":              {job(map[string]string{"state": `""`}), states},
		"nothing painted":       {job(map[string]string{"state": `"succeeded"`}), states},
		"another job":           {job(map[string]string{"id": quoted(strings.Replace(oneID, "0193", "0194", 1))}), []string{"status", "fetch", "cancel", "retry"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryCommands(t, oneOfEach(c.commands...), map[string]http.HandlerFunc{"*": c.answer}, func(t *testing.T, _ []string, ran *ranProgram) {
				if ran.code == 0 || ran.stdout != "" {
					t.Errorf("got exit status %d and %.300q", ran.code, ran.stdout)
				}
				if left := ran.files(t); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			}, "--timeout", "20s")
		})
	}
}

// Retry-After is followed within limits: the program neither waits for ever nor sends requests
// without pauses.
func TestHostileRetryAfter(t *testing.T) {
	for _, value := range []string{
		"-5", "NaN", "1e9", "0", "99999999999", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", strings.Repeat("9", 5000),
	} {
		t.Run(fmt.Sprintf("%.30s", value), func(t *testing.T) {
			t.Parallel()
			answer := func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			server := newHostileServer(t, map[string]http.HandlerFunc{"*": answer})
			for _, args := range [][]string{{"status", oneID}, {"submit", "photo.jpg", "-s", "mosaic"}, {"submit", "photo.jpg", "photo.jpg", "-s", "mosaic", "-o", "out"}} {
				ran := runProgram(t, server.URL, "", nil, append(args, "--timeout", "1s")...)
				if ran.code != 6 {
					t.Errorf("%v: got exit status %d: %s", args, ran.code, ran.stderr)
				}
			}
			server.mu.Lock()
			defer server.mu.Unlock()
			if n := len(server.requests); n > 20 {
				t.Errorf("asked %d times in 3 s", n)
			}
		})
	}
}

// A job that changes with each response is polled with pauses.
func TestHostileChanges(t *testing.T) {
	var looks atomic.Int64
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": func(w http.ResponseWriter, _ *http.Request) {
		n := looks.Add(1)
		w.Header().Set("ETag", strconv.Quote(strconv.FormatInt(n, 10)))
		_, _ = io.WriteString(w, jobWith(map[string]string{"state": `"running"`, "error": "null", "attempts": strconv.FormatInt(n, 10)}))
	}})
	ran := runProgram(t, server.URL, "", nil, "status", oneID, "--wait", "--timeout", "2s")
	if ran.code != 6 || looks.Load() > 30 {
		t.Errorf("got exit status %d after %d looks in 2 s", ran.code, looks.Load())
	}
}

// A header without an end is not read to its end.
func TestHostileHeaders(t *testing.T) {
	var sent atomic.Int64
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		for i := 0; sent.Load() < 1<<30; i++ {
			n, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 4000))
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}})
	ran := runProgram(t, server.URL, "", nil, "status", oneID, "--timeout", "20s")
	if ran.code != 6 || sent.Load() > 32<<20 {
		t.Errorf("got exit status %d after %d bytes: %s", ran.code, sent.Load(), ran.stderr)
	}
}

// A list or a redrive whose pages form a circle is given up, and a page with more jobs than
// requested is rejected.
func TestHostilePages(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = jobWith(nil)
	}
	for name, page := range map[string]string{
		"the same page":      `{"jobs":[],"retried":[],"skipped":[],"next_cursor":"a"}`,
		"too many":           `{"jobs":[` + strings.Join(many, ",") + `],"next_cursor":null}`,
		"an evil cursor":     `{"jobs":[],"retried":[],"skipped":[],"next_cursor":` + quoted(evil) + `}`,
		"a very long cursor": `{"jobs":[],"retried":[],"skipped":[],"next_cursor":"` + strings.Repeat("a", 100_000) + `"}`,
	} {
		for _, args := range [][]string{{"list", "--all"}, {"watch"}, {"redrive", "--all"}} {
			if name == "too many" && args[0] == "redrive" {
				continue
			}
			server := newHostileServer(t, map[string]http.HandlerFunc{"*": respond(200, page)})
			ran := runProgram(t, server.URL, "", nil, append(args, "--timeout", "10s")...)
			if ran.code != 6 || strings.Contains(ran.stderr, "gave up") {
				t.Errorf("%s, %v: got exit status %d: %s", name, args, ran.code, ran.stderr)
			}
		}
	}
}

// A list or a redrive of endless empty pages is followed with pauses, and ends at --timeout.
func TestHostileEmptyPages(t *testing.T) {
	var page atomic.Int64
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"jobs":[],"retried":[],"skipped":[],"next_cursor":"%d"}`, page.Add(1))
	}})
	for _, args := range [][]string{{"list", "--all"}, {"watch"}, {"redrive", "--all"}} {
		before := page.Load()
		ran := runProgram(t, server.URL, "", nil, append(args, "--timeout", "2s")...)
		if ran.code != 6 || !strings.Contains(ran.stderr, "gave up") {
			t.Errorf("%v: got exit status %d: %s", args, ran.code, ran.stderr)
		}
		if n := page.Load() - before; n > 20 {
			t.Errorf("%v: %d requests in 2 s", args, n)
		}
	}
}
