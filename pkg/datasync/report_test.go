package datasync_test

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/datasync"
)

func testReport(r *rig) {
	r.copyAll()
	r.paint()
	refused := r.refuse
	r.set(func() { refused["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("a refused start is no error")
	}
	r.wantReport("a refused start", datasync.Report{Failed: 1})
	r.step()
	r.wantReport("nothing tried", datasync.Report{})

	r.set(func() {
		clear(refused)
		r.before = func(context.Context) error { return errors.New("the file server is unavailable") }
	})
	r.advance(time.Minute)
	r.step()
	r.wantReport("started again", datasync.Report{Waited: time.Minute})
	r.step()
	r.wantReport("an execution that failed", datasync.Report{Failed: 1, Waited: time.Minute})

	r.set(func() { r.before = nil })
	r.advance(time.Hour)
	r.step()
	r.step()
	r.wantReport("copied", datasync.Report{})
	r.paint()
	r.step()
	r.wantReport("another picture", datasync.Report{})
}

// wantReport compares the last step's report, with times in whole minutes.
func (r *rig) wantReport(after string, want datasync.Report) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.report
	got.Waited = got.Waited.Truncate(time.Minute)
	if got != want {
		r.Errorf("%s: got %+v, want %+v", after, r.report, want)
	}
}
