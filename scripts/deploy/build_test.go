package deploy_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The same source gives the same bytes, independent of its folder, of earlier builds, of where
// tools and libraries are installed, and of the environment. With ATELIER_DEPLOY_TESTS=all the test
// compares every archive, and compiles everything again for the second build, which takes many
// minutes.
func TestBuildIsReproducible(t *testing.T) {
	mayBuild(t)
	first, archives := sharedArchives(t), slices.Clone(functionArchives)
	env := []string{"GOFLAGS=-race", "GOAMD64=v3", "CGO_CFLAGS=-O0 -g", "CGO_LDFLAGS=-L/nowhere", "CC=false", "TZ=Asia/Tokyo"}
	if os.Getenv("ATELIER_DEPLOY_TESTS") == "all" {
		env = append(env, "GOCACHE="+filepath.Join(t.TempDir(), "go"))
		archives = append(archives, "worker-lambda-tensorflow.zip", "payload.zip", "atelier-ec2.tar.gz")
		first = t.TempDir()
		build(t, "../..", first, nil, archives...)
	}

	elsewhere := filepath.Join(t.TempDir(), "another folder")
	copyTree(t, elsewhere)
	tools := filepath.Join(t.TempDir(), "tools")
	if err := os.Symlink(filepath.Dir(os.Getenv("ATELIER_LIBTENSORFLOW")), tools); err != nil {
		t.Fatal(err)
	}
	second := t.TempDir()
	build(t, elsewhere, second, append(env, "ATELIER_CACHE="+tools), archives...)

	for _, name := range append(archives, "SHA256SUMS") {
		a, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s: two builds differ%s", name, difference(a, b))
		}
	}

	function := unzip(t, filepath.Join(first, "worker-lambda-onnx.zip"))
	loads(t, function, "bootstrap", "libonnxruntime.so.1", "libstdc++.so.6", "libgcc_s.so.1")
	for name, want := range map[string]os.FileMode{"bootstrap": 0o755, "picture-decoder": 0o755, "models/atelier/styles.json": 0o644} {
		if info, err := os.Stat(filepath.Join(function, name)); err != nil || info.Mode()&want != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if slices.Contains(archives, "atelier-ec2.tar.gz") {
		instance := untar(t, filepath.Join(first, "atelier-ec2.tar.gz"))
		loads(t, instance, "bin/worker-daemon-onnx", "libonnxruntime.so.1", "libstdc++.so.6", "libgcc_s.so.1")
		loads(t, instance, "bin/worker-daemon-tensorflow", "libtensorflow_cc.so.2", "libtensorflow_framework.so.2", "libstdc++.so.6", "libgcc_s.so.1")
	}
}

// Every shipped program and library runs on Amazon Linux 2023 and finds its libraries. A build checks
// this too, so only the archives that are not shared are checked here.
func TestShippedPrograms(t *testing.T) {
	mayBuild(t)
	sharedArchives(t)
	help, err := exec.CommandContext(t.Context(), "./build", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--check"}
	for _, m := range regexp.MustCompile(`(?m)^  (\S+\.(?:zip|tar\.gz)) `).FindAllStringSubmatch(string(help), -1) {
		if !slices.Contains(functionArchives, m[1]) {
			args = append(args, m[1])
		}
	}
	cmd := exec.CommandContext(t.Context(), "./build", args...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, b)
	}
}

func mayBuild(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it compiles for minutes")
	}
	if runtime.GOOS+runtime.GOARCH != "linuxamd64" {
		t.Skip("archives are built on Linux with x86-64")
	}
	if _, err := os.Stat(os.Getenv("ATELIER_LIBTENSORFLOW")); err != nil {
		t.Skip(`libtensorflow is not installed: run scripts/setup, then eval "$(scripts/env)"`)
	}
}

func build(t *testing.T, root, out string, env []string, archives ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "scripts/deploy/build"), append([]string{"--out", out}, archives...)...) //nolint:gosec // the project's own
	cmd.Env = append(os.Environ(), env...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
}

// copyTree copies the project's files in git and its untracked files that git does not ignore.
func copyTree(t *testing.T, to string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "-C", "../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Stat(filepath.Join("../..", name))
		if err != nil {
			continue // removed in the work tree, but not in git
		}
		b, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(to, name)
		err = os.MkdirAll(filepath.Dir(path), 0o750)
		if err == nil {
			err = os.WriteFile(path, b, info.Mode().Perm())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// difference lists the files that differ between two zips.
func difference(a, b []byte) string {
	sums := func(b []byte) map[string]uint32 {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return nil
		}
		m := map[string]uint32{}
		for _, f := range z.File {
			m[f.Name] = f.CRC32
		}
		return m
	}
	text, others := "", sums(b)
	for name, sum := range sums(a) {
		if others[name] != sum {
			text += ", in " + name
		}
	}
	return text
}

// The list of files to read ahead belongs to the shipped library; otherwise it would be ignored.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("read-ahead.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Files []struct {
			Name string
			Size int64
		}
	}
	if err := json.Unmarshal(b, &list); err != nil || len(list.Files) == 0 {
		t.Fatal(err)
	}
	installed := os.Getenv("ATELIER_LIBTENSORFLOW")
	if installed == "" {
		t.Skip(`libtensorflow is not installed: run scripts/setup, then eval "$(scripts/env)"`)
	}
	for _, f := range list.Files {
		if info, err := os.Stat(filepath.Join(installed, "lib", f.Name)); err != nil || info.Size() != f.Size {
			t.Errorf("%s has another size: copy the list that scripts/setup has made in %s/lib (%v)", f.Name, installed, err)
		}
	}
}
