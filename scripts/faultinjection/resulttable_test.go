//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The committed results have a row for each scenario, with its present description.
func TestResultsOfAllScenarios(t *testing.T) {
	document, err := os.ReadFile("../chaos-results.md")
	if err != nil {
		t.Fatal(err)
	}
	known := rows(string(document))
	for _, sc := range catalogue() {
		if row := known[sc.name]; sc.name != "undisturbed" && !strings.HasPrefix(row, "| "+cell(sc.breaks)+" |") {
			t.Errorf("the row of %s is %q: run scripts/chaos --scenarios %s --out scripts/chaos-results.md", sc.name, row, sc.name)
		}
	}
}

// A document keeps the rows of scenarios that were not tried or were interrupted.
func TestDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.md")
	tried := func(name string, jobs int) *result {
		return &result{Scenario: name, Breaks: "a|b", Command: "scripts/chaos --scenarios " + name + " --seed 7 --jobs 3", finding: &finding{Accepted: jobs, Succeeded: jobs}}
	}
	interrupted := tried("purge", 8)
	interrupted.Stopped = true
	for _, results := range [][]*result{{tried("purge", 1), tried("kill", 2)}, {tried("kill", 3)}, {interrupted}} {
		if err := writeDocument(file, results, "here"); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = "| a\\|b | 3 jobs | nothing | as it must be: 3 succeeded, 0 attempts begun | `scripts/chaos --scenarios kill --seed 7 --jobs 3` | here |\n" +
		"| a\\|b | 1 jobs | nothing | as it must be: 1 succeeded, 0 attempts begun | `scripts/chaos --scenarios purge --seed 7 --jobs 3` | here |\n"
	if !strings.HasSuffix(string(b), "|---|\n"+want) {
		t.Errorf("got\n%s", b)
	}
}
