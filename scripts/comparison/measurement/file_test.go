package measurement

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func example() *Run {
	return &Run{
		Header: Header{Format: Format, Variant: Variant{System: Daemon, Engine: ONNX, Size: 512, Jobs: 2, Pattern: Steady, Rate: 0.5}, Repetition: 1, Began: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		Jobs:   []Job{{ID: "a", Latency: 0.25, Cold: true}, {Scheduled: 2, Failed: "too_large"}},
		Footer: Footer{Jobs: 2, Void: "the load generator was late", Used: map[string]float64{"sender": 0.5}, Ended: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)},
	}
}

func text(t *testing.T, r *Run) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWrittenAndRead(t *testing.T) {
	want := example()
	got, err := Read(strings.NewReader(text(t, want)))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// A file that Write could not have written is refused, with the line.
func TestInvalidFilesAreRefused(t *testing.T) {
	good := text(t, example())
	lines := strings.SplitAfter(good, "\n")
	for name, c := range map[string]struct{ text, want string }{
		"empty":           {"", "ends without a footer"},
		"binary":          {"\x00\xff\xfe", "line 1: "},
		"cut short":       {good[:len(good)-20], "line 4: "},
		"no footer":       {lines[0] + lines[1] + lines[2], "ends without a footer"},
		"a job missing":   {lines[0] + lines[1] + lines[3], "1 jobs, but the last line counts 2"},
		"no header":       {lines[1] + lines[2] + lines[3], "line 1: expected a header"},
		"two headers":     {lines[0] + good, "line 2: expected a header"},
		"after the end":   {good + lines[1], "line 5: expected a header"},
		"an empty line":   {lines[0] + "\n" + lines[1] + lines[2] + lines[3], "line 2: "},
		"nothing in it":   {lines[0] + "{}\n" + lines[1] + lines[2] + lines[3], "line 2: neither"},
		"unknown field":   {strings.Replace(good, `"latency"`, `"latancy"`, 1), "line 2: "},
		"another version": {strings.Replace(good, `"format":1`, `"format":2`, 1), "format 2, but this program reads 1"},
		"a word for time": {strings.Replace(good, `0.25`, `"soon"`, 1), "line 2: "},
		"two on a line":   {strings.Replace(good, "\n{\"job\"", " {\"job\"", 1), "line 1: more than one value"},
	} {
		if _, err := Read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := example().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := Read(bytes.NewReader(data)); err == nil && r.Footer.Jobs != len(r.Jobs) {
			t.Errorf("%d jobs are counted as %d", len(r.Jobs), r.Footer.Jobs)
		}
	})
}

// If writing fails, there is no new file, and an existing file is unchanged.
func TestFailedWriteChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := replace(path, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half of")
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "before" {
		t.Errorf("the file has %q", b)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left: %v", left)
	}
}
