// Package batch submits many pictures to the API, waits for their jobs and saves the results. If a
// batch is interrupted, or if something in it fails because of the API, it can be resumed from a
// journal, which is a file on this machine.
package batch

import (
	"context"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// Options say what to do with the pictures of a batch. The journal contains them.
type Options struct {
	API        string         `json:"api"` // the base address, as it was given
	StyleImage Path           `json:"style_image,omitempty"`
	Force      bool           `json:"force,omitempty"` // replace existing results
	Parallel   int            `json:"parallel"`        // pictures that are sent at a time, and jobs that are waited for: 1 to MaxParallel
	Key        string         `json:"key"`             // of which the pictures' Idempotency-Keys are made
	Wait       bool           `json:"wait,omitempty"`  // wait for the jobs
	Job        client.Options `json:"job"`
}

// MaxParallel is the largest value of Options.Parallel. The API would refuse more connections.
const MaxParallel = 64

// Config is what [Batch.Run] needs in addition to the batch's options.
type Config struct {
	API     *client.Client
	Stdin   io.Reader      // for [picture.Stdin]; nil if standard input is a terminal
	Timeout time.Duration  // the longest delay that the API can ask for without ending the run; 0 for none
	Outage  *client.Outage // may be nil
	// Report is called for each picture that is done or has failed, for one picture at a time. If
	// it returns an error, the run ends.
	Report func(Outcome) error
	// Progress is called each time a picture has made progress, possibly concurrently.
	Progress func()
}

// An Outcome says what became of a picture.
type Outcome struct {
	Input  string      // the picture's name
	ID     job.ID      // of its job; "" if there is none
	Job    *client.Job // as it was returned last; nil if it was not
	Result string      // the file that the result goes to; "" if it goes to none
	Err    error       // nil if the picture is done
}

// A Batch is a number of pictures to be painted. Its methods are not safe for concurrent use.
//
// Pictures are submitted as fast as the API accepts them, Options.Parallel at the same time. The
// same number of jobs is waited for at the same time, in the order of their submission, which is
// roughly the order in which they are painted. So the number of open files is limited too.
type Batch struct {
	header  header
	tasks   []*task
	journal *journal // nil if there is none
	created bool     // by this process, and not opened from a journal
	stages  *Stages

	config    Config // of the run
	backoff   *backoff
	style     *picture.File // nil for a style with a name
	stop      func(error)   // ends the run
	retryable atomic.Bool   // a picture failed that may succeed in another run
	ended     atomic.Int64  // pictures that are done or failed
	reporting sync.Mutex
}

// A task is a picture of a batch that is neither done nor failed.
type task struct {
	Input
	n  int    // the picture's number in the journal
	id job.ID // "" until the picture is accepted
}

// New returns a batch of these pictures. It has no journal; see [Batch.CreateJournal].
func New(options Options, inputs []*Input) *Batch {
	b := &Batch{created: true, header: header{Version: version, Began: time.Now().UTC(), Pictures: len(inputs), Options: options}}
	for n, in := range inputs {
		b.tasks = append(b.tasks, &task{Input: *in, n: n})
	}
	b.stages = newStages(b.tasks)
	return b
}

// Name returns the name of the batch, with which [Open] finds it; "" if it has no journal.
func (b *Batch) Name() string {
	if b.journal == nil {
		return ""
	}
	return b.journal.name
}

// Options returns the options with which the batch was created.
func (b *Batch) Options() Options { return b.header.Options }

// Began returns when the batch was created.
func (b *Batch) Began() time.Time { return b.header.Began }

// Left returns the number of pictures that were not done when the batch was created or opened.
func (b *Batch) Left() int { return len(b.tasks) }

// Stages returns the counts, by stage, of the pictures that were not done when the batch was
// created or opened.
func (b *Batch) Stages() *Stages { return b.stages }

// RemoveTemporary removes the temporary files that a run has left because it was killed.
func (b *Batch) RemoveTemporary() {
	var results []string
	for _, t := range b.tasks {
		if t.Result != "" {
			results = append(results, b.resolve(t.Result))
		}
	}
	picture.RemoveTemporary(results)
}

// resolve returns the path of a file for this process. p may be relative to the folder in which the
// batch was created.
func (b *Batch) resolve(p Path) string {
	folder := string(b.header.Folder)
	if p == picture.Stdin || p == "" || filepath.IsAbs(string(p)) {
		return string(p)
	}
	if here, err := filepath.Abs("."); err == nil && here == folder || folder == "" {
		return string(p)
	}
	return filepath.Join(folder, string(p))
}

// Run processes the pictures of a batch that are not done, and closes the batch. It returns nil if
// every picture is done or has failed, and otherwise the reason why the run ended early.
//
// unfinished reports whether the batch can be resumed: after an error, unless nothing was sent, and
// if pictures failed because of the API. Its journal, if it has one, is then kept.
func (b *Batch) Run(ctx context.Context, config Config) (unfinished bool, err error) {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.config, b.stop = config, cancel
	b.backoff = &backoff{limit: config.Timeout, outage: config.Outage}
	if style := b.header.Options.StyleImage; style != "" {
		b.style, err = picture.Open(run, b.resolve(style), config.Stdin)
	}
	if err == nil {
		if b.style != nil {
			defer b.style.Close()
		}
		b.work(run)
		if int(b.ended.Load()) < len(b.tasks) {
			err = context.Cause(run)
		}
	}
	switch {
	case err == nil:
		unfinished = b.retryable.Load()
	case b.created && !b.backoff.responded.Load() && (client.Refused(err) || ctx.Err() == nil && client.Kind(err) == nil):
		unfinished = false // nothing was sent: no server, or an error of this machine
	default:
		unfinished = true
	}
	b.journal.close(!unfinished)
	return unfinished, err
}

// work submits pictures, waits for their jobs and saves the results, until all are done or ctx
// ends.
func (b *Batch) work(ctx context.Context) {
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
	for range b.header.Options.Parallel {
		senders.Go(func() {
			for t := range unsent {
				if ctx.Err() == nil && b.submit(ctx, t) {
					accepted <- t // does not block: it has room for all
				}
			}
		})
		waiters.Go(func() {
			for t := range accepted {
				if ctx.Err() == nil {
					j, err := b.waitAndSave(ctx, t)
					b.finish(ctx, t, j, err)
				}
			}
		})
	}
	senders.Wait()
	close(accepted)
	waiters.Wait()
}

func (b *Batch) progress() {
	if b.config.Progress != nil {
		b.config.Progress()
	}
}
