//go:build linux

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// always is what is asserted of every scenario.
const always = "Always asserted: no accepted job is lost, none is unfinished five minutes after the last fault, all succeed that are not faulty on purpose, " +
	"each result is byte for byte that of an undisturbed run, a run has one outcome, no ETag has two contents, and the shared directory holds whole jobs and their index entries alone."

// table is the results, in Markdown.
func table(results []*result) string {
	var b strings.Builder
	b.WriteString(always + "\n\n")
	b.WriteString("| Fault | Tried | Asserted besides | Result | Command |\n|---|---|---|---|---|\n")
	for _, r := range results {
		tried := fmt.Sprintf("%d jobs", r.Accepted)
		if r.Faults > 0 {
			tried = fmt.Sprintf("%d times in %s", r.Faults, tried)
		}
		if r.Skipped != "" {
			tried = "not"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | `%s` |\n", cell(r.Breaks), tried, cell(cmp.Or(r.Checks, "nothing")), cell(r.outcome()), r.Command)
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ") }

// outcome is a result in a few words.
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
