package measurement

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// exported writes runs as the archive of a folder.
func exported(t *testing.T, runs ...*Run) (dir string) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteArchive(&b, runs); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ArchiveFile), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// An archive has the runs of a folder without identifiers and lags, to the microsecond, and the
// SHA-256 of their files. Only calibrating runs keep the times of sending.
func TestArchiveHasReducedRuns(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, small)
	calibrating, other := example(), example()
	calibrating.Jobs = []Job{
		{ID: "a", Scheduled: 0.1234567, Lag: 0.001, Latency: 0.2500004, Handler: 0.1000006, Cold: true, NFSReads: 7, NFSBytes: 1 << 40},
		{ID: "b", Failed: "too_large"},
	}
	other.Header.Variant.Pattern = Poisson
	other.Header.Command = "scripts/compare --out /home/anna/full --retry-void 2 --trace=/data/arrivals.csv"
	for _, r := range []*Run{calibrating, other} {
		if err := f.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	measured, err := f.Runs()
	if err != nil {
		t.Fatal(err)
	}
	if c := other.Reduced().Header.Command; c != "scripts/compare --out full --retry-void 2 --trace=arrivals.csv" {
		t.Errorf("the command is %q", c)
	}
	got, err := Load(exported(t, measured...))
	if err != nil || len(got) != 2 {
		t.Fatal(len(got), err)
	}
	for i, r := range got {
		if want := measured[i].Reduced(); !reflect.DeepEqual(r, want) {
			t.Errorf("got %+v, want %+v", r, want)
		}
		if len(r.SHA256) != 64 {
			t.Errorf("the SHA-256 is %q", r.SHA256)
		}
		if again := r.Reduced(); !reflect.DeepEqual(again, r) {
			t.Errorf("reduced again: %+v", again)
		}
	}
	want := []Job{{Scheduled: 0.123457, Latency: 0.25, Handler: 0.100001, Cold: true, NFSReads: 7, NFSBytes: 1 << 40}, {Failed: "too_large"}}
	if jobs := got[1].Jobs; got[1].Header.Variant.Pattern != Steady || !reflect.DeepEqual(jobs, want) {
		t.Errorf("calibrating: got %+v, want %+v", jobs, want)
	}
	if jobs := got[0].Jobs; jobs[1].Scheduled != 0 {
		t.Errorf("predicted: got %+v", jobs)
	}
	if measured[0].Jobs[1].Scheduled != 2 {
		t.Error("reducing has changed the run")
	}
}

// The same runs give the same bytes; a measurement cannot be continued into an exported folder.
func TestExportedFolder(t *testing.T) {
	a, b := exported(t, example()), exported(t, example())
	x, errX := os.ReadFile(filepath.Join(a, ArchiveFile))
	y, errY := os.ReadFile(filepath.Join(b, ArchiveFile))
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		t.Error("two archives differ", errX, errY)
	}
	if _, err := Open(a, small); err == nil || !strings.Contains(err.Error(), "can't be continued") {
		t.Errorf("got %v", err)
	}
}

// A damaged archive is refused, with the run.
func TestDamagedArchive(t *testing.T) {
	const good = `{"sha256":"00","header":{"format":1},"jobs":{"latency":[250000]},"footer":{"jobs":1}}`
	for name, c := range map[string]struct{ text, want string }{
		"cut short":      {good + good[:20], "run 2"},
		"unknown column": {strings.Replace(good, "latency", "latancy", 1), `unknown column "latancy"`},
		"too few values": {strings.Replace(good, "250000", "", 1), "has 0 values for 1 jobs"},
		"a fraction":     {strings.Replace(good, "250000", "0.25", 1), `column "latency"`},
		"negative":       {strings.Replace(good, `"jobs":1`, `"jobs":-1`, 1), "-1 jobs"},
		"format":         {strings.Replace(good, `"format":1`, `"format":2`, 1), "format 2"},
		"unknown field":  {strings.Replace(good, "sha256", "sha1", 1), "run 1"},
	} {
		dir := t.TempDir()
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(c.text))
		if err == nil {
			err = z.Close()
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, ArchiveFile), b.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), ArchiveFile) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
