package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A section is the outcome of one benchmark, in Markdown: its heading is
// "## name: title", and no other line begins like a heading of that level.
type section struct{ name, text string }

const reportHead = `# Benchmarks

Written by ` + "`scripts/bench`" + `, each section by the run that it tells of.
` + "`scripts/bench NAME --help`" + ` says how it is measured and how to read it.

`

// writeInto replaces sections of a report, and leaves the others as they are.
func writeInto(path string, fresh []section) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	scratch, err := os.CreateTemp(filepath.Dir(path), ".bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(scratch.Name()) }() // gone after the rename
	_, err = scratch.WriteString(merge(string(old), fresh))
	if err = errors.Join(err, scratch.Chmod(0o644), scratch.Close()); err != nil {
		return err
	}
	return os.Rename(scratch.Name(), path)
}

// merge is a report's text with the fresh sections in it, in the benchmarks' order.
// A section of a benchmark that is no more goes.
func merge(old string, fresh []section) string {
	texts := map[string]string{}
	for _, part := range strings.Split("\n"+old, "\n## ")[1:] {
		name, _, _ := strings.Cut(part, ":")
		texts[name] = "## " + strings.TrimSpace(part) + "\n"
	}
	for _, s := range fresh {
		texts[s.name] = s.text
	}
	var all []string
	for _, b := range benchmarks {
		if text, ok := texts[b.name]; ok {
			all = append(all, text)
		}
	}
	return reportHead + strings.Join(all, "\n")
}
