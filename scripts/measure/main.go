// Command measure implements scripts/bench: it measures the project on this machine and writes tables, with
// the machine, the load and the command of each measurement.
//
// Compared alternatives run in turn, A B A B, in separate processes, so that noise of the machine
// affects both sides equally and neither inherits memory or warm caches from the other. To add a
// benchmark, write a function from a session to a text, add an entry to benchmarks and, if needed,
// one to children.
package main

import (
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

	"github.com/atelier-go/atelier/pkg/commandline"
)

type options struct {
	What   []string `arg:"" optional:"" help:"Benchmarks to run; default: all."`
	Quick  bool     `help:"Try the benchmarks in seconds instead of minutes; the figures are meaningless."`
	Rounds int      `help:"Number of rounds in which the alternatives run in turn. Default: 5, or 1 with --quick." placeholder:"N"`
	Model  string   `default:"${root}/model/atelier" help:"Folder of the SavedModel." placeholder:"DIR"`
	Note   string   `help:"Text for the conditions, such as other load of the machine." placeholder:"TEXT"`
	Out    string   `help:"Markdown file in which new sections replace old ones. Default: scripts/bench-results.md, or none with --quick." placeholder:"FILE"`

	Teacher  string `env:"ATELIER_TEACHER" help:"Folder with Magenta's two SavedModels, transformer and style_predictor, for comparison; see scripts/baseline/README.md for where to get them. Default: the folder teacher in --training." placeholder:"DIR"`
	Training string `env:"ATELIER_TRAINING" help:"The training folder with content, style and teacher, for the benchmark model." placeholder:"DIR"`
	Cgroup   string `help:"A delegated control group (version 2) in which the benchmark lambda makes groups. Default: the root group, which requires root." placeholder:"DIR"`

	Dir        string `env:"ATELIER_BENCH_DIR" hidden:"" help:"An empty folder on the disk to be measured."`
	Bin        string `default:"${root}/bin" hidden:"" help:"Folder of the project's programs."`
	Samples    string `env:"ATELIER_SAMPLES" hidden:"" help:"Folder of the photographs."`
	TensorFlow string `name:"tensorflow" env:"ATELIER_LIBTENSORFLOW" hidden:"" help:"Folder of the library."`
	ONNX       string `name:"onnx" env:"ATELIER_BENCH_ONNX" hidden:"" help:"Path of this program built with ONNX Runtime."`
	ORT        string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" hidden:"" help:"Folder of the library."`
	Python     string `env:"ATELIER_BASELINE" hidden:"" help:"Python with TensorFlow."`
	Root       string `default:"${root}" hidden:"" help:"The checkout."`
}

// A benchmark is one section of the report.
type benchmark struct {
	name  string
	title string
	teach string // for --help: what is measured and how to read it
	run   func(context.Context, *session) (string, error)
}

var benchmarks = []benchmark{
	{"model", "Quality and cost of the shipped model", modelHelp, shippedModel},
	{"decoder", "Decoding in a process of its own", decoderHelp, decoderCost},
	{"submissions", "Durable submissions", submissionsHelp, submissions},
	{"start", "Process start to first picture", startHelp, start},
	{"coldstart", "A start from NFS", coldStartHelp, coldStart},
	{"memory", "Memory", memoryHelp, memory},
	{"threads", "Threads and concurrent pictures", threadsHelp, threads},
	{"lambda", "With the shares of Lambda functions", lambdaHelp, inLambda},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	do := run
	if len(os.Args) > 1 && os.Args[1] == childArg {
		do = runChild
	}
	if err := do(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var o options
	command, err := commandline.Parse(&o, args, getenv, stdout, stderr,
		kong.Name("scripts/bench"), kong.Description(description(args)), kong.Vars{"root": getenv("ATELIER_ROOT")})
	if command == nil {
		return err
	}
	chosen, err := choose(o.What)
	if err != nil {
		return err
	}
	if err := o.complete(); err != nil {
		return err
	}
	var sections []section
	var errs []error
	for _, b := range chosen {
		s := &session{options: o, name: b.name, stderr: stderr}
		section, err := s.measure(ctx, b, args)
		if ctx.Err() != nil {
			return errors.New("interrupted; nothing was written")
		}
		if lack := new(unavailable); errors.As(err, &lack) && !slices.Contains(o.What, b.name) {
			fmt.Fprintf(stderr, "bench: %s: left out: %v\n", b.name, err)
			continue
		}
		if err != nil { // the other benchmarks are still run
			errs = append(errs, fmt.Errorf("%s: %w", b.name, err))
			continue
		}
		fmt.Fprintln(stdout, section.text)
		sections = append(sections, section)
	}
	if o.Out != "" && len(sections) > 0 {
		if err := writeInto(o.Out, sections); err != nil {
			errs = append(errs, err)
		} else {
			fmt.Fprintln(stderr, "bench: written into", o.Out)
		}
	}
	return errors.Join(errs...)
}

// choose returns the benchmarks with these names, in their own order.
func choose(names []string) (chosen []benchmark, err error) {
	for _, name := range names {
		if name != "all" && !slices.ContainsFunc(benchmarks, func(b benchmark) bool { return b.name == name }) {
			return nil, fmt.Errorf("there is no benchmark %q (see --help)", name)
		}
	}
	for _, b := range benchmarks {
		if len(names) == 0 || slices.Contains(names, "all") || slices.Contains(names, b.name) {
			chosen = append(chosen, b)
		}
	}
	return chosen, nil
}

// complete sets the defaults of options that were not given.
func (o *options) complete() error {
	if o.Rounds < 0 {
		return fmt.Errorf("--rounds %d: use 1 or more", o.Rounds)
	}
	if o.Rounds == 0 {
		o.Rounds = 5
		if o.Quick {
			o.Rounds = 1
		}
	}
	if o.Out == "" && !o.Quick {
		o.Out = filepath.Join(o.Root, "scripts", "bench-results.md")
	}
	if o.Teacher == "" && o.Training != "" {
		o.Teacher = filepath.Join(o.Training, "teacher")
	}
	if o.Dir == "" {
		return errors.New("there is no working folder: run scripts/bench, which makes one")
	}
	return nil
}

const introduction = `Measures the project on this machine and writes the figures, with machine, load
and command, to scripts/bench-results.md: each run of a benchmark replaces its section
there. All benchmarks take %s.

Compared alternatives run in turn, in the same minutes and on the same disk, and the
result is the median of the rounds' ratios (followed by the minimum and the maximum).
The goals are the project's own.
`

// description returns the help text: of the named benchmarks, or a list of all.
func description(args []string) string {
	var b strings.Builder
	for _, bench := range benchmarks {
		if slices.Contains(args, bench.name) {
			fmt.Fprintf(&b, "%s: %s\n\n%s\n\n", bench.name, bench.title, bench.teach)
		}
	}
	if b.Len() > 0 {
		return strings.TrimSpace(b.String())
	}
	fmt.Fprintf(&b, introduction, "about an hour on 2 cores")
	for _, bench := range benchmarks {
		fmt.Fprintf(&b, "\n  %-12s %s", bench.name, bench.title)
	}
	b.WriteString("\n\nSee scripts/bench NAME --help for how a benchmark is measured and how to read it.")
	return b.String()
}
