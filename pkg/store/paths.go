package store

import (
	"fmt"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

// The names at the top of the directory.
const (
	formatFile   = "FORMAT"    // holds FormatVersion
	jobsDir      = "jobs"      // YYYY/MM/DD/HH[/MM[/SS]]/<id>/: see job.Grain
	activeDir    = "active"    // <hash>/[YYYY-MM-DD-HH-MM/]<id>: an owner's job that is unfinished or not yet completed
	keysDir      = "keys"      // h/as/<hash>: a job's spec under its owner's idempotency key, or under an upload
	uploadsDir   = "uploads"   // <hash>/<id>.<bytes>: an owner's pending uploads
	ownersDir    = "owners"    // <hash>/YYYY/../HH[/MM]/<id>.<KiB>: an owner's jobs, each with the KiB that it counts for
	usageDir     = "usage"     // <hash>: an owner's jobs of the hours that are over, as last counted
	publishedDir = "published" // the results, as links: see publish.go
	goneDir      = "gone"      // YYYY/../<id>: the tombstone of a job that was erased
	erasingDir   = "erasing"   // <id>.<why>: the mark of a job that is being erased
	sweepDir     = "sweep"     // turn.N, which decides whose turn it is to sweep, and notes
	spareDir     = "spare"     // see sparefiles.go
	tmpDir       = "tmp"       // temporary files
)

// The names in a job's folder. It also has temporary files, whose names begin with tempPrefix. They
// are here and not in tmp/ because a file system makes only one rename between two folders at a
// time.
const (
	specFile    = "spec.json"   // the submission, immutable
	inputFile   = "input"       // the submitted pictures, one after the other, immutable
	statusFile  = "status.json" // the latest record, for readers
	previewFile = "preview"     // the submitted picture for browsers, once it is decoded
	tempPrefix  = ".tmp-"
)

// Prefixes of the name of a job's folder that is not in its place.
const (
	draftPrefix     = ".new-"
	discardedPrefix = ".old-"  // of a job that was never accepted
	erasedPrefix    = ".gone-" // of a job that is being erased or expires
)

func claimFile(n int) string { return fmt.Sprintf("claim.%d", n) }

func outputFile(n int) string { return fmt.Sprintf("out.%d", n) }

func thumbFile(n int) string { return fmt.Sprintf("thumb.%d", n) }

func runFile(run int) string { return fmt.Sprintf("run.%d", run) }

func finalFile(run int) string { return fmt.Sprintf("final.%d", run) }

func (s *Store) jobsFolder(id job.ID) string { return filepath.Join(s.dir, jobsDir, id.Folder()) }

func (s *Store) jobDir(id job.ID) string { return filepath.Join(s.jobsFolder(id), string(id)) }

func (s *Store) tombstonePath(id job.ID) string {
	return filepath.Join(s.dir, goneDir, id.Folder(), string(id))
}

// tempPath returns the path of a name in tmp/, where old files are removed.
func (s *Store) tempPath(name string) string { return filepath.Join(s.dir, tmpDir, name) }

// checkID returns an error for an id that is not canonical. An id becomes a path, and must not lead
// out of the directory.
func checkID(id job.ID) error {
	_, err := job.ParseID(string(id))
	return err
}
