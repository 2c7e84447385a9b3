// Maintenance-lambda is an AWS Lambda function (runtime provided.al2023; this program is its bootstrap)
// that sweeps jobs, has results copied, and updates the gallery.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

type settings struct {
	commandline.Location `embed:""`

	Bucket     string `env:"ATELIER_BUCKET" help:"S3 bucket of the gallery and of the copies of results, which are erased there together with the job." placeholder:"NAME"`
	Task       string `name:"datasync-task" env:"ATELIER_DATASYNC_TASK" help:"ARN of the DataSync task that copies the shared directory's published/ to the bucket's pictures/. It is started when there is something to copy. Default: nothing is copied." placeholder:"ARN"`
	Role       string `name:"datasync-role" env:"ATELIER_DATASYNC_ROLE" help:"ARN of the role with which DataSync reads manifests, the bucket's datasync/*; needed with --datasync-task." placeholder:"ARN"`
	Payload    string `env:"ATELIER_PAYLOAD" help:"The s3:// address of payload.zip, TensorFlow and the model as scripts/deploy/build packs them, to be installed in the shared directory." placeholder:"s3://BUCKET/KEY"`
	Deployment string `env:"ATELIER_DEPLOYMENT" help:"Name of the deployment, for metrics." placeholder:"NAME"`
	// Environment is the name of the execution environment's log stream, which is unique.
	Environment string `hidden:"" env:"AWS_LAMBDA_LOG_STREAM_NAME"`
	Log         string `env:"ATELIER_LOG" help:"Append the log to FILE too, for platforms that do not keep what a function prints." placeholder:"FILE"`

	commandline.Times `embed:""`
}

// Validate is called by kong after parsing.
func (s *settings) Validate() error {
	if s.Task != "" && (s.Bucket == "" || s.Role == "") {
		return errors.New("--datasync-task needs --bucket and --datasync-role")
	}
	return sweeper.Times(s.Times).Validate()
}

const description = `Sweeps jobs, has results copied and updates the gallery, as an AWS Lambda function.

Lambda starts it, and the function's environment variables configure it. Events:

  {"task":"sweep"}    from EventBridge Scheduler, every minute: repairs lost and
                      abandoned jobs, and starts DataSync if there is something new
  {"task":"gallery"}  from a deployment: stores the gallery's page, and updates its
                      manifests
  {"task":"install"}  from a deployment: unpacks --payload into the shared directory
  {"task":"verify"}   tests that the file system does what the store relies on
  {"task":"verify","pair":NAME}  invoked twice at the same time with one NAME, of 8 to 32
                      lowercase letters and digits: tests what the store relies on
                      between two NFS clients
  DataSync Task Execution State Change, State SUCCESS or ERROR, from an EventBridge
                      rule: updates the gallery's manifests`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "maintenance-lambda:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var s settings
	command, err := commandline.Parse(&s, args, getenv, stdout, stderr, kong.Name("maintenance-lambda"), kong.Description(description))
	if command == nil {
		return err
	}
	if getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda, or by scripts/demo --mode lambda")
	}
	stderr, closeLog, err := logs.WithFile(stderr, s.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	f, err := open(ctx, s, logs.JSON(stderr), cloudwatch.New(stderr, "maintenance", s.Deployment))
	if err != nil {
		return err
	}
	lambda.StartWithOptions(f.invoke, lambda.WithContext(ctx))
	return nil // not reached: the line above ends the process when the platform closes the connection
}
