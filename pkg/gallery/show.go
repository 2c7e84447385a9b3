package gallery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// page writes a page of pictures, unless it is what it should be. Where no job is to be shown there is none, and
// its entry is the zero one.
func (l *look) page(ctx context.Context, span string, of pictures) (entry, error) {
	ids := of.shown()
	if len(ids) == 0 {
		return entry{}, nil
	}
	key, marked, was := manifestKey(span), mark(ids), l.then[span]
	for try := 0; ; try++ {
		etag, err := l.etagOf(ctx, key, try > 0)
		if err != nil {
			return entry{}, err
		}
		if try == 0 && etag != "" && was == (entry{marked, l.older, etag}) {
			return was, nil
		}
		now, jobs, err := l.write(ctx, key, of, ids, etag)
		if err == nil && jobs == 0 && now != "" {
			l.drop[key] = true // it has shown some
		}
		switch {
		case err == nil && jobs == 0:
			return entry{}, nil
		case err == nil:
			return entry{marked, l.older, now}, nil
		case try == tries || !errors.Is(err, bucket.ErrChanged):
			return entry{}, err
		}
		if err := pause(ctx, try); err != nil {
			return entry{}, err
		}
	}
}

// write writes a page in place of one with an ETag, and says how many jobs it shows. One that is to show none is not
// made; one that is there already is emptied, since it may show jobs that are gone.
func (l *look) write(ctx context.Context, key string, of pictures, ids []job.ID, was string) (etag string, jobs int, err error) {
	m, err := l.show(ctx, of, ids)
	if err != nil || len(m.Jobs) == 0 && was == "" {
		return "", 0, err
	}
	if etag, err = l.putJSON(ctx, key, m, was); err != nil {
		return "", 0, err
	}
	l.unsaved++
	if etag != was {
		l.changed++
	}
	return etag, len(m.Jobs), l.stillThere(ctx, m.Jobs)
}

// etagOf is a page's; "" if there is none. now: an erasure may have changed it since the pages were listed.
func (l *look) etagOf(ctx context.Context, key string, now bool) (string, error) {
	if l.etags != nil && !now {
		return l.etags[key], nil
	}
	o, err := l.bucket.Head(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return "", nil
	}
	return o.ETag, err
}

// show reads a page's jobs.
func (l *look) show(ctx context.Context, of pictures, ids []job.ID) (manifest, error) {
	m := manifest{Jobs: []job.Job{}, Next: nextOf(l.older)}
	var gone []string
	jobs, errs := l.read(ctx, ids)
	for i, id := range ids {
		switch j, err := jobs[i], errs[i]; {
		case errors.Is(err, job.ErrExpired), errors.Is(err, job.ErrNotFound), errors.Is(err, job.ErrDamagedJob):
			// Another store's, or long forgotten: a full copy removes what is.
		case errors.Is(err, job.ErrGone):
			gone = append(gone, of[id].thumb, of[id].result)
		case err != nil:
			return m, err
		case !j.Public || j.State != job.Succeeded:
		case !slices.Equal(store.Published(id, j.Format, true), []string{of[id].result, of[id].thumb}): // somebody else's
		default:
			r := *j.Result
			r.URL, r.ThumbnailURL = Pictures+of[id].result, Pictures+of[id].thumb
			j.Result = &r
			m.Jobs = append(m.Jobs, j)
		}
	}
	return m, l.Remove(ctx, gone...)
}

// readers is how many jobs are read at a time: each costs the file server round
// trips.
const readers = 32

// read reads jobs, each with an error of its own.
func (u *update) read(ctx context.Context, ids []job.ID) ([]job.Job, []error) {
	jobs, errs := make([]job.Job, len(ids)), make([]error, len(ids))
	slots := make(chan struct{}, readers)
	var all sync.WaitGroup
	for i, id := range ids {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if errs[i] = ctx.Err(); errs[i] == nil {
				jobs[i], errs[i] = u.jobs.Job(id)
			}
		})
	}
	all.Wait()
	return jobs, errs
}

// stillThere is bucket.ErrChanged where one of the jobs was erased since they
// were read: its erasure may have looked for it in the page before this was
// written.
func (u *update) stillThere(ctx context.Context, jobs []job.Job) error {
	ids := make([]job.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	_, errs := u.read(ctx, ids)
	for _, err := range errs {
		if errors.Is(err, job.ErrGone) {
			return fmt.Errorf("%w: %w", bucket.ErrChanged, err)
		}
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// mark stands for the jobs of a page.
func mark(ids []job.ID) string {
	hash := sha256.New()
	for _, id := range ids {
		fmt.Fprintln(hash, id)
	}
	return hex.EncodeToString(hash.Sum(nil)[:12])
}
