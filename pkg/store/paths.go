package store

import (
	"fmt"
	"path/filepath"

	"github.com/atelier-go/atelier/pkg/job"
)

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
	draftPrefix     = ".new-"
	discardedPrefix = ".old-"  // one that was never promised to anybody
	erasedPrefix    = ".gone-" // one that is being erased or expires
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

// temp is a name in tmp/, where everything may be thrown away when it is old.
func (s *Store) tempPath(name string) string { return filepath.Join(s.dir, tmpDir, name) }

// check refuses an id that could lead out of the directory: it becomes a path.
func checkID(id job.ID) error {
	_, err := job.ParseID(string(id))
	return err
}
