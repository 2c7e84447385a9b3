package terminal

import (
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8/cwriter"
)

// The size that is assumed for a terminal whose size is unknown.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// reservedLines is how many lines of a terminal a table leaves free for other text.
const reservedLines = 3

// Table returns a text with the rows, one a line, and a summary below them. Rows that are wider
// than the screen are cut. If there are more rows than lines, it says how many are left out.
func (s *Screen) Table(rows []string, summary string) string {
	width, height := s.size()
	shown := rows[:min(len(rows), max(height-reservedLines, 0))]
	var lines []string
	for _, row := range shown {
		lines = append(lines, runewidth.Truncate(row, width-1, "…"))
	}
	if left := len(rows) - len(shown); left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", left))
	}
	return strings.Join(append(lines, summary), "\n")
}

// size returns the columns and lines of the screen.
func (s *Screen) size() (width, height int) {
	if f, ok := s.w.(*os.File); ok {
		width, height, _ = cwriter.GetSize(int(f.Fd()))
	}
	if width <= 0 || height <= 0 {
		return defaultWidth, defaultHeight
	}
	return width, height
}
