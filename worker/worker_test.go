package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// decoding decodes in all tests. It is started outside of them, because in a bubble the goroutines
// that wait for its processes would keep the time from passing.
var decoding *decoder.Decoder

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }

type tests struct{ *testing.M }

func (t tests) Run() int {
	program, err := decodertest.Program()
	if err == nil {
		decoding, err = decoder.New(decoder.Config{Program: program, Idle: 8})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer decoding.Close()
	return t.M.Run()
}

// A stylizerFunc is a function as a Stylizer.
type stylizerFunc func(context.Context, style.Request) (*image.RGBA, error)

func (f stylizerFunc) Stylize(ctx context.Context, r style.Request) (*image.RGBA, error) {
	return f(ctx, r)
}

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

// A bench is a test bench: a store and a worker that uses it.
type bench struct {
	*testing.T
	store  *store.Store
	worker *worker.Worker
	paint  stylizerFunc // may be replaced between jobs
}

// Stylize calls b.paint.
func (b *bench) Stylize(ctx context.Context, r style.Request) (*image.RGBA, error) {
	return b.paint(ctx, r)
}

func newBench(t *testing.T, lease time.Duration, p stylizerFunc) *bench {
	t.Helper()
	return newBenchWith(t, lease, p, func(*worker.Config) {})
}

func newBenchWith(t *testing.T, lease time.Duration, p stylizerFunc, change func(*worker.Config)) *bench {
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

// dir returns the job's directory in the store.
func (b *bench) dir(m job.Message) string {
	return filepath.Join(b.store.Dir(), "jobs", m.Job.Folder(), string(m.Job))
}

// expire makes a job's lease expire, by changing the times of its files.
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

// crash leaves the job as an attempt does whose process died: with a claim whose lease expired.
func (b *bench) crash(m job.Message) {
	b.Helper()
	if _, err := b.store.Claim(b.Context(), m.Job, m.Run, "crasher"); err != nil {
		b.Fatal(err)
	}
	b.expire(m)
}

// handle calls Handle in a goroutine, and returns a channel for its result.
func (b *bench) handle(ctx context.Context, m job.Message) <-chan error {
	result := make(chan error, 1)
	go func() { result <- b.worker.Handle(ctx, m) }()
	return result
}

// A fakeEngine is a Stylizer whose runs end when the test says so. They can't be interrupted.
type fakeEngine struct {
	finish chan struct{} // a value ends a run; closing it ends all

	mu         sync.Mutex
	running    int
	started    int
	maxRunning int // at the same time
}

func newFakeEngine() *fakeEngine { return &fakeEngine{finish: make(chan struct{})} }

func (e *fakeEngine) paint(ctx context.Context, r style.Request) (*image.RGBA, error) {
	e.count(1)
	<-e.finish
	e.count(-1)
	return red(ctx, r)
}

func (e *fakeEngine) count(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running += n
	e.started += max(n, 0)
	e.maxRunning = max(e.maxRunning, e.running)
}

// counts returns how many runs there are now, and how many were started in all.
func (e *fakeEngine) counts() (running, started int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.running, e.started
}

// photo returns a PNG of w x h pixels.
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

// submit stores a job, changed by change unless it is nil, and returns its message.
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

// result returns the painted picture of a job whose format is PNG.
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

// waitFor waits until ok returns true, because of another process or goroutine.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("the condition was not true within 30 s")
		case <-again.C:
		}
	}
}
