package report

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func compareRows(t *testing.T, form string, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d rows, JSON %d", form, len(got), len(want))
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%s: got row %q, JSON has %q", form, got[i], want[i])
		}
	}
}

func rowsOfHTML(t *testing.T, page string) (rows [][]string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data != "tr" {
			continue
		}
		var row []string
		for c := range n.ChildNodes() {
			text := ""
			for leaf := range c.Descendants() {
				if leaf.Type == html.TextNode {
					text += leaf.Data
				}
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowsOfMarkdown(markdown string) (rows [][]string) {
	for line := range strings.Lines(markdown) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		rows = append(rows, cells)
	}
	return rows
}
