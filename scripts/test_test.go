package scripts_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Packages that only compute are tested without the race detector, all others and named packages
// with it. Both parts run even if one fails.
func TestRaceDetectorExceptForComputations(t *testing.T) {
	t.Parallel()
	const store, report = "example.org/pkg/store", "example.org/scripts/comparison/report"
	for name, tt := range map[string]struct {
		args          string
		with, without int      // exit statuses of go test with and without the race detector
		want          []string // calls of go test: with or without it, and what follows its flags
		status        int
	}{
		"all packages":       {"", 0, 0, []string{"with " + store, "without " + report}, 0},
		"with arguments":     {"-run Claim", 0, 0, []string{"with " + store + " -run Claim", "without " + report + " -run Claim"}, 0},
		"a named package":    {"./scripts/comparison/report", 0, 0, []string{"with ./scripts/comparison/report"}, 0},
		"the first fails":    {"", 1, 0, []string{"with " + store, "without " + report}, 1},
		"the second fails":   {"", 0, 1, []string{"with " + store, "without " + report}, 1},
		"the only one fails": {"./pkg/store", 1, 0, []string{"with ./pkg/store"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, append([]string{"scripts/test"}, library...)...)
			tr.write("scripts/setup", "")
			tr.write("scripts/env", "")
			tr.write("bin/go", fmt.Sprintf(`#!/bin/sh
case "$*" in
list*) printf '%%s\n' %s %s ;;
'test -race '*) echo "with $*"; exit %d ;;
'test '*) echo "without $*"; exit %d ;;
esac
`, store, report, tt.with, tt.without))
			lines, status := tr.run(nil, "scripts/test", strings.Fields(tt.args)...)
			var got []string
			for _, line := range lines {
				before, _, is := strings.Cut(line, " test ")
				// The number of test programs at once, the last flag, depends on the machine.
				if i := strings.Index(line, " -p "); is && i > 0 {
					_, after, _ := strings.Cut(line[i+len(" -p "):], " ")
					got = append(got, before+" "+after)
				}
			}
			if status != tt.status || !slices.Equal(got, tt.want) {
				t.Errorf("got %d, %q, want %d, %q:\n%s", status, got, tt.status, tt.want, strings.Join(lines, "\n"))
			}
		})
	}
}
