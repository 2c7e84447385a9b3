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

// stylesFile is what styles.json holds. Its numbers are finite: JSON has no others, and
// what float32 can't hold is an error.
type stylesFile struct {
	Model   string               `json:"model"`
	Vectors map[string][]float32 `json:"vectors"`
}

// Of styles.json: its size in bytes, and the length of the model's name, which stands in
// each job's receipt.
const (
	maxStyles = 16 << 20
	maxName   = 100
)

// readStyles reads a model's styles.json. Without one the model goes by the name of
// its folder and has no stored vectors.
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

// fit checks the vectors against how many numbers the network's have, 0 where it has none.
func (s *stylesFile) fit(width int) error {
	if width == 0 {
		s.Vectors = nil // a model without vectors has no use for them
	}
	for name, v := range s.Vectors {
		if len(v) != width {
			return fmt.Errorf("styles.json: the vector of %q has %d numbers, the model's have %d", name, len(v), width)
		}
	}
	return nil
}
