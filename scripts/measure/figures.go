package main

import (
	"fmt"
	"slices"
	"strings"
)

// A spread has the minimum, median and maximum over the rounds.
type spread struct{ least, median, most float64 }

func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	return spread{v[0], median(v), v[len(v)-1]}
}

// show formats a spread as "median (least..most)".
func (s spread) show(format string) string {
	return fmt.Sprintf(format+" ("+format+".."+format+")", s.median, s.least, s.most)
}

// compare returns the spread of f over each round's pair of results.
func compare[T any](a, b []T, f func(a, b T) float64) spread {
	each := make([]float64, len(a))
	for i := range a {
		each[i] = f(a[i], b[i])
	}
	return spreadOf(each)
}

// each returns the spread of one figure over the rounds.
func each[T any](rounds []T, f func(T) float64) spread {
	values := make([]float64, len(rounds))
	for i, r := range rounds {
		values[i] = f(r)
	}
	return spreadOf(values)
}

// atLeast and atMost return two cells: the goal, and whether a figure meets it.
func atLeast(goal, got float64) []string { return verdict("at least %g", goal, got >= goal) }
func atMost(goal, got float64) []string  { return verdict("at most %g", goal, got <= goal) }

func verdict(format string, goal float64, met bool) []string {
	if met {
		return []string{fmt.Sprintf(format, goal), "met"}
	}
	return []string{fmt.Sprintf(format, goal), "missed"}
}

// noGoal has the cells for a figure without a goal.
var noGoal = []string{"", ""}

// median returns the middle of a sorted list, or the mean of the two middle values.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile returns the value that p% of the values don't exceed.
func percentile(sorted []float64, p int) float64 {
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func size(w, h int) string      { return fmt.Sprintf("%d x %d", w, h) }
func ms(seconds float64) string { return fmt.Sprintf("%.1f ms", 1000*seconds) }
func mb(bytes float64) string   { return fmt.Sprintf("%.1f MB", bytes/1e6) }

// table formats rows for both terminal and Markdown. The first row is the head.
func table(rows ...[]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %*s ", widths[i], cell)
		}
		b.WriteString("|\n")
	}
	line(rows[0])
	for _, w := range widths {
		b.WriteString("|" + strings.Repeat("-", w+1) + ":")
	}
	b.WriteString("|\n")
	for _, row := range rows[1:] {
		line(row)
	}
	return b.String()
}
