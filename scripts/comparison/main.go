// Comparison implements scripts/compare: it measures, on this machine, every kind of compute that
// the project supports, makes reports of the results, and plans which kind to use for a given load.
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

	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

type options struct {
	measureOptions
	Measure struct{}       `cmd:"" default:"1" hidden:""` // the default command
	Report  reportOptions  `cmd:"" help:"Make the report of an output folder: report.html, report.md and report.json in it."`
	Export  exportOptions  `cmd:"" help:"${export}"`
	Predict predictOptions `cmd:"" help:"${predict}"`
}

type measureOptions struct {
	Out         string `default:"compare-out" help:"Output folder. If it holds an interrupted measurement, that measurement is continued." placeholder:"DIR"`
	Quick       bool   `help:"Try everything in less than three minutes. The figures are meaningless."`
	Only        string `help:"Measure only variants whose names match PATTERN, such as 'service-onnx-*'. The plan in the output folder then has no other variants." placeholder:"PATTERN"`
	Calibrate   bool   `help:"Make only those planned runs that scripts/compare predict needs: workers alone, and systems at a steady rate. Needed only with --only, because a whole measurement begins with them."`
	Repetitions int    `help:"Number of repetitions of the plan; --list shows which variants have fewer runs. Default: 10, or 1 with --quick. A folder with 10 can be continued to 15 and then to 20: only variants whose intervals are too wide get further runs." placeholder:"N"`
	RetryVoid   int    `help:"Repeat void runs after all other runs, at most N times." placeholder:"N"`
	Trace       string `help:"Measure under recorded instead of synthetic arrivals: a CSV file with a column arrival_s in seconds, sorted. The output does not include its rows." placeholder:"CSV"`
	Teacher     string `env:"ATELIER_TEACHER" help:"Folder with Magenta's network, which some variants need; see scripts/baseline/README.md for where to get it." placeholder:"DIR"`
	List        bool   `help:"Print the name of each variant, the number and the expected duration of its runs, and the total, without measuring."`
	Seed        uint64 `default:"20" help:"Seed for the order of runs and for arrivals. A measurement that is continued keeps its seed." placeholder:"N"`

	Cgroup string `help:"A delegated control group (version 2), in which functions are limited to their share of the processors. Default: the root group, which requires root." placeholder:"DIR"`

	Scratch     string `env:"ATELIER_COMPARE_DIR" hidden:"" help:"An empty folder on the disk to be measured."`
	Bin         string `default:"${root}/bin" hidden:"" help:"Folder of the project's programs."`
	Model       string `default:"${root}/model/atelier" hidden:"" help:"Folder of the model."`
	Samples     string `env:"ATELIER_SAMPLES" hidden:"" help:"Folder of the photographs."`
	Python      string `env:"ATELIER_BASELINE" hidden:"" help:"Python with TensorFlow."`
	TensorFlow  string `name:"tensorflow" env:"ATELIER_LIBTENSORFLOW" hidden:"" help:"Folder of the library."`
	ONNXRuntime string `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" hidden:"" help:"Folder of the library."`
	Root        string `default:"${root}" hidden:"" help:"The checkout."`
}

const description = `Measures, on this machine, each kind of compute that can paint pictures:

  service      one worker alone, one picture after the other: the first picture of its process and
               later ones, with each engine, in several sizes, also limited to the processors and
               the memory of a Lambda function (control groups, which require root), started with
               none of its files in the page cache, and from a network file system (scripts/nfs)
  daemon       API server, queue and worker-daemon
  ministack    the functions in MiniStack, an emulator of AWS
  synchronous  a function that paints within the request
  concurrent   a function whose environments handle several events at once, as on Lambda
               Managed Instances, which AWS does not support for Go: hypothetical
  flask        a Python server (scripts/setup --bench installs what it needs)

A variant is one of these with an engine, a size, a memory and a load; --list prints their names.
The load generator sends jobs whether earlier ones are finished or not (an open loop): at a steady
rate, at random (Poisson), in bursts with silences between them, and like published image jobs
(synthetic) or, with --trace, as recorded. Each repetition makes one run of each variant, in random
order; variants for which --list prints fewer runs are not in every repetition. Each run restarts
its programs. A run is void, and its file has the reason, if the load generator was late (99th
percentile over 5 ms), if other virtual machines took more than 2% of the processor time (steal),
if more than half of the processor time was used under load, if files that were to be removed from
the page cache stayed there, or if jobs failed.

A whole measurement has two phases. The first makes the runs of workers alone and of systems at a
steady rate, predicts all other runs from them, and prints the commands that commit the
predictions. The second phase makes the predicted runs. To start it, repeat the same command, soon
and on the same idle machine; it is refused unless the checkout has these predictions committed.

Ctrl-C keeps what was measured: repeat the same command to continue, even on another day, and
to repeat void runs. --list shows how long it takes. The folder that --out names has one file of
JSON lines for each run, in runs/.

See scripts/compare plan --help for how to choose the compute for your own load.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	do := run
	switch {
	case len(os.Args) > 2 && os.Args[1] == measurement.FrontArg:
		do = func(ctx context.Context, args []string, _ func(string) string, _, _ io.Writer) error {
			return measurement.ServeFront(ctx, args[1])
		}
	case len(os.Args) > 2 && os.Args[1] == measurement.OnNFSArg:
		do = func(ctx context.Context, args []string, getenv func(string) string, stdout, _ io.Writer) error {
			return measurement.OnNFS(ctx, args[1], getenv("NFS_A"), getenv("NFS_B"), stdout)
		}
	}
	if err := do(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		if bad := (*plan.InputError)(nil); errors.As(err, &bad) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "plan" {
		return runPlan(ctx, args[1:], getenv, stdout, stderr)
	}
	var o options
	command, err := commandline.Parse(&o, args, getenv, stdout, stderr, kong.Name("scripts/compare"), kong.Description(description),
		kong.Vars{"root": getenv("ATELIER_ROOT"), "predict": predictHelp, "export": exportHelp})
	if command == nil {
		return err
	}
	switch command.Command() {
	case "report <dir>":
		return o.Report.run(stdout)
	case "export <dir>":
		return o.Export.run(stdout)
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
		return errors.New("there is no working folder: start the program with scripts/compare, which makes one")
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
		fmt.Fprintln(stdout, "Not for decisions: with --quick the figures are meaningless.")
	}
	campaign := measurement.Campaign{
		Folder: folder, Machine: machine.Describe(ctx, c.Root, c.Scratch), Measure: programs.Measure, Progress: stderr,
		Command: command(args), Trace: trace, RetryVoid: c.RetryVoid, Calibrating: c.Calibrate,
	}
	phases := c.whole() && !c.Calibrate
	if phases {
		predicted, err := c.predicted(ctx, args)
		if err != nil {
			return err
		}
		campaign.Calibrating = !predicted
		if strings.HasSuffix(campaign.Machine.Commit, "with changes") {
			fmt.Fprintln(stderr, "compare: the checkout has uncommitted changes, so the report will not name exactly what was measured")
		}
	}
	s, err := campaign.Run(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %d runs were made and are kept, %d are missing; repeat the same command to continue", s.Made, s.Left)
	}
	fmt.Fprintf(stdout, "%d runs were made, of which %d are void; %d are missing. The runs are in %s.\n", s.Made, s.Void, s.Left, filepath.Join(c.Out, "runs"))
	if s.Left > s.Unable && err == nil {
		fmt.Fprintln(stdout, "Repeat the same command to make the missing runs.")
	}
	if !c.Quick {
		fmt.Fprint(stdout, measurement.Advice(s.Looks))
	}
	if err == nil && phases && campaign.Calibrating {
		folder.Close() // for the prediction
		return c.predict(ctx, args, s, trace, stdout)
	}
	return err
}

// command returns the command line of this program's arguments.
func command(args []string) string {
	return strings.Join(append([]string{"scripts/compare"}, args...), " ")
}
