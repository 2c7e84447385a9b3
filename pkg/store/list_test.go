package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// createAt makes a job whose id has a given time.
func createAt(t *testing.T, s *store.Store, owner string, at time.Time) job.ID {
	t.Helper()
	u, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	for i, ms := 0, at.UnixMilli(); i < 6; i++ {
		u[i] = byte(ms >> (8 * (5 - i)))
	}
	u[15] &^= 3 // in the hour's folder
	spec := newSpec(t)
	spec.ID, spec.Owner, spec.CreatedAt = job.ID(u.String()), owner, at.UTC()
	if err := s.Create(spec, []byte("picture"), nil); err != nil {
		t.Fatal(err)
	}
	return spec.ID
}

// listAll reads a list page by page.
func listAll(t *testing.T, s *store.Store, q store.Query) (ids []job.ID, pages int) {
	t.Helper()
	for {
		jobs, next, err := s.List(q)
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) > q.Limit {
			t.Errorf("a page of %d; at most %d were requested", len(jobs), q.Limit)
		}
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
		if pages++; next == "" {
			return ids, pages
		}
		q.Before = next
	}
}

func TestListIsNewestFirst(t *testing.T) {
	s := open(t, 0)
	now := time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC)
	var all, annas []job.ID
	for i, ago := range []time.Duration{0, time.Minute, time.Hour, 2 * time.Hour, 25 * time.Hour, 24 * 40 * time.Hour, 24 * 400 * time.Hour} {
		owner := []string{"anna", "bert"}[i%2]
		id := createAt(t, s, owner, now.Add(-ago))
		all = append(all, id)
		if owner == "anna" {
			annas = append(annas, id)
		}
	}
	for _, limit := range []int{1, 2, 3, 7, 100} {
		if got, _ := listAll(t, s, store.Query{Limit: limit}); !slices.Equal(got, all) {
			t.Errorf("limit %d: got %v, want %v", limit, got, all)
		}
		if got, _ := listAll(t, s, store.Query{Limit: limit, Owner: "anna"}); !slices.Equal(got, annas) {
			t.Errorf("anna's, limit %d: got %v, want %v", limit, got, annas)
		}
	}
	if got, _ := listAll(t, s, store.Query{Limit: 5, Owner: "nina"}); len(got) != 0 {
		t.Errorf("an owner without jobs: %v", got)
	}
	if err := s.Erase(all[2], store.Erased); err != nil {
		t.Fatal(err)
	}
	// Names that the store does not make are not jobs.
	hour := filepath.Join(s.Dir(), "jobs", now.Format("2006/01/02/15"))
	for _, name := range []string{hour + "/notes.txt", s.Dir() + "/jobs/2026/README", s.Dir() + "/jobs/9999-long-name-of-a-file"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := slices.Delete(slices.Clone(all), 2, 3)
	if got, _ := listAll(t, s, store.Query{Limit: 2}); !slices.Equal(got, want) {
		t.Errorf("with one erased and foreign files: got %v, want %v", got, want)
	}
}

// With a filter that no job passes, a page reads a bounded number of jobs.
func TestListIsBounded(t *testing.T) {
	s := open(t, 0)
	const jobs = 600
	for range jobs {
		create(t, s)
	}
	got, pages := listAll(t, s, store.Query{Limit: 50, Keep: func(j *job.Job) bool { return j.State == job.Failed }})
	if len(got) != 0 || pages != 2 {
		t.Errorf("%d jobs in %d pages", len(got), pages)
	}
}

// If the directory is not available, List returns an error and not an empty list.
func TestListOfUnavailableDirectory(t *testing.T) {
	s := open(t, 0)
	if jobs, _, err := s.List(store.Query{Limit: 1}); len(jobs) != 0 || err != nil {
		t.Errorf("an empty directory: %v, %v", jobs, err)
	}
	if err := os.Rename(s.Dir(), s.Dir()+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.Dir() + ".away") })
	for _, owner := range []string{"", "anna"} {
		if jobs, _, err := s.List(store.Query{Limit: 1, Owner: owner}); !errors.Is(err, job.ErrStoreUnavailable) {
			t.Errorf("owner %q: got %v, %v, want %v", owner, jobs, err, job.ErrStoreUnavailable)
		}
	}
}

func TestExpireRemovesOldestFirst(t *testing.T) {
	s := open(t, 0)
	now := time.Now()
	var done []job.ID
	for i := range 5 {
		id := createAt(t, s, "anna", now.Add(-time.Duration(100-i)*time.Hour))
		l, err := s.Claim(t.Context(), id, 1, "w")
		if err == nil {
			err = l.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{})
		}
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, id)
	}
	waiting := createAt(t, s, "anna", now.Add(-200*time.Hour))
	if p, err := s.Expire(context.Background(), now.Add(-time.Hour), ""); p.Count != 0 || err != nil {
		t.Errorf("before their time: %d, %v", p.Count, err)
	}
	// It stops when its time is over, and continues from there.
	ctx, stop := context.WithCancel(t.Context())
	first, err := s.Expire(ctx, now.Add(-99*time.Hour+time.Minute), "")
	stop()
	if first.Count != 0 || !first.Done || err != nil { // none had ended by then
		t.Errorf("%+v, %v", first, err)
	}
	if p, err := s.Expire(ctx, now.Add(time.Hour), ""); p.Count != 0 || p.Done || !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %+v, %v", p, err)
	}
	after := done[1].Folder()
	if p, err := s.Expire(t.Context(), now.Add(time.Hour), after); p.Count != 3 || !p.Done || err != nil {
		t.Errorf("behind %s: %+v, %v", after, p, err)
	}
	for i, id := range done {
		if _, err := s.Job(id); errors.Is(err, job.ErrGone) != (i >= 2) {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if stones, err := filepath.Glob(filepath.Join(s.Dir(), "gone/*")); err != nil || len(stones) > 0 {
		t.Errorf("tombstones: %v, %v", stones, err)
	}
	if p, err := s.Expire(context.Background(), now.Add(time.Hour), ""); p.Count != 2 || err != nil {
		t.Errorf("%d, %v", p.Count, err)
	}
	if j, err := s.Job(waiting); err != nil || j.State != job.Queued {
		t.Errorf("an unfinished job: %+v, %v", j, err)
	}
	if hours, err := filepath.Glob(filepath.Join(s.Dir(), "jobs/*/*/*/*")); err != nil || len(hours) != 1 {
		t.Errorf("hours left: %v, %v", hours, err)
	}
}

// A damaged job does not stop the expiry of younger ones, and expires by the time in its id.
func TestExpireContinuesAfterDamagedJob(t *testing.T) {
	s := open(t, 0)
	now := time.Now()
	var ids []job.ID
	for i := range 3 {
		id := createAt(t, s, "anna", now.Add(-time.Duration(100-i)*time.Hour))
		l, err := s.Claim(t.Context(), id, 1, "w")
		if err == nil {
			err = l.Succeed([]byte("x"), nil, job.Result{}, job.Receipt{})
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	for _, name := range []string{"status.json", "final.1"} {
		path := filepath.Join(s.Dir(), "jobs", ids[0].Time().Format("2006/01/02/15"), string(ids[0]), name)
		if err := os.WriteFile(path, []byte("\x00\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := s.Expire(context.Background(), now.Add(time.Hour), "")
	if p.Count != 3 || err != nil {
		t.Errorf("%d expired, %v; want 3", p.Count, err)
	}
	for _, id := range ids {
		if _, err := s.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("job %s: %v", id, err)
		}
	}
}

// Every listing reads the folders of an owner's index, so empty ones are removed.
func TestEmptyIndexFoldersAreRemoved(t *testing.T) {
	s := open(t, 0)
	now := time.Now()
	for i := range 5 {
		for _, owner := range []string{"anna", "bert"} {
			id := createAt(t, s, owner, now.Add(-time.Duration(i)*24*time.Hour))
			if owner == "anna" && i == 0 {
				continue
			}
			if err := s.Erase(id, store.Erased); err != nil {
				t.Fatal(err)
			}
		}
	}
	hours, err := filepath.Glob(filepath.Join(s.Dir(), "owners/*/*/*/*/*"))
	if err != nil || len(hours) != 2 { // those of today
		t.Errorf("%d hours are left: %v, %v", len(hours), hours, err)
	}
	if got, _ := listAll(t, s, store.Query{Limit: 5, Owner: "anna"}); len(got) != 1 {
		t.Errorf("anna's jobs: %v", got)
	}
}

// The retention removes empty folders, but no foreign files.
func TestRetentionKeepsForeignFiles(t *testing.T) {
	s := open(t, 0)
	foreign := []string{"jobs/2020", "jobs/2021/README", "jobs/2022/01/02/03", "gone/2021"}
	for _, name := range foreign {
		path := filepath.Join(s.Dir(), name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte("notes"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Expire(context.Background(), time.Now(), ""); err != nil {
		t.Error(err)
	}
	if _, err := s.Forget(context.Background(), time.Now(), ""); err != nil {
		t.Error(err)
	}
	for _, name := range foreign {
		if _, err := os.Stat(filepath.Join(s.Dir(), name)); err != nil {
			t.Error(err)
		}
	}
}
