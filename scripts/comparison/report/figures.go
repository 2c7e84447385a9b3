package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// none is shown in place of a missing figure.
const none = "–"

// figure formats a number with three significant digits, without an exponent.
func figure(v float64) string { return digits(v, 3) }

// digits formats a number with n significant digits.
func digits(v float64, n int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	if v == 0 {
		return "0"
	}
	if rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'e', n-1, 64), 64); err == nil {
		v = rounded
	}
	return grouped(strconv.FormatFloat(v, 'f', max(0, n-1-int(math.Floor(math.Log10(math.Abs(v))))), 64))
}

// exact formats a number that was not measured, such as a count or a setting, with all of its
// digits.
func exact(v float64) string { return grouped(strconv.FormatFloat(v, 'f', -1, 64)) }

func exactPercent(v float64) string { return exact(math.Round(v*1e8)/1e6) + "%" }

// grouped inserts commas between thousands.
func grouped(s string) string {
	whole, rest, dot := strings.Cut(s, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + rest
	}
	return sign + whole
}

// percent formats a share as a percentage.
func percent(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return none
	}
	return figure(v*100) + "%"
}

func seconds(v float64) string {
	if math.IsNaN(v) {
		return none
	}
	return figure(v) + unit("s")
}

func usd(v float64) string {
	return grouped(strconv.FormatFloat(v, 'f', 2, 64)) + unit("$")
}

// interval formats the centre of values, one of each run. It adds the confidence interval if there
// are as many runs as the plan of package statistics requires, and marks an interval that is wider
// than goal. With fewer runs than any interval needs, it adds their range instead.
func interval(values []float64, goal float64, quick bool) string {
	if len(values) == 0 {
		return none
	}
	if i, _, err := statistics.Look(values, goal); err == nil && !quick {
		s := figure(i.Estimate) + " (" + figure(i.Low) + " to " + figure(i.High) + ")"
		if i.RelativeHalfWidth() > goal {
			s += " wider than " + exactPercent(goal)
		}
		return s
	}
	s := figure(center(values))
	if n := len(values); n > 1 && n < enoughRuns && !quick {
		s += fmt.Sprintf(" (%d runs: %s to %s)", n, figure(slices.Min(values)), figure(slices.Max(values)))
	}
	return s
}

// center returns the geometric mean if all values are positive, else the mean.
func center(values []float64) float64 {
	if i, err := statistics.Geometric(values, 0.95); err == nil {
		return i.Estimate
	}
	return statistics.Mean(values)
}

// percentile returns the p-th percentile of simulated values, without a minimum number of values.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(p/100*float64(len(sorted))))-1)]
}

// sortedEnds returns the times at which pictures were ready, in order.
func sortedEnds(r simulation.Result) []float64 {
	ends := make([]float64, len(r.Jobs))
	for i, j := range r.Jobs {
		ends[i] = j.Finished
	}
	slices.Sort(ends)
	return ends
}
