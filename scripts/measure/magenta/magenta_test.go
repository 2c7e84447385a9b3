package magenta

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTransformerRefuses(t *testing.T) {
	if err := transformer(t.TempDir(), t.TempDir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a transformer: got %v", err)
	}
	other, err := os.ReadFile("../../../model/testdata/hub/saved_model.pb")
	if err != nil {
		t.Fatal(err)
	}
	for want, file := range map[string]string{
		"expected one graph":                      "",
		"cannot parse":                            "no protocol buffer",
		"serving_default (content, style_vector)": string(other),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "transformer", "saved_model.pb")
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(file), 0o600)); err != nil {
			t.Fatal(err)
		}
		if err := transformer(dir, t.TempDir()); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %q for %s", err, want, path)
		}
	}
}
