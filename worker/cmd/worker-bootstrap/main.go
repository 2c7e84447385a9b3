// Worker-bootstrap starts a worker whose engine is on a network file system. It asks the kernel to
// read the files that the worker will use, and then replaces itself with the worker, without
// waiting for them. See usage.
//
// It is a separate, static program, because the worker itself would be too late: the dynamic linker
// loads the engine's library, hundreds of megabytes, before any code of the worker runs.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/readahead"
)

const usage = `usage: worker-bootstrap [PROGRAM [ARGUMENT...]]

Makes the kernel read ahead the files that a worker's start touches, with many requests
at a time and without waiting for them, and then replaces itself with PROGRAM: the same
process, with its arguments and environment. Use it if the engine's library or the model
is on a network file system, such as EFS. For files in the page cache it takes some
milliseconds.

PROGRAM without a slash is searched for in the folder of this program. The default is
worker-lambda, so that this program is the bootstrap of an AWS Lambda function.

The environment variable ATELIER_READ_AHEAD lists what to read: paths, separated by
colons. A folder, such as the model's, is read completely. A file is a list of parts of
files in its own folder: scripts/setup writes read-ahead.json beside each engine's
library. Files that are missing or don't match are logged and skipped; the worker starts
in any case.
`

func main() {
	err := run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker-bootstrap:", err)
		os.Exit(1)
	}
}

// run replaces this process with the worker. It returns only if that failed, or after it has
// printed the usage.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		args = []string{"worker-lambda"}
	}
	if args[0] == "-h" || args[0] == "--help" {
		_, err := io.WriteString(stdout, usage)
		return err
	}
	program, err := find(args[0])
	if err != nil {
		return err
	}
	readAhead(filepath.SplitList(getenv("ATELIER_READ_AHEAD")), slog.New(slog.NewTextHandler(stderr, nil)))
	if err := syscall.Exec(program, append([]string{program}, args[1:]...), os.Environ()); err != nil {
		return fmt.Errorf("start %s: %w", program, err)
	}
	return nil
}

// find returns the path of a program. A name without a slash is looked for in the folder of this
// program.
func find(name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	program, err := exec.LookPath(filepath.Join(filepath.Dir(own), name))
	if err != nil {
		return "", fmt.Errorf("%w: put %s beside this program, or name a worker by its path", err, name)
	}
	return program, nil
}

// most is how many bytes are read ahead at most; half of the available memory is another limit.
// TensorFlow needs a fraction of it.
const most = 1 << 30

// patience is how long this program waits for its requests to the kernel. They take milliseconds,
// unless the file system hangs; the worker's start then has to wait for it in any case.
const patience = 3 * time.Second

// readAhead asks the kernel to read the files at the paths, in this order.
func readAhead(paths []string, log *slog.Logger) {
	if len(paths) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		began := time.Now()
		left, err := available()
		if err != nil {
			log.Warn("reading ahead is skipped", "error", err)
			return
		}
		left = min(left/2, most)
		requested := int64(0)
		var errs []error
		for _, path := range paths {
			n, err := readahead.Start(path, left-requested)
			requested += n
			if err != nil {
				errs = append(errs, err)
			}
		}
		if err := errors.Join(errs...); err != nil {
			log.Warn("some files are not read ahead", "error", err)
		}
		log.Info("requested files to be read ahead", "bytes", requested, "took", time.Since(began))
	}()
	select {
	case <-done:
	case <-time.After(patience): // starting the program ends the goroutine
		log.Warn("reading ahead takes too long: the file system does not respond", "after", patience)
	}
}

// available returns how many bytes of memory programs can take without swapping.
func available() (int64, error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("/proc/meminfo has no MemAvailable")
}
