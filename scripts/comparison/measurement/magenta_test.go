package measurement

import (
	"errors"
	"strings"
	"testing"
)

// Without Magenta's network its variants are left out, with what to do.
func TestWithoutMagenta(t *testing.T) {
	_, err := Programs{Scratch: t.TempDir()}.Measure(t.Context(), Variant{System: Flask, Engine: TensorFlow, Network: Magenta, Size: 64, Jobs: 1, Pattern: Steady, Rate: 1}, source())
	if none := new(UnavailableError); !errors.As(err, &none) || !strings.Contains(none.Reason, "--teacher DIR") {
		t.Errorf("got %v", err)
	}
}
