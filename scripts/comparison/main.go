// Comparison is what scripts/compare runs: it measures every kind of compute that the project
// has on this machine, reports on it, and plans which to choose for one's own load.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

type options struct {
	measureOptions
	Measure struct{}       `cmd:"" default:"1" hidden:""` // what is done without a command
	Report  reportOptions  `cmd:"" help:"Make the report of an output folder: report.html, report.md and report.json in it."`
	Predict predictOptions `cmd:"" help:"${predict}"`
}

type measureOptions struct {
	Out         string `default:"compare-out" help:"Output folder. Where it holds a measurement that was interrupted, that one goes on." placeholder:"DIR"`
	Quick       bool   `help:"Try everything out: under three minutes, and figures that mean nothing."`
	Only        string `help:"Only variants whose names match PATTERN, such as 'service-onnx-*'. The output folder's plan has no others then." placeholder:"PATTERN"`
	Calibrate   bool   `help:"Of the plan, make only the runs that scripts/compare predict needs: workers alone, and systems at a steady rate. The same command without it makes the others."`
	Repetitions int    `help:"Runs of each variant. Default: 10, and 1 with --quick. A folder that has 10 can go on to 15, and to 20, with the variants whose intervals are wider than asked." placeholder:"N"`
	RetryVoid   int    `help:"Make runs that are void again, after all others, N times at most." placeholder:"N"`
	Trace       string `help:"Also a recorded pattern of arrivals: a CSV file with a column arrival_s, seconds, sorted. Its rows are not in the output." placeholder:"CSV"`
	Teacher     string `env:"ATELIER_TEACHER" help:"Folder with Magenta's network, which some variants are of; scripts/baseline/README.md says where to get it." placeholder:"DIR"`
	List        bool   `help:"Print the variants' names, how long a run of each is expected to take, and the sum; measure nothing."`
	Seed        uint64 `default:"20" help:"Of the order of runs and of arrivals. In an output folder that holds a measurement its own seed counts." placeholder:"N"`

	Cgroup string `help:"A delegated control group (version 2), in which functions are held to their share of the processors. Default: the root, which takes root." placeholder:"DIR"`

	Scratch     string `env:"ATELIER_COMPARE_DIR" hidden:"" help:"An empty folder, on the disk that is to be measured."`
	Bin         string `default:"${root}/bin" hidden:"" help:"Where the project's programs are."`
	Model       string `default:"${root}/model/atelier" hidden:"" help:"Folder of the model."`
	Samples     string `env:"ATELIER_SAMPLES" hidden:"" help:"Folder of the photographs."`
	Python      string `env:"ATELIER_BASELINE" hidden:"" help:"Python with TensorFlow."`
	TensorFlow  string `name:"tensorflow" env:"ATELIER_LIBTENSORFLOW" hidden:"" help:"Folder of the library."`
	ONNXRuntime string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" hidden:"" help:"Folder of the library."`
	Root        string `default:"${root}" hidden:"" help:"The checkout."`
}

const description = `Measures, on this machine, each kind of compute that could paint the pictures:

  service      one worker alone, one picture after the other: the first of its process and
               later ones, with each engine, in several sizes, and held to the processors and the
               memory of a Lambda function (control groups, which take root); started, too, with
               nothing of it in the page cache, and from a network file system (scripts/nfs)
  daemon       API server, queue and worker-daemon
  ministack    the functions in MiniStack, a stand-in for AWS
  synchronous  a function that paints within the request
  concurrent   a function whose environments handle several events at once, as on Lambda
               Managed Instances, where AWS does not offer it for Go: hypothetical
  flask        a Python server (scripts/setup --bench installs what it needs)

Systems are under load from arrivals that don't wait for responses (an open loop): steady,
at random (Poisson), in bursts after silence, as published image jobs (synthetic), and, with
--trace, as recorded. Each run starts its programs afresh, and the order is drawn by chance
within each repetition. A run is void, and its file tells why, where the sender lagged (its
99th percentile over 5 ms), where the machine was taken away for more than 2% of the time
(steal), where more than half of the processors were in use under load, where the page cache
was not empty though it should have been, or where jobs failed.

Ctrl-C keeps what was measured: the same command goes on from there, on another day too, and
makes void runs again. --list tells how long it takes. --out has a file of JSON lines for
each run, in runs/.

scripts/compare plan --help tells how to choose the compute for one's own load.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	do := run
	switch {
	case len(os.Args) > 2 && os.Args[1] == measurement.FrontArg:
		do = func(ctx context.Context, args []string, _, _ io.Writer) error {
			return measurement.ServeFront(ctx, args[1])
		}
	case len(os.Args) > 2 && os.Args[1] == measurement.OnNFSArg:
		do = func(ctx context.Context, args []string, stdout, _ io.Writer) error {
			return measurement.OnNFS(ctx, args[1], stdout)
		}
	}
	if err := do(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		if bad := (*plan.InputError)(nil); errors.As(err, &bad) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "plan" {
		return runPlan(ctx, args[1:], stdout, stderr)
	}
	var o options
	parser, err := kong.New(&o, kong.Name("scripts/compare"), kong.Description(description),
		kong.Vars{"root": os.Getenv("ATELIER_ROOT"), "predict": predictHelp}, kong.Writers(stdout, stderr), kong.UsageOnError())
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	switch command.Command() {
	case "report <dir>":
		return o.Report.run(stdout)
	case "predict <dir>":
		trace, err := o.trace()
		if err != nil {
			return err
		}
		return o.Predict.run(ctx, o.Root, trace, stdout)
	}
	return o.run(ctx, args, stdout, stderr)
}

func (c *measureOptions) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	trace, err := c.trace()
	if err != nil {
		return err
	}
	plan, err := c.plan(trace)
	if err != nil {
		return err
	}
	if c.List {
		list(stdout, plan)
		return nil
	}
	if c.Scratch == "" {
		return errors.New("no folder to work in: start it as scripts/compare, which makes one")
	}
	folder, err := measurement.Open(c.Out, plan)
	if err != nil {
		return err
	}
	defer folder.Close()
	programs := measurement.Programs{
		Root: c.Root, Bin: c.Bin, Model: c.Model, Samples: c.Samples, Python: c.Python, Scratch: c.Scratch, Cgroup: c.Cgroup,
		TensorFlow: c.TensorFlow, ONNXRuntime: c.ONNXRuntime, Teacher: c.Teacher, Trace: trace,
	}
	if c.Quick {
		fmt.Fprintln(stdout, "Not for decisions: with --quick the figures mean nothing.")
	}
	campaign := measurement.Campaign{
		Folder: folder, Machine: machine.Describe(ctx, c.Root, c.Scratch), Measure: programs.Measure, Progress: stderr,
		Command: strings.Join(append([]string{"scripts/compare"}, args...), " "),
		Trace:   trace, RetryVoid: c.RetryVoid,
	}
	campaign.Calibrating = c.Calibrate
	s, err := campaign.Run(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %d runs were made now and are kept, %d are missing; the same command goes on from there", s.Made, s.Left)
	}
	fmt.Fprintf(stdout, "%d runs were made, of which %d are void; %d are missing. They are in %s.\n", s.Made, s.Void, s.Left, filepath.Join(c.Out, "runs"))
	if s.Left > 0 && err == nil {
		fmt.Fprintln(stdout, "The same command makes those that are missing.")
	}
	if !c.Quick {
		fmt.Fprint(stdout, measurement.Advice(s.Looks))
	}
	return err
}
