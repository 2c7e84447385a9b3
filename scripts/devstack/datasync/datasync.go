// Package datasync emulates AWS DataSync on one machine: a task mirrors the pictures in a directory
// to a part of a bucket.
package datasync

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/store"
)

// A Task copies the pictures of a directory to a bucket, like DataSync with TransferMode CHANGED
// and PreserveDeletedFiles REMOVE: changed files are copied, and objects without a file are
// deleted. It may be killed and run again at any time.
//
// Every process with access to the shared directory can write into From. Only regular files with a
// name of [store.Published] and at most [store.MaxPublished] bytes are copied, and their content
// type is derived from the name.
type Task struct {
	From   string         // the directory: [store.Store.PublishedDir]
	To     *bucket.Bucket // use Redirect to replace it while the task is in use
	Prefix string         // of the keys, "pictures/"

	// CacheControl is the objects' Cache-Control header.
	CacheControl string

	// Faithful makes the task copy like DataSync itself: of several names of one file an execution
	// copies only one, and objects have neither a content type nor a Cache-Control. On AWS, links
	// and the distribution set these.
	Faithful bool

	// Fail returns an error with which a picture can't be copied, for tests; nil causes no fault.
	Fail func(name string) error

	Log *slog.Logger // logs files that are not copied; nil: no log

	running sync.Mutex // one execution at a time
	mu      sync.Mutex // guards To
}

// Redirect replaces To, even for a running execution. It may be called at any time.
func (t *Task) Redirect(b *bucket.Bucket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.To = b
}

func (t *Task) destination() *bucket.Bucket {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.To
}

// errRefused reports that a file must not be copied.
var errRefused = errors.New("not copied")

// A Report counts the results of an execution's files, without those that must not be copied.
type Report struct {
	Transferred, Skipped, Deleted, Failed int
}

// Changed returns whether the execution has changed the bucket.
func (r Report) Changed() bool { return r.Transferred+r.Deleted > 0 }

// parallel is the number of files copied at once.
const parallel = 8

// Run makes one execution, after a running one has ended. A file that can't be copied doesn't stop
// the others; Run returns the first few of such errors.
func (t *Task) Run(ctx context.Context) (Report, error) {
	return t.run(ctx, []string{""}, func(e *execution) {
		whole := e.walk(ctx)
		e.copies.Wait()
		if whole { // otherwise files that were not seen may exist
			e.deleteGone(ctx)
		}
	})
}

// RunManifest is Run for the files with the given names, without deletions. A name without a file
// is an error, as it is for DataSync.
func (t *Task) RunManifest(ctx context.Context, names []string) (Report, error) {
	folders := map[string]bool{} // the prefixes of the names in the files' folders
	for _, name := range names {
		folders[store.PublishedPrefix(path.Dir(name))] = true
	}
	return t.run(ctx, slices.Collect(maps.Keys(folders)), func(e *execution) {
		for _, name := range names {
			file := filepath.Join(t.From, filepath.FromSlash(name))
			info, err := os.Lstat(file)
			switch {
			case ctx.Err() != nil:
				e.fail(ctx.Err())
				return
			case err != nil:
				e.fail(err)
			case !filepath.IsLocal(filepath.FromSlash(name)) || !info.Mode().IsRegular():
				e.refuse(file, fmt.Errorf("%w: it is not a picture", errRefused))
			default:
				e.examine(ctx, file, fs.FileInfoToDirEntry(info))
			}
		}
	})
}

func (t *Task) run(ctx context.Context, folders []string, transfer func(*execution)) (Report, error) {
	t.running.Lock()
	defer t.running.Unlock()
	// The bucket is listed before the walk: an object that is stored meanwhile is copied once more, and never taken for
	// one whose file is gone.
	there, err := t.listed(ctx, folders)
	if err != nil {
		return Report{}, fmt.Errorf("sync to s3://%s/%s: %w", t.destination().Name(), t.Prefix, err)
	}
	e := &execution{task: t, there: there, slots: make(chan struct{}, parallel), files: map[string]bool{}}
	transfer(e)
	e.copies.Wait()
	if err := errors.Join(e.errs...); err != nil {
		return e.report(), fmt.Errorf("sync to s3://%s/%s: %d files failed: %w", t.destination().Name(), t.Prefix, e.failed.Load(), err)
	}
	return e.report(), nil
}

// listed returns the bucket's objects in some folders, by key.
func (t *Task) listed(ctx context.Context, folders []string) (map[string]bucket.Object, error) {
	there := map[string]bucket.Object{}
	for _, folder := range folders {
		for o, err := range t.destination().List(ctx, t.Prefix+folder) {
			if err != nil {
				return nil, err
			}
			there[o.Key] = o
		}
	}
	return there, nil
}

type execution struct {
	task   *Task
	there  map[string]bucket.Object // without those that the walk has seen
	slots  chan struct{}
	copies sync.WaitGroup

	transferred, failed, refused atomic.Int64
	skipped, deleted             int
	files                        map[string]bool // files that were copied under another name

	mu   sync.Mutex
	errs []error // the first few
}

func (e *execution) report() Report {
	return Report{int(e.transferred.Load()), e.skipped, e.deleted, int(e.failed.Load())}
}

// maxErrors is the number of reported errors: an unavailable bucket causes the same error for every
// file.
const maxErrors = 5

func (e *execution) fail(err error) {
	e.failed.Add(1)
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.errs) < maxErrors {
		e.errs = append(e.errs, err)
	}
}

// walk starts the copies and returns whether it has seen all files.
func (e *execution) walk(ctx context.Context) (whole bool) {
	whole = true
	err := filepath.WalkDir(e.task.From, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist) && path != e.task.From:
			return nil // removed meanwhile
		case err != nil:
			whole = false
			e.fail(err)
			if d != nil && d.IsDir() && path != e.task.From {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular(): // folders, links, devices and so on
			return nil
		}
		e.examine(ctx, path, d)
		return nil
	})
	if err != nil {
		e.fail(err)
		return false
	}
	return whole
}

// examine considers a file if it has the name of a picture.
func (e *execution) examine(ctx context.Context, path string, d fs.DirEntry) {
	if _, _, _, ok := store.ParsePublished(e.task.name(path)); ok {
		e.consider(ctx, path, d)
	} else if !strings.HasPrefix(d.Name(), ".nfs") { // a removed file that is still open on an NFS client
		e.refuse(path, fmt.Errorf("%w: this is not the name of a published picture", errRefused))
	}
}

// consider copies a file unless the bucket has it. S3 reports times in whole seconds, so a second
// change of the same length within a second would be missed; published files never change.
func (e *execution) consider(ctx context.Context, path string, d fs.DirEntry) {
	key := e.task.key(path)
	old, there := e.there[key]
	delete(e.there, key)
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		if there {
			e.there[key] = old // removed meanwhile
		}
		return
	}
	if err != nil {
		e.fail(err)
		return
	}
	if there && old.Size == info.Size() && !old.Changed.Before(info.ModTime().Truncate(time.Second)) {
		e.skipped++
		return
	}
	if file, ok := info.Sys().(*syscall.Stat_t); ok && e.task.Faithful {
		id := fmt.Sprint(file.Dev, file.Ino)
		if e.files[id] {
			e.skipped++
			return
		}
		e.files[id] = true
	}
	e.slots <- struct{}{}
	e.copies.Go(func() {
		defer func() { <-e.slots }()
		switch err := e.task.copy(ctx, path, key); {
		case err == nil:
			e.transferred.Add(1)
		case errors.Is(err, errRefused):
			e.refuse(path, err)
		case !errors.Is(err, fs.ErrNotExist): // removed meanwhile
			e.fail(err)
		}
	})
}

// refuse logs why a file is not copied, only for the first few files of an execution, because there
// is no limit on their number.
func (e *execution) refuse(path string, why error) {
	if n := e.refused.Add(1); e.task.Log != nil && n <= maxErrors {
		e.task.Log.Warn("did not copy a file from the pictures' directory", "file", e.task.name(path), "error", why)
	}
}

func (t *Task) key(path string) string { return t.Prefix + t.name(path) }

// name returns a file's slash-separated path in the directory.
func (t *Task) name(path string) string {
	name, _ := strings.CutPrefix(path, t.From)
	return filepath.ToSlash(strings.TrimPrefix(name, string(filepath.Separator)))
}

// copy copies the file that has the name when it is opened, which may be another one than the walk has seen. It returns
// errRefused if the file must not be copied.
func (t *Task) copy(ctx context.Context, path, key string) error {
	if t.Fail != nil {
		if err := t.Fail(t.name(path)); err != nil {
			return err
		}
	}
	// Without O_NONBLOCK, opening a pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return fmt.Errorf("%w: it is a link", errRefused)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is not a regular file", errRefused)
	case info.Size() > store.MaxPublished:
		return fmt.Errorf("%w: it has %d bytes, more than a picture's %d", errRefused, info.Size(), store.MaxPublished)
	}
	_, _, format, _ := store.ParsePublished(t.name(path))
	body := io.NewSectionReader(f, 0, info.Size()) // even if the file grows
	headers := bucket.Put{ContentType: imageio.ContentType(format), CacheControl: t.CacheControl}
	if t.Faithful {
		headers = bucket.Put{}
	}
	_, err = t.destination().Put(ctx, key, body, headers)
	return err
}

// deleteGone deletes the objects for which the walk has found no file.
func (e *execution) deleteGone(ctx context.Context) {
	var gone []string
	for key := range e.there {
		// The file may have been created after the walk visited its folder.
		if _, err := os.Lstat(filepath.Join(e.task.From, filepath.FromSlash(strings.TrimPrefix(key, e.task.Prefix)))); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, key)
		}
	}
	if err := e.task.destination().Delete(ctx, gone...); err != nil {
		e.fail(err)
		return
	}
	e.deleted = len(gone)
}
