package terminal

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
)

// A row of the table is one line of the terminal, however wide its characters are.
func TestTableFits(t *testing.T) {
	s := New(io.Discard, "")
	width, height := s.size()
	rows := []string{"mosaic", strings.Repeat("写", 1000), strings.Repeat("x", 1000), strings.Repeat("e\u0301", 1000)}
	for line := range strings.Lines(s.Table(rows, "4 running")) {
		if got := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); got >= width {
			t.Errorf("%d columns, the terminal has %d: %.60q", got, width, line)
		}
	}
	for n := range 2 * height {
		table := s.Table(make([]string, n), "summary")
		if got := strings.Count(table, "\n") + 1; got >= height {
			t.Errorf("%d rows are %d lines, the terminal has %d", n, got, height)
		}
		if left := n - (height - reservedLines); left > 0 && !strings.HasSuffix(table, fmt.Sprintf("\nand %d more\nsummary", left)) {
			t.Errorf("%d rows: %q does not count %d more", n, table, left)
		}
	}
}
