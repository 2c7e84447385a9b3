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

// PublishedDir is the folder of what came of the jobs, for whoever copies it: the
// results of jobs that have succeeded and the thumbnails of the public ones, each
// whole from the moment that its name is there, and never changed; gone once the
// job is erased or has expired. Nothing else is ever in it, but for the .nfs files
// that an NFS client keeps of what is removed while somebody there reads it.
func (s *Store) PublishedDir() string { return filepath.Join(s.dir, publishedDir) }

// Published is where a job that has succeeded is published: slash-separated names
// relative to [Store.PublishedDir], the result's first, then, of a public job, the
// thumbnail's. They follow from what was asked for alone.
func Published(id job.ID, format string, public bool) []string {
	folder, file := id.Folder(), string(id)+"."+format
	if !public {
		return []string{path.Join(privateDir, folder, file)}
	}
	return []string{path.Join(publicDir, folder, file), path.Join(thumbsDir, folder, string(id)+".jpeg")}
}

// ParsePublished takes a name apart that [Published] can have made: the folder, such as
// "public", the job and the format. !ok is any other name, also one of a form that
// would do on a file system: whoever can write into the shared directory can put
// anything into [Store.PublishedDir].
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

// MaxPublished is the largest size in bytes that a published file can have: that of
// the largest result in four channels without compression, and room for headers.
const MaxPublished = 4*job.MaxSize*job.MaxSize + 1<<20

// published are those names as paths.
func (s *Store) publishedPaths(id job.ID, format string, public bool) []string {
	paths := Published(id, format, public)
	for i, name := range paths {
		paths[i] = filepath.Join(s.PublishedDir(), name)
	}
	return paths
}

// publish gives what came of a run its names in published/: links, so that they
// are whole by nature, take no room, and can be made by anybody at any time from
// the files in the job's folder, without which there is nothing to link. No two names are
// of one file: DataSync copies a file that has several in its location only once.
//
// The folders are not synced: a file server has a name when it answers, and a file
// system with a journal keeps the order in which this name comes and the one in
// active/ goes, which is what would have it made again.
func (s *Store) publish(l *jobFolder, final *record) error {
	if final.State != job.Succeeded {
		return nil
	}
	from := []string{outputFile(final.Claim), thumbFile(final.Claim)}
	var links []func() error
	for i, to := range s.publishedPaths(l.id, final.Format, final.Public) {
		links = append(links, func() error { return s.publishAs(filepath.Join(l.dir.Name(), from[i]), to) })
	}
	return concurrently(links...)
}

func (s *Store) publishAs(from, to string) error {
	err := s.link(from, to)
	if errors.Is(err, fs.ErrNotExist) { // the first of its hour
		if err = s.mkdirs(filepath.Dir(to), s.dir); err == nil {
			err = s.link(from, to)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // whoever made it, this call perhaps: a job succeeds once, with this picture
	}
	return err
}
