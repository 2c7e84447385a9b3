package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// decoding decodes in all tests. It is started outside of them, since the goroutines that
// wait for its processes would keep a bubble's time from passing.
var decoding *decoder.Decoder

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

type tests struct{ *testing.M }

func (t tests) Run() int {
	program, err := decodertest.Program()
	if err == nil {
		decoding, err = decoder.New(decoder.Config{Program: program, Keep: 8})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer decoding.Close()
	return t.M.Run()
}

// A painter is a Stylizer made of a function.
type painter func(context.Context, style.Request) (*image.RGBA, error)

func (p painter) Stylize(ctx context.Context, r style.Request) (*image.RGBA, error) { return p(ctx, r) }

// red paints everything red.
func red(_ context.Context, r style.Request) (*image.RGBA, error) {
	out := image.NewRGBA(r.Content.Rect)
	for i := range out.Pix {
		if i%4 == 0 || i%4 == 3 {
			out.Pix[i] = 255
		}
	}
	return out, nil
}

// A bench is a store with a worker on it.
type bench struct {
	*testing.T
	store  *store.Store
	worker *worker.Worker
	paint  painter // may be changed between jobs
}

// Stylize calls b.paint.
func (b *bench) Stylize(ctx context.Context, r style.Request) (*image.RGBA, error) {
	return b.paint(ctx, r)
}

func newBench(t *testing.T, lease time.Duration, p painter) *bench {
	t.Helper()
	return newBenchWith(t, lease, p, func(*worker.Config) {})
}

func newBenchWith(t *testing.T, lease time.Duration, p painter, change func(*worker.Config)) *bench {
	t.Helper()
	s, err := store.Open(store.Config{Dir: t.TempDir(), Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: s, paint: p}
	cfg := worker.Config{Store: s, Stylizer: b, Decoder: decoding, Kind: "daemon", Name: "bench", Engine: "paint", Model: "red"}
	change(&cfg)
	if b.worker, err = worker.New(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

// dir is the job's directory in the store.
func (b *bench) dir(m job.Message) string {
	return filepath.Join(b.store.Dir(), "jobs", m.Job.Folder(), string(m.Job))
}

// expire makes a job's lease run out, by the clock of the files.
func (b *bench) expire(m job.Message) {
	b.Helper()
	claims, _ := filepath.Glob(filepath.Join(b.dir(m), "claim.*"))
	old := time.Now().AddDate(-100, 0, 0)
	if len(claims) == 0 {
		b.Fatal("there is no claim to expire")
	}
	if err := os.Chtimes(claims[len(claims)-1], old, old); err != nil {
		b.Fatal(err)
	}
}

// crash is an attempt whose process died: a claim, and then nothing.
func (b *bench) crash(m job.Message) {
	b.Helper()
	if _, err := b.store.Claim(b.Context(), m.Job, m.Run, "crasher"); err != nil {
		b.Fatal(err)
	}
	b.expire(m)
}

// handle runs Handle beside the test and answers where its result will be.
func (b *bench) handle(ctx context.Context, m job.Message) <-chan error {
	result := make(chan error, 1)
	go func() { result <- b.worker.Handle(ctx, m) }()
	return result
}

// An easel is a Stylizer whose pictures are finished when the test says so; it
// can't be interrupted.
type easel struct {
	finish chan struct{} // a picture for each value

	mu     sync.Mutex
	inside int
	begun  int
	most   int // inside at once
}

func newEasel() *easel { return &easel{finish: make(chan struct{})} }

func (e *easel) paint(ctx context.Context, r style.Request) (*image.RGBA, error) {
	e.count(1)
	<-e.finish
	e.count(-1)
	return red(ctx, r)
}

func (e *easel) count(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inside += n
	e.begun += max(n, 0)
	e.most = max(e.most, e.inside)
}

// now is how many pictures are being painted, and how many were begun in all.
func (e *easel) now() (inside, begun int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inside, e.begun
}

// photo is a PNG of w x h pixels.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x), uint8(y), 99, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (b *bench) submit(picture []byte, change func(*job.Spec)) job.Message {
	b.Helper()
	id, err := job.NewID()
	if err != nil {
		b.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: style.Names()[0], Strength: 1, Size: 32, Format: "png", Quality: 90, CreatedAt: time.Now().UTC()}
	var own []byte
	if change != nil {
		change(&spec)
	}
	if spec.StyleInput != nil {
		own = photo(b.T, 8, 8)
	}
	if err := b.store.Create(&spec, picture, own); err != nil {
		b.Fatal(err)
	}
	return job.Message{Job: id, Run: 1}
}

func (b *bench) job(m job.Message) job.Job {
	b.Helper()
	j, err := b.store.Job(m.Job)
	if err != nil {
		b.Fatal(err)
	}
	return j
}

// result is the painted picture of a job that asked for a PNG.
func (b *bench) result(m job.Message) image.Image {
	b.Helper()
	f, _, err := b.store.Result(m.Job)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		b.Fatal(err)
	}
	return img
}

func TestHandlePaintsAJob(t *testing.T) {
	b := newBench(t, 0, red)
	m := b.submit(photo(t, 64, 48), nil)
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	j := b.job(m)
	if j.State != job.Succeeded || j.Result.Width != 32 || j.Result.Height != 24 || j.Result.ContentType != "image/png" {
		t.Fatalf("the job: %+v %+v", j, j.Result)
	}
	r := j.Receipt
	if r.Worker != "daemon" || r.Engine != "paint" || r.Model != "red" || !r.ColdStart || r.DecodeMS <= 0 || r.EncodeMS <= 0 || r.QueueWaitMS < 0 {
		t.Errorf("the receipt: %+v", r)
	}
	img := b.result(m)
	if c := color.RGBAModel.Convert(img.At(3, 3)); c != (color.RGBA{255, 0, 0, 255}) {
		t.Errorf("a pixel of it is %v, want red", c)
	}
	second := b.submit(photo(t, 8, 8), nil)
	if err := b.worker.Handle(t.Context(), second); err != nil || b.job(second).Receipt.ColdStart {
		t.Errorf("the second picture: %v, cold %v", err, b.job(second).Receipt.ColdStart)
	}
}

func TestHandleGivesTheStylizerWhatWasAskedFor(t *testing.T) {
	var got style.Request
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) { got = r; return red(ctx, r) })
	names := style.Names()
	blend := names[0] + ":0.75," + names[1] + ":0.25"

	m := b.submit(photo(t, 10, 10), func(s *job.Spec) { s.Style, s.Strength, s.Size = blend, 0.5, 0 })
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got.Mix.String() != blend || got.Strength != 0.5 || got.Picture != nil || got.Content.Rect.Dx() != 10 {
		t.Errorf("a blend: got %+v", got)
	}

	m = b.submit(photo(t, 10, 10), func(s *job.Spec) { s.Style, s.StyleInput = job.CustomStyle, &job.Input{Format: "png"} })
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got.Mix != nil || got.Picture == nil || got.Picture.Rect.Dx() != 8 {
		t.Errorf("a style picture: got %+v", got)
	}

	m = b.submit(photo(t, 10, 10), func(s *job.Spec) { s.PreserveColors = true })
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	img := b.result(m)
	if r, g, bl, _ := img.At(5, 5).RGBA(); r>>8 == 255 && g == 0 && bl == 0 {
		t.Error("the colours of the photograph were not kept")
	}
}

func TestDuplicateDeliveriesDoTheWorkOnce(t *testing.T) {
	var painted atomic.Int32
	b := newBench(t, time.Hour, func(ctx context.Context, r style.Request) (*image.RGBA, error) { painted.Add(1); return red(ctx, r) })
	m := b.submit(photo(t, 8, 8), nil)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := b.worker.Handle(t.Context(), m); err != nil && !errors.Is(err, job.ErrBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Errorf("a late duplicate: %v", err)
	}
	if painted.Load() != 1 || b.job(m).State != job.Succeeded {
		t.Errorf("painted %d times, now %s", painted.Load(), b.job(m).State)
	}
}

func TestPermanentErrorsFailAtOnce(t *testing.T) {
	b := newBench(t, 0, red)
	damaged := photo(t, 64, 48)
	damaged = damaged[:len(damaged)/2]
	for name, tt := range map[string]struct {
		picture []byte
		change  func(*job.Spec)
		code    string
	}{
		"no image":        {[]byte("text"), nil, "unsupported_image"},
		"a damaged image": {damaged, nil, "damaged_image"},
		"a gone style":    {photo(t, 8, 8), func(s *job.Spec) { s.Style = "gone" }, "unknown_style"},
	} {
		m := b.submit(tt.picture, tt.change)
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Errorf("%s: %v; the message should be done with", name, err)
		}
		j := b.job(m)
		if j.State != job.Failed || j.Error == nil || j.Error.Code != tt.code || j.Attempts != 1 || j.Result != nil {
			t.Errorf("%s: %+v %v, want %s", name, j, j.Error, tt.code)
		}
	}
}

func TestTransientErrorsAreTriedAgainAndGivenUp(t *testing.T) {
	for name, p := range map[string]painter{
		"error": func(context.Context, style.Request) (*image.RGBA, error) { return nil, errors.New("out of memory") },
		"panic": func(context.Context, style.Request) (*image.RGBA, error) { panic("boom") },
		"a picture that can't be encoded": func(context.Context, style.Request) (*image.RGBA, error) {
			return image.NewRGBA(image.Rectangle{}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, time.Hour, p)
			m := b.submit(photo(t, 8, 8), nil)
			for n := 1; n <= store.DefaultMaxAttempts; n++ {
				if err := b.worker.Handle(t.Context(), m); err == nil {
					t.Fatalf("attempt %d: the message would be lost", n)
				}
				if j := b.job(m); j.State != job.Queued || j.Attempts != n {
					t.Fatalf("after attempt %d: %s, %d attempts", n, j.State, j.Attempts)
				}
			}
			if err := b.worker.Handle(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if j := b.job(m); j.State != job.Failed || j.Error.Code != job.CodeGaveUp || j.Attempts != store.DefaultMaxAttempts {
				t.Errorf("got %+v", j)
			}
		})
	}
}

// Only what may be the picture's fault counts as an attempt: workers are
// stopped, and file servers hiccup, more often than a job may be tried.
func TestDrainsAreNoAttempts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := newBench(t, time.Hour, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	})
	m := b.submit(photo(t, 8, 8), nil)
	for range 2 * store.DefaultMaxAttempts {
		if err := b.worker.Handle(ctx, m); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Fatalf("after a drain: %+v", j)
		}
		ctx, cancel = context.WithCancel(t.Context())
	}
	defer cancel()
	b.paint = red
	if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).State != job.Succeeded || b.job(m).Attempts != 1 {
		t.Errorf("%v, %+v", err, b.job(m))
	}
}

func TestUnknownJobKeepsTheMessage(t *testing.T) {
	b := newBench(t, 0, red)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.worker.Handle(t.Context(), job.Message{Job: id, Run: 1}); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// A worker whose lease went to another while it painted commits nothing and
// leaves the job to the other.
func TestLostLeaseStopsTheWork(t *testing.T) {
	b := newBench(t, 60*time.Millisecond, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		<-ctx.Done() // until the renewal finds out
		return red(ctx, r)
	})
	m := b.submit(photo(t, 8, 8), nil)
	claimed := make(chan struct{})
	result := make(chan error, 1)
	go func() { close(claimed); result <- b.worker.Handle(t.Context(), m) }()
	<-claimed
	// Another worker takes over: its claim is there before the next renewal.
	claims := b.dir(m)
	waitFor(t, func() bool { _, err := os.Stat(filepath.Join(claims, "claim.1")); return err == nil })
	if err := os.WriteFile(filepath.Join(claims, "claim.2"), []byte(`{"run":1,"attempt":2,"worker":"other","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("got %v, want ErrLeaseLost", err)
	}
	if outs, _ := filepath.Glob(filepath.Join(claims, "*.1")); len(outs) != 1 {
		t.Errorf("it left %v, want its claim alone", outs)
	}
}

// waitFor polls a condition that another process or goroutine brings about.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("it did not happen in 30 s")
		case <-again.C:
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := worker.New(worker.Config{}); err == nil {
		t.Error("a worker without a store")
	}
}

func TestLimitsHold(t *testing.T) {
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d := decodertest.New(t, func(c *decoder.Config) { c.Limits = imageio.DefaultLimits(); c.Limits.Pixels = 100 })
	w, err := worker.New(worker.Config{Store: s, Stylizer: painter(red), Decoder: d})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: s, worker: w}
	m := b.submit(photo(t, 20, 20), nil)
	if err := w.Handle(t.Context(), m); err != nil || b.job(m).Error.Code != "too_many_pixels" {
		t.Errorf("%v, %+v", err, b.job(m))
	}
}
