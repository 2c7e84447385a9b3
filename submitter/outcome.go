package main

import "encoding/json"

// An outcome is the line for one picture of a batch that --json prints.
type outcome struct {
	Input string          `json:"input"`
	Job   json.RawMessage `json:"job,omitempty"`  // as the API told it last
	File  string          `json:"file,omitempty"` // with its result
	Error string          `json:"error,omitempty"`
	Exit  int             `json:"exit_status,omitempty"` // that the error alone would have
}

// report prints the line of a picture that is done or has failed; failures are
// for standard error unless JSON is asked for.
func (b *batch) report(t *task, j *jobAnswer, err error) error {
	b.printing.Lock()
	defer b.printing.Unlock()
	name := string(t.Name)
	if t.Result != "" {
		name = b.at(t.Result)
	}
	switch {
	case b.JSON:
		o := outcome{Input: string(t.Name), Exit: exitCode(err)}
		if j != nil {
			o.Job = j.raw
		}
		if err != nil {
			o.Error = err.Error()
		} else if t.Result != "" {
			o.File = name
		}
		line, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if line, err = escapeJSON(line); err != nil {
			return err
		}
		return b.printAbove(string(line))
	case err != nil:
		return nil
	}
	return b.printAbove(escape(string(t.id) + "  " + name))
}

// printAbove prints a line to standard output, above a bar if both are on the
// terminal.
func (a *app) printAbove(line string) error {
	if a.screen.terminal && isTerminal(a.stdout) {
		a.screen.note("%s", line)
		return nil
	}
	return a.print(line)
}
