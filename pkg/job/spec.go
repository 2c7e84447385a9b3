package job

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/formats"
)

// SpecVersion is the version of the stored form of a [Spec].
const SpecVersion = 1

// MaxSize is the upper bound, in pixels of the longest edge, for the limit on results that an API
// sets.
const MaxSize = 4096

// OutputFormats are the names of the formats that a result can have.
var OutputFormats = formats.Names(formats.Outputs())

// A Spec is what was asked for. It is set at the submission and never changed: a retry runs the
// same spec again.
type Spec struct {
	V              int       `json:"v"`
	ID             ID        `json:"id"`
	Owner          string    `json:"owner,omitempty"` // who submitted it; "" without API keys
	Style          string    `json:"style"`           // canonical mix, or CustomStyle
	Strength       float64   `json:"strength"`
	Size           int       `json:"size"`
	Format         string    `json:"format"`
	Quality        int       `json:"quality"`
	PreserveColors bool      `json:"preserve_colors"`
	Public         bool      `json:"public"`
	CreatedAt      time.Time `json:"created_at"`
	Input          Input     `json:"input"`
	StyleInput     *Input    `json:"style_input,omitempty"`  // the user's style picture
	Key            string    `json:"key,omitempty"`          // the store's name for the idempotency key
	Upload         ID        `json:"upload,omitempty"`       // the photograph's upload; "" if it was sent with the request
	StyleUpload    ID        `json:"style_upload,omitempty"` // the style picture's upload; "" likewise
	StoredKiB      int64     `json:"charge,omitempty"`       // KiB that count towards the owner's quota of stored bytes
	// MaxSize is the longest edge of the result for a Size of 0. It is 0 in older specs, which
	// means the package's MaxSize.
	MaxSize int `json:"max_size,omitempty"`
}

// Longest returns the longest edge, in pixels, that the result may have. There is a
// limit for a Size of 0 too, the photograph's own size, because the engine's memory grows with the
// picture.
func (s *Spec) Longest() int {
	switch {
	case s.Size != 0:
		return s.Size
	case s.MaxSize != 0:
		return s.MaxSize
	}
	return MaxSize
}

// Same reports whether t asks for the same as s: the same pictures painted in the same way for the
// same owner.
func (s *Spec) Same(t *Spec) bool {
	sum := func(in *Input) string {
		if in == nil {
			return ""
		}
		return in.SHA256
	}
	return s.Owner == t.Owner && s.Style == t.Style && s.Strength == t.Strength && s.Size == t.Size &&
		s.Format == t.Format && s.Quality == t.Quality && s.PreserveColors == t.PreserveColors && s.Public == t.Public &&
		s.Input.SHA256 == t.Input.SHA256 && sum(s.StyleInput) == sum(t.StyleInput)
}

// An Input describes a stored picture as it was submitted.
type Input struct {
	Format string `json:"format"`
	Width  int    `json:"width"`  // upright
	Height int    `json:"height"` // upright
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// A FieldError names the field of a request that is wrong and what is allowed.
// It wraps [ErrInvalid].
type FieldError struct {
	Field   string
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }
func (e *FieldError) Unwrap() error { return ErrInvalid }

// Validate checks a spec except its style, which only the catalogue can check. Sizes up to the
// spec's own MaxSize are valid. It returns all errors that it finds.
func (s *Spec) Validate() []*FieldError {
	var bad []*FieldError
	check := func(ok bool, field, format string, args ...any) {
		if !ok {
			bad = append(bad, &FieldError{field, fmt.Sprintf(format, args...)})
		}
	}
	// Written this way so that NaN fails too.
	check(s.Strength >= 0 && s.Strength <= 1 && !math.Signbit(s.Strength), "strength", "must be a number from 0 to 1")
	most := MaxSize
	if s.MaxSize != 0 {
		most = s.MaxSize
	}
	check(s.Size == 0 || s.Size >= 16 && s.Size <= most, "size", "must be 0 (as it is) or 16 to %d pixels", most)
	check(slices.Contains(OutputFormats, s.Format), "format", "must be one of %s", strings.Join(OutputFormats, ", "))
	check(s.Quality >= 1 && s.Quality <= 100, "quality", "must be 1 to 100")
	return bad
}

// New returns the job of a spec that was just submitted.
func (s *Spec) New() Job {
	return Job{
		ID: s.ID, State: Queued, Run: 1, Style: s.Style, Strength: s.Strength, Size: s.Size,
		Format: s.Format, Quality: s.Quality, PreserveColors: s.PreserveColors, Public: s.Public,
		CreatedAt: s.CreatedAt, Owner: s.Owner,
	}
}
