package measurement

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A Plan is what a measurement consists of. It is kept in the output folder, so that a later
// start goes on with the same.
type Plan struct {
	Format      int       `json:"format"`
	Quick       bool      `json:"quick"` // not for decisions
	Repetitions int       `json:"repetitions"`
	Seed        uint64    `json:"seed"`
	Variants    []Variant `json:"variants"`
}

const planFile = "plan.json"

// readPlan reads an output folder's plan; [fs.ErrNotExist] where there is none.
func readPlan(dir string) (p Plan, err error) {
	path := filepath.Join(dir, planFile)
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s is damaged (%w): take another folder", path, err)
	}
	return p, err
}

// writePlan makes or replaces the folder's plan.
func (f *Folder) writePlan() error {
	return replace(filepath.Join(f.dir, planFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(f.Plan)
	})
}

// goesOn is an error unless a plan may get so many repetitions after it was begun: from one look at
// the results to a later one.
func (p Plan) goesOn(repetitions int) error {
	looks := statistics.Looks()
	later := slices.DeleteFunc(slices.Clone(looks), func(n int) bool { return n <= p.Repetitions })
	switch {
	case slices.Contains(looks, p.Repetitions) && slices.Contains(later, repetitions):
		return nil
	case slices.Contains(looks, p.Repetitions) && len(later) > 0:
		return fmt.Errorf("was begun with %d repetitions: use --repetitions %d, or go on to one of %v, after which results are looked at", p.Repetitions, p.Repetitions, later)
	}
	return fmt.Errorf("was begun with %d repetitions: use --repetitions %d, or another folder", p.Repetitions, p.Repetitions)
}
