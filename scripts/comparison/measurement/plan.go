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

// A Plan is the content of a measurement. It is stored in the output folder, so that a later start
// continues with the same plan.
type Plan struct {
	Format      int       `json:"format"`
	Quick       bool      `json:"quick"` // not for decisions
	Repetitions int       `json:"repetitions"`
	Seed        uint64    `json:"seed"`
	Variants    []Variant `json:"variants"`

	// Every has the variants with fewer runs, by name: n for those that are run in repetitions 1,
	// n+1, 2n+1 and so on.
	Every map[string]int `json:"every,omitempty"`
}

// In returns whether a variant is run in a repetition.
func (p Plan) In(v Variant, repetition int) bool {
	return (repetition-1)%max(1, p.Every[v.Name()]) == 0
}

// Runs returns the number of runs of a variant.
func (p Plan) Runs(v Variant) int {
	every := max(1, p.Every[v.Name()])
	return (p.Repetitions + every - 1) / every
}

const planFile = "plan.json"

// readPlan reads an output folder's plan; the error is [fs.ErrNotExist] if there is none.
func readPlan(dir string) (p Plan, err error) {
	path := filepath.Join(dir, planFile)
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s is damaged (%w): use another folder", path, err)
	}
	return p, err
}

// writePlan writes or replaces the folder's plan.
func (f *Folder) writePlan() error {
	return replace(filepath.Join(f.dir, planFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(f.Plan)
	})
}

// canContinue returns an error unless the plan may be continued to a number of repetitions: from one
// look at the results to a later one.
func (p Plan) canContinue(repetitions int) error {
	looks := statistics.Looks()
	later := slices.DeleteFunc(slices.Clone(looks), func(n int) bool { return n <= p.Repetitions })
	switch {
	case slices.Contains(looks, p.Repetitions) && slices.Contains(later, repetitions):
		return nil
	case slices.Contains(looks, p.Repetitions) && len(later) > 0:
		return fmt.Errorf("was begun with %d repetitions: use --repetitions %d, or continue to one of %v, after which results are examined", p.Repetitions, p.Repetitions, later)
	}
	return fmt.Errorf("was begun with %d repetitions: use --repetitions %d, or another folder", p.Repetitions, p.Repetitions)
}
