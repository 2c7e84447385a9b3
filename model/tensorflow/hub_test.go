package tensorflow

import (
	"image/color"
	"math"
	"testing"

	"github.com/atelier-go/atelier/model/internal/swatch"
	"github.com/atelier-go/atelier/model/modeltest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// TestHub covers a model with only serving_default, where strength and blends cross-fade paintings.
func TestHub(t *testing.T) {
	names := style.Names()
	if len(names) < 2 {
		t.Fatalf("the catalogue has %d styles, want 2 or more", len(names))
	}
	a, b := swatch.MeanOf(t, names[0]), swatch.MeanOf(t, names[1])
	m := suite.Open(t, "hub")
	mixed := func(strength, wa, wb float64) color.RGBA {
		at := func(photo uint8, a, b float64) uint8 {
			p := float64(photo)
			painting := 0.5*p + 0.5*(wa*a+wb*b)
			return uint8(math.Round(p + strength*(painting-p)))
		}
		return color.RGBA{at(swatch.Orange.R, a[0], b[0]), at(swatch.Orange.G, a[1], b[1]), at(swatch.Orange.B, a[2], b[2]), 255}
	}
	for _, strength := range []float64{1, 0.6, 0.1, 0} {
		req := style.Request{Content: swatch.Filled(50, 41, swatch.Orange), Mix: style.Mix{{Name: names[0], Weight: 1}}, Strength: strength}
		swatch.WantFilled(t, modeltest.Stylize(t, m, req), mixed(strength, 1, 0))
		req.Mix = style.Mix{{Name: names[0], Weight: 0.3}, {Name: names[1], Weight: 0.7}}
		swatch.WantFilled(t, modeltest.Stylize(t, m, req), mixed(strength, 0.3, 0.7))
	}
	req := style.Request{Content: swatch.Filled(50, 41, swatch.Orange), Picture: swatch.Filled(600, 20, swatch.Teal), Strength: 1}
	swatch.WantFilled(t, modeltest.Stylize(t, m, req), color.RGBA{105, 110, 85, 255})
}

func TestHubKeepsPixelsInPlace(t *testing.T) { modeltest.WantPlaces(t, suite.Open(t, "hub")) }

func TestHubConcurrently(t *testing.T) { suite.Concurrent(t, "hub") }

func TestHubRefuses(t *testing.T) {
	photo := swatch.Filled(8, 8, swatch.Orange)
	m := suite.Open(t, "hub")
	modeltest.WantError(t, m, style.Request{Content: photo, Mix: style.Mix{{Name: "red", Weight: 1}}, Strength: 1}, "red", job.ErrUnknownStyle)
	half := style.Mix{{Name: style.Names()[0], Weight: 0.5}, {Name: "nobody", Weight: 0.5}}
	modeltest.WantError(t, m, style.Request{Content: photo, Mix: half, Strength: 1}, "nobody", job.ErrUnknownStyle)
	modeltest.WantError(t, suite.Open(t, "bad-size"), style.Request{Content: photo, Picture: photo, Strength: 1}, "shape [1 16 16 3] for a picture of [1 8 8 3]", nil)
}
