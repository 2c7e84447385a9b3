//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// progress prints how many jobs and faults are done, and the time left.
type progress struct {
	w        io.Writer
	terminal bool
	names    []string
	expected map[string]time.Duration
	took     map[string]time.Duration

	mu    sync.Mutex
	name  string // of the scenario under way
	size  size
	began time.Time
}

func newProgress(f *os.File) *progress {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return &progress{w: f, terminal: err == nil, expected: map[string]time.Duration{}, took: map[string]time.Duration{}}
}

func (p *progress) expect(name string, d time.Duration) {
	p.names = append(p.names, name)
	p.expected[name] = d
}

func (p *progress) begin(name string, n size) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.size, p.began = name, n, time.Now()
	fmt.Fprintf(p.w, "chaos: %s: %d jobs; about %s left in all\n", name, n.jobs, p.left())
}

// left estimates the time for the scenarios that are not over, from the time that the others have taken. The caller
// holds mu.
func (p *progress) left() time.Duration {
	var expected, took, left time.Duration
	for _, name := range p.names {
		if d, over := p.took[name]; over {
			expected, took = expected+p.expected[name], took+d
		} else {
			left += p.expected[name]
		}
	}
	if expected > 0 {
		left = time.Duration(float64(left) * float64(took) / float64(expected))
	}
	if !p.began.IsZero() {
		left -= min(time.Since(p.began), left)
	}
	return left.Round(time.Second)
}

// follow prints a trial's progress until stop is called.
func (p *progress) follow(l *load, t *trial) (stop func()) {
	every := 20 * time.Second
	if p.terminal {
		every = time.Second
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			p.mu.Lock()
			line := fmt.Sprintf("chaos: %s: %d of %d jobs accepted, %d known to have ended, %d faults of %d; about %s left in all",
				p.name, l.count(), p.size.jobs, l.ended.Load(), t.faults.Load(), p.size.times, p.left())
			p.mu.Unlock()
			if p.terminal {
				fmt.Fprint(p.w, "\r\x1b[K"+line)
			} else {
				fmt.Fprintln(p.w, line)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
		if p.terminal {
			fmt.Fprint(p.w, "\r\x1b[K")
		}
	}
}

// result prints the result of a trial.
func (p *progress) result(r *result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took[r.Scenario] = time.Since(p.began)
	p.began = time.Time{}
	fmt.Fprintf(p.w, "chaos: %s: %s (%.0f s)\n", r.Scenario, r.outcome(), r.Seconds)
	for _, w := range r.Wrong {
		fmt.Fprintln(p.w, "  "+w)
	}
	if r.Folder != "" && (!r.ok() || r.Stopped) {
		fmt.Fprintf(p.w, "  its folder, with log and shared directory: %s\n  again: %s\n", r.Folder, r.Command)
	}
}
