package style_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"math"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestCatalogueIsComplete(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	seen := map[string]bool{job.CustomStyle: true}
	for _, s := range style.All() {
		if !name.MatchString(s.Name) || seen[s.Name] {
			t.Errorf("%q is not a valid name, or not unique", s.Name)
		}
		seen[s.Name] = true
		if s.Title == "" || s.Source == "" {
			t.Errorf("%s lacks its title or source", s.Name)
		}
		for _, file := range []struct {
			kind string
			read func(string) ([]byte, error)
			edge int
		}{{"picture", style.Picture, 512}, {"thumbnail", style.Thumbnail, 240}} {
			data, err := file.read(s.Name)
			if err != nil {
				t.Errorf("%s of %s: %v", file.kind, s.Name, err)
				continue
			}
			cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
			if err != nil || cfg.Width != file.edge || cfg.Height != file.edge {
				t.Errorf("%s of %s: %dx%d, %v; want a JPEG of %d", file.kind, s.Name, cfg.Width, cfg.Height, err, file.edge)
			}
		}
	}
	if len(seen)-1 < 16 {
		t.Errorf("only %d styles, want 16", len(seen)-1)
	}
	if _, err := style.Picture("../catalogue.json"); !errors.Is(err, job.ErrUnknownStyle) {
		t.Errorf("a path as a name: %v", err)
	}
}

func TestParseMix(t *testing.T) {
	names := style.Names()
	a, b := names[0], names[1]
	for _, tt := range []struct{ in, want string }{
		{a, a},
		{a + ":3", a},
		{a + ":0.7," + b + ":0.3", a + ":0.7," + b + ":0.3"},
		{a + ":2," + b + ":1", a + ":0.6667," + b + ":0.3333"},
		{a + ", " + b, a + ":0.5," + b + ":0.5"},
		{a + ":1e6," + b + ":1e-6", a + ":1," + b + ":0.0001"},
	} {
		mix, err := style.ParseMix(tt.in)
		if err != nil || mix.String() != tt.want {
			t.Errorf("ParseMix(%q) = %q, %v; want %q", tt.in, mix, err, tt.want)
		}
	}
	for _, bad := range []string{
		"", ",", a + ",", a + ":", a + ":0", a + ":-1", a + ":NaN", a + ":Inf", a + ":x", a + ":1e300", a + "," + a,
		a + ":1:2", "no-such-style", a + ",no-such-style", "custom",
	} {
		if mix, err := style.ParseMix(bad); err == nil {
			t.Errorf("ParseMix(%q) = %q, want an error", bad, mix)
		}
	}
	if _, err := style.ParseMix("no-such-style"); !errors.Is(err, job.ErrUnknownStyle) {
		t.Errorf("an unknown style: got %v", err)
	}
}

func TestMixSurvivesItsCanonicalForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom(style.Names()), 1, min(style.MaxIngredients, len(style.Names())), rapid.ID[string]).Draw(t, "names")
		var text string
		for i, n := range names {
			if i > 0 {
				text += ","
			}
			text += n + ":" + rapid.StringMatching(`[1-9][0-9]{0,3}(\.[0-9]{1,3})?`).Draw(t, "weight")
		}
		mix, err := style.ParseMix(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := style.ParseMix(mix.String())
		if err != nil {
			t.Fatalf("%q, the canonical form of %q: %v", mix, text, err)
		}
		sum := 0.0
		for i, in := range again {
			sum += in.Weight
			if in.Name != mix[i].Name || math.Abs(in.Weight-mix[i].Weight) > 3e-4 {
				t.Fatalf("%v became %v", mix, again)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("the weights of %v add up to %v", again, sum)
		}
	})
}
