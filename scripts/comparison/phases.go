package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A whole measurement has two phases: runs that calibrate the simulation, and runs that it predicts.
// Between them the predictions are committed, so that a commit proves which came first.

// whole returns whether a whole measurement is made. A part (--only) and --quick have no phases.
func (c *measureOptions) whole() bool { return !c.Quick && c.Only == "" }

// predicted returns whether the second phase may begin. It is an error if the predictions exist but
// are not committed in the checkout, because runs made now would make them void.
func (c *measureOptions) predicted(ctx context.Context, args []string) (bool, error) {
	made, err := os.ReadFile(filepath.Join(c.Out, measurement.PredictionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	committed, err := exec.CommandContext(ctx, "git", "-C", c.Root, "show", "HEAD:./"+committedPredictions).Output() //nolint:gosec // the checkout
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil || !bytes.Equal(committed, made) {
		return false, fmt.Errorf("%s has predictions that are not committed in this checkout. Commit them before the runs that they predict:\n%s", c.Out, c.next(args))
	}
	return true, nil
}

// committedPredictions is the path of the committed predictions in a checkout.
const committedPredictions = "scripts/comparison/results/" + measurement.PredictionsFile

// next returns the commands that commit the folder's predictions and start the second phase.
func (c *measureOptions) next(args []string) string {
	dir, err := filepath.Abs(c.Out)
	if err != nil {
		dir = c.Out
	}
	return fmt.Sprintf(`
  cp %s %s
  git -C %s add %s
  git -C %[3]s commit -m "Predict the runs of the comparison"
  %[5]s
`, filepath.Join(dir, measurement.PredictionsFile), filepath.Join(c.Root, committedPredictions), c.Root, committedPredictions, command(args))
}

// predict predicts the runs of the second phase, if those of the first are complete, and prints what
// to do next.
func (c *measureOptions) predict(ctx context.Context, args []string, s measurement.Summary, trace *measurement.Trace, stdout io.Writer) error {
	if s.Left > s.Unable {
		fmt.Fprintln(stdout, "When the runs that calibrate are complete, the others will be predicted. If runs are void again and again, scripts/compare predict predicts without them.")
		return nil
	}
	if err := (&predictOptions{Dir: c.Out}).run(ctx, c.Root, trace, stdout); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Next, commit the predictions and make the runs that they predict:\n%s", c.next(args))
	return nil
}
