package measurement

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// A flask is the Python server of scripts/baseline.
type flask struct {
	*process.Process
	programs Programs
	v        Variant
	base     string
}

func (p Programs) flask(ctx context.Context, v Variant) (system, error) {
	if p.Python == "" {
		return nil, &UnavailableError{"the Python server is not installed: run scripts/setup --bench"}
	}
	dir, err := p.folder(v.System)
	if err != nil {
		return nil, err
	}
	port, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	arguments := append([]string{filepath.Join(p.Root, "scripts", "baseline", "server.py"), "--listen", address}, p.flaskModel(v)...)
	cmd := exec.Command(p.Python, arguments...)
	cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2", "PYTHONDONTWRITEBYTECODE=1")
	started, err := process.Begin(ctx, dir, "flask", cmd, process.Responds("http://"+address+"/healthz"))
	if err != nil {
		return nil, err
	}
	return &flask{started, p, v, "http://" + address + "/paint"}, nil
}

func (s *flask) targets() ([]vegeta.Target, error) { return s.programs.forms(s.v, s.base) }

func (s *flask) collect(_ context.Context, responses []response) ([]Job, error) {
	jobs := make([]Job, len(responses))
	for n, r := range responses {
		if jobs[n].Failed = r.failed; r.failed == "" {
			jobs[n].Latency = r.ended.Sub(r.scheduled).Seconds()
		}
	}
	return jobs, nil
}

func (s *flask) close() error { s.Stop(); return nil }
