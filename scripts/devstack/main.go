// Command devstack runs the whole pipeline on one machine and repaints photographs with it. scripts/demo
// builds and starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/commandline"
)

type settings struct {
	Once       bool          `help:"End after the results; exit with 0 only if every photograph was repainted."`
	Mode       string        `enum:"server,lambda,both" default:"server" help:"How to run the API and the worker: 'server' runs processes (api-server, worker-daemon), 'lambda' runs functions in MiniStack's Lambda, 'both' runs the processes with worker functions on the same queue."`
	Engine     string        `enum:"tensorflow,onnx" default:"tensorflow" env:"ATELIER_ENGINE" help:"Engine of the workers: TensorFlow, or ONNX Runtime, which starts faster and needs less memory."`
	NoSamples  bool          `help:"Start the stack without submitting photographs."`
	Port       int           `help:"Port of the page and the API on 127.0.0.1. Default: 8080, or a free one if that is in use."`
	Dir        string        `help:"Store jobs, results and logs in DIR. Default: a temporary folder, from which only the results are kept." placeholder:"DIR"`
	Model      string        `env:"ATELIER_MODEL" default:"${root}/model/atelier" help:"Folder of the SavedModel." placeholder:"DIR"`
	Samples    string        `env:"ATELIER_SAMPLES" required:"" hidden:"" help:"Folder of the photographs."`
	CopyEvery  time.Duration `env:"ATELIER_COPY_EVERY" default:"2s" hidden:"" help:"Time between two checks for results to copy to S3; 0: do not copy."`
	TensorFlow string        `name:"tensorflow" env:"ATELIER_LIBTENSORFLOW" hidden:"" help:"Folder of the library."`
	ONNX       string        `name:"onnxruntime" env:"ATELIER_ONNXRUNTIME" hidden:"" help:"Folder of the library."`
	Measured   bool          `hidden:"" help:"For measurements: no quotas, and logs as JSON lines."`
	MiniStack  string        `name:"ministack" env:"ATELIER_MINISTACK" required:"" hidden:"" help:"Path of MiniStack's program."`
	Lease      string        `env:"ATELIER_LEASE" hidden:"" help:"Passed on to the programs and functions."`
	SweepEvery string        `env:"ATELIER_SWEEP_EVERY" hidden:"" help:"Passed on, too."`
}

const description = `Runs Atelier on this machine: MiniStack for SQS and S3, a folder for EFS, the API
and the worker, each in a process of its own, and emulators for DataSync, which
copies the results to S3, and for the site that shows them there. Submits real
photographs in several styles, shows how long each stage took and where the
results are, and keeps running, with the page, until Ctrl-C. A part that dies is
reported and restarted.

With --mode lambda the API, the worker and the maintenance of both are AWS Lambda
functions in MiniStack, behind an HTTP API, an event source mapping and a schedule.
The photographs are painted twice, to compare the first picture of a process with
later ones.

Needs no AWS account and no root. Listens only on 127.0.0.1. MiniStack has its
queue and bucket in memory: a job that is still queued when it ends stays queued in
--dir, and the bucket's content is copied there again at the next start.
In --dir, logs/ has the logs of each part and function, and aws.env the environment
variables with which the AWS command line reaches MiniStack.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr,
		kong.Name("scripts/demo"), kong.Description(description), kong.Vars{"root": getenv("ATELIER_ROOT")})
	if command == nil {
		return err
	}
	if s.Once && s.NoSamples {
		return errors.New("--once ends after the photographs, and --no-samples leaves them out: use only one of them")
	}
	if s.CopyEvery < 0 {
		return fmt.Errorf("ATELIER_COPY_EVERY=%s: it must be 0 or more", s.CopyEvery)
	}
	tell := func(format string, args ...any) { fmt.Fprintf(stdout, format+"\n", args...) }
	if err := s.choosePort(tell); err != nil {
		return err
	}
	dir, keep, err := s.folder()
	if err != nil {
		return err
	}
	err = demo(ctx, s, dir, tell)
	if !keep && err == nil { // keep the results for the user
		err = errors.Join(os.RemoveAll(filepath.Join(dir, "shared")), os.RemoveAll(filepath.Join(dir, "logs")))
		return err
	}
	if err != nil {
		tell("The logs are in %s", filepath.Join(dir, "logs"))
	}
	return err
}

// library returns the folder of the workers' engine.
func (s *settings) library() string {
	if s.Engine == "onnx" {
		return s.ONNX
	}
	return s.TensorFlow
}

// parts describes the running programs for users.
func (s *settings) parts() string {
	switch s.Mode {
	case "lambda":
		return "MiniStack (SQS, S3, Lambda, API Gateway) with the functions api-lambda, worker-lambda and maintenance-lambda"
	case "both":
		return "MiniStack (SQS, S3, Lambda) with the function worker-lambda, api-server, worker-daemon"
	}
	return "MiniStack (SQS, S3), api-server, worker-daemon"
}

// choosePort selects 8080, or any free port if the user named none.
func (s *settings) choosePort(tell func(string, ...any)) error {
	if s.Port < 0 || s.Port > 65535 {
		return fmt.Errorf("--port %d: use a port from 1 to 65535", s.Port)
	}
	wanted := s.Port
	if wanted == 0 {
		wanted = 8080
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
	if err != nil && s.Port == 0 {
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err == nil {
			tell("Port 8080 is in use, so another one is used. For the submitter: export ATELIER_API=http://%s", l.Addr())
		}
	}
	if err != nil {
		return fmt.Errorf("port %d is in use: choose another one with --port, or omit --port (%w)", wanted, err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

// folder returns the folder for the stack's state, and whether to keep it.
func (s *settings) folder() (dir string, keep bool, err error) {
	if s.Dir == "" {
		dir, err = os.MkdirTemp("", "atelier-demo-")
		return dir, false, err
	}
	if dir, err = filepath.Abs(s.Dir); err != nil {
		return "", true, err
	}
	return dir, true, os.MkdirAll(dir, 0o750)
}

// demo starts the stack and repaints the samples. It then returns, or keeps the stack running.
func demo(ctx context.Context, s settings, dir string, tell func(string, ...any)) (err error) {
	tell("Starting the stack: %s", s.parts())
	st, err := up(ctx, s, dir, tell)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return err
	}
	defer st.down()
	if !s.NoSamples {
		err = st.paintSamples(ctx, s, tell)
	}
	if s.Once || ctx.Err() != nil {
		return err
	}
	failed := err
	if err != nil {
		tell("%v", err)
	}
	tell("\nGallery on S3: %s/", st.site.base)
	tell("Try it: %s/ is the page. Or, in another terminal:\n  bin/submitter submit PHOTO.jpg --api %s --style NAME -o PAINTED.jpg\nCtrl-C stops everything.", st.base, st.base)
	<-ctx.Done()
	if s.Mode == "lambda" {
		tell("\nStopping: functions give back the jobs that they are painting")
	} else {
		tell("\nStopping: running jobs are finished first")
	}
	return failed
}
