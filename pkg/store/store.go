// Package store keeps jobs in a shared directory: EFS in the cloud, any
// directory locally. It is the only code that knows the file names there.
//
// The directory has NFS semantics and the package relies on no more than they
// give: a rename and a link are atomic, O_EXCL has one winner, an open sees
// what was closed before it. DESIGN.md describes the format.
//
// A Store may be used by many goroutines, and many processes on many machines
// may have the same directory open.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// FormatVersion marks the layout of the directory. A program refuses a
// directory with another mark rather than guess.
const FormatVersion = "atelier-store 1\n"

// DefaultLease is how long a claim stands without being renewed.
const DefaultLease = 30 * time.Second

// Config says where the store is and how patient it is.
type Config struct {
	Dir   string        // the shared directory; made where it is missing
	Lease time.Duration // age at which a claim is up for another worker; 0 is DefaultLease
}

// A Store is an open shared directory.
type Store struct {
	dir   string
	lease time.Duration
}

// Open makes the directory's skeleton where it is missing and checks that it
// can be written and has this program's format.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open the store: no directory given")
	}
	if cfg.Lease == 0 {
		cfg.Lease = DefaultLease
	}
	if cfg.Lease < 0 {
		return nil, fmt.Errorf("open the store: a lease of %s: it must be over 0", cfg.Lease)
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	for _, sub := range []string{"jobs", "tmp", "clock"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o750); err != nil {
			return nil, fmt.Errorf("open the store: %w", err)
		}
	}
	s := &Store{dir: dir, lease: cfg.Lease}
	if err := errors.Join(s.checkFormat(), s.Check()); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return s, nil
}

// Dir is the directory's absolute path.
func (s *Store) Dir() string { return s.dir }

// Lease is how long a claim stands without being renewed.
func (s *Store) Lease() time.Duration { return s.lease }

// Check says whether the directory can be written now.
func (s *Store) Check() error {
	_, err := s.now()
	return err
}

func (s *Store) checkFormat() error {
	mark := filepath.Join(s.dir, formatFile)
	b, err := readFile(mark)
	if errors.Is(err, fs.ErrNotExist) {
		// Processes that start together all write the same bytes.
		return writeFile(mark, []byte(FormatVersion))
	}
	if err == nil && string(b) != FormatVersion {
		err = fmt.Errorf("%s reads %.40q and this program knows %q: use the program that made the directory, or another directory",
			mark, strings.TrimSpace(string(b)), strings.TrimSpace(FormatVersion))
	}
	return err
}

// formatFile at the top of the directory holds [FormatVersion].
const formatFile = "FORMAT"

// The files of a job's directory.
const (
	specFile   = "spec.json"   // job.Spec, immutable
	inputFile  = "input"       // the picture as submitted, immutable
	styleFile  = "style"       // the user's style picture, immutable, where there is one
	statusFile = "status.json" // job.Job, a projection for readers
)

func claimFile(n int) string   { return fmt.Sprintf("claim.%d", n) }
func outputFile(n int) string  { return fmt.Sprintf("out.%d", n) }
func finalFile(run int) string { return fmt.Sprintf("final.%d", run) }

// shard is the directory of the hour in which a job was made, so that no
// directory grows without bound and a listing can go newest first.
func (s *Store) shard(id job.ID) string {
	return filepath.Join(s.dir, "jobs", id.Time().Format("2006/01/02/15"))
}

func (s *Store) jobDir(id job.ID) string { return filepath.Join(s.shard(id), string(id)) }

// path is a file of a job. The id is checked here once more, because a path
// made of anything else could lead out of the directory.
func (s *Store) path(id job.ID, name string) (string, error) {
	if _, err := job.ParseID(string(id)); err != nil {
		return "", err
	}
	return filepath.Join(s.jobDir(id), name), nil
}
