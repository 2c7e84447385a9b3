package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"
)

// stylesFile is the content of styles.json. Its numbers are finite, because JSON has no others, and
// a number outside the range of float32 is an error.
type stylesFile struct {
	Model   string               `json:"model"`
	Vectors map[string][]float32 `json:"vectors"`
}

// Limits of styles.json: the size of the file in bytes, and the length of the model's name, which
// every receipt contains.
const (
	maxStyles = 16 << 20
	maxName   = 100
)

// readStyles reads a model's styles.json. If it is missing, the model has the name of its folder and
// no stored vectors.
func readStyles(files *Folder) (*stylesFile, error) {
	s := new(stylesFile)
	b, err := files.Read("styles.json", maxStyles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if err := json.Unmarshal(b, s); err != nil {
			return nil, fmt.Errorf("styles.json: %w", err)
		}
	}
	if s.Model == "" {
		abs, err := filepath.Abs(files.root.Name())
		if err != nil {
			return nil, err
		}
		s.Model = filepath.Base(abs)
	}
	if len(s.Model) > maxName || strings.ContainsFunc(s.Model, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return nil, fmt.Errorf("its name, from styles.json or else of the folder, must be at most %d bytes of printable characters, not %.*q", maxName, maxName, s.Model)
	}
	return s, nil
}

// checkWidths returns an error if a vector does not have the length that the network takes. width
// is 0 if the network has no vectors.
func (s *stylesFile) checkWidths(width int) error {
	if width == 0 {
		s.Vectors = nil // a model without vectors can't use them
	}
	for name, v := range s.Vectors {
		if len(v) != width {
			return fmt.Errorf("styles.json: the vector of %q has %d numbers, the model's have %d", name, len(v), width)
		}
	}
	return nil
}
