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

// list prints the variants of a plan and their expected durations.
func list(stdout io.Writer, plan measurement.Plan) {
	for _, v := range plan.Variants {
		fmt.Fprintf(stdout, "%-66s %4.0f s\n", v.Name(), v.Estimate().Seconds())
	}
	each := plan.Estimate()
	fmt.Fprintf(stdout, "%d variants, about %s; %d repetitions, about %s. A slower or busy machine takes longer.\n",
		len(plan.Variants), minutes(each), plan.Repetitions, minutes(each*time.Duration(plan.Repetitions)))
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
