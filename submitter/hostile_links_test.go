package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The address of a result is requested by http or https only, without endless redirects, and
// without the key if it is not the API's.
func TestHostileLinks(t *testing.T) {
	jpeg := pictureOf(t, "x.jpg")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, jpeg, 0o600); err != nil {
		t.Fatal(err)
	}
	seen := make(chan http.Header, 100)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		_, _ = w.Write(jpeg)
	}))
	defer elsewhere.Close()
	var loop http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusSeeOther) }
	for name, c := range map[string]struct {
		redirect http.HandlerFunc
		code     int
		most     int // requests for the result
	}{
		"to a file":       {http.RedirectHandler("file://"+secret, http.StatusSeeOther).ServeHTTP, 6, 3},
		"to gopher":       {http.RedirectHandler("gopher://127.0.0.1/", http.StatusSeeOther).ServeHTTP, 6, 3},
		"to nothing":      {respondRaw("HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n"), 1, 20},
		"in a circle":     {loop, 1, 20},
		"to another host": {http.RedirectHandler(elsewhere.URL, http.StatusSeeOther).ServeHTTP, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			answers := painted(nil, jpeg)
			answers["result"] = c.redirect
			server := newHostileServer(t, answers)
			ran := runProgram(t, server.URL, "", []string{"ATELIER_API_KEY=secret"}, "fetch", oneID)
			if ran.code != c.code || (len(ran.files(t)) > 0) != (c.code == 0) {
				t.Errorf("got exit status %d, files %q: %s", ran.code, ran.files(t), ran.stderr)
			}
			if n := server.count("GET /v1/jobs/" + oneID + "/result"); n > c.most {
				t.Errorf("asked %d times", n)
			}
		})
	}
	for _, address := range []string{"file://" + secret, "gopher://127.0.0.1/", "http://%41:8080/", elsewhere.URL} {
		answers := painted(nil, jpeg)
		answers["job"] = respond(200, strings.ReplaceAll(jobWith(map[string]string{"state": `"succeeded"`, "error": "null",
			"result": resultOfBytes(int64(len(jpeg)), sumOf(jpeg))}), "v1/jobs/"+oneID+"/result", address))
		server := newHostileServer(t, answers)
		ran := runProgram(t, server.URL, "", []string{"ATELIER_API_KEY=secret"}, "fetch", oneID)
		if (ran.code == 0) != (address == elsewhere.URL) {
			t.Errorf("%s: got exit status %d: %s", address, ran.code, ran.stderr)
		}
	}
	close(seen)
	n := 0
	for header := range seen {
		n++
		if header.Get("Authorization") != "" || strings.Contains(fmt.Sprint(header), "secret") {
			t.Errorf("the key went elsewhere: %v", header)
		}
	}
	if n != 2 {
		t.Errorf("the other host was asked %d times, want 2", n)
	}
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
