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
	if err := writeReport(document, func(name string, b []byte) error {
		return os.WriteFile(filepath.Join(o.Dir, name), b, 0o644) //nolint:gosec // a report may be read by everybody
	}); err != nil {
		return err
	}
	if w := document.Warning(); w != "" {
		fmt.Fprintln(stdout, w)
	}
	fmt.Fprintf(stdout, "The report is in %s; report.md and report.json beside it have the same tables.\n", filepath.Join(o.Dir, "report.html"))
	return nil
}

// writeReport writes the report in its three formats.
func writeReport(document *report.Document, file func(name string, b []byte) error) error {
	for _, form := range []struct {
		name  string
		write func(io.Writer) error
	}{{"report.html", document.HTML}, {"report.md", document.Markdown}, {"report.json", document.JSON}} {
		var b bytes.Buffer
		if err := form.write(&b); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
		if err := file(form.name, b.Bytes()); err != nil {
			return fmt.Errorf("the report can't be written: %w", err)
		}
	}
	return nil
}
