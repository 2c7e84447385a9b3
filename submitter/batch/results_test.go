package batch

import (
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	catalogue "github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/submitter/picture"
)

// The names of results are unique, even if case is ignored.
func TestNameResults(t *testing.T) {
	var inputs []*Input
	for _, below := range []string{"cat.jpg", "CAT.png", "sea/cat.jpg", "cat.gif", "-", "atelier.jpg", "cat-mosaic-2.x", "ÄÖ.jpg", "äö.png"} {
		inputs = append(inputs, &Input{below: below})
	}
	NameResults(inputs, "out", "mosaic", "jpeg")
	want := []Path{
		"out/cat-mosaic.jpg", "out/CAT-mosaic-2.jpg", "out/sea/cat-mosaic.jpg", "out/cat-mosaic-3.jpg", "out/atelier-mosaic.jpg",
		"out/atelier-mosaic-2.jpg", "out/cat-mosaic-2-mosaic.jpg", "out/ÄÖ-mosaic.jpg", "out/äö-mosaic-2.jpg",
	}
	for i, in := range inputs {
		if in.Result != want[i] {
			t.Errorf("the result of %s: got %s, want %s", in.below, in.Result, want[i])
		}
	}
}

// A result's name is a valid name of a file if its photograph's is.
func TestLongNames(t *testing.T) {
	var inputs []*Input
	for _, stem := range []string{strings.Repeat("a", 251), strings.Repeat("a", 250) + "b", strings.Repeat("写", 83), strings.Repeat("é", 125), strings.Repeat("\xa9", 251)} {
		inputs = append(inputs, &Input{below: stem + ".jpg"})
	}
	NameResults(inputs, t.TempDir(), catalogue.Names()[0], "jpeg")
	seen := map[Path]bool{}
	for _, in := range inputs {
		if seen[in.Result] || strings.ToValidUTF8(in.below, "") == in.below && !utf8.ValidString(string(in.Result)) {
			t.Errorf("%.10q... goes to %q", in.below, in.Result)
		}
		seen[in.Result] = true
		to := &picture.Destination{Path: string(in.Result)}
		if err := to.Write(io.Discard, func(f *os.File) error { _, err := f.WriteString("x"); return err }); err != nil {
			t.Errorf("%.10q...: %v", in.below, err)
		}
	}
}
