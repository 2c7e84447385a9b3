//go:build linux

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A directory is what a walk through the shared directory has found.
type directory struct {
	jobs      map[job.ID]string // the job's folder
	outputs   map[job.ID][]string
	indexed   map[job.ID]int
	published map[string]bool
	keys      map[string]job.ID
	begun     map[job.ID]int    // the number of the last attempt
	outcomes  map[job.ID]int    // the number of outcomes
	erased    map[job.ID]bool   // has a tombstone, or counts as erased in the index
	thumbs    map[string]string // the thumbnail's hash, by the result's hash
}

func newDirectory() *directory {
	return &directory{map[job.ID]string{}, map[job.ID][]string{}, map[job.ID]int{}, map[string]bool{}, map[string]job.ID{},
		map[job.ID]int{}, map[job.ID]int{}, map[job.ID]bool{}, map[string]string{}}
}

// tops are the folders at the directory's top.
var tops = []string{"jobs", "active", "keys", "uploads", "owners", "usage", "gone", "erasing", "sweep", "published", "spare", "tmp"}

var (
	jobFile   = regexp.MustCompile(`^(spec\.json|input|status\.json|preview|(claim|out|thumb|run|final)\.[1-9][0-9]*)$`)
	sweepFile = regexp.MustCompile(`^(turn\.[1-9][0-9]*|[a-z]+\.json)$`)
	spareFile = regexp.MustCompile(`^(file\.[0-9]+|clock)$`)
)

// examineDirectory walks through the shared directory, and checks that it has only whole jobs and what belongs to them.
// ended are jobs as the API has returned them; zero jobs among them are ignored.
func (s *stack) examineDirectory(l *load, ended []job.Job, f *finding) error {
	d := newDirectory()
	err := filepath.WalkDir(s.dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == s.dir {
			return err
		}
		rel, err := filepath.Rel(s.dir, p)
		if err == nil && !d.take(rel, e) {
			f.wrong("left behind: %s", rel)
		}
		return err
	})
	if err != nil {
		return err
	}
	d.keysOf(s.dir, f)
	return s.examineJobs(l, ended, d, f)
}

// take records a file or folder of the shared directory, and returns whether it belongs there.
func (d *directory) take(rel string, e fs.DirEntry) bool {
	top, name := strings.Split(rel, "/")[0], e.Name()
	text, _, _ := strings.Cut(name, ".")
	id, notID := job.ParseID(text)
	if e.IsDir() {
		if top == "jobs" && notID == nil && text == name {
			d.jobs[id] = rel
			return true
		}
		return !strings.HasPrefix(name, ".") && notID != nil && slices.Contains(tops, top)
	}
	switch top {
	case "jobs":
		of := job.ID(path.Base(path.Dir(rel)))
		if strings.HasPrefix(name, "out.") {
			d.outputs[of] = append(d.outputs[of], rel)
		}
		if n, err := strconv.Atoi(strings.TrimPrefix(name, "claim.")); err == nil {
			d.begun[of] = max(d.begun[of], n)
		}
		if strings.HasPrefix(name, "final.") {
			d.outcomes[of]++
		}
		return d.jobs[of] != "" && jobFile.MatchString(name)
	case "owners":
		switch {
		case strings.HasSuffix(name, ".gone"):
			d.erased[id] = true
		case notID == nil:
			d.indexed[id]++
		}
		return notID == nil
	case "gone":
		d.erased[id] = true
		return notID == nil
	case "published":
		d.published[strings.TrimPrefix(rel, "published/")] = true
		return notID == nil
	case "keys":
		d.keys[rel] = ""
		return true
	case "sweep":
		return sweepFile.MatchString(name)
	case "spare":
		return spareFile.MatchString(name)
	case "usage", "FORMAT":
		return true
	default: // active, erasing, tmp and uploads are empty: all jobs and erasures have ended, and no upload is pending
		return false
	}
}

// keysOf checks that the job of each idempotency key exists.
func (d *directory) keysOf(dir string, f *finding) {
	for rel := range d.keys {
		b, err := os.ReadFile(filepath.Join(dir, rel))
		var spec struct{ ID job.ID }
		if err == nil {
			err = json.Unmarshal(b, &spec)
		}
		if err != nil || d.jobs[spec.ID] == "" {
			f.wrong("the key %s is of job %q, which is not there: %v", rel, spec.ID, err)
		}
	}
}

// examineJobs compares the jobs' folders with the indexes, and with the jobs as the API has returned them.
func (s *stack) examineJobs(l *load, ended []job.Job, d *directory, f *finding) error {
	st, err := store.Open(store.Config{Dir: s.dir})
	if err != nil {
		return err
	}
	defer st.Close()
	said, known := map[job.ID]job.Job{}, map[string]bool{}
	for _, j := range ended {
		said[j.ID] = j
	}
	for _, p := range l.painted() {
		known[p.sha256] = true
	}
	for id := range d.indexed {
		if d.jobs[id] == "" {
			f.wrong("the index has job %s, which is not there", id)
		}
	}
	for id := range d.erased {
		if d.jobs[id] != "" {
			f.wrong("job %s was erased, and is there", id)
		}
	}
	for id, folder := range d.jobs {
		f.Begun += d.begun[id]
		j, err := st.Job(id)
		if err != nil {
			f.wrong("%s: %v", folder, err)
			continue
		}
		if n := d.indexed[id]; n != 1 {
			f.wrong("job %s is %d times in the index", id, n)
		}
		if before, ok := said[id]; ok && (before.State != j.State || before.Run != j.Run || before.Attempts != j.Attempts) {
			f.wrong("job %s has ended twice: as %s after %d attempts, and as %s after %d", id, before.State, before.Attempts, j.State, j.Attempts)
		}
		if n := d.outcomes[id]; n != j.Run && j.State.Finished() {
			f.wrong("job %s has %d outcomes of %d runs", id, n, j.Run)
		}
		s.examineOutput(j, d, known, f)
	}
	for name := range d.published {
		f.wrong("published/%s is of no result", name)
	}
	return nil
}

// examineOutput checks that a job that has succeeded has one picture, which is right and published, and that any other
// job has none. It removes the job's names from d.published.
func (s *stack) examineOutput(j job.Job, d *directory, known map[string]bool, f *finding) {
	outputs := d.outputs[j.ID]
	if !j.State.Finished() {
		f.wrong("job %s is %s, and no process looks after it", j.ID, j.State)
		return
	}
	if j.State != job.Succeeded {
		if len(outputs) > 0 {
			f.wrong("job %s is %s, and there is %s", j.ID, j.State, outputs)
		}
		return
	}
	if len(outputs) != 1 {
		f.wrong("job %s has succeeded, and its pictures are %q", j.ID, outputs)
	}
	files := outputs
	for _, name := range store.Published(j.ID, j.Format, j.Public) {
		if !d.published[name] {
			f.wrong("job %s: there is no published/%s", j.ID, name)
			continue
		}
		delete(d.published, name)
		files = append(files, filepath.Join("published", name))
	}
	for _, rel := range files {
		b, err := os.ReadFile(filepath.Join(s.dir, rel))
		if err != nil {
			f.wrong("%v", err)
			continue
		}
		sum := sha256.Sum256(b)
		hash, want := hex.EncodeToString(sum[:]), j.Result.SHA256
		if strings.HasPrefix(rel, "published/thumbs/") {
			if d.thumbs[want] == "" {
				d.thumbs[want] = hash
			}
			want = d.thumbs[want]
		}
		if hash != want || !known[j.Result.SHA256] {
			f.wrong("%s is not what an undisturbed run makes, or not what the job says", rel)
		}
	}
}
