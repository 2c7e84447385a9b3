// Package datasync copies the store's published folder to the bucket by AWS DataSync. It is the
// only package that imports DataSync's client. Region, endpoint and credentials come from the SDK's
// own settings (AWS_REGION, AWS_ENDPOINT_URL_DATASYNC, …).
//
// The task has no schedule, because DataSync's schedules have a minimum of an hour. [Copier.Step]
// starts it if there is something to copy, with a manifest of pictures that the bucket lacks.
//
// New pictures are found by the times of the published folders. Each step scans the folders of jobs
// of the last quarter of an hour; those of older jobs are scanned less often. Once a day all folders
// are compared with the bucket, and objects that have no file are deleted. A step that has no time
// for all, or has found as many pictures as one execution copies, records its progress. Pictures
// count as copied only after the execution has succeeded.
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
	"github.com/atelier-go/atelier/pkg/job"
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

	// MaxExecution is the time after which an execution is canceled, and twelve times that for one
	// that was not started by a step. Zero is the default, an hour.
	MaxExecution time.Duration

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

// A Copier starts executions of a task. Several Copiers may use one store at the same time, because
// DataSync runs one execution of a task at a time.
type Copier struct {
	Config
	task     task
	arn      string        // of the bucket
	maxNames int           // in a manifest
	scanTime time.Duration // of a step
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
	cfg.MaxExecution = cmp.Or(cfg.MaxExecution, time.Hour)
	bucketARN := arn.ARN{Partition: t.Partition, Service: "s3", Resource: cfg.Bucket.Name()}
	return &Copier{cfg, newTask(cfg.AWS, cfg.Task), bucketARN.String(), maxNames, scanTime}, nil
}

// Step checks the current execution, or starts one if there is something to copy. It may be stopped
// at any moment, and must be called at short intervals. If nothing is new it makes no request to
// AWS.
//
// After a failed start or execution a later step tries again: after one minute at first, after one
// hour at most.
func (c *Copier) Step(ctx context.Context) error {
	err := c.step(ctx)
	if errors.Is(err, store.ErrOvertaken) {
		c.Log.Info("another process continues the copies to the bucket; this step ends", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("copy to s3://%s/%s: %w", c.Bucket.Name(), c.Prefix, err)
	}
	return nil
}

func (c *Copier) step(ctx context.Context) error {
	s, now, err := c.load()
	if err != nil {
		return err
	}
	defer func() { c.Report(s.report(now)) }()
	if err = c.advance(ctx, &s, now); errors.Is(err, store.ErrOvertaken) {
		return err
	}
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
	names, asideErr := c.retryAside(ctx, s, now)
	if isUnavailable(asideErr) || ctx.Err() != nil {
		return asideErr
	}
	if len(names) > 0 {
		return c.startExecution(ctx, s, now, findings{names: names, next: s.Scans, unread: s.Unread}, true)
	}
	n, err := c.find(ctx, s, now)
	err = errors.Join(asideErr, err)
	if len(n.names) > 0 {
		if s.MissingSince.IsZero() {
			s.MissingSince = now
		}
		return errors.Join(err, c.startExecution(ctx, s, now, n, false))
	}
	if !n.changed && asideErr == nil {
		return err // nothing to record
	}
	s.Unread = n.unread
	if s.completesFull(n.next) {
		s.Pending.add("full comparison", Change{All: true})
	}
	s.advance(n.next)
	return errors.Join(err, c.save(s))
}

// startExecution starts an execution for the findings unless one is running already.
func (c *Copier) startExecution(ctx context.Context, s *state, now time.Time, n findings, retry bool) error {
	s.Unread = union(s.Unread, n.unread) // the pictures of those that can be read now are not copied yet
	// Of several steps that got here one goes on.
	if err := c.save(s); err != nil || len(n.names) == 0 {
		return err
	}
	running, err := c.task.runningExecution(ctx)
	if running != "" { // started by another process, or by one that was killed before it recorded that
		s.beginExecution(running, "", now)
		return c.save(s)
	}
	var key, execution string
	if err == nil {
		key, err = c.putManifest(ctx, now, n.names)
	}
	if err == nil {
		execution, err = c.task.start(ctx, manifestSource{bucket: c.arn, key: key, role: c.Role})
	}
	if err != nil {
		s.markFailed(now)
		return errors.Join(err, c.save(s))
	}
	c.Log.Info("started a DataSync execution", "execution", execution, "pictures", len(n.names))
	s.beginExecution(execution, key, now)
	s.Next, s.NextUnread, s.Retry = n.next, n.unread, retry
	s.Folders, s.ManyFolders = foldersOf(n.names)
	return c.save(s)
}

// followExecution checks the recorded execution. It cancels one that takes too long; DataSync then
// ends it with an error.
func (c *Copier) followExecution(ctx context.Context, s *state, now time.Time) (running bool, err error) {
	e, err := c.task.describe(ctx, s.Execution)
	if errors.Is(err, errNoExecution) {
		c.Log.Warn("the DataSync execution does not exist any more", "execution", s.Execution, "error", err)
		s.Pending.add(s.Execution, Change{All: true}) // it may have copied pictures
		s.endExecution(false)
		return false, c.save(s)
	}
	if err != nil {
		return true, err
	}
	if !e.ended {
		limit := c.MaxExecution
		if s.Manifest == "" {
			limit *= 12
		}
		if now.Sub(s.Began) <= limit || e.canceling {
			return true, nil
		}
		c.Log.Error("canceling a DataSync execution that takes too long", "execution", s.Execution, "began", s.Began, "limit", limit)
		return true, c.task.cancel(ctx, s.Execution)
	}
	copied := s.Manifest != ""
	if e.failure != "" {
		copied, err = c.followFailure(ctx, s, now, e)
	}
	// The event of its end is delivered on a best-effort basis.
	if s.updateErr = c.Ended(ctx, s.Execution); s.updateErr != nil {
		s.Pending.add(s.Execution, s.change()) // copies continue meanwhile
	}
	s.endExecution(copied)
	return false, errors.Join(err, c.save(s))
}

// followFailure handles the end of an execution that failed, and reports whether its pictures count
// as copied.
func (c *Copier) followFailure(ctx context.Context, s *state, now time.Time, e executionState) (copied bool, err error) {
	c.Log.Warn("a DataSync execution failed; missing pictures are copied again", "execution", s.Execution, "error", e.failure)
	switch {
	case s.Retry:
		s.stepFailures++
		return true, nil // each of its pictures is tried again, at a time of its own
	case s.Manifest != "":
		copied, err = c.checkFailed(ctx, s, now, e)
	}
	if !copied {
		s.markFailed(now)
	}
	return copied, err
}

// Ended calls Update after the end of an execution, once for each execution. It is called for
// DataSync's events; [Copier.Step] makes up for lost events.
func (c *Copier) Ended(ctx context.Context, execution string) error {
	if !strings.HasPrefix(execution, c.Task+"/execution/") {
		return fmt.Errorf("the execution %q does not belong to the task %s: restrict the EventBridge rule to that task", execution, c.Task)
	}
	last, err := c.Store.Note(store.CopiedNote)
	if errors.Is(err, job.ErrDamagedJob) { // like a missing one, and written again
		c.Log.Warn("the note of the last execution that was handled is damaged; this execution is handled, perhaps again, and replaces it",
			"note", string(store.CopiedNote), "execution", execution, "error", err)
		err = nil
	}
	if err != nil || string(last) == execution {
		return err
	}
	s, err := c.recorded()
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
