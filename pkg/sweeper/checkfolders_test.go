package sweeper

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A countdown is a context that ends after a number of calls of Err.
type countdown struct {
	context.Context
	left atomic.Int64
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// A sweep that has listed several full folders, but has no time for all their jobs, counts those
// folders as done whose jobs it has checked. Otherwise each sweep would begin with the same
// folders.
func TestSweepProgressesThroughFullFolders(t *testing.T) {
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	const folders, jobs = 4, 600
	now := time.Now()
	for folder := range folders {
		ms := now.Add(-time.Duration(folder) * time.Minute).UnixMilli()
		for n := range jobs {
			id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, n<<4|int(job.Minute)))
			if err := st.Activate(store.EntryOf(job.Job{ID: id, Owner: "anna"})); err != nil {
				t.Fatal(err)
			}
		}
	}
	all, err := st.ActiveFolders(t.Context())
	if err != nil || len(all) != folders {
		t.Fatal(all, err)
	}
	s := &Sweeper{Config: Config{Store: st, Times: Times{Every: time.Minute, MaxAge: time.Hour}}}
	r := &findings{claimed: map[string]time.Time{}, counted: map[string]jobCount{}}
	ctx := &countdown{Context: t.Context()}
	ctx.left.Store(folders + 2*jobs + jobs/2)
	if done := s.checkFolders(ctx, all, "", 0, now, r); done != 2 || len(r.counted) != 2 {
		t.Errorf("%d folders are done, %v", done, r.counted)
	}
	// With enough time it skips those folders and does the others.
	if done := s.checkFolders(t.Context(), all, "", 0, now, r); done != folders || len(r.counted) != folders {
		t.Errorf("%d folders are done, %v", done, r.counted)
	}
}

// A folder with more jobs than a sweep has time for is checked completely, by several sweeps, and
// then the next folder is checked.
func TestSweepContinuesWithinFolder(t *testing.T) {
	st, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	now := time.Now()
	jobs := []int{300, 10} // by folder
	for folder, n := range jobs {
		ms := now.Add(time.Duration(folder-10) * time.Minute).UnixMilli()
		for i := range n {
			id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(job.Minute)))
			spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Format: "jpeg", CreatedAt: id.Time().UTC()}
			if err := st.Create(&spec, []byte("picture"), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	folders, err := st.ActiveFolders(t.Context())
	if err != nil || len(folders) != len(jobs) {
		t.Fatal(folders, err)
	}
	s := &Sweeper{Config: Config{Store: st, Times: Times{Every: time.Minute, MaxAge: time.Hour}}}
	m, checked, sweeps := jobsProgress{}, 0, 0
	for complete := false; !complete && sweeps < 10; sweeps++ {
		r := &findings{claimed: map[string]time.Time{}, counted: map[string]jobCount{}}
		ctx := &countdown{Context: t.Context()}
		ctx.left.Store(100 + 3)
		complete = s.checkAfterCursor(ctx, folders, now, &m, r)
		checked += r.unfinished
	}
	if checked != 310 || m.Counted != 310 || sweeps < 3 || sweeps == 10 {
		t.Errorf("%d jobs were checked and %d counted, in %d sweeps", checked, m.Counted, sweeps)
	}
}
