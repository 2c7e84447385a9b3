// Api-lambda is the HTTP API and the page as an AWS Lambda function (runtime
// provided.al2023, this program being its bootstrap) behind an API Gateway HTTP
// API with payload format 2.0.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/store"
)

type settings struct {
	commandline.API `embed:""`

	Local      bool         `env:"ATELIER_LOCAL" help:"The function runs on a local stack, with AWS_ENDPOINT_URL on loopback."`
	Keys       keys.Setting `env:"ATELIER_KEYS" help:"Require API keys. The list has one line for each key, as api-server keygen writes it, and is ${keys}. It is read again when it changes (a file at the next request, the others within 10 s; a variable never)." placeholder:"PLACE"`
	Deployment string       `env:"ATELIER_DEPLOYMENT" help:"Name of the deployment, for metrics." placeholder:"NAME"`
	Log        string       `env:"ATELIER_LOG" help:"Append the log to FILE too, for a local stack that does not store a function's output." placeholder:"FILE"`

	commandline.Workers `embed:""`
	commandline.Shares  `embed:""`
	commandline.Quotas  `embed:""`
}

// Validate checks the settings; kong calls it.
func (s *settings) Validate() error {
	return errors.Join((*api.Workers)(&s.Workers).Validate(), (*api.Shares)(&s.Shares).Validate(), store.Quotas(s.Quotas).Validate())
}

const description = `Serves Atelier's HTTP API and its page as an AWS Lambda function behind an API
Gateway HTTP API (payload format 2.0).

Lambda starts it; its settings are the function's environment variables. Without
--keys it refuses to start on anything but a local stack (scripts/demo --mode
lambda). API Gateway limits the total rate of requests; --rate and the other limits of
a server process apply to each process of the function separately.`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "api-lambda:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr,
		kong.Name("api-lambda"), kong.Description(description), kong.Vars{"keys": keys.Places})
	if command == nil {
		return err
	}
	if s.Keys == "" {
		if err := checkKeyless(s.Local, getenv("AWS_ENDPOINT_URL")); err != nil {
			return err
		}
	}
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: Lambda starts this program, or scripts/demo --mode lambda; api-server is the one to start by hand")
	}
	stderr, closeLog, err := logs.WithFile(stderr, s.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	log := logs.JSON(stderr)

	handler, err := newHandler(ctx, s, getenv, log)
	if err != nil {
		return err
	}
	lambda.StartWithOptions(newGateway(handler, log, cloudwatch.New(stderr, "api", s.Deployment)).handle, lambda.WithContext(ctx))
	return nil // not reached: the line above ends the process
}
