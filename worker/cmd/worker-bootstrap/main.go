// Worker-bootstrap starts a worker whose engine lies on a network file system: it has read
// ahead what the start will touch, and becomes the worker. See usage.
//
// It is a program of its own, and static, because the worker can't do it: the system's
// linker loads the engine's library, hundreds of megabytes, before the worker's first step.
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

Has the kernel read ahead what a worker's start touches, many calls at a time and
without waiting for them, and becomes PROGRAM: the same process, with its arguments
and environment. For workers whose engine's library or model lies on a network file
system, such as EFS; what is in the page cache already costs some milliseconds.

PROGRAM without a slash is looked for beside this program. Default: worker-lambda, so
that with it this is the bootstrap of an AWS Lambda function.

ATELIER_READ_AHEAD says what to read, in its environment: paths with colons between
them. A folder is read whole, such as the model's. A file is a list of parts of files
in its own folder: scripts/setup writes read-ahead.json beside each engine's library.
What is missing or doesn't fit is logged and left out; the worker starts all the same.
`

func main() {
	err := run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "worker-bootstrap:", err)
		os.Exit(1)
	}
}

// run returns only if the program could not be started, or where none is wanted.
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

// find is the file of a program, beside this one if it is named without a slash.
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

// most is how many bytes are read ahead, if there is twice the memory: several times
// what TensorFlow takes.
const most = 1 << 30

// patience is how long asking for the pages may take. It takes milliseconds, unless the
// file system hangs; the worker then waits for it in its own way.
const patience = 3 * time.Second

// readAhead asks for what is at the paths, in their order.
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
			log.Warn("nothing is read ahead", "error", err)
			return
		}
		left = min(left/2, most)
		asked := int64(0)
		var errs []error
		for _, path := range paths {
			n, err := readahead.Start(path, left-asked)
			asked += n
			if err != nil {
				errs = append(errs, err)
			}
		}
		if err := errors.Join(errs...); err != nil {
			log.Warn("not all is read ahead", "error", err)
		}
		log.Info("reading ahead", "bytes", asked, "took", time.Since(began))
	}()
	select {
	case <-done:
	case <-time.After(patience): // the program's start ends it
		log.Warn("reading ahead is left to itself: the file system does not respond", "after", patience)
	}
}

// available is how many bytes of memory could be had without swapping.
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
	return 0, errors.New("/proc/meminfo does not tell how much memory is available")
}
