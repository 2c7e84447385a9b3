// Package report turns a folder of measured runs into a report: one self-contained HTML file,
// and the same texts and tables as Markdown and JSON.
//
// A report depends only on its folder and the prices: the same folder gives the same bytes. Each
// table and chart is marked with the weakest evidence for its figures: measured, simulated or
// assumed. A section without data names the command that measures them.
package report

import (
	"fmt"
	"html/template"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A Document is the content of a report, independent of its format. All formats show the same
// texts, so that a figure is rounded only once.
type Document struct {
	Title        string    `json:"title"`
	Quick        bool      `json:"not_for_decisions"`
	Incomplete   []string  `json:"incomplete,omitempty"` // what is not final because planned runs are missing
	Introduction []string  `json:"introduction"`         // the question, in paragraphs
	Marks        []Term    `json:"marks"`                // what the mark of a table or chart means
	Choice       []string  `json:"choice"`               // the recommendation, in paragraphs
	Verdict      *Table    `json:"verdict,omitempty"`    // where the claim holds, and where functions cost less or more
	Picture      *Chart    `json:"picture,omitempty"`
	Terms        []Term    `json:"terms"`
	Sections     []Section `json:"sections"`
}

// A Term is explained for readers who know neither Lambda nor EC2.
type Term struct {
	Name    string `json:"name"`
	Meaning string `json:"meaning"`
}

// A Section is a part of a document. Missing names the command to run if there are no data.
type Section struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Text    []string `json:"text,omitempty"`
	Missing string   `json:"missing,omitempty"`
	Charts  []Chart  `json:"charts,omitempty"`
	Tables  []Table  `json:"tables,omitempty"`
}

// A Table has rows of texts. Columns from index Left on hold figures and are right-aligned.
type Table struct {
	ID      string     `json:"id"` // unique in the document, set when it is complete
	Title   string     `json:"title"`
	Basis   cost.Basis `json:"-"`
	BasisIs string     `json:"basis"` // Basis in words, set when the document is complete
	Left    int        `json:"-"`     // number of leading columns that hold words
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Notes   []string   `json:"notes,omitempty"`

	// Links are the link targets of cells in HTML, by the cell's text: an anchor in the page, or a
	// file beside it.
	Links map[string]string `json:"-"`
}

// RowID returns the anchor of a row. row counts from 0, the number in the anchor from 1.
func (t Table) RowID(row int) string { return rowAnchor(t.ID, row+1) }

func rowAnchor(table string, row int) string { return fmt.Sprintf("%s-%d", table, row) }

// tableID returns the ID of a table of a section; table counts from 0.
func tableID(section string, table int) string { return fmt.Sprintf("%s-%c", section, 'a'+rune(table)) } //nolint:gosec // a section has few

// A Chart is a drawing with the data that it shows.
type Chart struct {
	Title   string        `json:"title"`
	Caption string        `json:"caption"`
	X       string        `json:"x"`
	Y       string        `json:"y"`
	Basis   cost.Basis    `json:"-"`
	BasisIs string        `json:"basis"`
	Rows    []string      `json:"rows,omitempty"` // names of rows: a point's Y is the index of its row, with 0 at the top
	Series  []Series      `json:"series"`
	SVG     template.HTML `json:"-"`

	logX, logY   bool
	yLow, yHigh  float64 // range of the Y axis, if they differ
	levels       []level // horizontal lines
	percentY     bool
	percentX     bool
	markersEvery int  // 0: a marker at each point
	stacked      bool // for charts with rows: stacked bars instead of points
}

// A Series is one line of a chart, with a band around it if Low and High are set.
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

// complete sets the fields that are derived from others (IDs, the basis in words) and draws the
// charts.
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
