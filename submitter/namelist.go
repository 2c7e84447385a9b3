package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/atelier-go/atelier/submitter/batch"
)

// Limits of a list of names, so that a wrong file does not fill the memory.
const (
	maxNames = 1_000_000
	maxList  = 128 << 20 // bytes of all names
)

// readNames reads a list of names, each of which ends in the byte end. It leaves out empty names.
// If end is a line feed, it also leaves out a byte order mark before the first line, and a carriage
// return at the end of each line, which editors on Windows write. from names the list in errors.
func readNames(ctx context.Context, from string, r io.Reader, end byte) ([]string, error) {
	type result struct {
		list []string
		err  error
	}
	// A read from a pipe can't be interrupted: after a signal it goes on until the process ends.
	read := make(chan result, 1)
	go func() {
		list, err := scanNames(from, r, end)
		read <- result{list, err}
	}()
	select {
	case got := <-read:
		return got.list, got.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func scanNames(from string, r io.Reader, end byte) ([]string, error) {
	var list []string
	whole := &io.LimitedReader{R: r, N: maxList + 1}
	lines := bufio.NewScanner(whole)
	lines.Buffer(nil, batch.MaxPath)
	lines.Split(func(data []byte, atEnd bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, end); i >= 0 {
			return i + 1, data[:i], nil
		}
		if atEnd && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	for first := true; lines.Scan(); first = false {
		name := lines.Text()
		if end == '\n' {
			if first {
				name = strings.TrimPrefix(name, "\ufeff")
			}
			name = strings.TrimSuffix(name, "\r")
		}
		if name == "" {
			continue
		}
		if len(list) == maxNames {
			return nil, fmt.Errorf("%s has more than %d names: split it", from, maxNames)
		}
		list = append(list, name)
	}
	switch err := lines.Err(); {
	case whole.N == 0:
		return nil, fmt.Errorf("%s has more than %d bytes: split it", from, maxList)
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s is not a list of names: it has one of more than %d bytes", from, batch.MaxPath)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", from, err)
	}
	return list, nil
}
