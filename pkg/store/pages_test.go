package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// pages reads a list page by page. A page may cost up to most calls.
func (sc scene) pages(q Query, most int) (ids []job.ID, pages int) {
	sc.Helper()
	for pages < 100 {
		var jobs []job.Job
		var next job.ID
		n, _ := sc.calls(func() {
			var err error
			if jobs, next, err = sc.List(q); err != nil {
				sc.Fatal(err)
			}
		})
		pages++
		if n > most {
			sc.Errorf("page %d costs %d calls, and at most %d are allowed", pages, n, most)
		}
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
		if next == "" {
			return ids, pages
		}
		if err := checkID(next); err != nil || q.Before != "" && next >= q.Before {
			sc.Fatalf("page %d ends at %s, and began at %s: %v", pages, next, q.Before, err)
		}
		q.Before = next
	}
	sc.Fatal("more than 100 pages")
	return nil, 0
}

// Folders without jobs, such as those of an owner who has erased many jobs, count towards the limit
// of a page.
func TestListOfEmptyFoldersIsBounded(t *testing.T) {
	sc := newScene(t)
	now := time.Now().UTC()
	old := idAt(now.Add(-50*time.Hour), 0, job.Second)
	sc.createUnder("anna", old)
	for minutes := range 2000 {
		folder := now.Add(-time.Duration(minutes) * time.Minute).Format(minuteForm)
		for _, top := range []string{sc.ownerDir("anna"), filepath.Join(sc.dir, jobsDir)} {
			if err := os.MkdirAll(filepath.Join(top, folder), 0o750); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, owner := range []string{"", "anna"} {
		got, pages := sc.pages(Query{Owner: owner, Limit: 10}, 2*maxScan+20)
		if !slices.Equal(got, []job.ID{old}) || pages < 4 {
			t.Errorf("owner %q: got %v in %d pages, want %s", owner, got, pages, old)
		}
	}
}

// Pages that end at a folder neither skip nor repeat jobs.
func TestPagesThatEndAtFolders(t *testing.T) {
	sc := newScene(t)
	begin := time.Now().Add(-700 * time.Minute)
	var want []job.ID
	for i := range 600 {
		at := begin.Add(time.Duration(i) * time.Minute)
		ids := []job.ID{idAt(at, i, []job.Grain{job.Minute, job.Second}[i%2])}
		if i%50 == 0 {
			ids = append(ids, idAt(at.Add(time.Millisecond), i, job.Hour))
		}
		for _, id := range ids {
			sc.createUnder("anna", id)
			want = append(want, id)
		}
	}
	slices.Reverse(want)
	for _, owner := range []string{"", "anna"} {
		for _, limit := range []int{70, 1000} {
			got, pages := sc.pages(Query{Owner: owner, Limit: limit}, 8*maxScan)
			if !slices.Equal(got, want) || pages < 2 {
				t.Errorf("owner %q, limit %d: %d jobs in %d pages, want %d", owner, limit, len(got), pages, len(want))
			}
		}
	}
}
