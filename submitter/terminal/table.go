package terminal

import (
	"fmt"
	"os"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8/cwriter"
)

// The size of a terminal whose size is unknown.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// reservedLines is the number of lines of a terminal that a table leaves for other text.
const reservedLines = 3

// Table returns rows and a summary below them, one a line, as far as the screen has room:
// rows that are too wide are cut, and those that are too many are counted.
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
