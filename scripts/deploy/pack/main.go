// Command pack writes the archives that scripts/deploy/build has staged, with the same bytes for the same
// files, after checking that Amazon Linux 2023 can run every program in them.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
)

type settings struct {
	Stage string `required:"" help:"Folder with one subfolder per archive, named like the archive (.zip, .tar.gz). Links are followed." placeholder:"DIR"`
	Out   string `help:"Folder for the archives and SHA256SUMS. Default: check all archives without writing them." placeholder:"DIR"`

	Archives []string `arg:"" optional:"" help:"Archives to write; default: all. The files of other archives only count as available at run time."`
}

func main() {
	if err := run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr,
		kong.Name("pack"), kong.Description("Writes the archives of a deployment, reproducibly."))
	if command == nil {
		return err
	}
	entries, err := os.ReadDir(s.Stage) // sorted
	if err != nil {
		return err
	}
	archives := make(map[string][]file, len(entries))
	shared := make(libraries)
	for _, e := range entries {
		files, err := list(filepath.Join(s.Stage, e.Name()))
		if err != nil {
			return err
		}
		archives[e.Name()] = files
		if e.Name() != payload {
			continue
		}
		if err := shared.add(files); err != nil {
			return err
		}
	}
	var sums strings.Builder
	for _, e := range entries {
		if len(s.Archives) > 0 && !slices.Contains(s.Archives, e.Name()) {
			continue
		}
		if err := check(e.Name(), archives[e.Name()], shared); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		if s.Out == "" {
			continue
		}
		sum, err := write(filepath.Join(s.Out, e.Name()), archives[e.Name()])
		if err != nil {
			return fmt.Errorf("write %s: %w", e.Name(), err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum, e.Name())
	}
	if s.Out == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(s.Out, "SHA256SUMS"), []byte(sums.String()), 0o644) //nolint:gosec // may be read by everybody
}

// payload is the archive that is unpacked on the shared file system, where functions find files
// that their own archives lack.
const payload = "payload.zip"

// maxFunction is Lambda's limit for the total size of a function's files.
const maxFunction = 250 << 20

// check returns an error if an archive's files would not run where it is unpacked.
func check(name string, files []file, shared libraries) error {
	function := strings.HasSuffix(name, ".zip") && name != payload
	var total int64
	for _, f := range files {
		total += f.size
	}
	if function && total > maxFunction {
		return fmt.Errorf("its files have %d bytes, but Lambda allows a function %d: remove files or move them to %s", total, maxFunction, payload)
	}
	found := make(libraries)
	if err := found.add(files); err != nil {
		return err
	}
	if function {
		for name, l := range shared {
			if _, ok := found[name]; !ok {
				found[name] = l
			}
		}
	}
	var errs []error
	for _, f := range files {
		if err := runs(f.path, found); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", f.name, err))
		}
	}
	return errors.Join(errs...)
}

// write makes the archive at path, whole or not at all, and returns its SHA-256.
func write(path string, files []file) (sum []byte, err error) {
	part := path + ".part"
	out, err := os.Create(part) //nolint:gosec // the caller's folder
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, out.Close())
		if err == nil {
			err = os.Rename(part, path)
		} else {
			_ = os.Remove(part) // the first error is returned
		}
	}()
	digest := sha256.New()
	if err := pack(path, io.MultiWriter(out, digest), files); err != nil {
		return nil, err
	}
	return digest.Sum(nil), nil
}
