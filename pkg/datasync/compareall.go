package datasync

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/store"
)

// compareAll compares all folders of the jobs from first on and before last, and deletes the other
// objects of this time. A zero time is no limit.
func (c *Copier) compareAll(ctx context.Context, folders []string, first, last time.Time) (missing, unread []string, failed error) {
	var parts []part
	for _, kind := range store.PublishedKinds() {
		from, to := "", "~" // sorts after all times
		if !first.IsZero() {
			from = minuteOrHour(first)
		}
		if !last.IsZero() {
			to = minuteOrHour(last)
		}
		// The ranges of the bucket between two minutes that have folders.
		in, cuts := map[string][]string{}, []string{from}
		for _, folder := range folders {
			k, of, _ := strings.Cut(folder, "/")
			if k != kind {
				continue
			}
			if len(of) < len(minuteForm) { // its objects are among those of its minutes
				parts = append(parts, part{folders: []string{folder}, listing: c.Bucket.List(ctx, c.Prefix+store.PublishedPrefix(folder))})
				continue
			}
			cut := of[:len(minuteForm)]
			in[cut] = append(in[cut], folder)
			cuts = append(cuts, cut)
		}
		slices.Sort(cuts)
		cuts = append(slices.Compact(cuts), to)
		for i, cut := range cuts[:len(cuts)-1] {
			parts = append(parts, part{folders: in[cut], listing: c.between(ctx, kind+"/", cut, cuts[i+1]), complete: true})
		}
	}
	return c.compareParts(ctx, parts)
}

// between lists the objects of a kind whose names sort after one time and before another.
func (c *Copier) between(ctx context.Context, kind, from, to string) iter.Seq2[bucket.Object, error] {
	return func(yield func(bucket.Object, error) bool) {
		for o, err := range c.Bucket.ListAfter(ctx, c.Prefix+kind, c.Prefix+kind+from) {
			if err == nil && o.Key >= c.Prefix+kind+to || !yield(o, err) {
				return
			}
		}
	}
}

// minuteOrHour returns the folder of a minute, or if it is an hour's first, the folder of the hour.
func minuteOrHour(at time.Time) string {
	if at = at.UTC(); at.Minute() == 0 {
		return at.Format(path.Dir(minuteForm))
	}
	return at.Format(minuteForm)
}

const (
	// someStrangers is the number of objects that are deleted together.
	someStrangers = 1000
	// maxStrangers is about the number of objects that one part of a step deletes.
	maxStrangers = 10_000
)

// errUnfinished means that there are more objects without a file than one step deletes.
var errUnfinished = errors.New("there are more objects without a file")

// A strangers is a list of objects that are in no folder of the store, or in one that is compared with another
// part. Those that have no file, and no job that could get one, are deleted.
type strangers struct {
	*Copier
	names   []string
	tried   int   // number of objects that were deleted, or could not be
	refused error // the first errNotDeleted
}

// add adds an object. After maxStrangers objects it returns errUnfinished, so that the next step
// continues. If one of them could not be deleted, it leaves the others to the next full comparison
// instead, because the next step might have the same objects again.
func (s *strangers) add(ctx context.Context, name string) error {
	if s.tried >= maxStrangers {
		return nil
	}
	s.names = append(s.names, name)
	if len(s.names) < someStrangers {
		return nil
	}
	if err := s.delete(ctx); err != nil {
		return err
	}
	if s.tried >= maxStrangers && s.refused == nil {
		return errUnfinished
	}
	return nil
}

// delete deletes what was added. It records errNotDeleted in refused, and returns other errors.
func (s *strangers) delete(ctx context.Context) error {
	var gone []string
	files := map[string][]string{} // by folder
	for _, name := range s.names {
		folder := path.Dir(name)
		if _, known := files[folder]; !known {
			names, err := s.Store.PublishedIn(folder)
			if err != nil {
				return err
			}
			files[folder] = names
		}
		_, of, _ := strings.Cut(folder, "/")
		emptyFolder := name == folder+"/" && len(files[folder]) == 0 && len(of) >= len(path.Dir(minuteForm))
		if emptyFolder || !slices.Contains(files[folder], name) && s.isGone(name, true) {
			gone = append(gone, s.Prefix+name)
		}
	}
	s.names = nil
	s.tried += len(gone)
	err := s.deleteObjects(ctx, gone)
	if errors.Is(err, errNotDeleted) {
		s.refused, err = graver(s.refused, err), nil
	}
	return err
}
