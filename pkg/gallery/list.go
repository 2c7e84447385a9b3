package gallery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A picture holds the names of a job's pictures that are in the bucket, as [store.Published]
// returns them; "" for one that is missing.
type picture struct{ result, thumb string }

type pictures map[job.ID]picture

// complete returns the jobs of which both pictures are there, newest first.
func (p pictures) complete() (ids []job.ID) {
	for id, of := range p {
		if of.result != "" && of.thumb != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	return ids
}

const (
	// maxPageJobs is the maximum of jobs on a page, except on the page of a second. If jobs are
	// evenly distributed, the parts of a divided span have a tenth of that or more.
	maxPageJobs = 300
	// listLimitFactor limits how many jobs are listed at a time, to this many times the maximum of
	// a page: a span with more jobs must be divided anyway. A minute has no limit.
	listLimitFactor = 16
)

// errTooMany means that a span has more pictures than are listed at a time.
var errTooMany = errors.New("too many pictures to be listed at a time")

// listSpan lists the pictures of a span of at least a minute.
func (l *hourUpdate) listSpan(ctx context.Context, span string) (pictures, error) {
	found := pictures{}
	prefix := span // also the prefix of minutes and seconds in ten minutes
	if len(span) == hourLength || len(span) == minuteLength {
		prefix += "/"
	}
	if len(span) > hourLength {
		if err := l.listHourFolder(ctx); err != nil {
			return nil, err
		}
		for id, of := range l.hourFolder {
			if strings.HasPrefix(secondOf(id), span) {
				found[id] = of
			}
		}
	}
	most := listLimitFactor * l.maxJobs
	if len(span) >= minuteLength {
		most = 0 // no limit: they were submitted within a minute
	}
	is := func(_ string, id job.ID) bool { return strings.HasPrefix(secondOf(id), span) }
	err := l.listPictures(ctx, found, func(kind string) string { return kind + prefix }, most, is)
	return found, err
}

// listHourFolder lists the pictures that are directly in the hour's folder, without those in the
// folders of its minutes and seconds. Further calls do nothing. There are a few thousand at most,
// because the store adds no jobs to a full folder.
func (l *hourUpdate) listHourFolder(ctx context.Context) error {
	if l.hourFolder != nil {
		return nil
	}
	hourFolder := pictures{}
	is := func(folder string, _ job.ID) bool { return folder == l.hour }
	err := l.listPictures(ctx, hourFolder, func(kind string) string { return store.PublishedPrefix(kind + l.hour) }, 0, is)
	if err == nil {
		l.hourFolder = hourFolder
	}
	return err
}

// listPictures adds to found the public pictures and thumbnails whose names begin with prefix and
// for which is returns true. It returns errTooMany if they belong to more than most jobs; a most of
// 0 is no limit.
func (l *hourUpdate) listPictures(
	ctx context.Context, found pictures, prefix func(kind string) string, most int, is func(folder string, id job.ID) bool,
) error {
	for _, kind := range []string{thumbs, results} {
		for o, err := range l.bucket.List(ctx, Pictures+prefix(kind)) {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(o.Key, Pictures)
			folder, id, ok := parseName(kind, name)
			if !ok || !is(folder, id) {
				continue
			}
			of := found[id]
			if kind == thumbs {
				of.thumb = name
			} else {
				of.result = name
			}
			found[id] = of
			if most > 0 && len(found) > most {
				return errTooMany
			}
		}
	}
	return nil
}

// listPages lists the hour's pages.
func (l *hourUpdate) listPages(ctx context.Context) error {
	l.pageETags = map[string]string{}
	for o, err := range l.bucket.List(ctx, manifestPrefix+l.hour) {
		if err != nil {
			return err
		}
		if span, ok := spanOf(o.Key); ok && hourOf(span) == l.hour {
			l.pageETags[o.Key] = o.ETag
		}
	}
	return nil
}

// divide distributes the pictures of a span over pages: it adds the span to pages if it has few
// jobs, and otherwise divides it into its parts. A span that was divided before is kept divided
// until it has a quarter of the maximum of jobs, because it would otherwise be divided and joined
// again and again.
func (l *hourUpdate) divide(span string, of pictures, pages map[string]pictures) {
	most := l.maxJobs
	if l.previous.hasParts(span) {
		most /= 4
	}
	n := partLength(span)
	if n == 0 || len(of.complete()) <= most {
		pages[span] = of
		return
	}
	parts := map[string]pictures{}
	for id, p := range of {
		part := secondOf(id)[:n]
		if parts[part] == nil {
			parts[part] = pictures{}
		}
		parts[part][id] = p
	}
	for part, of := range parts {
		l.divide(part, of, pages)
	}
}
