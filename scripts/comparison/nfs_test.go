package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// A start from a network file system reads the engine from there, in fewer calls with read ahead;
// later pictures read nothing.
func TestStartOnNFS(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := append(quick(t, out)[1:], "--repetitions", "1", "--only", "service-onnx-*nfs*")
	nfstest.Command(t) // skips the test where scripts/nfs can't run
	// The test uses the program itself, because the race detector does not work in scripts/nfs.
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "comparison"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	runs, err := measurement.Load(out)
	if err != nil || len(runs) != 2 {
		t.Fatalf("got %d runs, %v\n%s", len(runs), err, &stderr)
	}
	reads := map[bool]int{}
	for _, r := range runs {
		cold, warm := r.Jobs[0], r.Jobs[1]
		reads[r.Header.Variant.ReadAhead] = cold.NFSReads
		const library = 15e6 // bytes that a start reads at least
		if !cold.Cold || cold.NFSBytes < library || cold.NFSWaited <= 0 || warm.Cold || warm.NFSReads > 10 {
			t.Errorf("%s: %+v and then %+v", r.Header.Variant.Name(), cold, warm)
		}
	}
	if reads[true] == 0 || 2*reads[true] > reads[false] {
		t.Errorf("with read ahead %d calls, without %d", reads[true], reads[false])
	}
}
