package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A section is the result of one benchmark in Markdown: its heading is "## name: title", and no
// other line begins with "## ".
type section struct{ name, text string }

const reportHead = `# Benchmarks

Written by ` + "`scripts/bench`" + `, each section by a run of its benchmark.
` + "`scripts/bench NAME --help`" + ` describes how it is measured and how to read it.

`

// writeInto replaces sections of a report and keeps the others unchanged.
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

// merge returns a report's text with the new sections, in the benchmarks' order. Sections of
// benchmarks that no longer exist are removed.
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
