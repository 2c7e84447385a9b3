// Measure is what scripts/bench runs: it measures the engine on this machine and
// writes tables that say on which machine, under which load and by which command
// they came about.
//
// Each figure comes from a child process (this program again), so that one
// measurement doesn't inherit the memory, the threads or the warm caches of
// another. A new benchmark is a function from options to a section, an entry in
// benchmarks, and, if it needs one, an entry in children.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

type options struct {
	What  []string `arg:"" optional:"" help:"start, memory, threads or all (the default)."`
	Quick bool     `help:"A minute instead of ten: fewer runs, less to rely on."`
	Model string   `default:"${model}" help:"Folder of the SavedModel." placeholder:"DIR"`
	Note  string   `help:"Recorded among the conditions: what else the machine was doing." placeholder:"TEXT"`
	Out   string   `help:"Write the tables as Markdown to FILE. A complete run that is not quick writes scripts/bench-results.md." placeholder:"FILE"`
}

const description = `Benchmarks of the engine.

start    process start to the first image of 256 x 256 pixels
memory   memory over many mixed images, and what one image of each size needs
threads  images per second by TensorFlow's threads and concurrent images`

// A section is the outcome of one benchmark, in Markdown.
type section struct {
	title string
	text  string
}

type benchmark struct {
	name string
	run  func(context.Context, options) (section, error)
}

var benchmarks = []benchmark{{"start", start}, {"memory", memory}, {"threads", threads}}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	do := run
	if len(os.Args) > 1 && os.Args[1] == childArg {
		do = runChild
	}
	if err := do(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := os.Getenv("ATELIER_ROOT")
	var o options
	parser, err := kong.New(&o, kong.Name("scripts/bench"), kong.Description(description),
		kong.Vars{"model": filepath.Join(root, "model", "atelier")})
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	all := len(o.What) == 0 || slices.Contains(o.What, "all")
	for _, what := range o.What {
		if what != "all" && !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == what }) {
			return fmt.Errorf("there is no benchmark %q: there are start, memory, threads and all", what)
		}
	}
	if o.Out == "" && all && !o.Quick {
		o.Out = filepath.Join(root, "scripts", "bench-results.md")
	}

	var report bytes.Buffer
	out := io.MultiWriter(stdout, &report)
	fmt.Fprintf(out, "# Benchmarks\n\n%s\n", conditions(ctx, root, args, o.Note))
	var errs []error
	for _, b := range benchmarks {
		if !all && !slices.Contains(o.What, b.name) {
			continue
		}
		fmt.Fprintf(stderr, "bench: %s ...\n", b.name)
		before := loadAverage()
		s, err := b.run(ctx, o)
		if ctx.Err() != nil {
			return errors.New("interrupted; nothing was written")
		}
		if err != nil { // the other benchmarks still count
			errs = append(errs, fmt.Errorf("%s: %w", b.name, err))
			continue
		}
		fmt.Fprintf(out, "\n## %s\n\n%s\nLoad average before: %s; after: %s.\n", s.title, s.text, before, loadAverage())
	}
	if len(errs) == 0 && o.Out != "" {
		errs = append(errs, os.WriteFile(o.Out, report.Bytes(), 0o666))
		fmt.Fprintln(stderr, "bench: written to", o.Out)
	}
	return errors.Join(errs...)
}

// table lays rows out for a terminal and for Markdown alike. The first is the head.
func table(rows ...[]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %*s ", widths[i], cell)
		}
		b.WriteString("|\n")
	}
	line(rows[0])
	for _, w := range widths {
		b.WriteString("|" + strings.Repeat("-", w+1) + ":")
	}
	b.WriteString("|\n")
	for _, row := range rows[1:] {
		line(row)
	}
	return b.String()
}
