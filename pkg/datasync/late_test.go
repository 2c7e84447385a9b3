package datasync_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// made counts jobs, so that their ids differ.
var made atomic.Int64

// idOf is an id made some time ago in a folder of a grain.
func idOf(age time.Duration, grain job.Grain) job.ID {
	ms := time.Now().Add(-age).UnixMilli()
	return job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, made.Add(1)<<2|int64(grain)))
}

// publish has a picture of a job that was made some time ago be published now.
func (r *rig) publish(age time.Duration, grain job.Grain) (name string) {
	r.Helper()
	name = store.Published(idOf(age, grain), "jpeg", false)[0]
	file := filepath.Join(r.store.PublishedDir(), name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte("late"), 0o600)); err != nil {
		r.Fatal(err)
	}
	return name
}

// wantCopied steps until nothing is left to do, and checks what is in the bucket.
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

func testOldHour(r *rig) {
	r.copied()
	r.later(time.Minute)
	old, recent := r.publish(100*time.Hour, job.Minute), r.paint()[0]
	r.wantCopied("at once", map[string]bool{recent: true, old: false})
	r.later(time.Hour)
	r.wantCopied("within an hour", map[string]bool{old: true})
}

func testLate(r *rig) {
	for _, grain := range []job.Grain{job.Hour, job.Second} {
		r.copied()
		r.later(time.Minute)
		young, hour, day := r.publish(5*time.Minute, grain), r.publish(time.Hour, grain), r.publish(20*time.Hour, grain)
		// In the hour in which the first look begins, before it does.
		bound := time.Now().Add(-21 * time.Minute)
		sameHour := r.publish(time.Since(bound.Truncate(time.Hour)), grain)
		r.wantCopied("at once", map[string]bool{young: true, day: false})
		if grain == job.Second { // another hour's folder is perhaps that of a quarter of an hour ago
			r.wantCopied("at once", map[string]bool{hour: false})
		}
		r.later(5 * time.Minute)
		r.wantCopied("after five minutes", map[string]bool{hour: true, sameHour: true, day: false})
		r.later(time.Hour)
		r.wantCopied("after an hour", map[string]bool{day: true})
	}
}

// testPass: a pass whose pictures could not be copied begins anew, and one that is over is not repeated at once.
func testPass(r *rig) {
	r.copied()
	var old []string
	for days := range 5 {
		old = append(old, r.publish(time.Duration(30+24*days)*time.Hour, job.Hour))
	}
	r.later(time.Hour)
	r.set(func() { r.refuse["StartTaskExecution"] = "ThrottlingException" })
	if err := r.copier.Step(r.Context()); err == nil {
		r.Error("a refused start is no error")
	}
	r.set(func() { clear(r.refuse) })
	r.later(time.Minute)
	is := map[string]bool{}
	for _, name := range old {
		is[name] = true
	}
	r.wantCopied("after a start that was refused", is) // what was found before is found again
	if err := r.bucket.Delete(r.Context(), "pictures/"+old[0]); err != nil {
		r.Fatal(err)
	}
	r.later(30 * time.Minute)
	r.wantCopied("half an hour later", map[string]bool{old[0]: false}) // nothing has changed here
}

func testHourAlone(r *rig) {
	minute := r.publish(0, job.Minute)
	r.copied()
	gone := idOf(0, job.Minute)
	spec := job.Spec{ID: gone, Style: "night-swirls", Strength: 1, Format: "jpeg", CreatedAt: time.Now()}
	if err := errors.Join(r.store.Create(&spec, []byte("photograph"), nil), r.store.Erase(gone, store.Erased)); err != nil {
		r.Fatal(err)
	}
	late := store.Published(gone, "jpeg", false)[0] // as a copy that was slower than the erasure
	if _, err := r.bucket.Put(r.Context(), "pictures/"+late, bytes.NewReader([]byte("late")), bucket.Put{}); err != nil {
		r.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(r.store.PublishedDir(), path.Dir(minute)), old, old); err != nil {
		r.Fatal(err)
	}
	hour := r.publish(0, job.Hour)
	r.wantCopied("the hour's", map[string]bool{hour: true, minute: true, late: true})
	again := r.publish(0, job.Minute)
	r.wantCopied("the minute's", map[string]bool{again: true, late: path.Dir(late) != path.Dir(again)})
}

func testManyFolders(r *rig) {
	r.copied()
	r.later(time.Minute)
	for i := range 520 { // some may be of one minute
		r.publish(time.Duration(i)*time.Minute+30*time.Hour, job.Minute)
	}
	r.later(time.Hour)
	r.step()
	r.step()
	if c := r.change.Load(); c == nil || !c.All {
		r.Errorf("of 520 folders: %+v", c)
	}
	for i := range 200 {
		r.publish(time.Duration(i)*time.Second, job.Second)
	}
	r.step()
	r.step()
	if c := r.change.Load(); c.All || len(c.Folders) == 0 || len(c.Folders) > 5 {
		r.Errorf("of 200 seconds: %+v", c)
	}
}

func testDamagedNotes(r *rig) {
	r.copied()
	for _, note := range []store.Note{store.CopyNote, store.CopiedNote} {
		for _, content := range [][]byte{[]byte("{"), bytes.Repeat([]byte(" "), 65<<10)} {
			if err := r.store.SetNote(note, content); err != nil {
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

// testBadFolder: a folder that can't be read keeps no picture of another from being copied.
func testBadFolder(r *rig) {
	if os.Getuid() == 0 {
		r.Skip("root may read all")
	}
	r.copied()
	bad := r.publish(time.Minute, job.Second)
	folder := filepath.Join(r.store.PublishedDir(), path.Dir(bad))
	if err := os.Chmod(folder, 0); err != nil {
		r.Fatal(err)
	}
	defer func() { _ = os.Chmod(folder, 0o750) }() // for those who clean up
	well := []string{r.publish(0, job.Second), r.publish(2*time.Minute, job.Second), r.publish(0, job.Hour)}
	for range 3 {
		if err := r.copier.Step(r.Context()); err == nil {
			r.Error("that a folder can't be read is no error")
		}
		r.settle()
	}
	if !r.has(well...) || r.has(bad) {
		r.Errorf("the others are in the bucket: %t, the bad: %t", r.has(well...), r.has(bad))
	}
	if err := os.Chmod(folder, 0o750); err != nil {
		r.Fatal(err)
	}
	r.wantCopied("once it can be read", map[string]bool{bad: true})
}
