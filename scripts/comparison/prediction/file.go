// Package prediction simulates systems on the measured machine, with times from some of its runs, and
// stores predicted figures of runs that do not exist yet.
//
// Predictions are made from two kinds of runs, which calibrate the simulation. The runs of each system
// at a steady rate show the times of its jobs and the processor time of its other programs; those of a
// worker alone show the number of processors that a picture occupies. Predicted are the same systems
// under other patterns of arrivals. See [Make].
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

// A File is the content of predictions.json in an output folder.
type File struct {
	Commit      string       `json:"commit"`      // of the programs that predicted
	Made        time.Time    `json:"made"`        // a prediction is void unless this is before its variant's first run
	Seed        uint64       `json:"seed"`        // the folder's seed, for arrivals and simulations
	Processor   string       `json:"processor"`   // model of calibrating and predicted runs
	Calibration []Source     `json:"calibration"` // in order of the files' names
	Predictions []Prediction `json:"predictions"`

	Unpredicted []Unpredicted `json:"unpredicted,omitempty"` // in order of the plan
}

// An Unpredicted is a variant that neither calibrates nor has a prediction.
type Unpredicted struct {
	Variant string `json:"variant"` // its name
	Reason  string `json:"reason"`
}

// A Source is the file of a run from which predictions were made.
type Source struct {
	Run    string `json:"run"` // name, without the folder
	SHA256 string `json:"sha256"`
}

// The predicted figures of a run.
const (
	P50        = "p50"         // seconds, of latencies
	P95        = "p95"         // seconds, of latencies
	Busy       = "busy"        // processor seconds of the system's programs
	ColdStarts = "cold starts" // jobs that were the first of their process
)

// A Prediction is one predicted figure of a variant's runs.
type Prediction struct {
	Variant     string  `json:"variant"` // its name
	Figure      string  `json:"figure"`
	Value       float64 `json:"value"`
	Calibrating int     `json:"calibrating,omitempty"` // number of runs at a steady rate from which its system's times are; 0: not known
}

// Read reads the predictions of an output folder; nil if there are none.
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
	if err := os.WriteFile(path+".new", b.Bytes(), 0o644); err != nil { //nolint:gosec // predictions may be read by everybody
		return fmt.Errorf("the predictions can't be written: %w", err)
	}
	return os.Rename(path+".new", path)
}

// replaceable returns an error if a folder has predictions of variants that have runs.
func replaceable(dir string, runs []*measurement.Run) error {
	old, _, err := Read(dir)
	if err != nil || old == nil {
		return err
	}
	var made []string
	for _, p := range old.Predictions {
		if !slices.Contains(made, p.Variant) && slices.ContainsFunc(runs, func(r *measurement.Run) bool {
			return r.Header.Variant.Name() == p.Variant // including void runs, whose files have figures
		}) {
			made = append(made, p.Variant)
		}
	}
	if len(made) > 0 {
		return fmt.Errorf("%s is not replaced, because predicted runs of %s exist. Predict and measure into another folder", filepath.Join(dir, measurement.PredictionsFile), strings.Join(made, ", "))
	}
	return nil
}
