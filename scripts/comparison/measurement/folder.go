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

// A Folder is an output folder that this process has to itself.
type Folder struct {
	Plan Plan
	dir  string
	lock *os.File

	unavailable map[string]string
}

// Open opens or makes an output folder. Where it has a plan already, that one's seed counts,
// and the rest must be as in p, but that it goes on to more repetitions where results may be looked
// at after them. The folder is to be closed.
func Open(dir string, p Plan) (_ *Folder, err error) {
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
		return nil, fmt.Errorf("another process measures into %s: wait for it, or take another folder", dir)
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
		return nil, fmt.Errorf("%s holds a measurement of something else: use the arguments that it was begun with, or another folder", dir)
	}
	if p.Repetitions == old.Repetitions {
		return f, nil
	}
	if err := old.goesOn(p.Repetitions); err != nil {
		return nil, fmt.Errorf("%s %w", dir, err)
	}
	f.Plan.Repetitions = p.Repetitions
	return f, f.writePlan()
}

// runsFolder is where a folder's runs are.
const runsFolder = "runs"

// Close lets other processes open the folder.
func (f *Folder) Close() { f.lock.Close() }

// PredictionsFile is the name of the predictions' file in an output folder.
const PredictionsFile = "predictions.json"

// predictions is the SHA-256 of the folder's predictions, hexadecimal; "" where there are none.
func (f *Folder) predictions() (string, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, PredictionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// processorsFile has the stepping of each processor, by its name, that the folder's runs were made on.
const processorsFile = "processors.json"

// sameProcessor is an error where the folder has runs of another processor of the same name. Virtual
// machines often have a name that stands for many models.
func (f *Folder) sameProcessor(m machine.Description) error {
	path := filepath.Join(f.dir, processorsFile)
	steppings := map[string]string{}
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &steppings)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is damaged (%w): take another folder", path, err)
	}
	if known, ok := steppings[m.Processor]; ok {
		if known != m.Stepping {
			return fmt.Errorf("this machine's %s is another processor (%s) than that of the folder's runs (%s): take another folder", m.Processor, m.Stepping, known)
		}
		return nil
	}
	steppings[m.Processor] = m.Stepping
	return replace(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(steppings) })
}

// clean removes what a killed process has left unfinished.
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
		return fmt.Errorf("a run can't be stored: %w; what was stored before is kept: the same command goes on from there", err)
	}
	return nil
}

// FileName is the name of a run's file in the folder runs.
func (r *Run) FileName() string {
	h := r.Header
	return fmt.Sprintf("%s.%03d.%s.jsonl", h.Variant.Name(), h.Repetition, h.Began.UTC().Format("20060102T150405.000000"))
}

// Runs are the folder's runs, those that are void too.
func (f *Folder) Runs() ([]*Run, error) { return Load(f.dir) }

// Load reads the runs of an output folder, in the order of their files' names.
func Load(dir string) (runs []*Run, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, runsFolder))
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
		run, err := Read(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w. Remove it, and its run will be made again", path, err)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// ByProcessor sorts the runs that are not void by the processor model that they were made on.
func ByProcessor(runs []*Run) map[string][]*Run {
	by := map[string][]*Run{}
	for _, r := range runs {
		if r.Footer.Void == "" {
			by[r.Header.Machine.Processor] = append(by[r.Header.Machine.Processor], r)
		}
	}
	return by
}
