package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/escape"
	"github.com/atelier-go/atelier/submitter/terminal"
)

type watchCommand struct {
	IDs []string `arg:"" optional:"" name:"id" help:"The jobs' ids, as submit printed them; - for ids on standard input. Without any: all that have not ended yet."`
}

// Help returns the text of the command's help page; kong calls it.
func (watchCommand) Help() string {
	return `Prints a line for each job as it is, and one after each change, until all have ended:
its id, its state, the time since it was submitted, its style, and why it failed. On
a terminal, a table below shows the jobs that have not ended. With --json a line is
the job as the API returned it. Exits with 3 if a job failed.

  submitter watch
  submitter watch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter submit *.jpg -s watercolour | submitter watch - && echo all painted`
}

// many returns true: the command is always about several jobs.
func (*watchCommand) many() bool { return true }

// maxWatched is how many jobs are followed at the same time, each with a request that waits for a
// change. They are followed in the order in which they are given, because they are painted roughly
// in that order.
const maxWatched = 32

// A watcher follows several jobs.
type watcher struct {
	*app
	tally *tally
	stop  func(error) // ends the command

	mu   sync.Mutex
	jobs []*job.Job // in the order given; as the API returned them last
}

// Run follows jobs and shows their changes.
func (cmd *watchCommand) Run(ctx context.Context, a *app) error {
	jobs, err := cmd.jobs(ctx, a)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		a.screen.Info("there is nothing to watch: all your jobs have ended")
		return nil
	}
	w := &watcher{app: a, jobs: jobs, tally: &tally{total: len(jobs), things: "jobs"}}
	return w.run(ctx)
}

// jobs returns the jobs that the arguments name or, without arguments, the unfinished ones.
func (cmd *watchCommand) jobs(ctx context.Context, a *app) ([]*job.Job, error) {
	if len(cmd.IDs) == 0 {
		return a.unfinished(ctx)
	}
	ids, err := a.ids(ctx, cmd.IDs)
	var jobs []*job.Job
	for _, id := range ids {
		jobs = append(jobs, &job.Job{ID: id, State: job.Queued}) // until the first response
	}
	return jobs, err
}

// unfinished returns the jobs that have not ended, oldest first.
func (a *app) unfinished(ctx context.Context) ([]*job.Job, error) {
	var jobs []*job.Job
	seen := map[job.ID]bool{} // a job may be claimed between the two lists
	for _, state := range []job.State{job.Queued, job.Running} {
		_, _, err := a.api.List(ctx, state, math.MaxInt, func(page *client.Page) error {
			if len(jobs) > maxNames {
				return fmt.Errorf("more than %d jobs have not ended: name those to watch", maxNames)
			}
			for _, j := range page.Jobs {
				if !seen[j.ID] {
					jobs = append(jobs, &j)
				}
				seen[j.ID] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(jobs, func(a, b *job.Job) int { return strings.Compare(string(a.ID), string(b.ID)) }) // ids begin with the time
	return jobs, nil
}

func (w *watcher) run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	w.stop = cancel
	refresh, remove := func() {}, func() {}
	if w.showsTable() {
		refresh, remove = w.screen.Status(w.table)
	}
	todo := make(chan int, len(w.jobs))
	for n := range w.jobs {
		todo <- n
	}
	close(todo)
	var followers sync.WaitGroup
	for range min(maxWatched, len(w.jobs)) {
		followers.Go(func() {
			for n := range todo {
				err := w.follow(ctx, n, refresh)
				if err != nil && (ctx.Err() != nil || fatal(err)) {
					w.stop(err)
					return
				}
				w.tally.add(string(w.jobs[n].ID), err)
			}
		})
	}
	followers.Wait()
	remove()
	return w.end(ctx)
}

// follow follows one job until its run has ended.
func (w *watcher) follow(ctx context.Context, n int, refresh func()) error {
	placeholder := &client.Job{Job: job.Job{ID: w.jobs[n].ID, State: job.Queued}}
	j, err := w.api.Follow(ctx, placeholder, w.outage, func(j *client.Job, changed bool) {
		w.mu.Lock()
		w.jobs[n] = &j.Job
		w.mu.Unlock()
		refresh()
		if changed {
			w.progress()
			w.report(j)
		}
	})
	if err != nil {
		return err
	}
	return j.Err()
}

// showsTable reports whether changes are shown in a table. Then a line is printed only for each job
// that has ended.
func (w *watcher) showsTable() bool {
	return w.screen.Interactive() && terminal.Is(w.stdout) && !w.JSON
}

// report prints a line for a job that has changed.
func (w *watcher) report(j *client.Job) {
	if w.showsTable() && !j.State.Finished() {
		return
	}
	line := jobLine(&j.Job)
	if j.Error != nil {
		line += "  " + j.Error.Message
	}
	var err error
	if w.JSON {
		var raw []byte
		raw, err = escape.JSON(j.JSON)
		line = string(raw)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.printAbove(line)
	}
	if err != nil {
		w.stop(err)
	}
}

// table returns a table of the jobs that have not ended, and a line with the number of all jobs in
// each state.
func (w *watcher) table() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var rows []string
	counts := map[job.State]int{}
	for _, j := range w.jobs {
		counts[j.State]++
		if j.State.Finished() {
			continue
		}
		row := fmt.Sprintf("%s  %-20s", j.ID, stateText(j))
		if !j.CreatedAt.IsZero() {
			row += fmt.Sprintf("  %4s  %s", age(time.Since(j.CreatedAt)), j.Style)
		}
		rows = append(rows, row)
	}
	var sum []string
	for _, state := range []job.State{job.Succeeded, job.Failed, job.Canceled, job.Expired, job.Running, job.Queued} {
		if n := counts[state]; n > 0 {
			sum = append(sum, fmt.Sprintf("%d %s", n, state))
		}
	}
	return w.screen.Table(rows, strings.Join(sum, ", "))
}

func (w *watcher) end(ctx context.Context) error {
	err := context.Cause(ctx)
	if err == nil {
		return w.tally.err()
	}
	words := []string{"watch"}
	for _, j := range w.jobs {
		if !j.State.Finished() {
			words = append(words, string(j.ID))
		}
	}
	if len(words) > maxWatchWords {
		words = words[:1] // all that have not ended
	}
	return &resumableError{fmt.Errorf("%w; the jobs go on", err), w.command(words...)}
}

// maxWatchWords is the largest number of words in a command that names the jobs to watch.
const maxWatchWords = 10
