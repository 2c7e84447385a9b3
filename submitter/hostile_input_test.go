package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// Input that has no end is not read into memory.
func TestHostileInput(t *testing.T) {
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": respond(500, "")})
	line := strings.Repeat("x", 60_000) + "\n"
	for _, command := range []string{"status", "fetch", "retry", "cancel", "watch", "redrive"} {
		r, w := io.Pipe()
		var read atomic.Int64
		go func() {
			for read.Load() < 2<<30 {
				n, err := io.WriteString(w, line)
				read.Add(int64(n))
				if err != nil {
					return
				}
			}
			_ = w.Close()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), scriptTimeout)
		var stderr bytes.Buffer
		err := run(ctx, []string{command, "-", "--api", server.URL}, func(string) string { return "" }, r, io.Discard, &stderr)
		cancel()
		_ = r.Close()
		if exitCode(err) != 2 && exitCode(err) != 1 || read.Load() > 256<<20 {
			t.Errorf("%s: got %v after %d bytes", command, err, read.Load())
		}
	}
	if len(server.requests) > 0 {
		t.Errorf("asked for %v", server.requests)
	}
	for _, ids := range []string{"../../etc/passwd\n", oneID + "\x1b[31m\n", oneID + "\n" + strings.ToUpper(otherID) + "\n", "\u009b31m\n"} {
		if ran := runProgram(t, server.URL, ids, nil, "fetch", "-"); ran.code != 2 {
			t.Errorf("%q: got exit status %d", ids, ran.code)
		}
	}
}
