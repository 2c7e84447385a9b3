package main

import (
	"cmp"
	"encoding/json"

	"github.com/atelier-go/atelier/submitter/batch"
	"github.com/atelier-go/atelier/submitter/escape"
)

// An outcomeLine is the line that --json prints for a picture of a batch.
type outcomeLine struct {
	Input string          `json:"input"`
	Job   json.RawMessage `json:"job,omitempty"`  // as the API returned it last
	File  string          `json:"file,omitempty"` // of the result
	Error string          `json:"error,omitempty"`
	Exit  int             `json:"exit_status,omitempty"` // that the error alone would have
}

// printOutcome prints a line for a picture that is done. With --json it also prints one for a
// picture that has failed; otherwise failures are listed on standard error at the end.
func (a *app) printOutcome(o batch.Outcome) error {
	if a.JSON {
		return a.printOutcomeJSON(o)
	}
	if o.Err == nil {
		return a.printAbove(escape.Text(string(o.ID) + "  " + cmp.Or(o.Result, o.Input)))
	}
	return nil
}

func (a *app) printOutcomeJSON(o batch.Outcome) error {
	line := outcomeLine{Input: o.Input, Exit: exitCode(o.Err)}
	if o.Job != nil {
		line.Job = o.Job.JSON
	}
	if o.Err != nil {
		line.Error = o.Err.Error()
	} else {
		line.File = o.Result
	}
	raw, err := json.Marshal(line)
	if err == nil {
		raw, err = escape.JSON(raw)
	}
	if err != nil {
		return err
	}
	return a.printAbove(string(raw))
}
