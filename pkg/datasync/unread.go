package datasync

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"
)

// compareUnread compares folders that could not be compared, or whose finer folders could not be
// listed. The folder of an hour or a minute that can't be read hides the finer ones in it, and the
// scans go on without these. So once it can be read, all of them are compared, changed or not: of
// one such folder at least, and of others until a time. The results are those of compareEach; unread
// has only folders that were given.
func (c *Copier) compareUnread(ctx context.Context, folders []string, until time.Time) (missing, unread []string, failed error) {
	missing, unread, failed = c.compareEach(ctx, folders)
	compared := 0
	for _, folder := range folders {
		if isUnavailable(failed) || ctx.Err() != nil {
			break
		}
		first, last, coarse := timesOf(folder)
		if !coarse || slices.Contains(unread, folder) {
			continue
		}
		if compared > 0 && (len(missing) >= c.maxNames || !time.Now().Before(until)) {
			unread = append(unread, folder)
			continue
		}
		names, all, err := c.compareFiner(ctx, folder, first, last)
		missing = append(missing, names...)
		if !all {
			unread = append(unread, folder)
		}
		failed = graver(failed, err)
		compared++
	}
	if isUnavailable(failed) || ctx.Err() != nil { // not all were compared
		unread = union(unread, folders)
	}
	return missing, unread, failed
}

// compareFiner compares the finer folders in the folder of some time. all is false if some could not
// be compared.
func (c *Copier) compareFiner(ctx context.Context, folder string, first, last time.Time) (missing []string, all bool, failed error) {
	all = true
	for {
		folders, unlisted, next, err := c.Store.ChangedFolders(ctx, first, last, time.Time{}, batchSize)
		if err != nil {
			return missing, false, err
		}
		within := func(other string) bool { return strings.HasPrefix(other, folder+"/") }
		names, unread, err := c.compareEach(ctx, slices.DeleteFunc(folders, func(other string) bool { return !within(other) }))
		missing = append(missing, names...)
		all = all && len(unread) == 0 && !slices.ContainsFunc(unlisted, func(other string) bool {
			return within(other) || strings.HasPrefix(folder+"/", other+"/") // the folder itself, or the hour of a minute
		})
		failed = graver(failed, err)
		if isUnavailable(err) || ctx.Err() != nil {
			return missing, false, failed
		}
		if next.IsZero() {
			return missing, all, failed
		}
		last = next
	}
}

// timesOf returns the times from which on and before which the jobs of a folder were made, if it is
// the folder of an hour or a minute, which may have finer ones in it.
func timesOf(folder string) (first, last time.Time, coarse bool) {
	_, of, _ := strings.Cut(folder, "/")
	if first, err := time.Parse(path.Dir(minuteForm), of); err == nil {
		return first, first.Add(time.Hour), true
	}
	if first, err := time.Parse(minuteForm, of); err == nil {
		return first, first.Add(time.Minute), true
	}
	return first, last, false
}
