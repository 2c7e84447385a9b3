package main

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", 59 * time.Second: "59s", 61 * time.Second: "1m", 59 * time.Minute: "59m",
		23 * time.Hour: "23h", 24 * time.Hour: "1d", 400 * 24 * time.Hour: "400d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v): got %s, want %s", d, got, want)
		}
	}
}

func TestJobTextHasCost(t *testing.T) {
	billed, memory, cost := 1024.0, 3007.0, 0.0000503
	j := &job.Job{State: job.Succeeded, Receipt: &job.Receipt{Worker: "lambda", BilledMS: &billed, MemoryMB: &memory, CostUSD: &cost}}
	if got, want := jobText(j), "cost      about 0.0000503 $: 1024 ms of a function with 3007 MB"; !strings.Contains(got+"\n", want+"\n") {
		t.Errorf("got\n%s\nwant a line %q", got, want)
	}
	j.Receipt.CostUSD = nil // as of a daemon
	if got := jobText(j); strings.Contains(got, "cost") {
		t.Errorf("without a cost: %s", got)
	}
}
