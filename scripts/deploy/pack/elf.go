package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The limits of Amazon Linux 2023: glibc 2.34 and, in Lambda's provided.al2023, no C++ runtime.
const maxGlibc = "2.34"

var glibc = []string{
	"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2",
}

const interpreter = "/lib64/ld-linux-x86-64.so.2"

// libraries are the available libraries, with the symbol versions that each defines.
type libraries map[string][]string

// add adds the libraries among files.
func (l libraries) add(files []file) error {
	for _, f := range files {
		err := open(f.path, func(e *elf.File) error {
			defined, err := e.DynamicVersions()
			if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
				return err
			}
			names := []string{}
			for _, v := range defined {
				names = append(names, v.Name)
			}
			l[path.Base(f.name)] = names
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// open calls read with the ELF file at path; other files are ignored.
func open(path string, read func(*elf.File) error) error {
	in, err := os.Open(path) //nolint:gosec // a file to be packed
	if err != nil {
		return err
	}
	defer in.Close()
	magic := make([]byte, len(elf.ELFMAG))
	if n, _ := in.ReadAt(magic, 0); n < len(magic) || !bytes.Equal(magic, []byte(elf.ELFMAG)) {
		return nil
	}
	e, err := elf.NewFile(in)
	if err != nil {
		return err
	}
	return read(e)
}

// runs returns an error if the ELF file at path can't run on Amazon Linux 2023 with the libraries
// found, or depends on the machine that built it. It returns nil for other files.
func runs(path string, found libraries) error {
	return open(path, func(e *elf.File) error {
		var errs []error
		if e.Machine != elf.EM_X86_64 {
			errs = append(errs, fmt.Errorf("it is for %v, not x86-64", e.Machine))
		}
		for _, p := range e.Progs {
			if p.Type != elf.PT_INTERP {
				continue
			}
			b := make([]byte, p.Filesz)
			if _, err := p.ReadAt(b, 0); err != nil {
				return err
			}
			if linker := string(bytes.TrimRight(b, "\x00")); linker != interpreter {
				errs = append(errs, fmt.Errorf("its dynamic linker is %s, which does not exist there; it must be %s", linker, interpreter))
			}
		}
		if e.Section(".dynamic") == nil {
			return errors.Join(errs...) // static
		}
		errs = append(errs, searches(e), needs(e, found))
		return errors.Join(errs...)
	})
}

// searches returns an error if e searches for libraries in a folder of the machine that built it.
func searches(e *elf.File) error {
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := e.DynString(tag)
		if err != nil {
			return err
		}
		for _, value := range values {
			for folder := range strings.SplitSeq(value, ":") {
				if folder != "$ORIGIN" && !strings.HasPrefix(folder, "$ORIGIN/") {
					return fmt.Errorf("it searches for libraries in %q: only folders relative to $ORIGIN are the same on every machine", folder)
				}
			}
		}
	}
	return nil
}

// needs returns an error for each library, or version of one, that e needs and that is not found.
func needs(e *elf.File, found libraries) error {
	var errs []error
	imported, err := e.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, name := range imported {
		if _, ok := found[name]; !ok && !slices.Contains(glibc, name) {
			errs = append(errs, fmt.Errorf("it needs %s, which neither Amazon Linux 2023 nor the archive contains", name))
		}
	}
	versions, err := e.DynamicVersionNeeds()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return err
	}
	for _, v := range versions {
		for _, n := range v.Needs {
			if defined, ok := found[v.Name]; ok {
				if !slices.Contains(defined, n.Dep) {
					errs = append(errs, fmt.Errorf("it needs %s of %s, which the one in the archive lacks", n.Dep, v.Name))
				}
			} else if !inGlibc(n.Dep) {
				errs = append(errs, fmt.Errorf("it needs %s of %s; Amazon Linux 2023 has glibc %s", n.Dep, v.Name, maxGlibc))
			}
		}
	}
	return errors.Join(errs...)
}

// inGlibc returns whether Amazon Linux 2023's glibc has a symbol version.
func inGlibc(version string) bool {
	number, ok := strings.CutPrefix(version, "GLIBC_")
	return ok && slices.Compare(numbers(number), numbers(maxGlibc)) <= 0
}

// numbers returns the numbers of a version. For names that are not versions (GLIBC_PRIVATE,
// GLIBC_ABI_DT_RELR) it returns a number higher than any version.
func numbers(version string) []int {
	var ns []int
	for word := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(word)
		if err != nil {
			return []int{1 << 30}
		}
		ns = append(ns, n)
	}
	return ns
}
