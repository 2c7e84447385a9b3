package main

import (
	"bytes"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	catalogue "github.com/atelier-go/atelier/pkg/style"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"submitter": main})
}

// TestScripts runs each script of testdata against an API of its own: the real
// handler on a socket, a store in the script's folder, a queue in memory, and a
// worker that the script controls.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: *update,
		Setup:         setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"api":             func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).api(ts, args) },
			"claim":           func(ts *testscript.TestScript, _ bool, _ []string) { scriptOf(ts).claim(ts) },
			"paint":           func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).paint(ts, args[0]) },
			"fail":            func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).failJob(ts, args[0], args[1]) },
			"paint-when-seen": func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).paintWhenSeen(ts, args[0]) },
			"paint-all":       func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).paintEach(ts, args[0]) },
			"fifo": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
			},
			"opened":  opened,
			"stalled": func(ts *testscript.TestScript, _ bool, _ []string) { scriptOf(ts).waitStalled(ts) },
			"polled":  func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).polled(ts, args) },
			"exits":   exitsWith,
			"spawn":   func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).spawn(ts, args) },
			"interrupt": func(ts *testscript.TestScript, _ bool, args []string) {
				scriptOf(ts).signal(ts, args[0], syscall.SIGINT)
			},
			"terminate": func(ts *testscript.TestScript, _ bool, args []string) {
				scriptOf(ts).signal(ts, args[0], syscall.SIGTERM)
			},
			"crash": func(ts *testscript.TestScript, _ bool, args []string) {
				scriptOf(ts).signal(ts, args[0], syscall.SIGKILL)
			},
			"jobs":    func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).jobs(ts, args[0]) },
			"await":   func(ts *testscript.TestScript, _ bool, args []string) { scriptOf(ts).await(ts, args[0], args[1]) },
			"tidy":    tidy,
			"nothing": func(ts *testscript.TestScript, _ bool, _ []string) { scriptOf(ts).nothing(ts) },
			"large":   large,
		},
	})
}

// scriptTimeout is the time after which a script that waits for something gives up.
const scriptTimeout = 30 * time.Second

// A script is the state of a running script.
type script struct {
	*service
	processes map[string]*exec.Cmd
}

func scriptOf(ts *testscript.TestScript) *script { return ts.Value("script").(*script) }

func setUp(env *testscript.Env) error {
	s := &script{processes: map[string]*exec.Cmd{}}
	var err error
	if s.service, err = newService(filepath.Join(env.WorkDir, ".store")); err != nil {
		return err
	}
	env.Defer(s.stop)
	env.Defer(func() { close(s.released) })
	env.Values["script"] = s
	if os.Getenv("GORACE") == "" {
		env.Setenv("GORACE", "atexit_sleep_ms=10") // else every process takes a second longer
	}
	env.Setenv("ATELIER_API", s.url())
	env.Setenv("HOME", filepath.Join(env.WorkDir, ".home"))
	env.Setenv("STYLE", catalogue.Names()[0])
	env.Setenv("STYLE2", catalogue.Names()[1])
	env.Setenv("UNKNOWN", "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f")
	for name, edge := range map[string]int{"photo.jpg": 64, "photo.png": 48, "photo.webp": 80, "photo.gif": 48, "painted.jpg": 80} {
		if err := writePicture(filepath.Join(env.WorkDir, name), edge); err != nil {
			return err
		}
	}
	return nil
}

func writePicture(path string, edge int) error {
	img := image.NewRGBA(image.Rect(0, 0, edge, edge*3/4))
	for i := range img.Pix {
		img.Pix[i] = byte(i * edge)
	}
	for x := range edge {
		for y := range edge {
			c := img.RGBAAt(x, y)
			img.SetRGBA(x, y, color.RGBA{c.R, c.G, c.B, 255})
		}
	}
	var b bytes.Buffer
	var err error
	switch filepath.Ext(path) {
	case ".jpg":
		err = jpeg.Encode(&b, img, nil)
	case ".gif":
		err = gif.Encode(&b, img, nil)
	case ".webp":
		err = imageio.Encode(&b, img, "webp", 90)
	default:
		err = png.Encode(&b, img)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// exitsWith runs a program, which must end with the given exit status.
func exitsWith(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	checkCode(ts, err, args[0])
}

func checkCode(ts *testscript.TestScript, err error, want string) {
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run: %v", err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("got exit status %d, want %s", got, want)
	}
}

// spawn starts the submitter in the background as NAME, with its output in NAME.out and
// NAME.err.
func (s *script) spawn(ts *testscript.TestScript, args []string) {
	name := args[0]
	cmd := exec.Command("submitter", args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"ATELIER_API", "PATH", "TMPDIR", "GORACE", "HOME"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = out, errs
	s.mu.Lock()
	s.spawned++
	s.reads = 0
	s.mu.Unlock()
	ts.Check(cmd.Start())
	s.processes[name] = cmd
	ts.Defer(func() {
		if s.processes[name] != nil { // the script failed before it awaited the process
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

func (s *script) signal(ts *testscript.TestScript, name string, sig os.Signal) {
	ts.Check(s.processes[name].Process.Signal(sig))
}

// jobs fails unless there is the given number of jobs.
func (s *script) jobs(ts *testscript.TestScript, want string) {
	n := 0
	for before := job.ID(""); ; {
		page, next, err := s.store.List(store.Query{Before: before, Limit: 100})
		ts.Check(err)
		n += len(page)
		if before = next; before == "" {
			break
		}
	}
	if n != number(want) {
		ts.Fatalf("there are %d jobs, want %s", n, want)
	}
}

// await waits for the end of a spawned process with the given exit status, -1
// for one that was killed.
func (s *script) await(ts *testscript.TestScript, name, code string) {
	cmd := s.processes[name]
	s.processes[name] = nil
	late := time.AfterFunc(scriptTimeout, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	checkCode(ts, cmd.Wait(), code)
}

// nothing fails if there is a message for another job. A claimed job may have several messages.
func (s *script) nothing(ts *testscript.TestScript) {
	for len(s.queue) > 0 {
		if m := <-s.queue; !s.claimed[m.Job] {
			ts.Fatalf("there is a message for one more job")
		}
	}
}

// tidy fails if the submitter has left temporary files.
func tidy(ts *testscript.TestScript, _ bool, _ []string) {
	var left []string
	for _, pattern := range []string{".*.part", "*/.*.part", filepath.Join(ts.Getenv("TMPDIR"), "submitter-*")} {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		left = append(left, found...)
	}
	if len(left) > 0 {
		ts.Fatalf("left behind: %s", strings.Join(left, ", "))
	}
}

func (s *script) claim(ts *testscript.TestScript) {
	id, err := s.claimNext()
	ts.Check(err)
	ts.Setenv("JOB", string(id))
}

func (s *script) paint(ts *testscript.TestScript, file string) {
	if s.lease == nil {
		s.claim(ts)
	}
	ts.Check(s.succeed([]byte(ts.ReadFile(file))))
}

// paintWhenSeen paints the next job in the background, once the submitter has read it running.
func (s *script) paintWhenSeen(ts *testscript.TestScript, file string) {
	picture, done := []byte(ts.ReadFile(file)), make(chan error, 1)
	go func() {
		id, err := s.claimNext()
		if err == nil {
			running := s.etag(id)
			err = s.waitReads(func() bool { return s.known[running] })
		}
		if err == nil {
			err = s.succeed(picture)
		}
		done <- err
	}()
	ts.Defer(func() { ts.Check(<-done) })
}

// paintEach paints all jobs from now on in the background.
func (s *script) paintEach(ts *testscript.TestScript, file string) {
	picture, ctx, done := []byte(ts.ReadFile(file)), make(chan struct{}), make(chan error, 1)
	go func() { done <- s.paintAll(ctx, picture) }()
	ts.Defer(func() {
		close(ctx)
		ts.Check(<-done)
	})
}

func (s *script) waitStalled(ts *testscript.TestScript) {
	select {
	case <-s.stalled:
	case <-time.After(scriptTimeout):
		ts.Fatalf("no request was stalled")
	}
}

// opened waits until a FIFO is read from, and keeps it open.
func opened(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	ts.Defer(func() { _ = f.Close() })
}

func (s *script) failJob(ts *testscript.TestScript, code, message string) {
	if s.lease == nil {
		s.claim(ts)
	}
	ts.Check(s.fail(code, message))
}

// polled waits until jobs were read once, or N times, since the last spawn.
func (s *script) polled(ts *testscript.TestScript, args []string) {
	n := 1
	if len(args) > 0 {
		n = number(args[0])
	}
	ts.Check(s.waitReads(func() bool { return s.reads >= n }))
}

// makeKeys makes the service require a key: $ANNA's, which may submit and read, $READER's,
// which is of the same owner and may read, and $BERTA's.
func (s *script) makeKeys(ts *testscript.TestScript) {
	submit, read := keyring.Submit, keyring.Read
	keys, err := s.requireKeys(ts.MkAbs(".keys"),
		keyring.Holder{Owner: "anna", Scopes: []keyring.Scope{submit, read}},
		keyring.Holder{Owner: "anna", Scopes: []keyring.Scope{read}},
		keyring.Holder{Owner: "berta", Scopes: []keyring.Scope{submit, read}})
	ts.Check(err)
	for i, name := range []string{"ANNA", "READER", "BERTA"} {
		ts.Setenv(name, keys[i])
	}
}

// api controls the service: "stop", "start", "lock", or "KIND FAULT ..." for the next request
// of a kind.
func (s *script) api(ts *testscript.TestScript, args []string) {
	switch args[0] {
	case "stop":
		s.stop()
	case "start":
		ts.Check(s.start())
	case "lock":
		s.makeKeys(ts)
	default:
		ts.Check(s.addFault(args[0], args[1:]))
	}
}

// large makes a file that begins as a JPEG and has the given length.
func large(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\xff\xd8\xff\xe0"), 0o644))
	ts.Check(os.Truncate(ts.MkAbs(args[0]), int64(number(args[1]))))
}
