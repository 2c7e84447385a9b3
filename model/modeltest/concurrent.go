package modeltest

import (
	"context"
	"errors"
	"image/color"
	"path/filepath"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/pkg/style"
)

func (e Engine) concurrent(t *testing.T) { e.Concurrent(t, "full") }

// Concurrent paints pictures of many sizes concurrently with a test model.
func (e Engine) Concurrent(t *testing.T, name string) {
	m := e.open(t, model.Config{Dir: filepath.Join(e.Testdata, name), Concurrent: 3, Threads: 2})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 12 {
				grey := uint8(20 * ((i + k) % 12))
				req := style.Request{
					Content: swatch.Filled(10+7*i, 30+k, color.RGBA{uint8(30 * i), 0, 200, 255}),
					Picture: swatch.Filled(12, 12, color.RGBA{grey, grey, grey, 255}), Strength: 1,
				}
				got, err := m.Stylize(t.Context(), req)
				if err != nil {
					t.Error(err)
					return
				}
				swatch.WantFilled(t, got, color.RGBA{uint8((30*i + int(grey)) / 2), grey / 2, uint8((200 + int(grey)) / 2), 255})
			}
		})
	}
	wg.Wait()
}

func (e Engine) ends(t *testing.T) {
	m := e.Open(t, "full")
	req := style.Request{Content: swatch.Filled(8, 8, swatch.Orange), Mix: style.Mix{{Name: "red", Weight: 1}}, Strength: 1}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Stylize(ctx, req); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a canceled request, want context.Canceled", err)
	}
	Stylize(t, m, req)
	for range 2 {
		if err := m.Close(); err != nil {
			t.Errorf("got %v from Close, want nil", err)
		}
	}
	if _, err := m.Stylize(t.Context(), req); !errors.Is(err, model.ErrClosed) {
		t.Errorf("got %v from a closed model, want ErrClosed", err)
	}
}
