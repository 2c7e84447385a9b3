package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// dimensionless are the titles of columns whose figures are counts or ratios, which have no unit.
var dimensionless = []string{
	"Runs", "Valid runs", "Planned", "Repetition", "Jobs per run", "Cold starts per run", "Threads", "Usable cores",
	"Reads over NFS", "Most environments or instances at once", "Limit", "Pictures a month", "Pictures a day",
	"Used / billed", "Predicted / measured",
}

var (
	unitInTitle = regexp.MustCompile(`\bseconds\b|\b(s|px|MiB|GiB|hours|pictures a day|service times|counts)$`)
	unitInCell  = regexp.MustCompile(`^[^\d]*$|[\d)] ?(%|\x{a0}\S)|\d+[hms]\d*`) // words only, or a figure with a unit
)

// unitsAnswer checks that each column of figures has a unit.
func unitsAnswer(sections []Section) string {
	columns, without := 0, []string{}
	for _, s := range sections {
		for _, t := range s.Tables {
			for i := t.Left; i < len(t.Columns); i++ {
				columns++
				if !t.hasUnit(i) {
					without = append(without, fmt.Sprintf("%s (%s)", t.Columns[i], t.Title))
				}
			}
		}
	}
	if len(without) > 0 {
		return fmt.Sprintf("partly: %d of %d columns of figures have no unit: %s", len(without), columns, strings.Join(without, ", "))
	}
	return fmt.Sprintf("met by all %d columns of figures", columns)
}

// hasUnit returns whether the figures of a column have a unit, in its title, in the table's title or
// in each cell, or need none.
func (t Table) hasUnit(column int) bool {
	title := t.Columns[column]
	if slices.Contains(dimensionless, title) || unitInTitle.MatchString(title) || unitInTitle.MatchString(t.Title) {
		return true
	}
	for _, r := range t.Rows {
		if !unitInCell.MatchString(r[column]) {
			return false
		}
	}
	return len(t.Rows) > 0
}
