package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// trace returns the trace of --trace; nil without the flag.
func (c *measureOptions) trace() (*measurement.Trace, error) {
	if c.Trace == "" {
		return nil, nil
	}
	trace, err := measurement.ReadTrace(c.Trace)
	if err != nil {
		return nil, fmt.Errorf("--trace %w", err)
	}
	return trace, nil
}

// list prints the variants of a plan, their numbers of runs and the expected durations.
func list(stdout io.Writer, plan measurement.Plan) {
	runs := 0
	for _, v := range plan.Variants {
		runs += plan.Runs(v)
		fmt.Fprintf(stdout, "%-66s %2d runs of %4.0f s\n", v.Name(), plan.Runs(v), v.Estimate().Seconds())
	}
	calibrating, others := plan.Estimate(true), plan.Estimate(false)
	fmt.Fprintf(stdout, "%d variants, %d runs, about %s", len(plan.Variants), runs, minutes(calibrating+others))
	if calibrating > 0 && others > 0 {
		fmt.Fprintf(stdout, ": %s for those that calibrate, %s for the others", minutes(calibrating), minutes(others))
	}
	fmt.Fprintln(stdout, ". A busy machine takes longer.")
}

// minutes formats a duration without seconds, as at least one minute.
func minutes(d time.Duration) string {
	d = max(time.Minute, d.Round(time.Minute))
	return strings.TrimSuffix(d.String(), "0s")
}

// plan returns the plan of what the flags select.
func (c *measureOptions) plan(trace *measurement.Trace) (measurement.Plan, error) {
	plan := measurement.Full()
	if c.Quick {
		plan = measurement.Quick()
	}
	plan.Seed = c.Seed
	if trace != nil {
		if err := plan.AddTrace(trace); err != nil {
			return plan, fmt.Errorf("--trace %s: %w", c.Trace, err)
		}
	}
	if c.RetryVoid < 0 {
		return plan, fmt.Errorf("--retry-void %d: use 0 or more", c.RetryVoid)
	}
	if c.Repetitions < 0 {
		return plan, fmt.Errorf("--repetitions %d: use 1 or more", c.Repetitions)
	}
	if c.Repetitions > 0 {
		plan.Repetitions = c.Repetitions
	}
	if c.Only == "" {
		return plan, nil
	}
	if _, err := path.Match(c.Only, ""); err != nil {
		return plan, fmt.Errorf("--only %s: %w", c.Only, err)
	}
	plan.Variants = slices.DeleteFunc(plan.Variants, func(v measurement.Variant) bool {
		ok, _ := path.Match(c.Only, v.Name()) // the pattern was checked above
		return !ok
	})
	if len(plan.Variants) == 0 {
		return plan, errors.New("--only matches no variant: see --list for their names")
	}
	return plan, nil
}
