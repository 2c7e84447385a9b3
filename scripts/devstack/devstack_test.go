package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// build compiles the real programs, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	var err error
	if bin, err = os.MkdirTemp("", "atelier-bin-"); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", bin+"/", ".", "../../api/cmd/api-server", "../../worker/cmd/worker-daemon", "../../submitter").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return bin, err
})

// bin is the folder that build has made, empty before.
var bin string

func TestMain(m *testing.M) {
	code := m.Run()
	if bin != "" {
		_ = os.RemoveAll(bin) // a temporary folder
	}
	os.Exit(code)
}

// programs skips where what the stack needs is not installed.
func programs(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs TensorFlow and MiniStack: left out with -short")
	}
	for _, name := range []string{"ATELIER_MINISTACK", "ATELIER_SAMPLES", "ATELIER_LIBTENSORFLOW", "ATELIER_ROOT"} {
		if os.Getenv(name) == "" {
			const missing = `not set up: run scripts/setup, then eval "$(scripts/env)"`
			if os.Getenv("CI") != "" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func TestDemoRepaintsPhotographsAndEnds(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "devstack"), "--once", "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results, err := filepath.Glob(filepath.Join(dir, "results", "*.jpg"))
	if err != nil || len(results) < 3 {
		t.Fatalf("results: %v, %v\n%s", results, err, out)
	}
	styles := map[string]bool{}
	for _, path := range results {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jpg"), "-")
		styles[name] = true
	}
	if len(styles) < 3 {
		t.Errorf("only %v were used", styles)
	}
	for _, want := range []string{"queue ms", "decode ms", "stylize ms", "encode ms", "were repainted"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	noTemporaryFiles(t, dir)
}

func TestDemoFailsWithItsModel(t *testing.T) {
	bin := programs(t)
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "devstack"), "--once", "--dir", t.TempDir(), "--model", t.TempDir()).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("saved_model.pb")) {
		t.Errorf("a folder without a model: %v\n%s", err, out)
	}
}

// A worker that is killed in the middle of its work loses nothing: the stack
// starts it again, the lease runs out, and every job is painted.
func TestKilledWorkerLosesNothing(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	cmd := exec.Command(filepath.Join(bin, "devstack"), "--dir", dir)
	cmd.Env = append(os.Environ(), "ATELIER_LEASE=3s")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := listen(pipe)
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already, unless the test failed
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("it said:\n%s", said.all())
		}
	})
	base := said.waitFor(t, regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/ is the page`))[1]

	var ids []job.ID
	pid := 0
	waitFor(t, func() bool { // until one of them is seen while it is painted
		ids = append(ids, submit(t, base), submit(t, base))
		for _, id := range ids {
			if read(t, base, id).State == job.Running {
				pid = claimant(t, dir, id)
				return true
			}
		}
		return false
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	said.waitFor(t, regexp.MustCompile(`worker-daemon died \(signal: killed\)`))
	again := 0
	for _, id := range ids {
		var j job.Job
		waitFor(t, func() bool { j = read(t, base, id); return j.State.Finished() })
		if j.State != job.Succeeded {
			t.Errorf("job %s: %+v", id, j)
		}
		again = max(again, j.Attempts)
		if finals, err := filepath.Glob(filepath.Join(jobDir(dir, id), "final.*")); err != nil || len(finals) != 1 {
			t.Errorf("job %s has the outcomes %v, %v", id, finals, err)
		}
	}
	if again < 2 {
		t.Error("no job was attempted twice: the kill hit nothing")
	}

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if resp, err := http.Get(base + "/healthz"); err == nil {
		_ = resp.Body.Close() // it should not be there
		t.Error("the API outlived the stack")
	}
	noTemporaryFiles(t, dir)
}

// noTemporaryFiles: what is left in the shared directory is whole.
func noTemporaryFiles(t *testing.T, dir string) {
	t.Helper()
	shared := filepath.Join(dir, "shared")
	err := filepath.WalkDir(shared, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(strings.TrimPrefix(path, shared), "tmp") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func jobDir(dir string, id job.ID) string {
	return filepath.Join(dir, "shared", "jobs", id.Time().Format("2006/01/02/15"), string(id))
}

// claimant is the process that holds a job's claim.
func claimant(t *testing.T, dir string, id job.ID) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(jobDir(dir, id), "claim.1"))
	if err != nil {
		t.Fatal(err)
	}
	var claim struct{ Worker string }
	if err := json.Unmarshal(b, &claim); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(claim.Worker[strings.LastIndex(claim.Worker, "/")+1:])
	if err != nil || pid < 2 {
		t.Fatalf("claimed by %q", claim.Worker)
	}
	return pid
}

// photo is large enough to be caught while it is painted.
var photo = func() image.Image {
	img := image.NewYCbCr(image.Rect(0, 0, 2000, 1500), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i / 2000 / 6)
	}
	return img
}()

func submit(t *testing.T, base string) job.ID {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("image", "photo.jpg")
	if err == nil {
		err = jpeg.Encode(part, photo, nil)
	}
	for field, value := range map[string]string{"style": style.Names()[0], "size": "0"} {
		if err == nil {
			err = form.WriteField(field, value)
		}
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(base+"/v1/jobs", form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, resp, http.StatusAccepted).ID
}

func read(t *testing.T, base string, id job.ID) job.Job {
	t.Helper()
	resp, err := http.Get(base + "/v1/jobs/" + string(id))
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, resp, http.StatusOK)
}

func decode(t *testing.T, resp *http.Response, status int) (j job.Job) {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s, %v: %s", resp.Status, err, b)
	}
	if err := json.Unmarshal(b, &j); err != nil {
		t.Fatal(err)
	}
	return j
}

// waitFor polls a condition that the stack brings about.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("it did not happen in two minutes")
		case <-again.C:
		}
	}
}

// An ear collects the lines that a program prints.
type ear struct {
	mu    sync.Mutex
	lines []string
}

func listen(r io.Reader) *ear {
	e := &ear{}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			e.mu.Lock()
			e.lines = append(e.lines, s.Text())
			e.mu.Unlock()
		}
	}()
	return e
}

func (e *ear) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.lines, "\n")
}

func (e *ear) waitFor(t *testing.T, re *regexp.Regexp) (match []string) {
	t.Helper()
	waitFor(t, func() bool { match = re.FindStringSubmatch(e.all()); return match != nil })
	return match
}
