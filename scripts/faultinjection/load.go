package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A picture is one of those that are submitted, with what an undisturbed run makes of it.
type picture struct {
	file   []byte
	sha256 string // of the result; "" before it is known
}

// pictures makes some that differ.
func pictures() (all []picture, err error) {
	for i := range 4 {
		img := image.NewRGBA(image.Rect(0, 0, 48, 32))
		for y := range 32 {
			for x := range 48 {
				img.Set(x, y, color.RGBA{uint8(x * 5), uint8(y * 7), uint8(60 * i), 255}) //nolint:gosec // small
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			return nil, err
		}
		all = append(all, picture{file: b.Bytes()})
	}
	return all, nil
}

// A client submits jobs to one of several servers, and polls them.
type client struct {
	servers []string // addresses
	http    *http.Client
}

// errRefused is of a request that was answered with an error.
type errRefused struct {
	status int
	body   string
}

func (e *errRefused) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

func (c *client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*http.Response, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.servers[rand.N(len(c.servers))]+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header = header
	r, err := c.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err == nil && r.StatusCode >= 300 {
		err = &errRefused{r.StatusCode, string(b)}
	}
	return r, b, err
}

// submit submits a picture until it is accepted or ctx ends: under an idempotency key the same request again, and
// without one a new one each time, as a client must that got no response.
func (c *client) submit(ctx context.Context, p picture, key string) (id job.ID, err error) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	w, err := m.CreateFormFile("image", "picture.png")
	if err == nil {
		_, err = w.Write(p.file)
	}
	if err = errors.Join(err, m.WriteField("style", "starry-night"), m.WriteField("format", "png"), m.Close()); err != nil {
		return "", err
	}
	header := http.Header{"Content-Type": {m.FormDataContentType()}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	for {
		_, b, err := c.do(ctx, http.MethodPost, "/v1/jobs", form.Bytes(), header)
		var refused *errRefused
		switch {
		case err == nil:
			var j job.Job
			return j.ID, json.Unmarshal(b, &j)
		case ctx.Err() != nil:
			return "", ctx.Err()
		case errors.As(err, &refused) && refused.status < 500 && refused.status != http.StatusTooManyRequests:
			return "", err
		}
		if err := pause(ctx, 50*time.Millisecond+rand.N(200*time.Millisecond)); err != nil {
			return "", err
		}
	}
}

// job reads a job, however long that takes.
func (c *client) job(ctx context.Context, id job.ID) (j job.Job, err error) {
	for {
		_, b, err := c.do(ctx, http.MethodGet, "/v1/jobs/"+string(id), nil, nil)
		var refused *errRefused
		switch {
		case err == nil:
			return j, json.Unmarshal(b, &j)
		case errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusGone), ctx.Err() != nil:
			return j, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return j, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// An accepted job is one that a server has promised.
type accepted struct {
	id      job.ID
	picture int
	at      time.Time
}

// A load submits jobs, some at a time.
type load struct {
	client   *client
	pictures []picture
	seed     uint64

	mu       sync.Mutex
	accepted []accepted
	keys     map[string]job.ID
	errs     []error
}

// run submits n jobs, at a mean rate a second; 0 is as fast as they are accepted.
func (l *load) run(ctx context.Context, n int, rate float64) {
	const submitters = 16
	l.keys = map[string]job.ID{}
	numbers := make(chan int)
	var all sync.WaitGroup
	for range submitters {
		all.Go(func() {
			for i := range numbers {
				l.one(ctx, i)
			}
		})
	}
	chance := rand.New(rand.NewPCG(l.seed, 1)) //nolint:gosec // not for secrets
	for i := range n {
		if rate > 0 {
			if pause(ctx, time.Duration(chance.ExpFloat64()/rate*float64(time.Second))) != nil {
				break
			}
		}
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// one submits job number i. Every second one has an idempotency key, and of these every fourth is submitted twice.
func (l *load) one(ctx context.Context, i int) {
	key := ""
	if i%2 == 0 {
		key = fmt.Sprintf("%d-%d", l.seed, i)
	}
	for range 1 + (1-i%2)*((i/2)%4)/3 {
		n := i % len(l.pictures)
		id, err := l.client.submit(ctx, l.pictures[n], key)
		l.mu.Lock()
		switch first := l.keys[key]; {
		case err != nil:
			l.errs = append(l.errs, fmt.Errorf("job %d: %w", i, err))
		case key != "" && first != "" && first != id:
			l.errs = append(l.errs, fmt.Errorf("one key has two jobs: %s and %s", first, id))
		case key == "" || first == "":
			if key != "" {
				l.keys[key] = id
			}
			l.accepted = append(l.accepted, accepted{id, n, time.Now()})
		}
		l.mu.Unlock()
	}
}
