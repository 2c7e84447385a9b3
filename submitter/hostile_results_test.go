package main

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// painted responds with a job that has a result, and with the result.
func painted(members map[string]string, picture []byte) map[string]http.HandlerFunc {
	sum := sha256.Sum256(picture)
	all := map[string]string{"state": `"succeeded"`, "error": "null", "result": resultOfBytes(int64(len(picture)), hex.EncodeToString(sum[:]))}
	maps.Copy(all, members)
	j := jobWith(all)
	return map[string]http.HandlerFunc{"job": respond(200, j), "submit": respond(202, j), "retry": respond(202, j), "result": respond(200, string(picture))}
}

func pictureOf(t *testing.T, name string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := writePicture(file, 32); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Only pictures of the job's format are saved, with that format's extension.
func TestHostileResults(t *testing.T) {
	jpeg, png := pictureOf(t, "x.jpg"), pictureOf(t, "x.png")
	desktop := []byte("[Desktop Entry]\nType=Application\nExec=sh -c id\n")
	for name, c := range map[string]struct {
		members map[string]string
		picture []byte
		files   []string // that fetch writes, if any
	}{
		"a JPEG":                    {nil, jpeg, []string{"atelier-" + oneID + ".jpg"}},
		"a PNG":                     {map[string]string{"format": `"png"`}, png, []string{"atelier-" + oneID + ".png"}},
		"format desktop":            {map[string]string{"format": `"desktop"`}, jpeg, nil},
		"a desktop entry":           {map[string]string{"format": `"desktop"`}, desktop, nil},
		"a format as a path":        {map[string]string{"format": `"/../../x"`}, jpeg, nil},
		"a format in upper case":    {map[string]string{"format": `"JPEG"`}, jpeg, nil},
		"an evil format":            {map[string]string{"format": quoted(evil)}, jpeg, nil},
		"no format":                 {map[string]string{"format": `""`}, jpeg, nil},
		"a script as a JPEG":        {nil, []byte("#!/bin/sh\nid\n"), nil},
		"HTML as a JPEG":            {nil, []byte("<!doctype html><script>alert(1)</script>"), nil},
		"a desktop entry as a JPEG": {nil, desktop, nil},
		"a PNG as a JPEG":           {nil, png, nil},
		"a GIF as a JPEG":           {nil, pictureOf(t, "x.gif"), nil},
		"a JPEG as a PNG":           {map[string]string{"format": `"png"`}, jpeg, nil},
		"nothing":                   {nil, nil, nil},
	} {
		for _, args := range [][]string{
			{"fetch", oneID},
			{"fetch", oneID, "-o", "here/"},
			{"fetch", oneID, "-o", "x.bin"},
			{"fetch", oneID, "-o", "-"},
			{"retry", oneID, "-o", "here/"},
			{"submit", "photo.jpg", "-s", "mosaic", "-o", "x.bin"},
		} {
			t.Run(name+" "+strings.ReplaceAll(strings.Join(args, " "), oneID, "ID"), func(t *testing.T) {
				t.Parallel()
				server := newHostileServer(t, painted(c.members, c.picture))
				if slices.Contains(args, "-") {
					r := runProgramRaw(t, server.URL, args...)
					if got := r.stdout != ""; got != (c.files != nil) || (r.code == 0) != (c.files != nil) {
						t.Errorf("got exit status %d and %.100q", r.code, r.stdout)
					}
					return
				}
				ran := runProgram(t, server.URL, "", nil, args...)
				want := c.files
				if want != nil && args[len(args)-1] == "here/" {
					want = []string{"here/" + want[0]}
				} else if want != nil && args[len(args)-1] == "x.bin" {
					want = []string{"x.bin"}
				}
				if got := ran.files(t); !slices.Equal(got, want) {
					t.Errorf("left %q, want %q", got, want)
				}
				if wantCode := 6; want == nil && ran.code != wantCode || want != nil && ran.code != 0 {
					t.Errorf("got exit status %d: %s", ran.code, ran.stderr)
				}
			})
		}
	}
}

// No response fills the disk: a result must have the job's length, and that is limited.
func TestHostileLengths(t *testing.T) {
	jpeg := pictureOf(t, "x.jpg")
	sum := sha256.Sum256(jpeg)
	right := hex.EncodeToString(sum[:])
	for name, c := range map[string]struct {
		result string
		asked  bool // whether the result is requested
	}{
		"a tebibyte":             {resultOfBytes(1<<40, right), false},
		"more than there can be": {resultOfBytes(1<<63-1, right), false},
		"negative":               {resultOfBytes(-1, right), false},
		"nothing":                {resultOfBytes(0, right), false},
		"longer than it says":    {resultOfBytes(int64(len(jpeg)), right), true},
		"no SHA-256":             {resultOfBytes(int64(len(jpeg)), ""), false},
		"no hexadecimal":         {resultOfBytes(int64(len(jpeg)), strings.Repeat("x", 64)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			answers := painted(map[string]string{"result": c.result}, nil)
			answers["result"] = endless(string(jpeg), "xxxxxxxxxxxxxxxx", &sent)
			server := newHostileServer(t, answers)
			ran := runProgram(t, server.URL, "", nil, "fetch", oneID)
			if ran.code != 6 || len(ran.files(t)) > 0 {
				t.Errorf("got exit status %d, files %q: %s", ran.code, ran.files(t), ran.stderr)
			}
			if asked := server.count("GET /v1/jobs/"+oneID+"/result") > 0; asked != c.asked || sent.Load() > 64<<20 {
				t.Errorf("asked for the result: %v, want %v; %d bytes were sent", asked, c.asked, sent.Load())
			}
		})
	}
}

// A symbolic link in the place of a result is replaced or left as it is, and its target is not
// written.
func TestResultThroughLink(t *testing.T) {
	server := newHostileServer(t, painted(nil, pictureOf(t, "x.jpg")))
	dir := t.TempDir()
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "out.jpg")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	if ran := runProgram(t, server.URL, "", nil, "fetch", oneID, "-o", link); ran.code != 1 {
		t.Errorf("got exit status %d: %s", ran.code, ran.stderr)
	}
	if ran := runProgram(t, server.URL, "", nil, "fetch", oneID, "-o", link, "--force"); ran.code != 0 {
		t.Errorf("with --force: got exit status %d: %s", ran.code, ran.stderr)
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "mine" {
		t.Errorf("the link's target was written: %q, %v", b, err)
	}
	if info, err := os.Lstat(link); err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 != 0 {
		t.Errorf("the result is %v, %v", info.Mode(), err)
	}
}

// In a batch, a malformed response is a failure of one picture, and nothing of it is written.
func TestHostileBatch(t *testing.T) {
	answers := painted(map[string]string{"format": `"desktop"`}, []byte("[Desktop Entry]\n"))
	server := newHostileServer(t, answers)
	began := time.Now()
	ran := runProgram(t, server.URL, "", nil, "submit", "photo.jpg", "-s", evil, "-o", "out/", "--json", "--timeout", "20s")
	if ran.code != 6 || len(ran.files(t)) > 0 || time.Since(began) > 15*time.Second {
		t.Errorf("got exit status %d, files %q: %s", ran.code, ran.files(t), ran.stderr)
	}
}
