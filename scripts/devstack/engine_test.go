package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/apitest"
)

// TestOnnxRuntime paints through the whole stack with workers that do not link TensorFlow.
func TestOnnxRuntime(t *testing.T) {
	for _, name := range []string{"worker-daemon", "worker-lambda"} {
		buildOnnx(t, name)
	}
	for mode, worker := range map[string]string{"server": "daemon", "lambda": "lambda"} {
		t.Run(mode, func(t *testing.T) {
			d := start(t, mode, "ATELIER_ENGINE=onnx")
			j := d.painted(d.submit(apitest.Stripes(t, 320, 240)))
			if j.Receipt == nil || j.Receipt.Worker != worker || !strings.HasPrefix(j.Receipt.Engine, "onnxruntime 1.") {
				t.Errorf("got receipt %+v, want a %s's with onnxruntime", j.Receipt, worker)
			}
			d.end(os.Interrupt)
		})
	}
}

// buildOnnx compiles a worker that does not link TensorFlow, and returns its path.
func buildOnnx(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(programs(t), name+"-onnx")
	if _, err := os.Stat(file); err == nil {
		return file
	}
	out, err := exec.Command("go", "build", "-tags=nodynamic,onnx", "-o", file, "../../worker/cmd/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}
