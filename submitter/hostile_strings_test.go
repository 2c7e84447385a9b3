package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/submitter/client"
)

func evilAnswers() map[string]http.HandlerFunc {
	picture := []byte("\xff\xd8\xff\xe0 a picture")
	sum := sha256.Sum256(picture)
	evilJob := func(state string, more map[string]string) string {
		e := quoted(evil)
		members := map[string]string{
			"state": quoted(state), "style": e, "error": `{"code":` + e + `,"message":` + e + `}`, "surprise": e, evil: "1",
			"receipt": `{"worker":` + e + `,"engine":` + e + `,"model":` + e + `}`,
		}
		maps.Copy(members, more)
		return strings.ReplaceAll(jobWith(members), "\xff\xc2\":1", "\":1")
	}
	failed := evilJob("failed", nil)
	queued := evilJob("queued", map[string]string{"queue_position": "-9223372036854775808", "error": "null"})
	return map[string]http.HandlerFunc{
		"styles": respond(200, `{"styles":[{"name":`+quoted(evil)+`,"title":`+quoted(evil)+`}]}`),
		"list":   respond(200, "{\n  \"jobs\": ["+failed+",\n"+failed+"], \"next_cursor\":null}"),
		"job":    respond(200, failed),
		"submit": respond(202, queued),
		"cancel": respond(200, failed), "retry": respond(202, queued), "delete": respond(204, ""),
		"redrive": respond(200, `{"retried":[],"skipped":[{"id":`+quoted(oneID)+`,"code":`+quoted(evil)+`,"detail":`+quoted(evil)+`}],"next_cursor":null}`),
		"result":  respond(200, string(picture)),
		"*":       respond(200, hex.EncodeToString(sum[:])),
	}
}

// Whatever strings a response has, no line is forged, and no control characters reach the
// terminal; --json prints JSON with the same meaning.
func TestHostileStrings(t *testing.T) {
	for name, flags := range map[string][]string{"text": {"--timeout", "20s"}, "JSON": {"--timeout", "20s", "--json"}} {
		t.Run(name, func(t *testing.T) {
			tryCommands(t, everyCommand, evilAnswers(), func(t *testing.T, args []string, ran *ranProgram) {
				lines := map[string]int{"list": 2, "styles": 1}[args[0]]
				if name == "JSON" {
					lines = min(lines, 1)
					for line := range strings.Lines(ran.stdout) {
						if !json.Valid([]byte(line)) || !strings.Contains(line, `\u009b`) {
							t.Errorf("a line that is no JSON, or does not mean the same: %q", line)
						}
					}
				}
				if n := strings.Count(ran.stdout, "\n"); lines != 0 && n != lines {
					t.Errorf("%d lines, want %d: %q", n, lines, ran.stdout)
				}
				if left := ran.files(t); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			}, flags...)
		})
	}
}

// --json prints JSON with the same meaning as the response.
func TestHostileStringsInJSON(t *testing.T) {
	server := newHostileServer(t, evilAnswers())
	ran := runProgram(t, server.URL, "", nil, "styles", "--json")
	var got client.Styles
	if err := json.Unmarshal([]byte(ran.stdout), &got); err != nil || len(got.Styles) != 1 || got.Styles[0].Title != strings.ToValidUTF8(evil, "\ufffd\ufffd") {
		t.Errorf("got %q, %v", got.Styles, err)
	}
}

// A style's name can't add ids to what list prints and retry reads.
func TestHostileListIntoRetry(t *testing.T) {
	server := newHostileServer(t, evilAnswers())
	for _, list := range [][]string{{"list"}, {"list", "--json"}, {"list", "--ids"}} {
		listed := runProgram(t, server.URL, "", nil, list...)
		runProgram(t, server.URL, listed.stdout, nil, "retry", "-", "--timeout", "5s")
		if n := server.count("POST /v1/jobs/" + otherID + "/retry"); n > 0 {
			t.Errorf("%v: a job was retried that the list has not", list)
		}
	}
}

// Problems, reason phrases and protocol errors are escaped too.
func TestHostileProblems(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a problem":      respond(422, `{"detail":`+quoted(evil)+`,"code":`+quoted(evil)+`,"errors":[{"field":`+quoted(evil)+`,"detail":`+quoted(evil+"!")+`}]}`),
		"a long problem": respond(422, `{"detail":`+quoted(strings.Repeat(evil, 300))+`}`),
		"many errors":    respond(422, `{"detail":"no","errors":[`+strings.Repeat(`{"field":"f","detail":"`+strings.Repeat("x", 20)+`"},`, 1000)+`{}]}`),
		"no permission":  respond(403, `{"detail":`+quoted(evil)+`,"code":"forbidden"}`),
		"a reason":       respondRaw("HTTP/1.1 400 " + "\x1b]0;owned\a\u009b31m\u202e\r" + otherID + "\r\nContent-Length: 0\r\n\r\n"),
		"a version":      respondRaw("HTTP/9\x1b[31m\u009b 200 OK\r\n\r\n"),
		"a header":       respondRaw("HTTP/1.1 200 OK\r\nX\x1b[31m\u009b\r\n\r\n"),
		"no HTTP":        respondRaw("\x1b[31m\u009b\r\n"),
		"a location":     respondRaw("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://x\u009b31m\u202e/\r\nContent-Length: 0\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tryCommands(t, oneOfEach(), map[string]http.HandlerFunc{"*": answer}, func(t *testing.T, _ []string, ran *ranProgram) {
				if ran.code == 0 {
					t.Error("got exit status 0")
				}
				if len(ran.stderr) > 12_000 {
					t.Errorf("an error of %d bytes", len(ran.stderr))
				}
				if left := ran.files(t); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			}, "--timeout", "2s")
		})
	}
}
