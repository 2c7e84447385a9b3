// Package store keeps jobs in a shared directory: EFS on AWS, any directory on one machine. It is
// the only code that knows the file names in the directory.
//
// The directory may be on NFS, and the package relies only on what NFS provides: a rename and a
// link are atomic, and a program that opens a file sees everything that was written before another
// program closed it. DESIGN.md in this folder describes the format.
//
// A Store may be used by several goroutines, and the same directory by many processes on many
// machines.
package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// FormatVersion is the content of the file FORMAT, which marks the layout of the directory. A
// program refuses a directory with another mark.
const FormatVersion = "atelier-store 3\n"

// Defaults of [Config].
const (
	DefaultLease       = 30 * time.Second
	DefaultMaxAttempts = 3
)

// Config sets where the store is, and its limits.
type Config struct {
	Dir         string        // the shared directory; created if missing
	Lease       time.Duration // time after which a claim made by this Store expires unless it is renewed; 0 is DefaultLease
	MaxAttempts int           // attempts that count in a run before it is given up; 0 is DefaultMaxAttempts
	Quotas      Quotas        // of each owner that submits here; the zero value is no limit

	// Unpublish removes the copies of published files that were made elsewhere, such as in the
	// bucket; nil if there are none. It gets the names as [Published] makes them, of one job or of
	// several that were erased or have expired, after these names were removed from
	// [Store.PublishedDir]. A name that was never copied, or whose copy is already removed, is no
	// error.
	//
	// After an error the jobs are gone for readers, but their erasures are not complete:
	// [Store.EndErasures] or [Store.Expire] calls Unpublish again. The methods that call it return
	// its error. The error must wrap job.ErrStoreUnavailable if calls for other jobs would fail as
	// well.
	//
	// It must be safe for concurrent use.
	Unpublish func(names []string) error
}

// A Store is an open shared directory.
type Store struct {
	disk
	dir         string
	lease       time.Duration
	maxAttempts int
	unpublish   func(names []string) error
	quotas      Quotas
	allCounts   allCounts
	freeSpace   freeSpace
	grains      grainChooser
	backlog     cachedBacklog
	oldest      time.Time    // no job is older: see [Store.Unknown]
	horizon     atomic.Int64 // see [Store.Unknown]; in milliseconds since 1970, as last read by this process
}

// Open creates the directory's folders if they are missing, and checks that it can be written and
// has this program's format. The caller closes the store.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open the store: no directory given")
	}
	if cfg.Lease == 0 {
		cfg.Lease = DefaultLease
	}
	if cfg.MaxAttempts == 0 {
		cfg.MaxAttempts = DefaultMaxAttempts
	}
	if cfg.Lease < 0 || cfg.Lease > maxLease || cfg.MaxAttempts < 0 {
		return nil, fmt.Errorf("open the store: a lease of %s and %d attempts: both must be over 0, and the lease at most %s", cfg.Lease, cfg.MaxAttempts, maxLease)
	}
	if err := cfg.Quotas.Validate(); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{disk: disk{slots: make(chan struct{}, maxCalls)}, dir: dir, lease: cfg.Lease, maxAttempts: cfg.MaxAttempts, unpublish: cfg.Unpublish, quotas: cfg.Quotas}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return s, nil
}

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return err
	}
	dir, err := filepath.EvalSymlinks(s.dir) // from here on no symbolic link is followed: see openFd
	if err != nil {
		return err
	}
	s.dir = dir
	for _, sub := range []string{jobsDir, activeDir, keysDir, uploadsDir, ownersDir, usageDir, goneDir, erasingDir, publishedDir, sweepDir, spareDir, tmpDir} {
		if err := s.makeTopFolder(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	_, err = s.serverNow() // not Check: a full disk must prevent neither reading nor freeing space
	made, formatErr := s.checkFormat()
	s.oldest = made.Add(-maxSkew)
	return errors.Join(formatErr, err)
}

// makeTopFolder creates a folder at the top of the directory unless it exists. A symbolic link to a
// folder is an error.
func (s *Store) makeTopFolder(path string) error {
	fd, err := openFd(path, folderFlags)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.mkdir(path); errors.Is(err, fs.ErrExist) {
			return nil // another process has made it
		}
		return err
	}
	if err != nil {
		return folderError("open", path, err)
	}
	return unix.Close(fd)
}

// Close ends the use of the store. No method may be called afterwards.
func (s *Store) Close() error { return nil }

// Dir returns the directory's absolute path.
func (s *Store) Dir() string { return s.dir }

// Lease returns the time after which a claim made by this Store expires unless it is renewed.
func (s *Store) Lease() time.Duration { return s.lease }

// MaxAttempts returns the number of attempts that count in a run before it is given up.
func (s *Store) MaxAttempts() int { return s.maxAttempts }

// Check returns an error if the directory can't be written at present.
func (s *Store) Check() error {
	_, err := s.writeProbe([]byte("probe")) // not empty: a full disk has room for an empty file
	return err
}

// Now returns the time by the file server's clock, which all ages are measured by.
func (s *Store) Now() (time.Time, error) { return s.serverNow() }

// serverNow returns the time by the file server's clock, which is that of a probe file. All ages
// are differences between two times of this clock; the clocks of machines are never compared.
func (s *Store) serverNow() (time.Time, error) {
	at, err := s.writeProbe(nil)
	if isFull(err) {
		at, err = s.spareServerNow()
	}
	return at, err
}

func (s *Store) writeProbe(b []byte) (made time.Time, err error) {
	probe := s.tempPath(rand.Text())
	made, err = s.createFile(probe, b)
	return made, errors.Join(err, s.remove(probe))
}

// checkFormat returns when the directory was made, by the file server's clock, and an error if it
// has another format than this program's.
func (s *Store) checkFormat() (made time.Time, err error) {
	mark := filepath.Join(s.dir, formatFile)
	b, made, err := s.readFile(mark)
	if errors.Is(err, fs.ErrNotExist) {
		// Processes that start at the same time all write the same bytes.
		if err := s.replaceFile(mark, []byte(FormatVersion)); err != nil {
			return time.Time{}, err
		}
		b, made, err = s.readFile(mark)
	}
	if err == nil && string(b) != FormatVersion {
		err = fmt.Errorf("%s has format %.40q and this program supports %q: use the program that made the directory, or another directory",
			mark, strings.TrimSpace(string(b)), strings.TrimSpace(FormatVersion))
	}
	return made, err
}

// replaceFile writes path with the content b. Readers see either the old file or the new one,
// complete, also after a crash.
func (s *Store) replaceFile(path string, b []byte) error {
	tmp := s.tempPath(rand.Text())
	_, err := s.createWithSpare(tmp, b)
	if err == nil {
		err = s.rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, s.remove(tmp))
	}
	return s.syncDir(filepath.Dir(path))
}
