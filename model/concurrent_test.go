package model

import (
	"context"
	"image/color"
	"path/filepath"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/pkg/style"
)

func TestConcurrentStylize(t *testing.T) {
	for _, name := range []string{"full", "hub"} {
		m, err := Load(Config{Dir: filepath.Join("testdata", name), Concurrent: 3, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for k := range 12 {
					grey := uint8(20 * ((i + k) % 12))
					req := style.Request{
						Content: filled(10+7*i, 30+k, color.RGBA{uint8(30 * i), 0, 200, 255}),
						Picture: filled(12, 12, color.RGBA{grey, grey, grey, 255}), Strength: 1,
					}
					got, err := m.Stylize(t.Context(), req)
					if err != nil {
						t.Error(err)
						return
					}
					wantFilled(t, got, color.RGBA{uint8((30*i + int(grey)) / 2), grey / 2, uint8((200 + int(grey)) / 2), 255})
				}
			})
		}
		wg.Wait()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWaitingForASlot(t *testing.T) {
	m, err := Load(Config{Dir: filepath.Join("testdata", "full"), Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	req := style.Request{Content: filled(8, 8, orange), Mix: style.Mix{{Name: "red", Weight: 1}}, Strength: 1}
	if err := m.enter(t.Context()); err != nil { // an image in work
		t.Fatal(err)
	}
	errs := make(chan error)
	try := func(ctx context.Context) {
		_, err := m.Stylize(ctx, req)
		errs <- err
	}

	ctx, cancel := context.WithCancel(t.Context())
	go try(ctx)
	cancel()
	if err := <-errs; err != context.Canceled {
		t.Errorf("got %v for a canceled request, want context.Canceled", err)
	}

	go try(t.Context())
	closed := make(chan error)
	go func() { closed <- m.Close() }()
	if err := <-errs; err != ErrClosed {
		t.Errorf("got %v for a request that waits while the model is closed, want ErrClosed", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait for the image in work")
	default:
	}
	m.leave()
	if err := <-closed; err != nil {
		t.Errorf("got %v from Close, want nil", err)
	}
	if err := m.Close(); err != nil {
		t.Errorf("got %v from a second Close, want nil", err)
	}
	if _, err := m.Stylize(t.Context(), req); err != ErrClosed {
		t.Errorf("got %v from a closed model, want ErrClosed", err)
	}
}
