package gallery

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/job"
)

// An hourUpdate updates the pages of an hour, beginning with the oldest.
type hourUpdate struct {
	*update
	hour  string
	older string // the page to which the next page must link

	previous, next ledger            // as the last update left it, and as this update leaves it
	saved          ledger            // as it is in the bucket
	etag           string            // of the ledger in the bucket
	pageETags      map[string]string // of the hour's pages, by key, if they were listed; nil otherwise
	hourFolder     pictures          // of the hour's own folder, if it was listed; nil otherwise
	obsolete       map[string]bool   // keys of pages without jobs
	unsavedPages   int               // number of pages that were written since the ledger was
}

const (
	// saveEvery is the number of written pages after which the ledger is saved, so an update that
	// is killed in a large hour does not start over each time.
	saveEvery = 50
	// saveTimeout limits the time to save the ledger after ctx has ended.
	saveTimeout = 5 * time.Second
	// maxHeads is the number of pages up to which each is requested by itself; otherwise all pages
	// of the hour are listed.
	maxHeads = 8
)

// updateHour updates the pages of an hour with the pictures of the given folders, or with all
// pictures if given is nil. The oldest page of the hour gets a link to the page older, which
// belongs to an earlier hour. It returns the newest page, or older if the hour has no pages.
func (u *update) updateHour(ctx context.Context, hour string, given []string, older string) (newest string, err error) {
	newest, err = u.tryUpdateHour(ctx, hour, given, older)
	if errors.Is(err, errPageLost) {
		newest, err = u.tryUpdateHour(ctx, hour, nil, older)
	}
	return newest, err
}

func (u *update) tryUpdateHour(ctx context.Context, hour string, given []string, older string) (newest string, err error) {
	l := &hourUpdate{update: u, hour: hour, older: older, previous: ledger{}, next: ledger{}, obsolete: map[string]bool{}}
	l.etag, err = u.getJSON(ctx, ledgerKey(hour), &l.previous)
	if errors.Is(err, errUnreadable) {
		l.previous, given, err = ledger{}, nil, nil
	}
	if err != nil {
		return "", err
	}
	if l.etag == "" {
		given = nil
	}
	l.saved = maps.Clone(l.previous)
	maps.DeleteFunc(l.previous, func(page string, _ entry) bool { return !isSpan(page) || hourOf(page) != hour })
	if given == nil || len(given) > 0 && max(len(given), len(l.previous)) > maxHeads {
		if err = l.listPages(ctx); err != nil {
			return "", err
		}
	}
	spans := []string{hour}
	if given != nil {
		if spans, err = l.spansOf(ctx, given); err != nil {
			return "", err
		}
	}
	if err = l.updatePages(ctx, spans); err != nil {
		return "", errors.Join(err, l.savePartialLedger(ctx))
	}
	return l.older, l.finishHour(ctx, given == nil)
}

// spansOf returns the spans whose pages must be updated for pictures in the given folders: the
// spans of existing pages and, where there are no pages, the longest spans that overlap with no
// page. A span is at least a minute long, because pictures can't be listed for less.
func (l *hourUpdate) spansOf(ctx context.Context, given []string) ([]string, error) {
	if len(given) > 0 && !l.previous.hasParts(l.hour) {
		return []string{l.hour}, nil
	}
	minutes := map[string]bool{}
	for _, folder := range given {
		if len(folder) >= minuteLength {
			minutes[folder[:minuteLength]] = true
			continue
		}
		if err := l.listHourFolder(ctx); err != nil {
			return nil, err
		}
		for id := range l.hourFolder {
			minutes[secondOf(id)[:minuteLength]] = true
		}
	}
	spans := map[string]bool{}
	for minute := range minutes {
		spans[l.spanFor(minute)] = true
	}
	return slices.Sorted(maps.Keys(spans)), nil
}

func (l *hourUpdate) spanFor(minute string) string {
	for _, n := range spanLengths {
		if n >= minuteLength {
			break
		}
		if _, is := l.previous[minute[:n]]; is || !l.previous.hasParts(minute[:n]) {
			return minute[:n]
		}
	}
	return minute
}

// updatePages goes through the pages, oldest first. It updates the given spans and keeps the other
// pages.
func (l *hourUpdate) updatePages(ctx context.Context, spans []string) error {
	steps := slices.Clone(spans)
	for page := range l.previous {
		if !slices.ContainsFunc(spans, func(span string) bool { return strings.HasPrefix(page, span) }) {
			steps = append(steps, page)
		}
	}
	slices.Sort(steps)
	for _, step := range steps {
		var err error
		if _, update := slices.BinarySearch(spans, step); update {
			err = l.updateSpan(ctx, step)
		} else {
			err = l.keepPage(ctx, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// updateSpan lists the pictures of a span and updates its pages.
func (l *hourUpdate) updateSpan(ctx context.Context, span string) error {
	found, err := l.listSpan(ctx, span)
	if errors.Is(err, errTooMany) {
		for _, part := range partsOf(span) {
			if err := l.updateSpan(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	pages := map[string]pictures{}
	l.divide(span, found, pages)
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		e, err := l.updatePage(ctx, page, pages[page])
		_, was := l.previous[page]
		switch {
		case err == nil && e.ETag == "": // it has no jobs
		case err == nil:
			err = l.recordPage(ctx, page, e)
		case ctx.Err() != nil || isUnavailable(err) || errors.Is(err, bucket.ErrChanged):
			return err
		case was: // the other pages are updated all the same
			l.pageErr = cmp.Or(l.pageErr, err)
			if err = l.keepPage(ctx, page); errors.Is(err, errPageLost) {
				err = nil
			}
		default:
			l.pageErr = cmp.Or(l.pageErr, err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isUnavailable reports whether S3 or the store is unavailable, so that the other pages would fail
// too.
func isUnavailable(err error) bool {
	return errors.Is(err, bucket.ErrUnavailable) || errors.Is(err, bucket.ErrNoBucket) || errors.Is(err, job.ErrStoreUnavailable)
}

// keepPage leaves a page's jobs unchanged, and updates its link if the next older page is another
// one.
func (l *hourUpdate) keepPage(ctx context.Context, page string) error {
	e := l.previous[page]
	if e.Older != l.older {
		var err error
		if e, err = l.relinkPage(ctx, page, e); err != nil {
			return err
		}
	}
	return l.recordPage(ctx, page, e)
}

func (l *hourUpdate) recordPage(ctx context.Context, page string, e entry) error {
	l.next[page], l.older = e, page
	if l.unsavedPages < saveEvery {
		return nil
	}
	return l.saveLedger(ctx, l.partialLedger())
}

// finishHour saves the ledger, and notes the pages that are to be deleted. whole means that the
// whole hour was updated.
func (l *hourUpdate) finishHour(ctx context.Context, whole bool) error {
	for page := range l.previous {
		l.obsolete[manifestKey(page)] = true
	}
	if whole { // also pages that were left by an update that was killed
		for key := range l.pageETags {
			l.obsolete[key] = true
		}
	}
	for page := range l.next {
		delete(l.obsolete, manifestKey(page))
	}
	l.unlinked = slices.AppendSeq(l.unlinked, maps.Keys(l.obsolete))
	switch {
	case len(l.next) == 0 && l.etag != "":
		l.unlinked = append(l.unlinked, ledgerKey(l.hour))
	case !maps.Equal(l.saved, l.next):
		return l.saveLedger(ctx, l.next)
	}
	return nil
}

// relinkPage makes a page link to l.older. It returns the page's new ledger entry, or errPageLost
// if the page does not exist or is not a manifest.
func (l *hourUpdate) relinkPage(ctx context.Context, page string, was entry) (entry, error) {
	for try := 0; ; try++ {
		var m manifest
		etag, err := l.getJSON(ctx, manifestKey(page), &m)
		if errors.Is(err, errUnreadable) || err == nil && (etag == "" || m.Jobs == nil) {
			return was, errPageLost
		}
		if err != nil {
			return was, err
		}
		now := entry{Of: was.Of, Older: l.older}
		if etag != was.ETag {
			now.Of = "" // changed by an erasure; the next update of its span writes it again
		}
		m.Next = nextKey(l.older)
		now.ETag, err = l.putJSON(ctx, manifestKey(page), m, etag)
		if err == nil {
			l.changed++
			l.unsavedPages++
			return now, nil
		}
		if try == maxTries || !errors.Is(err, bucket.ErrChanged) {
			return was, err
		}
		if err := backOff(ctx, try); err != nil {
			return was, err
		}
	}
}

// errPageLost means that the ledger has a page that is not in the bucket.
var errPageLost = errors.New("a page is lost")
