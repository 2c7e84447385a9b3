//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/queue/queueserver"
	"github.com/atelier-go/atelier/scripts/measure/process"
)

// A soak runs the real programs under mixed load for a long time, and samples their memory, handles and goroutines.
type soak struct {
	bin, model, library string
	folder              string // for the shared directory and the logs
	during              time.Duration
	perSecond           float64 // submissions

	submitted, succeeded, erased, failed atomic.Int64 // jobs
	mu                                   sync.Mutex
	errs                                 []error
}

// A soaked is the result of a soak.
type soaked struct {
	samples                              map[string][]usage // by program
	before, after                        map[string]int64   // names in the shared directory
	submitted, succeeded, erased, failed int64
}

// warmUp is the part of the time before the first sample, in which caches and pools are filled.
const warmUp = 0.1

func (s *soak) run(ctx context.Context, show func(string)) (r soaked, err error) {
	served := new(queueserver.Server)
	served.Add("jobs", queuefake.New(queuefake.Config{MaxReceives: 10}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return r, err
	}
	queue := &http.Server{Handler: served, ReadHeaderTimeout: time.Minute}
	go func() { _ = queue.Serve(l) }() // until it is closed
	defer queue.Close()
	addresses, err := freeAddresses(2)
	if err != nil {
		return r, err
	}
	shared := filepath.Join(s.folder, "shared")
	start := func(program, ready string, args ...string) (*process.Process, error) {
		cmd := exec.Command(filepath.Join(s.bin, program), append(args, "--dir", shared, "--queue", "jobs", "--sweep-every", "5s")...) //nolint:gosec // one of ours
		cmd.Env = environment("http://" + l.Addr().String())
		return process.Begin(ctx, s.folder, program, cmd, process.Responds(ready))
	}
	base, metrics := "http://"+addresses[0], "http://"+addresses[1]+"/metrics"
	server, err := start("api-server", base+"/readyz", "--listen", addresses[0], "--rate", "0", "--max-unfinished", "0", "--max-daily", "0", "--max-stored", "0")
	if err != nil {
		return r, err
	}
	defer server.Stop()
	worker, err := start("worker-daemon-onnx", metrics, "--metrics", addresses[1], "--model", s.model, "--onnxruntime", s.library)
	if err != nil {
		return r, err
	}
	defer worker.Stop()
	p, err := newPictures()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.during)
	defer cancel()
	var loading sync.WaitGroup
	loading.Go(func() { s.load(ctx, newClient(base, nil, p.submitted)) })
	r.samples = map[string][]usage{}
	began := time.Now()
	every := max(s.during/100, 100*time.Millisecond)
	if err := pause(ctx, time.Duration(warmUp*float64(s.during))); err != nil {
		loading.Wait()
		return r, errors.Join(append(s.errs, err)...)
	}
	if r.before, err = entries(shared); err != nil {
		return r, err
	}
	for ctx.Err() == nil {
		for name, of := range map[string]struct {
			*process.Process
			metrics string
		}{"api-server": {server, base + "/metrics"}, "worker-daemon": {worker, metrics}} {
			u, err := usageOf(context.WithoutCancel(ctx), of.PID(), of.metrics)
			if err != nil {
				cancel()
				loading.Wait()
				return r, fmt.Errorf("%s: %w; it has printed\n%s", name, err, of.Output())
			}
			r.samples[name] = append(r.samples[name], u)
		}
		show(fmt.Sprintf("%s of %s: %d jobs submitted", time.Since(began).Round(time.Second), s.during, s.submitted.Load()))
		_ = pause(ctx, every)
	}
	interrupted := context.Cause(ctx)
	loading.Wait()
	if !errors.Is(interrupted, context.DeadlineExceeded) {
		return r, interrupted
	}
	r.after, err = entries(shared)
	r.submitted, r.succeeded, r.erased, r.failed = s.submitted.Load(), s.succeeded.Load(), s.erased.Load(), s.failed.Load()
	return r, errors.Join(append(s.errs, err)...)
}

// load submits jobs until ctx ends, and follows each until it is erased.
func (s *soak) load(ctx context.Context, c *client) {
	var following sync.WaitGroup
	slots := make(chan struct{}, 200)
	began := time.Now()
	for n := 0; pause(ctx, time.Until(began.Add(time.Duration(float64(n)/s.perSecond*float64(time.Second))))) == nil; n++ {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		following.Go(func() {
			defer func() { <-slots }()
			// A job is followed to its end even after ctx, so that the shared directory is the same at the end as at
			// the start.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			if err := s.follow(ctx, c, n); err != nil {
				s.failed.Add(1)
				s.mu.Lock()
				defer s.mu.Unlock()
				if len(s.errs) < 10 {
					s.errs = append(s.errs, err)
				}
			}
		})
	}
	following.Wait()
}

// follow submits a job, waits for its end, reads its result, and erases it. Every second job has an idempotency key,
// every eighth is submitted twice, and every tenth is canceled.
func (s *soak) follow(ctx context.Context, c *client, n int) error {
	key := ""
	if n%2 == 0 {
		key = fmt.Sprintf("soak-%d", n)
	}
	id, err := c.submit(ctx, 0, key)
	if err != nil {
		return err
	}
	s.submitted.Add(1)
	if n%8 == 0 {
		if again, err := c.submit(ctx, 0, key); err != nil || again != id {
			return fmt.Errorf("submitted again with the same key: got job %s, want %s: %w", again, id, err)
		}
	}
	path := "/v1/jobs/" + string(id)
	if n%10 == 0 {
		_, _ = c.do(ctx, 0, http.MethodPost, path+"/cancel", nil, nil) // it may have ended before
	}
	if n%5 == 0 {
		if _, err := c.get(ctx, 0, "/v1/jobs"); err != nil {
			return err
		}
	}
	for {
		b, err := c.get(ctx, 0, path)
		if err != nil {
			return err
		}
		var j job.Job
		if err := json.Unmarshal(b, &j); err != nil {
			return err
		}
		if j.State == job.Succeeded {
			s.succeeded.Add(1)
			if _, err := c.get(ctx, 0, path+"/result"); err != nil {
				return err
			}
		}
		if j.State.Finished() {
			break
		}
		if err := pause(ctx, 50*time.Millisecond+rand.N(100*time.Millisecond)); err != nil {
			return fmt.Errorf("job %s is still %s: %w", id, j.State, err)
		}
	}
	if _, err := c.do(ctx, 0, http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	s.erased.Add(1)
	return nil
}

// freeAddresses returns n addresses with free ports.
func freeAddresses(n int) (all []string, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// environment returns the environment of the programs: this program's without its settings for Atelier and AWS, and the
// address of the queue.
func environment(queue string) []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ATELIER_") || strings.HasPrefix(v, "AWS_") })
	return append(own, "AWS_ENDPOINT_URL="+queue, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
}
