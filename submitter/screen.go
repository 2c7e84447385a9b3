package main

import (
	"fmt"
	"io"
	"os"
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
	line  string    // what stands on the last line
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
	text := printable(fmt.Sprintf(format, args...)) + "\n"
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

// follow keeps a line with what text returns and the time since then, until
// stop is called, which must be: it removes the line. show brings it up to date
// at once.
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
	line = printable(line)
	s.write(clearLine(s.line) + line)
	s.line = line
}

// clearLine is nothing where there is nothing to clear, so that what goes to a
// file has no escape sequences in it.
func clearLine(line string) string {
	if line == "" {
		return ""
	}
	return "\r\x1b[K"
}

func (s *screen) write(text string) {
	_, _ = io.WriteString(s.w, text) // there is nowhere else to say so
}
