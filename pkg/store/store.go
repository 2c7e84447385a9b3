// Package store keeps jobs in a shared directory: EFS in the cloud, any
// directory locally. It is the only code that knows the file names there.
//
// The directory has NFS semantics and the package relies on no more than they
// give: a rename and a link are atomic, an open sees
// what was closed before it. DESIGN.md beside it describes the format.
//
// A Store may be used by many goroutines, and many processes on many machines
// may have the same directory open.
package store

import (
	"cmp"
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

	"github.com/atelier-go/atelier/pkg/job"
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
	room        room
	grains      grains
	backlog     knownBacklog
	oldest      time.Time    // no job is older: see [Store.Unknown]
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
		if err := s.skeleton(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	_, err = s.now() // no Check: a full disk is no reason not to read, or to make room
	made, formatErr := s.checkFormat()
	s.oldest = made.Add(-maxSkew)
	return errors.Join(formatErr, err)
}

// skeleton makes a folder unless it is there, as a folder and not as a link to one.
func (s *Store) skeleton(path string) error {
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
	_, err := s.probe([]byte("probe")) // a full disk has room for an empty file
	return err
}

// now is the file server's clock, read off a probe file. Ages are differences
// between two times of this one clock: machines' own are never compared.
func (s *Store) now() (time.Time, error) {
	at, err := s.probe(nil)
	if isFull(err) {
		at, err = s.spareNow()
	}
	return at, err
}

func (s *Store) probe(b []byte) (made time.Time, err error) {
	probe := s.temp(rand.Text())
	made, err = s.createFile(probe, b)
	return made, errors.Join(err, s.remove(probe))
}

// temp is a name in tmp/, where everything may be thrown away when it is old.
func (s *Store) temp(name string) string { return filepath.Join(s.dir, tmpDir, name) }

// checkFormat returns when the directory was made, by the file server's clock, and an error if its format is not this
// program's.
func (s *Store) checkFormat() (made time.Time, err error) {
	mark := filepath.Join(s.dir, formatFile)
	b, made, err := s.readFile(mark)
	if errors.Is(err, fs.ErrNotExist) {
		// Processes that start together all write the same bytes.
		if err := s.replaceFile(mark, []byte(FormatVersion)); err != nil {
			return time.Time{}, err
		}
		b, made, err = s.readFile(mark)
	}
	if err == nil && string(b) != FormatVersion {
		err = fmt.Errorf("%s reads %.40q and this program knows %q: use the program that made the directory, or another directory",
			mark, strings.TrimSpace(string(b)), strings.TrimSpace(FormatVersion))
	}
	return made, err
}

// replaceFile makes path with the content b, replacing what was there: readers
// see the old file or the new one, whole, also after a crash.
func (s *Store) replaceFile(path string, b []byte) error {
	tmp := s.temp(rand.Text())
	_, err := s.createFrugally(tmp, b)
	if err == nil {
		err = s.rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, s.remove(tmp))
	}
	return s.syncDir(filepath.Dir(path))
}

// The names at the directory's top.
const (
	formatFile   = "FORMAT"    // holds FormatVersion
	jobsDir      = "jobs"      // YYYY/MM/DD/HH[/MM[/SS]]/<id>/: see job.Grain
	activeDir    = "active"    // <hash>/[YYYY-..-MM/]<id>: an owner's job that is not finished or not yet tidy
	keysDir      = "keys"      // h/as/<hash>: a job's spec under its owner's idempotency key
	uploadsDir   = "uploads"   // <hash>/<id>.<bytes>: an owner's pending uploads
	ownersDir    = "owners"    // <hash>/YYYY/../HH[/MM]/<id>.<KiB>: an owner's jobs, with what each counts for
	usageDir     = "usage"     // <hash>: what was counted of an owner's jobs
	publishedDir = "published" // see publish.go: the results, by links
	goneDir      = "gone"      // YYYY/../<id>: a job that was erased
	erasingDir   = "erasing"   // <id>.<why>: a job that is being erased
	sweepDir     = "sweep"     // turn.N: who sweeps, and what they remember
	spareDir     = "spare"     // see spare.go
	tmpDir       = "tmp"       // what is not in its place yet, or no longer
)

// The names in a job's folder. Beside them there are temporary files, whose
// names begin with tempPrefix: here and not in tmp/, since a rename from one
// folder to another holds up all others of the file system.
const (
	specFile    = "spec.json"   // submission, immutable
	inputFile   = "input"       // the pictures as submitted, one after the other, immutable
	statusFile  = "status.json" // record, a projection for readers
	previewFile = "preview"     // the submitted picture for browsers, once it was decoded
	tempPrefix  = ".tmp-"
)

// A job's folder has one of these before its name on its way in and out.
const (
	draftPrefix = ".new-"
	awayPrefix  = ".old-"  // one that was never promised to anybody
	gravePrefix = ".gone-" // one that is being erased or expires
)

func claimFile(n int) string   { return fmt.Sprintf("claim.%d", n) }
func outputFile(n int) string  { return fmt.Sprintf("out.%d", n) }
func thumbFile(n int) string   { return fmt.Sprintf("thumb.%d", n) }
func runFile(run int) string   { return fmt.Sprintf("run.%d", run) }
func finalFile(run int) string { return fmt.Sprintf("final.%d", run) }

func (s *Store) shard(id job.ID) string  { return filepath.Join(s.dir, jobsDir, id.Folder()) }
func (s *Store) jobDir(id job.ID) string { return filepath.Join(s.shard(id), string(id)) }
func (s *Store) gone(id job.ID) string   { return filepath.Join(s.dir, goneDir, id.Folder(), string(id)) }

// check refuses an id that could lead out of the directory: it becomes a path.
func check(id job.ID) error {
	_, err := job.ParseID(string(id))
	return err
}

// missing tells why a file was not found in a job's folder: the job was erased or has
// expired, there never was one, or the whole directory is away. nil: its folder is there.
func (s *Store) missing(id job.ID) error {
	err := s.absent(id)
	if errors.Is(err, job.ErrNotFound) {
		err = s.Unknown(id)
	}
	return err
}

// absent is missing by what there is alone. Of a job that has expired that is nothing: it
// is job.ErrNotFound.
//
// An NFS client remembers for up to a minute that a name was missing, from before the
// job was made, say. So the folders on the way are refreshed first.
func (s *Store) absent(id job.ID) error {
	known, err := s.known(filepath.Dir(s.gone(id)))
	if err != nil {
		return err
	}
	if known {
		if gone, err := s.exists(s.gone(id)); err != nil || gone {
			return cmp.Or(err, job.ErrGone)
		}
	}
	if known, err = s.known(s.shard(id)); err != nil {
		return err
	}
	if known {
		if there, err := s.exists(s.jobDir(id)); err != nil || there {
			return err
		}
		if gone, err := s.exists(s.graveDir(id)); err != nil || gone {
			return cmp.Or(err, job.ErrGone)
		}
	}
	if err := s.there(); err != nil {
		return err
	}
	return job.ErrNotFound
}

// known refreshes a folder of the store, and says whether it is there.
func (s *Store) known(dir string) (bool, error) {
	err := s.refreshPath(dir, s.dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return false, nil
	}
	return err == nil, err
}

// find calls find, which opens a file of a job's folder, and where that was not found
// although the folder is there, once more. Why it was not found is an error of
// [Store.missing].
func (s *Store) find(id job.ID, find func() error) error {
	err := find()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if why := s.missing(id); why != nil {
		return why
	}
	if err = find(); errors.Is(err, fs.ErrNotExist) {
		if err = s.missing(id); err == nil {
			err = job.ErrNotFound // the folder is there, and not the job's files
		}
	}
	return err
}

// there says whether the whole directory is: job.ErrStoreAway.
func (s *Store) there() error {
	if _, err := s.changed(filepath.Join(s.dir, formatFile)); err != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreAway, err)
	}
	return nil
}
