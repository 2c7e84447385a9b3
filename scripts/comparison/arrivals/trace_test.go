package arrivals_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

func ExampleRead() {
	times, err := arrivals.Read(strings.NewReader("images,arrival_s\n1,100\n4,100.5\n1,160\n"))
	fmt.Println(times, err)
	_, err = arrivals.Read(strings.NewReader("arrival_s\n100\nNaN\n"))
	fmt.Println(err)
	// Output:
	// [0 0.5 60] <nil>
	// line 3: arrival_s is "NaN", which is not a number of seconds
}

func TestInvalidTracesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{"empty", "", "the trace is empty: the first line must name the column arrival_s"},
		{"header only", "arrival_s\n", "the trace has a header but no rows"},
		{"other columns", "time,images\n1,2\n", "line 1: the trace has no column arrival_s"},
		{"no header", "0\n1\n", "line 1: the trace has no column arrival_s"},
		{"empty cell", "arrival_s,n\n1,1\n,2\n", "line 3: arrival_s is empty"},
		{"short row", "n,arrival_s\n1,1\n2\n", "line 3: arrival_s is empty"},
		{"not a number", "arrival_s\n1\ntwo\n", `line 3: arrival_s is "two", which is not a number of seconds`},
		{"infinite", "arrival_s\n1\n1e999\n", `line 3: arrival_s is "1e999"`},
		{"negative", "arrival_s\n-1\n", "line 2: arrival -1 is negative"},
		{"not sorted", "arrival_s\n1\n3\n2\n", "line 4: arrival 2 is before 3 in the row above; sort the trace by arrival_s"},
		{"blank lines are counted", "arrival_s\n1\n\n\nx\n", "line 5: "},
		{"binary", "arrival_s\n\x00\x01\x02\n", "line 2 contains binary data: this is not a CSV file of arrivals"},
		{"quotes", "arrival_s\n1\n\"2\n", "line 3 is not valid CSV"},
		{"control characters are escaped", "arrival_s\n\x1b[31mred\n", `line 2: arrival_s is "\x1b[31mred"`},
		{"one long line", "arrival_s\n" + strings.Repeat("1", 1<<20), "line 2 is longer than 64 KiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			times, err := arrivals.Read(strings.NewReader(c.trace))
			if err == nil || times != nil {
				t.Fatalf("got %v, %v, want an error", times, err)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want one sentence with %q", err, c.want)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := arrivals.ReadFile(dir); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("of a directory: got %v", err)
	}
	if _, err := arrivals.ReadFile(filepath.Join(dir, "missing.csv")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("of a missing file: got %v", err)
	}
	name := filepath.Join(dir, "trace.csv")
	if err := os.WriteFile(name, []byte("\ufeffarrival_s\r\n5\r\n5\r\n7.25\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if times, err := arrivals.ReadFile(name); err != nil || !slices.Equal(times, []float64{0, 0, 2.25}) {
		t.Errorf("of a file by a spreadsheet: got %v, %v", times, err)
	}
	if err := os.WriteFile(name, []byte("arrival_s\n5\n4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := arrivals.ReadFile(name); err == nil || !strings.Contains(err.Error(), "trace.csv: line 3: ") {
		t.Errorf("got %v, want file and line", err)
	}
}

// rows is an endless trace that repeats the same row.
type rows struct{ header io.Reader }

func (r rows) Read(p []byte) (int, error) {
	if n, err := r.header.Read(p); err == nil {
		return n, nil
	}
	p = p[:len(p)/2*2]
	copy(p, bytes.Repeat([]byte("7\n"), len(p)/2))
	return len(p), nil
}

func TestReadEndlessTrace(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 10 million rows")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := arrivals.Read(rows{strings.NewReader("arrival_s\n")})
	if err == nil || !strings.Contains(err.Error(), "the trace has more than 10000000 rows; use a part of it") {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if took := after.Sys - before.Sys; took > 1<<30 {
		t.Errorf("reading took %d MiB of memory", took>>20)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("arrival_s\n1\n2\n"))
	f.Add([]byte("a,arrival_s\n\"1\",3\n,4\n"))
	f.Add([]byte("arrival_s\n\x00"))
	f.Fuzz(func(t *testing.T, trace []byte) {
		times, err := arrivals.Read(bytes.NewReader(trace))
		if err != nil {
			return
		}
		if len(times) == 0 || times[0] != 0 || !slices.IsSorted(times) {
			t.Errorf("got %v", times)
		}
	})
}
