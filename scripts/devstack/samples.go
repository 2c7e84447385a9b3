package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// paintSamples submits the photographs as a user would, with the submitter over
// HTTP, all at once, and says what became of each.
func (st *stack) paintSamples(ctx context.Context, s settings, tell func(string, ...any)) error {
	submitter, err := sibling("submitter")
	if err != nil {
		return err
	}
	results := filepath.Join(st.dir, "results")
	if err := os.MkdirAll(results, 0o750); err != nil {
		return err
	}
	styles := style.Names()
	paintings := make([]painting, len(samples))
	var all sync.WaitGroup
	var telling sync.Mutex
	for i, photo := range samples {
		p := &paintings[i]
		p.photo, p.style = photo, styles[i%len(styles)]
		p.out = filepath.Join(results, fmt.Sprintf("%s-%s.jpg", strings.TrimSuffix(photo, filepath.Ext(photo)), p.style))
		all.Go(func() {
			p.submit(ctx, submitter, st.base, filepath.Join(s.Samples, photo))
			telling.Lock()
			defer telling.Unlock()
			if p.err != nil {
				tell("  %-14s as %-16s FAILED: %v", p.photo, p.style, p.err)
			} else {
				tell("  %-14s as %-16s painted in %.2f s", p.photo, p.style, p.took.Seconds())
			}
		})
	}
	all.Wait()
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
	tell("All %d photographs were repainted: %s", len(paintings), results)
	return nil
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

// table says how long each stage took.
func table(paintings []painting) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "photograph\tstyle\tpixels\tqueue ms\tdecode ms\tstylize ms\tencode ms\tin all ms\t")
	for _, p := range paintings {
		r, res := p.job.Receipt, p.job.Result
		if p.err != nil || r == nil || res == nil {
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%dx%d\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t\n", p.photo, p.style, res.Width, res.Height,
			r.QueueWaitMS, r.DecodeMS, r.StylizeMS, r.EncodeMS, p.took.Milliseconds())
	}
	_ = w.Flush() // into memory
	return b.String()
}
