package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/comparison/report"
)

type reportOptions struct {
	Dir string `arg:"" help:"Output folder of a measurement, as --out names it." placeholder:"DIR"`
}

// run writes the report beside the runs and replaces an earlier one.
func (o *reportOptions) run(stdout io.Writer) error {
	document, err := report.Make(o.Dir)
	if err != nil {
		return err
	}
	for _, form := range []struct {
		name  string
		write func(io.Writer) error
	}{{"report.html", document.HTML}, {"report.md", document.Markdown}, {"report.json", document.JSON}} {
		var b bytes.Buffer
		if err := form.write(&b); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
		if err := os.WriteFile(filepath.Join(o.Dir, form.name), b.Bytes(), 0o644); err != nil { //nolint:gosec // a report may be read by everybody
			return fmt.Errorf("the report can't be written: %w", err)
		}
	}
	if w := document.Warning(); w != "" {
		fmt.Fprintln(stdout, w)
	}
	fmt.Fprintf(stdout, "The report is in %s; report.md and report.json beside it have the same tables.\n", filepath.Join(o.Dir, "report.html"))
	return nil
}
