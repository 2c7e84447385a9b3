//go:build linux

// Command faultinjection breaks a running stack on purpose, and checks that no job was lost. The stack has real API
// servers, daemons and functions with a small network, a queue over HTTP that fails as configured, a bucket, and a
// shared directory. scripts/chaos builds the programs and starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

type options struct {
	Scenarios []string `short:"s" sep:"," placeholder:"NAME" help:"Only these scenarios; --list names them. Default: all."`
	Seed      uint64   `placeholder:"N" help:"Seed of the random numbers that choose the faults and their times. The same seed gives the same faults at the same times, but what a process does at that moment varies. Default: a random one, which is printed."`
	Jobs      int      `placeholder:"N" help:"Jobs of each scenario. Default: by the scenario, some hundreds."`
	Times     int      `placeholder:"N" help:"How often each scenario breaks something, on average. Default: by the scenario, some dozens."`
	Long      bool     `help:"Ten times as many jobs and faults: 10,000 jobs and 1,000 kills in the scenario kill, which takes a quarter of an hour. Takes hours in all."`
	Out       string   `placeholder:"FILE" help:"Markdown file in which the rows of these scenarios are replaced, such as scripts/chaos-results.md."`
	Keep      bool     `help:"Keep the folders of all scenarios, with logs and the shared directory, not only of those that fail."`
	List      bool     `help:"Only name the scenarios, with what each breaks."`

	Bin         string `hidden:"" env:"ATELIER_BIN"`
	Root        string `hidden:"" env:"ATELIER_ROOT"`
	ONNXRuntime string `hidden:"" env:"ATELIER_ONNXRUNTIME"`
	MiniStack   string `hidden:"" env:"ATELIER_MINISTACK"`
	Folder      string `hidden:"" env:"ATELIER_CHAOS_DIR"`
	Result      string `hidden:"" help:"File for the one result, in JSON: inside scripts/nfs."`
	nfs         nfsLab
}

// An nfsLab has the folders of scripts/nfs: the file system as each of its two clients sees it, and the same on the
// server's disk. server is the program that stops and starts the file server. All are empty outside scripts/nfs.
type nfsLab struct{ a, b, disk, server string }

const description = `Breaks a running stack on purpose, and checks that no job was lost.

Each scenario starts API servers, worker daemons or functions, as they are deployed, on a
shared directory, a queue and a bucket of its own, submits jobs, cancels, retries and erases
a part of them, and breaks one kind of thing meanwhile. Every sixth picture is uploaded to
the bucket first. When all jobs have ended it checks that

  - every accepted job is there, and none is unfinished 5 minutes after the last fault;
  - all have succeeded, except those that were canceled or whose pictures are faulty on
    purpose, and each result is, byte for byte, what an undisturbed run makes;
  - a run has one outcome, which never changes, a retried job has two runs, and no ETag
    has two contents;
  - of two jobs that are submitted with one upload at the same time, one is accepted;
  - an erased job is 410, and nothing of it is left in the shared directory or the bucket;
  - the shared directory has only whole jobs and their index entries: no temporary files,
    drafts, or names of jobs that are gone;
  - the bucket has the published pictures and no others, and the gallery shows all of
    them that are public.

Examples:

    scripts/chaos --list                             names the scenarios
    scripts/chaos                                    tries all of them, which takes some 20 minutes
    scripts/chaos --scenarios kill,purge             tries two
    scripts/chaos --scenarios kill --seed 7          the same faults again
    scripts/chaos --long --out scripts/chaos-results.md

Each run prints its seed. Where a check failed it prints what was wrong and the command
that repeats it, the exit status is 1, and the scenario's folder stays, with its log and
the shared directory. Ctrl-C ends all processes, removes what was made, and prints what
is known by then; a second one ends this program at once, and can leave a mount behind.

When a worker is killed while it has a single job in work, that is one of the job's three
attempts, whoever killed the worker. So --times should be at most a tenth of --jobs:
otherwise jobs that are not at fault are given up, and reported as wrong.

The network is a small stand-in, since the pictures do not matter here. The scenarios with
small disks and FUSE need root; a scenario that can't run on this machine is skipped, with
the reason. The scenario file-server runs in scripts/nfs.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends this process, and by that its children
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	removeProgram(os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "scripts/chaos: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer, stderr *os.File) error {
	o := options{nfs: nfsLab{getenv("NFS_A"), getenv("NFS_B"), getenv("NFS_DISK"), getenv("NFS_SERVER")}}
	command, err := commandline.Parse(&o, args, getenv, stdout, stderr, kong.Name("scripts/chaos"), kong.Description(description))
	if command == nil {
		return err
	}
	return o.run(ctx, stdout, stderr)
}

// removeProgram removes this program and its folder, both made by scripts/chaos. The folder stays if a scenario's
// folder is in it. Inside scripts/nfs nothing is removed: the program outside does that.
func removeProgram(getenv func(string) string) {
	self, err := os.Executable()
	if folder := getenv("ATELIER_CHAOS_DIR"); err == nil && getenv("NFS_A") == "" && filepath.Dir(self) == folder {
		_ = os.Remove(self) // otherwise it stays in a cache
		_ = os.Remove(folder)
	}
}

// run tries the scenarios one after the other. When ctx ends it prints what was found by then.
func (o *options) run(ctx context.Context, stdout io.Writer, stderr *os.File) error {
	chosen, err := choose(o.Scenarios)
	if err != nil {
		return err
	}
	if o.List {
		for _, sc := range chosen {
			fmt.Fprintf(stdout, "%-16s %s\n", sc.name, sc.breaks)
		}
		return nil
	}
	if o.Jobs < 0 || o.Times < 0 {
		return errors.New("--jobs and --times must not be negative")
	}
	if o.Seed == 0 {
		o.Seed = uint64(1 + rand.N(uint32(999_999)))
	}
	show := newProgress(stderr)
	fmt.Fprintf(stderr, "chaos: seed %d\n", o.Seed)
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
	where := o.where()
	fmt.Fprint(stdout, "\n", table(results, where))
	if o.Out != "" {
		err = writeDocument(o.Out, results, where)
	}
	switch {
	case ctx.Err() != nil:
		err = errors.Join(err, fmt.Errorf("interrupted after %d of %d scenarios", len(results), len(chosen)))
	case failed > 0:
		err = errors.Join(err, fmt.Errorf("%d of %d scenarios failed", failed, len(results)))
	}
	return err
}

// where returns the date, the commit and the machine.
func (o *options) where() string {
	m := machine.Describe(context.Background(), o.Root, o.Folder)
	return fmt.Sprintf("%s, commit %s, %s, %d cores, load %s", time.Now().UTC().Format(time.DateOnly), m.Commit, m.Processor, m.Cores, machine.LoadAverage())
}

// library returns the file of ONNX Runtime's library.
func (o *options) library() (string, error) {
	files, _ := filepath.Glob(filepath.Join(o.ONNXRuntime, "lib", "libonnxruntime.so.*.*")) // the pattern is right
	if o.ONNXRuntime == "" || len(files) == 0 {
		return "", errors.New("ONNX Runtime is not installed: run scripts/setup")
	}
	return files[0], nil
}
