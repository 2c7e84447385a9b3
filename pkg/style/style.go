// Package style is the catalogue of named styles: their names and titles, the
// pictures that they were learnt from and thumbnails of what they do. It is
// apart from package model so that whoever only lists styles needs no
// TensorFlow. Everything in it was drawn by model/train/styles.py and is
// embedded in the binary.
package style

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

//go:embed catalogue.json pictures/*.jpg thumbnails/*.jpg
var files embed.FS

// A Style is an entry of the catalogue.
type Style struct {
	Name   string `json:"name"`   // lower case, digits and hyphens; stable
	Title  string `json:"title"`  // for people
	Source string `json:"source"` // where its picture comes from
}

// catalogue is read once: the file is part of the program, and the tests read
// every entry of it.
var catalogue = func() []Style {
	var all []Style
	b, err := files.ReadFile("catalogue.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("style: the embedded catalogue: %v", err))
	}
	return all
}()

// All lists the catalogue in the order in which to show it. The slice is the
// caller's own.
func All() []Style { return append([]Style(nil), catalogue...) }

// Names lists the names of the catalogue, in its order.
func Names() []string {
	names := make([]string, len(catalogue))
	for i, s := range catalogue {
		names[i] = s.Name
	}
	return names
}

// Lookup finds a style by its name. The error wraps job.ErrUnknownStyle and
// lists the names there are.
func Lookup(name string) (Style, error) {
	for _, s := range catalogue {
		if s.Name == name {
			return s, nil
		}
	}
	return Style{}, fmt.Errorf("%w %.60q: there are %s", job.ErrUnknownStyle, name, strings.Join(Names(), ", "))
}

// Picture is the style's own picture, a JPEG of 512x512 pixels, for engines
// that know styles by their pictures.
func Picture(name string) ([]byte, error) { return read("pictures", name) }

// Thumbnail shows what the style does to a photograph, a JPEG of 240x240 pixels.
func Thumbnail(name string) ([]byte, error) { return read("thumbnails", name) }

func read(folder, name string) ([]byte, error) {
	if _, err := Lookup(name); err != nil {
		return nil, err
	}
	return files.ReadFile(folder + "/" + name + ".jpg")
}
