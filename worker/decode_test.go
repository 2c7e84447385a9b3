package worker_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// newRogueBench returns a bench whose decoder misbehaves if the picture demands it. It decodes one
// picture at a time.
func newRogueBench(t *testing.T, bounds decoder.Bounds) *bench {
	t.Helper()
	d := decodertest.New(t, func(c *decoder.Config) { c.Program, c.Bounds = decodertest.Rogue(t), bounds })
	return newBenchWith(t, 0, red, func(c *worker.Config) { c.Decoder = d })
}

// with returns a photograph that makes a rogue decoder misbehave.
func with(t *testing.T, v decodertest.Fault) []byte { return append(photo(t, 20, 20), v...) }

// TestHostilePictures: the job of a picture that makes the decoder misbehave fails with a reason, or
// is tried again if the picture may not be the cause, and the next picture in the only slot is painted.
func TestHostilePictures(t *testing.T) {
	b := newRogueBench(t, decoder.Bounds{CPU: 300 * time.Millisecond, Wait: 500 * time.Millisecond})
	for _, fault := range []decodertest.Fault{decodertest.Eats, decodertest.Spins, decodertest.Sleeps, decodertest.Crashes} {
		m := b.submit(with(t, fault), nil)
		if err := b.worker.Handle(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", fault, err)
		}
		if j := b.job(m); j.State != job.Failed || j.Error.Code != "undecodable_image" || !strings.Contains(j.Error.Message, "save it again") {
			t.Errorf("%s: %s, %+v", fault, j.State, j.Error)
		}
		m = b.submit(photo(t, 20, 20), nil)
		if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).State != job.Succeeded {
			t.Errorf("the picture after %q: %v, %+v", fault, err, b.job(m))
		}
	}
	for _, fault := range []decodertest.Fault{decodertest.Dies, decodertest.Lies, decodertest.Floods} {
		m := b.submit(with(t, fault), nil)
		for attempt := 1; attempt <= 3; attempt++ {
			if err := b.worker.Handle(t.Context(), m); err == nil {
				t.Errorf("%s: attempt %d: no error, so the message would be deleted", fault, attempt)
			}
			if j := b.job(m); j.State != job.Queued || j.Attempts != attempt {
				t.Errorf("%s: %s after %d attempts, want queued after %d", fault, j.State, j.Attempts, attempt)
			}
		}
		if err := b.worker.Handle(t.Context(), m); err != nil || b.job(m).Error.Code != job.CodeGaveUp {
			t.Errorf("%s: %v, %+v", fault, err, b.job(m))
		}
	}
}

// TestCancelFreesTheSlotOfADecode: if the context ends while a picture is decoded, the slot is free for
// the next one at once.
func TestCancelFreesTheSlotOfADecode(t *testing.T) {
	b := newRogueBench(t, decoder.Bounds{CPU: time.Hour, Wait: time.Hour})
	for _, fault := range []decodertest.Fault{decodertest.Spins, decodertest.Sleeps} {
		ctx, cancel := context.WithCancelCause(t.Context())
		canceled := errors.New("the job was canceled")
		m := b.submit(with(t, fault), nil)
		result := b.handle(ctx, m)
		waitFor(t, func() bool { return b.job(m).State == job.Running })
		cancel(canceled)
		if err := <-result; !errors.Is(err, canceled) {
			t.Errorf("%s: got %v", fault, err)
		}
		if j := b.job(m); j.State != job.Queued || j.Attempts != 0 {
			t.Errorf("%s: it is %s after %d attempts", fault, j.State, j.Attempts)
		}
		next := b.submit(photo(t, 20, 20), nil)
		if err := b.worker.Handle(t.Context(), next); err != nil || b.job(next).State != job.Succeeded {
			t.Errorf("the next one: %v, %+v", err, b.job(next))
		}
	}
}

// TestCancelFreesTheSlot: the attempt at a job that is canceled or erased ends within seconds, even if
// the lease is long.
func TestCancelFreesTheSlot(t *testing.T) {
	for name, end := range map[string]func(s *store.Store, id job.ID) error{
		"canceled": func(s *store.Store, id job.ID) error { _, err := s.Cancel(id); return err },
		"erased":   func(s *store.Store, id job.ID) error { return s.Erase(id, store.Erased) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			painting := make(chan struct{})
			b := newBench(t, time.Hour, func(ctx context.Context, _ style.Request) (*image.RGBA, error) {
				close(painting)
				<-ctx.Done()
				return nil, context.Cause(ctx)
			})
			m := b.submit(photo(t, 20, 20), nil)
			result := b.handle(t.Context(), m)
			<-painting
			if err := end(b.store, m.Job); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-result:
				if err != nil && !errors.Is(err, job.ErrLeaseLost) {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Fatal("the attempt has not ended")
			}
		})
	}
}

// TestDecoderThatCannotBeStarted: no attempt is counted if the decoder can't be started.
func TestDecoderThatCannotBeStarted(t *testing.T) {
	program := filepath.Join(t.TempDir(), "picture-decoder")
	b, err := os.ReadFile(decodertest.Rogue(t))
	if err == nil {
		err = os.WriteFile(program, b, 0o750)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := decodertest.New(t, func(c *decoder.Config) { c.Program, c.Idle = program, 1 })
	w := newBenchWith(t, 0, red, func(c *worker.Config) { c.Decoder = d })
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := w.worker.Handle(t.Context(), w.submit(with(t, decodertest.Dies), nil)); err == nil {
		t.Error("it was decoded")
	}
	m := w.submit(photo(t, 20, 20), nil)
	for range 5 {
		if err := w.worker.Handle(t.Context(), m); !errors.Is(err, decoder.ErrNotStarted) {
			t.Fatalf("got %v", err)
		}
	}
	if j := w.job(m); j.State != job.Queued || j.Attempts != 0 {
		t.Errorf("it is %s after %d attempts", j.State, j.Attempts)
	}
}

// TestPreviewIsStored by the first attempt, whatever its outcome, and by no other.
func TestPreviewIsStored(t *testing.T) {
	fails := true
	b := newBench(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		if fails {
			return nil, errors.New("the engine fails")
		}
		return red(ctx, r)
	})
	m := b.submit(photo(t, 2000, 1000), func(s *job.Spec) { s.Size = 100 })
	if _, err := b.store.Preview(m.Job); !errors.Is(err, job.ErrNotReady) {
		t.Errorf("before the first attempt: %v", err)
	}
	if err := b.worker.Handle(t.Context(), m); err == nil {
		t.Fatal("it was painted")
	}
	first, err := b.store.Preview(m.Job)
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(first))
	if err != nil || img.Bounds().Dx() != 1024 || img.Bounds().Dy() != 512 {
		t.Errorf("the preview is of %v, %v", img.Bounds(), err)
	}
	stored := func() os.FileInfo {
		info, err := os.Stat(filepath.Join(b.dir(m), "preview"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	before := stored()
	fails = false
	if err := b.worker.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, stored()) {
		t.Error("the second attempt has replaced the preview")
	}
	if b.job(m).State != job.Succeeded {
		t.Errorf("%+v", b.job(m))
	}
	broken := b.submit([]byte("no picture"), nil)
	if err := b.worker.Handle(t.Context(), broken); err != nil {
		t.Fatal(err)
	}
	if _, err := b.store.Preview(broken.Job); !errors.Is(err, job.ErrNoPreview) {
		t.Errorf("the preview of a file that is no picture: %v", err)
	}
}
