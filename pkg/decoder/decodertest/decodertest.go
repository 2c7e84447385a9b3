// Package decodertest builds the programs with which tests decode: picture-decoder, and
// one that misbehaves on demand.
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

// New returns a decoder for a test, which is closed at its end. With change, which may be
// nil, its configuration can be another than the usual one.
func New(t testing.TB, change func(*decoder.Config)) *decoder.Decoder {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	cfg := decoder.Config{Program: program, Keep: 2}
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

// Program returns the file of picture-decoder.
func Program() (string, error) {
	return usual.build(module + "/worker/cmd/picture-decoder")
}

// Rogue returns the file of a picture-decoder that misbehaves when a photograph has the
// words of a [Vice] in it, as in a comment, and decodes all others.
func Rogue(t testing.TB) string {
	t.Helper()
	file, err := rogue.build(module + "/pkg/decoder/decodertest/rogue")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// A Vice is what a rogue decoder does with a picture.
type Vice string

// The vices.
const (
	Eats    Vice = "rogue: eats"    // touches 64 MiB at a time without end
	Spins   Vice = "rogue: spins"   // on all processors
	Sleeps  Vice = "rogue: sleeps"  // never replies
	Crashes Vice = "rogue: crashes" // by an error that Go doesn't recover from
	Dies    Vice = "rogue: dies"    // as if the system had killed it
	Lies    Vice = "rogue: lies"    // says that there are more pixels than asked for
	Babbles Vice = "rogue: babbles" // replies with a line without end
	Floods  Vice = "rogue: floods"  // writes more than asked for into the output
)

// PeakMemory returns the largest resident size, in bytes, of any decoder that this process
// has while f runs. Between fork and exec one is this process once more, and goes by its
// name.
func PeakMemory(f func()) (most int64) {
	ended := make(chan struct{})
	go func() { defer close(ended); f() }()
	for again := time.NewTicker(5 * time.Millisecond); ; {
		lists, _ := filepath.Glob("/proc/self/task/*/children")
		for _, list := range lists {
			pids, _ := os.ReadFile(list) // a thread that has ended has none
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

// prefix begins the names of the programs that tests decode with.
const prefix = "test-"

// A program is built once in a test's process.
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

// compile builds a program in the checkout's bin/, where the next test finds it up to
// date. Several may do so at a time: the file appears by a rename.
func compile(path string) (file string, err error) {
	_, here, _, _ := runtime.Caller(0)
	bin := filepath.Join(filepath.Dir(here), "..", "..", "..", "bin")
	if err := os.MkdirAll(bin, 0o750); err != nil {
		return "", err
	}
	file = filepath.Join(bin, prefix+filepath.Base(path))
	made := fmt.Sprintf("%s.%d", file, os.Getpid())
	defer os.Remove(made)
	if b, err := os.ReadFile(file); err == nil { // go doesn't link it again where nothing has changed
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
