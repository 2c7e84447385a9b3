// Worker-lambda is the worker as an AWS Lambda function (runtime provided.al2023). The function's
// bootstrap is this program, or worker-bootstrap, which replaces itself with it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/worker/cmd/internal/painter"
)

type settings struct {
	commandline.Worker `embed:""`

	Deployment string `env:"ATELIER_DEPLOYMENT" help:"Name of the deployment, for metrics." placeholder:"NAME"`

	Log string `env:"ATELIER_LOG" help:"Append the log to FILE too, for platforms that do not keep what a function prints." placeholder:"FILE"`
}

const description = `Paints the jobs that an SQS event source mapping delivers (with
ReportBatchItemFailures), as an AWS Lambda function.

Lambda starts it, and the function's environment variables configure it. The model
is loaded before the first event.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "worker-lambda:", err)
		os.Exit(1)
	}
}

// run handles events until ctx ends, with the platform's SIGTERM, or until the engine is stuck.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr,
		kong.Name("worker-lambda"), kong.Description(description), kong.Vars{"watchdog": "30s"}) // before an invocation times out
	if command == nil {
		return err
	}
	api := getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda, or by scripts/demo --mode lambda; by hand, start worker-daemon")
	}
	stderr, closeLog, err := logs.WithFile(stderr, s.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	log := logs.JSON(stderr)
	// The log stream is the name in CloudWatch; the process id is last, as in the daemon's name.
	name := fmt.Sprintf("%s/%s/%d", getenv("AWS_LAMBDA_FUNCTION_NAME"), getenv("AWS_LAMBDA_LOG_STREAM_NAME"), os.Getpid())
	parts, err := wiring.Open(ctx, wiring.Config{Store: store.Config{Dir: s.Dir, Lease: s.Lease}, Queue: s.Queue, Log: log})
	if err != nil {
		return err
	}
	b := newBilling(getenv, log)
	p, err := painter.Open(parts, painter.Config{Engine: painter.Engine(s.Engine), Library: s.Library(), Watchdog: s.Watchdog}, painter.Process{
		Kind: "lambda", Name: name, Version: commandline.Version(), Log: log, SetCost: b.setCost,
		Report: reportMetrics(cloudwatch.New(stderr, "worker", s.Deployment)),
	})
	if err != nil {
		return err
	}
	// Nothing is closed, because the process ends with the function's environment.
	b.started()
	f := newFunction(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		return p.Worker.HandleSQS(ctx, parts.Queue, e)
	})
	return f.serve(ctx, getenv("AWS_LAMBDA_INITIALIZATION_TYPE") != "")
}
