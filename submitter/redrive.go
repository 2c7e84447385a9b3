package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/job"
)

type redriveCommand struct {
	IDs  []string `arg:"" optional:"" name:"id" help:"Jobs, failed or canceled; - for ids on standard input."`
	All  bool     `xor:"which" help:"Every job that failed."`
	Code string   `xor:"which" placeholder:"CODE" help:"Every job that failed with this code, such as gave_up."`
}

// Help is kong's hook for a command's page.
func (redriveCommand) Help() string {
	return `Runs failed jobs again, for instance after an outage that they failed of. Prints
the id of each job that runs again; each that could not be is named on standard
error with the reason, and the exit status is 7 then. Stopped half-way, the same
command goes on with what is left, since what runs again has not failed any more.

  submitter redrive --code gave_up
  submitter redrive --all
  submitter redrive 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f

--json prints the API's answers, one a line: it is asked in pages.`
}

// many says that it is about several jobs.
func (*redriveCommand) many() bool { return true }

// Validate is kong's hook for what it can't check itself.
func (cmd *redriveCommand) Validate() error {
	if (len(cmd.IDs) > 0) == (cmd.All || cmd.Code != "") {
		return errors.New("either ids, or --all, or --code CODE is needed")
	}
	return nil
}

// A redriveRequest is one page's.
type redriveRequest struct {
	IDs    []job.ID `json:"ids,omitempty"`
	All    bool     `json:"all,omitempty"`
	Code   string   `json:"code,omitempty"`
	Cursor string   `json:"cursor,omitempty"`
}

type redriveAnswer struct {
	Retried []job.ID
	Skipped []struct {
		ID           job.ID
		Code, Detail string
	}
	Next string `json:"next_cursor"`
	raw  []byte // the API's JSON
}

// idsAtOnce is how many jobs are named in one request, few enough for an answer
// within seconds.
const idsAtOnce = 100

// Run retries jobs until there are no more.
func (cmd *redriveCommand) Run(ctx context.Context, a *app) error {
	var retried, skipped atomic.Int64
	var empty emptyPages
	progress := func() string { return fmt.Sprintf("%d run again, %d skipped", retried.Load(), skipped.Load()) }
	page := func(r redriveRequest) (string, error) {
		answer, err := retrying(ctx, func() (*redriveAnswer, error) { return a.api.redrive(ctx, r) }, passing, a.tryingAgain)
		if err != nil {
			return "", fmt.Errorf("%w; %s: the same command goes on with the rest", err, progress())
		}
		if len(answer.Retried)+len(answer.Skipped) > 0 {
			a.heard()
		}
		if retried.Add(int64(len(answer.Retried)))+skipped.Add(int64(len(answer.Skipped))) > maxNames {
			return "", a.api.damaged("it has run more than %d jobs again, and goes on", maxNames)
		}
		if err := a.report(answer); err != nil || answer.Next == "" || answer.Next == r.Cursor {
			return answer.Next, err
		}
		return answer.Next, empty.after(ctx, a.api, len(answer.Retried)+len(answer.Skipped))
	}
	ids, err := a.ids(ctx, cmd.IDs)
	if err != nil {
		return err
	}
	if err := cmd.pages(a, ids, progress, page); err != nil {
		return err
	}
	a.screen.remark("%s", progress())
	if skipped.Load() > 0 {
		return faultf(errState, "%s", progress())
	}
	return nil
}

// pages asks for one page after the other.
func (cmd *redriveCommand) pages(a *app, ids []job.ID, progress func() string, page func(redriveRequest) (string, error)) error {
	if !isTerminal(a.stdout) { // else the ids show how it goes
		_, stop := a.screen.follow(progress)
		defer stop()
	}
	for some := range slices.Chunk(ids, idsAtOnce) {
		if _, err := page(redriveRequest{IDs: some}); err != nil {
			return err
		}
	}
	if len(cmd.IDs) > 0 {
		return nil
	}
	r := redriveRequest{All: cmd.All, Code: cmd.Code}
	for {
		next, err := page(r)
		if err != nil || next == "" {
			return err
		}
		if next == r.Cursor {
			return faultf(errAway, "the API answers the same page again and again")
		}
		r.Cursor = next
	}
}

// report prints what became of a page.
func (a *app) report(answer *redriveAnswer) error {
	if a.JSON {
		return a.printJSON(answer.raw)
	}
	for _, id := range answer.Retried {
		if err := a.print(string(id)); err != nil {
			return err
		}
	}
	for _, s := range answer.Skipped {
		a.screen.note("%s: %s (%s)", s.ID, s.Detail, s.Code)
	}
	return nil
}

func (c *client) redrive(ctx context.Context, r redriveRequest) (*redriveAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, http.MethodPost, "v1/admin/redrive", http.Header{"Content-Type": {"application/json"}}, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := new(redriveAnswer)
	if answer.raw, err = c.readJSON(resp, answer); err != nil {
		return nil, err
	}
	if answer.Retried == nil {
		return nil, c.damaged("it does not say what runs again")
	}
	ids := answer.Retried
	for _, s := range answer.Skipped {
		ids = append(ids, s.ID)
	}
	for _, id := range ids {
		if err := c.checkID(id); err != nil {
			return nil, err
		}
	}
	return answer, c.checkCursor(answer.Next)
}
