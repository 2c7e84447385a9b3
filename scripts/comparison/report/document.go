// Package report turns a folder of measured runs into a report: one self-contained HTML file,
// and the same tables as Markdown and JSON.
//
// A report depends on its folder and the prices alone: the same folder gives the same bytes. What
// follows from the runs by a model is marked as simulated, what no document or measurement backs as
// assumed. A section without data says what to run.
package report

import (
	"fmt"
	"html/template"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A Document is a report before it is written in one of its forms. All forms show the same
// texts, so that a figure is rounded once.
type Document struct {
	Title    string    `json:"title"`
	Quick    bool      `json:"not_for_decisions"`
	Choice   []string  `json:"choice"`            // what to choose, in paragraphs
	Verdict  *Table    `json:"verdict,omitempty"` // where the claim holds, and where it turns around
	Picture  *Chart    `json:"picture,omitempty"`
	Terms    []Term    `json:"terms"`
	Sections []Section `json:"sections"`
}

// A Term is explained to readers who know neither Lambda nor EC2.
type Term struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// A Section is a part of a document. One without data has Missing, which says what to run.
type Section struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Text    []string `json:"text,omitempty"`
	Missing string   `json:"missing,omitempty"`
	Charts  []Chart  `json:"charts,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
}

// A Table is rows of texts. Columns from Left on hold figures, and are aligned to the right.
type Table struct {
	ID      string     `json:"id"` // unique in the document, set when it is complete
	Title   string     `json:"title"`
	Basis   cost.Basis `json:"-"`
	BasisIs string     `json:"basis"` // Basis in words, set when the document is complete
	Left    int        `json:"-"`     // number of columns with words
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Notes   []string   `json:"notes,omitempty"`

	// Links are where cells lead to in HTML, by their text: an anchor of the page, or a file beside it.
	Links map[string]string `json:"-"`
}

// RowID is the anchor of a row, counted from 0. Anchors count from 1.
func (t Table) RowID(row int) string { return rowAnchor(t.ID, row+1) }

func rowAnchor(table string, row int) string { return fmt.Sprintf("%s-%d", table, row) }

// tableID is that of a section's table, counted from 0.
func tableID(section string, table int) string { return fmt.Sprintf("%s-%c", section, 'a'+rune(table)) } //nolint:gosec // a section has few

// A Chart is a drawing, with what it was drawn from.
type Chart struct {
	Title   string        `json:"title"`
	Caption string        `json:"caption"`
	X       string        `json:"x"`
	Y       string        `json:"y"`
	Basis   cost.Basis    `json:"-"`
	BasisIs string        `json:"basis"`
	Rows    []string      `json:"rows,omitempty"` // names of rows: Y of a point is then the number of its row, from 0 on top
	Series  []Series      `json:"series"`
	SVG     template.HTML `json:"-"`

	logX, logY   bool
	yLow, yHigh  float64 // of the drawing, where they differ
	levels       []level // horizontal lines
	percentY     bool
	percentX     bool
	markersEvery int  // 0: markers at each point
	stacked      bool // of a chart with rows: bars, one series after the other, rather than points
}

// A Series is one line of a chart, with the band around it where it has one.
type Series struct {
	Name string    `json:"name"`
	X    []float64 `json:"x"`
	Y    []float64 `json:"y"`
	Low  []float64 `json:"low,omitempty"`
	High []float64 `json:"high,omitempty"`
}

type level struct {
	y    float64
	name string
}

// complete puts into words what forms need in words, and draws the charts.
func (d *Document) complete() error {
	charts := make([]*Chart, 0, 8)
	if d.Verdict != nil {
		d.Verdict.ID, d.Verdict.BasisIs = tableID("choice", 0), d.Verdict.Basis.String()
	}
	if d.Picture != nil {
		charts = append(charts, d.Picture)
	}
	for i := range d.Sections {
		for j := range d.Sections[i].Tables {
			t := &d.Sections[i].Tables[j]
			t.ID, t.BasisIs = tableID(d.Sections[i].ID, j), t.Basis.String()
		}
		for j := range d.Sections[i].Charts {
			charts = append(charts, &d.Sections[i].Charts[j])
		}
	}
	for _, c := range charts {
		c.BasisIs = c.Basis.String()
		if err := c.draw(); err != nil {
			return err
		}
	}
	return nil
}
