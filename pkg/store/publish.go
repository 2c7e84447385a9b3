package store

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// The folders of published/, each with the layout of jobs/.
const (
	publicDir  = "public"  // <id>.<format>: the result of a public job
	thumbsDir  = "thumbs"  // <id>.jpeg: its thumbnail
	privateDir = "private" // <id>.<format>: the result of a job that is not public
)

// PublishedDir returns the folder of the pictures that are to be copied: the results of jobs that
// have succeeded, and the thumbnails of the public ones. A picture is complete when its name
// exists, and never changes. Its name is removed when the job is erased or has expired. The only
// other files are the .nfs files that an NFS client keeps of a removed file while a program on its
// machine has it open.
func (s *Store) PublishedDir() string { return filepath.Join(s.dir, publishedDir) }

// Published returns the names of a succeeded job's published files, with slashes and relative to
// [Store.PublishedDir]: the result's first, then a public job's thumbnail's. The names depend only
// on these arguments.
func Published(id job.ID, format string, public bool) []string {
	folder, file := id.Folder(), string(id)+"."+format
	if !public {
		return []string{path.Join(privateDir, folder, file)}
	}
	return []string{path.Join(publicDir, folder, file), path.Join(thumbsDir, folder, string(id)+".jpeg")}
}

// ParsePublished splits a name made by [Published] into its first folder, such as "public", the
// job's id, and the format. ok is false for any name that Published does not return, even if it
// leads to the same file, as with "..". Names in [Store.PublishedDir] must be checked, because
// every process with access to the shared directory can make files there.
func ParsePublished(name string) (folder string, id job.ID, format string, ok bool) {
	folder, _, _ = strings.Cut(name, "/")
	base, format, _ := strings.Cut(path.Base(name), ".")
	id, err := job.ParseID(base)
	if err != nil || !slices.Contains(job.OutputFormats, format) {
		return "", "", "", false
	}
	if !slices.Contains(append(Published(id, format, true), Published(id, format, false)...), name) {
		return "", "", "", false
	}
	return folder, id, format, true
}

// MaxPublished is the largest size in bytes of a published file: the largest result in four
// channels without compression, and 1 MiB for headers.
const MaxPublished = 4*job.MaxSize*job.MaxSize + 1<<20

// publishedPaths returns the names that [Published] returns, as paths.
func (s *Store) publishedPaths(id job.ID, format string, public bool) []string {
	paths := Published(id, format, public)
	for i, name := range paths {
		paths[i] = filepath.Join(s.PublishedDir(), name)
	}
	return paths
}

// publish makes the names in published/ of the result of a run, and of the thumbnail if there is
// one. The names are links, so they are complete, take no space, and can be made by any process at
// any time while the job's folder has the files. No two names are of the same file, because
// DataSync copies such a file only once.
//
// The folders are not synced. A file server has a name when link returns. A local file system's
// journal keeps the order, so the name is not lost without the later removal from active/ being
// lost too; and while the job is in active/, the sweeper makes the name again.
func (s *Store) publish(f *jobFolder, final *record) error {
	if final.State != job.Succeeded {
		return nil
	}
	from := []string{outputFile(final.Claim), thumbFile(final.Claim)}
	var links []func() error
	for i, to := range s.publishedPaths(f.id, final.Format, final.Public) {
		links = append(links, func() error { return s.publishAs(filepath.Join(f.dir.Name(), from[i]), to) })
	}
	return concurrently(links...)
}

func (s *Store) publishAs(from, to string) error {
	err := s.link(from, to)
	if errors.Is(err, fs.ErrNotExist) { // the first name in its folder
		if err = s.mkdirs(filepath.Dir(to), s.dir); err == nil {
			err = s.link(from, to)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // another process or this call has made it: a job succeeds once, with this picture
	}
	return err
}
