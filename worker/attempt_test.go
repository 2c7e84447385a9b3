package worker_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

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
		t.Errorf("the second picture: %v, cold start %v", err, b.job(second).Receipt.ColdStart)
	}
}

func TestHandlePassesTheSpecToTheStylizer(t *testing.T) {
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

func TestDuplicateDeliveriesPaintOnce(t *testing.T) {
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

func TestPermanentErrorEndsTheRun(t *testing.T) {
	b := newBench(t, 0, red)
	damaged := photo(t, 64, 48)
	damaged = damaged[:len(damaged)/2]
	for name, tt := range map[string]struct {
		picture []byte
		change  func(*job.Spec)
		code    string
	}{
		"no image":         {[]byte("text"), nil, "unsupported_image"},
		"a damaged image":  {damaged, nil, "damaged_image"},
		"an unknown style": {photo(t, 8, 8), func(s *job.Spec) { s.Style = "gone" }, "unknown_style"},
	} {
		m := b.submit(tt.picture, tt.change)
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Errorf("%s: %v; want nil, so that the message is deleted", name, err)
		}
		j := b.job(m)
		if j.State != job.Failed || j.Error == nil || j.Error.Code != tt.code || j.Attempts != 1 || j.Result != nil {
			t.Errorf("%s: %+v %v, want %s", name, j, j.Error, tt.code)
		}
	}
}

func TestTransientErrorIsTriedAgainUpToTheLimit(t *testing.T) {
	for name, p := range map[string]stylizerFunc{
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
					t.Fatalf("attempt %d: no error, so the message would be deleted", n)
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

// A worker that is stopped does not count an attempt: this may happen to a job more often than it may
// be tried.
func TestStoppedAttemptIsNotCounted(t *testing.T) {
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
			t.Fatalf("after the worker was stopped: %+v", j)
		}
		ctx, cancel = context.WithCancel(t.Context())
	}
	defer cancel()
	b.paint = red
	if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).State != job.Succeeded || b.job(m).Attempts != 1 {
		t.Errorf("%v, %+v", err, b.job(m))
	}
}

func TestMessageOfUnknownJobIsKept(t *testing.T) {
	b := newBench(t, 0, red)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.worker.Handle(t.Context(), job.Message{Job: id, Run: 1}); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// A worker that loses its lease to another while it paints commits nothing.
func TestLostLeaseEndsTheAttempt(t *testing.T) {
	b := newBench(t, 60*time.Millisecond, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		<-ctx.Done() // when the renewal detects it
		return red(ctx, r)
	})
	m := b.submit(photo(t, 8, 8), nil)
	claimed := make(chan struct{})
	result := make(chan error, 1)
	go func() { close(claimed); result <- b.worker.Handle(t.Context(), m) }()
	<-claimed
	// Another worker claims the job before the next renewal.
	claims := b.dir(m)
	waitFor(t, func() bool { _, err := os.Stat(filepath.Join(claims, "claim.1")); return err == nil })
	if err := os.WriteFile(filepath.Join(claims, "claim.2"), []byte(`{"run":1,"attempt":2,"worker":"other","token":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-result; !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("got %v, want ErrLeaseLost", err)
	}
	if outs, _ := filepath.Glob(filepath.Join(claims, "*.1")); len(outs) != 1 {
		t.Errorf("it left %v, want only its claim", outs)
	}
}

func TestNewRequiresAStore(t *testing.T) {
	if _, err := worker.New(worker.Config{}); err == nil {
		t.Error("no error without a store")
	}
}

func TestDecoderLimitsApply(t *testing.T) {
	s, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d := decodertest.New(t, func(c *decoder.Config) { c.Limits = imageio.DefaultLimits(); c.Limits.Pixels = 100 })
	w, err := worker.New(worker.Config{Store: s, Stylizer: stylizerFunc(red), Decoder: d})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{T: t, store: s, worker: w}
	m := b.submit(photo(t, 20, 20), nil)
	if err := w.Handle(t.Context(), m); err != nil || b.job(m).Error.Code != "too_many_pixels" {
		t.Errorf("%v, %+v", err, b.job(m))
	}
}
