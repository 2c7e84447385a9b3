package main

import (
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestDescribeCost(t *testing.T) {
	billed, memory, cost := 1024.0, 3007.0, 0.0000503
	j := &job.Job{State: job.Succeeded, Receipt: &job.Receipt{Worker: "lambda", BilledMS: &billed, MemoryMB: &memory, CostUSD: &cost}}
	if got, want := describe(j), "cost      about 0.0000503 $: 1024 ms of a function with 3007 MB"; !strings.Contains(got+"\n", want+"\n") {
		t.Errorf("got\n%s\nwant a line %q", got, want)
	}
	j.Receipt.CostUSD = nil // as of a daemon
	if got := describe(j); strings.Contains(got, "cost") {
		t.Errorf("without a cost: %s", got)
	}
}
