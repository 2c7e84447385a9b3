package measurement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A Folder is an output folder that is locked for this process.
type Folder struct {
	Plan Plan
	dir  string
	lock *os.File

	unavailable map[string]string
}

// Open opens or creates an output folder. If it already has a plan, the seed of that plan is used,
// and the rest must be as in p, except that the number of repetitions may increase to one after
// which results may be examined. The caller must close the folder.
func Open(dir string, p Plan) (_ *Folder, err error) {
	if Exported(dir) {
		return nil, fmt.Errorf("%s has an exported measurement, which can't be continued: use another folder", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, runsFolder), 0o755); err != nil {
		return nil, fmt.Errorf("the output folder can't be made: %w", err)
	}
	f := &Folder{Plan: p, dir: dir}
	if f.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		return nil, fmt.Errorf("another process measures into %s: wait for it, or use another folder", dir)
	}
	if err := f.clean(); err != nil {
		return nil, err
	}
	if f.unavailable, err = Unavailable(dir); err != nil {
		return nil, err
	}
	f.Plan.Format = Format
	old, err := readPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return f, f.writePlan()
	}
	if err != nil {
		return nil, err
	}
	f.Plan.Seed, f.Plan.Repetitions = old.Seed, old.Repetitions
	if !reflect.DeepEqual(f.Plan, old) {
		return nil, fmt.Errorf("%s has a measurement with a different plan: use the arguments with which it was begun, or another folder", dir)
	}
	if p.Repetitions == old.Repetitions {
		return f, nil
	}
	if err := old.canContinue(p.Repetitions); err != nil {
		return nil, fmt.Errorf("%s %w", dir, err)
	}
	f.Plan.Repetitions = p.Repetitions
	return f, f.writePlan()
}

// runsFolder is the subfolder of the runs.
const runsFolder = "runs"

// Close allows other processes to open the folder.
func (f *Folder) Close() { f.lock.Close() }

// PredictionsFile is the name of the predictions' file in an output folder.
const PredictionsFile = "predictions.json"

// predictions returns the SHA-256 of the folder's predictions in hexadecimal digits; "" if there
// are none.
func (f *Folder) predictions() (string, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, PredictionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// processorsFile has the stepping of each processor on which the folder's runs were made, by the
// processor's name.
const processorsFile = "processors.json"

// sameProcessor returns an error if the folder has runs on another processor of the same name.
// Virtual machines often have a name that is the same for many models.
func (f *Folder) sameProcessor(m machine.Description) error {
	path := filepath.Join(f.dir, processorsFile)
	steppings := map[string]string{}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &steppings)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is damaged (%w): use another folder", path, err)
	}
	if known, ok := steppings[m.Processor]; ok {
		if known != m.Stepping {
			return fmt.Errorf("this machine's %s is not the same processor (%s) as that of the folder's runs (%s): use another folder", m.Processor, m.Stepping, known)
		}
		return nil
	}
	steppings[m.Processor] = m.Stepping
	return replace(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(steppings) })
}

// clean removes the unfinished files of a killed process.
func (f *Folder) clean() error {
	for _, dir := range []string{f.dir, filepath.Join(f.dir, runsFolder)} {
		left, err := filepath.Glob(filepath.Join(dir, temporary+"*"))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add stores a run.
func (f *Folder) Add(r *Run) error {
	if err := replace(filepath.Join(f.dir, runsFolder, r.FileName()), r.Write); err != nil {
		return fmt.Errorf("a run can't be stored: %w; the runs stored before are kept: repeat the same command to continue", err)
	}
	return nil
}

// FileName returns the name of a run's file in the folder runs.
func (r *Run) FileName() string {
	h := r.Header
	return fmt.Sprintf("%s.%03d.%s.jsonl", h.Variant.Name(), h.Repetition, h.Began.UTC().Format("20060102T150405.000000"))
}

// Runs returns the folder's runs, including void ones.
func (f *Folder) Runs() ([]*Run, error) { return Load(f.dir) }

// Load reads the runs of an output folder in the order of their files' names, or those of an exported
// folder, which has an [ArchiveFile] instead of a file for each run.
func Load(dir string) (runs []*Run, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, runsFolder))
	if errors.Is(err, fs.ErrNotExist) && Exported(dir) {
		return readArchive(dir)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".jsonl") || strings.HasPrefix(e.Name(), temporary) {
			continue
		}
		path := filepath.Join(dir, runsFolder, e.Name())
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		sum := sha256.New()
		run, err := Read(io.TeeReader(file, sum))
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w. Remove it, and the run will be repeated", path, err)
		}
		run.SHA256 = hex.EncodeToString(sum.Sum(nil))
		runs = append(runs, run)
	}
	return runs, nil
}

// ByProcessor groups the runs that are not void by processor model.
func ByProcessor(runs []*Run) map[string][]*Run {
	by := map[string][]*Run{}
	for _, r := range runs {
		if r.Footer.Void == "" {
			by[r.Header.Machine.Processor] = append(by[r.Header.Machine.Processor], r)
		}
	}
	return by
}
