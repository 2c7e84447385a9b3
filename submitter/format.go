package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// jobLine describes a job in one line, its id first.
func jobLine(j *job.Job) string {
	return fmt.Sprintf("%s  %-9s  %4s  %s", j.ID, j.State, age(time.Since(j.CreatedAt)), j.Style)
}

// age returns a duration in a short form with one number, such as 5m.
func age(d time.Duration) string {
	switch {
	case d < time.Second: // also if the API's clock is ahead
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// stateText returns a job's state, with what is known about its progress.
func stateText(j *job.Job) string {
	switch {
	case j.State == job.Queued && j.QueuePosition != nil:
		return fmt.Sprintf("queued, %d before it", *j.QueuePosition)
	case j.State == job.Running && j.Attempts > 1:
		return fmt.Sprintf("running, attempt %d", j.Attempts)
	}
	return string(j.State)
}

// jobText describes a job in several lines, each of which has a name and a value.
func jobText(j *job.Job) string {
	var b strings.Builder
	add := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	add("job", "%s", j.ID)
	add("state", "%s", stateText(j))
	if j.Error != nil {
		add("error", "%s (%s)", j.Error.Message, j.Error.Code)
	}
	add("style", "%s, strength %g", j.Style, j.Strength)
	add("submitted", "%s", j.CreatedAt.Format(time.RFC3339))
	if j.FinishedAt != nil {
		add("finished", "%s, after %v", j.FinishedAt.Format(time.RFC3339), j.FinishedAt.Sub(j.CreatedAt).Round(time.Millisecond))
	}
	if j.Run > 1 || j.Attempts > 1 {
		add("attempts", "%d in run %d", j.Attempts, j.Run)
	}
	if r := j.Result; r != nil {
		add("result", "%d x %d pixels, %s, %d bytes", r.Width, r.Height, r.ContentType, r.Bytes)
	}
	if r := j.Receipt; r != nil {
		add("took", "%.0f ms waiting, %.0f ms painting, by a %s with %s and %s", r.QueueWaitMS, r.StylizeMS, r.Worker, r.Engine, r.Model)
		if r.BilledMS != nil && r.MemoryMB != nil && r.CostUSD != nil {
			add("cost", "about %.7f $: %.0f ms of a function with %.0f MB", *r.CostUSD, *r.BilledMS, *r.MemoryMB)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
