package painter

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/model"
)

// TestLoadingIsBounded: loading that takes too long is abandoned, and shortly before, it is not.
func TestLoadingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := new(model.Model)
		got, err := loadWithin(maxLoading, "dir", func() (*model.Model, error) {
			time.Sleep(maxLoading - 1) // of the bubble's clock
			return want, nil
		})
		if err != nil || got != want {
			t.Errorf("got %v, %v for a model that loads just in time", got, err)
		}
		end := make(chan struct{})
		defer close(end)
		_, err = loadWithin(maxLoading, "dir", func() (*model.Model, error) { <-end; return nil, nil })
		if want := "the model has not loaded within 5m0s: "; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want an error that begins with %q", err, want)
		}
	})
}
