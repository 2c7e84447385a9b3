package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// A key is not sent unencrypted to another machine, unless that is allowed.
func TestKeyInTheClear(t *testing.T) {
	var keys atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			keys.Add(1)
		}
		_, _ = io.WriteString(w, `{"styles":[]}`)
	}))
	defer proxy.Close()
	const key = "ATELIER_API_KEY=secret"
	for name, c := range map[string]struct {
		api  string
		env  []string
		args []string
		code int
		sent int64
		says string
	}{
		"to another machine":      {"http://atelier.example", []string{key}, nil, 2, 0, "not encrypted"},
		"to an address":           {"http://192.0.2.1:8080", []string{key}, nil, 2, 0, "not encrypted"},
		"what only looks local":   {"http://127.0.0.1.example", []string{key}, nil, 2, 0, "not encrypted"},
		"a password":              {"http://anna:secret@atelier.example", nil, nil, 2, 0, "not encrypted"},
		"allowed":                 {"http://atelier.example", []string{key}, []string{"--allow-plaintext-key"}, 0, 1, "not encrypted"},
		"forbidden by a variable": {"http://atelier.example", []string{key, "ATELIER_ALLOW_PLAINTEXT_KEY=0"}, nil, 2, 0, "not encrypted"},
		"allowed by a variable":   {"http://atelier.example", []string{key, "ATELIER_ALLOW_PLAINTEXT_KEY=1"}, nil, 0, 1, "not encrypted"},
		"without a key":           {"http://atelier.example", nil, nil, 0, 0, ""},
		"to this machine":         {proxy.URL, []string{key}, nil, 0, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			keys.Store(0)
			env := append([]string{"http_proxy=" + proxy.URL, "HTTP_PROXY=" + proxy.URL, "no_proxy=", "NO_PROXY="}, c.env...)
			ran := runProgram(t, c.api, "", env, append([]string{"styles", "--json"}, c.args...)...)
			if ran.code != c.code || keys.Load() != c.sent || strings.Contains(ran.stderr, "secret") {
				t.Errorf("got exit status %d and %d keys sent, want %d and %d: %s", ran.code, keys.Load(), c.code, c.sent, ran.stderr)
			}
			if !strings.Contains(ran.stderr, c.says) || c.says == "" && ran.stderr != "" || strings.Count(ran.stderr, "\n") > 1 {
				t.Errorf("got %q, want %q in a line", ran.stderr, c.says)
			}
		})
	}
}

// A key file that others can read causes a warning.
func TestKeyFileMode(t *testing.T) {
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": respond(200, `{"styles":[]}`)})
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o644: true, 0o640: true, 0o604: true} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte("secret\n"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		ran := runProgram(t, server.URL, "", nil, "styles", "--key-file", file)
		if got := strings.Contains(ran.stderr, "chmod 600"); ran.code != 0 || got != warned {
			t.Errorf("%o: got %q, want a warning: %v", mode, ran.stderr, warned)
		}
	}
}
