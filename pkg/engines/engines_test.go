package engines

import (
	"slices"
	"testing"
)

func TestCatalogue(t *testing.T) {
	if got, want := Names(), []string{"tensorflow", "onnx"}; !slices.Equal(got, want) {
		t.Errorf("the engines are %q, want %q", got, want)
	}
	for _, e := range All {
		if got, ok := ByName(e.Name); !ok || got != e || FootprintOf(e.Name) != e.Footprint {
			t.Errorf("%s: found %+v, %v", e.Name, got, ok)
		}
		if f := e.Footprint; f.Loaded <= 0 || f.Run <= 0 || f.Pixel <= 0 {
			t.Errorf("%s has the incomplete footprint %+v", e.Name, f)
		}
	}
	if _, ok := ByName("none"); ok {
		t.Error("an engine that is not in the catalogue was found")
	}
}
