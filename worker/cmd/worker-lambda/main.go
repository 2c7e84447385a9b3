// Worker-lambda is the worker as an AWS Lambda function (runtime provided.al2023),
// whose bootstrap is this program, or worker-bootstrap, which becomes it.
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

	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/emf"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker/cmd/internal/painter"
)

type settings struct {
	painter.Settings `embed:""`

	Deployment string `env:"ATELIER_DEPLOYMENT" help:"Name of the deployment, for metrics." placeholder:"NAME"`

	Log string `env:"ATELIER_LOG" help:"Append the log to FILE too, where nothing keeps what a function prints." placeholder:"FILE"`
}

const description = `Paints the jobs that an SQS event source mapping delivers (with
ReportBatchItemFailures), as an AWS Lambda function.

Lambda starts it; its settings are the function's environment variables. The model
is loaded before the first event.`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "worker-lambda:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, which is the platform's SIGTERM, or until the
// process is no good any more.
func run(ctx context.Context, args []string, getenv func(string) string, stderr io.Writer) error {
	var s settings
	parser, err := kong.New(&s, kong.Name("worker-lambda"), kong.Description(description), painter.FunctionVars)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	api := getenv("AWS_LAMBDA_RUNTIME_API")
	if api == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: Lambda starts this program, or scripts/demo --mode lambda; worker-daemon is the one to start by hand")
	}
	stderr, closeLog, err := logs.WithFile(stderr, s.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	log := logs.JSON(stderr)
	// The last part is the process, as in the daemon's name; the one before it is in CloudWatch.
	name := fmt.Sprintf("%s/%s/%d", getenv("AWS_LAMBDA_FUNCTION_NAME"), getenv("AWS_LAMBDA_LOG_STREAM_NAME"), os.Getpid())
	aws, err := awsconfig.Load(ctx)
	if err != nil {
		return err
	}
	jobs, err := store.Open(store.Config{Dir: s.Dir, Lease: s.Lease})
	if err != nil {
		return err
	}
	b := newBilling(getenv, log)
	p, err := s.Open(aws, jobs, painter.Process{
		Kind: "lambda", Name: name, Log: log, Charge: b.charge, Ended: attempts(emf.New(stderr, "worker", s.Deployment)),
	})
	if err != nil {
		return err
	}
	// Nothing is closed: the process ends with the function's environment.
	b.started()
	f := newFunction(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		return p.Worker.HandleSQS(ctx, p.Queue, e)
	})
	return f.serve(ctx, getenv("AWS_LAMBDA_INITIALIZATION_TYPE") != "")
}
