package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"
)

// threads compares what to do with the cores: TensorFlow's threads inside an
// image, against images side by side.
func threads(ctx context.Context, o options) (section, error) {
	sides, long := []int{512, 1024}, 8.0
	if o.Quick {
		sides, long = sides[:1], 2
	}
	cores := runtime.GOMAXPROCS(0)
	rows := [][]string{{"size", "threads", "concurrent", "images/s", "median of one", "CPU for one", "peak memory"}}
	for _, side := range sides {
		for _, n := range steps(cores) {
			for _, c := range steps(cores) {
				s, err := ask[speed](ctx, "throughput", task{Model: o.Model, Width: side, Height: side, Threads: n, Concurrent: c, Seconds: long})
				if err != nil {
					return section{}, err
				}
				rows = append(rows, []string{
					fmt.Sprintf("%d x %d", side, side), fmt.Sprint(n), fmt.Sprint(c),
					fmt.Sprintf("%.2f", s.PerSecond), fmt.Sprintf("%.3f s", s.Median), fmt.Sprintf("%.3f s", s.CPU), mb(float64(s.Peak)),
				})
			}
		}
	}
	return section{title: fmt.Sprintf("Threads and concurrent images, %d cores", cores), text: table(rows...)}, nil
}

// steps is 1, 2, 4, ... up to the cores, and twice the cores.
func steps(cores int) (all []int) {
	for n := 1; n < cores; n *= 2 {
		all = append(all, n)
	}
	return append(all, cores, 2*cores)
}

// A speed is what a child measured, in seconds and bytes. CPU is the processor
// time of one image, which other programs on the machine disturb least.
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
	for range 2 { // the graph's preparation, then the allocator's
		if _, err := m.Stylize(ctx, named(content, 0)); err != nil {
			return err
		}
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		took  []float64
		fault error
	)
	began, busy := time.Now(), processorTime()
	for range t.Concurrent {
		wg.Go(func() {
			for time.Since(began).Seconds() < t.Seconds {
				one := time.Now()
				_, err := m.Stylize(ctx, named(content, 0))
				mu.Lock()
				took, fault = append(took, time.Since(one).Seconds()), err
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	whole, spent := time.Since(began).Seconds(), (processorTime() - busy).Seconds()
	if fault != nil {
		return fault
	}
	slices.Sort(took)
	n := float64(len(took))
	return answer(out, speed{n / whole, median(took), spent / n, peakMemory()})
}
