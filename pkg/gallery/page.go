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

// updatePage writes the page of a span unless it is up to date. If no job is to be shown there is
// no page, and the returned entry is zero.
func (l *hourUpdate) updatePage(ctx context.Context, span string, of pictures) (entry, error) {
	ids := of.complete()
	if len(ids) == 0 {
		return entry{}, nil
	}
	key, marked, was := manifestKey(span), hashIDs(ids), l.previous[span]
	for try := 0; ; try++ {
		etag, err := l.pageETag(ctx, key, try > 0)
		if err != nil {
			return entry{}, err
		}
		if try == 0 && etag != "" && was == (entry{marked, l.older, etag}) {
			return was, nil
		}
		now, jobs, err := l.writePage(ctx, key, of, ids, etag)
		if err == nil && jobs == 0 && now != "" {
			l.obsolete[key] = true // it had jobs before
		}
		switch {
		case err == nil && jobs == 0:
			return entry{}, nil
		case err == nil:
			return entry{marked, l.older, now}, nil
		case try == maxTries || !errors.Is(err, bucket.ErrChanged):
			return entry{}, err
		}
		if err := backOff(ctx, try); err != nil {
			return entry{}, err
		}
	}
}

// writePage writes the page whose ETag was was, or which does not exist if was is "", and returns
// its new ETag and the number of jobs on it. If there are no jobs to show, it does not create a
// page, but it empties an existing one, which may show jobs that were erased.
func (l *hourUpdate) writePage(ctx context.Context, key string, of pictures, ids []job.ID, was string) (etag string, jobs int, err error) {
	m, err := l.buildManifest(ctx, of, ids)
	if err != nil || len(m.Jobs) == 0 && was == "" {
		return "", 0, err
	}
	if etag, err = l.putJSON(ctx, key, m, was); err != nil {
		return "", 0, err
	}
	l.unsavedPages++
	if etag != was {
		l.changed++
	}
	return etag, len(m.Jobs), l.checkNotErased(ctx, m.Jobs)
}

// pageETag returns the ETag of a page, or "" if it does not exist. With now it asks S3 even if the
// pages were listed, because an erasure may have changed the page since.
func (l *hourUpdate) pageETag(ctx context.Context, key string, now bool) (string, error) {
	if l.pageETags != nil && !now {
		return l.pageETags[key], nil
	}
	o, err := l.bucket.Head(ctx, key)
	if errors.Is(err, bucket.ErrNotFound) {
		return "", nil
	}
	return o.ETag, err
}

// buildManifest reads the jobs with the given ids and returns a manifest of those that are to be
// shown. It deletes the pictures of jobs that were erased or have expired.
func (l *hourUpdate) buildManifest(ctx context.Context, of pictures, ids []job.ID) (manifest, error) {
	m := manifest{Jobs: []job.Job{}, Next: nextKey(l.older)}
	var gone []string
	jobs, errs := l.readJobs(ctx, ids)
	for i, id := range ids {
		switch j, err := jobs[i], errs[i]; {
		case errors.Is(err, job.ErrExpired), errors.Is(err, job.ErrNotFound), errors.Is(err, job.ErrDamagedJob):
			// The job is of another store, or was erased long ago. A full comparison removes its pictures.
		case errors.Is(err, job.ErrGone):
			gone = append(gone, of[id].thumb, of[id].result)
		case err != nil:
			return m, err
		case !j.Public || j.State != job.Succeeded:
		case !slices.Equal(store.Published(id, j.Format, true), []string{of[id].result, of[id].thumb}): // other pictures than the worker's
		default:
			r := *j.Result
			r.URL, r.ThumbnailURL = Pictures+of[id].result, Pictures+of[id].thumb
			j.Result = &r
			m.Jobs = append(m.Jobs, j)
		}
	}
	return m, l.Remove(ctx, gone...)
}

// maxReaders is the number of jobs that are read at the same time. Each takes round trips to the
// file server.
const maxReaders = 32

// readJobs reads jobs, and returns an error for each.
func (u *update) readJobs(ctx context.Context, ids []job.ID) ([]job.Job, []error) {
	jobs, errs := make([]job.Job, len(ids)), make([]error, len(ids))
	forEach(len(ids), maxReaders, func(i int) {
		if errs[i] = ctx.Err(); errs[i] == nil {
			jobs[i], errs[i] = u.jobs.Job(ids[i])
		}
	})
	return jobs, errs
}

// forEach calls do with 0 to n-1, up to limit calls at the same time.
func forEach(n, limit int, do func(i int)) {
	slots := make(chan struct{}, limit)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() { defer func() { <-slots }(); do(i) })
	}
	all.Wait()
}

// checkNotErased returns bucket.ErrChanged if one of the jobs was erased since they were read. Its
// erasure may have looked for it in the page before this update wrote it.
func (u *update) checkNotErased(ctx context.Context, jobs []job.Job) error {
	ids := make([]job.ID, len(jobs))
	for i, j := range jobs {
		ids[i] = j.ID
	}
	_, errs := u.readJobs(ctx, ids)
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

// hashIDs returns a hash that identifies the jobs of a page.
func hashIDs(ids []job.ID) string {
	hash := sha256.New()
	for _, id := range ids {
		fmt.Fprintln(hash, id)
	}
	return hex.EncodeToString(hash.Sum(nil)[:12])
}
