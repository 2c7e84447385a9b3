package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite model/atelier/SHA256SUMS")

// TestShippedSums checks that the compiled-in sums are those of model/atelier. After an intended
// change of the model, go test ./model -run TestShippedSums -update rewrites them.
func TestShippedSums(t *testing.T) {
	files, err := os.ReadDir("atelier")
	if err != nil {
		t.Fatal(err)
	}
	var sums bytes.Buffer
	for _, file := range files {
		if file.Name() == "SHA256SUMS" {
			continue
		}
		b, err := os.ReadFile(filepath.Join("atelier", file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(b), file.Name())
	}
	if *update {
		if err := os.WriteFile("atelier/SHA256SUMS", sums.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if got := sums.String(); got != shippedSums {
		t.Errorf("model/atelier/SHA256SUMS holds\n%swant\n%s(go test ./model -run TestShippedSums -update writes it)", shippedSums, got)
	}
	var styles stylesFile
	b, err := os.ReadFile("atelier/styles.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &styles); err != nil || styles.Model != ShippedName {
		t.Errorf("model/atelier/styles.json names the model %q (%v), ShippedName is %q", styles.Model, err, ShippedName)
	}
}

// openFolder loads a folder with an engine that reads the given files.
func openFolder(cfg Config, names ...string) (*Model, error) {
	return Open(cfg, func(_ Config, files *Folder) (func() (*Loaded, error), error) {
		for i, name := range names {
			var err error
			if i%2 == 0 { // both ways record the sum
				_, err = files.Read(name, 1<<30)
			} else {
				err = files.Hash(name, 1<<30)
			}
			if err != nil {
				return nil, err
			}
		}
		return func() (*Loaded, error) {
			return &Loaded{Engine: "fake 1", Width: 100, Vectors: new(fake), Close: func() {}}, nil
		}, nil
	})
}

var shippedFiles = []string{"predict_style.onnx", "transform.onnx", "saved_model.pb"}

func TestShippedModelIsRecognised(t *testing.T) {
	m, err := openFolder(Config{Dir: "atelier"}, shippedFiles...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	// The output of sha256sum for the files that were read, here all of them.
	want := sha256.Sum256([]byte(shippedSums))
	if got := m.Info(); !got.Shipped || got.SHA256 != hex.EncodeToString(want[:]) || got.Name != ShippedName {
		t.Errorf("got %+v, want the shipped model with %x", got, want)
	}
}

// TestChangedCopyIsRefused checks that a folder with the shipped model's name must be identical to it.
func TestChangedCopyIsRefused(t *testing.T) {
	for _, name := range append(slices.Clone(shippedFiles), "styles.json") {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("atelier")); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, name)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == "styles.json" {
				b = bytes.Replace(b, []byte("0."), []byte("9."), 1)
			} else {
				b[len(b)/2] ^= 1
			}
			if err := os.WriteFile(file, b, 0o666); err != nil {
				t.Fatal(err)
			}
			// Sums that come with the copy are not trusted.
			if err := os.WriteFile(filepath.Join(dir, "SHA256SUMS"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			m, err := openFolder(Config{Dir: dir}, shippedFiles...)
			if err == nil {
				t.Fatal("got a model, want an error", m.Close())
			}
			for _, want := range []string{"names the model " + ShippedName, name + " is not that model's", "copy model/atelier again"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got error %q, want one containing %q", err, want)
				}
			}
		})
	}
}

func TestAnotherModelIsNotShipped(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "graph"), []byte("graph"), 0o666),
		os.WriteFile(filepath.Join(dir, "styles.json"), []byte(`{"model": "mine"}`), 0o666)); err != nil {
		t.Fatal(err)
	}
	m, err := openFolder(Config{Dir: dir}, "graph")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	list := fmt.Sprintf("%x  graph\n%x  styles.json\n", sha256.Sum256([]byte("graph")), sha256.Sum256([]byte(`{"model": "mine"}`)))
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(list)))
	if got := m.Info(); got.Shipped || got.SHA256 != want {
		t.Errorf("got %+v, want a model that is not shipped, with %s", got, want)
	}
	// If its sum is required, no other model is accepted.
	again, err := openFolder(Config{Dir: dir, SHA256: strings.ToUpper(want)}, "graph")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	other := strings.Repeat("0", 64)
	if _, err := openFolder(Config{Dir: dir, SHA256: other}, "graph"); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), other) {
		t.Errorf("got %v, want an error with both sums", err)
	}
	if _, err := openFolder(Config{Dir: dir, SHA256: "123"}, "graph"); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Errorf("got %v, want an error that explains the form of a SHA-256", err)
	}
}

func TestInvalidStylesAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, styles, want string }{
		{"cut off", `{"model": "x", "vectors": `, "styles.json: unexpected end of JSON input"},
		{"short vector", `{"vectors": {"red": [1, 0]}}`, `styles.json: the vector of "red" has 2 numbers, the model's have 100`},
		{"number beyond float32", `{"vectors": {"red": [1e39]}}`, "styles.json: json: cannot unmarshal number 1e39"},
		{"not a number", `{"vectors": {"red": [NaN]}}`, "styles.json: invalid character 'N'"},
		{"name with control characters", `{"model": "a\u001b]0;owned\u0007"}`, "printable characters"},
		{"long name", `{"model": "` + strings.Repeat("a", 101) + `"}`, "at most 100 bytes"},
		{"too large", strings.Repeat(" ", maxStyles+1), "styles.json has 16777217 bytes, at most 16777216 are accepted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "styles.json"), []byte(tt.styles), 0o666); err != nil {
				t.Fatal(err)
			}
			if _, err := openFolder(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error containing %q", err, tt.want)
			}
		})
	}
}
