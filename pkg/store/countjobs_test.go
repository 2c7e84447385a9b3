package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// idAt returns the i-th id of a time and a grain.
func idAt(at time.Time, i int, g job.Grain) job.ID {
	ms := at.UnixMilli()
	return job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(g)))
}

// createUnder makes an owner's job with a given id.
func (sc scene) createUnder(owner string, id job.ID) {
	sc.Helper()
	spec := sc.spec()
	spec.ID, spec.Owner = id, owner
	if err := sc.Create(spec, []byte("picture"), nil); err != nil {
		sc.Fatal(err)
	}
}

// addToIndexes adds jobs to an owner's folders in active/ and owners/ only.
func (sc scene) addToIndexes(owner string, ids ...job.ID) {
	sc.Helper()
	for _, id := range ids {
		spec := job.Spec{ID: id, Owner: owner, StoredKiB: 97}
		for _, path := range []string{sc.activePath(owner, id), sc.ownerEntry(&spec)} {
			if err := sc.makeInFolder(path, func() error { return sc.createEmpty(path) }); err != nil {
				sc.Fatal(err)
			}
		}
	}
}

// An owner's jobs are counted in few calls, however many folders the jobs of all owners need.
func TestCountsCostFewCalls(t *testing.T) {
	sc := newScene(t)
	const jobs = 2000
	begin := time.Now().Add(-jobs*time.Second - time.Minute)
	for i := range jobs {
		sc.addToIndexes("anna", idAt(begin.Add(time.Duration(i)*time.Second), i, job.Second))
	}
	a := sc.withQuotas(Quotas{Unfinished: 5000, Stored: 51200, Daily: 100_000})
	n, all := a.calls(func() {
		if err := a.Admits("anna", ""); err != nil {
			t.Error(err)
		}
	})
	if n > 200 { // 35 minutes in each tree, two calls each
		t.Errorf("%d calls of a process that does not know the owner:\n%s", n, all)
	}
	counts := a.ownerCounts(ownerFolder("anna"))
	if used, want := counts.used(time.Now()), (use{jobs, jobs, 97 * jobs, 0}); used != want {
		t.Errorf("counted %+v, want %+v", used, want)
	}
	n, all = a.calls(func() {
		if err := a.count(counts, &counts.active); err != nil {
			t.Error(err)
		}
	})
	if n > 80 {
		t.Errorf("%d calls for a count of what is unfinished:\n%s", n, all)
	}
}
