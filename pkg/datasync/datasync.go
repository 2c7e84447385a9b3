// Package datasync copies the store's published folder to the bucket by AWS DataSync. It is the
// only package that imports DataSync's client. Region, endpoint and credentials come from the SDK's
// own settings (AWS_REGION, AWS_ENDPOINT_URL_DATASYNC, …).
//
// The task has no schedule, because DataSync's schedules have a minimum of an hour. [Copier.Step]
// starts it if there is something to copy: with a manifest of the pictures that the bucket lacks,
// and once a day without a manifest, which also deletes objects whose files are gone.
//
// New pictures are found by the times of the published folders. Each step scans the folders of jobs
// of the last quarter of an hour; those of older jobs are scanned less often. A step that has no
// time for all records its progress, and starts a copy of what it has found. Pictures count as
// copied only after the execution has succeeded.
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

// Config configures a Copier.
type Config struct {
	// Task is the ARN of a DataSync task from the store's published folder to Prefix.
	Task string
	// Role is the ARN of the role with which DataSync reads manifests in the bucket. The
	// caller needs iam:PassRole for it.
	Role string

	AWS    aws.Config
	Store  *store.Store
	Bucket *bucket.Bucket
	Prefix string // prefix of the keys of copies

	// Update is called after an execution has ended, successful or not, because pictures may have
	// been added to the bucket or removed. It is repeated until it returns nil. Copies continue
	// meanwhile.
	Update func(context.Context, Change) error

	// Report, if it is not nil, is called at the end of each step.
	Report func(Report)

	// An execution that takes longer than this is canceled. Zero is the default: an hour with a
	// manifest, 12 hours for a full execution.
	MaxManifest, MaxFull time.Duration

	Log *slog.Logger // nil discards
}

// A Report is the result of a step.
type Report struct {
	// Failed is the number of executions that ended with an error and of starts that were refused.
	Failed int
	// Waited is the time since pictures were found first that the bucket still lacks; 0 if there
	// are none.
	Waited time.Duration
}

// fullEvery is the time between two executions without a manifest.
const fullEvery = 24 * time.Hour

// A Copier starts executions of a task. Several Copiers may use one store at the same time, because
// DataSync runs one execution of a task at a time.
type Copier struct {
	Config
	task task
	arn  string // of the bucket
}

// New validates the configuration. It makes no request.
func New(cfg Config) (*Copier, error) {
	t, err := arn.Parse(cfg.Task)
	if err != nil || t.Service != "datasync" || !strings.HasPrefix(t.Resource, "task/") || strings.Count(t.Resource, "/") != 1 {
		return nil, fmt.Errorf("%q is not the ARN of a DataSync task, which has the form arn:aws:datasync:REGION:ACCOUNT:task/task-ID", cfg.Task)
	}
	if r, err := arn.Parse(cfg.Role); err != nil || r.Service != "iam" || !strings.HasPrefix(r.Resource, "role/") {
		return nil, fmt.Errorf("%q is not the ARN of a role; DataSync needs one to read manifests in the bucket", cfg.Role)
	}
	if cfg.Store == nil || cfg.Bucket == nil || cfg.Update == nil {
		return nil, errors.New("new copier: Store, Bucket and Update are required")
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

// Step checks the current execution, or starts one if there is something to copy. It may be stopped
// at any moment, and must be called at short intervals. If nothing is new it makes no request to
// AWS.
//
// After a failed start or execution a later step tries again: after one minute at first, after one
// hour at most.
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
	err = c.advance(ctx, &s, now)
	return errors.Join(err, c.retryUpdate(ctx, &s))
}

func (c *Copier) advance(ctx context.Context, s *state, now time.Time) error {
	if s.Execution != "" {
		if running, err := c.followExecution(ctx, s, now); running || err != nil {
			return err
		}
	}
	if now.Before(s.NotBefore) {
		return nil
	}
	if s.fullDue(now) {
		return c.startExecution(ctx, s, now, findings{})
	}
	n, err := c.findNew(ctx, s, now)
	if len(n.names) > 0 {
		if s.MissingSince.IsZero() {
			s.MissingSince = now
		}
		return errors.Join(err, c.startExecution(ctx, s, now, n))
	}
	if err == nil && !n.changed && n.scanned <= 0 && !n.scannedOld {
		return nil // nothing to record
	}
	s.markCopied(n.scanBegan, n.scanned)
	if n.passDone {
		s.endPass()
	}
	return errors.Join(err, c.save(s))
}

// startExecution starts an execution for the findings, or a full one if there are none, unless one
// is running already.
func (c *Copier) startExecution(ctx context.Context, s *state, now time.Time, n findings) error {
	whole := len(n.names) == 0
	running, err := c.task.runningExecution(ctx)
	if running != "" { // started by another process, or by one that was killed before it recorded that
		s.beginExecution(running, now, false)
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
			execution, err = c.task.start(ctx, &manifestSource{bucket: c.arn, key: key, role: c.Role})
		}
	}
	if err != nil {
		s.markFailed(now)
		return errors.Join(err, c.save(s))
	}
	c.Log.Info("started a DataSync execution", "execution", execution, "pictures", len(n.names), "full", whole)
	s.beginExecution(execution, now, true)
	s.ScannedRange, s.ScanBegan, s.PassDone, s.IsFull = n.scanned, n.scanBegan, n.passDone, whole
	s.Folders, s.ManyFolders = foldersOf(n.names)
	return c.save(s)
}

// followExecution checks the recorded execution. It cancels one that takes too long; DataSync then
// ends it with an error.
func (c *Copier) followExecution(ctx context.Context, s *state, now time.Time) (running bool, err error) {
	e, err := c.task.describe(ctx, s.Execution)
	if errors.Is(err, errNoExecution) {
		c.Log.Warn("the DataSync execution does not exist any more", "execution", s.Execution, "error", err)
		s.beginExecution("", now, false)
		return false, c.save(s)
	}
	if err != nil {
		return true, err
	}
	if !e.ended {
		limit := c.MaxFull
		if s.Ours && !s.IsFull {
			limit = c.MaxManifest
		}
		if now.Sub(s.Began) <= limit || e.canceling {
			return true, nil
		}
		c.Log.Error("canceling a DataSync execution that takes too long", "execution", s.Execution, "began", s.Began, "limit", limit)
		return true, c.task.cancel(ctx, s.Execution)
	}
	if e.failure != "" {
		c.Log.Error("a DataSync execution failed; missing pictures are copied again", "execution", s.Execution, "error", e.failure)
	}
	// The event of its end is delivered on a best-effort basis.
	if s.updateErr = c.Ended(ctx, s.Execution); s.updateErr != nil {
		s.Pending.add(s.Execution, s.change()) // copies continue meanwhile
	}
	s.endExecution(now, e.failure == "")
	return false, c.save(s)
}

// Ended calls Update after the end of an execution, once for each execution. It is called for
// DataSync's events; [Copier.Step] makes up for lost events.
func (c *Copier) Ended(ctx context.Context, execution string) error {
	if !strings.HasPrefix(execution, c.Task+"/execution/") {
		return fmt.Errorf("the execution %q does not belong to the task %s: restrict the EventBridge rule to that task", execution, c.Task)
	}
	last, err := c.note(store.CopiedNote)
	if err != nil || string(last) == execution {
		return err
	}
	s, err := c.load()
	if err != nil {
		return err
	}
	change := Change{All: true} // the execution was not recorded
	switch execution {
	case s.Execution:
		change = s.change()
	case s.Pending.Execution:
		change = s.Pending.Change
	}
	if err := c.Update(ctx, change); err != nil {
		return err
	}
	return c.Store.SetNote(store.CopiedNote, []byte(execution))
}
