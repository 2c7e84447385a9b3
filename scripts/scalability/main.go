//go:build linux

// Command scalability measures whether operations cost the same with millions of jobs as with a thousand, whether the
// retention keeps up, and whether the programs' memory and handles grow. scripts/scale builds and starts it.
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
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

type options struct {
	Parts []string `arg:"" optional:"" enum:"costs,retention,soak" help:"What to measure: costs, retention, soak. Default: all."`

	Jobs      int           `default:"100000" help:"Jobs in the large directory, submitted in one day unless --per-second says otherwise."`
	Small     int           `default:"1000" help:"Jobs in the small directory, with which the costs are compared."`
	PerSecond float64       `default:"0" placeholder:"N" help:"Rate at which the jobs were submitted, in jobs a second. Default: the rate that spreads them over a day. With 116 the folders are those of a part of a day with ten million jobs."`
	Owners    int           `default:"20" help:"Number of owners, who have equally many jobs."`
	Public    int           `default:"10" placeholder:"N" help:"Each Nth job of an owner is public; 0: none."`
	Share     int           `default:"1" placeholder:"N" help:"N jobs share the files of their pictures, by hard links: they take fewer inodes and bytes."`
	Dir       string        `placeholder:"DIR" help:"Folder in which the directories are made, each in a folder of its own. Default: the cache."`
	Keep      bool          `help:"Keep the directories, so that the next run does not make them again. A directory from which the retention has removed jobs is always removed."`
	Delay     time.Duration `placeholder:"TIME" help:"Added to each call to the file server, like the time of a network, such as 1ms."`
	Rate      float64       `default:"116" help:"Submissions a second while the retention is measured."`
	Window    time.Duration `default:"5s" help:"How long the retention runs, and pauses, in turn."`
	Windows   int           `default:"10" help:"How often the retention runs, at most."`
	Soak      time.Duration `default:"1m" help:"How long the programs run under mixed load."`
	SoakRate  float64       `default:"10" help:"Submissions a second in the soak."`
	Seed      uint64        `default:"1" help:"Seed of the ids."`
	Out       string        `placeholder:"FILE" help:"Markdown file in which new sections replace old ones."`

	Root        string   `hidden:"" env:"ATELIER_ROOT"`
	Bin         string   `hidden:"" env:"ATELIER_BIN"`
	ONNXRuntime string   `hidden:"" env:"ATELIER_ONNXRUNTIME"`
	Cache       string   `hidden:"" env:"ATELIER_SCALE_DIR"`
	args        []string // of the command line
}

// parts are all parts that can be measured, in the order in which they are measured.
var parts = []string{"costs", "retention", "soak"}

const description = `Measures what operations cost with a day of jobs in the shared directory and with a thousand,
whether the retention keeps up, and whether the programs' memory grows.

costs: a generator makes two directories of finished jobs, of --jobs and of --small. Then the same operations are
measured in both, in turn, by an API server, a sweeper and a gallery in this process: a submission, a poll, lists,
metrics, a sweep, an update of the gallery. Each call to the file server is counted. In the large directory an
operation should need as many calls, and as much time, as in the small one. The bucket is in memory.

retention: jobs are submitted to the large directory at --rate, in turn with and without the retention, which
removes jobs at its own pace, at most 300 a second. It must remove 116 jobs a second (ten million a day), and the
99th percentile of the submissions' latencies may be at most 1.5 times as long with it as without. Latencies count
from the time at which a submission was due.

soak: api-server and worker-daemon run under mixed load for --soak. Memory, handles, goroutines and names in the
shared directory should not grow.

A job takes some 8 inodes and 30 KB, or 4 and 17 KB with --share 100; what does not fit on the
disk is refused. With --per-second 116 the jobs have the folders of a part of a day of ten
million. The generator can be interrupted, and continues with the same options where it stopped.
Ctrl-C ends all processes.

Examples:

    scripts/scale costs --jobs 10000
    scripts/scale costs retention --jobs 1000000 --per-second 116 --share 100
    scripts/scale soak --soak 1h
    scripts/scale --out scripts/scale-results.md`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends this process, and by that its children
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	removeProgram(os.Getenv("ATELIER_SCALE_PROGRAM"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "scripts/scale: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	o := options{args: args}
	command, err := commandline.Parse(&o, args, getenv, stdout, stderr, kong.Name("scripts/scale"), kong.Description(description))
	if command == nil {
		return err
	}
	return o.run(ctx, stdout)
}

// removeProgram removes this program and its folder, which scripts/scale has made for one run.
func removeProgram(folder string) {
	if self, err := os.Executable(); err == nil && filepath.Dir(self) == folder {
		_ = os.Remove(self) // otherwise it stays in a cache
		_ = os.Remove(filepath.Dir(self))
	}
}

// Validate checks the options.
func (o *options) Validate() error {
	switch {
	case o.Jobs < 1 || o.Small < 1 || o.Owners < 1 || o.Owners > 1000:
		return errors.New("--jobs, --small and --owners must be from 1, and --owners at most 1000")
	case o.Public < 0 || o.Share < 1 || o.Share > 10_000:
		return errors.New("--public must not be negative, and --share must be from 1 to 10000")
	case o.PerSecond < 0 || o.Rate <= 0 || o.SoakRate <= 0 || o.Window <= 0 || o.Windows < 1 || o.Soak < time.Second || o.Delay < 0:
		return errors.New("rates and times must be more than 0, and --soak from 1s")
	}
	return nil
}

// command returns the command that measures one part again, with the same options.
func (o *options) command(part string) string {
	args := slices.DeleteFunc(slices.Clone(o.args), func(a string) bool { return slices.Contains(parts, a) })
	return strings.Join(append([]string{"scripts/scale", part}, args...), " ")
}

func (o *options) run(ctx context.Context, stdout io.Writer) (err error) {
	if len(o.Parts) == 0 {
		o.Parts = parts
	}
	if o.Dir == "" {
		o.Dir = o.Cache
	}
	if o.Dir == "" || o.Root == "" {
		return errors.New("there is no working folder: run scripts/scale, which makes one")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	var made []section
	for _, part := range parts {
		if !slices.Contains(o.Parts, part) {
			continue
		}
		load := machine.LoadAverage()
		text, err := map[string]func(context.Context) (string, error){"costs": o.costs, "retention": o.retention, "soak": o.soak}[part](ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
		s := section{part, o.conditions(ctx, part, load) + "\n" + text}
		fmt.Fprintf(stdout, "\n## %s\n\n%s", s.name, s.text)
		made = append(made, s)
		if o.Out != "" { // now, so that it is kept if the next part fails
			if err := write(o.Out, made); err != nil {
				return err
			}
		}
	}
	return nil
}

// show prints what is being done.
func show(what string) { fmt.Fprintln(os.Stderr, "scale: "+what) }

// make makes a directory with this number of jobs, or completes one that was interrupted.
func (o *options) make(ctx context.Context, jobs int) (*generated, error) {
	p := plan{day: day{Jobs: jobs, PerSecond: o.PerSecond, Seed: o.Seed}, Owners: o.Owners, Public: o.Public, Share: o.Share}
	const seconds = 24 * 60 * 60
	if p.PerSecond == 0 {
		p.PerSecond = float64(jobs) / seconds
	}
	age := time.Duration(float64(jobs) / p.PerSecond * float64(time.Second))
	p.Start = time.Now().UTC().Add(-age).Truncate(time.Second)
	g, err := p.open(filepath.Join(o.Dir, fmt.Sprintf("jobs-%d", jobs)))
	if err != nil {
		return nil, err
	}
	var began, shown time.Time
	first := 0
	err = g.generate(ctx, func(done, of int) {
		if began.IsZero() {
			began, first = time.Now(), done
			return
		}
		if time.Since(shown) < 2*time.Second && done < of {
			return
		}
		shown = time.Now()
		perSecond := float64(done-first) / time.Since(began).Seconds()
		show(fmt.Sprintf("%s of %s jobs made; %.0f a second, about %s left", number(done), number(of), perSecond,
			time.Duration(float64(of-done)/perSecond*float64(time.Second)).Round(time.Second)))
	})
	return g, err
}

// remove removes a directory, unless it is kept.
func (o *options) remove(g *generated) error {
	if o.Keep && !g.Spent {
		return nil
	}
	show("removing the directory of " + number(g.Jobs) + " jobs")
	return os.RemoveAll(g.dir)
}

func (o *options) costs(ctx context.Context) (_ string, err error) {
	var targets []*target
	for _, jobs := range []int{o.Small, o.Jobs} {
		g, err := o.make(ctx, jobs)
		if err != nil {
			return "", err
		}
		t, err := openTarget(g, o.Delay)
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, t.close()) }()
		targets = append(targets, t)
	}
	all, err := compare(ctx, targets[0], targets[1], show)
	if err != nil {
		return "", err
	}
	if err := o.remove(targets[0].generated); err != nil {
		return "", err
	}
	if !slices.Contains(o.Parts, "retention") { // which otherwise uses it
		err = o.remove(targets[1].generated)
	}
	return costsTable(all, o.Small, o.Jobs), err
}

func (o *options) retention(ctx context.Context) (_ string, err error) {
	g, err := o.make(ctx, o.Jobs)
	if err != nil {
		return "", err
	}
	t, err := openTarget(g, o.Delay)
	if err != nil {
		return "", err
	}
	r, err := t.retain(ctx, o.Rate, o.Window, o.Windows, show)
	if err = errors.Join(err, t.close(), o.remove(g)); err != nil {
		return "", err
	}
	return retentionTable(r, o.Rate), nil
}

func (o *options) soak(ctx context.Context) (_ string, err error) {
	libraries, _ := filepath.Glob(filepath.Join(o.ONNXRuntime, "lib", "libonnxruntime.so.*.*")) // the pattern is right
	if o.ONNXRuntime == "" || len(libraries) == 0 {
		return "", errors.New("ONNX Runtime is not installed: run scripts/setup")
	}
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(o.Dir, "soak.")
	if err != nil {
		return "", err
	}
	s := &soak{
		bin: o.Bin, model: filepath.Join(o.Root, "model", "atelier"), library: libraries[0],
		folder: folder, during: o.Soak, perSecond: o.SoakRate,
	}
	last := time.Now()
	r, err := s.run(ctx, func(what string) {
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			show(what)
		}
	})
	if err != nil {
		if ctx.Err() != nil {
			return "", errors.Join(err, os.RemoveAll(folder))
		}
		return "", fmt.Errorf("%w; logs and shared directory are in %s", err, folder)
	}
	return soakTable(r), os.RemoveAll(folder)
}
