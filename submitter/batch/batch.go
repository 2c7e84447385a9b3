package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A batch is several pictures on their way through the API. Pictures are sent as
// fast as the API takes them, Parallel at a time; as many at a time are waited for
// in the order in which they were sent, which is about the order in which they are
// painted. However many there are, no more are open than that.
type batch struct {
	*app
	plan    *plan
	tasks   []*task
	tally   *tally
	keeper  *journal // nil if none could be made
	folder  string   // that the journal is in
	style   *picture // nil for a style with a name
	backoff *backoff
	board   *board
	giveUp  func(error)
	fresh   bool        // begun by this process
	again   atomic.Bool // a picture failed that may fare better another time

	printing sync.Mutex
}

// A task is a picture of a batch that is not done.
type task struct {
	input
	n  int    // in the journal
	id job.ID // empty until it is accepted
}

// runBatch is Run for several pictures.
func (cmd *submitCommand) runBatch(ctx context.Context, a *app) error {
	if cmd.Out == "-" {
		return faultf(errUsage, "-o - is for one picture: several need a folder, such as painted/")
	}
	if formatOf(cmd.Out) != "" && !isFolder(cmd.Out) {
		return faultf(errUsage, "-o %s is one file: several pictures need a folder, such as painted/", cmd.Out)
	}
	found, err := cmd.gather(ctx, a)
	if err != nil {
		return err
	}
	if found.others > 0 {
		a.screen.remark("left out %d files that are no pictures the API reads", found.others)
	}
	if len(found.inputs)+len(found.troubles) == 0 {
		where := ""
		if !cmd.Recursive {
			where = "; --recursive looks into folders of folders"
		}
		a.screen.note("there are no pictures there%s", where)
		return nil
	}
	cmd.Key = cmp.Or(cmd.Key, rand.Text())
	if cmd.Out != "" {
		cmd.Wait, cmd.Format = true, cmp.Or(cmd.Format, "jpeg")
		if cmd.nameResults(found.inputs); len(found.inputs) > 0 {
			if err := cmd.makeFolders(found.inputs); err != nil {
				return err
			}
		}
	}
	b := &batch{app: a, fresh: true, plan: &plan{
		Version: planVersion, Began: time.Now().UTC(), API: a.API, Force: cmd.Force,
		StyleImage: path(cmd.StyleImage), Pictures: len(found.inputs), Settings: *cmd,
	}}
	b.tally = &tally{of: len(found.inputs) + len(found.troubles), things: "pictures", screen: a.screen}
	for _, err := range found.troubles {
		b.tally.add("", err)
	}
	for n, in := range found.inputs {
		b.tasks = append(b.tasks, &task{input: *in, n: n})
	}
	if err := b.keepJournal(found.inputs); err != nil {
		a.screen.note("this batch can't be picked up again after an interruption: %v", err)
	}
	return b.run(ctx)
}

func (b *batch) keepJournal(inputs []*input) error {
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	b.plan.Folder = path(here)
	if b.folder, err = b.journalFolder(); err != nil {
		return err
	}
	keeper, err := newJournal(b.folder, b.plan, inputs)
	if err == nil {
		b.keeper = keeper
	}
	return err
}

// run does what is left of a batch.
func (b *batch) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.giveUp = func(err error) { cancel(gaveUp{err}) }
	b.backoff = &backoff{limit: b.Timeout, outage: &b.outage, screen: b.screen}
	if b.plan.StyleImage != "" {
		var err error
		if b.style, err = openPicture(ctx, b.at(b.plan.StyleImage), b.stdin); err != nil {
			return b.end(ctx, err)
		}
		defer b.style.file.Close()
	}
	b.board = newBoard(b.tasks)
	remove := b.screen.batchBar(b.board)
	b.work(ctx)
	remove()
	return b.end(ctx, nil)
}

// work sends, waits and fetches until all is done or ctx ends.
func (b *batch) work(ctx context.Context) {
	unsent, accepted := make(chan *task, len(b.tasks)), make(chan *task, len(b.tasks))
	for _, t := range b.tasks {
		if t.id == "" {
			unsent <- t
		} else {
			accepted <- t
		}
	}
	close(unsent)
	var senders, waiters sync.WaitGroup
	for range b.plan.Settings.Parallel {
		senders.Go(func() {
			for t := range unsent {
				if ctx.Err() == nil && b.submit(ctx, t) {
					accepted <- t // which has room for all
				}
			}
		})
		waiters.Go(func() {
			for t := range accepted {
				if ctx.Err() == nil {
					j, err := b.await(ctx, t)
					b.settle(ctx, t, j, err)
				}
			}
		})
	}
	senders.Wait()
	close(accepted)
	waiters.Wait()
}

// await follows a job to its end and puts its result where it belongs.
func (b *batch) await(ctx context.Context, t *task) (*jobAnswer, error) {
	j, err := b.follow(ctx, &jobAnswer{Job: job.Job{ID: t.id, State: job.Queued}}, func(j *jobAnswer) {
		b.board.set(t, string(j.State))
	})
	if err == nil {
		err = ended(&j.Job)
	}
	if err != nil || t.Result == "" {
		return j, err
	}
	to := &destination{path: b.at(t.Result), force: b.plan.Force}
	if to.holds(j.Result) { // saved, and then killed before that was noted
		return j, nil
	}
	return patiently(ctx, b.backoff, func() (*jobAnswer, error) { return j, b.save(ctx, j, to) })
}

// settle is the end of a picture, unless it is that of the whole batch: then it is
// left for the next time.
func (b *batch) settle(ctx context.Context, t *task, j *jobAnswer, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
		return
	case err != nil && hopeless(err):
		b.giveUp(err)
		return
	}
	if werr := b.report(t, j, err); werr != nil {
		b.giveUp(werr)
		return
	}
	b.heard()
	b.tally.add(string(t.Name), err)
	if err != nil {
		b.board.set(t, string(job.Failed))
		if transient(err) {
			b.again.Store(true)
		}
		return
	}
	b.board.set(t, stageDone)
	b.keeper.note(event{N: t.n, Done: true})
}

// at is a name that the plan tells, for this process.
func (b *batch) at(p path) string {
	if p == "-" || p == "" || filepath.IsAbs(string(p)) {
		return string(p)
	}
	if here, err := filepath.Abs("."); err == nil && here == string(b.plan.Folder) || b.plan.Folder == "" {
		return string(p)
	}
	return filepath.Join(string(b.plan.Folder), string(p))
}

// end closes the journal, and says how the batch went or how to pick it up again.
func (b *batch) end(ctx context.Context, err error) error {
	if done, failed := b.tally.counts(); err == nil && done+failed < b.tally.of {
		err = stopped(ctx)
	}
	if b.keeper != nil && b.keeper.err != nil {
		b.screen.note("how far the batch is could not be noted all the time, some of it will be done again: %v", b.keeper.err)
	}
	switch {
	case err == nil && b.again.Load():
		err = b.tally.err()
	case err == nil:
		b.keeper.close(b.folder, true)
		if err = b.tally.err(); err == nil {
			b.screen.remark("%s", b.tally)
		}
		return err
	case b.fresh && !b.backoff.answered.Load() && (refused(err) || exitCode(err) == 1):
		b.keeper.close(b.folder, true)
		return err // nothing was sent
	default:
		err = fmt.Errorf("%w; %s, and what was accepted goes on", err, b.tally)
	}
	b.keeper.close(b.folder, false)
	if b.keeper == nil {
		return fmt.Errorf("%w\nthe same command with --key %s makes no second jobs within a day", err, shellWord(b.plan.Settings.Key))
	}
	return &resumableError{err, b.command("resume", b.keeper.name)}
}
