package report

import (
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A shape is a deployment as a function of the pictures a month.
type shape struct {
	name string
	of   func(float64) (cost.Deployment, cost.Month)
}

// shapes returns the deployments whose bills are compared by volume.
func (s scenario) shapes() []shape {
	return []shape{{"functions", s.functions}, {"always-on instances", s.alwaysOn}, {"one machine", s.oneMachine}}
}

// billTable returns the monthly bills at some numbers of pictures a day.
func (w *worker) billTable(t *prices.Table) (Table, error) {
	table := Table{
		Title: "Monthly bill by pictures a day, arriving at random", Left: 2, Basis: cost.Assumed,
		Columns: []string{"Pictures a day", "Cheapest by the whole bill", "Functions, compute only", "Functions, whole bill"},
		Notes:   []string{fmt.Sprintf("%s, %s px, %s. Always-on instances and one machine are as many instances as the volume needs, and at least one.", measurement.EngineName(w.function.variant.Engine), exact(float64(w.function.variant.Size)), t.Region)},
	}
	all := w.base(t, nil, nil).shapes()
	for _, s := range all[1:] {
		table.Columns = append(table.Columns, capital(s.name)+", whole bill")
	}
	for _, day := range []float64{100, 500, 5000, 50_000, 500_000} {
		cheapest, least := "", math.Inf(1)
		row := []string{exact(day), ""}
		for i, s := range all {
			d, m := s.of(day * cost.Hours / 24)
			bill, err := d.Bill(t, m)
			if err != nil {
				return table, err
			}
			if i == 0 {
				row = append(row, usd(bill.USD(cost.Compute)))
			}
			whole := bill.USD(cost.Whole)
			row = append(row, usd(whole))
			if whole < least {
				cheapest, least = s.name, whole
			}
		}
		row[1] = cheapest
		table.Rows = append(table.Rows, row)
	}
	return table, nil
}

// billChart returns the chart of the monthly bill by pictures a day.
func (w *worker) billChart(t *prices.Table) (Chart, error) {
	s := w.base(t, nil, nil)
	chart := Chart{
		Title:   "Monthly bill by pictures a day, arriving at random",
		Caption: fmt.Sprintf("The whole bill; the lowest curve is the cheapest design. %s, %s px, %s.", measurement.EngineName(w.function.variant.Engine), exact(float64(w.function.variant.Size)), t.Region),
		Basis:   cost.Assumed, X: "Pictures a day", Y: "Dollars a month", logX: true, logY: true, markersEvery: 4,
	}
	for _, l := range s.shapes() {
		series := Series{Name: l.name}
		for log := 1.0; log < 6.01; log += 0.125 {
			day := math.Pow(10, log)
			d, m := l.of(day * cost.Hours / 24)
			bill, err := d.Bill(t, m)
			if err != nil {
				return chart, err
			}
			series.X, series.Y = append(series.X, day), append(series.Y, bill.USD(cost.Whole))
		}
		chart.Series = append(chart.Series, series)
	}
	return chart, nil
}
