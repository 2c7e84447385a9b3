// Package terminal shows progress and messages on standard error: lines, a status that is redrawn,
// tables and bars. On anything but a terminal it shows neither what is redrawn nor what only a
// person needs. It uses no colours, so NO_COLOR changes nothing. It escapes all text.
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

// A Screen is where the program writes its messages: standard error. It is safe for concurrent use.
// Errors of writing are ignored, because there is nowhere to report them.
type Screen struct {
	w           io.Writer
	interactive bool

	mu     sync.Mutex
	status string    // the text in the last line or lines, redrawn in place
	above  io.Writer // writes lines above a bar; nil without one
}

// New returns a Screen that writes to w. term is the value of $TERM.
func New(w io.Writer, term string) *Screen {
	return &Screen{w: w, interactive: Is(w) && term != "dumb"}
}

// Is reports whether v is a file, and the file a terminal.
func Is(v any) bool {
	f, ok := v.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// Interactive reports whether the screen is a terminal on which text can be redrawn.
func (s *Screen) Interactive() bool { return s.interactive }

// Notice writes a line to the screen.
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

// Info writes a line, if the screen is interactive.
func (s *Screen) Info(format string, args ...any) {
	if s.interactive {
		s.Notice(format, args...)
	}
}

// Status shows the lines that text returns, and the time since the call, on an interactive screen.
// They are redrawn each second, and when the caller calls refresh. The caller must call stop, which
// removes them, and must not call refresh after that.
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
