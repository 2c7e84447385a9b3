package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

// planning has the flags of the command plan.
type planning struct {
	JobsPerDay float64       `help:"Pictures a day." placeholder:"N"`
	Pattern    string        `help:"Pattern of submissions: ${patterns}. poisson is at random; bursts has the jobs of each hour together, nightly those of each day; daily varies like published image jobs. Default: poisson." placeholder:"NAME"`
	Trace      string        `help:"Take the submissions from this file, instead of --jobs-per-day and --pattern: CSV with a column arrival_s in seconds, sorted." placeholder:"CSV"`
	Size       int           `default:"512" help:"Width and height of a picture in pixels. Default: ${default}." placeholder:"PX"`
	P95        time.Duration `name:"p95" default:"10s" help:"Required 95th percentile of the time from submission to result. Default: ${default}." placeholder:"TIME"`
	Region     string        `default:"eu-central-1" help:"One of ${regions}. Default: ${default}." placeholder:"NAME"`
	JSON       bool          `name:"json" help:"Print JSON."`
	Data       string        `help:"Take the times of pictures from the runs in DIR, an output folder of scripts/compare. Default: the committed measurement in scripts/comparison/results and, for sizes that it lacks, medians from scripts/bench-results.md." placeholder:"DIR"`
	Root       string        `default:"${root}" hidden:"" help:"The checkout."`
	Seed       uint64        `default:"20" help:"Seed of all random numbers." placeholder:"N"`
}

const planDescription = `Chooses the compute for a given load: kind, engine, and memory or instance type. Prints its costs
a month, how long a picture takes, and the command that deploys it.

The times of a worker alone are measured, latencies are simulated with them, and bills are
computed from both; all assumptions are listed. Intervals include what is not known about AWS (how
long it keeps idle environments, how fast its processors are) and, with --data, the differences
between runs. Invalid input is reported in one line, with exit status 2.

For example:
  scripts/compare plan --jobs-per-day 500 --pattern bursts --p95 5s
  scripts/compare plan --trace arrivals.csv --size 1024 --json`

func runPlan(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var p planning
	command, err := commandline.Parse(&p, args, getenv, stdout, stderr, kong.Name("scripts/compare plan"), kong.Description(planDescription),
		kong.Vars{"root": getenv("ATELIER_ROOT"), "patterns": strings.Join(plan.Patterns(), ", "), "regions": strings.Join(prices.Regions(), ", ")})
	if err != nil {
		return &plan.InputError{Reason: err.Error() + ": see scripts/compare plan --help"}
	}
	if command == nil {
		return nil
	}
	return p.run(ctx, stdout, stderr)
}

func (p *planning) run(ctx context.Context, stdout, stderr io.Writer) error {
	if p.Pattern == "" && p.Trace == "" {
		p.Pattern = plan.Poisson
	}
	table, err := prices.ForRegion(p.Region)
	if errors.Is(err, prices.ErrUnknown) {
		return &plan.InputError{Reason: fmt.Sprintf("there are no prices for the region %q: use one of %s, or add a file to pkg/prices/regions", p.Region, strings.Join(prices.Regions(), ", "))}
	}
	if err != nil {
		return err
	}
	times, err := p.times()
	if err != nil {
		return err
	}
	began, shown := time.Now(), time.Now()
	made, err := plan.Make(ctx, plan.Request{
		Load: plan.Load{JobsPerDay: p.JobsPerDay, Pattern: p.Pattern, Trace: p.Trace},
		Size: p.Size, P95: p.P95.Seconds(), Prices: table, Times: times, Seed: p.Seed,
		Progress: func(done, all int) {
			if now := time.Now(); now.Sub(began) > 2*time.Second && now.Sub(shown) > time.Second {
				shown = now
				fmt.Fprintf(stderr, "compare: %d of %d simulations\n", done, all)
			}
		},
	})
	if err != nil {
		return err
	}
	if !p.JSON {
		return made.Text(stdout)
	}
	out := json.NewEncoder(stdout)
	out.SetIndent("", "  ")
	return out.Encode(made)
}

func (p *planning) times() (plan.Times, error) {
	if p.Data == "" {
		return plan.Default(p.Root, p.Size)
	}
	runs, err := measurement.Load(p.Data)
	if err != nil {
		return plan.Times{}, &plan.InputError{Reason: fmt.Sprintf("--data %s: %v", p.Data, err)}
	}
	return plan.Measured(runs, p.Data, p.Size)
}
