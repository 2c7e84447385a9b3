package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Every name made by Published is parsed, and no other.
func TestParsePublished(t *testing.T) {
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, format := range job.OutputFormats {
		made = append(made, store.Published(id, format, true)...)
		made = append(made, store.Published(id, format, false)...)
	}
	for _, name := range made {
		folder, got, format, ok := store.ParsePublished(name)
		if !ok || got != id || !strings.HasPrefix(name, folder+"/") || !strings.HasSuffix(name, "."+format) {
			t.Errorf("%s: %s, %s, %s, %t", name, folder, got, format, ok)
		}
		for _, other := range []string{
			"", "/" + name, name + "/", name + ".html", name + "x", "./" + name, "public/../" + name, strings.Replace(name, "/", "//", 1),
			strings.Replace(name, "/20", "/19", 1), strings.ToUpper(name), strings.Replace(name, folder, "other", 1),
			strings.TrimSuffix(name, format) + "html", strings.TrimSuffix(name, "."+format), name[strings.LastIndex(name, "/")+1:],
		} {
			if _, _, _, ok := store.ParsePublished(other); ok && !slices.Contains(made, other) {
				t.Errorf("%q is taken for a name", other)
			}
		}
	}
	if _, _, _, ok := store.ParsePublished(strings.TrimSuffix(store.Published(id, "jpeg", true)[1], "jpeg") + "png"); ok {
		t.Error("a thumbnail in PNG is taken for a name")
	}
}
