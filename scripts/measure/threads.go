package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

const threadsHelp = `How to use the cores: threads of the engine within a picture, or pictures at once, with
TensorFlow and with ONNX Runtime. The defaults of worker-daemon are based on this.`

// threads compares uses of the cores.
func threads(ctx context.Context, s *session) (string, error) {
	sides, long := pick(s, []int{512, 1024}, []int{64}), pick(s, 8.0, 0.1)
	counts := pick(s, steps(runtime.GOMAXPROCS(0)), []int{1, 2})
	engines, err := s.engines()
	if err != nil {
		return "", err
	}
	s.expect(len(engines) * len(sides) * len(counts) * len(counts))
	rows := [][]string{{"engine", "size", "threads", "concurrent", "images/s", "median of one", "CPU for one", "peak memory"}}
	for _, e := range engines {
		for _, side := range sides {
			for _, split := range splits(counts) {
				n, c := split[0], split[1]
				s.step("%s, %s, %d threads, %d at once", e.name, size(side, side), n, c)
				v, err := askOf[speed](ctx, e.program, "throughput", task{Model: s.Model, Width: side, Height: side, Threads: n, Concurrent: c, Seconds: long})
				if err != nil {
					return "", err
				}
				rows = append(rows, []string{
					e.name, size(side, side), fmt.Sprint(n), fmt.Sprint(c),
					fmt.Sprintf("%.2f", v.PerSecond), fmt.Sprintf("%.3f s", v.Median), fmt.Sprintf("%.3f s", v.CPU), mb(float64(v.Peak)),
				})
			}
		}
	}
	return table(rows...), nil
}

// splits returns every pair of the counts.
func splits(counts []int) (all [][2]int) {
	for _, a := range counts {
		for _, b := range counts {
			all = append(all, [2]int{a, b})
		}
	}
	return all
}

// steps returns 1, 2, 4, ... up to the cores, and twice the cores.
func steps(cores int) (all []int) {
	for n := 1; n < cores; n *= 2 {
		all = append(all, n)
	}
	return append(all, cores, 2*cores)
}

// A speed has the measurements of a child, in seconds and bytes. CPU is the processor time per
// image, which other programs on the machine disturb least.
type speed struct {
	PerSecond, Median, CPU float64
	Peak                   int64
}

func throughput(ctx context.Context, t task, out io.Writer) error {
	m, err := load(t)
	if err != nil {
		return err
	}
	content := photo(t.Width, t.Height)
	paint := func(ctx context.Context, _ int) error { _, err := m.Stylize(ctx, named(content, 0)); return err }
	if _, err := inParallel(ctx, 1, times(2), paint); err != nil { // prepares the graph and then the allocator
		return err
	}
	busy := machine.ProcessorTime()
	p, err := inParallel(ctx, t.Concurrent, lasting(time.Duration(t.Seconds*float64(time.Second))), paint)
	if err != nil {
		return err
	}
	spent := (machine.ProcessorTime() - busy).Seconds()
	return answer(out, speed{p.PerSecond, median(p.Took), spent / float64(len(p.Took)), machine.PeakMemory()})
}
