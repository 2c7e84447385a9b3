package datasync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// idCount makes ids different.
var idCount atomic.Int64

// newID returns an id of some time ago, in a folder of a grain.
func newID(age time.Duration, grain job.Grain) job.ID {
	ms := time.Now().Add(-age).UnixMilli()
	return job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, idCount.Add(1)<<2|int64(grain)))
}

// publish publishes a picture of a job that was made some time ago.
func (r *rig) publish(age time.Duration, grain job.Grain) (name string) {
	r.Helper()
	name = store.Published(newID(age, grain), "jpeg", false)[0]
	file := filepath.Join(r.store.PublishedDir(), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte("late"), 0o600)); err != nil {
		r.Fatal(err)
	}
	return name
}

// wantCopied makes steps until nothing is left to do, and checks what is in the bucket.
func (r *rig) wantCopied(when string, is map[string]bool) {
	r.Helper()
	for range 3 {
		r.step()
	}
	for name, want := range is {
		if got := r.has(name); got != want {
			r.Errorf("%s: %s is in the bucket: %t, want %t", when, name, got, want)
		}
	}
}

func testRetryOfOldJob(r *rig) {
	r.copyAll()
	r.advance(time.Minute)
	old, recent := r.publish(100*time.Hour, job.Minute), r.paint()[0]
	r.wantCopied("at once", map[string]bool{recent: true, old: false})
	r.advance(time.Hour)
	r.wantCopied("within an hour", map[string]bool{old: true})
}

func testPublishedLate(r *rig) {
	for _, grain := range []job.Grain{job.Hour, job.Second} {
		r.copyAll()
		r.advance(time.Minute)
		young, hour, day := r.publish(5*time.Minute, grain), r.publish(time.Hour, grain), r.publish(20*time.Hour, grain)
		// In the hour in which the first scan begins, but before that.
		bound := time.Now().Add(-21 * time.Minute)
		sameHour := r.publish(time.Since(bound.Truncate(time.Hour)), grain)
		r.wantCopied("at once", map[string]bool{young: true, day: false})
		if grain == job.Second { // the folder of the hour may include the last quarter of an hour
			r.wantCopied("at once", map[string]bool{hour: false})
		}
		r.advance(5 * time.Minute)
		r.wantCopied("after five minutes", map[string]bool{hour: true, sameHour: true, day: false})
		r.advance(time.Hour)
		r.wantCopied("after an hour", map[string]bool{day: true})
	}
}

// testFailedPassIsRepeated: a pass whose pictures could not be copied starts over, and a complete
// pass is not repeated at once.
func testFailedPassIsRepeated(r *rig) {
	r.copyAll()
	var old []string
	for days := range 5 {
		old = append(old, r.publish(time.Duration(30+24*days)*time.Hour, job.Hour))
	}
	r.advance(time.Hour)
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("a refused start is no error")
	}
	r.set(func() { clear(r.refuse) })
	r.advance(time.Minute)
	is := map[string]bool{}
	for _, name := range old {
		is[name] = true
	}
	r.wantCopied("after a start that was refused", is) // the pictures are found again
	if err := r.bucket.Delete(r.Context(), "pictures/"+old[0]); err != nil {
		r.Fatal(err)
	}
	r.advance(30 * time.Minute)
	r.wantCopied("half an hour later", map[string]bool{old[0]: false}) // its folder has not changed
}

func testHourFolderOnly(r *rig) {
	minute := r.publish(0, job.Minute)
	r.copyAll()
	gone := newID(0, job.Minute)
	spec := job.Spec{ID: gone, Style: "night-swirls", Strength: 1, Format: "jpeg", CreatedAt: time.Now()}
	if err := errors.Join(r.store.Create(&spec, []byte("photograph"), nil), r.store.Erase(gone, store.Erased)); err != nil {
		r.Fatal(err)
	}
	late := store.Published(gone, "jpeg", false)[0] // copied after the erasure
	if _, err := r.bucket.Put(r.Context(), "pictures/"+late, bytes.NewReader([]byte("late")), bucket.Put{}); err != nil {
		r.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(r.store.PublishedDir(), path.Dir(minute)), old, old); err != nil {
		r.Fatal(err)
	}
	hour := r.publish(0, job.Hour)
	r.wantCopied("after the hour's picture", map[string]bool{hour: true, minute: true, late: true})
	again := r.publish(0, job.Minute)
	r.wantCopied("after another picture of the minute", map[string]bool{again: true, late: path.Dir(late) != path.Dir(again)})
}

func testManyFolders(r *rig) {
	r.copyAll()
	r.advance(time.Minute)
	for i := range 520 { // some may be of the same minute
		r.publish(time.Duration(i)*time.Minute+30*time.Hour, job.Minute)
	}
	r.advance(time.Hour)
	r.step()
	r.step()
	if c := r.change.Load(); c == nil || !c.All {
		r.Errorf("after 520 folders: %+v", c)
	}
	for i := range 200 {
		r.publish(time.Duration(i)*time.Second, job.Second)
	}
	r.step()
	r.step()
	if c := r.change.Load(); c.All || len(c.Folders) == 0 || len(c.Folders) > 5 {
		r.Errorf("after 200 seconds: %+v", c)
	}
}

func testDamagedNotes(r *rig) {
	r.copyAll()
	for _, note := range []store.Note{store.CopyNote, store.CopiedNote} {
		for _, content := range [][]byte{[]byte("{"), bytes.Repeat([]byte(" "), 65<<10)} {
			var err error
			if note == store.CopiedNote {
				err = r.store.SetNote(note, content)
			} else if _, version, verr := r.store.NoteVersion(note); verr == nil {
				err = r.store.SetNoteVersion(note, version, content)
			}
			if err != nil {
				r.Fatal(err)
			}
			painted := r.paint()
			r.wantCopied(string(note), map[string]bool{painted[0]: true, painted[1]: true})
			if err := r.copier.Ended(r.Context(), aws.ToString(r.execution().TaskExecutionArn)); err != nil {
				r.Errorf("%s: %v", note, err)
			}
		}
	}
}

// testClockSetBack: the file server's clock is set back by 30 hours before the next try of a start
// that was refused, and again during an execution that does not end.
func testClockSetBack(r *rig) {
	r.copyAll()
	// By the new clock, the folder of this picture has changed some minutes before the next step.
	between := r.publish(time.Hour, job.Second)
	changed := time.Now().Add(-10 * time.Minute)
	if err := os.Chtimes(filepath.Join(r.store.PublishedDir(), path.Dir(between)), changed, changed); err != nil {
		r.Fatal(err)
	}
	recent := r.paint()
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("a refused start is no error")
	}
	r.set(func() { clear(r.refuse) })
	r.advance(-30 * time.Hour)
	r.step()
	if !r.has(recent...) || !r.has(between) {
		r.Errorf("in the bucket: the recent picture %t, the one from before the step %t", r.has(recent...), r.has(between))
	}
	r.set(func() { r.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() } })
	r.paint()
	for _, passed := range []time.Duration{0, -30 * time.Hour, 61 * time.Minute} {
		r.advance(passed)
		if err := r.copier.Step(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
	if calls := r.takeCalls(); !slices.Contains(calls, "CancelTaskExecution") {
		r.Errorf("the execution was not canceled after an hour: %q", calls)
	}
	r.waitIdle()
}

// testUnreadableFolder: a folder that can't be read does not delay pictures of others.
func testUnreadableFolder(r *rig) {
	r.copyAll()
	bad := r.publish(time.Minute, job.Second)
	folder := filepath.Join(r.store.PublishedDir(), path.Dir(bad))
	if err := os.Chmod(folder, 0); err != nil {
		r.Fatal(err)
	}
	defer func() { _ = os.Chmod(folder, 0o750) }() // so that it can be removed
	if _, err := os.ReadDir(folder); err == nil {
		r.Skip("root can read every folder")
	}
	well := []string{r.publish(0, job.Second), r.publish(2*time.Minute, job.Second), r.publish(0, job.Hour)}
	for range 3 {
		if err := r.copier.Step(r.Context()); err == nil {
			r.Error("an unreadable folder is no error")
		}
		r.waitIdle()
	}
	if !r.has(well...) || r.has(bad) {
		r.Errorf("in the bucket: the others %t, that of the unreadable folder %t", r.has(well...), r.has(bad))
	}
	if err := os.Chmod(folder, 0o750); err != nil {
		r.Fatal(err)
	}
	// It is not forgotten if its pictures can't be copied then.
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("a refused start is no error")
	}
	r.set(func() { clear(r.refuse) })
	r.advance(2 * time.Minute)
	r.wantCopied("once it can be read", map[string]bool{bad: true})
}

// testUnreadableHour: while the folder of an hour can't be read, those of its seconds are not found.
func testUnreadableHour(r *rig) {
	r.copyAll()
	hidden := r.publish(30*time.Hour, job.Second)
	hour := filepath.Join(r.store.PublishedDir(), hidden[:len("private/2006/01/02/15")])
	if err := os.Chmod(hour, 0); err != nil {
		r.Fatal(err)
	}
	defer func() { _ = os.Chmod(hour, 0o750) }() // so that it can be removed
	if _, err := os.ReadDir(hour); err == nil {
		r.Skip("root can read every folder")
	}
	r.advance(time.Hour)
	for range 3 {
		if err := r.copier.Step(r.Context()); err == nil {
			r.Error("an unreadable folder is no error")
		}
		r.waitIdle()
	}
	if err := os.Chmod(hour, 0o750); err != nil {
		r.Fatal(err)
	}
	r.wantCopied("once it can be read", map[string]bool{hidden: true})
}
