package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

type predictOptions struct {
	Dir string `arg:"" help:"Output folder of a measurement, as --out names it." placeholder:"DIR"`
}

const predictHelp = `Predict, by simulation, runs that do not exist yet, and write predictions.json into an output folder.

The predictions are computed from the runs of workers alone and of systems at a steady rate, which are never
predicted themselves. Make these first with scripts/compare --calibrate. Predicted are the other variants of
the folder's plan, if they have no runs yet, not even void ones. If the plan has recorded arrivals, give its
--trace here, too, or variants with these arrivals are not predicted.

Commit the file. Then make the other runs with the same command without --calibrate, from a checkout that
contains the file: each run's file has the checkout's commit and the SHA-256 of predictions.json, which shows
that the predictions came first. The report compares each prediction with an interval from ten runs or more.
Existing predictions are not replaced if runs of theirs exist.`

// run writes the predictions, and prints which variants could not be predicted.
func (o *predictOptions) run(ctx context.Context, root string, trace *measurement.Trace, stdout io.Writer) error {
	file, left, err := prediction.Make(o.Dir, machine.Describe(ctx, root, o.Dir).Commit, time.Now(), trace)
	if err != nil {
		return err
	}
	for _, sentence := range left {
		fmt.Fprintf(stdout, "Not predicted: %s.\n", sentence)
	}
	fmt.Fprintf(stdout, "%d figures were predicted from %d runs, in %s. Commit the file, and make the predicted runs from a checkout that contains it.\n",
		len(file.Predictions), len(file.Calibration), filepath.Join(o.Dir, "predictions.json"))
	return nil
}
