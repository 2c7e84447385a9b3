package terminal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/atelier-go/atelier/submitter/escape"
)

// CanConfirm reports whether the user can be asked: both in and the screen are terminals.
func (s *Screen) CanConfirm(in io.Reader) bool { return Is(in) && Is(s.w) }

// Confirm asks a question, and reports whether the line that the user types into in is y or yes. If
// ctx ends before that, the error is its cause.
func (s *Screen) Confirm(ctx context.Context, in io.Reader, format string, args ...any) (bool, error) {
	s.write(escape.Lines(fmt.Sprintf(format, args...)))
	// A read from a terminal can't be interrupted: after a signal it goes on until the process
	// ends.
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n') // the end of the input means no
		answers <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answers:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		s.write("\n")
		return false, context.Cause(ctx)
	}
}
