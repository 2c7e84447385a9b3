package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// planCommand runs the command in a process of its own: program is that of the function [program],
// or this test's own.
func planCommand(t *testing.T, program string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program, append([]string{"plan"}, args...)...)
	cmd.Env = append(os.Environ(), "TEST_AS_COMMAND=1", "ATELIER_ROOT=") // without the committed measurement
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), problems.String(), cmd.ProcessState.ExitCode()
}

func traceFile(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPlanRefusesBadInput(t *testing.T) {
	endless := filepath.Join(t.TempDir(), "endless.csv")
	if err := syscall.Mkfifo(endless, 0o600); err != nil {
		t.Skip(err)
	}
	go func() {
		f, err := os.OpenFile(endless, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer f.Close()
		rows := []byte("arrival_s\n" + strings.Repeat("1\n", 1<<16))
		for {
			if _, err := f.Write(rows); err != nil {
				return
			}
			rows = []byte(strings.Repeat("1\n", 1<<16))
		}
	}()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no jobs":           {[]string{"--jobs-per-day", "0"}, "0 jobs a day"},
		"jobs not given":    {nil, "0 jobs a day"},
		"negative jobs":     {[]string{"--jobs-per-day=-5"}, "-5 jobs a day"},
		"no number of jobs": {[]string{"--jobs-per-day", "NaN"}, "NaN jobs a day"},
		"too many jobs":     {[]string{"--jobs-per-day", "1e12"}, "up to 1000000"},
		"too few jobs":      {[]string{"--jobs-per-day", "0.001"}, "use 0.1 or more"},
		"no burst":          {[]string{"--jobs-per-day", "3", "--pattern", "bursts"}, "0.125 jobs every 1 h make no burst"},
		"pattern":           {[]string{"--jobs-per-day", "5", "--pattern", "weekly"}, "is not one of"},
		"p95 of zero":       {[]string{"--jobs-per-day", "5", "--p95", "0s"}, "a p95 of 0 s"},
		"size":              {[]string{"--jobs-per-day", "5", "--size", "700"}, "pictures of 700 px"},
		"region":            {[]string{"--jobs-per-day", "5", "--region", "mars-north-1"}, "prices for the region \"mars-north-1\""},
		"no time":           {[]string{"--jobs-per-day", "5", "--p95", "later"}, "later"},
		"no trace":          {[]string{"--trace", "/nowhere.csv"}, "there is no trace /nowhere.csv"},
		"trace and pattern": {[]string{"--trace", "/nowhere.csv", "--pattern", "steady"}, "without jobs a day"},
		"hole in a trace":   {[]string{"--trace", traceFile(t, "arrival_s,n\n1,1\n,2\n3,3\n")}, "line 3: arrival_s is empty"},
		"unsorted trace":    {[]string{"--trace", traceFile(t, "arrival_s\n1\n3\n2\n")}, "line 4: arrival 2 is before 3"},
		"empty trace":       {[]string{"--trace", traceFile(t, "")}, "the trace is empty"},
		"trace of a moment": {[]string{"--trace", traceFile(t, "arrival_s\n1\n1\n1\n")}, "at the same time"},
		"endless trace":     {[]string{"--trace", endless}, "more than 10000000 rows"},
		"no such option":    {[]string{"--jobs", "5"}, "unknown flag --jobs"},
		"no data":           {[]string{"--jobs-per-day", "5", "--data", "/nowhere"}, "--data /nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := planCommand(t, program(t), c.args...)
			if status != 2 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
				t.Errorf("status %d, stdout %q, stderr %q; want status 2 and one line with %q", status, stdout, stderr, c.want)
			}
		})
	}
}

// The plan is made by the test's own program, so that the race detector, if the tests run with it,
// sees simulations that run at the same time. scripts/test runs those of package plan without it.
func TestPlanOfTrace(t *testing.T) {
	stdout, stderr, status := planCommand(t, os.Args[0], "--trace", traceFile(t, "arrival_s\n0\n600\n1200\n7200\n"), "--json", "--region", "us-east-1")
	var p struct {
		Choice     struct{ Best string }
		Candidates []struct{ Command string }
		Request    struct {
			JobsPerDay float64 `json:"jobs_per_day"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, stderr)
	}
	// Four in 9,600 s: the gap after the last one is the mean of the others.
	if p.Choice.Best == "" || len(p.Candidates) < 10 || p.Request.JobsPerDay != 36 {
		t.Errorf("got %+v", p)
	}
}

func TestPlanAsText(t *testing.T) {
	stdout, stderr, status := planCommand(t, program(t), "--jobs-per-day", "100", "--pattern", "bursts")
	for _, want := range []string{"Choose: function of ", "  scripts/deploy/up --region eu-central-1 ", "Measured:", "Simulated:", "Priced:", "Assumed:", "too slow"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("status %d, %q: the plan lacks %q:\n%s", status, stderr, want, stdout)
		}
	}
}
