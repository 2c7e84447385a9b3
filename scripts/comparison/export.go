package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/report"
)

type exportOptions struct {
	Dir string `arg:"" help:"Output folder of a measurement, as --out names it." placeholder:"DIR"`
	To  string `default:"${root}/scripts/comparison/results" help:"Folder to write to. Default: scripts/comparison/results." placeholder:"DIR"`
}

const exportHelp = `Write those files of a measurement that are committed: all runs in one compressed file, plan, predictions, report and figures.

From this folder, scripts/compare report makes the same report, to the byte, and scripts/compare plan takes the
times of pictures. The folder's README.md describes its files.`

// committable is the maximum size of an export in bytes, compressed runs and everything else.
const committable = 3 << 20

// run writes the export and replaces an earlier one of the same measurement.
func (o *exportOptions) run(stdout io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	runs, err := measurement.Load(o.Dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(runs) == 0 {
		return fmt.Errorf("%s has no runs: name the folder that scripts/compare --out made", o.Dir)
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.To, 0o755); err != nil { //nolint:gosec // results may be read by everybody
		return fmt.Errorf("the export can't be written: %w", err)
	}
	size := 0
	write := func(name string, b []byte) error {
		size += len(b)
		return os.WriteFile(filepath.Join(o.To, name), b, 0o644) //nolint:gosec // results may be read by everybody
	}
	for _, name := range measurement.OtherFiles() {
		b, err := os.ReadFile(filepath.Join(o.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			err = os.Remove(filepath.Join(o.To, name)) // of an earlier export
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
		} else if err == nil {
			err = write(name, b)
		}
		if err != nil {
			return fmt.Errorf("the export can't be written: %w", err)
		}
	}
	var archive bytes.Buffer
	if err := measurement.WriteArchive(&archive, runs); err != nil {
		return err
	}
	if err := write(measurement.ArchiveFile, archive.Bytes()); err != nil {
		return fmt.Errorf("the export can't be written: %w", err)
	}
	document, err := report.Make(o.To) // from the export, which shows that it suffices
	if err != nil {
		return err
	}
	if err := writeReport(document, write); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(o.To, "figures"), 0o755); err != nil { //nolint:gosec // results may be read by everybody
		return fmt.Errorf("the export can't be written: %w", err)
	}
	for name, svg := range document.Figures() {
		if err := write(filepath.Join("figures", name+".svg"), svg); err != nil {
			return fmt.Errorf("the export can't be written: %w", err)
		}
	}
	if w := document.Warning(); w != "" {
		fmt.Fprintln(stdout, w)
	}
	fmt.Fprintf(stdout, "%d runs are exported to %s: %.1f MiB, of which the runs are %.1f MiB.\n", len(runs), o.To, float64(size)/(1<<20), float64(archive.Len())/(1<<20))
	if size > committable {
		fmt.Fprintf(stdout, "This is more than %d MiB, which the repository allows for it.\n", committable>>20)
	}
	return nil
}

// check returns an error if the export would replace runs or predictions.
func (o *exportOptions) check() error {
	if _, err := os.Stat(filepath.Join(o.To, "runs")); err == nil {
		return fmt.Errorf("%s is an output folder with runs, which an export doesn't replace: name another folder with --to", o.To)
	}
	committed, err := os.ReadFile(filepath.Join(o.To, measurement.PredictionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	measured, err := os.ReadFile(filepath.Join(o.Dir, measurement.PredictionsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(committed, measured) {
		return fmt.Errorf("%s has other predictions than %s. They were committed before runs that they predict, so they are not replaced: name another folder with --to", o.To, o.Dir)
	}
	return nil
}
