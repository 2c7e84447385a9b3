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

// A ledger says what an hour's pages were made of, by their spans.
type ledger map[string]entry

type entry struct {
	Of    string `json:"of"`    // a hash over the page's pictures; "" is unknown
	Older string `json:"older"` // the page that it leads to
	ETag  string `json:"etag"`  // of the page then
}

// inside reports whether there are pages of parts of a span.
func (l ledger) inside(span string) bool {
	for page := range l {
		if len(page) > len(span) && strings.HasPrefix(page, span) {
			return true
		}
	}
	return false
}

// A look is at the pictures of an hour, from the oldest on.
type look struct {
	*update
	hour  string
	older string // the page that the next one leads to

	then, now ledger            // as the last update left it, and as it is to be
	kept      ledger            // as it is in the bucket
	etag      string            // of that
	etags     map[string]string // of the hour's pages, by key, if they were listed; nil otherwise
	own       pictures          // of the hour's own folder, if that was listed; nil otherwise
	drop      map[string]bool   // keys of pages that have no jobs any more
	unsaved   int               // pages that were written since the ledger was
}

const (
	// saveEvery is after how many pages the ledger is written, so that an update that is killed in an hour of very many
	// does not begin anew each time.
	saveEvery = 50
	// saveTime is how long it may take to write it after ctx has ended.
	saveTime = 5 * time.Second
	// few is how many pages are asked for one by one; else all of the hour are listed.
	few = 8
)

// hour brings an hour's pages up to the pictures of the given folders, or to all if that is nil, and leads those to
// another page that were before one that has come or gone. The oldest leads to the page older. It returns the newest
// page; older if there is none.
func (u *update) hour(ctx context.Context, hour string, given []string, older string) (newest string, err error) {
	newest, err = u.hourBy(ctx, hour, given, older)
	if errors.Is(err, errLost) {
		newest, err = u.hourBy(ctx, hour, nil, older)
	}
	return newest, err
}

func (u *update) hourBy(ctx context.Context, hour string, given []string, older string) (newest string, err error) {
	l := &look{update: u, hour: hour, older: older, then: ledger{}, now: ledger{}, drop: map[string]bool{}}
	l.etag, err = u.getJSON(ctx, ledgerKey(hour), &l.then)
	if errors.Is(err, errUnreadable) {
		l.then, given, err = ledger{}, nil, nil
	}
	if err != nil {
		return "", err
	}
	if l.etag == "" {
		given = nil
	}
	l.kept = maps.Clone(l.then)
	maps.DeleteFunc(l.then, func(page string, _ entry) bool { return !isSpan(page) || hourOf(page) != hour })
	if given == nil || len(given) > 0 && max(len(given), len(l.then)) > few {
		if err = l.listPages(ctx); err != nil {
			return "", err
		}
	}
	units := []string{hour}
	if given != nil {
		if units, err = l.units(ctx, given); err != nil {
			return "", err
		}
	}
	if err = l.walk(ctx, units); err != nil {
		return "", errors.Join(err, l.saveUnfinished(ctx))
	}
	return l.older, l.finish(ctx, given == nil)
}

// units are the spans to be looked at for pictures in some folders: each the span of a page, or one without pages as
// long as can be, but of a minute at least, since minutes are what can be listed.
func (l *look) units(ctx context.Context, given []string) ([]string, error) {
	if len(given) > 0 && !l.then.inside(l.hour) {
		return []string{l.hour}, nil
	}
	minutes := map[string]bool{}
	for _, folder := range given {
		if len(folder) >= minuteLength {
			minutes[folder[:minuteLength]] = true
			continue
		}
		if err := l.listOwn(ctx); err != nil {
			return nil, err
		}
		for id := range l.own {
			minutes[secondOf(id)[:minuteLength]] = true
		}
	}
	units := map[string]bool{}
	for minute := range minutes {
		units[l.unitOf(minute)] = true
	}
	return slices.Sorted(maps.Keys(units)), nil
}

func (l *look) unitOf(minute string) string {
	for _, n := range spanLengths {
		if n >= minuteLength {
			break
		}
		if _, is := l.then[minute[:n]]; is || !l.then.inside(minute[:n]) {
			return minute[:n]
		}
	}
	return minute
}

// walk goes through the pages from the oldest on, and looks at the pictures of some spans among them.
func (l *look) walk(ctx context.Context, units []string) error {
	steps := slices.Clone(units)
	for page := range l.then {
		if !slices.ContainsFunc(units, func(unit string) bool { return strings.HasPrefix(page, unit) }) {
			steps = append(steps, page)
		}
	}
	slices.Sort(steps)
	for _, step := range steps {
		var err error
		if _, looked := slices.BinarySearch(units, step); looked {
			err = l.unit(ctx, step)
		} else {
			err = l.keep(ctx, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unit looks at the pictures of a span.
func (l *look) unit(ctx context.Context, span string) error {
	found, err := l.list(ctx, span)
	if errors.Is(err, errMany) {
		for _, part := range partsOf(span) {
			if err := l.unit(ctx, part); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	pages := map[string]pictures{}
	l.cut(span, found, pages)
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		e, err := l.page(ctx, page, pages[page])
		_, was := l.then[page]
		switch {
		case err == nil && e.ETag == "": // there is nothing to be shown
		case err == nil:
			err = l.add(ctx, page, e)
		case ctx.Err() != nil || isAway(err) || errors.Is(err, bucket.ErrChanged):
			return err
		case was: // others are none the worse for it
			l.failed = cmp.Or(l.failed, err)
			if err = l.keep(ctx, page); errors.Is(err, errLost) {
				err = nil
			}
		default:
			l.failed = cmp.Or(l.failed, err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isAway reports whether an error is that of all pages.
func isAway(err error) bool {
	return errors.Is(err, bucket.ErrUnavailable) || errors.Is(err, bucket.ErrNoBucket) || errors.Is(err, job.ErrStoreAway)
}

// keep keeps a page as it is.
func (l *look) keep(ctx context.Context, page string) error {
	e := l.then[page]
	if e.Older != l.older {
		var err error
		if e, err = l.relink(ctx, page, e); err != nil {
			return err
		}
	}
	return l.add(ctx, page, e)
}

func (l *look) add(ctx context.Context, page string, e entry) error {
	l.now[page], l.older = e, page
	if l.unsaved < saveEvery {
		return nil
	}
	return l.save(ctx, l.soFar())
}

// soFar is the ledger of an hour that is not done: the pages before are there yet, and lead to each other.
func (l *look) soFar() ledger {
	all := ledger{}
	maps.Copy(all, l.then)
	maps.Copy(all, l.now)
	return all
}

func (l *look) save(ctx context.Context, now ledger) error {
	etag, err := l.putJSON(ctx, ledgerKey(l.hour), now, l.etag)
	if err == nil {
		l.etag, l.kept, l.unsaved = etag, now, 0
	}
	return err
}

// saveUnfinished saves the ledger of a look that has failed, perhaps since ctx has ended.
func (l *look) saveUnfinished(ctx context.Context) error {
	if l.unsaved == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return l.save(ctx, l.soFar())
}

// finish saves the ledger and says which pages are to go.
func (l *look) finish(ctx context.Context, whole bool) error {
	for page := range l.then {
		l.drop[manifestKey(page)] = true
	}
	if whole { // what an update has left that died
		for key := range l.etags {
			l.drop[key] = true
		}
	}
	for page := range l.now {
		delete(l.drop, manifestKey(page))
	}
	l.emptied = slices.AppendSeq(l.emptied, maps.Keys(l.drop))
	switch {
	case len(l.now) == 0 && l.etag != "":
		l.emptied = append(l.emptied, ledgerKey(l.hour))
	case !maps.Equal(l.kept, l.now):
		return l.save(ctx, l.now)
	}
	return nil
}

// relink has a page lead to another than before. errLost: it is not there, or not ours.
func (l *look) relink(ctx context.Context, page string, was entry) (entry, error) {
	for try := 0; ; try++ {
		var m manifest
		etag, err := l.getJSON(ctx, manifestKey(page), &m)
		if errors.Is(err, errUnreadable) || err == nil && (etag == "" || m.Jobs == nil) {
			return was, errLost
		}
		if err != nil {
			return was, err
		}
		now := entry{Of: was.Of, Older: l.older}
		if etag != was.ETag {
			now.Of = "" // an erasure has changed it: when it is looked at next, it is written anew
		}
		m.Next = nextOf(l.older)
		now.ETag, err = l.putJSON(ctx, manifestKey(page), m, etag)
		if err == nil {
			l.changed++
			l.unsaved++
			return now, nil
		}
		if try == tries || !errors.Is(err, bucket.ErrChanged) {
			return was, err
		}
		if err := pause(ctx, try); err != nil {
			return was, err
		}
	}
}

// errLost: a page of the ledger is not in the bucket.
var errLost = errors.New("a page is lost")
