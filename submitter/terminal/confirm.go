package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"strings"
)

// canAsk says whether there is somebody to ask.
func (a *app) canAsk() bool { return isTerminal(a.stdin) && isTerminal(a.screen.w) }

// ask asks a question on the terminal; whatever is no yes is a no.
func (a *app) ask(ctx context.Context, question string, args ...any) (bool, error) {
	a.screen.write(escapeLines(fmt.Sprintf(question, args...)))
	// A read from a terminal can't be interrupted: after a signal it is left behind,
	// and ends with the process.
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n') // the end of the input is a no
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case answer := <-answered:
		return answer == "y" || answer == "yes", nil
	case <-ctx.Done():
		a.screen.write("\n")
		return false, cmp.Or(stopped(ctx), ctx.Err())
	}
}
