package client

import "strconv"

// Options are the settings of a submission. For those that are not set, the API has defaults.
type Options struct {
	Style          string   `json:"style,omitempty"`    // a name, or a blend such as a:0.7,b:0.3; "" with a style picture
	Strength       *float64 `json:"strength,omitempty"` // from 0, the photograph, to 1, the style
	Size           *int     `json:"size,omitempty"`     // the result's longest edge in pixels at most; 0 keeps the photograph's
	Format         string   `json:"format,omitempty"`   // of the result: the name of one of formats.Outputs
	Quality        *int     `json:"quality,omitempty"`  // of a JPEG or WebP, 1 to 100
	PreserveColors bool     `json:"preserve_colors,omitempty"`
	Public         *bool    `json:"public,omitempty"` // whether the gallery shows the result
}

// Fields returns the form fields of the options that are set, as names and values, always in the
// same order.
func (o *Options) Fields() [][2]string {
	var fields [][2]string
	add := func(name, value string) { fields = append(fields, [2]string{name, value}) }
	if o.Style != "" {
		add("style", o.Style)
	}
	if o.Strength != nil {
		add("strength", strconv.FormatFloat(*o.Strength, 'g', -1, 64))
	}
	if o.Size != nil {
		add("size", strconv.Itoa(*o.Size))
	}
	if o.Format != "" {
		add("format", o.Format)
	}
	if o.Quality != nil {
		add("quality", strconv.Itoa(*o.Quality))
	}
	if o.PreserveColors {
		add("preserve_colors", "true")
	}
	if o.Public != nil {
		add("public", strconv.FormatBool(*o.Public))
	}
	return fields
}
