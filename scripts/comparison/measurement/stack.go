package measurement

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// A stack is the whole pipeline as scripts/demo runs it: with servers, or with functions in
// MiniStack.
type stack struct {
	*process.Process
	programs Programs
	v        Variant
	base     string // the API's address
	logs     []string
}

func (p Programs) stack(ctx context.Context, v Variant) (system, error) {
	dir, err := p.folder(v.System)
	if err != nil {
		return nil, err
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	mode, worker := "server", "worker-daemon"
	if v.System == MiniStack {
		mode, worker = "lambda", "worker-lambda"
	}
	cmd := exec.Command(filepath.Join(p.Bin, "devstack"), "--mode", mode, "--engine", v.Engine, "--no-samples", "--measured",
		"--dir", dir, "--port", strconv.Itoa(port), "--model", p.Model)
	started, err := process.Begin(ctx, dir, "devstack", cmd, process.Prints("is the page"))
	if err != nil {
		return nil, err
	}
	return &stack{
		Process: started, programs: p, v: v, base: fmt.Sprintf("http://127.0.0.1:%d/v1/jobs", port),
		logs: []string{filepath.Join(dir, "logs", worker+".log")},
	}, nil
}

func (s *stack) close() error { s.Stop(); return nil }

func (s *stack) targets() ([]vegeta.Target, error) { return s.programs.forms(s.v, s.base) }

// collect waits for each job and reads its times from the worker's log, because the end in the
// job's record is taken before the record is durable.
func (s *stack) collect(ctx context.Context, responses []response) ([]Job, error) {
	jobs := make([]Job, len(responses))
	var painted []string
	for n, r := range responses {
		if r.failed != "" {
			jobs[n].Failed = r.failed
			continue
		}
		var submitted job.Job
		if err := json.Unmarshal(r.body, &submitted); err != nil {
			return nil, fmt.Errorf("the response to a submission can't be read: %w", err)
		}
		ended, err := s.wait(ctx, submitted.ID)
		if err != nil {
			return nil, err
		}
		jobs[n].ID = string(ended.ID)
		switch {
		case ended.State == job.Succeeded:
			painted = append(painted, jobs[n].ID)
		case ended.Error != nil:
			jobs[n].Failed = ended.Error.Code
		default:
			jobs[n].Failed = string(ended.State)
		}
	}
	logged, err := attemptsOf(ctx, painted, s.logs...)
	if err != nil {
		return nil, err
	}
	for n := range jobs {
		j := &jobs[n]
		a, ok := logged[j.ID]
		if !ok { // it failed before a worker received it
			continue
		}
		a.fill(j)
		j.Cold = a.Cold
		a.since(responses[n].scheduled, j)
	}
	return jobs, nil
}

// wait waits for the end of a job and returns it.
func (s *stack) wait(ctx context.Context, id job.ID) (j job.Job, err error) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/"+string(id)+"?wait=20", nil)
		if err != nil {
			return j, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return j, err
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was read already
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("job %s: %s: %.300s", id, resp.Status, b)
		}
		if err == nil {
			err = json.Unmarshal(b, &j)
		}
		if err != nil || j.State.Finished() {
			return j, err
		}
	}
}
