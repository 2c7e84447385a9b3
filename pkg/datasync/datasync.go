// Package datasync has AWS DataSync copy the store's published folder to the bucket. It
// is the only code that imports DataSync's client. Where DataSync is comes from the SDK's
// own settings (AWS_REGION, AWS_ENDPOINT_URL_DATASYNC, credentials).
//
// The task is not on a schedule, since those begin at an hour. [Copier.Step] starts it
// when there is something to copy: with a manifest of the pictures that the bucket lacks,
// and once a day for everything, which also removes objects whose files are gone.
//
// What is new shows by the times of the published folders. Those of jobs of the last quarter
// of an hour are looked at at each step, older ones more rarely. A step that has no time for
// all notes how far it has come, and has what it has found copied; what it had found counts as
// copied only once the execution has succeeded.
package datasync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/store"
)

// Config is what a Copier works with.
type Config struct {
	// Task is the ARN of a DataSync task from the store's published folder to Prefix.
	Task string
	// Role is the ARN of the role with which DataSync reads manifests in the bucket. The
	// caller needs iam:PassRole for it.
	Role string

	AWS    aws.Config
	Store  *store.Store
	Bucket *bucket.Bucket
	Prefix string // of the copies' keys, such as "pictures/"

	// Update is called after an execution has ended, well or not: pictures may have come
	// to the bucket, or gone. It is repeated until it returns nil, while copies go on.
	Update func(context.Context, Change) error

	// Report, unless it is nil, is called at the end of each step.
	Report func(Report)

	// An execution that takes longer is canceled. Zero is the default: an hour with a
	// manifest and twelve for everything.
	MaxManifest, MaxFull time.Duration

	Log *slog.Logger // nil discards
}

// A Report is what a step has found.
type Report struct {
	// Failed counts executions that ended with an error, and starts that were refused.
	Failed int
	// Waited is how long the pictures that the bucket lacks have been known; 0 if there are none.
	Waited time.Duration
}

// fullEvery is the time between two executions without a manifest.
const fullEvery = 24 * time.Hour

// A Copier starts executions of one task. Several may work on one store at the same
// time: DataSync runs one execution of a task at a time.
type Copier struct {
	Config
	task task
	arn  string // of the bucket
}

// New checks the configuration. It calls nothing.
func New(cfg Config) (*Copier, error) {
	t, err := arn.Parse(cfg.Task)
	if err != nil || t.Service != "datasync" || !strings.HasPrefix(t.Resource, "task/") || strings.Count(t.Resource, "/") != 1 {
		return nil, fmt.Errorf("%q is not the ARN of a DataSync task, which has the form arn:aws:datasync:REGION:ACCOUNT:task/task-ID", cfg.Task)
	}
	if r, err := arn.Parse(cfg.Role); err != nil || r.Service != "iam" || !strings.HasPrefix(r.Resource, "role/") {
		return nil, fmt.Errorf("%q is not the ARN of a role, which DataSync needs to read manifests in the bucket", cfg.Role)
	}
	if cfg.Store == nil || cfg.Bucket == nil || cfg.Update == nil {
		return nil, errors.New("new copier: a store, a bucket and an update are needed")
	}
	if cfg.Report == nil {
		cfg.Report = func(Report) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.MaxManifest, cfg.MaxFull = cmp.Or(cfg.MaxManifest, time.Hour), cmp.Or(cfg.MaxFull, 12*time.Hour)
	bucketARN := arn.ARN{Partition: t.Partition, Service: "s3", Resource: cfg.Bucket.Name()}
	return &Copier{cfg, newTask(cfg.AWS, cfg.Task), bucketARN.String()}, nil
}

// Step follows the execution that is running, or starts one if there is something to
// copy. It may end at any moment and be repeated; it is due at short intervals. While
// nothing is new it makes no call of AWS.
//
// A start that fails, and an execution that does, are tried again at a later step, after
// one minute at first and at most one hour.
func (c *Copier) Step(ctx context.Context) error {
	if err := c.step(ctx); err != nil {
		return fmt.Errorf("copy to s3://%s/%s: %w", c.Bucket.Name(), c.Prefix, err)
	}
	return nil
}

func (c *Copier) step(ctx context.Context) error {
	now, err := c.Store.Now()
	if err != nil {
		return err
	}
	s, err := c.load()
	if err != nil {
		return err
	}
	defer func() { c.Report(s.report(now)) }()
	err = c.proceed(ctx, &s, now)
	return errors.Join(err, c.showAgain(ctx, &s))
}

func (c *Copier) proceed(ctx context.Context, s *state, now time.Time) error {
	if s.Execution != "" {
		if running, err := c.follow(ctx, s, now); running || err != nil {
			return err
		}
	}
	if now.Before(s.NotBefore) {
		return nil
	}
	if s.fullDue(now) {
		return c.start(ctx, s, now, news{})
	}
	n, err := c.find(ctx, s, now)
	if len(n.names) > 0 {
		if s.Missing.IsZero() {
			s.Missing = now
		}
		return errors.Join(err, c.start(ctx, s, now, n))
	}
	if err == nil && !n.changed && n.look <= 0 && !n.old {
		return nil // as every time
	}
	s.copied(n.began, n.look)
	if n.all {
		s.passed()
	}
	return errors.Join(err, c.save(s))
}

// start starts an execution of what is new, of everything if that is nothing, unless one
// is running.
func (c *Copier) start(ctx context.Context, s *state, now time.Time, n news) error {
	whole := len(n.names) == 0
	running, err := c.task.running(ctx)
	if running != "" { // somebody else's, or ours, of which a process that was killed left no note
		s.begin(running, now, false)
		return c.save(s)
	}
	var execution string
	if whole {
		s.FullTried = now
	}
	if err == nil && whole {
		execution, err = c.task.start(ctx, nil)
	} else if err == nil {
		var key string
		if key, err = c.putManifest(ctx, now, n.names); err == nil {
			execution, err = c.task.start(ctx, &manifest{bucket: c.arn, key: key, role: c.Role})
		}
	}
	if err != nil {
		s.failed(now)
		return errors.Join(err, c.save(s))
	}
	c.Log.Info("DataSync was started", "execution", execution, "pictures", len(n.names), "full", whole)
	s.begin(execution, now, true)
	s.Look, s.Looked, s.All, s.Whole = n.look, n.began, n.all, whole
	s.Folders, s.Many = foldersOf(n.names)
	return c.save(s)
}

// follow looks at the execution that is noted as running. One that takes too long is
// canceled; DataSync then ends it with an error.
func (c *Copier) follow(ctx context.Context, s *state, now time.Time) (running bool, err error) {
	e, err := c.task.execution(ctx, s.Execution)
	if errors.Is(err, errUnknown) {
		c.Log.Warn("DataSync has no such execution any more", "execution", s.Execution, "error", err)
		s.begin("", now, false)
		return false, c.save(s)
	}
	if err != nil {
		return true, err
	}
	if !e.ended {
		limit := c.MaxFull
		if s.Ours && !s.Whole {
			limit = c.MaxManifest
		}
		if now.Sub(s.Began) <= limit || e.canceling {
			return true, nil
		}
		c.Log.Error("DataSync's execution takes too long and is canceled", "execution", s.Execution, "began", s.Began, "limit", limit)
		return true, c.task.cancel(ctx, s.Execution)
	}
	if e.failure != "" {
		c.Log.Error("DataSync's execution failed; what is missing is tried again", "execution", s.Execution, "error", e.failure)
	}
	// The event of its end is sent on a best-effort basis.
	if s.notShown = c.Ended(ctx, s.Execution); s.notShown != nil {
		s.Unshown.add(s.Execution, s.change()) // copies go on meanwhile
	}
	s.end(now, e.failure == "")
	return false, c.save(s)
}

// Ended calls Update after the end of an execution, once for each. It is called for
// DataSync's event; [Copier.Step] makes up for one that is lost.
func (c *Copier) Ended(ctx context.Context, execution string) error {
	if !strings.HasPrefix(execution, c.Task+"/execution/") {
		return fmt.Errorf("the execution %q is not one of the task %s: let the rule match that task's alone", execution, c.Task)
	}
	last, err := c.note(store.CopiedNote)
	if err != nil || string(last) == execution {
		return err
	}
	s, err := c.load()
	if err != nil {
		return err
	}
	change := Change{All: true} // by one that was not noted
	switch execution {
	case s.Execution:
		change = s.change()
	case s.Unshown.Execution:
		change = s.Unshown.Change
	}
	if err := c.Update(ctx, change); err != nil {
		return err
	}
	return c.Store.SetNote(store.CopiedNote, []byte(execution))
}
