package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

type listCommand struct {
	State string `placeholder:"STATE" help:"Only jobs that are queued, running, succeeded, failed or canceled."`
	Limit *int   `xor:"many" placeholder:"20" help:"At most so many."`
	All   bool   `xor:"many" help:"However many there are."`
	IDs   bool   `name:"ids" short:"q" help:"Print the ids alone."`
}

// Help is kong's hook for a command's page.
func (listCommand) Help() string {
	return `Prints a line for each job, newest first: its id, its state, how long ago it was
submitted, and its style. With an API key they are the jobs of the key's owner.

  submitter list
  submitter list --state failed --all
  submitter list --state failed --all --ids | submitter retry -
  submitter list --json | jq -r '.jobs[].receipt.cost_usd'

--json prints the API's answers, one a line: it is asked in pages.`
}

// Validate is kong's hook for what it can't check itself.
func (cmd *listCommand) Validate() error {
	if cmd.State != "" && !job.State(cmd.State).Valid() {
		return fmt.Errorf("--state %.40q is no state of a job: there are queued, running, succeeded, failed and canceled", cmd.State)
	}
	if cmd.Limit != nil && *cmd.Limit < 1 {
		return errors.New("--limit must be from 1")
	}
	return nil
}

const (
	listLimit  = 20  // without --limit and --all
	listAtOnce = 100 // that one request asks for: the API's limit
)

// Run lists jobs.
func (cmd *listCommand) Run(ctx context.Context, a *app) error {
	query := url.Values{}
	if cmd.State != "" {
		query.Set("state", cmd.State)
	}
	limit := listLimit
	switch {
	case cmd.All:
		limit = math.MaxInt
	case cmd.Limit != nil:
		limit = *cmd.Limit
	}
	shown, more, err := a.eachPage(ctx, query, limit, func(page *jobPage) error { return cmd.show(a, page) })
	switch {
	case err != nil:
		return err
	case more:
		a.screen.remark("there may be more: --all lists them")
	case shown == 0:
		a.screen.remark("there are no such jobs")
	}
	return nil
}

// eachPage asks for jobs, page after page, until there are limit of them or no
// more: a page may be short without being the last.
func (a *app) eachPage(ctx context.Context, query url.Values, limit int, show func(*jobPage) error) (shown int, more bool, err error) {
	var empty emptyPages
	for shown < limit {
		query.Set("limit", strconv.Itoa(min(limit-shown, listAtOnce)))
		page, err := retrying(ctx, func() (*jobPage, error) { return a.api.jobs(ctx, query) }, transient, nil)
		if err == nil {
			err = show(page)
		}
		if err != nil {
			return shown, true, err
		}
		shown += len(page.Jobs)
		switch page.Next {
		case "":
			return shown, false, nil
		case query.Get("cursor"):
			return shown, true, faultf(errAway, "the API answers the same page again and again")
		}
		query.Set("cursor", page.Next)
		if err := empty.after(ctx, a.api, len(page.Jobs)); err != nil {
			return shown, true, err
		}
	}
	return shown, true, nil
}

// emptyPages counts the pages without content that a list has had in a row. Some are
// usual, where a page is what was found in a limited time.
type emptyPages int

const (
	emptyAtOnce = 10     // are followed without a pause
	maxEmpty    = 10_000 // are followed at all
)

// after is called with the number of things on a page that isn't the last one. Before
// the next request it pauses, the longer the more pages were empty, up to a second; a
// list that goes on without content has an error in the end.
func (e *emptyPages) after(ctx context.Context, c *client, things int) error {
	if *e++; things > 0 {
		*e = 0
	}
	switch {
	case *e >= maxEmpty:
		return c.damaged("its list goes on after %d empty pages in a row", maxEmpty)
	case *e >= emptyAtOnce:
		return sleep(ctx, min(time.Duration(*e-emptyAtOnce+1)*100*time.Millisecond, time.Second))
	}
	return nil
}

// show prints a page.
func (cmd *listCommand) show(a *app, page *jobPage) error {
	if a.JSON {
		return a.printJSON(page.raw)
	}
	for i := range page.Jobs {
		line := listLine(&page.Jobs[i])
		if cmd.IDs {
			line = string(page.Jobs[i].ID)
		}
		if err := a.print(line); err != nil {
			return err
		}
	}
	return nil
}

// listLine tells a job in a line, its id first.
func listLine(j *job.Job) string {
	return fmt.Sprintf("%s  %-9s  %4s  %s", j.ID, j.State, age(time.Since(j.CreatedAt)), j.Style)
}

// age tells how long ago something was, in one number.
func age(d time.Duration) string {
	switch {
	case d < time.Second: // also where the API's clock is ahead of ours
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

type jobPage struct {
	Jobs []job.Job
	Next string `json:"next_cursor"`
	raw  []byte // the API's JSON
}

func (c *client) jobs(ctx context.Context, query url.Values) (*jobPage, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, "v1/jobs?"+query.Encode(), nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page := new(jobPage)
	if page.raw, err = c.readJSON(resp, page); err != nil {
		return nil, err
	}
	if page.Jobs == nil || len(page.Jobs) > listAtOnce {
		return nil, c.damaged("it was asked for a list of at most %d jobs", listAtOnce)
	}
	for i := range page.Jobs {
		if err := c.check(&page.Jobs[i]); err != nil {
			return nil, err
		}
	}
	return page, c.checkCursor(page.Next)
}
