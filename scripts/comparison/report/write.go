package report

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page.html
var page string

// HTML writes the document as one page that loads nothing from elsewhere.
func (d *Document) HTML(w io.Writer) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, d)
}

// JSON writes the document with the texts of its tables and the points of its charts.
func (d *Document) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(d)
}

// Figures returns the drawings of the main results as SVG files, by name: those of the recommendation,
// of the monthly bills and of a burst, as far as there are data for them.
func (d *Document) Figures() map[string][]byte {
	all := map[string][]byte{}
	if d.Picture != nil {
		all["saving"] = onWhite(d.Picture.SVG)
	}
	for _, s := range d.Sections {
		if (s.ID == "cases" || s.ID == "burst") && len(s.Charts) > 0 {
			all[s.ID] = onWhite(s.Charts[0].SVG)
		}
	}
	return all
}

// onWhite returns an image with a white background: its text is black, and a page may be dark.
func onWhite(svg template.HTML) []byte {
	start, rest, _ := strings.Cut(string(svg), ">")
	return []byte(start + "><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>" + rest)
}

// NotForDecisions is the warning on each page of a quick measurement's report.
const NotForDecisions = "Not for decisions: made with --quick, whose figures are meaningless."

// Warning returns [NotForDecisions] for a quick measurement, and otherwise an empty string.
func (d *Document) Warning() string {
	if d.Quick {
		return NotForDecisions
	}
	return ""
}

// Markdown writes the document's texts and tables, with only the titles and captions of charts.
func (d *Document) Markdown(w io.Writer) error {
	var b strings.Builder
	paragraph := func(s string) {
		if s != "" {
			b.WriteString(s + "\n\n")
		}
	}
	paragraph("# " + d.Title)
	if d.Quick {
		paragraph("**" + NotForDecisions + "**")
	}
	for _, p := range d.Incomplete {
		paragraph("**" + p + "**")
	}
	for _, p := range d.Introduction {
		paragraph(p)
	}
	list := func(terms []Term) {
		for _, t := range terms {
			b.WriteString("- **" + t.Name + "**: " + t.Meaning + "\n")
		}
		b.WriteString("\n")
	}
	list(d.Marks)
	paragraph("## What to choose")
	for _, p := range d.Choice {
		paragraph(p)
	}
	if t := d.Verdict; t != nil {
		paragraph("### " + t.Title + " (" + t.BasisIs + ")")
		t.markdown(&b)
		for _, n := range t.Notes {
			paragraph(n)
		}
	}
	if c := d.Picture; c != nil {
		paragraph(c.markdown())
	}
	paragraph("## Terms")
	list(d.Terms)
	for _, s := range d.Sections {
		paragraph("## " + s.Title)
		for _, p := range s.Text {
			paragraph(p)
		}
		paragraph(s.Missing)
		for _, c := range s.Charts {
			paragraph(c.markdown())
		}
		for _, t := range s.Tables {
			paragraph("### " + t.Title + " (" + t.BasisIs + ")")
			t.markdown(&b)
			for _, n := range t.Notes {
				paragraph(n)
			}
		}
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

func (c *Chart) markdown() string {
	return "*Chart in the HTML file (" + c.BasisIs + "): " + c.Title + ".* " + c.Caption
}

func (t *Table) markdown(b *strings.Builder) {
	row := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + strings.ReplaceAll(c, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	row(t.Columns)
	rule := slices.Repeat([]string{"---"}, len(t.Columns))
	for i := t.Left; i < len(rule); i++ {
		rule[i] = "---:"
	}
	row(rule)
	for _, r := range t.Rows {
		row(r)
	}
	b.WriteString("\n")
}

// Number returns whether a column holds figures.
func (t Table) Number(column int) bool { return column >= t.Left }

// Words returns whether no column holds figures.
func (t Table) Words() bool { return t.Left >= len(t.Columns) }

// Wide returns whether a table has so many columns that it needs a smaller font.
func (t Table) Wide() bool { return len(t.Columns) >= 10 }

// Class returns the CSS class of a cell: of figures, or of URLs, which may be broken at any
// character.
func (t Table) Class(column int, cell string) string {
	switch {
	case t.Number(column):
		return "n"
	case strings.Contains(cell, "://"):
		return "url"
	}
	return ""
}
