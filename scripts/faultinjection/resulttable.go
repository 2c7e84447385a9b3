//go:build linux

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// always is what is asserted of every scenario.
const always = `A part of the jobs is canceled, retried or erased, and a part of the pictures is uploaded to the bucket. Always asserted:
no accepted job is lost, none is unfinished five minutes after the last fault, all jobs succeed except those that are
canceled or faulty on purpose, each result is byte for byte that of an undisturbed run, a run has one outcome, an upload
is used once, nothing is left of an erased job (gone), no ETag has two contents, the shared directory has only whole jobs
and their index entries, and bucket and gallery have the published pictures and no others.
`

const heading = "| Fault | Tried | Asserted besides | Result | Command | Where |\n|---|---|---|---|---|---|\n"

// table returns the results in Markdown. where is the date, the commit and the machine.
func table(results []*result, where string) string {
	var b strings.Builder
	b.WriteString(always + "\n" + heading)
	for _, r := range results {
		b.WriteString(r.row(where))
	}
	return b.String()
}

// row returns a result as a row of the table.
func (r *result) row(where string) string {
	tried := fmt.Sprintf("%d jobs", r.Accepted)
	switch {
	case r.Skipped != "":
		tried = "not"
	case r.Faults == 1:
		tried = "once in " + tried
	case r.Faults > 1:
		tried = fmt.Sprintf("%d times in %s", r.Faults, tried)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | `%s` | %s |\n", cell(r.Breaks), tried, cell(cmp.Or(r.Checks, "nothing")), cell(r.outcome()), r.Command, cell(where))
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }

const documentHead = "# Broken on purpose: results\n\n" +
	"Written by `scripts/chaos --out scripts/chaos-results.md`, each row by the last run of its scenario;\n" +
	"`scripts/chaos --help` describes what is done. The attempts begun are those of the jobs that are left, and of four\n" +
	"more, which are made before anything is broken. A command has the seed, and so repeats the same faults.\n\n"

var rowOf = regexp.MustCompile("(?m)^\\| .*`scripts/chaos --scenarios ([a-z-]+) [^`]*` \\| .*\\|\n")

// rows returns the rows of a document, by scenario.
func rows(document string) map[string]string {
	all := map[string]string{}
	for _, m := range rowOf.FindAllStringSubmatch(document, -1) {
		all[m[1]] = m[0]
	}
	return all
}

// writeDocument replaces the rows of the scenarios that were tried in a document, and keeps the others. It keeps also
// the row of a scenario that was interrupted or can't run on this machine.
func writeDocument(file string, results []*result, where string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known := rows(string(old))
	for _, r := range results {
		if known[r.Scenario] == "" || !r.Stopped && r.Skipped == "" {
			known[r.Scenario] = r.row(where)
		}
	}
	var b strings.Builder
	b.WriteString(documentHead + always + "\n" + heading)
	for _, sc := range catalogue() {
		b.WriteString(known[sc.name])
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // results are for everybody
}

// outcome returns a result in a few words.
func (r *result) outcome() string {
	switch {
	case r.Skipped != "":
		return "skipped: " + r.Skipped
	case r.Failed != "":
		return "could not be carried out: " + r.Failed
	}
	parts := []string{fmt.Sprintf("%d succeeded", r.Succeeded)}
	codes := []string{}
	for code := range r.Ended {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		parts = append(parts, fmt.Sprintf("%d %s", r.Ended[code], code))
	}
	if r.Retried > 0 {
		parts = append(parts, fmt.Sprintf("%d retried", r.Retried))
	}
	if r.Uploaded > 0 {
		parts = append(parts, fmt.Sprintf("%d uploaded", r.Uploaded))
	}
	parts = append(parts, fmt.Sprintf("%d attempts begun", r.Begun))
	text := strings.Join(parts, ", ")
	switch {
	case r.Stopped:
		text += "; stopped before all was checked"
	case len(r.Wrong) > 0:
		text = fmt.Sprintf("%d WRONG, the first: %s; %s", r.Found, r.Wrong[0], text)
	default:
		text = "as it must be: " + text
	}
	return text
}
