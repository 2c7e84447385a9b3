package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A pattern describes how jobs arrive, at any volume.
type pattern struct {
	id, title string
	short     string // beginning of the sentence in the recommendation
	text      string
	peak      float64 // the rate that instances have to sustain, over the mean rate
	at        float64 // pictures a month for which bills are shown
	atName    string
	most      float64 // pictures a month up to which it is simulated
	arrivals  func(pictures float64) (times []float64, err error)
	views     []view
	fromZero  bool // compare with instances from zero
}

const (
	nightsAMonth = cost.Hours / 24
	sending      = 1000.0 // seconds within which a night's jobs are sent
)

// imageJobs returns a synthetic pattern with the statistics of a recorded trace. It is long enough
// for some thousand jobs.
func imageJobs(seed uint64, e effort) pattern {
	const days, peak = 23, 9.0
	return pattern{
		id: "images", title: "Saving for image jobs as recorded", short: "With arrivals like those of recorded image jobs",
		text: fmt.Sprintf("In a recorded trace of image generation, jobs do not arrive evenly: the busiest hour has %s times the mean number of jobs, and a third of the hours have none. The trace may not be published. So a synthetic pattern of %d days with similar statistics is used, scaled to each volume. During the whole month there are as many instances as %[1]s times the mean rate needs, while functions are billed by the picture, no matter when it arrives. Steps in the curves are where one more instance is needed.",
			exact(peak), days),
		peak: peak, at: arrivals.ImagesPerHour * cost.Hours, atName: fmt.Sprintf("the recorded rate of %s pictures a day", figure(24*arrivals.ImagesPerHour)),
		most: 100 * float64(e.jobs) * cost.Hours / 24 / days, views: views,
		arrivals: func(pictures float64) ([]float64, error) {
			perHour := pictures / cost.Hours
			times := max(1, min(40, math.Ceil(float64(e.jobs)/5/(perHour*24*days))))
			return arrivals.Images(random(seed), perHour, int(times)*days)
		},
	}
}

// nightly returns the pattern of one batch each night, all pictures of which have to be ready in
// the morning.
func nightly(e effort) pattern {
	const hours = 8.0
	return pattern{
		id: "nightly", title: "Saving for a nightly batch", short: "With one batch each night",
		text: fmt.Sprintf("All jobs of a day are submitted at night within %s minutes, and the pictures have to be ready %s h later. No user waits for a single picture. So instances may start from zero, and one machine may work through the queue for %[2]s h: it has to sustain %s times the mean rate of a day. For a growing number of unfinished jobs, the scaling policy of instances from zero launches up to %d instances; it terminates them after a quarter of an hour with too little work, one at a time. The saving compared with instances from zero jumps at volumes at which one more instance is launched.",
			figure(sending/60), exact(hours), exact(24/hours), assumptions.MaximumInstances),
		peak: 24 / hours, at: 100_000 * nightsAMonth, atName: "100,000 pictures a night",
		most: float64(max(120_000, 20*e.jobs)) * nightsAMonth, fromZero: true,
		arrivals: func(pictures float64) ([]float64, error) {
			n := math.Max(1, math.Round(pictures/nightsAMonth))
			return arrivals.Steady(n/sending, (n-0.5)/n*sending)
		},
		views: []view{
			{"compute only, against instances from zero", cost.Compute, scenario.instancesFromZero, false},
			{"the whole bill, against instances from zero", cost.Whole, scenario.instancesFromZero, false},
			{"the whole bill, against one machine", cost.Whole, scenario.oneMachine, true},
		},
	}
}

// withPattern returns a copy of the worker whose simulated shares are those under a pattern of
// arrivals.
func (w *worker) withPattern(p pattern, seed uint64) (*worker, error) {
	of := *w
	of.peak, of.keepAlives = p.peak, nil
	for _, keep := range simulation.KeepAlives() {
		c, err := w.coldShares(seed, keep, math.Log10(p.most), p.arrivals)
		if err != nil {
			return nil, err
		}
		of.keepAlives = append(of.keepAlives, c)
		if keep == assumptions.KeepAlive {
			of.cold = c
		}
	}
	work, err := w.instanceWork()
	if err != nil {
		return nil, err
	}
	of.active = &byVolume{logs: of.cold.logs}
	if p.fromZero {
		of.fromZero = &byVolume{logs: of.cold.logs}
	}
	for _, log := range of.cold.logs {
		times, err := p.arrivals(math.Pow(10, log))
		if err != nil {
			return nil, err
		}
		of.active.values = append(of.active.values, active(times, math.Pow(10, log)))
		if !p.fromZero {
			continue
		}
		r, err := simulation.Fleet(simulation.Load{Arrivals: times, Work: work, Seed: seed, Duration: day}, assumptions.Instances(assumptions.Processors, 0, assumptions.MaximumInstances, 1))
		if err != nil {
			return nil, err
		}
		of.fromZero.values = append(of.fromZero.values, r.Usage.InstanceSeconds/3600/float64(len(times)))
	}
	return &of, nil
}

// active returns the hours of a month with jobs, if pictures a month arrive in the pattern of
// times.
func active(times []float64, pictures float64) float64 {
	return min(cost.Hours, arrivals.HoursWithJobs(times)*pictures/float64(len(times)))
}

// patternSection returns the section on the saving under a pattern with the cheapest engine, and a
// sentence for the recommendation on the whole bill at the pattern's own volume.
func patternSection(p pattern, f *folder, workers []worker, t *prices.Table, e effort) (s Section, sentence string, err error) {
	s = Section{ID: p.id, Title: p.title}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, "", nil
	}
	w, err := workers[0].withPattern(p, f.plan.Seed)
	if err != nil {
		return s, "", err
	}
	s.Text = []string{p.text, fmt.Sprintf("All figures are for %s. Above %s pictures a day, the share of cold starts is assumed to be that of this volume.", measurement.EngineName(w.function.variant.Engine), figure(perDay(p.most)))}
	chart, err := w.savingChart(p.title, p.views, t)
	if err != nil {
		return s, "", err
	}
	s.Charts = []Chart{chart}
	bills, shares, err := w.billsAt(p, t)
	if err != nil {
		return s, "", err
	}
	crossings := crossingTable()
	for _, v := range p.views {
		rows, err := w.crossings(f, v, t, e)
		if err != nil {
			return s, "", err
		}
		for _, r := range rows { // without the column of the engine, which is the same in all rows
			crossings.Rows = append(crossings.Rows, r[1:])
		}
	}
	crossings.Columns, crossings.Left = crossings.Columns[1:], crossings.Left-1
	crossings.Notes = []string{"The section Saving by duty explains the columns."}
	s.Tables = []Table{bills, crossings}
	return s, fmt.Sprintf("%s, at %s, functions cost %s.", p.short, p.atName, strings.Join(shares, ", and ")), nil
}

// billsAt returns the bills of each comparison at the pattern's own volume, and texts with
// functions' share of the alternatives' whole bills.
func (w *worker) billsAt(p pattern, t *prices.Table) (table Table, shares []string, err error) {
	table = Table{
		Title: "Monthly bills at " + p.atName, Left: 1, Basis: cost.Assumed,
		Columns: []string{"Comparison", "Functions", "Alternative", "Saving", "Saving in the scenarios"},
	}
	for _, v := range p.views {
		base := w.base(t, nil, nil)
		c := v.compare(base)
		functions, err := c.Functions(p.at)
		if err != nil {
			return table, nil, err
		}
		alternative, err := c.Instances(p.at)
		if err != nil {
			return table, nil, err
		}
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range w.variations(t) {
			saving, err := v.compare(s).Saving(cost.Duty(p.at, v.capacity(s)), v.scope)
			if err != nil {
				return table, nil, err
			}
			low, high = min(low, saving), max(high, saving)
		}
		saved := cost.Saving(functions.USD(v.scope), alternative.USD(v.scope))
		if _, against, ok := strings.Cut(v.name, "against "); ok && v.scope == cost.Whole {
			shares = append(shares, percent(1-saved)+" of the whole bill of "+against)
		}
		table.Rows = append(table.Rows, []string{
			v.name, usd(functions.USD(v.scope)), usd(alternative.USD(v.scope)), percent(saved), percent(low) + " to " + percent(high),
		})
	}
	return table, shares, nil
}

func perDay(month float64) float64 { return month * 24 / cost.Hours }
