package measurement

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

// A system accepts photographs over HTTP until it is closed.
type system interface {
	// targets returns the requests, one for each of several photographs.
	targets() ([]vegeta.Target, error)
	// collect waits until all requested work is done, and returns a job for each response. A failed
	// response is the failure of its job.
	collect(context.Context, []response) ([]Job, error)
	close() error
}

// responseTimeout is the maximum time of a response, longer than that of any picture.
const responseTimeout = 5 * time.Minute

// Measure makes a run of a variant; see [Campaign].
func (p Programs) Measure(ctx context.Context, v Variant, chance *rand.Rand) (*Run, error) {
	p, err := p.withNetwork(v)
	if err != nil {
		return nil, err
	}
	if v.System == Service && v.NFS {
		return p.serviceOnNFS(ctx, v)
	}
	if v.System == Service {
		return p.service(ctx, v)
	}
	arrivals, err := p.Trace.arrivals(v, chance)
	if err != nil {
		return nil, err
	}
	s, err := p.open(ctx, v)
	if err != nil {
		return nil, err
	}
	run, err := load(ctx, v, s, arrivals)
	if cerr := s.close(); err == nil {
		err = cerr
	}
	return run, err
}

// open starts a system.
func (p Programs) open(ctx context.Context, v Variant) (system, error) {
	switch v.System {
	case Daemon, MiniStack:
		return p.stack(ctx, v)
	case Synchronous, Concurrent:
		return p.front(ctx, v)
	case Flask:
		return p.flask(ctx, v)
	}
	return nil, fmt.Errorf("there is no system %q", v.System)
}

// load runs a system under load. A system whose processes always run has painted a picture before.
func load(ctx context.Context, v Variant, s system, arrivals []float64) (*Run, error) {
	targets, err := s.targets()
	if err != nil {
		return nil, err
	}
	if v.System == Daemon || v.System == Flask {
		_, first, err := send(ctx, []float64{0}, targets, responseTimeout)
		if err != nil {
			return nil, err
		}
		jobs, err := s.collect(ctx, first)
		if err != nil {
			return nil, err
		}
		if jobs[0].Failed != "" {
			return nil, fmt.Errorf("the first picture failed: %s", jobs[0].Failed)
		}
	}
	u, err := startUsage()
	if err != nil {
		return nil, err
	}
	began, responses, err := send(ctx, arrivals, targets, responseTimeout)
	if err != nil {
		return nil, err
	}
	jobs, err := s.collect(ctx, responses)
	if err != nil {
		return nil, err
	}
	run := &Run{Jobs: jobs}
	end := time.Duration(0)
	for n := range jobs {
		j, r := &jobs[n], responses[n]
		j.Scheduled, j.Lag = arrivals[n], max(0, r.began.Sub(r.scheduled).Seconds())
		if j.Failed == "" && r.failed != "" {
			j.Failed = r.failed
		}
		end = max(end, seconds(j.Scheduled+j.Latency), r.ended.Sub(began))
	}
	run.Footer = u.footer(end)
	return run, nil
}

// forms returns submissions of photographs of the variant's size to an address.
func (p Programs) forms(v Variant, url string) (targets []vegeta.Target, err error) {
	photos, err := photograph.All(p.Samples, v.Size, v.Size)
	if err != nil {
		return nil, err
	}
	for _, photo := range photos {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		file, err := form.CreateFormFile("image", "photograph.jpg")
		if err == nil {
			_, err = file.Write(photo)
		}
		if err == nil {
			err = form.WriteField("style", style.Names()[0])
		}
		if err == nil {
			err = form.WriteField("size", fmt.Sprint(v.Size))
		}
		if err == nil {
			err = form.WriteField("public", "false") // like a submission with a key; a public one has a thumbnail too
		}
		if err == nil {
			err = form.Close()
		}
		if err != nil {
			return nil, err
		}
		targets = append(targets, vegeta.Target{
			Method: http.MethodPost, URL: url, Body: body.Bytes(), Header: http.Header{"Content-Type": {form.FormDataContentType()}},
		})
	}
	return targets, nil
}
