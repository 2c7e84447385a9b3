package measurement

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// A front is a separate process with an HTTP server in front of the worker function, which paints
// while the request waits: a synchronous function behind a gateway or, with several events at once
// in an environment, a hypothetical function on Lambda Managed Instances. It accepts the same
// submissions as the other systems.
type front struct {
	*process.Process
	programs Programs
	v        Variant
	url, dir string
}

// frontSettings is the argument of [ServeFront].
type frontSettings struct {
	Programs Programs
	Variant  Variant
	Address  string
}

func (p Programs) front(ctx context.Context, v Variant) (system, error) {
	dir, err := p.folder(v.System)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	p.Scratch = dir
	settings, err := json.Marshal(frontSettings{p, v, address})
	if err != nil {
		return nil, err
	}
	url := "http://" + address + "/"
	started, err := process.Begin(ctx, dir, "front", exec.Command(self, FrontArg, string(settings)), process.Responds(url))
	if err != nil {
		return nil, err
	}
	return &front{started, p, v, url, dir}, nil
}

func (s *front) targets() ([]vegeta.Target, error) { return s.programs.forms(s.v, s.url) }

// collect reads a picture's end from the function's log, as for the other systems with a store.
func (s *front) collect(ctx context.Context, responses []response) ([]Job, error) {
	jobs := make([]Job, len(responses))
	var ids []string
	for n, r := range responses {
		j := &jobs[n]
		if j.Failed = r.failed; j.Failed != "" {
			continue
		}
		if err := json.Unmarshal(r.body, j); err != nil {
			return nil, err
		}
		ids = append(ids, j.ID)
	}
	logs, err := filepath.Glob(filepath.Join(s.dir, "*", functionLog))
	if err != nil {
		return nil, err
	}
	logged, err := attemptsOf(ctx, ids, logs...)
	if err != nil {
		return nil, err
	}
	for n := range jobs {
		if a, ok := logged[jobs[n].ID]; ok {
			a.fill(&jobs[n])
			a.since(responses[n].scheduled, &jobs[n])
		}
	}
	return jobs, nil
}

func (s *front) close() error {
	s.Stop()
	if b := s.Output(); len(b) > 0 {
		return errors.New("the server in front of the function: " + string(b))
	}
	return nil
}
