package picture

import (
	"testing"
)

func TestResultName(t *testing.T) {
	for _, c := range []struct {
		source, style, format string
		want                  string
	}{
		{"a/cat.png", "mosaic", "jpeg", "cat-mosaic.jpg"},
		{"cat", "a:0.7, b:0.3", "png", "cat-a+b.png"},
		{"-", "../x", "webp", "atelier-___x.webp"},
		{".jpg", "", "jpeg", "atelier-own-style.jpg"},
	} {
		if got := ResultName(c.source, c.style, c.format); got != c.want {
			t.Errorf("the result of %s is called %s, want %s", c.source, got, c.want)
		}
	}
}
