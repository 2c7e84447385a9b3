//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// styleName is the only style of the small network, under a name of the catalogue.
const styleName = "mosaic"

// copyModel copies the small network to a folder of its own, where it can be broken, and names its style as one in the
// catalogue.
func copyModel(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	file := filepath.Join(to, "styles.json")
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var styles struct {
		Model   string               `json:"model"`
		Vectors map[string][]float64 `json:"vectors"`
	}
	if err := json.Unmarshal(b, &styles); err != nil {
		return err
	}
	if styles.Vectors["red"] == nil {
		return errors.New("the small network has no style red")
	}
	styles.Vectors = map[string][]float64{styleName: styles.Vectors["red"]}
	if b, err = json.Marshal(styles); err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}
