package measurement

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

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

// collect reads the stages from the responses. A picture ends with its response, because it is not
// stored.
func (s *flask) collect(_ context.Context, responses []response) ([]Job, error) {
	jobs := make([]Job, len(responses))
	for n, r := range responses {
		j := &jobs[n]
		if j.Failed = r.failed; j.Failed != "" {
			continue
		}
		j.Latency = r.ended.Sub(r.scheduled).Seconds()
		for name, stage := range map[string]*float64{"total": &j.Handler, "decode": &j.Decode, "paint": &j.Paint, "encode": &j.Encode} {
			var err error
			if *stage, err = timing(r.header.Get("Server-Timing"), name); err != nil {
				return nil, err
			}
		}
		j.Received = max(0, j.Latency-j.Handler)
	}
	return jobs, nil
}

// timing returns the seconds of a metric in a Server-Timing header (W3C), such as "decode;dur=1.5,
// paint;dur=20".
func timing(header, metric string) (float64, error) {
	for entry := range strings.SplitSeq(header, ",") {
		if ms, ok := strings.CutPrefix(strings.TrimSpace(entry), metric+";dur="); ok {
			v, err := strconv.ParseFloat(ms, 64)
			return v / 1000, err
		}
	}
	return 0, fmt.Errorf("the Python server's header Server-Timing %q has no %s", header, metric)
}

func (s *flask) close() error { s.Stop(); return nil }
