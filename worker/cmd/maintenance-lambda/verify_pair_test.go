package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/nfstest"
)

// programVariable is set to the function's program if the test runs in scripts/nfs.
const programVariable = "ATELIER_TEST_MAINTENANCE"

// Two executions detect that they are two clients of one file system, and that it does what the store
// relies on between them.
func TestVerifyTwoClients(t *testing.T) {
	program := os.Getenv(programVariable)
	if program == "" {
		program = buildFunction(t)
		t.Setenv(programVariable, program)
	}
	lab, inside := nfstest.Enter(t, 6*time.Minute)
	if !inside {
		return
	}
	folder := lab.Folder(t)
	logs := verifyInPair(t, program, filepath.Join(lab.A, folder), filepath.Join(lab.B, folder))
	for _, log := range logs {
		if got := strings.Count(log, `"ok":true`); got != 5 {
			t.Errorf("%d checks succeeded:\n%s", got, log)
		}
		if !strings.Contains(log, `"clients":"two"`) {
			t.Errorf("the log does not say that there were two clients:\n%s", log)
		}
	}
	left, err := os.ReadDir(filepath.Join(lab.Disk, folder, "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// With one client all checks succeed too, but the log does not say that there were two.
func TestVerifyOneClient(t *testing.T) {
	dir := t.TempDir()
	logs := verifyInPair(t, buildFunction(t), dir, dir)
	for _, log := range logs {
		if got := strings.Count(log, `"ok":true`); got != 5 {
			t.Errorf("%d checks succeeded:\n%s", got, log)
		}
		if !strings.Contains(log, `"clients":"unknown"`) {
			t.Errorf("two clients on one directory:\n%s", log)
		}
	}
}

// An execution whose peer has failed, or that is the third of its pair, fails without waiting.
func TestVerifyPairFails(t *testing.T) {
	program, dir := buildFunction(t), t.TempDir()
	a := newPairEnvironment(t, program, dir, "a")
	if err := a.invoke(pairEvent{"verify", "../../etc"}); err == nil || !strings.Contains(err.Error(), "lowercase letters") {
		t.Errorf("a name that is a path: %v", err)
	}
	const pair = "abcdefgh"
	at := filepath.Join(dir, "tmp", "verify-"+pair)
	if err := os.MkdirAll(at, 0o750); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"first": "", "end.first": "no space"} {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.invoke(pairEvent{"verify", pair}); err == nil || !strings.Contains(err.Error(), "the first execution has ended: no space") {
		t.Errorf("its peer has failed: %v", err)
	}
	if err := a.invoke(pairEvent{"verify", pair}); err == nil || !strings.Contains(err.Error(), "two executions already") {
		t.Errorf("a third execution: %v", err)
	}
}

type pairEvent struct {
	Task string `json:"task"`
	Pair string `json:"pair"`
}

// verifyInPair invokes two processes of the function, which verify one directory by two paths, and
// returns their logs.
func verifyInPair(t *testing.T, program string, dirs ...string) (logs []string) {
	t.Helper()
	ends := make(chan error)
	var environments []*environment
	for i, dir := range dirs {
		e := newPairEnvironment(t, program, dir, string(rune('a'+i)))
		e.timeout = 5 * time.Minute // over NFS it takes a minute and more
		environments = append(environments, e)
		go func() { ends <- e.invoke(pairEvent{"verify", "abcdefgh"}) }()
	}
	for range dirs {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	for _, e := range environments {
		logs = append(logs, e.logged())
	}
	return logs
}

func newPairEnvironment(t *testing.T, program, dir, name string) *environment {
	t.Helper()
	return newEnvironment(t, program, slices.Concat(os.Environ(), []string{
		"ATELIER_DIR=" + dir, "AWS_LAMBDA_LOG_STREAM_NAME=" + name, "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
	}))
}
