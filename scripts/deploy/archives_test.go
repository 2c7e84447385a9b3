package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a temporary folder
	}
	os.Exit(code)
}

// archivesVariable names a folder with archives that scripts/deploy/build has already made.
const archivesVariable = "ATELIER_TEST_ARCHIVES"

// functionArchives are the archives of a deployment on functions with ONNX Runtime.
var functionArchives = []string{"api-lambda.zip", "maintenance-lambda.zip", "worker-lambda-onnx.zip"}

// sharedArchives returns the folder of functionArchives, built once for all tests, which must not
// change it.
func sharedArchives(t *testing.T) string {
	t.Helper()
	if err := buildShared(); err != nil {
		t.Fatal(err)
	}
	return built
}

// built is the folder that buildShared fills; empty before.
var built string

var buildShared = sync.OnceValue(func() (err error) {
	if built, err = os.MkdirTemp("", "atelier-archives-"); err != nil {
		return err
	}
	if out, err := exec.Command("./build", append([]string{"--out", built}, functionArchives...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// otherArchives replaces the folder of archives by one with links to the named archives, to which a
// test can add others.
func (d *deployment) otherArchives(names ...string) {
	d.Helper()
	from := d.archives
	d.archives = d.root.TempDir()
	for _, name := range names {
		if err := os.Symlink(filepath.Join(from, name), filepath.Join(d.archives, name)); err != nil {
			d.Fatal(err)
		}
	}
}
