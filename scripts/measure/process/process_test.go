package process

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_AS_PARENT"); dir != "" {
		p, err := Begin(context.Background(), dir, "server", exec.Command("sleep", "300"), func(context.Context, *Process) bool { return true })
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(p.PID())), 0o600); err != nil {
			panic(err)
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	m.Run()
}

// When a program is killed, its servers end too.
func TestKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends the servers of a program that is killed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), "TEST_AS_PARENT="+dir)
	if err := parent.Run(); err == nil {
		t.Fatal("the parent was not killed")
	}
	b, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		cmdline, _ := os.ReadFile("/proc/" + string(b) + "/cmdline") // empty for a zombie
		if !strings.Contains(string(cmdline), "sleep") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the server still runs after the end of its parent")
		}
		runtime.Gosched()
	}
}

func TestBegin(t *testing.T) {
	p, err := Begin(t.Context(), t.TempDir(), "server", exec.Command("sh", "-c", "echo ready; exec sleep 300"), Prints("ready"))
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	select {
	case <-p.Done():
	default:
		t.Error("it runs after Stop")
	}
	_, err = Begin(t.Context(), t.TempDir(), "server", exec.Command("sh", "-c", "echo no such model; exit 1"), Prints("ready"))
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") || !strings.Contains(err.Error(), "no such model") {
		t.Errorf("a program that ends: %v", err)
	}
	if _, err = Begin(t.Context(), t.TempDir(), "server", exec.Command("/no/such/program"), Prints("ready")); err == nil {
		t.Error("a missing program was started")
	}
}
