package main

import (
	"context"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/terminal"
)

// idArguments are the arguments that name the jobs of a command.
type idArguments struct {
	IDs []string `arg:"" name:"id" help:"The jobs' ids, as submit printed them; - for ids on standard input."`
}

// many reports whether the command may be about several jobs.
func (i idArguments) many() bool { return len(i.IDs) != 1 || i.IDs[0] == "-" }

// ids parses ids and returns each once. "-" stands for the ids on standard input, of which it takes
// the first word of each line, so that the output of list can be piped in.
func (a *app) ids(ctx context.Context, args []string) ([]job.ID, error) {
	var ids []job.ID
	seen := map[job.ID]bool{}
	add := func(text string) error {
		id, err := job.ParseID(strings.TrimSpace(text))
		if err != nil {
			return errorf(errUsage, "%w", err)
		}
		if !seen[id] {
			ids = append(ids, id)
		}
		seen[id] = true
		return nil
	}
	for _, arg := range args {
		words := []string{arg}
		if arg == "-" {
			if terminal.Is(a.stdin) {
				return nil, errorf(errUsage, "standard input is a terminal: pipe ids into it, as submitter list prints them")
			}
			lines, err := readNames(ctx, "standard input", a.stdin, '\n')
			if err != nil {
				return nil, err
			}
			words = words[:0]
			for _, line := range lines {
				if fields := strings.Fields(line); len(fields) > 0 {
					words = append(words, fields[0])
				}
			}
		}
		for _, word := range words {
			if err := add(word); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}
