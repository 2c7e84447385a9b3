// Package prediction simulates systems on the machine that is measured, from some of its runs, and
// writes down figures of runs that are still to be made.
//
// What predictions are made from: of each system its runs at a steady rate, which have the times of its
// jobs and what the system takes of the processors besides; and of a worker alone how many processors a
// picture occupies. Systems under other patterns of arrivals are predicted. See [Make].
package prediction

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A File is what predictions.json in an output folder holds.
type File struct {
	Commit      string       `json:"commit"`      // of the programs that predicted
	Made        time.Time    `json:"made"`        // before the runs, or a prediction is void
	Seed        uint64       `json:"seed"`        // the folder's, of arrivals and simulations
	Processor   string       `json:"processor"`   // model, of calibrating runs and predicted ones
	Calibration []Source     `json:"calibration"` // in order of the files' names
	Predictions []Prediction `json:"predictions"`

	Unpredicted []Unpredicted `json:"unpredicted,omitempty"` // in order of the plan
}

// An Unpredicted is a variant that calibrates nothing and has no prediction.
type Unpredicted struct {
	Variant string `json:"variant"` // its name
	Reason  string `json:"reason"`
}

// A Source is a run's file that predictions were made from.
type Source struct {
	Run    string `json:"run"` // name, without the folder
	SHA256 string `json:"sha256"`
}

// The figures of a run that are predicted.
const (
	P50        = "p50"         // of latencies, seconds
	P95        = "p95"         // likewise
	Busy       = "busy"        // processor seconds of the system's programs
	ColdStarts = "cold starts" // jobs that were the first of their process
)

// A Prediction is one figure of a variant's runs.
type Prediction struct {
	Variant     string  `json:"variant"` // its name
	Figure      string  `json:"figure"`
	Value       float64 `json:"value"`
	Calibrating int     `json:"calibrating,omitempty"` // runs at a steady rate that its system's times are of; 0: not known
}

// Read reads the predictions of an output folder; nil where there are none.
func Read(dir string) (*File, []byte, error) {
	path := filepath.Join(dir, measurement.PredictionsFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	f := new(File)
	if err := json.Unmarshal(b, f); err != nil {
		return nil, nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return f, b, nil
}

// write replaces the file as a whole.
func (f *File) write(dir string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return err
	}
	path := filepath.Join(dir, measurement.PredictionsFile)
	if err := os.WriteFile(path+".new", b.Bytes(), 0o644); err != nil { //nolint:gosec // predictions are for everybody
		return fmt.Errorf("the predictions can't be written: %w", err)
	}
	return os.Rename(path+".new", path)
}

// replaceable is an error where a folder has predictions of variants with runs.
func replaceable(dir string, runs []*measurement.Run) error {
	old, _, err := Read(dir)
	if err != nil || old == nil {
		return err
	}
	var made []string
	for _, p := range old.Predictions {
		if !slices.Contains(made, p.Variant) && slices.ContainsFunc(runs, func(r *measurement.Run) bool {
			return r.Header.Variant.Name() == p.Variant // void ones too: their files have figures
		}) {
			made = append(made, p.Variant)
		}
	}
	if len(made) > 0 {
		return fmt.Errorf("%s stays as it is: runs that it predicts have been made, of %s. Predict and measure into another folder", filepath.Join(dir, measurement.PredictionsFile), strings.Join(made, ", "))
	}
	return nil
}
