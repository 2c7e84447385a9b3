package datasync_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// publishOld publishes a picture in each of n minutes of long ago.
func (r *rig) publishOld(n int) (names []string) {
	r.Helper()
	for i := range n {
		names = append(names, r.publish(time.Duration(i)*time.Minute+30*time.Hour, job.Minute))
	}
	return names
}

// stepUntil makes steps until all names are in the bucket, and returns how many.
func (r *rig) stepUntil(most int, names ...string) (steps int) {
	r.Helper()
	for !r.has(names...) {
		if steps++; steps > most {
			r.Fatalf("not all pictures are in the bucket after %d steps", most)
		}
		r.step()
	}
	return steps
}

// testFindInParts: no step has time for more than a batch of folders of each level.
func testFindInParts(r *rig) {
	r.copier.SetLimits(1000, time.Nanosecond)
	r.copyAll()
	names := r.publishOld(600)
	r.advance(25 * time.Hour)
	if steps := r.stepUntil(20, names...); steps < 2 {
		r.Errorf("it took %d steps; the test proves nothing", steps)
	}
	// Folders that have not changed are passed as well, and objects without a file found.
	left := "pictures/" + store.Published(newID(39*time.Hour+30*time.Second, job.Minute), "jpeg", true)[0]
	if err := r.bucket.Delete(r.Context(), "pictures/"+names[len(names)-1]); err != nil {
		r.Fatal(err)
	}
	r.put(left)
	r.advance(25 * time.Hour)
	r.stepUntil(20, names...)
	for steps := 0; !r.lacks(left); steps++ { // it may be in another batch than the picture
		if steps == 20 {
			r.Fatalf("%s is still in the bucket", left)
		}
		r.step()
	}
}

func testManifestsInParts(r *rig) {
	r.copyAll()
	const most, batch = 100, 300
	r.copier.SetLimits(most, time.Minute)
	names := r.publishOld(700)
	slices.Reverse(names) // the last ones first, for a quick check
	r.advance(time.Hour)
	for executions := 0; !r.has(names...); executions++ {
		if executions == 20 {
			r.Fatal("not all pictures are in the bucket after 20 steps")
		}
		fail := executions == 1
		if fail {
			r.set(func() { r.before = func(context.Context) error { return errors.New("the file server is unavailable") } })
		}
		r.step()
		r.set(func() { r.before = nil })
		if n := r.execution().FilesTransferred; n > most+batch || n == 0 && !fail {
			r.Fatalf("an execution copied %d pictures", n)
		}
		if fail {
			r.step()
			r.advance(time.Minute)
		}
	}
}

func testDowntime(r *rig) {
	r.copyAll()
	var old []string
	for i := range 600 { // of the days in which nothing was copied
		old = append(old, r.publish(time.Duration(i)*7*time.Minute+time.Hour, job.Minute))
	}
	r.advance(71 * time.Hour)
	r.copier.SetLimits(50, time.Nanosecond)
	for range 3 {
		painted := r.paint()
		if r.step(); !r.has(painted...) {
			r.Error("a new picture was not copied by the first execution")
		}
		r.advance(10 * time.Minute)
	}
	slices.Reverse(old) // the last ones first, for a quick check
	r.stepUntil(60, old...)
}

// testErasedMeanwhile: DataSync ends an execution with an error if a picture in its manifest is
// gone.
func testErasedMeanwhile(r *rig) {
	r.copyAll()
	first, second := r.paint(), r.paint()
	r.set(func() {
		r.before = func(context.Context) error {
			_, id, _, _ := store.ParsePublished(first[0])
			return r.store.Erase(id, store.Erased)
		}
	})
	r.step()
	r.set(func() { r.before = nil })
	if e := r.execution(); e.Result == nil || aws.ToString(e.Result.ErrorCode) == "" {
		r.Fatalf("the execution did not fail: %+v", e)
	}
	third := r.paint()
	r.step() // without a pause
	if !r.has(slices.Concat(second, third)...) || r.has(first[0]) {
		r.Error("the other pictures were not copied")
	}
	r.wantReport("an erasure during an execution", datasync.Report{})
	r.step()
	r.takeCalls()
	if r.step(); len(r.takeCalls()) > 0 {
		r.Error("it is tried again")
	}
}

// testUncopied: an execution copies all pictures but one, and another can copy nothing.
func testUncopied(r *rig) {
	r.copyAll()
	bad := r.paint()[1]
	r.source.Fail = r.failOnly(bad)
	others := r.paint()
	r.step()
	others = append(others, r.paint()...)
	r.step()
	r.wantReport("a picture can't be copied", datasync.Report{Failed: 1})
	r.step()
	if !r.has(others...) || r.has(bad) {
		r.Error("other pictures were not copied")
	}
	r.advance(time.Hour) // it is tried alone
	others = r.paint()
	for range 3 {
		r.step()
	}
	if !r.has(others...) || r.has(bad) {
		r.Error("other pictures were not copied after the second try")
	}
	r.takeCalls()
	for range 3 {
		r.step()
	}
	if calls := r.takeCalls(); len(calls) > 0 {
		r.Errorf("it is tried again at once: %q", calls)
	}
	r.source.Fail = nil
	r.advance(24 * time.Hour)
	r.stepUntil(3, bad)

	// It is the only one.
	bad = r.publish(0, job.Hour)
	r.source.Fail = func(string) error { return errors.New("a file can't be read") }
	for range 3 {
		r.step()
		r.step()
		r.advance(time.Hour)
	}
	r.source.Fail = r.failOnly(bad)
	others = r.paint()
	r.stepUntil(3, others...)
	r.step()
	r.wantReport("it is put aside", datasync.Report{Failed: 1})
	r.step()
	if r.wantReport("others are copied", datasync.Report{}); r.has(bad) {
		r.Error("the picture was copied")
	}
	_, id, _, _ := store.ParsePublished(bad)
	if err := os.Remove(filepath.Join(r.store.PublishedDir(), bad)); err != nil || id == "" {
		r.Fatal(err)
	}
	r.advance(24 * time.Hour)
	r.step()
	r.takeCalls()
	if r.step(); len(r.takeCalls()) > 0 {
		r.Error("a picture that is gone is tried again")
	}
}

// testOvertaken: while a step is paused, another one starts an execution.
func testOvertaken(r *rig) {
	r.copyAll()
	r.paint()
	r.step()
	second := r.paint()
	other := r.open(r.cfg)
	step := func() {
		if err := other.Step(r.Context()); err != nil {
			r.Error(err)
		}
	}
	r.during.Store(&step)
	if err := r.copier.Step(r.Context()); err != nil {
		r.Error(err)
	}
	r.waitIdle()
	note, _, err := r.store.NoteVersion(store.CopyNote)
	if arn := aws.ToString(r.execution().TaskExecutionArn); err != nil || !strings.Contains(string(note), arn) {
		r.Errorf("the note has not the execution of the step that has overtaken: %s, %v", note, err)
	}
	r.takeCalls()
	r.step()
	if calls := r.takeCalls(); slices.Contains(calls, "StartTaskExecution") || !r.has(second...) {
		r.Errorf("after that: %q", calls)
	}
}

func (r *rig) failOnly(bad string) func(string) error {
	return func(name string) error {
		if name == bad {
			return errors.New("a file can't be read")
		}
		return nil
	}
}
