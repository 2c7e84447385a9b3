package formats_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/formats"
)

// TestFormatsAreFound: each format is found by its name, its first bytes and its extensions, and no
// other is.
func TestFormatsAreFound(t *testing.T) {
	for _, f := range formats.All() {
		head := []byte(strings.ReplaceAll(f.Signature, "?", "\x00"))
		if len(head) > formats.HeadLength {
			t.Errorf("%s: the signature has %d bytes, and HeadLength is %d", f.Name, len(head), formats.HeadLength)
		}
		if got := formats.ByName(f.Name); got.Name != f.Name {
			t.Errorf("ByName(%s): got %q", f.Name, got.Name)
		}
		if got := formats.Detect(append(head, "and more"...)); got.Name != f.Name {
			t.Errorf("Detect(%q): got %q, want %s", head, got.Name, f.Name)
		}
		if got := formats.Detect(head[:len(head)-1]); got.Name != "" {
			t.Errorf("Detect of a part of %q: got %q, want none", head, got.Name)
		}
		for _, extension := range f.Extensions {
			for _, name := range []string{"a" + extension, "b." + strings.ToUpper(extension[1:])} {
				if got := formats.ByFileName(name); got.Name != f.Name {
					t.Errorf("ByFileName(%s): got %q, want %s", name, got.Name, f.Name)
				}
			}
		}
	}
	if f := formats.ByFileName("README"); f.Name != "" || f.Extension() != "" {
		t.Errorf("ByFileName of a name without an extension: got %q", f.Name)
	}
}

func TestLists(t *testing.T) {
	all := formats.All()
	for _, tt := range []struct{ got, want string }{
		{formats.Titles(all, "or"), "JPEG, PNG, WebP or GIF"},
		{formats.NameList(formats.Outputs(), "and"), "jpeg, png and webp"},
		{formats.Titles(all[:1], "or"), "JPEG"},
		{formats.Titles(nil, "or"), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	all[0].Name = "changed"
	if got := formats.All()[0].Name; got == "changed" {
		t.Error("All returns the package's own list")
	}
	if got := formats.ContentTypes(formats.Outputs()); !slices.Equal(got, []string{"image/jpeg", "image/png", "image/webp"}) {
		t.Errorf("content types of results: got %v", got)
	}
}

// TestDocumentsListTheFormats: each document that lists the formats has the list of this package.
func TestDocumentsListTheFormats(t *testing.T) {
	titles, names := formats.Titles(formats.All(), "or"), formats.Names(formats.Outputs())
	quoted := "`" + strings.Join(names[:len(names)-1], "`, `") + "` or `" + names[len(names)-1] + "`"
	for _, document := range []struct{ path, text string }{
		{"../../README.md", "the picture: " + titles},
		{"../../README.md", quoted},
		{"../../submitter/DESIGN.md", formats.Titles(formats.Outputs(), "or")},
	} {
		content, err := os.ReadFile(document.path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), document.text) {
			t.Errorf("%s doesn't contain %q: compare its list of formats with package formats", document.path, document.text)
		}
	}
}
