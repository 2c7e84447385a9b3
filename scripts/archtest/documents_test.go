package archtest

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	declaredTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
	namedTest    = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*`)
	// In a table of faults that were found: a test, and the folder of its package.
	testOfFault = regexp.MustCompile("`(\\w+)` \\(([a-z/]+)\\)")
)

// TestDocumentsNameTests: each test that a document names exists. A document may give only the beginning of a name, as
// in a command with go test -run.
func TestDocumentsNameTests(t *testing.T) {
	var all []string
	for _, names := range testsByFolder(t) {
		all = append(all, names...)
	}
	found := 0
	for _, document := range filesOf(t, ".md") {
		b, err := os.ReadFile(filepath.Join("../..", document))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range namedTest.FindAllString(string(b), -1) {
			found++
			if !slices.ContainsFunc(all, func(test string) bool { return strings.HasPrefix(test, name) }) {
				t.Errorf("%s names %s, which is no test", document, name)
			}
		}
	}
	if found < 100 {
		t.Errorf("%d names of tests were found in the documents, want at least 100", found)
	}
}

// TestFaultsHaveTests: each fault in the list in pkg/sweeper/DESIGN.md has a test with exactly the name and in the
// package that the list gives.
func TestFaultsHaveTests(t *testing.T) {
	const document = "pkg/sweeper/DESIGN.md"
	b, err := os.ReadFile(filepath.Join("../..", document))
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(b), "\n## Faults that were found, and their tests\n")
	if !found {
		t.Fatalf("%s has no list of faults", document)
	}
	tests, faults := testsByFolder(t), 0
	for row := range strings.Lines(list) {
		if !strings.HasPrefix(row, "| ") || strings.HasPrefix(row, "| Fault ") {
			continue
		}
		faults++
		named := testOfFault.FindAllStringSubmatch(row, -1)
		if len(named) == 0 {
			t.Errorf("no test in the row %s", row)
		}
		for _, m := range named {
			if !slices.Contains(tests[m[2]], m[1]) {
				t.Errorf("%s has no test %s, which is in the row %s", m[2], m[1], row)
			}
		}
	}
	if faults < 16 {
		t.Errorf("%s lists %d faults, want at least 16", document, faults)
	}
}

// testsByFolder returns the names of all tests, fuzz tests and benchmarks, by their package's folder.
func testsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	tests := map[string][]string{}
	for _, file := range filesOf(t, "_test.go") {
		b, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declaredTest.FindAllStringSubmatch(string(b), -1) {
			tests[path.Dir(file)] = append(tests[path.Dir(file)], m[1])
		}
	}
	return tests
}

// filesOf returns the files of the checkout with a suffix, as slash-separated paths relative to the checkout.
func filesOf(t *testing.T, suffix string) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("../.."), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && name != "." && (strings.HasPrefix(e.Name(), ".") || name == "bin") {
			return fs.SkipDir
		}
		if !e.IsDir() && strings.HasSuffix(name, suffix) {
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
