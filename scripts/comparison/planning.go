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

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

// planning is the command plan.
type planning struct {
	JobsPerDay float64       `help:"Pictures a day." placeholder:"N"`
	Pattern    string        `help:"How they are submitted: ${patterns}. bursts are an hour's together, nightly are a day's together, daily varies as published image jobs do. Default: poisson." placeholder:"NAME"`
	Trace      string        `help:"Instead of both: a CSV file with a column arrival_s, seconds, sorted." placeholder:"CSV"`
	Size       int           `default:"512" help:"Pixels of both sides of a picture. Default: ${default}." placeholder:"PX"`
	P95        time.Duration `name:"p95" default:"10s" help:"95% of the pictures are to be finished within this time after submission. Default: ${default}." placeholder:"TIME"`
	Region     string        `default:"eu-central-1" help:"One of ${regions}. Default: ${default}." placeholder:"NAME"`
	JSON       bool          `name:"json" help:"Print JSON."`
	Data       string        `help:"Service times of runs that scripts/compare has measured into DIR. Default: medians of scripts/bench-results.md." placeholder:"DIR"`
	Seed       uint64        `default:"20" help:"Of what is drawn by chance." placeholder:"N"`
}

const planDescription = `Chooses the compute for one's own load: which kind, engine, memory or instance type, what it
costs a month, how long a picture takes, and the command that deploys it.

Service times are measured, latencies simulated with them, bills priced from both; what is
assumed is listed. Intervals hold what is not known of AWS (how long environments are kept, how
fast its processors are) and, with --data, how runs differ. Input that won't do is told in one
line, with exit status 2.

For example:
  scripts/compare plan --jobs-per-day 500 --pattern bursts --p95 5s
  scripts/compare plan --trace arrivals.csv --size 1024 --json`

func runPlan(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var p planning
	stop := false
	parser, err := kong.New(&p, kong.Name("scripts/compare plan"), kong.Description(planDescription), kong.Writers(stdout, stderr),
		kong.Vars{"patterns": strings.Join(plan.Patterns(), ", "), "regions": strings.Join(prices.Regions(), ", ")},
		kong.Exit(func(int) { stop = true })) // after --help
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if stop {
		return nil
	}
	if err != nil {
		return &plan.InputError{Reason: err.Error() + ": see scripts/compare plan --help"}
	}
	return p.run(ctx, stdout, stderr)
}

func (p *planning) run(ctx context.Context, stdout, stderr io.Writer) error {
	if p.Pattern == "" && p.Trace == "" {
		p.Pattern = plan.Poisson
	}
	table, err := prices.Of(p.Region)
	if errors.Is(err, prices.ErrUnknown) {
		return &plan.InputError{Reason: fmt.Sprintf("there are no prices of the region %q: give one of %s, or add a file to pkg/prices/regions", p.Region, strings.Join(prices.Regions(), ", "))}
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
		return plan.Published(p.Size)
	}
	runs, err := measurement.Load(p.Data)
	if err != nil {
		return plan.Times{}, &plan.InputError{Reason: fmt.Sprintf("--data %s: %v", p.Data, err)}
	}
	return plan.Measured(runs, p.Data, p.Size)
}
