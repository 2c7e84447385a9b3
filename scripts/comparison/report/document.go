// Package report turns a folder of measured runs into a report: one self-contained HTML file,
// and the same tables as Markdown and JSON.
//
// A report depends on its folder and the prices alone: the same folder gives the same bytes. What
// follows from the runs by a model is marked as simulated, what no document or measurement backs as
// assumed. A section without data says what to run.
package report

import (
	"html/template"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A Document is a report before it is written in one of its forms. All forms show the same
// texts, so that a figure is rounded once.
type Document struct {
	Title    string    `json:"title"`
	Quick    bool      `json:"not_for_decisions"`
	Choice   []string  `json:"choice"` // what to choose, in paragraphs
	Picture  *Chart    `json:"picture,omitempty"`
	Sections []Section `json:"sections"`
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
	Title   string     `json:"title"`
	Basis   cost.Basis `json:"-"`
	BasisIs string     `json:"basis"` // Basis in words, set when the document is complete
	Left    int        `json:"-"`     // number of columns with words
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Notes   []string   `json:"notes,omitempty"`
}

// A Chart is a drawing, with what it was drawn from.
type Chart struct {
	Title   string        `json:"title"`
	Caption string        `json:"caption"`
	X       string        `json:"x"`
	Y       string        `json:"y"`
	Basis   cost.Basis    `json:"-"`
	BasisIs string        `json:"basis"`
	Series  []Series      `json:"series"`
	SVG     template.HTML `json:"-"`

	logX, logY   bool
	yLow, yHigh  float64 // of the drawing, where they differ
	levels       []level // horizontal lines
	percentY     bool
	percentX     bool
	markersEvery int // 0: markers at each point
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
	if d.Picture != nil {
		charts = append(charts, d.Picture)
	}
	for i := range d.Sections {
		for j := range d.Sections[i].Tables {
			t := &d.Sections[i].Tables[j]
			t.BasisIs = t.Basis.String()
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
