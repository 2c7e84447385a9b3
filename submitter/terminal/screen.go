package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"
)

// A screen is standard error as something to look at. Notes are always
// written; what moves, and what only pleases, is for terminals alone. It uses
// no colours, and so has nothing to ask of NO_COLOR.
type screen struct {
	w        io.Writer
	terminal bool

	mu    sync.Mutex
	line  string    // what stands on the last line, or lines
	above io.Writer // of lines above a bar; nil without one
}

func newScreen(w io.Writer, getenv func(string) string) *screen {
	return &screen{w: w, terminal: isTerminal(w) && getenv("TERM") != "dumb"}
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// note writes a line that stays.
func (s *screen) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := escapeLines(fmt.Sprintf(format, args...)) + "\n"
	if s.above != nil {
		if _, err := io.WriteString(s.above, text); err == nil {
			return
		}
	}
	s.write(clearLine(s.line) + text + s.line)
}

// remark is a note for people who watch.
func (s *screen) remark(format string, args ...any) {
	if s.terminal {
		s.note(format, args...)
	}
}

// follow keeps what text returns, a line or several, and the time since then, until
// stop is called, which must be: it removes them. show brings them up to date at
// once.
func (s *screen) follow(text func() string) (show, stop func()) {
	if !s.terminal {
		return func() {}, func() {}
	}
	began, quit, ended := time.Now(), make(chan struct{}), make(chan struct{})
	show = func() {
		s.set(fmt.Sprintf("%s, %v", text(), time.Since(began).Truncate(time.Second)))
	}
	show()
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show()
			case <-quit:
				s.set("")
				return
			}
		}
	}()
	return show, func() { close(quit); <-ended }
}

func (s *screen) set(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line = escapeLines(line)
	s.write(clearLine(s.line) + line)
	s.line = line
}

// clearLine is nothing where there is nothing to clear, so that what goes to a
// file has no escape sequences in it.
func clearLine(line string) string {
	switch above := strings.Count(line, "\n"); {
	case line == "":
		return ""
	case above > 0:
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", above)
	}
	return "\r\x1b[K"
}

// size is how many lines a terminal has, and characters a line; a guess where it
// doesn't say.
func (s *screen) size() (width, height int) {
	if f, ok := s.w.(*os.File); ok {
		width, height, _ = cwriter.GetSize(int(f.Fd()))
	}
	if width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

func (s *screen) write(text string) {
	_, _ = io.WriteString(s.w, text) // there is nowhere else to say so
}
