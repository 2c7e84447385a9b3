package arrivals

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// column is the column that is read; its name includes the unit.
const column = "arrival_s"

// longestRow is the maximum length of a row in bytes, which bounds the memory for it.
const longestRow = 64 << 10

// ReadFile reads a trace of arrivals; see [Read].
func ReadFile(name string) ([]float64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read a trace: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory; a trace is a CSV file with a column %s", name, column)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a trace: %w", err)
	}
	defer f.Close()
	times, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return times, nil
}

// Read reads arrivals from CSV: a header, and one row for each job with its arrival in seconds in
// the column arrival_s, sorted. Other columns are ignored. The returned times begin at 0: the first
// arrival is subtracted from all.
//
// Memory is bounded for any input: more than [MaxArrivals] rows or a row of more than 64 KiB are an
// error. Errors name the line.
func Read(r io.Reader) ([]float64, error) {
	limited := &rowLimit{from: r}
	rows := csv.NewReader(limited)
	rows.ReuseRecord = true
	rows.FieldsPerRecord = -1
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the trace is empty: the first line must name the column %s", column)
	}
	if err != nil {
		return nil, rowError(err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	at := slices.IndexFunc(header, func(name string) bool { return strings.TrimSpace(name) == column })
	if at < 0 {
		return nil, fmt.Errorf("line 1: the trace has no column %s", column)
	}
	var times []float64
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, rowError(err)
		}
		line, _ := rows.FieldPos(0)
		if len(times) == MaxArrivals {
			return nil, fmt.Errorf("line %d: the trace has more than %d rows; use a part of it", line, MaxArrivals)
		}
		t, err := arrival(row, at)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(times) > 0 && t < times[len(times)-1] {
			return nil, fmt.Errorf("line %d: arrival %g is before %g in the row above; sort the trace by %s", line, t, times[len(times)-1], column)
		}
		times = append(times, t)
	}
	if len(times) == 0 {
		return nil, errors.New("the trace has a header but no rows")
	}
	first := times[0]
	for i := range times {
		times[i] -= first
	}
	return times, nil
}

func arrival(row []string, at int) (float64, error) {
	if at >= len(row) || strings.TrimSpace(row[at]) == "" {
		return 0, fmt.Errorf("%s is empty", column)
	}
	text := strings.TrimSpace(row[at])
	t, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(t) || math.IsInf(t, 0) {
		return 0, fmt.Errorf("%s is %s, which is not a number of seconds", column, shortened(text))
	}
	if t < 0 {
		return 0, fmt.Errorf("arrival %g is negative", t)
	}
	return t, nil
}

// shortened quotes at most 20 bytes of text from a file.
func shortened(text string) string {
	if len(text) > 20 {
		return strconv.QuoteToASCII(text[:20]) + "..."
	}
	return strconv.QuoteToASCII(text)
}

func rowError(err error) error {
	var long rowTooLong
	if errors.As(err, &long) {
		return fmt.Errorf("line %d is longer than %d KiB: this is not a CSV file of arrivals", long.line, longestRow>>10)
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return fmt.Errorf("line %d is not valid CSV: %w", parse.Line, parse.Err)
	}
	return fmt.Errorf("read a trace: %w", err)
}

// A rowLimit fails at a line longer than longestRow, which the CSV reader would otherwise collect
// in memory, and at a NUL byte, which no text file contains.
type rowLimit struct {
	from   io.Reader
	line   int // number of newlines so far
	length int // bytes since the last newline
	err    error
}

type rowTooLong struct{ line int }

func (e rowTooLong) Error() string { return fmt.Sprintf("line %d is too long", e.line) }

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.from.Read(p)
	for i, b := range p[:n] {
		l.length++
		switch {
		case b == '\n':
			l.line++
			l.length = 0
		case b == 0:
			l.err = fmt.Errorf("line %d contains binary data: this is not a CSV file of arrivals", l.line+1)
		case l.length > longestRow:
			l.err = rowTooLong{l.line + 1}
		}
		if l.err != nil {
			return i, l.err
		}
	}
	return n, err
}
