package main

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/atelier-go/atelier/pkg/job"
)

type watchCommand struct {
	IDs []string `arg:"" optional:"" name:"id" help:"The jobs' ids, as submit printed them; - for ids on standard input. Without any: all that have not ended yet."`
}

// Help is kong's hook for a command's page.
func (watchCommand) Help() string {
	return `Prints a line for each job as it stands, and one whenever that changes, until all
have ended: its id, its state, how long ago it was submitted, its style, and why it
failed. On a terminal those that have not ended stand below in a table. With --json
a line is the job as the API tells it. Exits with 3 if one failed.

  submitter watch
  submitter watch 0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f
  submitter submit *.jpg -s watercolour | submitter watch - && echo all painted`
}

// many says that it is about several jobs.
func (*watchCommand) many() bool { return true }

// watchAtOnce bounds the requests that wait for a change. Of more jobs than that
// the first are watched first: they are painted first too.
const watchAtOnce = 32

// A watcher follows several jobs at a time.
type watcher struct {
	*app
	tally  *tally
	giveUp func(error)

	mu   sync.Mutex
	jobs []*job.Job // in the order given; as the API told them last
}

// Run watches jobs.
func (cmd *watchCommand) Run(ctx context.Context, a *app) error {
	jobs, err := cmd.jobs(ctx, a)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		a.screen.remark("there is nothing to watch: all your jobs have ended")
		return nil
	}
	w := &watcher{app: a, jobs: jobs, tally: &tally{of: len(jobs), things: "jobs"}}
	return w.run(ctx)
}

// jobs are those to watch.
func (cmd *watchCommand) jobs(ctx context.Context, a *app) ([]*job.Job, error) {
	if len(cmd.IDs) == 0 {
		return a.unfinished(ctx)
	}
	ids, err := a.ids(ctx, cmd.IDs)
	var jobs []*job.Job
	for _, id := range ids {
		jobs = append(jobs, &job.Job{ID: id, State: job.Queued}) // it is soon heard how it stands
	}
	return jobs, err
}

// unfinished lists the jobs that have not ended, oldest first.
func (a *app) unfinished(ctx context.Context) ([]*job.Job, error) {
	var jobs []*job.Job
	seen := map[job.ID]bool{} // one may be begun between the two lists
	for _, state := range []job.State{job.Queued, job.Running} {
		query := url.Values{"state": {string(state)}}
		_, _, err := a.eachPage(ctx, query, math.MaxInt, func(page *jobPage) error {
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

func (w *watcher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.giveUp = func(err error) { cancel(gaveUp{err}) }
	show, remove := func() {}, func() {}
	if w.onTerminal() {
		show, remove = w.screen.follow(w.table)
	}
	todo := make(chan int, len(w.jobs))
	for n := range w.jobs {
		todo <- n
	}
	close(todo)
	var watchers sync.WaitGroup
	for range min(watchAtOnce, len(w.jobs)) {
		watchers.Go(func() {
			for n := range todo {
				err := w.watch(ctx, n, show)
				if err != nil && (ctx.Err() != nil || hopeless(err)) {
					w.giveUp(err)
					return
				}
				w.tally.add(string(w.jobs[n].ID), err)
			}
		})
	}
	watchers.Wait()
	remove()
	return w.end(ctx)
}

// watch follows one job.
func (w *watcher) watch(ctx context.Context, n int, show func()) error {
	first := true
	j, err := w.follow(ctx, &jobAnswer{Job: job.Job{ID: w.jobs[n].ID, State: job.Queued}}, func(j *jobAnswer) {
		w.mu.Lock()
		old := w.jobs[n]
		w.jobs[n] = &j.Job
		w.mu.Unlock()
		show()
		if first || changed(old, &j.Job) {
			w.report(j)
		}
		first = false
	})
	if err != nil {
		return err
	}
	return ended(&j.Job)
}

// onTerminal: then a table shows changes, and a line only how a job has ended.
func (w *watcher) onTerminal() bool {
	return w.screen.terminal && isTerminal(w.stdout) && !w.JSON
}

func (w *watcher) report(j *jobAnswer) {
	if w.onTerminal() && !j.State.Finished() {
		return
	}
	line := listLine(&j.Job)
	if j.Error != nil {
		line += "  " + j.Error.Message
	}
	var err error
	if w.JSON {
		var raw []byte
		raw, err = escapeJSON(j.raw)
		line = string(raw)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		err = w.printAbove(line)
	}
	if err != nil {
		w.giveUp(err)
	}
}

// table tells of the jobs that have not ended, as far as there is room, and counts
// all.
func (w *watcher) table() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	width, height := w.screen.size()
	var lines []string
	counts := map[job.State]int{}
	for _, j := range w.jobs {
		counts[j.State]++
		if j.State.Finished() || len(lines) > height-4 {
			continue
		}
		line := fmt.Sprintf("%s  %-20s", j.ID, progressText(j))
		if !j.CreatedAt.IsZero() {
			line += fmt.Sprintf("  %4s  %s", age(time.Since(j.CreatedAt)), j.Style)
		}
		lines = append(lines, runewidth.Truncate(line, width-1, "…"))
	}
	if left := counts[job.Queued] + counts[job.Running] - len(lines); left > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", left))
	}
	var sum []string
	for _, state := range []job.State{job.Succeeded, job.Failed, job.Canceled, job.Expired, job.Running, job.Queued} {
		if n := counts[state]; n > 0 {
			sum = append(sum, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(append(lines, strings.Join(sum, ", ")), "\n")
}

func (w *watcher) end(ctx context.Context) error {
	err := stopped(ctx)
	if err == nil {
		return w.tally.err()
	}
	words := []string{"watch"}
	for _, j := range w.jobs {
		if !j.State.Finished() {
			words = append(words, string(j.ID))
		}
	}
	if len(words) > 10 {
		words = words[:1] // then all that have not ended
	}
	return &resumableError{fmt.Errorf("%w; the jobs go on", err), w.command(words...)}
}
