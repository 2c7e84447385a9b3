package measurement

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// ArchiveFile has all runs of an exported folder: compressed JSON lines, one for each run, in the order
// of the runs' file names. Its size is 40% of that of the runs' files, each compressed, so that it can
// be committed.
const ArchiveFile = "runs.jsonl.gz"

// OtherFiles returns the names of an output folder's files that an export has as they are. All but
// the plan may be missing.
func OtherFiles() []string {
	return []string{planFile, PredictionsFile, UnavailableFile, processorsFile}
}

// Exported returns whether a folder has an archive.
func Exported(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ArchiveFile))
	return err == nil
}

// An archived is a line of the archive. It has one column for each field of its jobs, by the field's
// name in JSON: the values of all jobs, times in whole microseconds. Fields without a value in any
// job are left out.
type archived struct {
	SHA256 string                     `json:"sha256"` // of the run's own file, before the run was reduced
	Header Header                     `json:"header"`
	Jobs   map[string]json.RawMessage `json:"jobs"`
	Footer Footer                     `json:"footer"`
}

// Reduced returns the run with what an archive has of it: times to the microsecond, without the
// identifiers of jobs and the lags of the load generator, whose 99th percentile is in the footer, and
// without the folders of absolute paths in the command, which other machines do not have.
// Scheduled times remain only in runs that calibrate the simulation; the others follow from the
// seed of the measurement.
func (r *Run) Reduced() *Run {
	reduced := *r
	reduced.Header.Command = foldersOfPaths.ReplaceAllString(r.Header.Command, "$1")
	reduced.Jobs = make([]Job, len(r.Jobs))
	for n, j := range r.Jobs {
		j.ID, j.Lag = "", 0
		if !r.Header.Variant.Calibrates() {
			j.Scheduled = 0
		}
		fields := reflect.ValueOf(&j).Elem()
		for i := range fields.NumField() {
			if f := fields.Field(i); f.Kind() == reflect.Float64 {
				f.SetFloat(math.Round(f.Float()*microseconds) / microseconds)
			}
		}
		reduced.Jobs[n] = j
	}
	return &reduced
}

const microseconds = 1e6 // in a second

var foldersOfPaths = regexp.MustCompile(`([ =])/\S*/`)

// maxJobs is the maximum number of jobs of an archived run.
const maxJobs = maxFile / 100

// WriteArchive writes runs to w as an archive. The same runs give the same bytes.
func WriteArchive(w io.Writer, runs []*Run) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	e := json.NewEncoder(z)
	for _, r := range runs {
		r = r.Reduced()
		jobs, err := columns(r.Jobs)
		if err == nil {
			err = e.Encode(archived{r.SHA256, r.Header, jobs, r.Footer})
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// readArchive reads the archive of an exported folder.
func readArchive(dir string) (runs []*Run, err error) {
	path := filepath.Join(dir, ArchiveFile)
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	d := json.NewDecoder(z)
	d.DisallowUnknownFields()
	for {
		var a archived
		if err := d.Decode(&a); errors.Is(err, io.EOF) {
			return runs, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s is damaged: run %d: %w", path, len(runs)+1, err)
		}
		if a.Header.Format != Format {
			return nil, fmt.Errorf("%s: format %d, but this program reads %d", path, a.Header.Format, Format)
		}
		jobs, err := jobsOf(a.Jobs, a.Footer.Jobs)
		if err != nil {
			return nil, fmt.Errorf("%s is damaged: run %d: %w", path, len(runs)+1, err)
		}
		runs = append(runs, &Run{Header: a.Header, Jobs: jobs, Footer: a.Footer, SHA256: a.SHA256})
	}
}

// jobFields returns the index of each field of [Job] by its name in JSON.
func jobFields() map[string]int {
	fields := map[string]int{}
	for i := range reflect.TypeFor[Job]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Job]().Field(i).Tag.Get("json"), ",")
		fields[name] = i
	}
	return fields
}

// stored returns the type of a field's values in an archive.
func stored(field reflect.Type) reflect.Type {
	if field.Kind() == reflect.Float64 {
		return reflect.TypeFor[int64]()
	}
	return field
}

// columns returns the columns of jobs.
func columns(jobs []Job) (all map[string]json.RawMessage, err error) {
	all = map[string]json.RawMessage{}
	for name, i := range jobFields() {
		values := reflect.MakeSlice(reflect.SliceOf(stored(reflect.TypeFor[Job]().Field(i).Type)), len(jobs), len(jobs))
		empty := true
		for n := range jobs {
			v := reflect.ValueOf(jobs[n]).Field(i)
			empty = empty && v.IsZero()
			if v.Kind() == reflect.Float64 {
				values.Index(n).SetInt(int64(math.Round(v.Float() * microseconds)))
				continue
			}
			values.Index(n).Set(v)
		}
		if empty {
			continue
		}
		if all[name], err = json.Marshal(values.Interface()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// jobsOf returns the jobs of columns with n values each.
func jobsOf(all map[string]json.RawMessage, n int) ([]Job, error) {
	if n < 0 || n > maxJobs {
		return nil, fmt.Errorf("%d jobs", n)
	}
	fields, jobs := jobFields(), make([]Job, n)
	for name, text := range all {
		i, ok := fields[name]
		if !ok {
			return nil, fmt.Errorf("unknown column %q", name)
		}
		values := reflect.New(reflect.SliceOf(stored(reflect.TypeFor[Job]().Field(i).Type))).Elem()
		if err := json.Unmarshal(text, values.Addr().Interface()); err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		if values.Len() != n {
			return nil, fmt.Errorf("column %q has %d values for %d jobs", name, values.Len(), n)
		}
		for k := range jobs {
			to, v := reflect.ValueOf(&jobs[k]).Elem().Field(i), values.Index(k)
			if to.Kind() == reflect.Float64 {
				to.SetFloat(float64(v.Int()) / microseconds)
				continue
			}
			to.Set(v)
		}
	}
	return jobs, nil
}
