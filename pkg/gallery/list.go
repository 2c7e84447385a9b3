package gallery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A picture is what the bucket has of a job: names as of [store.Published], "" for what is not there.
type picture struct{ result, thumb string }

type pictures map[job.ID]picture

// shown are the jobs of which both pictures are there, newest first.
func (p pictures) shown() (ids []job.ID) {
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
	// mostShown is how many jobs a page has at most, but for one of a second. Where jobs come
	// evenly, those of a span that is divided have a tenth of that or more.
	mostShown = 300
	// listedTimes is how many times as many jobs are listed at a time at most, but for those of
	// a minute. A span that has more is to be divided anyway.
	listedTimes = 16
)

// errMany: a span has more pictures than are listed at a time.
var errMany = errors.New("too many pictures to be listed at a time")

// list lists the pictures of a span of a minute at least.
func (l *look) list(ctx context.Context, span string) (pictures, error) {
	found := pictures{}
	prefix := span // also that of the minutes and seconds in ten minutes
	if len(span) == hourLength || len(span) == minuteLength {
		prefix += "/"
	}
	if len(span) > hourLength {
		if err := l.listOwn(ctx); err != nil {
			return nil, err
		}
		for id, of := range l.own {
			if strings.HasPrefix(secondOf(id), span) {
				found[id] = of
			}
		}
	}
	most := listedTimes * l.most
	if len(span) >= minuteLength {
		most = 0 // is no limit
	}
	is := func(_ string, id job.ID) bool { return strings.HasPrefix(secondOf(id), span) }
	err := l.listInto(ctx, found, func(kind string) string { return kind + prefix }, most, is)
	return found, err
}

// listOwn lists the pictures of the hour's own folder, without those of its minutes and seconds, once.
func (l *look) listOwn(ctx context.Context) error {
	if l.own != nil {
		return nil
	}
	own := pictures{}
	is := func(folder string, _ job.ID) bool { return folder == l.hour }
	err := l.listInto(ctx, own, func(kind string) string { return store.PublishedPrefix(kind + l.hour) }, 0, is)
	if err == nil {
		l.own = own
	}
	return err
}

// listInto lists public pictures and their thumbnails, whose names begin as prefix says of each kind, and takes those
// that are meant. errMany: there are more than most.
func (l *look) listInto(
	ctx context.Context, found pictures, prefix func(kind string) string, most int, is func(folder string, id job.ID) bool,
) error {
	for _, kind := range []string{thumbs, results} {
		for o, err := range l.bucket.List(ctx, Pictures+prefix(kind)) {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(o.Key, Pictures)
			folder, id, ok := parse(kind, name)
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
				return errMany
			}
		}
	}
	return nil
}

// listPages lists the hour's pages.
func (l *look) listPages(ctx context.Context) error {
	l.etags = map[string]string{}
	for o, err := range l.bucket.List(ctx, manifests+l.hour) {
		if err != nil {
			return err
		}
		if span, ok := spanOf(o.Key); ok && hourOf(span) == l.hour {
			l.etags[o.Key] = o.ETag
		}
	}
	return nil
}

// cut divides the pictures of a span among pages. A span that is divided stays so until it has few, since pages that
// are divided and joined in turn would be written anew each time.
func (l *look) cut(span string, of pictures, pages map[string]pictures) {
	most := l.most
	if l.then.inside(span) {
		most /= 4
	}
	n := finer(span)
	if n == 0 || len(of.shown()) <= most {
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
		l.cut(part, of, pages)
	}
}
