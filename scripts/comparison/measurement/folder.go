package measurement

import (
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
)

// A Plan is what a measurement consists of. It is kept in the output folder, so that a later
// start goes on with the same.
type Plan struct {
	Format      int       `json:"format"`
	Quick       bool      `json:"quick"` // not for decisions
	Repetitions int       `json:"repetitions"`
	Seed        uint64    `json:"seed"`
	Variants    []Variant `json:"variants"`
}

// A Folder is an output folder that this process has to itself.
type Folder struct {
	Plan Plan
	dir  string
	lock *os.File

	unavailable map[string]string
}

// Open opens or makes an output folder. Where it has a plan already, that one's seed counts,
// and the rest must be as in p. The folder is to be closed.
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
	path := filepath.Join(dir, "plan.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, replace(path, func(w io.Writer) error {
			e := json.NewEncoder(w)
			e.SetIndent("", "  ")
			return e.Encode(f.Plan)
		})
	}
	if err != nil {
		return nil, err
	}
	var old Plan
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w): take another folder", path, err)
	}
	f.Plan.Seed = old.Seed
	if !reflect.DeepEqual(f.Plan, old) {
		return nil, fmt.Errorf("%s holds a measurement of something else: use the arguments that it was begun with, or another folder", dir)
	}
	return f, nil
}

// runsFolder is where a folder's runs are.
const runsFolder = "runs"

// Close lets other processes open the folder.
func (f *Folder) Close() { f.lock.Close() }

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
