package model

import (
	"context"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestWaitingForASlot(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	m := (&fake{during: func() { begun <- struct{}{}; <-end }}).open(t, Config{Concurrent: 1})
	req := style.Request{Content: swatch.Filled(8, 8, swatch.Orange), Picture: swatch.Filled(8, 8, swatch.Teal), Strength: 1}
	first, errs := make(chan error), make(chan error)
	try := func(ctx context.Context, errs chan error) {
		_, err := m.Stylize(ctx, req)
		errs <- err
	}
	go try(t.Context(), first)
	<-begun // an image is being painted

	ctx, cancel := context.WithCancel(t.Context())
	go try(ctx, errs)
	cancel()
	if err := <-errs; err != context.Canceled {
		t.Errorf("got %v for a canceled request, want context.Canceled", err)
	}

	go try(t.Context(), errs)
	closed := make(chan error)
	go func() { closed <- m.Close() }()
	if err := <-errs; err != ErrClosed {
		t.Errorf("got %v for a waiting request when the model is closed, want ErrClosed", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait for the image being painted")
	default:
	}
	close(end)
	if err := <-first; err != nil {
		t.Errorf("got %v for the image being painted, want nil", err)
	}
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
