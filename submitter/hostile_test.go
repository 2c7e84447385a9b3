package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// These tests run the real program against servers that are broken or mean harm.

const (
	oneID   = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"
	otherID = "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e10"
)

// evil begins a line that looks like one of list's, sets the terminal's title, clears
// the screen, colours in C1, turns the direction of text, and is no UTF-8 at its end.
const evil = "evil\n" + otherID + "  succeeded   now  x\r\x1b]0;owned\a\x1b[2J\u009b31m\u0085\u202e\u2066\u2028\u2029\x7f\u200b\U000e0041\xff\xc2"

// quoted is a JSON string that leaves as it is whatever JSON allows to stay.
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

// jobWith is the JSON of a job, with some of its members replaced.
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

// A hostileServer answers each kind of request with what it has for that kind, or for
// "*".
type hostileServer struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // the requests, such as "POST /v1/jobs/ID/retry"
}

func newHostileServer(t *testing.T, answers map[string]http.HandlerFunc) *hostileServer {
	s := &hostileServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Method+" "+r.URL.Path)
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
	for _, a := range s.asked {
		if a == request {
			n++
		}
	}
	return n
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// raw answers bytes that need not be HTTP.
func raw(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

// endless answers the same bytes until the client goes away, and counts them.
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

// A run of the program.
type ranProgram struct {
	dir            string
	stdout, stderr string
	code           int
	err            error // it could not be run, or did not end
}

// runProgram runs the real program in a folder of its own, and checks that what it writes
// is safe to show.
func runProgram(t *testing.T, api, stdin string, env []string, args ...string) *ranProgram {
	t.Helper()
	r := execute(t.Context(), t.TempDir(), api, stdin, env, args...)
	r.check(t)
	return r
}

// execute runs the real program in a folder.
func execute(ctx context.Context, dir, api, stdin string, env []string, args ...string) *ranProgram {
	r := &ranProgram{dir: dir}
	if r.err = writePicture(filepath.Join(r.dir, "photo.jpg"), 16); r.err != nil {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, patienceOfScripts)
	defer cancel()
	cmd := exec.CommandContext(ctx, "submitter", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(r.dir, ".home"), "XDG_STATE_HOME=", "ATELIER_API_KEY=", "ATELIER_API="+api, "GORACE=atexit_sleep_ms=10")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.err = err
		return r
	}
	if ctx.Err() != nil {
		r.err = errors.New("it did not end")
	}
	r.stdout, r.stderr, r.code = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	return r
}

// check fails if anything was written that a terminal may obey, or the program crashed or
// did not end.
func (r *ranProgram) check(t *testing.T) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	for name, text := range map[string]string{"output": r.stdout, "errors": r.stderr} {
		if strings.Contains(text, "goroutine ") {
			t.Errorf("it crashed: %.2000s", text)
		}
		if len(text) > 1<<20 {
			t.Errorf("%d bytes of %s", len(text), name)
		}
		if !utf8.ValidString(text) {
			t.Errorf("the %s are no UTF-8: %.500q", name, text)
		}
		if i := strings.IndexFunc(text, func(c rune) bool { return c != '\n' && !unicode.IsGraphic(c) }); i >= 0 {
			t.Errorf("a control character at %d of the %s: %.500q", i, name, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, otherID) {
				t.Errorf("a forged line in the %s: %q", name, line)
			}
		}
	}
}

// files are those that were left in the folder.
func (r *ranProgram) files(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(r.dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "photo.jpg" && !strings.HasSuffix(name, journalEnding) {
			names = append(names, strings.TrimPrefix(name, r.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// everyCommand is each command, as it asks the API for something.
var everyCommand = [][]string{
	{"styles"},
	{"list"},
	{"list", "--ids"},
	{"status", oneID},
	{"status", oneID, "--wait"},
	{"watch"},
	{"watch", oneID},
	{"fetch", oneID},
	{"fetch", oneID, "--wait", "-o", "out.jpg"},
	{"cancel", oneID},
	{"retry", oneID},
	{"delete", oneID, "--yes"},
	{"redrive", "--all"},
	{"submit", "photo.jpg", "-s", "mosaic"},
	{"submit", "photo.jpg", "-s", "mosaic", "-o", "out.jpg"},
	{"submit", "photo.jpg", "-s", "mosaic", "-o", "out/"},
}

// oneOfEach is one way to call each of the named commands, or of all.
func oneOfEach(names ...string) (commands [][]string) {
	seen := map[string]bool{}
	for _, args := range everyCommand {
		if !seen[args[0]] && (names == nil || slices.Contains(names, args[0])) {
			commands = append(commands, args)
		}
		seen[args[0]] = true
	}
	return commands
}

// tryCommands runs commands, all at a time: most wait before they try again.
func tryCommands(t *testing.T, commands [][]string, answers map[string]http.HandlerFunc, check func(*testing.T, []string, *ranProgram), flags ...string) {
	t.Helper()
	var runs sync.WaitGroup
	ran := make([]*ranProgram, len(commands))
	for i, args := range commands {
		server, dir := newHostileServer(t, answers), t.TempDir()
		runs.Go(func() {
			ran[i] = execute(t.Context(), dir, server.URL, "", nil, slices.Concat(args, flags)...)
		})
	}
	runs.Wait()
	for i, args := range commands {
		t.Run(strings.ReplaceAll(strings.Join(args, " "), oneID, "ID"), func(t *testing.T) {
			ran[i].check(t)
			check(t, args, ran[i])
		})
	}
}

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
		"styles": says(200, `{"styles":[{"name":`+quoted(evil)+`,"title":`+quoted(evil)+`}]}`),
		"list":   says(200, "{\n  \"jobs\": ["+failed+",\n"+failed+"], \"next_cursor\":null}"),
		"job":    says(200, failed),
		"submit": says(202, queued),
		"cancel": says(200, failed), "retry": says(202, queued), "delete": says(204, ""),
		"redrive": says(200, `{"retried":[],"skipped":[{"id":`+quoted(oneID)+`,"code":`+quoted(evil)+`,"detail":`+quoted(evil)+`}],"next_cursor":null}`),
		"result":  says(200, string(picture)),
		"*":       says(200, hex.EncodeToString(sum[:])),
	}
}

// Whatever strings an API answers, a line is a line, and nothing reaches the terminal
// that it may obey; --json is JSON that means the same.
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

// The JSON of an answer still says what the API said.
func TestHostileStringsInJSON(t *testing.T) {
	server := newHostileServer(t, evilAnswers())
	ran := runProgram(t, server.URL, "", nil, "styles", "--json")
	var got styleList
	if err := json.Unmarshal([]byte(ran.stdout), &got); err != nil || len(got.Styles) != 1 || got.Styles[0].Title != strings.ToValidUTF8(evil, "\ufffd\ufffd") {
		t.Errorf("got %q, %v", got.Styles, err)
	}
}

// A style's name can't add jobs to what list prints and retry reads.
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

// Problems, reason phrases and protocol errors are as safe to show as answers.
func TestHostileProblems(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"a problem":      says(422, `{"detail":`+quoted(evil)+`,"code":`+quoted(evil)+`,"errors":[{"field":`+quoted(evil)+`,"detail":`+quoted(evil+"!")+`}]}`),
		"a long problem": says(422, `{"detail":`+quoted(strings.Repeat(evil, 300))+`}`),
		"many errors":    says(422, `{"detail":"no","errors":[`+strings.Repeat(`{"field":"f","detail":"`+strings.Repeat("x", 20)+`"},`, 1000)+`{}]}`),
		"no permission":  says(403, `{"detail":`+quoted(evil)+`,"code":"forbidden"}`),
		"a reason":       raw("HTTP/1.1 400 " + "\x1b]0;owned\a\u009b31m\u202e\r" + otherID + "\r\nContent-Length: 0\r\n\r\n"),
		"a version":      raw("HTTP/9\x1b[31m\u009b 200 OK\r\n\r\n"),
		"a header":       raw("HTTP/1.1 200 OK\r\nX\x1b[31m\u009b\r\n\r\n"),
		"no HTTP":        raw("\x1b[31m\u009b\r\n"),
		"a location":     raw("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://x\u009b31m\u202e/\r\nContent-Length: 0\r\n\r\n"),
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

// What is no answer of this API is an error, and nothing of it is printed, used or
// written.
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
		"not modified, unasked": {says(304, ""), all},
		"no content":            {says(204, ""), append([]string{"styles"}, ids...)}, // right for delete
		"an empty answer":       {says(200, ""), all},
		"null":                  {says(200, "null"), all},
		"an empty object":       {says(200, "{}"), all},
		"a list":                {says(200, "[]"), all},
		"another type":          {says(200, `{"id":5,"jobs":5,"styles":5,"retried":5}`), all},
		"too deep":              {says(200, strings.Repeat(`{"jobs":[`, 100_000)), all},
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

// painted answers a job with a result, and the result.
func painted(members map[string]string, picture []byte) map[string]http.HandlerFunc {
	sum := sha256.Sum256(picture)
	all := map[string]string{"state": `"succeeded"`, "error": "null", "result": resultOfBytes(int64(len(picture)), hex.EncodeToString(sum[:]))}
	maps.Copy(all, members)
	j := jobWith(all)
	return map[string]http.HandlerFunc{"job": says(200, j), "submit": says(202, j), "retry": says(202, j), "result": says(200, string(picture))}
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

// What is saved is a picture of the job's format, under that format's ending, whatever
// the API calls it.
func TestHostileResults(t *testing.T) {
	jpeg, png := pictureOf(t, "x.jpg"), pictureOf(t, "x.png")
	desktop := []byte("[Desktop Entry]\nType=Application\nExec=sh -c id\n")
	for name, c := range map[string]struct {
		members map[string]string
		picture []byte
		files   []string // that fetch may leave, by itself and in a folder
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

// runProgramRaw is runProgram for output that is a picture.
func runProgramRaw(t *testing.T, api string, args ...string) *ranProgram {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "submitter", args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "ATELIER_API_KEY=", "ATELIER_API="+api, "GORACE=atexit_sleep_ms=10")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return &ranProgram{stdout: string(out), code: cmd.ProcessState.ExitCode()}
}

// No answer fills the disk: a result is held to the job's length, and that to what a
// result can have.
func TestHostileLengths(t *testing.T) {
	jpeg := pictureOf(t, "x.jpg")
	sum := sha256.Sum256(jpeg)
	right := hex.EncodeToString(sum[:])
	for name, c := range map[string]struct {
		result string
		asked  bool // whether the result may be asked for
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

// A result's link leads to web addresses alone, not for ever, and not from https to
// http. The key stays with the API.
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
		"to nothing":      {raw("HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n"), 1, 20},
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
		answers["job"] = says(200, strings.ReplaceAll(jobWith(map[string]string{"state": `"succeeded"`, "error": "null",
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

// Retry-After is heard within reason: the program neither waits for ever nor asks in a
// frenzy.
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
			if n := len(server.asked); n > 20 {
				t.Errorf("asked %d times in 3 s", n)
			}
		})
	}
}

// A job that changes with each look is not looked at without a pause.
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

// A key does not cross a network in the clear, unless that was asked for.
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

// A key file that others can read is remarked on.
func TestKeyFileMode(t *testing.T) {
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": says(200, `{"styles":[]}`)})
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

// Input that has no end is not read into memory.
func TestHostileInput(t *testing.T) {
	server := newHostileServer(t, map[string]http.HandlerFunc{"*": says(500, "")})
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
		ctx, cancel := context.WithTimeout(t.Context(), patienceOfScripts)
		var stderr bytes.Buffer
		err := run(ctx, []string{command, "-", "--api", server.URL}, r, io.Discard, &stderr, func(string) string { return "" })
		cancel()
		_ = r.Close()
		if exitCode(err) != 2 && exitCode(err) != 1 || read.Load() > 256<<20 {
			t.Errorf("%s: got %v after %d bytes", command, err, read.Load())
		}
	}
	if len(server.asked) > 0 {
		t.Errorf("asked for %v", server.asked)
	}
	for _, ids := range []string{"../../etc/passwd\n", oneID + "\x1b[31m\n", oneID + "\n" + strings.ToUpper(otherID) + "\n", "\u009b31m\n"} {
		if ran := runProgram(t, server.URL, ids, nil, "fetch", "-"); ran.code != 2 {
			t.Errorf("%q: got exit status %d", ids, ran.code)
		}
	}
}

// A symbolic link in the place of a result is replaced or kept, and not written
// through.
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

// A list or a redrive whose pages have no end is not followed in a circle, and a page
// holds no more than was asked for.
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
			server := newHostileServer(t, map[string]http.HandlerFunc{"*": says(200, page)})
			ran := runProgram(t, server.URL, "", nil, append(args, "--timeout", "10s")...)
			if ran.code != 6 || strings.Contains(ran.stderr, "gave up") {
				t.Errorf("%s, %v: got exit status %d: %s", name, args, ran.code, ran.stderr)
			}
		}
	}
}

// A list or a redrive that always goes on, and never has anything, is followed with
// pauses and ends at --timeout.
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

// A batch counts a damaged answer as that picture's failure, and writes nothing of it.
func TestHostileBatch(t *testing.T) {
	answers := painted(map[string]string{"format": `"desktop"`}, []byte("[Desktop Entry]\n"))
	server := newHostileServer(t, answers)
	began := time.Now()
	ran := runProgram(t, server.URL, "", nil, "submit", "photo.jpg", "-s", evil, "-o", "out/", "--json", "--timeout", "20s")
	if ran.code != 6 || len(ran.files(t)) > 0 || time.Since(began) > 15*time.Second {
		t.Errorf("got exit status %d, files %q: %s", ran.code, ran.files(t), ran.stderr)
	}
}
