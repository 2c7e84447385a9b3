package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// conditions describes the circumstances of the measurement.
func conditions(ctx context.Context, o options, args []string, loadBefore string) string {
	m := machine.Describe(ctx, o.Root, o.Dir)
	memory := machine.Unknown
	if m.MemoryBytes > 0 {
		memory = mb(float64(m.MemoryBytes))
	}
	rows := [][]string{
		{"", ""},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"command", strings.Join(append([]string{"scripts/bench"}, args...), " ")},
		{"commit", m.Commit},
		{"machine", fmt.Sprintf("%s, %d cores (of which %d may be used), %s", m.Processor, m.Cores, m.UsableCores, memory)},
		{"system", fmt.Sprintf("%s, %s; files on %s", m.System, m.Go, m.FileSystem)},
		{"load average", loadBefore + " before, " + machine.LoadAverage() + " after"},
		{"rounds", fmt.Sprint(o.Rounds)},
	}
	if o.Note != "" {
		rows = append(rows, []string{"note", o.Note})
	}
	return table(rows...)
}
