//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

const head = `# Scale: results

Written by ` + "`scripts/scale --out scripts/scale-results.md`" + `, each section by a run of its part; ` + "`scripts/scale --help`" + ` describes how it is
measured and how to read it.
`

// A section is the results of a part: a heading "## name" and what follows.
type section struct{ name, text string }

// write replaces sections of a report, and keeps the others.
func write(file string, fresh []section) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	texts := map[string]string{}
	for _, part := range strings.Split("\n"+string(old), "\n## ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		texts[name] = strings.TrimSpace(text)
	}
	for _, s := range fresh {
		texts[s.name] = strings.TrimSpace(s.text)
	}
	var b strings.Builder
	b.WriteString(head)
	for _, name := range parts {
		if text, ok := texts[name]; ok {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n", name, text)
		}
	}
	tmp := file + ".new"
	return errors.Join(os.WriteFile(tmp, []byte(b.String()), 0o644), os.Rename(tmp, file)) //nolint:gosec // results are for everybody
}

// table returns rows as a table in Markdown. The first row is its heading.
func table(rows ...[]string) string {
	var b strings.Builder
	for i, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString(strings.Repeat("|---", len(row)) + "|\n")
		}
	}
	return b.String()
}

// conditions returns a line with the command, the time and the machine of a section.
func (o *options) conditions(ctx context.Context, name, loadBefore string) string {
	m := machine.Describe(ctx, o.Root, o.Dir)
	delay := "nothing is added to calls to the file server"
	if o.Delay > 0 {
		delay = o.Delay.String() + " are added to each call to the file server"
	}
	return fmt.Sprintf("`%s`, %s, commit %s, on %s, %d cores, %.0f GB, %s, files on %s; load average %s before, %s after; %s.\n",
		o.command(name), time.Now().UTC().Format("2006-01-02 15:04 UTC"), m.Commit, m.Processor, m.Cores, float64(m.MemoryBytes)/1e9, m.Kernel, m.FileSystem,
		loadBefore, machine.LoadAverage(), delay)
}

func costsTable(all []comparison, small, large int) string {
	rows := [][]string{{"Operation", fmt.Sprintf("calls, %s jobs", number(small)), fmt.Sprintf("calls, %s jobs", number(large)), "time", "time", "ratio of times", "measured"}}
	for _, c := range all {
		rows = append(rows, []string{c.name, c.small.callsText(), c.large.callsText(), duration(c.small.took), duration(c.large.took), fmt.Sprintf("%.2f", c.ratio()), fmt.Sprintf("%d times each, in turn", c.times)})
	}
	return "Medians. Calls are calls to the file server; the number after a + is that of requests to S3. An update of the gallery reads all pictures of a page, at most 300; " +
		"an owner's first submission in a day reads all minutes in which the owner had jobs.\n\n" + table(rows...)
}

func (c cost) callsText() string {
	if c.requests == 0 {
		return fmt.Sprint(c.calls)
	}
	return fmt.Sprintf("%d + %d", c.calls, c.requests)
}

// What the retention must reach.
const (
	mustRemove = 116 // jobs a second: ten million a day
	mayDelay   = 1.5 // times the 99th percentile without the retention
)

func retentionTable(r retained, rate float64) string {
	ratio := float64(r.both.percentile(99)) / float64(max(r.alone.percentile(99), 1))
	text := func(l latencies) []string {
		return []string{duration(l.percentile(50)), duration(l.percentile(99)), fmt.Sprint(len(l))}
	}
	rows := [][]string{
		{"Submissions at " + fmt.Sprintf("%g/s", rate), "p50", "p99", "submissions"},
		append([]string{"without the retention"}, text(r.alone)...),
		append([]string{"during the retention"}, text(r.both)...),
	}
	goals := [][]string{
		{"", "", "goal", ""},
		{"jobs removed a second", fmt.Sprintf("%.0f (%s in %s)", r.perSecond(), number(r.removed), duration(r.took)), fmt.Sprintf("at least %d", mustRemove), met(r.perSecond() >= mustRemove)},
		{"p99 during the retention, divided by that without", fmt.Sprintf("%.2f", ratio), fmt.Sprintf("at most %g", mayDelay), met(ratio <= mayDelay)},
	}
	return table(goals...) + "\n" + table(rows...)
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "NOT MET"
}

// soakTable compares the first fifth of the samples with the last fifth.
func soakTable(r soaked) string {
	rows := [][]string{{"", "in the first fifth of the time", "in the last fifth", "most"}}
	for _, name := range slices.Sorted(maps.Keys(r.samples)) {
		samples := r.samples[name]
		fifth := max(len(samples)/5, 1)
		for _, of := range []struct {
			what string
			get  func(usage) int64
		}{
			{"resident memory, MB", func(u usage) int64 { return u.memoryKB / 1000 }},
			{"open handles", func(u usage) int64 { return u.handles }},
			{"goroutines", func(u usage) int64 { return u.goroutines }},
		} {
			most := of.get(slices.MaxFunc(samples, func(a, b usage) int { return cmp.Compare(of.get(a), of.get(b)) }))
			rows = append(rows, []string{name + ": " + of.what, fmt.Sprint(median(samples[:fifth], of.get)), fmt.Sprint(median(samples[len(samples)-fifth:], of.get)), fmt.Sprint(most)})
		}
	}
	names := [][]string{{"Names in the shared directory", "at the start", "at the end"}}
	for _, top := range slices.Sorted(maps.Keys(r.after)) {
		names = append(names, []string{top + "/", fmt.Sprint(r.before[top]), fmt.Sprint(r.after[top])})
	}
	return fmt.Sprintf("%s jobs were submitted, %s succeeded, %s were erased once they had ended, and %d failed in some way. Medians; the first tenth of the time is not counted. "+
		"Of each erased job a tombstone stays in gone/ and a name in owners/ for a day, and of each key a name in keys/.\n\n%s\n%s",
		number(int(r.submitted)), number(int(r.succeeded)), number(int(r.erased)), r.failed, table(rows...), table(names...))
}

// number returns a number with commas.
func number(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// duration returns a time with three significant digits and its unit.
func duration(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}
