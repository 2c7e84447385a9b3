package datasync_test

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/datasync/types"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func TestCopier(t *testing.T) {
	_, cfg := ministacktest.Start(t)
	for i, test := range []struct {
		name string
		run  func(*rig)
	}{
		{"new pictures are copied", testNewPictures},
		{"without new pictures there are no calls", testNoCallsWithoutNews},
		{"once a day all is compared", testDaily},
		{"a comparison that takes more than a step goes on", testFindInParts},
		{"many pictures are copied by several executions", testManifestsInParts},
		{"after days of downtime new pictures are copied first", testDowntime},
		{"a picture that is erased during an execution does not matter", testErasedMeanwhile},
		{"a picture that can't be copied holds up no others", testUncopied},
		{"a step that is overtaken changes nothing", testOvertaken},
		{"pictures of an erased job that a copy stores again are removed", testErased},
		{"a throttled start is tried again", testThrottled},
		{"an execution that fails is tried again", testFailed},
		{"pictures that can't be copied in an outage are not put aside", testOutage},
		{"an execution that takes too long is canceled", testNeverEnds},
		{"an execution that is running already is followed", testRunningExecution},
		{"the event of an execution's end causes one update", testEvent},
		{"an update that fails is repeated", testUpdateFails},
		{"copies continue while updates fail", testUpdateRetried},
		{"an update gets the folders that were copied", testChange},
		{"the picture of a late retry of an old job is found", testRetryOfOldJob},
		{"late pictures are found, the later the older their jobs are", testPublishedLate},
		{"old pictures are found again after a start that was refused", testFailedPassIsRepeated},
		{"a folder that can't be read does not delay others", testUnreadableFolder},
		{"an hour that can't be read does not hide its seconds for longer", testUnreadableHour},
		{"the comparison of an hour's folder leaves its minutes out", testHourFolderOnly},
		{"after an execution with very many folders all may have changed", testManyFolders},
		{"damaged notes are written again", testDamagedNotes},
		{"after the file server's clock was set back, copies continue", testClockSetBack},
		{"another task starts over", testOtherTask},
		{"a task that is unavailable", testTaskUnavailable},
		{"failures and waiting pictures are reported", testReport},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newRig(t, cfg, fmt.Sprintf("bucket-%d", i)))
		})
	}
}

func testNewPictures(r *rig) {
	first := r.paint()
	r.step()
	if !r.has(first...) {
		r.Error("the first execution did not copy a picture")
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
		r.Errorf("got %+v", o)
	}
	if e.FilesTransferred != 4 || e.FilesSkipped != 0 {
		r.Errorf("%d files were copied and %d skipped, want the 4 new ones copied", e.FilesTransferred, e.FilesSkipped)
	}
	var manifests []string
	for o, err := range r.bucket.List(r.Context(), "datasync/") {
		if err != nil {
			r.Fatal(err)
		}
		manifests = append(manifests, o.Key)
	}
	if len(manifests) != 2 || !strings.HasSuffix(manifests[0], ".csv") {
		r.Errorf("manifests: %q", manifests)
	}
	r.step()
	if n := r.updates.Load(); n != 2 {
		r.Errorf("%d updates after two executions", n)
	}
}

func testNoCallsWithoutNews(r *rig) {
	r.paint()
	r.copyAll()
	r.takeCalls()
	for range 3 {
		r.step()
	}
	if calls := r.takeCalls(); len(calls) > 0 {
		r.Errorf("without new pictures, DataSync was called: %q", calls)
	}
}

func testDaily(r *rig) {
	minutes := []string{r.publish(3*time.Hour, job.Minute), r.publish(3*time.Hour+time.Minute, job.Second)}
	painted := append(r.paint(), r.publish(50*time.Hour, job.Hour), minutes[0], minutes[1])
	r.copyAll()
	unknown := func(age time.Duration, grain job.Grain) string {
		return "pictures/" + store.Published(newID(age, grain), "jpeg", true)[0]
	}
	left := []string{
		"pictures/public/2026/01/02/03/01900000-0000-7000-8000-000000000000.jpeg", "pictures/private/page.html",
		"pictures/" + minutes[0] + ".html", "pictures/thumbs/2026/01/02/03/", "pictures/thumbs/2026/01/02/03/04/",
	}
	for _, grain := range []job.Grain{job.Hour, job.Minute, job.Second} {
		for _, age := range []time.Duration{0, 3 * time.Hour, 3*time.Hour + 20*time.Minute, 49 * time.Hour, 500 * time.Hour} {
			left = append(left, unknown(age, grain))
		}
	}
	r.put(left...)
	r.advance(23 * time.Hour)
	r.step()
	for _, key := range left {
		if r.lacks(key) {
			r.Errorf("%s was deleted after 23 hours", key)
		}
	}
	if err := r.bucket.Delete(r.Context(), "pictures/"+painted[2], "pictures/"+painted[4]); err != nil {
		r.Fatal(err)
	}
	r.advance(time.Hour)
	r.step()
	for _, key := range left {
		if !r.lacks(key) {
			r.Errorf("%s is left after a day", key)
		}
	}
	if !r.has(painted...) {
		r.Error("a picture was removed")
	}
	r.step()
	if c := r.change.Load(); !c.All {
		r.Errorf("after a full comparison: %+v", c)
	}
	r.takeCalls()
	r.step()
	if calls := r.takeCalls(); slices.Contains(calls, "StartTaskExecution") {
		r.Error("a second execution was started")
	}
}

func testErased(r *rig) {
	painted, other := r.paint(), r.paint()
	r.copyAll()
	_, id, _, _ := store.ParsePublished(painted[0])
	if err := r.store.Erase(id, store.Erased); err != nil {
		r.Fatal(err)
	}
	if !r.has(painted...) {
		r.Fatal("the store removed the copies; the test needs them")
	}
	r.takeCalls()
	r.step()
	if r.has(painted[0]) || r.has(painted[1]) || !r.has(other...) {
		r.Errorf("in the bucket: the erased job's %t and %t, the other's %t", r.has(painted[0]), r.has(painted[1]), r.has(other...))
	}
	if calls := r.takeCalls(); len(calls) > 0 {
		r.Errorf("DataSync was called: %q", calls)
	}
}

// Another process has started it, or one that was killed before it wrote its note.
func testRunningExecution(r *rig) {
	r.copyAll()
	release := make(chan struct{})
	r.set(func() { r.before = func(context.Context) error { <-release; return nil } })
	_, err := r.client.StartTaskExecution(r.Context(), &sdk.StartTaskExecutionInput{
		TaskArn: &r.task, OverrideOptions: &types.Options{PreserveDeletedFiles: types.PreserveDeletedFilesRemove},
	})
	if err != nil {
		r.Fatal(err)
	}
	painted := r.paint()
	r.takeCalls()
	for range 2 {
		if err := r.copier.Step(r.Context()); err != nil {
			r.Error(err)
		}
	}
	if calls := r.takeCalls(); !slices.Equal(calls, []string{"DescribeTask", "DescribeTaskExecution"}) {
		r.Errorf("got calls %q", calls)
	}
	updates := r.updates.Load()
	close(release)
	r.waitIdle()
	r.step()
	if n := r.updates.Load(); n != updates+1 || !r.has(painted...) {
		r.Errorf("%d updates; copied: %t", n-updates, r.has(painted...))
	}
}

func testEvent(r *rig) {
	r.paint()
	r.step()
	arn := aws.ToString(r.execution().TaskExecutionArn)
	for range 2 { // events may be delivered twice
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
		r.Errorf("the event of another task: %v", err)
	}
}

// After an execution with a manifest only the folders in it have changed, after any other all may
// have.
func testChange(r *rig) {
	r.copyAll()
	r.advance(time.Minute)
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
		r.Errorf("after an execution that was not recorded: %+v, %v", r.change.Load(), err)
	}
	r.advance(25 * time.Hour)
	r.step()
	r.step()
	if c := r.change.Load(); !c.All {
		r.Errorf("after a full one: %+v", c)
	}
}

func testOtherTask(r *rig) {
	painted := r.paint()
	r.copyAll()
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
		r.Error("it used the note of another task")
	}
}
