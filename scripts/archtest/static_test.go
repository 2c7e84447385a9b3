package archtest

import (
	"os/exec"
	"strings"
	"testing"
)

// TestStatic: a main that is built without C links no package that needs it. (The standard library
// works with and without C.)
func TestStatic(t *testing.T) {
	for _, main := range []string{"worker/cmd/maintenance-lambda", "worker/cmd/worker-bootstrap", "worker/cmd/picture-decoder"} {
		list := exec.Command("go", "list", "-deps", "-f", "{{if and .CgoFiles (not .Standard)}}{{.ImportPath}}{{end}}", module+"/"+main)
		list.Env = append(list.Environ(), "CGO_ENABLED=1")
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		if packages := strings.Fields(string(out)); len(packages) > 0 {
			t.Errorf("%s links C via %q", main, packages)
		}
	}
}
