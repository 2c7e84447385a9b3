package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// stylesFile is what styles.json holds.
type stylesFile struct {
	Model   string               `json:"model"`
	Vectors map[string][]float32 `json:"vectors"`
}

// readStyles reads dir's styles.json. Without one the model goes by the name of
// its folder and has no stored vectors.
func readStyles(dir string, width int) (stylesFile, error) {
	var s stylesFile
	b, err := os.ReadFile(filepath.Join(dir, "styles.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if err == nil {
		if err := json.Unmarshal(b, &s); err != nil {
			return s, fmt.Errorf("styles.json: %w", err)
		}
	}
	if s.Model == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return s, err
		}
		s.Model = filepath.Base(abs)
	}
	if width == 0 {
		s.Vectors = nil // a model without vectors has no use for them
	}
	for name, v := range s.Vectors {
		if len(v) != width {
			return s, fmt.Errorf("styles.json: the vector of %q has %d numbers, the model's have %d", name, len(v), width)
		}
	}
	return s, nil
}
