package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An archive depends on names, contents and executable bits, not on times, umask or the order in
// which files were made.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a.zip", "a.tar.gz"} {
		var before []byte
		for i, order := range [][]string{{"lib/x", "bootstrap"}, {"bootstrap", "lib/x"}} {
			stage, out := t.TempDir(), t.TempDir()
			for _, file := range order {
				path := filepath.Join(stage, name, file)
				mode := os.FileMode(0o600 + 0o044*i)
				if file == "bootstrap" {
					mode |= 0o100
				}
				put(t, path, strings.Repeat(file, 1000), mode)
				when := time.Unix(int64(1e9*(i+1)), 0)
				if err := os.Chtimes(path, when, when); err != nil {
					t.Fatal(err)
				}
			}
			if err := run([]string{"--stage", stage, "--out", out}, os.Getenv, io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && !bytes.Equal(b, before) {
				t.Errorf("%s: two archives of the same files differ", name)
			}
			before = b
		}
	}
}

// Programs that Amazon Linux 2023 can't run are not packed.
func TestForeign(t *testing.T) {
	t.Parallel()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc: sudo apt-get install gcc libc6-dev")
	}
	for name, tt := range map[string]struct {
		source string
		flags  []string
		want   string // in the error; "" for none
	}{
		"glibc alone":              {"int main(void) { return 0; }", nil, ""},
		"glibc, static":            {"int main(void) { return 0; }", []string{"-static"}, ""},
		"beside the program":       {"int main(void) { return 0; }", []string{"-Wl,-rpath,$ORIGIN/lib"}, ""},
		"a folder of this machine": {"int main(void) { return 0; }", []string{"-Wl,-rpath,/home/me/lib"}, `searches for libraries in "/home/me/lib"`},
		"a relative folder":        {"int main(void) { return 0; }", []string{"-Wl,-rpath,lib"}, `searches for libraries in "lib"`},
		"a newer glibc":            {"unsigned arc4random(void); int main(void) { return arc4random(); }", nil, "it needs GLIBC_2.36 of libc.so.6; Amazon Linux 2023 has glibc 2.34"},
		"a library":                {"int main(void) { return 0; }", []string{"-Wl,--no-as-needed", "-lresolv"}, "it needs libresolv.so.2, which neither"},
		"another dynamic linker":   {"int main(void) { return 0; }", []string{"-Wl,--dynamic-linker=/lib/ld.so"}, "its dynamic linker is /lib/ld.so"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stage, out := t.TempDir(), t.TempDir()
			program := filepath.Join(stage, "f.zip", "bootstrap")
			if err := os.MkdirAll(filepath.Dir(program), 0o750); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), compiler, append([]string{"-x", "c", "-", "-o", program}, tt.flags...)...) //nolint:gosec // from the PATH
			cmd.Stdin = strings.NewReader(tt.source)
			if b, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("this compiler can't build it: %v\n%s", err, b)
			}
			err := run([]string{"--stage", stage, "--out", out}, os.Getenv, io.Discard, io.Discard)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "f.zip: bootstrap")):
				t.Errorf("%v, want ... %s ...", err, tt.want)
			}
			if left, err := filepath.Glob(filepath.Join(out, "*")); tt.want != "" && (err != nil || len(left) > 0) {
				t.Errorf("unfinished files: %q, %v", left, err)
			}
		})
	}
}

// A library in the payload may be missing in a function's archive, if it has the required versions,
// but not in the archive for instances.
func TestPayload(t *testing.T) {
	t.Parallel()
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc: sudo apt-get install gcc libc6-dev")
	}
	compile := func(output, source string, flags ...string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(output), 0o750); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), compiler, append([]string{"-o", output, "-x", "c", "-"}, flags...)...) //nolint:gosec // from the PATH
		cmd.Stdin = strings.NewReader(source)
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
	scratch := t.TempDir()
	script := filepath.Join(scratch, "versions")
	put(t, script, "V_2 { f; };", 0o600)
	old := filepath.Join(scratch, "old")
	put(t, old, "V_1 { f; };", 0o600)
	library := filepath.Join(scratch, "libengine.so.1")
	compile(library, "int f(void) { return 0; }", "-shared", "-fPIC", "-Wl,-soname,libengine.so.1", "-Wl,--version-script="+script)
	older := filepath.Join(scratch, "older", "libengine.so.1")
	compile(older, "int f(void) { return 0; }", "-shared", "-fPIC", "-Wl,-soname,libengine.so.1", "-Wl,--version-script="+old)
	program := filepath.Join(scratch, "program")
	compile(program, "int f(void); int main(void) { return f(); }", "-x", "none", library)

	for name, tt := range map[string]struct {
		archive, payload, want string
	}{
		"a function":                  {"f.zip", library, ""},
		"an instance":                 {"f.tar.gz", library, "it needs libengine.so.1, which neither"},
		"a function, an older engine": {"f.zip", older, "it needs V_2 of libengine.so.1, which the one in the archive lacks"},
	} {
		stage := t.TempDir()
		for _, link := range [][2]string{{program, tt.archive + "/bootstrap"}, {tt.payload, "payload.zip/lib/libengine.so.1"}} {
			path := filepath.Join(stage, link[1])
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(link[0], path); err != nil {
				t.Fatal(err)
			}
		}
		err := run([]string{"--stage", stage, "--out", t.TempDir()}, os.Getenv, io.Discard, io.Discard)
		if (tt.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// Lambda refuses archives whose files are too large, so the check reports it.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	stage := t.TempDir()
	for _, archive := range []string{"f.zip", "payload.zip"} {
		path := filepath.Join(stage, archive, "library")
		put(t, path, "", 0o600)
		if err := os.Truncate(path, maxFunction+1); err != nil { // a sparse file
			t.Fatal(err)
		}
	}
	files, err := list(filepath.Join(stage, "f.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if err := check("f.zip", files, nil); err == nil || !strings.Contains(err.Error(), "Lambda allows a function 262144000") {
		t.Error(err)
	}
	if err := check("payload.zip", files, nil); err != nil {
		t.Error(err)
	}
}

// A file that is executable on this machine is executable in the archive.
func TestModes(t *testing.T) {
	t.Parallel()
	stage, out := t.TempDir(), t.TempDir()
	put(t, filepath.Join(stage, "f.zip", "program"), "#!/bin/sh\n", 0o700)
	put(t, filepath.Join(stage, "f.zip", "data"), "", 0o600)
	if err := run([]string{"--stage", stage, "--out", out}, os.Getenv, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(out, "f.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if want := map[string]os.FileMode{"program": 0o755, "data": 0o644}[f.Name]; f.Mode() != want {
			t.Errorf("%s has mode %v, want %v", f.Name, f.Mode(), want)
		}
	}
}

func put(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, []byte(content), mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
