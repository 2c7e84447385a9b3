package datasync_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/datasync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	standin "github.com/atelier-go/atelier/scripts/devstack/datasync"
)

// A rig is a test setup: a store, a bucket and a stand-in for DataSync's API between them.
type rig struct {
	*testing.T
	store   *store.Store
	bucket  *bucket.Bucket
	source  *standin.Task
	service *standin.Service
	task    string
	client  *sdk.Client
	cfg     aws.Config // of DataSync
	copier  *datasync.Copier

	updates atomic.Int64
	change  atomic.Pointer[datasync.Change] // of the last update
	fail    atomic.Pointer[error]           // the error of updates, if it is not nil
	during  atomic.Pointer[func()]          // called once, during the next update

	mu     sync.Mutex
	calls  []string          // calls of DataSync's API
	report datasync.Report   // of the last step
	refuse map[string]string // error codes by action
	before func(context.Context) error
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
	r.source = &standin.Task{From: r.store.PublishedDir(), To: r.bucket, Prefix: "pictures/", Faithful: true}
	r.service = standin.NewService(r.source, nil, nil)
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
	cfg.BaseEndpoint, cfg.ConfigSources = &address, nil // these are S3's
	r.client, r.cfg = sdk.NewFromConfig(cfg), cfg
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
			if during := r.during.Swap(nil); during != nil {
				(*during)()
			}
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

// step makes a step that must succeed, and waits for the end of the execution that it has started.
func (r *rig) step() {
	r.Helper()
	if err := r.copier.Step(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.waitIdle()
}

func (r *rig) waitIdle() {
	r.Helper()
	r.waitUntil(r.service.Idle)
}

func (r *rig) waitUntil(ok func() bool) {
	r.Helper()
	deadline := time.After(time.Minute)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			r.Fatal("not within a minute")
		case <-again.C:
		}
	}
}

// copyAll copies all pictures that there are to the bucket.
func (r *rig) copyAll() {
	r.Helper()
	r.step() // starts an execution, if there is something to copy
	r.step() // records its end
	r.step() // finds nothing new
}

// advance changes the copier's note as if time had passed.
func (r *rig) advance(d time.Duration) {
	r.Helper()
	note, version, err := r.store.NoteVersion(store.CopyNote)
	if err != nil {
		r.Fatal(err)
	}
	var s any
	if err := json.Unmarshal(note, &s); err != nil {
		r.Fatal(err)
	}
	if note, err = json.Marshal(shift(s, d)); err == nil {
		err = r.store.SetNoteVersion(store.CopyNote, version, note)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// shift subtracts d from all times in a decoded note, but those of jobs.
func shift(v any, d time.Duration) any {
	switch v := v.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil && !at.IsZero() {
			return at.Add(-d)
		}
	case []any:
		for i := range v {
			v[i] = shift(v[i], d)
		}
	case map[string]any:
		for key := range v {
			if key != "first" && key != "last" && key != "at" {
				v[key] = shift(v[key], d)
			}
		}
	}
	return v
}

func (r *rig) put(keys ...string) {
	r.Helper()
	for _, key := range keys {
		if _, err := r.bucket.Put(r.Context(), key, strings.NewReader("of an erased job"), bucket.Put{}); err != nil {
			r.Fatal(err)
		}
	}
}

// lacks reports whether there is no object with one of the keys.
func (r *rig) lacks(keys ...string) bool {
	r.Helper()
	for _, key := range keys {
		if _, err := r.bucket.Head(r.Context(), key); !errors.Is(err, bucket.ErrNotFound) {
			return false
		}
	}
	return true
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

// takeCalls returns the calls of DataSync's API since the last takeCalls.
func (r *rig) takeCalls() (calls []string) {
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

// execution describes the task's last execution.
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
