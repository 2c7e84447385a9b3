package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

const endToEndHelp = `The pipeline with everything on this machine, compared with the simplest alternative: a
Python server that paints while the request waits (scripts/baseline: Flask under waitress
with 4 threads, TensorFlow from Python, Pillow, the style's vector computed once).
Photographs of 400 x 300; each client sends the next one when it has its picture.

  pipeline  submit, wait with ?wait until the job has succeeded, fetch the picture: the
            API's server, MiniStack, the worker-daemon, every step durable
  memory    the same with a queue in memory in the same process as API and worker: the
            result when the queue uses no processor time; without the copies to S3
  Python    one request; with Magenta's network if --teacher is set, and with the
            shipped network, which is smaller and faster

MiniStack is a Python program that uses part of the same cores, which AWS would not. The
goal is 1.5 times the pictures of the Python server with Magenta's network at 8 clients.
The comparison with the shipped network shows how much of this is due to the network.`

// A paintServer is a compared server.
type paintServer struct {
	*process.Process
	name  string
	paint func(*client) func(context.Context, int) error
	base  string
}

// A roundResult is the result of a server in one round: its pace, and the processor seconds of each
// of its processes per picture.
type roundResult struct {
	pace
	cpu map[string]float64
}

// run lets clients submit pictures for some time.
func (r *paintServer) run(ctx context.Context, c *client, clients int, long time.Duration) (roundResult, error) {
	before := machine.ProcessorTimes(r.PID())
	p, err := inParallel(ctx, clients, lasting(long), r.paint(c))
	if err != nil {
		return roundResult{}, err
	}
	cpu := machine.ProcessorTimes(r.PID())
	for name := range cpu {
		cpu[name] = (cpu[name] - before[name]) / float64(len(p.Took))
	}
	return roundResult{p, cpu}, nil
}

// endToEnd compares the pipeline with Python servers.
func endToEnd(ctx context.Context, s *session) (string, error) {
	levels, long := pick(s, []int{1, 8}, []int{2}), pick(s, 6*time.Second, 200*time.Millisecond)
	photos, err := photograph.All(s.Samples, 400, 300)
	if err != nil {
		return "", err
	}
	stack, err := s.startStack(ctx)
	if err != nil {
		return "", err
	}
	defer stack.Stop()
	memory, memoryBase, err := s.startInMemory(ctx, task{Model: s.Model, Decoder: s.decoder()})
	if err != nil {
		return "", err
	}
	defer memory.Stop()
	fetched := func(c *client) func(context.Context, int) error { return c.paintAndFetch }
	servers := []paintServer{{stack.Process, "pipeline", fetched, stack.base}, {memory, "pipeline, queue in memory", fetched, memoryBase}}
	pythons, stop, err := s.startPythons(ctx)
	if err != nil {
		return "", err
	}
	defer stop()
	servers = append(servers, pythons...)
	s.expect(len(levels) * s.Rounds * len(servers))
	rows := [][]string{{"clients", "server", "images/s", "p50", "p90", "p99", "CPU of one picture", "pipeline over it", "goal", "", "with the queue in memory"}}
	for _, clients := range levels {
		var sides []side[roundResult]
		for _, r := range servers {
			c, err := newClient(r.base, photos, clients)
			if err != nil {
				return "", err
			}
			if _, err := r.run(ctx, c, clients, long/3); err != nil { // warm-up
				return "", fmt.Errorf("%s: %w", r.name, err)
			}
			sides = append(sides, side[roundResult]{r.name, func(ctx context.Context) (roundResult, error) { return r.run(ctx, c, clients, long) }})
		}
		all, err := inTurn(ctx, s, fmt.Sprintf("%d clients", clients), sides...)
		if err != nil {
			return "", err
		}
		for i, r := range servers {
			row := []string{fmt.Sprint(clients), r.name, each(all[i], func(h roundResult) float64 { return h.PerSecond }).show("%.1f")}
			for _, p := range []int{50, 90, 99} {
				row = append(row, ms(each(all[i], func(h roundResult) float64 { return percentile(h.Took, p) }).median))
			}
			row = append(row, processors(all[i]))
			if i < 2 {
				rows = append(rows, append(row, "", "", "", ""))
				continue
			}
			over := func(a, b roundResult) float64 { return a.PerSecond / b.PerSecond }
			ratio, inMemory := compare(all[0], all[i], over), compare(all[1], all[i], over)
			goal := noGoal
			if clients == 8 && r.name == magentaServer {
				goal = atLeast(1.5, ratio.median)
			}
			rows = append(rows, slices.Concat(row, []string{ratio.show("%.2f")}, goal, []string{inMemory.show("%.2f")}))
		}
	}
	text := "From submission to the fetched picture. Median of the rounds (least..most); percentiles are the medians of the rounds'. MiniStack shares the cores.\n\n" + table(rows...)
	switch {
	case len(pythons) == 0:
		text += "\nWithout the Python server, which is not installed: scripts/setup --bench.\n"
	case s.Teacher == "":
		text += "\nWithout Magenta's network, which the goal refers to: use --teacher DIR.\n"
	}
	return text, nil
}

// processors formats the processor time of a server's processes per picture: the median of the
// rounds, for each process if there are several.
func processors(rounds []roundResult) string {
	var parts []string
	sum := 0.0
	for _, name := range slices.Sorted(maps.Keys(rounds[0].cpu)) {
		took := each(rounds, func(h roundResult) float64 { return h.cpu[name] }).median
		if took > 0.00005 {
			parts, sum = append(parts, fmt.Sprintf("%s %.1f", name, 1000*took)), sum+took
		}
	}
	switch len(parts) {
	case 0:
		return machine.Unknown
	case 1:
		return ms(sum)
	}
	return fmt.Sprintf("%s (%s)", ms(sum), strings.Join(parts, ", "))
}

const magentaServer = "Python, Magenta's network"

// startPythons starts the Python servers that are installed. stop is set if err is nil.
func (s *session) startPythons(ctx context.Context) (pythons []paintServer, stop func(), err error) {
	var servers []*process.Process
	stop = func() {
		for _, p := range servers {
			p.Stop()
		}
	}
	if s.Python == "" {
		return nil, stop, nil
	}
	at := func(c *client) func(context.Context, int) error {
		return func(ctx context.Context, n int) error { _, err := c.submit(ctx, "/paint", n); return err }
	}
	dir, err := s.folder()
	if err != nil {
		return nil, stop, err
	}
	start := func(name string, args ...string) error {
		address, err := loopback()
		if err != nil {
			return err
		}
		args = append([]string{filepath.Join(s.Root, "scripts", "baseline", "server.py"), "--listen", address}, args...)
		cmd := exec.Command(s.Python, args...)
		cmd.Env = append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=2", "PYTHONDONTWRITEBYTECODE=1")
		p, err := process.Begin(ctx, dir, strings.ReplaceAll(name, " ", "-"), cmd, process.Responds("http://"+address+"/healthz"))
		if err != nil {
			return err
		}
		servers = append(servers, p)
		pythons = append(pythons, paintServer{p, name, at, "http://" + address})
		return nil
	}
	if s.Teacher != "" {
		err = start(magentaServer, "--teacher", s.Teacher, "--style-picture", filepath.Join(s.Samples, "coffee.png"))
	}
	err = errors.Join(err, start("Python, the shipped network", "--model", s.Model))
	if err != nil {
		stop()
	}
	return pythons, stop, err
}
