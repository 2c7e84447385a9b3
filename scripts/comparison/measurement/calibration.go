package measurement

import (
	"errors"
	"fmt"
	"io/fs"
)

// Calibrates returns whether predictions are made from runs of a variant: those of a worker alone,
// and of systems at a steady rate.
func (v Variant) Calibrates() bool { return v.System == Service || v.Pattern == Steady }

// WithoutLoad returns the variant without its load, which identifies a system.
func (v Variant) WithoutLoad() Variant {
	v.Jobs, v.Pattern, v.Rate, v.Trace = 0, "", 0, ""
	return v
}

// Alone returns the variant of a worker alone that paints the same pictures with the same engine,
// with the given number of threads and all processors.
func (v Variant) Alone(threads int) Variant {
	v = v.WithoutLoad()
	v.System, v.Threads = Service, threads
	v.MemoryMB, v.PeriodMS, v.Concurrency, v.Environments, v.IdleS = 0, 0, 0, 0, 0
	return v
}

// Arrivals returns the times at which the jobs of a run of the plan are sent, in seconds since the
// load began. trace is required for [Recorded], and nil otherwise.
func (p Plan) Arrivals(v Variant, repetition int, trace *Trace) ([]float64, error) {
	return trace.arrivals(v, step{repetition: repetition}.chance(p.Seed))
}

// Reopen opens an output folder that has a plan. The caller must close the folder.
func Reopen(dir string) (*Folder, error) {
	p, err := readPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not an output folder of scripts/compare, because it has no readable plan.json: %w", dir, err)
	}
	if err != nil {
		return nil, err
	}
	return Open(dir, p)
}
