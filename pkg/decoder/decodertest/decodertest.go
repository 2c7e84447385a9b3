// Package decodertest builds the decoder programs that tests use: picture-decoder, and one that
// misbehaves on demand.
package decodertest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
)

const module = "github.com/atelier-go/atelier"

// New returns a decoder for a test, which is closed at the test's end. change may modify the
// default configuration, or be nil.
func New(t testing.TB, change func(*decoder.Config)) *decoder.Decoder {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	cfg := decoder.Config{Program: program, Idle: 2}
	if change != nil {
		change(&cfg)
	}
	d, err := decoder.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// Program builds picture-decoder and returns its path.
func Program() (string, error) {
	return usual.build(module + "/worker/cmd/picture-decoder")
}

// Rogue builds a picture-decoder that misbehaves if the photograph contains the text of a [Fault],
// for example after its end, and decodes all others. It returns the path.
func Rogue(t testing.TB) string {
	t.Helper()
	file, err := rogue.build(module + "/pkg/decoder/decodertest/rogue")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A Fault is a way in which a rogue decoder misbehaves.
type Fault string

// The faults.
const (
	Eats    Fault = "rogue: eats"    // allocates 64 MiB at a time, endlessly
	Spins   Fault = "rogue: spins"   // uses all processors
	Sleeps  Fault = "rogue: sleeps"  // never replies
	Crashes Fault = "rogue: crashes" // by an error that Go can't recover from
	Dies    Fault = "rogue: dies"    // kills itself, as the system might
	Lies    Fault = "rogue: lies"    // replies with more pixels than requested
	Babbles Fault = "rogue: babbles" // replies with an endless line
	Floods  Fault = "rogue: floods"  // writes more than requested to the output
)

// PeakMemory returns the largest resident size, in bytes, of any decoder process of this process
// while f runs. Decoders are recognised by their name, because a child between fork and exec is a
// copy of this process and has its name.
func PeakMemory(f func()) (most int64) {
	ended := make(chan struct{})
	go func() { defer close(ended); f() }()
	for again := time.NewTicker(5 * time.Millisecond); ; {
		lists, _ := filepath.Glob("/proc/self/task/*/children")
		for _, list := range lists {
			pids, _ := os.ReadFile(list) // fails for a thread that has ended
			for pid := range strings.FieldsSeq(string(pids)) {
				b, _ := os.ReadFile("/proc/" + pid + "/status")
				_, rest, _ := strings.Cut(string(b), "VmHWM:")
				if fields := strings.Fields(rest); len(fields) > 0 && strings.HasPrefix(string(b), "Name:\t"+prefix) {
					kib, _ := strconv.ParseInt(fields[0], 10, 64)
					most = max(most, kib<<10)
				}
			}
		}
		select {
		case <-ended:
			again.Stop()
			return most
		case <-again.C:
		}
	}
}

// prefix is the start of the names of the test programs.
const prefix = "test-"

// A program is built once per test process.
type program struct {
	once sync.Once
	file string
	err  error
}

var usual, rogue program

func (p *program) build(path string) (string, error) {
	p.once.Do(func() { p.file, p.err = compile(path) })
	return p.file, p.err
}

// compile builds a program in the checkout's bin/, where the next test finds it up to date. It may
// run concurrently in several processes: a rename makes the file appear.
func compile(path string) (file string, err error) {
	_, here, _, _ := runtime.Caller(0)
	bin := filepath.Join(filepath.Dir(here), "..", "..", "..", "bin")
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return "", err
	}
	file = filepath.Join(bin, prefix+filepath.Base(path))
	made := fmt.Sprintf("%s.%d", file, os.Getpid())
	defer os.Remove(made)
	if b, err := os.ReadFile(file); err == nil { // go build doesn't link an up-to-date program again
		if err := os.WriteFile(made, b, 0o750); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("go", "build", "-o", made, path)
	cmd.Dir = filepath.Dir(here)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", path, err, bytes.TrimSpace(said))
	}
	return file, os.Rename(made, file)
}
