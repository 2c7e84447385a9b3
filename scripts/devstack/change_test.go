package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// submitter runs the command line, which must succeed, and returns its standard output.
func (d *demo) submitter(args ...string) []byte {
	d.Helper()
	output, code := d.submitterExits(args...)
	if code != 0 {
		d.Errorf("submitter %s: exit status %d", strings.Join(args, " "), code)
	}
	return output
}

func (d *demo) submitterExits(args ...string) (output []byte, code int) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "submitter"), append(args, "--api", d.Base)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		d.Fatal(err)
	}
	if code = cmd.ProcessState.ExitCode(); code != 0 {
		d.Logf("submitter %s: %v: %s", strings.Join(args, " "), err, complaint.Bytes())
	}
	return output, code
}

// A job is canceled, retried and erased while a worker is processing it.
func TestUseChangesDuringAttempts(t *testing.T) {
	d := start(t, "server")
	d.on("the result of a canceled job is discarded", testCancel)
	d.on("a job is retried while its canceled run is painted", testCancelAndRetry)
	d.on("nothing is left of an erased job", testErase)
	d.end(os.Interrupt)
	noTemporaryFiles(t, d.dir)
}

func (d *demo) catchLarge() held {
	d.Helper()
	large := apitest.Stripes(d.T, 2000, 1500)
	return d.catch(func() job.ID { return d.submit(large) })
}

func testCancel(d *demo) {
	h := d.catchLarge()
	id := string(h.id)
	var j job.Job
	if err := json.Unmarshal(d.submitter("cancel", id, "--json"), &j); err != nil || j.State != job.Canceled || j.Result != nil {
		d.Fatalf("cancel printed %+v, %v", j, err)
	}
	d.submitter("cancel", id) // repeating it is not an error
	d.thaw(h.pid)
	d.losesLease(h)
	if j := d.Read(h.id); j.State != job.Canceled || j.Run != 1 || j.FinishedAt == nil || j.Error != nil {
		d.Errorf("after its worker has finished: %+v", j)
	}
	d.Refused(d.Ask(http.MethodGet, "/v1/jobs/"+id+"/result", nil), http.StatusConflict, "not_finished")
	if _, code := d.submitterExits("fetch", id, "-o", filepath.Join(d.TempDir(), "x.jpg")); code != 3 {
		d.Errorf("fetching it exits with %d, want 3", code)
	}
	// Whether there is a preview depends on when the worker was frozen.
	if got, want := slices.DeleteFunc(d.files(h.id), isPreview), []string{"claim.1", "final.1", "input", "spec.json", "status.json"}; !slices.Equal(got, want) {
		d.Errorf("its folder has %q, want %q", got, want)
	}
	if next := d.painted(d.submit(apitest.Stripes(d.T, 320, 240))); next.Attempts != 1 {
		d.Errorf("the next job: %+v", next)
	}

	out := filepath.Join(d.TempDir(), "out.jpg")
	d.submitter("retry", id, "-o", out)
	d.paintedInRun2(h.id, out)
	if _, code := d.submitterExits("cancel", id); code != 7 {
		d.Errorf("canceling it now exits with %d, want 7", code)
	}
}

func testCancelAndRetry(d *demo) {
	h := d.catchLarge()
	id := string(h.id)
	d.submitter("cancel", id)
	d.submitter("retry", id)
	if j := d.Read(h.id); j.State != job.Queued || j.Run != 2 || j.Attempts != 0 {
		d.Errorf("retried while its worker still processes the canceled run: %+v", j)
	}
	d.thaw(h.pid)
	d.losesLease(h)
	d.submitter("status", id, "--wait")
	out := filepath.Join(d.TempDir(), "out.jpg")
	d.submitter("fetch", id, "-o", out)
	d.paintedInRun2(h.id, out)
}

func isPreview(name string) bool { return name == "preview" }

// paintedInRun2 checks a job that was canceled, and painted after a retry.
func (d *demo) paintedInRun2(id job.ID, out string) {
	d.Helper()
	j := d.Read(id)
	if j.State != job.Succeeded || j.Run != 2 || j.Attempts != 1 || j.Result == nil || j.Result.Width != 2000 {
		d.Errorf("retried: %+v", j)
	}
	if b, err := os.ReadFile(out); err != nil || !bytes.Equal(b, d.result(j)) {
		d.Errorf("its result was not fetched: %d bytes, %v", len(b), err)
	}
	d.settled()
	var run1 struct{ State job.State }
	b, err := os.ReadFile(filepath.Join(jobDir(d.dir, id), "final.1"))
	if err == nil {
		err = json.Unmarshal(b, &run1)
	}
	if err != nil || run1.State != job.Canceled {
		d.Errorf("its first run ended as %s, %v", run1.State, err)
	}
	want := []string{"final.1", "final.2", "input", "out.2", "preview", "run.2", "spec.json", "status.json", "thumb.2"}
	if got := slices.DeleteFunc(d.files(id), isClaim); !slices.Equal(got, want) {
		d.Errorf("its folder has %q, want %q and claims", got, want)
	}
}

func testErase(d *demo) {
	key := "once"
	large := apitest.Stripes(d.T, 2000, 1500)
	path := filepath.Join(d.TempDir(), "in.jpg")
	if err := os.WriteFile(path, large, 0o600); err != nil {
		d.Fatal(err)
	}
	submit := func() job.ID {
		return job.ID(strings.TrimSpace(string(d.submitter("submit", path, "--style", "night-swirls", "--size", "0", "--key", key))))
	}
	h := d.catch(func() job.ID { key += "+"; return submit() })
	id := string(h.id)
	if again := submit(); again != h.id {
		d.Errorf("the same key created job %s, before it was %s", again, id)
	}
	if len(d.mentions(id)) < 3 {
		d.Fatalf("a job that is being painted is only in %q", d.mentions(id))
	}
	if _, code := d.submitterExits("delete", id); code != 2 {
		d.Errorf("without --yes it exits with %d, want 2", code)
	}
	d.submitter("delete", id, "--yes")
	gone := func(when string) {
		d.Helper()
		for _, path := range []string{"", "/result", "/preview"} {
			d.Refused(d.Ask(http.MethodGet, "/v1/jobs/"+id+path, nil), http.StatusGone, "gone")
		}
		if left := d.mentions(id); len(left) > 0 {
			d.Errorf("%s: got %q, want no files", when, left)
		}
	}
	gone("while it is painted")
	d.thaw(h.pid)
	d.losesLease(h)
	gone("after its worker has finished")
	if _, code := d.submitterExits("status", id); code != 4 {
		d.Errorf("its status exits with %d, want 4", code)
	}
	if _, code := d.submitterExits("retry", id); code != 4 {
		d.Errorf("retrying it exits with %d, want 4", code)
	}
	if next := submit(); next == h.id {
		d.Error("its key still refers to it")
	} else {
		d.painted(next)
	}
	gone("after a job under its key")
}

// losesLease waits until a worker has detected that it lost a job's lease.
func (d *demo) losesLease(h held) {
	d.Helper()
	lost := regexp.MustCompile(`msg="(lost the lease|nothing to do)[^"]*" job=` + string(h.id))
	waitFor(d.T, func() bool {
		b, err := os.ReadFile(filepath.Join(d.dir, "logs", "worker-daemon.log"))
		if err != nil {
			d.Fatal(err)
		}
		return lost.Match(b)
	})
}

// mentions returns the files of the shared directory that contain a job's id or are named after it,
// except its tombstone.
func (d *demo) mentions(id string) (paths []string) {
	d.Helper()
	shared := filepath.Join(d.dir, "shared")
	err := filepath.WalkDir(shared, func(path string, e fs.DirEntry, err error) error {
		// What is left is a tombstone and, for a day, the submission's entry in the quota.
		if err != nil || strings.HasPrefix(path, filepath.Join(shared, "gone")) || strings.HasPrefix(path, filepath.Join(shared, "owners")) && strings.HasSuffix(path, ".gone") {
			return ignoreMissing(err)
		}
		found := strings.Contains(path, id)
		if !found && !e.IsDir() {
			b, err := os.ReadFile(path)
			if err != nil {
				return ignoreMissing(err)
			}
			found = bytes.Contains(b, []byte(id))
		}
		if found {
			paths = append(paths, strings.TrimPrefix(path, shared))
		}
		return nil
	})
	if err != nil {
		d.Fatal(err)
	}
	return paths
}

// ignoreMissing ignores missing files: other processes remove files during the walk.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
