// Package style is the catalogue of named styles: their names and titles, the pictures that they
// were learnt from, and thumbnails that show their effect. It is separate from package model, so
// that programs that only list styles do not need TensorFlow. The pictures and thumbnails are made
// by model/train/styles.py and embedded in the program.
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
	Name   string `json:"name"`   // lower-case letters, digits and hyphens; stable
	Title  string `json:"title"`  // for display
	Source string `json:"source"` // the origin of its picture
}

// catalogue is read once: the file is part of the program, and the tests read every entry.
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

// All returns the catalogue in display order. The caller may change the slice.
func All() []Style { return append([]Style(nil), catalogue...) }

// Names returns the names of the catalogue, in its order.
func Names() []string {
	names := make([]string, len(catalogue))
	for i, s := range catalogue {
		names[i] = s.Name
	}
	return names
}

// Lookup returns the style of a name. For an unknown name the error wraps job.ErrUnknownStyle and
// lists the known names.
func Lookup(name string) (Style, error) {
	for _, s := range catalogue {
		if s.Name == name {
			return s, nil
		}
	}
	return Style{}, fmt.Errorf("%w %.60q: there are %s", job.ErrUnknownStyle, name, strings.Join(Names(), ", "))
}

// Picture returns the style's own picture, a JPEG of 512x512 pixels, for engines that represent styles
// as pictures.
func Picture(name string) ([]byte, error) { return read("pictures", name) }

// Thumbnail returns a picture that shows the style's effect on a photograph, a JPEG of 240x240
// pixels.
func Thumbnail(name string) ([]byte, error) { return read("thumbnails", name) }

func read(folder, name string) ([]byte, error) {
	if _, err := Lookup(name); err != nil {
		return nil, err
	}
	return files.ReadFile(folder + "/" + name + ".jpg")
}
