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

// FormatVersion marks the layout of the directory. A program refuses a
// directory with another mark rather than guess.
const FormatVersion = "atelier-store 3\n"

// Defaults of [Config].
const (
	DefaultLease       = 30 * time.Second
	DefaultMaxAttempts = 3
)

// Config says where the store is and how patient it is.
type Config struct {
	Dir         string        // the shared directory; made where it is missing
	Lease       time.Duration // how long a claim made here stands without being renewed; 0 is DefaultLease
	MaxAttempts int           // how often a run is tried before it is given up; 0 is DefaultMaxAttempts
	Quotas      Quotas        // of those who submit here; zero is no limit

	// Unpublish removes copies of what was published (see [Published]) that were made
	// elsewhere; nil where there are none. It is called for every job that is erased
	// or has expired, for several that have expired together, when their names are
	// gone from [Store.PublishedDir], also for one that was never published or has
	// been unpublished before: what is not there is no error. After an error the jobs
	// are gone for their readers and their erasures are not over: it is called again,
	// by [Store.EndErasures] or [Store.Expire]. The error is what Erase answers; it wraps
	// job.ErrStoreAway where trying with other jobs is no use now.
	//
	// It is called concurrently.
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
	accounts    accounts
	freeSpace   freeSpace
	grains      grainChooser
	backlog     cachedBacklog
	horizon     atomic.Int64 // see [Store.Unknown]: in milliseconds since 1970, as far as this process knows it
}

// Open makes the directory's skeleton where it is missing and checks that it
// can be written and has this program's format. The caller closes the store.
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
	dir, err := filepath.EvalSymlinks(s.dir) // from here on no link is followed: see openFd
	if err != nil {
		return err
	}
	s.dir = dir
	for _, sub := range []string{jobsDir, activeDir, keysDir, uploadsDir, ownersDir, usageDir, goneDir, erasingDir, publishedDir, sweepDir, spareDir, tmpDir} {
		if err := s.makeTopFolder(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	_, err = s.serverNow() // no Check: a full disk is no reason not to read, or to make room
	return errors.Join(s.checkFormat(), err)
}

// skeleton makes a folder unless it is there, as a folder and not as a link to one.
func (s *Store) makeTopFolder(path string) error {
	fd, err := openFd(path, folderFlags)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.mkdir(path); errors.Is(err, fs.ErrExist) {
			return nil // made by another process just now
		}
		return err
	}
	if err != nil {
		return folderError("open", path, err)
	}
	return unix.Close(fd)
}

// Close ends the use of the store. No method may be called any more.
func (s *Store) Close() error { return nil }

// Dir is the directory's absolute path.
func (s *Store) Dir() string { return s.dir }

// Lease is how long a claim stands without being renewed.
func (s *Store) Lease() time.Duration { return s.lease }

// MaxAttempts is how often a run is tried before it is given up.
func (s *Store) MaxAttempts() int { return s.maxAttempts }

// Check says whether the directory can be written now.
func (s *Store) Check() error {
	_, err := s.writeProbe([]byte("probe")) // a full disk has room for an empty file
	return err
}

// now is the file server's clock, read off a probe file. Ages are differences
// between two times of this one clock: machines' own are never compared.
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

func (s *Store) checkFormat() error {
	mark := filepath.Join(s.dir, formatFile)
	b, _, err := s.readFile(mark)
	if errors.Is(err, fs.ErrNotExist) {
		// Processes that start together all write the same bytes.
		return s.replaceFile(mark, []byte(FormatVersion))
	}
	if err == nil && string(b) != FormatVersion {
		err = fmt.Errorf("%s reads %.40q and this program knows %q: use the program that made the directory, or another directory",
			mark, strings.TrimSpace(string(b)), strings.TrimSpace(FormatVersion))
	}
	return err
}

// replaceFile makes path with the content b, replacing what was there: readers
// see the old file or the new one, whole, also after a crash.
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

// Now is the file server's clock, by which ages are judged.
func (s *Store) Now() (time.Time, error) { return s.serverNow() }
