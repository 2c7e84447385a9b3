package datasync_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/store"
)

func testThrottled(r *rig) {
	r.copyAll()
	painted := r.paint()
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil || !strings.Contains(err.Error(), "ThrottlingException") {
		r.Errorf("got %v", err)
	}
	r.takeCalls()
	if err := r.copier.Step(r.Context()); err != nil {
		r.Error(err)
	}
	if calls := r.takeCalls(); len(calls) > 0 {
		r.Errorf("tried again at once: %q", calls)
	}
	// The intervals double.
	r.advance(time.Minute)
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("it was not tried again after a minute")
	}
	r.advance(time.Minute)
	if err := r.copier.Step(r.Context()); err != nil {
		r.Errorf("tried again a minute later: %v", err)
	}
	r.set(func() { clear(r.refuse) })
	r.advance(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

func testFailed(r *rig) {
	r.copyAll()
	painted := r.paint()
	r.set(func() { r.before = func(context.Context) error { return errors.New("the file server is unavailable") } })
	r.step()
	r.set(func() { r.before = nil })
	updates := r.updates.Load()
	r.step()
	if n := r.updates.Load(); n != updates+1 {
		r.Errorf("%d updates after an execution that failed but may have copied something", n-updates)
	}
	if r.has(painted...) {
		r.Error("it was tried again at once")
	}
	r.advance(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

// testOutage: for hours DataSync can't read the files, and copies nothing. A picture that is erased
// meanwhile is no sign that others were copied.
func testOutage(r *rig) {
	r.copyAll()
	painted, erased := r.paint(), r.paint()
	_, id, _, _ := store.ParsePublished(erased[0])
	erase := func(context.Context) error { return r.store.Erase(id, store.Erased) }
	r.source.Fail = func(string) error { return errors.New("the file server is unavailable") }
	r.set(func() { r.before = erase })
	for hour := range 8 {
		r.step()
		r.set(func() { r.before = nil })
		r.step() // records that the execution has failed
		r.set(func() {
			if r.report.Failed != 1 || r.report.Waited < time.Duration(hour)*time.Hour {
				r.Errorf("hour %d of the outage: got %+v", hour, r.report)
			}
		})
		r.advance(time.Hour)
	}
	r.source.Fail = nil
	r.step()
	if !r.has(painted...) {
		r.Error("not copied an hour after the outage")
	}
}

func testNeverEnds(r *rig) {
	r.copyAll()
	painted := r.paint()
	r.set(func() { r.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
	step := func() {
		r.Helper()
		if err := r.copier.Step(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
	step()
	r.takeCalls()
	step()
	if calls := r.takeCalls(); !slices.Equal(calls, []string{"DescribeTaskExecution"}) {
		r.Errorf("while it is running: %q", calls)
	}
	r.advance(59 * time.Minute)
	step()
	if calls := r.takeCalls(); slices.Contains(calls, "CancelTaskExecution") {
		r.Error("it was canceled too early")
	}
	r.advance(2 * time.Minute)
	step()
	if calls := r.takeCalls(); !slices.Contains(calls, "CancelTaskExecution") {
		r.Errorf("it was not canceled: %q", calls)
	}
	r.waitIdle()
	r.set(func() { r.before = nil })
	r.step() // it has failed
	r.advance(time.Minute)
	r.step()
	if !r.has(painted...) {
		r.Error("it was not copied in the end")
	}
}

func testUpdateFails(r *rig) {
	r.paint()
	r.step()
	unavailable := errors.New("S3 is unavailable")
	r.fail.Store(&unavailable)
	if err := r.copier.Ended(r.Context(), aws.ToString(r.execution().TaskExecutionArn)); !errors.Is(err, unavailable) {
		r.Errorf("update by the event: %v", err)
	}
	if err := r.copier.Step(r.Context()); !errors.Is(err, unavailable) {
		r.Errorf("update by a step: %v", err)
	}
	r.fail.Store(nil)
	r.step()
	if n := r.updates.Load(); n != 3 {
		r.Errorf("%d updates", n)
	}
}

func testTaskUnavailable(r *rig) {
	r.paint()
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
