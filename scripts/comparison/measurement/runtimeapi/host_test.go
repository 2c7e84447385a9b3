package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

// The test binary is also the function's program. The event selects what it does.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_FUNCTION") == "" {
		m.Run()
		return
	}
	if os.Getenv("TEST_AS_FUNCTION") == "broken" {
		fmt.Fprintln(os.Stderr, "no model")
		os.Exit(1)
	}
	var inside atomic.Int64
	both := make(chan struct{})
	lambda.Start(func(ctx context.Context, what string) (string, error) {
		switch what {
		case "fail":
			return "", errors.New("it can't be painted")
		case "die":
			os.Exit(3)
		case "hang":
			<-ctx.Done()
			<-make(chan struct{})
		case "meet": // returns when two events are here
			if inside.Add(1) == 2 {
				close(both)
			}
			<-both
		case "work": // takes longer than the environments of TestIdle may be idle
			time.Sleep(200 * time.Millisecond)
		}
		return fmt.Sprint(os.Getpid()), nil
	})
}

func newHost(t *testing.T, cfg Config, kind string) *Host {
	t.Helper()
	cfg.Log = filepath.Join(t.TempDir(), "log")
	cfg.Command = func() (*exec.Cmd, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "TEST_AS_FUNCTION="+kind)
		return cmd, nil
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func invoke(t *testing.T, h *Host, what string) (Invocation, error) {
	t.Helper()
	event, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	return h.Invoke(t.Context(), event)
}

// The first event of a process is cold, and its start is billed with it.
func TestColdAndWarm(t *testing.T) {
	h := newHost(t, Config{Concurrency: 1, Environments: 3, Timeout: time.Minute}, "good")
	cold, err := invoke(t, h, "")
	if err != nil {
		t.Fatal(err)
	}
	warm, err := invoke(t, h, "")
	if err != nil {
		t.Fatal(err)
	}
	if !cold.Cold || cold.Start <= 0 || cold.Took <= 0 || cold.Billed() < cold.Start+cold.Took || cold.Billed()%time.Millisecond != 0 {
		t.Errorf("cold: %+v, billed %v", cold, cold.Billed())
	}
	if warm.Cold || warm.Start != 0 || string(warm.Response) != string(cold.Response) {
		t.Errorf("warm: %+v after %s", warm, cold.Response)
	}
}

// Two events at once are handled by one process with a concurrency of two, and otherwise by two
// processes.
func TestConcurrentEvents(t *testing.T) {
	both := func(h *Host, what string) (pids map[string]bool) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		pids = map[string]bool{}
		for range 2 {
			wg.Go(func() {
				i, err := invoke(t, h, what)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				pids[string(i.Response)] = true
				mu.Unlock()
			})
		}
		wg.Wait()
		return pids
	}
	if pids := both(newHost(t, Config{Concurrency: 2, Environments: 1, Timeout: time.Minute}, "good"), "meet"); len(pids) != 1 {
		t.Errorf("two events of a process that takes two: by %v", pids)
	}
	// Neither event returns before a second one is in the same process, which does not happen: each
	// process has its own.
	h := newHost(t, Config{Concurrency: 1, Environments: 2, Timeout: time.Minute}, "good")
	var held [2]*environment
	for i := range held {
		var err error
		if held[i], err = h.place(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if held[0] == held[1] {
		t.Error("two events were in an environment for one")
	}
	// A third event waits for the place that becomes free.
	got := make(chan *environment)
	go func() {
		e, _ := h.place(t.Context())
		got <- e
	}()
	for waits := 0; waits == 0; {
		h.mu.Lock()
		waits = len(h.waiting)
		h.mu.Unlock()
	}
	h.free(held[0])
	if e := <-got; e != held[0] {
		t.Error("the free place was not given to the waiting event")
	}
}

func TestFailedEvents(t *testing.T) {
	h := newHost(t, Config{Concurrency: 1, Environments: 1, Timeout: 3 * time.Second}, "good")
	var failed *FunctionError
	if _, err := invoke(t, h, "fail"); !errors.As(err, &failed) || !strings.Contains(err.Error(), "it can't be painted") {
		t.Errorf("a failed event: %v", err)
	}
	if _, err := invoke(t, h, "die"); !errors.Is(err, ErrEnded) {
		t.Errorf("an event that kills its process: %v", err)
	}
	if i, err := invoke(t, h, ""); err != nil || !i.Cold {
		t.Errorf("after it: %+v, %v", i, err)
	}
	if _, err := invoke(t, h, "hang"); !errors.Is(err, ErrTimeout) {
		t.Errorf("an endless event: %v", err)
	}
	h = newHost(t, Config{Concurrency: 1, Environments: 1, Timeout: time.Minute}, "broken")
	if _, err := invoke(t, h, ""); !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "no model") {
		t.Errorf("a process that does not start: %v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a function without settings is accepted")
	}
}
