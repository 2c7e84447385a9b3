package datasync_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/datasync/types"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	standin "github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A rig is a store, a bucket and a DataSync between them, over the wire.
type rig struct {
	*testing.T
	store   *store.Store
	bucket  *bucket.Bucket
	service *standin.Service
	task    string
	client  *sdk.Client
	copier  *datasync.Copier

	updates atomic.Int64
	change  atomic.Pointer[datasync.Change] // of the last update
	fail    atomic.Pointer[error]           // of updates

	mu     sync.Mutex
	calls  []string          // of DataSync's API
	report datasync.Report   // of the last step
	refuse map[string]string // codes by action
	before func(context.Context) error
}

func TestCopier(t *testing.T) {
	_, cfg := ministacktest.Start(t)
	for i, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"what is new is copied", testNew},
		{"while nothing is new there are no calls", testIdle},
		{"once a day everything is compared", testDaily},
		{"what a copy brings back of an erased job is removed", testErased},
		{"a throttled start is tried again", testThrottled},
		{"an execution that fails is tried again", testFailed},
		{"a full execution that fails keeps nothing back", testFullFails},
		{"an execution that never ends is canceled", testNeverEnds},
		{"one that is running already is followed", testRunning},
		{"the event of the end updates once", testEvent},
		{"an update that fails is repeated", testUpdateFails},
		{"while updates fail copies go on", testShownLater},
		{"an update is of what was copied", testChange},
		{"a late retry of an old job is found", testOldHour},
		{"what is painted late is found, the later the older its job is", testLate},
		{"what a start that was refused has left of old pictures is found again", testPass},
		{"a folder that can't be read keeps no other back", testBadFolder},
		{"a look at an hour leaves its minutes alone", testHourAlone},
		{"of an execution with pictures of very many folders all may have changed", testManyFolders},
		{"notes that can't be read are written anew", testDamagedNotes},
		{"another task begins anew", testOtherTask},
		{"a task that is away", testAway},
		{"failures and pictures that wait are reported", testReport},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newRig(t, cfg, fmt.Sprintf("bucket-%d", i)))
		})
	}
}

func newRig(t *testing.T, cfg aws.Config, name string) *rig {
	t.Helper()
	r := &rig{T: t, refuse: map[string]string{}}
	var err error
	if r.bucket, err = bucket.Create(t.Context(), cfg, name); err != nil {
		t.Fatal(err)
	}
	if r.store, err = store.Open(store.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.store.Close() })
	r.service = standin.NewService(&standin.Task{From: r.store.PublishedDir(), To: r.bucket, Prefix: "pictures/", Faithful: true}, nil, nil)
	t.Cleanup(r.service.Close)
	r.service.Refuse = func(action string) string {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, action)
		return r.refuse[action]
	}
	r.service.Before = func(ctx context.Context) error {
		r.mu.Lock()
		before := r.before
		r.mu.Unlock()
		if before == nil {
			return nil
		}
		return before(ctx)
	}
	r.task = r.service.Reset()
	address, err := r.service.Listen()
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint, cfg.ConfigSources = &address, nil // S3's
	r.client = sdk.NewFromConfig(cfg)
	r.copier = r.open(cfg)
	return r
}

func (r *rig) open(cfg aws.Config) *datasync.Copier {
	r.Helper()
	c, err := datasync.New(datasync.Config{
		Task: r.task, Role: "arn:aws:iam::000000000000:role/manifests", AWS: cfg, Store: r.store, Bucket: r.bucket, Prefix: "pictures/",
		Update: func(_ context.Context, c datasync.Change) error {
			r.updates.Add(1)
			r.change.Store(&c)
			if err := r.fail.Load(); err != nil {
				return *err
			}
			return nil
		},
		Report: func(report datasync.Report) { r.set(func() { r.report = report }) },
	})
	if err != nil {
		r.Fatal(err)
	}
	return c
}

// paint makes a public job that has succeeded, and returns the names of its pictures.
func (r *rig) paint() []string {
	r.Helper()
	id, err := job.NewID()
	if err != nil {
		r.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", Public: true, CreatedAt: time.Now()}
	if err := r.store.Create(&spec, []byte("photograph"), nil); err != nil {
		r.Fatal(err)
	}
	lease, err := r.store.Claim(r.Context(), id, 1, "test")
	if err == nil {
		err = lease.Succeed([]byte("picture "+string(id)), nil, job.Result{ContentType: "image/jpeg"}, job.Receipt{})
	}
	if err != nil {
		r.Fatal(err)
	}
	return store.Published(id, "jpeg", true)
}

// step makes a step that must go well, and waits for the end of what it has started.
func (r *rig) step() {
	r.Helper()
	if err := r.copier.Step(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.settle()
}

func (r *rig) settle() {
	r.Helper()
	r.until(r.service.Idle)
}

func (r *rig) until(ok func() bool) {
	r.Helper()
	deadline := time.After(time.Minute)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			r.Fatal("it did not happen in a minute")
		case <-again.C:
		}
	}
}

// copied brings everything that there is to the bucket.
func (r *rig) copied() {
	r.Helper()
	r.step() // starts a full execution
	r.step() // follows it
	r.step() // and finds nothing new
}

// later changes the copier's note as if time had passed.
func (r *rig) later(d time.Duration) {
	r.Helper()
	note, err := r.store.Note(store.CopyNote)
	if err != nil {
		r.Fatal(err)
	}
	var s any
	if err := json.Unmarshal(note, &s); err != nil {
		r.Fatal(err)
	}
	if note, err = json.Marshal(earlier(s, d)); err == nil {
		err = r.store.SetNote(store.CopyNote, note)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// earlier has all times in a decoded note be earlier.
func earlier(v any, d time.Duration) any {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil && !at.IsZero() {
			return at.Add(-d)
		}
	case []any:
		for i := range v {
			v[i] = earlier(v[i], d)
		}
	case map[string]any:
		for key := range v {
			v[key] = earlier(v[key], d)
		}
	}
	return v
}

func (r *rig) has(names ...string) bool {
	r.Helper()
	for _, name := range names {
		_, err := r.bucket.Head(r.Context(), "pictures/"+name)
		if errors.Is(err, bucket.ErrNotFound) {
			return false
		}
		if err != nil {
			r.Fatal(err)
		}
	}
	return true
}

// called returns the calls of DataSync's API since it was asked last.
func (r *rig) called() (calls []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls, r.calls = r.calls, nil
	return calls
}

func (r *rig) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// execution describes the last one of the task.
func (r *rig) execution() *sdk.DescribeTaskExecutionOutput {
	r.Helper()
	task, err := r.client.DescribeTask(r.Context(), &sdk.DescribeTaskInput{TaskArn: &r.task})
	if err != nil {
		r.Fatal(err)
	}
	out, err := r.client.DescribeTaskExecution(r.Context(), &sdk.DescribeTaskExecutionInput{TaskExecutionArn: task.CurrentTaskExecutionArn})
	if err != nil {
		r.Fatal(err)
	}
	return out
}

func testNew(r *rig) {
	first := r.paint()
	r.step()
	if !r.has(first...) {
		r.Error("the first execution, of everything, did not copy a picture")
	}
	r.step()
	if n := r.updates.Load(); n != 1 {
		r.Errorf("%d updates after one execution", n)
	}
	second, third := r.paint(), r.paint()
	r.step()
	if !r.has(append(second, third...)...) {
		r.Error("new pictures were not copied")
	}
	e := r.execution()
	if o := e.Options; o.PreserveDeletedFiles != types.PreserveDeletedFilesPreserve || o.TransferMode != types.TransferModeChanged || o.VerifyMode != types.VerifyModeOnlyFilesTransferred {
		r.Errorf("%+v", o)
	}
	if e.FilesTransferred != 4 || e.FilesSkipped != 0 {
		r.Errorf("%d files were copied and %d looked at; 4 were new", e.FilesTransferred, e.FilesSkipped)
	}
	var manifests []string
	for o, err := range r.bucket.List(r.Context(), "datasync/") {
		if err != nil {
			r.Fatal(err)
		}
		manifests = append(manifests, o.Key)
	}
	if len(manifests) != 1 || !strings.HasSuffix(manifests[0], ".csv") {
		r.Errorf("manifests: %q", manifests)
	}
	r.step()
	if n := r.updates.Load(); n != 2 {
		r.Errorf("%d updates after two executions", n)
	}
}

func testIdle(r *rig) {
	r.paint()
	r.copied()
	r.called()
	for range 3 {
		r.step()
	}
	if calls := r.called(); len(calls) > 0 {
		r.Errorf("nothing is new, and DataSync was called: %q", calls)
	}
}

func testDaily(r *rig) {
	painted := r.paint()
	r.copied()
	left := "pictures/public/2026/01/02/03/01900000-0000-7000-8000-000000000000.jpeg"
	if _, err := r.bucket.Put(r.Context(), left, strings.NewReader("what an erasure left"), bucket.Put{}); err != nil {
		r.Fatal(err)
	}
	r.later(23 * time.Hour)
	r.step()
	if _, err := r.bucket.Head(r.Context(), left); err != nil {
		r.Errorf("after 23 hours: %v", err)
	}
	r.later(time.Hour)
	r.step()
	if _, err := r.bucket.Head(r.Context(), left); !errors.Is(err, bucket.ErrNotFound) {
		r.Errorf("after a day: %v", err)
	}
	if !r.has(painted...) {
		r.Error("a picture was removed")
	}
	r.step()
	r.called()
	r.step()
	if calls := r.called(); slices.Contains(calls, "StartTaskExecution") {
		r.Error("it is not over with one execution")
	}
}

func testErased(r *rig) {
	painted, other := r.paint(), r.paint()
	r.copied()
	_, id, _, _ := store.ParsePublished(painted[0])
	if err := r.store.Erase(id, store.Erased); err != nil {
		r.Fatal(err)
	}
	if !r.has(painted...) {
		r.Fatal("the store removes copies by itself: the test proves nothing")
	}
	r.called()
	r.step()
	if r.has(painted[0]) || r.has(painted[1]) || !r.has(other...) {
		r.Errorf("of the erased job there are %t and %t, of another %t", r.has(painted[0]), r.has(painted[1]), r.has(other...))
	}
	if calls := r.called(); len(calls) > 0 {
		r.Errorf("DataSync was called: %q", calls)
	}
}

func testThrottled(r *rig) {
	r.copied()
	painted := r.paint()
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
		r.Errorf("got %v", err)
	}
	r.called()
	if err := r.copier.Step(r.Context()); err != nil {
		r.Error(err)
	}
	if calls := r.called(); len(calls) > 0 {
		r.Errorf("called again at once: %q", calls)
	}
	// The intervals double.
	r.later(time.Minute)
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("it was not tried again after a minute")
	}
	r.later(time.Minute)
	if err := r.copier.Step(r.Context()); err != nil {
		r.Errorf("tried again a minute later: %v", err)
	}
	r.set(func() { clear(r.refuse) })
	r.later(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

func testFailed(r *rig) {
	r.copied()
	painted := r.paint()
	r.set(func() { r.before = func(context.Context) error { return errors.New("the file server is away") } })
	r.step()
	r.set(func() { r.before = nil })
	updates := r.updates.Load()
	r.step()
	if n := r.updates.Load(); n != updates+1 {
		r.Errorf("%d updates after an execution that failed, in which something may have been copied", n-updates)
	}
	if r.has(painted...) {
		r.Error("it was tried again at once")
	}
	r.later(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

func testFullFails(r *rig) {
	r.set(func() { r.before = func(context.Context) error { return errors.New("a file can't be read") } })
	r.step()
	r.step()
	r.set(func() { r.before = nil })
	painted := r.paint()
	r.later(time.Minute)
	r.step()
	if e := r.execution(); !r.has(painted...) || e.Options.PreserveDeletedFiles != types.PreserveDeletedFilesPreserve {
		r.Errorf("copied: %t, by %+v", r.has(painted...), e.Options)
	}
	r.step()
	r.later(time.Hour)
	r.step()
	if e := r.execution(); e.Options.PreserveDeletedFiles != types.PreserveDeletedFilesRemove {
		r.Error("it was not tried again after an hour")
	}
}

func testNeverEnds(r *rig) {
	r.copied()
	painted := r.paint()
	r.set(func() { r.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
	step := func() {
		r.Helper()
		if err := r.copier.Step(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
	step()
	r.called()
	step()
	if calls := r.called(); !slices.Equal(calls, []string{"DescribeTaskExecution"}) {
		r.Errorf("while it is running: %q", calls)
	}
	r.later(59 * time.Minute)
	step()
	if calls := r.called(); slices.Contains(calls, "CancelTaskExecution") {
		r.Error("it was canceled too early")
	}
	r.later(2 * time.Minute)
	step()
	if calls := r.called(); !slices.Contains(calls, "CancelTaskExecution") {
		r.Errorf("it was not canceled: %q", calls)
	}
	r.settle()
	r.set(func() { r.before = nil })
	r.step() // it has failed
	r.later(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

// Another has started it, or a process that was killed before its note was written.
func testRunning(r *rig) {
	r.copied()
	release := make(chan struct{})
	r.set(func() { r.before = func(context.Context) error { <-release; return nil } })
	_, err := r.client.StartTaskExecution(r.Context(), &sdk.StartTaskExecutionInput{
		TaskArn: &r.task, OverrideOptions: &types.Options{PreserveDeletedFiles: types.PreserveDeletedFilesRemove},
	})
	if err != nil {
		r.Fatal(err)
	}
	painted := r.paint()
	r.called()
	for range 2 {
		if err := r.copier.Step(r.Context()); err != nil {
			r.Error(err)
		}
	}
	if calls := r.called(); !slices.Equal(calls, []string{"DescribeTask", "DescribeTaskExecution"}) {
		r.Errorf("%q", calls)
	}
	updates := r.updates.Load()
	close(release)
	r.settle()
	r.step()
	if n := r.updates.Load(); n != updates+1 || !r.has(painted...) {
		r.Errorf("%d updates; copied: %t", n-updates, r.has(painted...))
	}
}

func testEvent(r *rig) {
	r.paint()
	r.step()
	arn := aws.ToString(r.execution().TaskExecutionArn)
	for range 2 { // events may come twice
		if err := r.copier.Ended(r.Context(), arn); err != nil {
			r.Error(err)
		}
	}
	r.step()
	if n := r.updates.Load(); n != 1 {
		r.Errorf("%d updates", n)
	}
	other := strings.Replace(arn, "task/task-", "task/task-0", 1)
	if err := r.copier.Ended(r.Context(), other); err == nil || r.updates.Load() != 1 {
		r.Errorf("of another task: %v", err)
	}
}

func testUpdateFails(r *rig) {
	r.paint()
	r.step()
	away := errors.New("S3 is away")
	r.fail.Store(&away)
	if err := r.copier.Ended(r.Context(), aws.ToString(r.execution().TaskExecutionArn)); !errors.Is(err, away) {
		r.Errorf("by the event: %v", err)
	}
	if err := r.copier.Step(r.Context()); !errors.Is(err, away) {
		r.Errorf("by a step: %v", err)
	}
	r.fail.Store(nil)
	r.step()
	if n := r.updates.Load(); n != 3 {
		r.Errorf("%d updates", n)
	}
}

// After an execution with a manifest only the folders in it have changed, after another all may.
func testChange(r *rig) {
	r.copied()
	r.later(time.Minute)
	first, second := r.paint(), r.paint()
	r.step()
	r.step()
	var want []string
	for _, name := range append(first, second...) {
		want = append(want, path.Dir(name))
	}
	slices.Sort(want)
	if c := r.change.Load(); c == nil || c.All || !slices.Equal(c.Folders, slices.Compact(want)) {
		r.Errorf("with a manifest: %+v, want %q", c, want)
	}
	unknown := aws.ToString(r.execution().TaskExecutionArn)
	if err := r.copier.Ended(r.Context(), unknown[:len(unknown)-1]+"0x"); err != nil || !r.change.Load().All {
		r.Errorf("after one that was not noted: %+v, %v", r.change.Load(), err)
	}
	r.later(25 * time.Hour)
	r.step()
	r.step()
	if c := r.change.Load(); !c.All {
		r.Errorf("after a full one: %+v", c)
	}
}

func testOtherTask(r *rig) {
	painted := r.paint()
	r.copied()
	if err := r.bucket.Delete(r.Context(), "pictures/"+painted[0], "pictures/"+painted[1]); err != nil {
		r.Fatal(err)
	}
	r.task = r.service.Reset()
	address, err := r.service.Listen()
	if err != nil {
		r.Fatal(err)
	}
	cfg := aws.Config{Region: "us-east-1", Credentials: r.client.Options().Credentials, BaseEndpoint: &address}
	r.copier = r.open(cfg)
	r.step()
	if !r.has(painted...) {
		r.Error("it went by the note of another task")
	}
}

func testAway(r *rig) {
	r.set(func() { r.refuse["DescribeTask"] = "InternalException" })
	if err := r.copier.Step(r.Context()); err == nil || !strings.Contains(err.Error(), "describe DataSync's task") {
		r.Errorf("got %v", err)
	}
	for _, cfg := range []datasync.Config{
		{}, {Task: "task-1"}, {Task: "arn:aws:s3:::bucket", Role: "arn:aws:iam::1:role/r"},
		{Task: r.task + "/execution/exec-1", Role: "arn:aws:iam::1:role/r"}, {Task: r.task}, {Task: r.task, Role: "role"},
	} {
		if _, err := datasync.New(cfg); err == nil {
			r.Errorf("accepted: task %q, role %q", cfg.Task, cfg.Role)
		}
	}
	address := aws.ToString(r.client.Options().BaseEndpoint)
	for _, at := range []string{address, address[:strings.LastIndex(address, "/")]} {
		resp, err := http.Get(at) //nolint:noctx // a test
		if err != nil {
			r.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			r.Errorf("%s: %s", at, resp.Status)
		}
	}
}
