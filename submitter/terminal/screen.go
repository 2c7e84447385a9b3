// Package terminal shows progress and messages on standard error: lines, a status that is
// redrawn, tables and bars. What is redrawn, and what is of interest to a person only, is
// shown on terminals alone. It uses no colours, so that NO_COLOR needs no support. All text is
// escaped.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8/cwriter"

	"github.com/atelier-go/atelier/submitter/escape"
)

// A Screen is standard error. It is safe for concurrent use. Write errors are ignored: there
// is nowhere to report them.
type Screen struct {
	w           io.Writer
	interactive bool

	mu     sync.Mutex
	status string    // the text in the last line or lines, redrawn in place
	above  io.Writer // writes lines above a bar; nil without one
}

// New returns the screen of w. term is the value of $TERM.
func New(w io.Writer, term string) *Screen {
	return &Screen{w: w, interactive: Is(w) && term != "dumb"}
}

// Is reports whether v is a file that is a terminal.
func Is(v any) bool {
	f, ok := v.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// Interactive reports whether the screen is a terminal on which text can be redrawn.
func (s *Screen) Interactive() bool { return s.interactive }

// Notice writes a line.
func (s *Screen) Notice(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := escape.Lines(fmt.Sprintf(format, args...)) + "\n"
	if s.above != nil {
		if _, err := io.WriteString(s.above, text); err == nil {
			return
		}
	}
	s.write(eraseText(s.status) + text + s.status)
}

// Info writes a line on an interactive screen only.
func (s *Screen) Info(format string, args ...any) {
	if s.interactive {
		s.Notice(format, args...)
	}
}

// Status shows what text returns, one line or several, and the time since the call, on an
// interactive screen. It is redrawn each second and by refresh. stop removes it, and must be
// called; refresh must not be called after it.
func (s *Screen) Status(text func() string) (refresh, stop func()) {
	if !s.interactive {
		return func() {}, func() {}
	}
	began, quit, ended := time.Now(), make(chan struct{}), make(chan struct{})
	refresh = func() {
		s.setStatus(fmt.Sprintf("%s, %v", text(), time.Since(began).Truncate(time.Second)))
	}
	refresh()
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				refresh()
			case <-quit:
				s.setStatus("")
				return
			}
		}
	}()
	return refresh, func() { close(quit); <-ended }
}

func (s *Screen) setStatus(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text = escape.Lines(text)
	s.write(eraseText(s.status) + text)
	s.status = text
}

// eraseText returns the escape sequence that erases a text before the cursor. It is empty for
// an empty text, so that output to a file has no escape sequences.
func eraseText(text string) string {
	switch above := strings.Count(text, "\n"); {
	case text == "":
		return ""
	case above > 0:
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", above)
	}
	return "\r\x1b[K"
}

func (s *Screen) write(text string) { _, _ = io.WriteString(s.w, text) }
