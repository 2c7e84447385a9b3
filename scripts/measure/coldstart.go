package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const coldStartHelp = `The duration of a worker's start when its engine's library and its model are on NFS,
as on EFS for a Lambda function: from the start of a process to its first finished
picture of 256 x 256, on scripts/nfs (a real NFS 4.1), with time added to each call.

  as shipped   the library as scripts/setup installs it
  read ahead   as shipped, started by worker-bootstrap, which lets the kernel read in
               many parallel calls the parts that a start reads, as measured by scripts/setup

Each starts cold, with none of the files in the client's page cache, and then warm. "reading
adds" is how much longer the cold start took than the median of the engine's warm starts.
Compare this figure: programs are slower in scripts/nfs than on the machine, and share one
processor with the file server. READs and bytes are counted by the client
(/proc/self/mountstats). The program itself is on a local disk, like a function's. The goal
applies to TensorFlow at 2 ms a call, relative to what reading adds as shipped.`

// The compared forms of a library, as shown to readers.
const asShipped, readAhead = "as shipped", "read ahead"

// coldStart measures starts from a network file system.
func coldStart(ctx context.Context, s *session) (string, error) {
	task, err := s.coldTask(ctx)
	if err != nil {
		return "", err
	}
	latencies := pick(s, []int{0, 2, 6}, []int{2})
	s.expect(len(latencies))
	rows := [][]string{{"a call takes", "engine", "library", "READs", "read", "cold", "warm", "reading adds", "of as shipped", "goal", ""}}
	for _, latency := range latencies {
		s.step("%d ms a call", latency)
		cells, err := s.measureColdStarts(ctx, latency, task)
		if err != nil {
			return "", err
		}
		for _, c := range cells {
			shipped := cells[slices.IndexFunc(cells, func(o coldResult) bool { return o.Engine == c.Engine && o.Library == asShipped })]
			warm := warmStarts(cells, c.Engine).median
			added := each(c.Cold, func(n nfsStart) float64 { return n.Seconds - warm })
			part := added.median / (each(shipped.Cold, nfsStart.seconds).median - warm)
			share, goal := fmt.Sprintf("%.2f", part), noGoal
			switch {
			case c.Library == asShipped || latency == 0: // without latency it is mostly noise
				share = ""
			case c.Library == readAhead && c.Engine == "TensorFlow" && latency == 2:
				goal = atMost(0.25, part)
			}
			rows = append(rows, slices.Concat([]string{
				fmt.Sprintf("%d ms", latency), c.Engine, c.Library,
				each(c.Cold, func(n nfsStart) float64 { return float64(n.Calls) }).show("%.0f"),
				mb(each(c.Cold, func(n nfsStart) float64 { return float64(n.Bytes) }).median),
				fmt.Sprintf("%.2f s", each(c.Cold, nfsStart.seconds).median),
				fmt.Sprintf("%.2f s", warm),
				added.show("%.2f") + " s", share,
			}, goal))
		}
	}
	return "Median of the rounds (least..most).\n\n" + table(rows...), nil
}

// warmStarts returns the seconds of an engine's warm starts.
func warmStarts(cells []coldResult, engine string) spread {
	var seconds []float64
	for _, c := range cells {
		if c.Engine == engine {
			for _, n := range c.Warm {
				seconds = append(seconds, n.Seconds)
			}
		}
	}
	return spreadOf(seconds)
}

// coldTask returns the settings for the runs inside scripts/nfs.
func (s *session) coldTask(ctx context.Context) (t task, err error) {
	if out, err := exec.CommandContext(ctx, filepath.Join(s.Root, "scripts", "nfs"), "--check").CombinedOutput(); err != nil {
		return t, &unavailable{strings.TrimSpace(string(out))}
	}
	engines, err := s.engines()
	if err != nil {
		return t, err
	}
	t = task{Model: s.Model, Width: 256, Height: 256, Cold: &coldPlan{Bootstrap: filepath.Join(s.Bin, "worker-bootstrap"), Rounds: s.Rounds}}
	for _, e := range pick(s, engines, engines[1:]) { // TensorFlow takes minutes
		library := filepath.Join(e.library, "lib")
		if _, err := os.Stat(filepath.Join(library, "read-ahead.json")); err != nil {
			return t, &unavailable{fmt.Sprintf("%v: run scripts/setup, which measures what to read ahead", err)}
		}
		t.Cold.Engines = append(t.Cold.Engines, coldEngine{Name: e.name, Program: e.program, Library: library})
	}
	return t, nil
}

// measureColdStarts runs all starts with one latency, with its own file server. It uses the program that
// doesn't link TensorFlow.
func (s *session) measureColdStarts(ctx context.Context, latency int, t task) (cells []coldResult, err error) {
	settings, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.Root, "scripts", "nfs"), "--latency", fmt.Sprint(latency),
		"--memory", "5000", "--disk", "3000", "--timeout", "3600", "--", s.ONNX, childArg, "cold-starts", string(settings))
	cmd.Stderr = s.stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("scripts/nfs: %w", err)
	}
	if err := json.Unmarshal(out, &cells); err != nil {
		return nil, errors.Join(err, fmt.Errorf("scripts/nfs: %.200q", out))
	}
	return cells, nil
}
