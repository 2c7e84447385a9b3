package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// childRole, in the environment, makes a test program one of many processes on one directory;
// childDir names the directory.
const (
	childRole = "ATELIER_TEST_ROLE"
	childDir  = "ATELIER_TEST_DIR"
)

func TestMain(m *testing.M) {
	role, ok := map[string]func(*store.Store) error{
		"submitter": submitOnce, "worker": workUntilDone, "meddler": cancelAndRetry,
	}[os.Getenv(childRole)]
	if !ok {
		os.Exit(m.Run())
	}
	s, err := store.Open(store.Config{Dir: os.Getenv(childDir), Lease: 500 * time.Millisecond, MaxAttempts: 1000})
	if err == nil {
		err = role(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var processes atomic.Int64

// process starts this program in a role, and returns its output. If scripts/nfs runs the test,
// every second process is on the other client.
func process(t *testing.T, role, dir string) (*exec.Cmd, io.Reader) {
	t.Helper()
	if below, is := strings.CutPrefix(dir, os.Getenv("NFS_A")+"/"); is && os.Getenv("NFS_A") != "" && processes.Add(1)%2 == 0 {
		dir = filepath.Join(os.Getenv("NFS_B"), below)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// A claimOf is a line of a process's output: how it has ended a run.
type claimOf struct {
	ID    job.ID
	Run   int
	State job.State
}

func report(v any) { _ = json.NewEncoder(os.Stdout).Encode(v) }

func submitOnce(s *store.Store) error {
	id, err := job.NewID()
	if err != nil {
		return err
	}
	spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: time.Now().UTC()}
	j, made, err := s.CreateOnce(&spec, []byte("picture"), nil, "the same key")
	if err == nil && made {
		report(claimOf{j.ID, 1, job.Queued})
	}
	return err
}

// workUntilDone is a worker without a queue: it works on active jobs until there are none.
func workUntilDone(s *store.Store) error {
	for {
		ids, err := s.Active()
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, e := range ids {
			if err := workOn(s, e.ID); err != nil {
				return err
			}
		}
	}
}

func workOn(s *store.Store, id job.ID) error {
	j, err := s.Job(id)
	if err != nil {
		return err
	}
	l, err := s.Claim(context.Background(), id, j.Run, "child")
	if errors.Is(err, job.ErrBusy) || errors.Is(err, job.ErrFinished) || errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	outcome := claimOf{id, l.Run, job.Succeeded}
	switch rand.N(10) {
	case 0:
		return ignoreLeaseLost(l.Release(true))
	case 1:
		return ignoreLeaseLost(l.Release(false))
	case 2:
		outcome.State = job.Failed
		err = l.Fail(job.Failure{Code: "damaged_image"})
	default:
		err = l.Renew()
		if err == nil {
			err = l.Succeed([]byte(strings.Repeat(string(id), 100)), nil, job.Result{}, job.Receipt{})
		} else {
			l.Close()
		}
	}
	if err == nil {
		report(outcome)
	}
	return ignoreLeaseLost(err)
}

func ignoreLeaseLost(err error) error {
	if errors.Is(err, job.ErrLeaseLost) {
		return nil
	}
	return err
}

// cancelAndRetry cancels jobs and retries them. An error because other processes keep changing a
// job is accepted: the workers check the jobs without a pause, and each check of an ended run
// removes the temporary file of a retry that is about to begin, so on a slow disk the retry may
// never succeed.
func cancelAndRetry(s *store.Store) error {
	for range 30 {
		ids, err := s.Active()
		if err != nil || len(ids) == 0 {
			return err
		}
		id := ids[rand.N(len(ids))].ID
		j, err := s.Cancel(id)
		if err == nil {
			report(claimOf{id, j.Run, job.Canceled})
			_, _, err = s.Retry(id)
		}
		if err != nil && !errors.Is(err, job.ErrFinished) && !errors.Is(err, job.ErrNotRetryable) && !errors.Is(err, job.ErrBusy) {
			return err
		}
	}
	return nil
}

// stopServer stops the file server for a while in the middle of a test, if scripts/nfs runs it, for
// the time in ATELIER_NFS_OUTAGE.
func stopServer(t *testing.T) {
	server, outage := os.Getenv("NFS_SERVER"), os.Getenv("ATELIER_NFS_OUTAGE")
	if server == "" || outage == "" {
		return
	}
	out := make(chan error, 1)
	go func() {
		output, err := exec.Command("bash", "-c", `sleep 2 && "$0" stop && sleep "$1" && "$0" start`, server, outage).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, output)
		}
		out <- err
	}()
	t.Cleanup(func() {
		if err := <-out; err != nil {
			t.Errorf("stop the file server for %s: %v", outage, err)
		}
	})
}

func TestProcessesSubmitUnderOneKey(t *testing.T) {
	s := open(t, 0)
	made := 0
	var all []*exec.Cmd
	var outputs []io.Reader
	for range 64 {
		cmd, out := process(t, "submitter", s.Dir())
		all, outputs = append(all, cmd), append(outputs, out)
	}
	for i, cmd := range all {
		for lines := bufio.NewScanner(outputs[i]); lines.Scan(); {
			made++
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	jobs, _, err := s.List(store.Query{Limit: 10})
	if err != nil || len(jobs) != 1 || made != 1 {
		t.Errorf("%d jobs, %d processes made one, %v", len(jobs), made, err)
	}
}

// Workers that succeed, fail, give back and crash, and users who cancel and retry, at the same time
// in separate processes: every run ends once, with the outcome that its winner has reported.
func TestProcessesRaceForOneDirectory(t *testing.T) {
	s := open(t, 0)
	var ids []job.ID
	for range 40 {
		ids = append(ids, create(t, s).ID)
	}
	const workers, meddlers = 4, 2
	ended := map[claimOf]int{}
	reports := make(chan claimOf)
	done := make(chan struct{})
	running := 0
	start := func(role string) *exec.Cmd {
		cmd, out := process(t, role, s.Dir())
		running++
		go func() {
			for dec := json.NewDecoder(out); ; {
				var c claimOf
				if dec.Decode(&c) != nil {
					break // it ended, or was killed while writing a line
				}
				reports <- c
			}
			if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
				t.Errorf("%s: %v", role, err)
			}
			done <- struct{}{}
		}()
		return cmd
	}
	stopServer(t)
	var victims []*exec.Cmd
	for range workers {
		victims = append(victims, start("worker"))
	}
	for range meddlers {
		start("meddler")
	}
	for running > 0 {
		select {
		case c := <-reports:
			ended[c]++
			if len(victims) > 0 && len(ended) >= 5 { // in the middle of its work
				_ = victims[0].Process.Kill() // may have ended
				victims = victims[1:]
				start("worker")
			}
		case <-done:
			running--
		}
	}
	// A last worker completes what the killed processes have left, when their leases have expired.
	if cmd, out := process(t, "worker", s.Dir()); true {
		for dec := json.NewDecoder(out); ; {
			var c claimOf
			if dec.Decode(&c) != nil {
				break
			}
			ended[c]++
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}

	for c, n := range ended {
		if n != 1 && c.State != job.Canceled { // canceling a canceled job changes nothing
			t.Errorf("%d processes have reported that they ended run %d of job %s as %s", n, c.Run, c.ID, c.State)
		}
		for _, other := range []job.State{job.Succeeded, job.Failed, job.Canceled} {
			if other != c.State && ended[claimOf{c.ID, c.Run, other}] > 0 {
				t.Errorf("run %d of job %s ended as %s and as %s", c.Run, c.ID, c.State, other)
			}
		}
		dir := filepath.Join(s.Dir(), "jobs", c.ID.Time().Format("2006/01/02/15"), string(c.ID))
		_, err := os.ReadDir(dir) // an NFS client may have cached that the file is missing
		var b []byte
		if err == nil {
			b, err = os.ReadFile(filepath.Join(dir, fmt.Sprintf("final.%d", c.Run)))
		}
		if err != nil {
			t.Error(err)
			continue
		}
		var final job.Job
		if err := json.Unmarshal(b, &final); err != nil || final.State != c.State {
			t.Errorf("run %d of job %s is %s, and a process reported %s: %v", c.Run, c.ID, final.State, c.State, err)
		}
	}
	for _, id := range ids {
		j, err := s.Job(id)
		if err != nil || !j.State.Finished() {
			t.Errorf("job %s is %s, %v", id, j.State, err)
		}
	}
	// The killed processes may have left temporary files, which no successor knows.
	if err := s.CleanUp(context.Background(), time.Now().Add(time.Hour), time.Minute); err != nil {
		t.Error(err)
	}
	for _, name := range files(t, s.Dir()) {
		// A process may have been killed after all others had completed the job, or its call may
		// have reached the file server then. Such files are removed with the job.
		late := strings.HasPrefix(name, "jobs/") && strings.HasPrefix(filepath.Base(name), ".tmp-")
		if (strings.Contains(name, "tmp") || strings.HasPrefix(name, "active")) && !late {
			t.Errorf("%s was left behind", name)
		}
	}
}
