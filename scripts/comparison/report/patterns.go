package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A pattern is a way in which jobs arrive, at any volume.
type pattern struct {
	id, title string
	short     string
	text      string
	peak      float64 // the rate that instances have to sustain, over the mean rate
	at        float64 // pictures a month at which bills are shown
	atName    string
	most      float64 // pictures a month up to which it is simulated
	arrivals  func(pictures float64) (times []float64, err error)
	views     []view
	fromZero  bool // instances from zero are a rival
}

const (
	nightsAMonth = cost.Hours / 24
	sending      = 1000.0 // seconds in which a night's jobs are sent
)

// imageJobs is the synthetic pattern with the statistics of a recorded trace. It is as long as it takes
// for some thousand jobs.
func imageJobs(seed uint64, e effort) pattern {
	const days, peak = 23, 9.0
	return pattern{
		id: "images", title: "Saving for recorded image jobs", short: "Recorded image jobs",
		text: fmt.Sprintf("Jobs of a recorded trace of image generation do not come evenly: its busiest hour has %s times the mean, and a third of its hours have none. The trace may not be published; a synthetic pattern of %d days with its statistics stands in, scaled to each volume. Instances have to be enough for the busiest hour, all month; functions are paid by the picture, however these come. The steps are where one more instance is needed.",
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

// nightly is a batch each night, of which all pictures are to be ready in the morning.
func nightly(e effort) pattern {
	const hours = 8.0
	return pattern{
		id: "nightly", title: "Saving for a nightly batch", short: "A nightly batch",
		text: fmt.Sprintf("Each night a batch is sent within %s minutes, and is to be ready %s h later. Nobody waits for a single picture, so that instances may start from zero, and one machine may work through the queue: it is enough for %s times the mean rate. Where the saving jumps against instances from zero, their scaling policy launches one more: for a backlog that grows it launches up to %d, and it ends them one after the other, a quarter of an hour later.",
			figure(sending/60), exact(hours), exact(24/hours), assumptions.MaximumInstances),
		peak: 24 / hours, at: 100_000 * nightsAMonth, atName: "100,000 pictures a night",
		most: float64(max(120_000, 20*e.jobs)) * nightsAMonth, fromZero: true,
		arrivals: func(pictures float64) ([]float64, error) {
			n := math.Max(1, math.Round(pictures/nightsAMonth))
			return arrivals.Steady(n/sending, (n-0.5)/n*sending)
		},
		views: []view{
			{"compute alone, against instances from zero", cost.Compute, scenario.instancesFromZero, false},
			{"the whole bill, against instances from zero", cost.Whole, scenario.instancesFromZero, false},
			{"the whole bill, against one machine", cost.Whole, scenario.oneMachine, true},
		},
	}
}

// under is the worker under a pattern of arrivals.
func (w *worker) under(p pattern, seed uint64) (*worker, error) {
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

// active are the hours of a month with jobs, where so many pictures a month come as those of times do.
func active(times []float64, pictures float64) float64 {
	return min(cost.Hours, arrivals.HoursWithJobs(times)*pictures/float64(len(times)))
}

// savingOf is the saving under a pattern of the engine that is the cheapest.
// Its second result is a sentence on the whole bill at the pattern's own volume.
func savingOf(p pattern, f *folder, workers []worker, t *prices.Table, e effort) (s Section, sentence string, err error) {
	s = Section{ID: p.id, Title: p.title}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, "", nil
	}
	w, err := workers[0].under(p, f.plan.Seed)
	if err != nil {
		return s, "", err
	}
	s.Text = []string{p.text, fmt.Sprintf("All with %s. Beyond %s pictures a day the share of cold starts is taken to be as there.", engineName(w.function.variant.Engine), figure(perDay(p.most)))}
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
		for _, r := range rows { // the engine is that of all
			crossings.Rows = append(crossings.Rows, r[1:])
		}
	}
	crossings.Columns, crossings.Left = crossings.Columns[1:], crossings.Left-1
	s.Tables = []Table{bills, crossings}
	return s, fmt.Sprintf("%s, %s: functions cost %s.", p.short, p.atName, strings.Join(shares, ", and ")), nil
}

// billsAt are the bills of each view at the pattern's own volume, and in words the shares of rivals' whole bills.
func (w *worker) billsAt(p pattern, t *prices.Table) (table Table, shares []string, err error) {
	table = Table{
		Title: "At " + p.atName, Left: 1, Basis: cost.Assumed,
		Columns: []string{"Bill", "Functions", "Rival", "Saving", "Scenarios"},
	}
	for _, v := range p.views {
		base := w.base(t, nil, nil)
		c := v.compare(base)
		functions, err := c.Functions(p.at)
		if err != nil {
			return table, nil, err
		}
		rival, err := c.Instances(p.at)
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
		saved := cost.Saving(functions.USD(v.scope), rival.USD(v.scope))
		if _, against, ok := strings.Cut(v.name, "against "); ok && v.scope == cost.Whole {
			shares = append(shares, percent(1-saved)+" of the whole bill of "+against)
		}
		table.Rows = append(table.Rows, []string{
			v.name, usd(functions.USD(v.scope)), usd(rival.USD(v.scope)), percent(saved), percent(low) + " to " + percent(high),
		})
	}
	return table, shares, nil
}

func perDay(month float64) float64 { return month * 24 / cost.Hours }
