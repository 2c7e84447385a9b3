package nfstest

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"os"
	"os/exec"
	"testing"
	"time"
)

const hashVariable = "ATELIER_TEST_HASH"

// Processes that take turns on the one processor keep their vector registers, in which Go's SHA-512
// has its state.
func TestProcessesKeepVectorRegisters(t *testing.T) {
	if os.Getenv(hashVariable) != "" {
		sum := hash()
		if _, err := os.Stdout.WriteString(hex.EncodeToString(sum[:])); err != nil {
			t.Fatal(err)
		}
		os.Exit(0) // without the lines that tests print
	}
	if _, inside := Enter(t, time.Minute); !inside {
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type process struct {
		*exec.Cmd
		out bytes.Buffer
	}
	processes := make([]process, 4)
	for i := range processes {
		p := &processes[i]
		p.Cmd = exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$")
		p.Env = append(os.Environ(), hashVariable+"=1")
		p.Stdout = &p.out
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
	}
	sum := hash()
	want := hex.EncodeToString(sum[:])
	for i := range processes {
		p := &processes[i]
		if err := p.Wait(); err != nil || p.out.String() != want {
			t.Errorf("process %d: got %q, %v; want %s", i, &p.out, err, want)
		}
	}
}

// hash returns the SHA-512 of 256 MiB, which takes many turns.
func hash() (sum [sha512.Size]byte) {
	h := sha512.New()
	block := bytes.Repeat([]byte("atelier "), 1<<17)
	for range 256 {
		_, _ = h.Write(block)
	}
	h.Sum(sum[:0])
	return sum
}
