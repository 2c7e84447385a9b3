//go:build linux

// Command faultinjection breaks a running stack on purpose, and checks that no job was lost: real servers, daemons and
// functions with a small network, a queue over HTTP that misbehaves to order, and a shared directory. scripts/chaos
// builds what it needs and starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/alecthomas/kong"
)

type options struct {
	Scenarios []string `short:"s" sep:"," placeholder:"NAME" help:"Only these scenarios; --list names them. Default: all."`
	Seed      uint64   `default:"1" help:"Decides which faults there are and when. The same seed makes the same faults at the same times; which call of a process one hits is up to the system."`
	Jobs      int      `placeholder:"N" help:"Jobs of each scenario. Default: by the scenario, some hundreds."`
	Times     int      `placeholder:"N" help:"How often each scenario breaks something, on average. Default: by the scenario, some dozens."`
	Long      bool     `help:"Ten times as many jobs and faults: 10,000 jobs and 1,000 kills in the scenario kill. Takes hours in all."`
	Out       string   `placeholder:"FILE" help:"Write the table of results there too."`
	Keep      bool     `help:"Keep the folders of all scenarios, with logs and the shared directory, not only of those that fail."`
	List      bool     `help:"Only name the scenarios, with what each breaks."`

	Bin         string `hidden:"" env:"ATELIER_BIN"`
	Root        string `hidden:"" env:"ATELIER_ROOT"`
	ONNXRuntime string `hidden:"" env:"ATELIER_ONNXRUNTIME"`
	Folder      string `hidden:"" env:"ATELIER_CHAOS_DIR"`
	Result      string `hidden:"" help:"File for the one result, in JSON: inside scripts/nfs."`
}

const description = `Breaks a running stack on purpose, and checks that no job was lost.

Each scenario starts API servers, worker daemons or functions, as they are deployed, on a
shared directory and a queue of its own, submits jobs, and breaks one kind of thing
meanwhile. When all jobs have ended it checks that

  - every accepted job is there, and none is unfinished 5 minutes after the last fault;
  - all have succeeded, but for pictures that are faulty on purpose, and each result is,
    byte for byte, what an undisturbed run makes;
  - a run has one outcome, which never changes, and no ETag has two contents;
  - in the shared directory, which is walked, there are whole jobs and their index
    entries alone: no temporary files, drafts, or names of jobs that are no more.

  scripts/chaos --list
  scripts/chaos --scenarios kill,purge --seed 7
  scripts/chaos --long --out table.md

Ctrl-C ends all processes and prints what is known by then. The exit status is 1 where a
check failed; the folder of such a scenario stays, with its logs. The network is a small
stand-in, since this is not about pictures.`

func main() {
	var o options
	k := kong.Parse(&o, kong.Name("scripts/chaos"), kong.Description(description))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends this process, and so all others
	k.FatalIfErrorf(o.run(ctx))
}

// run tries the scenarios one after the other. What could be found out is printed also when ctx ends.
func (o *options) run(ctx context.Context) error {
	chosen, err := choose(o.Scenarios)
	if err != nil {
		return err
	}
	if o.List {
		for _, sc := range chosen {
			fmt.Printf("%-16s %s\n", sc.name, sc.breaks)
		}
		return nil
	}
	if o.Seed == 0 || o.Jobs < 0 || o.Times < 0 {
		return errors.New("--seed must be from 1, --jobs and --times not negative")
	}
	show := newProgress(os.Stderr)
	for _, sc := range chosen {
		show.expect(sc.name, o.size(sc).duration(sc))
	}
	var results []*result
	failed := 0
	for _, sc := range chosen {
		r := o.try(ctx, sc, show)
		results = append(results, r)
		show.result(r)
		if !r.ok() {
			failed++
		}
		if ctx.Err() != nil {
			break
		}
	}
	if o.Result != "" {
		return writeResult(o.Result, results[0])
	}
	text := table(results)
	fmt.Print("\n", text)
	if o.Out != "" {
		err = os.WriteFile(o.Out, []byte(text), 0o644) //nolint:gosec // results are for everybody
	}
	switch {
	case ctx.Err() != nil:
		err = errors.Join(err, fmt.Errorf("interrupted after %d of %d scenarios", len(results), len(chosen)))
	case failed > 0:
		err = errors.Join(err, fmt.Errorf("%d of %d scenarios failed", failed, len(results)))
	}
	return err
}

// library is ONNX Runtime's file.
func (o *options) library() (string, error) {
	files, _ := filepath.Glob(filepath.Join(o.ONNXRuntime, "lib", "libonnxruntime.so.*.*")) // the pattern is right
	if o.ONNXRuntime == "" || len(files) == 0 {
		return "", errors.New("ONNX Runtime is not installed: run scripts/setup")
	}
	return files[0], nil
}
