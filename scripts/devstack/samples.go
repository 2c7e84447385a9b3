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
	"sync"
	"text/tabwriter"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// samples are the photographs of the demo; each is painted in another style.
var samples = []string{"chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg"}

// A painting is one sample on its way through the pipeline.
type painting struct {
	photo, style, out string
	job               job.Job
	took              time.Duration
	err               error
}

// paintSamples submits the photographs like a user, with the submitter over HTTP, all at once, and reports the result
// of each. With functions it submits them a second time, one after the other, when the functions' processes are
// running.
func (st *stack) paintSamples(ctx context.Context, s settings, tell func(string, ...any)) error {
	submitter, err := sibling("submitter")
	if err != nil {
		return err
	}
	results := filepath.Join(st.dir, "results")
	if err := os.MkdirAll(results, 0o750); err != nil {
		return err
	}
	r := round{submitter: submitter, base: st.base, photos: s.Samples, results: results, tell: tell}
	paintings := r.paint(ctx, len(samples))
	if s.Mode == "lambda" {
		tell("\nOnce more, one after the other, with the processes that are running now:")
		paintings = append(paintings, r.paint(ctx, 1)...)
	}
	tell("\n%s", table(paintings))
	var errs []error
	for _, p := range paintings {
		if p.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.photo, p.err))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d photographs were not repainted: %w", len(errs), len(paintings), errors.Join(errs...))
	}
	if s.Mode == "lambda" {
		tell("%s", starts(paintings))
	}
	if err := st.mirror.await(ctx, paintings); err != nil {
		return err
	}
	tell("All %d photographs were repainted: %s\nThey are on S3 too, and in the gallery there: s3://%s/pictures, s3://%s/gallery", len(samples), results, bucketName, bucketName)
	return nil
}

// A round is one submission of every sample.
type round struct {
	submitter, base, photos, results string
	tell                             func(string, ...any)
}

// paint submits the samples, at most atOnce at a time, and waits for them.
func (r round) paint(ctx context.Context, atOnce int) []painting {
	styles := style.Names()
	paintings := make([]painting, len(samples))
	var all sync.WaitGroup
	var telling sync.Mutex
	slots := make(chan struct{}, atOnce)
	for i, photo := range samples {
		p := &paintings[i]
		p.photo, p.style = photo, styles[i%len(styles)]
		p.out = filepath.Join(r.results, fmt.Sprintf("%s-%s.jpg", strings.TrimSuffix(photo, filepath.Ext(photo)), p.style))
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			p.submit(ctx, r.submitter, r.base, filepath.Join(r.photos, photo))
			telling.Lock()
			defer telling.Unlock()
			if p.err != nil {
				r.tell("  %-14s as %-16s FAILED: %v", p.photo, p.style, p.err)
			} else {
				r.tell("  %-14s as %-16s painted in %.2f s", p.photo, p.style, p.took.Seconds())
			}
		})
	}
	all.Wait()
	return paintings
}

func (p *painting) submit(ctx context.Context, submitter, base, photo string) {
	began := time.Now()
	cmd := exec.CommandContext(ctx, submitter, "submit", photo, "--api", base, "--style", p.style,
		"--wait", "-o", p.out, "--force", "--json", "--timeout", "5m")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	b, err := cmd.Output()
	p.took = time.Since(began)
	if err != nil {
		p.err = fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
		return
	}
	if p.err = json.Unmarshal(b, &p.job); p.err != nil {
		return
	}
	if info, err := os.Stat(p.out); err != nil {
		p.err = err
	} else if p.job.State != job.Succeeded || p.job.Result == nil || info.Size() != p.job.Result.Bytes {
		p.err = fmt.Errorf("the job is %s and the file has %d bytes", p.job.State, info.Size())
	}
}

// table shows how long each stage took.
func table(paintings []painting) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "photograph\tstyle\tpixels\tprocess\tqueue ms\tdecode ms\tstylize ms\tencode ms\tin all ms\t")
	for _, p := range paintings {
		r, res := p.job.Receipt, p.job.Result
		if p.err != nil || r == nil || res == nil {
			continue
		}
		process := "warm"
		if r.ColdStart {
			process = "cold"
		}
		fmt.Fprintf(w, "%s\t%s\t%dx%d\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t\n", p.photo, p.style, res.Width, res.Height, process,
			r.QueueWaitMS, r.DecodeMS, r.StylizeMS, r.EncodeMS, p.took.Milliseconds())
	}
	_ = w.Flush() // into memory
	return b.String()
}

// starts compares first pictures of processes with those of the second round, in which no picture
// waits for another, by the time from submission to the finished picture.
func starts(paintings []painting) string {
	var cold, warm []time.Duration
	for i, p := range paintings {
		switch took := p.job.FinishedAt.Sub(p.job.CreatedAt); {
		case p.job.Receipt.ColdStart:
			cold = append(cold, took)
		case i >= len(samples):
			warm = append(warm, took)
		}
	}
	if len(cold) == 0 || len(warm) == 0 {
		return "Cold and warm pictures can't be compared: all or none were the first of their process"
	}
	return fmt.Sprintf("From submission to picture: cold (first of a process): %.2f s; warm: %.2f s (medians of %d and %d)",
		median(cold).Seconds(), median(warm).Seconds(), len(cold), len(warm))
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return (ds[(len(ds)-1)/2] + ds[len(ds)/2]) / 2
}
